"""The options that several commands share, and how a run shows itself. Knows Typer, nothing of indexes."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from indexer.report import BuildReport

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", envvar="SEARCH_INDEX")]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder of converted models, the vectors journal and the record of checked files.",
        envvar="SEARCH_CACHE",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what was done or found as JSON.")]
KeepOption = Annotated[int, typer.Option(help="Generations kept for rollback, the new one counted.", min=1)]
MergeOption = Annotated[
    bool,
    typer.Option(
        "--merge/--no-merge",
        help="Merge segments when the policy (indexer/merging.py) asks for it, or never.",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Stop at the first rejected record, with exit code 1 and nothing changed."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Also write what became of every file and record, and why, to this file: .csv or .json.",
        metavar="FILE",
    ),
]
NiceOption = Annotated[
    int,
    typer.Option(
        help="How far to step back for other processes, so that searches on this machine go on.",
        min=0,
        max=19,
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        help="Read, split and encode on the Ray cluster at this address, `host:port`, or `auto` for the one "
        "that this machine is part of.",
        metavar="ADDRESS",
    ),
]
ShardsOption = Annotated[
    Path | None,
    typer.Option(
        "--shards",
        help="With `--ray`: the folder for what the nodes write, which all of them see under this path; "
        "beside the index if not given.",
    ),
]
GpuOption = Annotated[
    bool | None,
    typer.Option(
        "--gpu/--no-gpu",
        help="With `--ray`: encode on the GPUs of the cluster, one actor each, or never; on GPUs where there "
        "are any if not given.",
    ),
]
PathsArgument = Annotated[
    list[Path],
    typer.Argument(help="Files and folders of articles; a folder with all below it.", metavar="PATH"),
]


def say(text: object) -> None:
    """A message, on stderr."""
    typer.echo(text, err=True)


def show(data: Any, as_json: bool, text: object = None) -> None:
    """Data, on stdout: as JSON, or as its own text."""
    typer.echo(json.dumps(data, ensure_ascii=False) if as_json else data if text is None else text)


def show_report(report: BuildReport, as_json: bool) -> None:
    """What a run did."""
    show(report.to_json(), as_json, report)
