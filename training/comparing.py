"""`python -m training.comparing`: the file that is shipped, and what its rounding to int8 costs.

Asks a draw of the kept-out questions, by one seed. Where the trained network is still there, it is judged
beside the shipped one. Where it is not, others stand for it: each weight drawn from the step that the
shipped one is the middle of, as the trained one lay in it too.

Writes bench/results/reader.json: exact match and F1 in the right passage, its rank among eight, and how
well it is told from the hardest wrong one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from bench.asking import kept_out
from bench.collections import find_collections
from bench.places import DATA, RESULTS, commit
from bench.sampling import add_words_option, sampled
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache, find_model
from search_api.reader.convert import WEIGHTS, dequantised
from training.batches import Reading
from training.export import SHIPPED
from training.judging import judged
from training.network import ReaderNetwork
from training.pairs import groups
from training.split import TRAINED_ON


def unrounded(stored: dict[str, Any], seed: int) -> dict[str, Any]:
    """Weights that would be rounded to the stored ones, or nearly: each drawn evenly from its step."""
    dice = torch.Generator().manual_seed(seed)

    def drawn(name: str, value: Any) -> Any:
        if f"{name}.scale" not in stored:
            return value
        return value.float() + torch.rand(value.shape, generator=dice) - 0.5

    scales = {name: value for name, value in stored.items() if name.endswith(".scale")}
    return dequantised(
        {name: drawn(name, value) for name, value in stored.items() if name not in scales} | scales
    )


def main() -> None:
    """Judge them, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--trained", type=Path, default=default_cache() / "training" / "reader")
    parser.add_argument("--questions", type=int, default=250, help="of a collection, at most")
    add_words_option(parser)
    parser.add_argument(
        "--drawn", type=int, default=2, help="networks to draw, where the trained one is gone"
    )
    options = parser.parse_args()
    found = [
        collection
        for folder in options.folders
        for collection in find_collections(folder)
        if collection.name in TRAINED_ON
    ]
    if options.words is not None:
        found = [sampled(kept_out(one), options.questions, options.words, default_cache()) for one in found]
    few = [group for one in found for group in groups(one, options.questions) if group.kept_out]
    start, stored = find_model(DEFAULT_MODEL), load_file(SHIPPED / WEIGHTS)
    states: dict[str, Any] = {"shipped": dequantised(stored)}
    trained = options.trained / "network.pt"
    if trained.exists():
        states["trained"] = torch.load(trained, weights_only=True)
    else:
        states |= {f"drawn {seed}": unrounded(stored, seed) for seed in range(options.drawn)}
    sample = {"questions": options.questions, "words": options.words}
    results: dict[str, Any] = {"commit": commit(), "sample": sample}
    for name, state in states.items():
        network = ReaderNetwork(start.folder)
        network.load_state_dict(state)
        results[name] = judged(network, few, Reading(start.tokenizer))
        print(name, json.dumps(results[name]), flush=True)
    (RESULTS / "reader.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
