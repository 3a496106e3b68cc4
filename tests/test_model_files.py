"""Models of any maker: prefixes and limits from their own config, pooling, refusals, conversion.

The oracle is sentence-transformers on a tiny model made here.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passage_index import convert
from passage_index.directory import current
from passage_index.encoder import EmbeddedPassage, unit
from passage_index.errors import EncoderUnavailable, InputError
from passage_index.integrity import remember
from passage_index.model_files import find_model
from passage_index.transformer import load_encoder, load_indexed_encoder
from passage_index.types import Vectors
from tests.tiny_model import MAX_TOKENS, PROMPTS, make_model

TEXTS = ["goats ask bread", "bridge", "a, b. c: d", "bread goats bread, e f", "say bridge goats x y z."]

pytestmark = pytest.mark.filterwarnings("ignore")  # torch warns of much while it traces a model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {pooling: make_model(folder / pooling, pooling, PROMPTS) for pooling in ("mean", "cls", "max")}


@pytest.fixture
def model(models: dict[str, Path], tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(models["mean"], tmp_path / "model"))


def theirs(folder: Path, texts: list[str]) -> Vectors:
    """What sentence-transformers gives for texts as they stand: (n, 32) float32, unit length."""
    from sentence_transformers import SentenceTransformer

    return unit(SentenceTransformer(str(folder), device="cpu").encode(texts, prompt=""))


def passages(texts: list[str]) -> list[EmbeddedPassage]:
    return [EmbeddedPassage(text, ((0, len(text)),)) for text in texts]


def test_a_model_says_what_it_is(models: dict[str, Path]) -> None:
    for pooling in ("mean", "cls"):
        identity = find_model(str(models[pooling])).identity
        assert (identity.name, identity.dim, identity.pooling) == (pooling, 32, pooling)
        assert (identity.query_prefix, identity.passage_prefix) == ("ask: ", "say: ")
        assert identity.max_tokens == MAX_TOKENS
        shasum = subprocess.run(
            ["sha256sum", models[pooling] / "model.safetensors"], capture_output=True, text=True, check=True
        )
        assert identity.weights_sha256 == shasum.stdout[:64]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_questions_and_passages_get_their_own_prefix(models: dict[str, Path], pooling: str) -> None:
    encoder = load_encoder(str(models[pooling]), runtime="torch")
    asked = theirs(models[pooling], [f"ask: {text}" for text in TEXTS])
    assert np.allclose(encoder.encode_questions(TEXTS), asked, atol=2e-6)
    said = theirs(models[pooling], [f"say: {text}" for text in TEXTS])
    ours = np.stack([vectors.vector for vectors in encoder.encode_passages(passages(TEXTS))])
    assert np.allclose(ours, said, atol=2e-6) and not np.allclose(asked, said, atol=1e-3)


def test_a_model_pooled_on_its_first_token_reads_each_sentence_alone(models: dict[str, Path]) -> None:
    encoder = load_encoder(str(models["cls"]), runtime="torch")
    two = EmbeddedPassage("bread. goats bread. bridge.", ((0, 6), (7, 19), (20, 27)))
    one = EmbeddedPassage("bridge.", ((0, 7),))
    vectors = encoder.encode_passages([two, one])
    alone = theirs(models["cls"], ["say: bread.", "say: goats bread.", "say: bridge."])
    assert np.allclose(vectors[0].sentences, alone, atol=2e-6)
    assert np.allclose(vectors[1].sentences, alone[2:], atol=2e-6)


def test_a_long_question_is_read_to_the_limit_and_a_long_passage_refused(models: dict[str, Path]) -> None:
    encoder = load_encoder(str(models["mean"]), runtime="torch")
    room = MAX_TOKENS - encoder.special_tokens - 2  # `ask` and `:`
    long = " ".join(["goats"] * 10 + ["bread"] * 30)
    cut = " ".join(long.split()[:room])
    assert np.allclose(encoder.encode_questions([long]), theirs(models["mean"], [f"ask: {cut}"]), atol=2e-6)
    assert len(encoder.encode_passages(passages([cut]))) == 1
    with pytest.raises(InputError, match=f"of {MAX_TOKENS + 1} tokens exceeds the limit of {MAX_TOKENS}"):
        encoder.encode_passages(passages([cut + " goats"]))


def spoilt_json(file: str, **changes: Any) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        data = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**data, **changes}))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "modeling.py").write_text("raise SystemExit"), "holds Python files"),
        (lambda folder: (folder / "1_Pooling" / "x.py").touch(), "holds Python files"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "model.bin"),
            "no safetensors weights",
        ),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda folder: (folder / "config.json").unlink(), r"config\.json is missing"),
        (lambda folder: (folder / "modules.json").unlink(), r"modules\.json is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json is not JSON"),
        (spoilt_json("1_Pooling/config.json", pooling_mode="max"), "mean and cls are"),
        (
            lambda folder: (folder / "modules.json").write_text(
                '[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Dense"}]'
            ),
            "only Transformer, Pooling and Normalize",
        ),
        (
            lambda folder: (folder / "modules.json").write_text('[{"type": "evil.Transformer"}]'),
            "names code of its own: 'evil.Transformer'",
        ),
        (lambda folder: (folder / "modules.json").write_text('{"type": 1}'), "lists no modules"),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json is not JSON"),
        (spoilt_json("config.json", hidden_size=10**12), "states no size where there must be one"),
        (lambda folder: (folder / "lib.so").write_bytes(b""), "code of their own"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}"),
            "its header cannot have 18446744073709551615 bytes",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes((9).to_bytes(8, "little") + b"[" * 9),
            "its header is no JSON",
        ),
        (lambda folder: os.truncate(folder / "tokenizer.json", 1 << 34), "more than 128 MiB"),
    ],
)
def test_a_model_that_cannot_be_trusted_or_run_is_refused(
    model: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(model)
    with pytest.raises(EncoderUnavailable, match=message):
        find_model(str(model))


def test_a_limit_is_the_least_that_is_stated(model: Path) -> None:
    spoilt_json("sentence_bert_config.json", max_seq_length=9)(model)
    assert find_model(str(model)).identity.max_tokens == 9
    spoilt_json("sentence_bert_config.json", max_seq_length=900)(model)
    assert find_model(str(model)).identity.max_tokens == 64  # its positions
    (model / "sentence_bert_config.json").unlink()
    spoilt_json("tokenizer_config.json", model_max_length=int(1e30))(model)
    assert find_model(str(model)).identity.max_tokens == 64


def test_a_name_that_is_nowhere_is_refused_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(EncoderUnavailable, match=r"'nobody/no-model' is neither a folder.*HF_HUB_OFFLINE=0"):
        find_model("nobody/no-model")


def in_this_process(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
    """`python -m MODULE ...` as a child would run it; a child would spend seconds on importing torch anew."""
    assert command[:2] == [sys.executable, "-m"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command[2:])
        runpy.run_module(command[2], run_name="__main__")
    return subprocess.CompletedProcess(command, 0, "", "")


def test_a_converted_model_runs_alike_and_a_damaged_one_is_made_anew(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert.subprocess, "run", in_this_process)
    files = find_model(str(models["mean"]))
    folder = convert.ensure_converted(files, tmp_path)
    made = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert sorted(made) == ["encoder.json", "model.bin", "model.xml", "tokenizer.json"]
    for name in made:
        (folder / name).write_bytes(made[name][:-2])
        assert not convert.is_whole(folder)
        (folder / name).write_bytes(made[name])
    with (folder / "model.bin").open("r+b") as weights:
        weights.seek(1000)
        weights.write(bytes(4))
    encoder = load_indexed_encoder(files.identity, tmp_path, str(models["mean"]))
    assert convert.is_whole(folder) and (folder / "model.bin").read_bytes() == made["model.bin"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    expected = theirs(models["mean"], [f"ask: {text}" for text in TEXTS])
    assert ((encoder.encode_questions(TEXTS) * expected).sum(axis=1) > 0.999).all()
    monkeypatch.setattr(convert.subprocess, "run", None)
    again = load_indexed_encoder(files.identity, tmp_path)  # found by the hash of its weights
    assert again.encode_questions(TEXTS).tobytes() == encoder.encode_questions(TEXTS).tobytes()


def test_a_conversion_that_fails_tells_why_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho no room for weights >&2; exit 3\n")
    failing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(failing))
    with pytest.raises(EncoderUnavailable, match=r"converting .*model failed: no room for weights"):
        convert.ensure_converted(find_model(str(model)), tmp_path / "cache")
    assert list((tmp_path / "cache" / "encoders").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(model: Path, tmp_path: Path, index: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(
        EncoderUnavailable, match="cannot be kept in .*cache/encoders: .* --cache or SEARCH_CACHE"
    ):
        convert.ensure_converted(find_model(str(model)), tmp_path / "cache")
    remember(current(index), index, tmp_path / "cache")  # what is only saved for speed is no reason to end
