"""Convert a reader once, so that a server runs it without torch: our own, or any that marks an answer's ends.

Runs as a process of its own (`python -m search_api.reader.convert FOLDER OUT`), as passage_index.convert.
Our own has int8 weights, a scale a row, and two heads; its form is in reader.json.
FOLDER -> model.xml, model.bin, tokenizer.json, encoder.json
"""

import json
import sys
from pathlib import Path
from typing import Any

from passage_index.convert import save, silent_openvino

OWN = "reader.json"  # stands in the folder of our own reader
WEIGHTS = "model.safetensors"


def convert(folder: Path, out: Path) -> None:
    """Write the OpenVINO form: (1, tokens) ids, kinds, mask -> judged (1, 2), spans (1, tokens, 2).

    A reader that is not our own gives spans only.
    """
    import torch

    is_own = (folder / OWN).exists()
    network = _own(folder) if is_own else _named(folder)
    ones = torch.ones(1, 16, dtype=torch.long)
    converted = silent_openvino().convert_model(network, example_input=(ones, ones, ones))
    max_tokens = json.loads((folder / OWN).read_text())["max_tokens"] if is_own else 384
    save(converted, folder / "tokenizer.json", {"max_tokens": max_tokens, "judges": is_own}, out)


def _own(folder: Path) -> Any:
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    config = BertConfig(**json.loads((folder / OWN).read_text())["network"])

    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel(config, add_pooling_layer=False)
            self.judge = torch.nn.Linear(config.hidden_size, 2)
            self.span = torch.nn.Linear(config.hidden_size, 2)

        def forward(self, ids: Any, kinds: Any, mask: Any) -> Any:
            states = self.bert(input_ids=ids, token_type_ids=kinds, attention_mask=mask, return_dict=False)[0]
            return self.judge(states[:, 0]), self.span(states)

    network = Own()
    network.load_state_dict(dequantised(load_file(folder / WEIGHTS)))
    return network.eval()


def dequantised(stored: dict[str, Any]) -> dict[str, Any]:
    """int8 matrices times the scales of their rows; all else as it is."""
    scales = {name for name in stored if name.endswith(".scale")}
    return {
        name: value.float() * stored[f"{name}.scale"][:, None] if f"{name}.scale" in scales else value
        for name, value in stored.items()
        if name not in scales
    }


def _named(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForQuestionAnswering

    loaded = AutoModelForQuestionAnswering.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
    ).float()
    takes_kinds = getattr(loaded.config, "type_vocab_size", 0) > 1

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = loaded

        def forward(self, ids: Any, kinds: Any, mask: Any) -> Any:
            more = {"token_type_ids": kinds} if takes_kinds else {}
            found = self.model(input_ids=ids, attention_mask=mask, **more)
            # kinds takes part whatever the model, so that the converted one has the same inputs
            return torch.stack([found.start_logits, found.end_logits], dim=-1) + 0 * kinds[..., None]

    return Named().eval()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
