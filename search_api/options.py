"""The options that several commands share, and the settings that stand behind them."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passage_index.errors import InputError
from passage_index.types import PartialDate

if TYPE_CHECKING:
    from search_api.settings import Settings

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


def settings_of(**given: Any) -> "Settings":
    """What the options and the environment say. Raises InputError that repeats no value: one is a key."""
    from pydantic import ValidationError

    from search_api.problems import told
    from search_api.settings import Settings

    try:
        return Settings(**given)
    except ValidationError as error:
        raise InputError(
            f"a setting cannot be used (SEARCH_... in the environment): {told(error.errors())}"
        ) from error
