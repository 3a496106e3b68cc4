"""What an index holds, in numbers for people: counts, dates, sizes.

Reads the manifest and the columns, no text. Backend -> StatsBody
"""

from datetime import date, timedelta
from weakref import WeakKeyDictionary

from passage_index.backend import Backend
from passage_index.columns import EPOCH
from search_api.schemas_index import CountBody, DatesBody, EncoderBody, SearchStepBody, StatsBody

# A generation never changes, and counting reads every row; forgotten together with its snapshot.
_KNOWN: WeakKeyDictionary[Backend, StatsBody] = WeakKeyDictionary()


def statistics(snapshot: Backend) -> StatsBody:
    """Counts of one generation. O(rows) the first time."""
    known = _KNOWN.get(snapshot)
    if known is None:
        known = _KNOWN[snapshot] = _counted(snapshot)
    return known


def _counted(snapshot: Backend) -> StatsBody:
    manifest, counts = snapshot.manifest, snapshot.counts()
    encoder = manifest.encoder
    return StatsBody(
        generation=manifest.generation,
        created_at=manifest.created_at,
        articles=manifest.articles,
        passages=manifest.passages,
        sentences=snapshot.sentences(),
        segments=len(manifest.segments),
        search_steps=[
            SearchStepBody(step=one.dense.name, passages=one.passages, recall=dict(one.dense.recall))
            for one in manifest.segments
        ],
        index_bytes=sum(file.size for file in manifest.files.values()),
        encoder=EncoderBody(
            name=encoder.name,
            dim=encoder.dim,
            max_tokens=encoder.max_tokens,
            weights_sha256=encoder.weights_sha256,
        ),
        dates=_dates(snapshot, counts["year"].get("", 0)),
        sources=_most_first(counts["source"]),
        languages=_most_first(counts["language"]),
        years=[CountBody(name=name, passages=count) for name, count in sorted(counts["year"].items())],
    )


def _most_first(counts: dict[str, int]) -> list[CountBody]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [CountBody(name=name, passages=count) for name, count in ordered]


def _dates(snapshot: Backend, undated: int) -> DatesBody:
    days = snapshot.days()
    if days is None:
        return DatesBody(first=None, last=None, undated_passages=undated)
    return DatesBody(first=str(_day(days[0])), last=str(_day(days[1])), undated_passages=undated)


def _day(days: int) -> date:
    return EPOCH + timedelta(days=days)
