"""Readers made on the spot, whose weights are set by hand: the token `goats` is where an answer begins and ends.

Every other token is a zero vector and no layer changes one. One of the transformers kind, and one in the
form of our own, whose judgement of a passage rises with the goats in it. Pure functions of their arguments.
"""

import json
from pathlib import Path
from typing import Any

from tests.tiny_model import VOCABULARY

DIM, MAX_TOKENS = 32, 160
CONFIG = {
    "vocab_size": len(VOCABULARY), "hidden_size": DIM, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": DIM, "max_position_embeddings": MAX_TOKENS,
}  # fmt: skip


def make_qa_reader(folder: Path) -> Path:
    """Write a ...ForQuestionAnswering to `folder` with safetensors weights."""
    from transformers import BertConfig, BertForQuestionAnswering

    model: Any = BertForQuestionAnswering(BertConfig(**CONFIG, layer_norm_eps=1.0))
    _set(model, model.bert, model.qa_outputs)
    model.save_pretrained(folder)
    _tokenizer(folder)
    return folder


def make_own_reader(folder: Path) -> Path:
    """Write a reader in the form that is shipped."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    from passage_index.model_files import file_sha256
    from training.export import quantised

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel(BertConfig(**CONFIG, layer_norm_eps=1.0), add_pooling_layer=False)
            self.judge, self.span = torch.nn.Linear(DIM, 2), torch.nn.Linear(DIM, 2)

    network = Network()
    _set(network, network.bert, network.span)
    with torch.no_grad():  # attention is even, so the first token sees the mean of all
        attention = network.bert.encoder.layer[0].attention
        for linear in (attention.self.value, attention.output.dense):
            linear.weight.copy_(torch.eye(DIM))
        network.judge.weight[:, 0] = 4.0
    _tokenizer(folder)
    save_file(quantised(network.state_dict()), folder / "model.safetensors")
    names = ("model.safetensors", "tokenizer.json")
    record = {
        "max_tokens": MAX_TOKENS,
        "network": CONFIG | {"layer_norm_eps": 1.0},
        "files": {name: file_sha256(folder / name) for name in names},
    }
    (folder / "reader.json").write_text(json.dumps(record))
    return folder


def _set(model: Any, bert: Any, span: Any) -> None:
    import torch

    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1.0 if "LayerNorm.weight" in name else 0.0)
        bert.embeddings.word_embeddings.weight[VOCABULARY.index("goats"), 0] = 30.0
        span.weight[:, 0] = 2.0


def _tokenizer(folder: Path) -> None:
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=MAX_TOKENS).save_pretrained(folder)
