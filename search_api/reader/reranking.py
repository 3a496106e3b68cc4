"""The reader as a reranker: its judgement beside the score that the passages had, not in its place.

Settings + Reader -> Reranker
"""

from search_api.cross_encoder import open_reranker
from search_api.reader.reader import Reader
from search_api.rerank import Reranker
from search_api.settings import Settings

WEIGHT = 0.1  # of a unit of relevance beside a unit of the fused score (`make eval-rerank`)


def reranker_of(settings: Settings, reader: Reader | None) -> Reranker | None:
    """The cross-encoder that the settings name, on its way, else the reader, else None.

    Raises EncoderUnavailable when the one that is named cannot be found or trusted.
    """
    if settings.reranker is not None or reader is None:
        return open_reranker(settings)
    return Reranker(reader.model, settings.rerank_timeout_s, WEIGHT)
