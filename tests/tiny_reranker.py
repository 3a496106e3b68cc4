"""A cross-encoder made on the spot, whose weights are set by hand: the more of a pair is `goats`, the higher.

One layer. Every token but `goats` is a zero vector; attention is even, so the first token sees the mean of
all; the classifier reads one dimension of it. A pure function of its arguments.
"""

from pathlib import Path
from typing import Any

from tests.tiny_model import VOCABULARY

DIM = 32
MAX_TOKENS = 192


def make_reranker(folder: Path, labels: int = 1) -> Path:
    """Write the model to `folder` with safetensors weights."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True)
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=DIM, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=DIM, max_position_embeddings=MAX_TOKENS, num_labels=labels,
        layer_norm_eps=1.0,  # large, so that a layer norm keeps what is little and what is much apart
    )  # fmt: skip
    model: Any = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1.0 if "LayerNorm.weight" in name else 0.0)
        bert, layer = model.bert, model.bert.encoder.layer[0]
        bert.embeddings.word_embeddings.weight[VOCABULARY.index("goats"), 0] = 30.0
        for linear in (layer.attention.self.value, layer.attention.output.dense, bert.pooler.dense):
            linear.weight.copy_(torch.eye(DIM))
        model.classifier.weight[:, 0] = 8.0
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=MAX_TOKENS).save_pretrained(folder)
    return folder
