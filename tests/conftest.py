"""What tests share: a small corpus of invented articles, its index, the searcher and a client."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from indexer.build import BuildOptions, build
from search_api.answers.writing import endpoint
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import written
from tests.model_stub import Stub, running
from tests.web_stub import Site, site
from tests.writing import KEY, START
from tests.written_cases import ARTICLES as FERRY_ARTICLES
from tests.written_cases import built, settings_of

DATA = Path(__file__).parent / "data"

# How long an example takes depends on what else the machine is at: no reason to fail.
hypothesis_settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("unhurried")

# Tests of the reader name one of their own; the others do not wait for the shipped one.
os.environ["SEARCH_READER"] = "none"
# A slow moment of the machine is no reason to send a request away, but where a test sets a limit.
os.environ["SEARCH_MAX_WAIT_S"] = "60"
# The name that the test client calls its server by, and those that real ones have.
os.environ["SEARCH_HOSTS"] = "testserver,localhost,127.0.0.1"

# One article a peculiarity: ids, dates, languages, markup, near-duplicates. The reports fill pages.
ARTICLES: list[dict[str, str]] = [
    *map(json.loads, (DATA / "articles.jsonl").read_text(encoding="utf-8").splitlines()),
    *(
        {
            "_id": f"report-{number:02}",
            "title": f"Weather report {number}",
            "date": f"2020-01-{number + 1:02}",
            "lang": "en",
            "source": "Weather Office",
            "text": f"Barometer on day {number}: {', '.join(f'{number}{digit}hpa' for digit in range(9))}.",
        }
        for number in range(23)
    ),
]
BRIDGE = next(article["text"] for article in ARTICLES if article["_id"] == "bridge")


@pytest.fixture(scope="session")
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture(scope="session")
def articles_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("articles") / "articles.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in ARTICLES), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def index(articles_file: Path, encoder: FakeEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    report = build([articles_file], folder / "index", encoder, BuildOptions(cache=folder / "cache"))
    assert report.rejections == []
    return folder / "index"


@pytest.fixture(scope="session")
def searcher(index: Path, encoder: FakeEncoder) -> Iterator[Searcher]:
    from passage_index.snapshot import open_snapshot

    opened = Searcher(open_snapshot(index), encoder)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def settings(index: Path) -> Settings:
    return Settings(index=index)


@pytest.fixture(scope="session")
def client(settings: Settings, searcher: Searcher) -> Iterator[TestClient]:
    with TestClient(create_app(settings, searcher)) as opened:
        yield opened


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
def own_index(tmp_path: Path) -> Path:
    """A small index that a test may write to."""
    file = written(tmp_path / "in.jsonl", START)
    build([file], tmp_path / "index", FakeEncoder(), BuildOptions())
    return tmp_path / "index"


@pytest.fixture
def serve_writes(own_index: Path) -> Iterator[Callable[..., TestClient]]:
    """Begins services over `own_index` that take writes; no worker runs beside them."""
    from passage_index.snapshot import open_snapshot

    with ExitStack() as opened:

        def serve(**changed: Any) -> TestClient:
            asked = {"index": own_index, "admin_key": KEY, "worker": False, "poll_s": 1000.0}
            searcher = Searcher(open_snapshot(own_index), FakeEncoder())
            opened.callback(searcher.close)
            return opened.enter_context(TestClient(create_app(Settings(**asked | changed), searcher)))

        yield serve


@pytest.fixture(scope="session")
def ferry_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index that written answers are tested on."""
    return built(tmp_path_factory.mktemp("ferry"), FERRY_ARTICLES)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A language model's endpoint."""
    with running() as begun:
        yield begun


@pytest.fixture
def opened(
    ferry_index: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TestClient]]:
    """Begins services that ask the stub."""
    from passage_index.snapshot import open_snapshot

    monkeypatch.setattr(endpoint, "PAUSE_S", 0.01)
    with ExitStack() as stack:

        def serve(index: Path = ferry_index, **changed: Any) -> TestClient:
            searcher = Searcher(open_snapshot(index), FakeEncoder())
            stack.callback(searcher.close)
            settings = settings_of(stub, index, **changed)
            return stack.enter_context(TestClient(create_app(settings, searcher)))

        yield serve
