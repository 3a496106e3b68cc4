"""`python -m training.comparing`: the trained network beside the file that is shipped, on kept-out questions.

Writes bench/results/reader.json: exact match and F1 in the right passage, its rank among eight, and how
well it is told from the hardest wrong one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from bench.collections import find_collections
from bench.places import DATA, RESULTS, commit
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache, find_model
from search_api.reader.convert import WEIGHTS, dequantised
from training.batches import Reading
from training.export import SHIPPED
from training.judging import judged
from training.network import ReaderNetwork
from training.pairs import groups
from training.split import TRAINED_ON
from training.train import some


def main() -> None:
    """Judge both, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--trained", type=Path, default=default_cache() / "training" / "reader")
    parser.add_argument("--questions", type=int, default=250, help="of a collection, at most")
    options = parser.parse_args()
    found = [
        collection
        for folder in options.folders
        for collection in find_collections(folder)
        if collection.name in TRAINED_ON
    ]
    kept = [group for collection in found for group in groups(collection) if group.kept_out]
    few, start = some(kept, options.questions), find_model(DEFAULT_MODEL)
    states: dict[str, Any] = {"shipped": dequantised(load_file(SHIPPED / WEIGHTS))}
    trained = options.trained / "network.pt"
    if trained.exists():
        states["trained"] = torch.load(trained, weights_only=True)
    results: dict[str, Any] = {"commit": commit()}
    for name, state in states.items():
        network = ReaderNetwork(start.folder)
        network.load_state_dict(state)
        results[name] = judged(network, few, Reading(start.tokenizer))
        print(name, json.dumps(results[name]), flush=True)
    (RESULTS / "reader.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
