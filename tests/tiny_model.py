"""A sentence-transformers model made on the spot: two random layers, 32 dims, few words but all letters."""

from pathlib import Path
from typing import Any

VOCABULARY = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ":", ",", "goats", "bread", "bridge", "ask", "say",
    *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"),
]  # fmt: skip
PROMPTS = {"query": "ask: ", "passage": "say: "}
MAX_TOKENS = 24


def make_model(folder: Path, pooling: str = "mean", prompts: dict[str, str] | None = None) -> Path:
    """Write the model to `folder` with safetensors weights. A pure function of its arguments."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(1)
    bare = folder.with_name(f"{folder.name}-bare")
    bare.mkdir(parents=True)
    (bare / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    BertModel(config).save_pretrained(bare)
    BertTokenizerFast(str(bare / "vocab.txt")).save_pretrained(bare)
    transformer: Any = Transformer(str(bare), max_seq_length=MAX_TOKENS)
    model = SentenceTransformer(
        modules=[transformer, Pooling(32, pooling_mode=pooling)], prompts=prompts or {}, device="cpu"
    )
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    return folder
