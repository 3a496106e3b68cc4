"""One searcher for a command: opened over what the settings name, closed when the command is done.

Follows no generations, as a server does. Settings -> Searcher
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from passage_index.model_files import default_cache
from passage_index.transformer import load_indexed_encoder
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.sources import source_of


@contextmanager
def searching(settings: Settings) -> Iterator[Searcher]:
    """The generation that is there now, in the index folder or in Milvus, and its encoder.

    Raises NotFound, CorruptIndex, FormatMismatch, EncoderMismatch, EncoderUnavailable, ClusterUnavailable.
    """
    cache = settings.cache or default_cache()
    with closing(source_of(settings, cache)) as source:
        backend = source.open(None)
        try:
            encoder = load_indexed_encoder(backend.manifest.encoder, cache, settings.model)
            searcher = Searcher(backend, encoder, settings.answerable_from)
        except BaseException:
            backend.close()
            raise
        with closing(searcher):
            yield searcher
