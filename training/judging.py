"""What the network makes of questions that it was not trained on: spans, the order of passages, refusal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from bench.asking import f1, normal
from training.batches import Reading, headed
from training.network import ReaderNetwork
from training.pairs import Group

OTHERS = 7  # wrong passages that the right one is judged among
MAX_ANSWER_TOKENS = 30


def judged(network: ReaderNetwork, groups: Sequence[Group], reading: Reading) -> dict[str, dict[str, float]]:
    """Figures by collection: EM and F1 in the right passage, MRR among eight, AUROC against the hardest."""
    network.eval()
    with torch.inference_mode():  # in full precision: bfloat16 is slower where a processor lacks it
        out = {
            name: _figures(network, [one for one in groups if one.collection == name], reading)
            for name in dict.fromkeys(one.collection for one in groups)
        }
    network.train()
    return out


def _figures(network: ReaderNetwork, groups: Sequence[Group], reading: Reading) -> dict[str, float]:
    exact, overlap, ranks, sure, labels = [], [], [], [], []
    for group in groups:
        passages = (group.right, *group.wrong[:OTHERS])
        texts = [headed(passage)[0] for passage in passages]
        encodings = reading.encode(group.question, texts)
        relevance, answerable, start, end = network(*_tensors(encodings))
        ranks.append(1 + int((relevance[1:] >= relevance[0]).sum()))
        sure += answerable[:2].tolist()
        labels += [1, 0][: len(answerable)]
        if group.spans:
            said = best_span(encodings[0], start[0].float().numpy(), end[0].float().numpy())
            text = texts[0][said[0] : said[1]]
            begin, _ = headed(group.right)[1], 0
            gold = [texts[0][begin + a : begin + b] for a, b in group.spans]
            exact.append(normal(text) in map(normal, gold))
            overlap.append(f1(text, gold))
    figures = {"questions": len(groups), "mrr": float(np.mean([1 / rank for rank in ranks]))}
    figures |= {"first": float(np.mean([rank == 1 for rank in ranks])), "auroc": roc_auc_score(labels, sure)}
    if exact:
        figures |= {"exact": float(np.mean(exact)), "f1": float(np.mean(overlap))}
    return {name: round(float(value), 3) for name, value in figures.items()}


def _tensors(encodings: Sequence[Any]) -> tuple[Any, Any, Any]:
    width = max(map(len, encodings))
    ids, kinds, mask = (torch.zeros((len(encodings), width), dtype=torch.long) for _ in range(3))
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = torch.tensor(encoding.ids)
        kinds[row, : len(encoding)] = torch.tensor(encoding.type_ids)
        mask[row, : len(encoding)] = 1
    return ids, kinds, mask


def best_span(encoding: Any, start: Any, end: Any) -> tuple[int, int]:
    """The likeliest span of the text by the sum of its values, in code points of the text."""
    inside = [
        i for i, kind in enumerate(encoding.type_ids) if kind == 1 and not encoding.special_tokens_mask[i]
    ]
    if not inside:
        return 0, 0
    first, count = inside[0], len(inside)
    sums = start[first : first + count, None] + end[None, first : first + count]
    allowed = np.triu(np.ones((count, count), dtype=bool)) & ~np.triu(
        np.ones((count, count), dtype=bool), MAX_ANSWER_TOKENS
    )
    begin, last = np.unravel_index(np.argmax(np.where(allowed, sums, -np.inf)), sums.shape)
    return encoding.offsets[first + int(begin)][0], encoding.offsets[first + int(last)][1]
