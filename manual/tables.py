"""Tables of docs/ that the code can write: options of commands, settings, routes.

Knows nothing of pages. Typer apps, Settings, an OpenAPI document -> lines of Markdown
"""

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from pydantic.fields import FieldInfo

from indexer.__main__ import app as indexer_app
from search_api.__main__ import app as search_api_app
from search_api.settings import Settings

PROGRAMS = {"indexer": indexer_app, "search-api": search_api_app}

OPTIONS_HEAD = ("| Option | Meaning |", "|---|---|")
SETTINGS_HEAD = ("| Variable | Default | Meaning |", "|---|---|---|")
ROUTES_HEAD = ("| Route | What it does |", "|---|---|")


def commands() -> Iterator[tuple[str, Any]]:
    """(`indexer build`, its parsed form) of every command of every program, in their order."""
    for program, app in PROGRAMS.items():
        group: Any = typer.main.get_command(app)
        yield from _below(program, group)


def _below(program: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(f"{program} {name}", command)
        elif not command.hidden:
            yield f"{program} {name}", command


def options_table(command: Any) -> list[str]:
    """A row an argument and option of a command; none for `--help`, which all have."""
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    return [*OPTIONS_HEAD, *(f"| {_names(one)} | {_cell(_meaning(one))} |" for one in shown)]


def settings_table() -> list[str]:
    """A row a setting, in the order of the code."""
    return [
        *SETTINGS_HEAD,
        *(
            f"| `SEARCH_{name.upper()}` | {_default(setting)} | {_cell(setting.description or '')} |"
            for name, setting in Settings.model_fields.items()
        ),
    ]


def routes_table(openapi: Mapping[str, Any]) -> list[str]:
    """A row a route and method, with the summary that the OpenAPI document has."""
    rows = (
        f"| `{method.upper()} {path}` | {_cell(route['summary'])} |"
        for path, methods in openapi["paths"].items()
        for method, route in methods.items()
    )
    return [*ROUTES_HEAD, *rows]


def _names(parameter: Any) -> str:
    if not parameter.opts[0].startswith("-"):
        return f"`{parameter.metavar or parameter.name.upper()}{'...' if parameter.nargs == -1 else ''}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _meaning(parameter: Any) -> str:
    """The help, and what Typer's own help would say beside it."""
    said = [parameter.help or ""]
    least, most = parameter.min, parameter.max
    if least is not None and most is not None:
        said.append(f"From {least} to {most}.")
    elif least is not None:
        said.append(f"At least {least}.")
    if parameter.required:
        said.append("Required.")
    elif parameter.secondary_opts and parameter.default is not None:
        said.append(f"Default `{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`.")
    elif parameter.default is not None and not isinstance(parameter.default, bool):
        said.append(f"Default `{parameter.default}`.")
    if parameter.envvar:
        said.append(f"Also `{parameter.envvar}`.")
    return " ".join(said)


def _default(setting: FieldInfo) -> str:
    return "none" if setting.default is None else f"`{setting.default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
