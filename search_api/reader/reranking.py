"""The reader as a reranker: its judgement beside the score that the passages had, not in its place.

Settings + Reader -> Reranker. Finding + what was read for an answer -> Finding
"""

from passage_index.types import Scores
from search_api.cross_encoder import open_reranker
from search_api.finding import Finding, reranked
from search_api.reader.reader import Reader
from search_api.rerank import Reranker, Verdict
from search_api.settings import Settings

# Of the chance that a passage answers, beside its fused score. What holds no answer to anything, as
# where a topic and no question was asked, is little moved; by its relevance it was (`make eval-rerank`).
WEIGHT = 0.3


def reranker_of(settings: Settings, reader: Reader | None) -> Reranker | None:
    """The cross-encoder that the settings name, on its way, else the reader, else None.

    Raises EncoderUnavailable when the one that is named cannot be found or trusted.
    """
    if settings.reranker is not None or reader is None:
        return open_reranker(settings)
    return Reranker(reader.model, settings.rerank_timeout_s, WEIGHT)


def page_reranked(found: Finding, judged: Scores) -> Finding:
    """The first passages of the first page by what a reader has said of them already.

    judged: raw values of the first passages, (n,). Those that the page does not reach stay, so that a next
    page, which is asked for without an answer, goes on where this one ends.
    """
    first = judged[: 0 if found.request.offset else found.request.limit]
    return reranked(found, Verdict(first, weight=WEIGHT)) if len(first) else found
