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
FolderOption = Annotated[
    Path | None,
    typer.Option("--index", help="The index folder. Required unless Milvus answers.", envvar="SEARCH_INDEX"),
]
BackendOption = Annotated[
    str,
    typer.Option(
        help="What answers: `embedded`, the index folder, or `milvus`, where one was published.",
        envvar="SEARCH_BACKEND",
    ),
]
UriOption = Annotated[
    str | None,
    typer.Option("--uri", help="URI of Milvus, such as `http://host:19530`.", envvar="SEARCH_MILVUS_URI"),
]
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


def place_settings(index: Path | None, backend: str, uri: str | None, **more: Any) -> "Settings":
    """The settings of a command that reads an index, wherever it lies.

    Raises InputError where none is named.
    """
    if index is None and backend == "embedded":
        raise InputError("no index is named: give its folder with --index, or --backend milvus --uri URI")
    place = {"index": index} if index else {}
    return settings_of(**place, backend=backend, milvus_uri=uri, **more)


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
