"""`python -m training.export`: the trained network as the files that are shipped, int8 with a scale a row.

OUT/network.pt -> search_api/reader/shipped/{model.safetensors, tokenizer.json, reader.json}
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from bench.places import ROOT
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache, file_sha256, find_model
from search_api.reader.convert import OWN, WEIGHTS
from training.batches import MAX_TOKENS
from training.split import TRAINED_ON

SHIPPED = ROOT / "search_api" / "reader" / "shipped"
LEAST_ROWS = 3  # the two heads stay as they are
CONFIG = ("hidden_size", "intermediate_size", "max_position_embeddings", "num_attention_heads",
          "num_hidden_layers", "type_vocab_size", "vocab_size", "layer_norm_eps", "hidden_act")  # fmt: skip


def quantised(network: dict[str, Any]) -> dict[str, Any]:
    """Matrices to int8, and beside each the scale of its rows: (rows, columns), (rows,)."""
    out: dict[str, Any] = {}
    for name, value in network.items():
        if value.ndim == 2 and len(value) >= LEAST_ROWS:
            scale = value.abs().amax(dim=1).clamp(min=1e-12) / 127
            out[name] = (value / scale[:, None]).round().to(torch.int8)
            out[f"{name}.scale"] = scale
        else:
            out[name] = value.contiguous()
    return out


def main() -> None:
    """Write the files and what they weigh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trained", type=Path, default=default_cache() / "training" / "reader")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    network = torch.load(options.trained / "network.pt", weights_only=True)
    start = find_model(DEFAULT_MODEL)
    options.out.mkdir(parents=True, exist_ok=True)
    save_file(quantised(network), options.out / WEIGHTS)
    shutil.copyfile(start.tokenizer, options.out / "tokenizer.json")
    config = json.loads((start.folder / "config.json").read_text())
    record = {
        "began_with": {"name": DEFAULT_MODEL, "weights_sha256": start.identity.weights_sha256},
        "trained_on": TRAINED_ON,
        "max_tokens": MAX_TOKENS,
        "network": {name: config[name] for name in CONFIG},
        "files": {name: file_sha256(options.out / name) for name in (WEIGHTS, "tokenizer.json")},
    }
    (options.out / OWN).write_text(json.dumps(record, indent=2) + "\n")
    print({name: (options.out / name).stat().st_size for name in (WEIGHTS, "tokenizer.json")})


if __name__ == "__main__":
    main()
