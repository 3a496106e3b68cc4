"""What a command writes must not be what it reads. paths -> InputError or nothing."""

import os
from collections.abc import Iterable
from pathlib import Path

from passage_index.errors import InputError


def require_apart(option: str, out: Path | None, inputs: Iterable[Path | None]) -> None:
    """Raises InputError where the file to write is one of the others, or lies in a folder among them."""
    if out is None:
        return
    place = Path(os.path.realpath(out))
    for one in inputs:
        if one is not None and place.is_relative_to(os.path.realpath(one)):
            where = "is" if place == Path(os.path.realpath(one)) else "lies in"
            raise InputError(
                f"{option} {out} {where} {one}, which this command reads or writes too; name another place"
            )
