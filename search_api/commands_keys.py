"""The commands `search-api keys`: make, list and revoke the keys that a server asks for.

A secret is printed once, on stdout, when it is made; it cannot be told again. arguments -> keys file
"""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from passage_index.errors import InputError
from search_api.key_file import Key, KeyScope, create_key, last_used, read_keys, revoke_key

KeysOption = Annotated[
    Path,
    typer.Option("--keys", help="The keys file; keep it outside the index.", envvar="SEARCH_KEYS_FILE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(help="Keys that a server asks for.", no_args_is_help=True)


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="Who it is for.")],
    keys: KeysOption,
    scope: Annotated[
        str, typer.Option(help="What it may do: `read`, or `admin`, which also writes.")
    ] = "read",
    days: Annotated[
        int | None, typer.Option(help="Days it is good for; for ever if not given.", min=1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and the file if there is none. The key is printed once.

    Example: search-api keys create newsroom --keys ~/.config/article-search/keys.json
    """
    if not name.strip() or not name.isprintable():
        raise InputError("the name must have a letter and no line end; it is how the key is listed")
    expires = None if days is None else _today() + timedelta(days=days)
    key, secret = create_key(keys, name, _scope(scope), expires)
    typer.echo(json.dumps({"key": secret, **_told(keys, key)}, indent=1) if as_json else secret)
    typer.echo(f"{scope} key {key.id} for {name}; it cannot be shown again", err=True)


@app.command("list")
def list_command(keys: KeysOption, as_json: JsonOption = False) -> None:
    """List the keys: id, scope, when made, last used, state, name. None is shown.

    Example: search-api keys list --keys keys.json
    """
    rows = [_told(keys, key) for key in read_keys(keys)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        state = f"revoked {row['revoked']}" if row["revoked"] else "expired" if not row["good"] else "good"
        until = f" until {row['expires']}" if row["expires"] else ""
        used = row["last_used"] or "never"
        what = f"{row['id']}  {row['scope']:5}  made {row['created']}  used {used:10}"
        typer.echo(f"{what}  {state}{until}  {row['name']}")


@app.command("revoke")
def revoke_command(
    wanted: Annotated[str, typer.Argument(help="The key's id or name.", metavar="ID")],
    keys: KeysOption,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key. Servers that run refuse it from their next request on.

    Example: search-api keys revoke newsroom --keys keys.json
    """
    gone = revoke_key(keys, wanted)
    if as_json:
        typer.echo(json.dumps(_told(keys, gone), indent=1))
    typer.echo(f"key {gone.id} for {gone.name} is revoked", err=True)


def _told(file: Path, key: Key) -> dict[str, object]:
    row = asdict(key)
    del row["sha256"]
    return row | {"last_used": last_used(file, key), "good": key.is_good(_today())}


def _scope(text: str) -> KeyScope:
    if text not in ("read", "admin"):
        raise InputError(f"--scope is {text!r}; it can be read or admin")
    return text  # type: ignore[return-value]


def _today() -> date:
    return datetime.now(UTC).date()
