"""The options that several commands share."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from passage_index.errors import InputError
from passage_index.types import PartialDate

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", envvar="SEARCH_INDEX")]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Folder of converted models and the record of checked files.", envvar="SEARCH_CACHE"
    ),
]


def last_day(option: str, text: str | None) -> date | None:
    """The last day of a date given to an option. Raises InputError on what is none."""
    try:
        return None if text is None else PartialDate.parse(text).last
    except ValueError as error:
        raise InputError(f"{option} is {text!r}; it can be a day, month or year: 2023-11-09, 2023") from error
