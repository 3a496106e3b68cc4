"""However an index came to hold its articles, it ranks them the same: a property over ids and scores."""

import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from indexer.build import build
from indexer.growing import add, delete, merge
from indexer.verify import verify
from tests.fakes import FakeEncoder
from tests.growing import KEEP_ALL, NO_MERGE, Record, evidence, folder_in_memory, found, record, written

ENCODER = FakeEncoder()
DATES = (None, "2021", "2021-05", "2021-05-09", "2022-01-01")
# Few sentences, so that equal passages, equal scores and ties at the edge of a pool are common.
SENTENCES = (
    "The bridge fell into the river in the storm.",
    "The council met at the harbour.",
    "Nobody was hurt.",
    "An engineer repaired the old lighthouse on Tuesday.",
    "The storm of 1987 was worse, said the harbour master.",
)


@st.composite
def corpora(draw: st.DrawFn) -> list[Record]:
    texts = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=12).map(" ".join)
    count = draw(st.integers(2, 30))
    return [record(number, draw(texts), draw(st.sampled_from(DATES))) for number in range(count)]


def drifted(first: list[dict[str, tuple[float, ...]]], second: list[dict[str, tuple[float, ...]]]) -> float:
    """The largest difference of a score of a passage that both found."""
    return max(
        (abs(a - b) for x, y in zip(first, second, strict=True) for id_ in x.keys() & y.keys()
         for a, b in zip(x[id_], y[id_], strict=True)),
        default=0.0,
    )  # fmt: skip


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(corpora(), st.integers(0, 2**32), st.integers(1, 6), st.integers(3, 40))
def test_the_same_corpus_ranks_the_same_however_it_came_in(
    records: list[Record], seed: int, parts: int, depth: int
) -> None:
    order = random.Random(seed)
    with folder_in_memory() as root:
        at_once, grown = root / "at-once", root / "grown"
        build([written(root / "all.jsonl", records)], at_once, ENCODER, KEEP_ALL)
        wanted = evidence(at_once, depth), found(at_once, depth)

        shuffled = order.sample(records, len(records))
        cuts = [shuffled[part::parts] for part in range(parts) if shuffled[part::parts]]
        build([written(root / "part.jsonl", cuts[0])], grown, ENCODER, KEEP_ALL)
        for cut in cuts[1:]:
            add([written(root / "part.jsonl", cut)], grown, ENCODER, NO_MERGE)
        assert (evidence(grown, depth), found(grown, depth)) == wanted  # nothing was deleted
        assert verify(grown) == []

        gone = order.sample(shuffled, max(1, len(shuffled) // 3))
        changed = [{**one, "text": one["text"] + " It rained."} for one in gone]
        delete([one["_id"] for one in gone[::2]], grown, NO_MERGE)
        add([written(root / "changed.jsonl", changed)], grown, ENCODER, NO_MERGE)
        add([written(root / "part.jsonl", gone)], grown, ENCODER, NO_MERGE)
        assert verify(grown) == []
        assert drifted(evidence(grown, 1000), evidence(at_once, 1000)) < 1.5
        merge(grown, KEEP_ALL)
        assert (evidence(grown, depth), found(grown, depth)) == wanted
        assert verify(grown) == []
