"""`make reader`: train the reader, two passes over all questions that are not kept out.

Resumes from its last checkpoint; the same seed draws the same pairs. Prints the loss, and now and then
what it makes of questions that it was not trained on.

    python -m training.train [FOLDER...] [--out DIR]
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from bench.collections import find_collections
from bench.places import DATA
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import default_cache, find_model
from training.batches import PAIRS, Batch, Reading, batches, examples
from training.judging import judged
from training.network import ReaderNetwork
from training.pairs import Group, groups
from training.split import TRAINED_ON

SEED = 20231109
PASSES, STEPS = 2, 3400  # the second pass ends in its middle
RATE, WARM_UP, DECAY = 1.2e-4, 0.05, 0.01
CHECKPOINT_S, REPORT_STEPS, JUDGE_S = 300, 100, 900
MOST = 10_000  # questions of a collection in one pass
JUDGED, JUDGED_LAST = 150, 500  # kept-out questions of a collection, while training and at its end


def loss_of(network: ReaderNetwork, batch: Batch) -> Any:
    """Listwise over a question's passages, a yes or no for each, and where the answer stands."""
    with torch.autocast("cpu", torch.bfloat16):
        relevance, answerable, start, end = network(batch.ids, batch.kinds, batch.mask)
    groups = relevance.view(-1, PAIRS)
    total = functional.cross_entropy(groups, torch.zeros(len(groups), dtype=torch.long))
    known = batch.answers >= 0
    if known.any():
        total = total + functional.binary_cross_entropy_with_logits(
            answerable[known], batch.answers[known], pos_weight=torch.tensor(PAIRS - 1.0)
        )
    has_span = batch.starts >= 0
    if has_span.any():
        hidden = ~batch.readable[has_span]
        for values, places in ((start, batch.starts), (end, batch.ends)):
            total = total + functional.cross_entropy(
                values[has_span].masked_fill(hidden, -1e4), places[has_span]
            )
    return total


def drawn(groups: Sequence[Group], dice: random.Random) -> list[Group]:
    """All questions, but of a very large collection only so many."""
    by_name = {name: [one for one in groups if one.collection == name] for name in TRAINED_ON}
    return [one for own in by_name.values() for one in dice.sample(own, min(len(own), MOST))]


def some(groups: Sequence[Group], most: int) -> list[Group]:
    """The first of each collection, at most so many."""
    own = ([one for one in groups if one.collection == name] for name in TRAINED_ON)
    return [one for every in own for one in every[:most]]


def rate_at(step: int, steps: int) -> float:
    """Up to RATE in a line, then down to nothing in one."""
    warm = max(1, round(steps * WARM_UP))
    return RATE * min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))


def train(
    network: ReaderNetwork, plan: Sequence[Batch], kept: Sequence[Group], reading: Reading, out: Path
) -> None:
    """Every batch once; from the checkpoint in `out` where there is one."""
    parameters = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY, fused=True)
    file, first = out / "checkpoint.pt", 0
    if file.exists():
        state = torch.load(file, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
        print(f"goes on from step {first}", flush=True)
    begun = saved = told = time.monotonic()
    losses: list[float] = []
    for step in range(first, len(plan)):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, len(plan))
        loss = loss_of(network, plan[step])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        if (step + 1) % REPORT_STEPS == 0:
            per_s = (step + 1 - first) / (time.monotonic() - begun)
            mean = sum(losses[-REPORT_STEPS:]) / REPORT_STEPS
            left = (len(plan) - step - 1) / per_s / 60
            print(f"step {step + 1} of {len(plan)}: loss {mean:.3f}, {left:.0f} min left", flush=True)
        if time.monotonic() - saved > CHECKPOINT_S or step + 1 == len(plan):
            saved = time.monotonic()
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(state, file.with_suffix(".new"))
            file.with_suffix(".new").rename(file)
        if time.monotonic() - told > JUDGE_S:
            told = time.monotonic()
            print(judged(network, kept, reading), flush=True)
    torch.save(network.state_dict(), out / "network.pt")


def main() -> None:
    """Collect, train, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--out", type=Path, default=default_cache() / "training" / "reader")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    every = [
        group
        for folder in options.folders
        for collection in find_collections(folder)
        if collection.name in TRAINED_ON
        for group in groups(collection)
    ]
    start = find_model(DEFAULT_MODEL)
    reading = Reading(start.tokenizer)
    dice = random.Random(SEED)
    seen, kept = [one for one in every if not one.kept_out], [one for one in every if one.kept_out]
    plan = [
        batch for _ in range(PASSES) for batch in batches(examples(drawn(seen, dice), dice), reading, dice)
    ]
    plan = plan[:STEPS]
    print(f"{len(seen)} questions to train on, {len(kept)} kept out; {len(plan)} batches", flush=True)
    network = ReaderNetwork(start.folder)
    train(network, plan, some(kept, JUDGED), reading, options.out)
    print(judged(network, some(kept, JUDGED_LAST), reading))


if __name__ == "__main__":
    main()
