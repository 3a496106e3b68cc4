"""Convert a model once, so that later processes run it without importing torch.

Runs as a process of its own (`python -m passage_index.convert [MODEL FOLDER]`), because torch stays
in memory once imported. Does not decide where the cache lies.
model folder -> model.xml, model.bin, tokenizer.json, encoder.json
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from passage_index.encoder import DEFAULT_MODEL, EncoderIdentity
from passage_index.errors import EncoderUnavailable
from passage_index.model_files import ModelFiles, default_cache, file_sha256, find_model

logger = logging.getLogger(__name__)

RECORD = "encoder.json"
CONVERTER_VERSION = 1  # part of the folder's name: a new way to convert makes a new folder


def converted_folder(cache: Path, identity: EncoderIdentity) -> Path:
    """Where the converted model of this encoder lies, whether or not it does yet."""
    return cache / "encoders" / f"{identity.weights_sha256[:32]}-v{CONVERTER_VERSION}"


def ensure_converted(model: ModelFiles, cache: Path) -> Path:
    """The converted model's folder, made now if it is missing or damaged. Atomic: whole or absent.

    Raises EncoderUnavailable when the conversion fails, with its last words.
    """
    folder = converted_folder(cache, model.identity)
    return made_once(folder, "passage_index.convert", model.folder)


def made_once(folder: Path, module: str, model: Path) -> Path:
    """`folder`, made now by `python -m module MODEL OUT` if it is missing or damaged. Atomic.

    Raises EncoderUnavailable when that fails, with its last words.
    """
    if is_whole(folder):
        return folder
    logger.info("converting %s once, for faster starts (about ten seconds)", model)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".converting-") as scratch:
            made = Path(scratch) / "model"
            command = [sys.executable, "-m", module, str(model), str(made)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise EncoderUnavailable(f"converting {model} failed: {done.stderr.strip()[-500:]}")
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(made, folder)
    except OSError as error:
        raise EncoderUnavailable(
            f"the converted model cannot be kept in {folder.parent}: {error.strerror or error}; "
            f"name a folder that can be written with --cache or SEARCH_CACHE"
        ) from error
    return folder


def is_whole(folder: Path) -> bool:
    """True if every file is there with the hash that its record gives."""
    try:
        listed = json.loads((folder / RECORD).read_text())["files"]
        return all(file_sha256(folder / name) == digest for name, digest in listed.items())
    except (OSError, ValueError, KeyError):
        return False


def silent_openvino() -> Any:
    """The openvino module without its telemetry, which would report every import to its vendor."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def convert(model: ModelFiles, out: Path) -> None:
    """Write the OpenVINO form of the transformer and all that is needed to run it to `out`."""
    import torch
    from sentence_transformers import SentenceTransformer

    openvino = silent_openvino()
    loaded: Any = SentenceTransformer(
        str(model.folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    )
    transformer = loaded[0].auto_model.eval().float()

    class TokenStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.transformer(input_ids=input_ids, attention_mask=attention_mask, return_dict=False)[0]

    ones = torch.ones(2, 16, dtype=torch.long)
    example = {"input_ids": ones, "attention_mask": ones}
    converted = openvino.convert_model(TokenStates(), example_input=example)
    save(converted, model.tokenizer, {"identity": model.identity.to_json()}, out)


def save(converted: Any, tokenizer: Path, record: dict[str, Any], out: Path) -> None:
    """Write a converted model and all that is needed to run it, with a record of it and of its files."""
    out.mkdir(parents=True)
    silent_openvino().save_model(converted, str(out / "model.xml"), compress_to_fp16=False)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    files = {name: file_sha256(out / name) for name in ("model.xml", "model.bin", "tokenizer.json")}
    (out / RECORD).write_text(json.dumps(record | {"files": files}, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        convert(find_model(sys.argv[1]), Path(sys.argv[2]))
    else:  # `make setup`: the default model, into the user's cache
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        ensure_converted(find_model(DEFAULT_MODEL), default_cache())
