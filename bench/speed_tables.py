"""The tables of `make bench`: a short one for the README, the whole for docs/speed.md. results -> Markdown"""

from collections.abc import Sequence
from typing import Any

from bench.load import LIMIT_MS


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, the heads first."""
    lines = [heads, ["---"] * len(heads), *rows]
    return (
        "\n".join("| " + " | ".join(line) + " |" for line in lines)
        .replace("| --- ", "|---")
        .replace("|--- |", "|---|")
    )


def _rate(number: float | None) -> str:
    return "" if number is None else f"{number:,.1f}/s"


def _ratio(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _ms(found: dict[str, Any]) -> str:
    return f"{found['p50_ms']:.1f} ms, {found['p99_ms']:.1f} ms"


def short_rows(result: dict[str, Any]) -> list[list[str]]:
    """What is compared, ours, the peer's, the ratio: a line each."""
    rows = []
    if one := result.get("encoding"):
        rows.append(
            [
                f"passages encoded, {one['passages']:,} of {one['tokens_per_passage']:.0f} tokens",
                _rate(one["ours_per_s"]),
                f"sentence-transformers `encode` {_rate(one['sentence_transformers_per_s'])}",
                _ratio(one["ratio"]),
            ]
        )
    for one in result.get("indexing", []):
        peer = f"txtai {_rate(one['txtai_per_s'])}" if "txtai_per_s" in one else "txtai did not run"
        what = f"passages indexed, {one['passages']:,}"
        rows.append([what, _rate(one["ours_per_s"]), peer, _ratio(one.get("ratio"))])
    both = (result[key] for key in ("searching", "side_by_side") if key in result)
    return rows + [row for one in both for row in _search_rows(one)]


def _search_rows(found: dict[str, Any]) -> list[list[str]]:
    ours, theirs = found["ours"], found.get("txtai")
    among = f"{found['passages']:,} passages"
    if (processes := found.get("processes", 1)) > 1:
        among += f", {processes} processes each"
    if theirs is None:
        return [[f"search over HTTP among {among}, p50, p99", _ms(ours), "txtai did not run", ""]]
    faster = theirs["p50_ms"] / ours["p50_ms"]
    return [
        [f"search over HTTP among {among}, p50, p99", _ms(ours), f"txtai {_ms(theirs)}", _ratio(faster)],
        [
            f"searches sustained among {among}", _rate(ours["sustained_per_s"]),
            f"txtai {_rate(theirs['sustained_per_s'])}", _ratio(found["ratio"]),
        ],
    ]  # fmt: skip


def speed_section(result: dict[str, Any]) -> str:
    """The README's: a line a comparison."""
    lines = table(["", "ours", "beside it", "times"], short_rows(result))
    return f"{lines}\n\nMeasured at commit {result['commit']} on {result['cores']} cores, in one run."


def full_section(result: dict[str, Any]) -> str:
    """The same, with the processor's share, the rates that were tried, the vectors and the machine."""
    parts = [table(["", "ours", "beside it", "times"], short_rows(result))]
    if one := result.get("encoding"):
        parts.append(
            f"Worst cosine of our vectors to those of sentence-transformers: {one['cosine_worst']}. The "
            f"encoder alone ({one['precision']}, no tokeniser, no pooling) makes {_rate(one['bare_per_s'])}: "
            f"{one['bare_gflops']:,} GFLOP/s, {100 * one['share_of_product']:.0f} % of the "
            f"{one['product_gflops']:,} that one large product of that precision by torch reaches here."
        )
    parts += [_indexed(one) for one in result.get("indexing", [])]
    for one in (result[key] for key in ("searching", "side_by_side") if key in result):
        processes = f", {one['processes']} processes each" if one.get("processes", 1) > 1 else ""
        parts.append(f"The rates tried in the last round, {one['passages']:,} passages{processes}:")
        parts.append(_load_table(one))
    parts.append(_vectors_table(result["vectors"]))
    parts += [f"{peer} has no figures: {reason}" for peer, reason in result["failed"].items()]
    return "\n\n".join([*parts, _made(result)])


def _indexed(one: dict[str, Any]) -> str:
    same = (
        f" Worst cosine of txtai's vectors to ours: {one['cosine_worst']}." if "cosine_worst" in one else ""
    )
    return (
        f"The encoder is at work for {100 * one['encoder_share']:.0f} % of our build of {one['passages']:,} "
        f"passages (median of {one['rounds']}).{same}"
    )


def _load_table(found: dict[str, Any]) -> str:
    """The last round's steps: a line a rate that was tried, in rising order."""
    rows = []
    for name in ("ours", "txtai"):
        if name in found:
            steps = sorted(found[name]["load"][-1]["steps"], key=lambda one: one["per_second"])
            rows += [
                [name, _rate(one["per_second"]), f"{one['requests']:,}", str(one["errors"]),
                 f"{one['p50_ms']:,.0f} ms", f"{one['p99_ms']:,.0f} ms",
                 "yes" if one["errors"] == 0 and one["p99_ms"] <= LIMIT_MS else "no"]
                for one in steps
            ]  # fmt: skip
    return table(["", "asked", "searches", "errors", "p50", "p99", "sustained"], rows)


def _vectors_table(found: dict[str, Any]) -> str:
    """A line an engine."""
    rows = [
        [
            f"{name} {one['version']}" if "version" in one else f"{name} (`{one['step']}`)",
            f"{one['build_s']:.1f} s", f"{one['p50_ms']:.3f} ms", f"{one['recall_at_10']:.3f}",
        ]
        for name, one in found["engines"].items()
    ]  # fmt: skip
    return table([f"{found['rows']:,} vectors", "built in", "p50, one thread", "recall@10"], rows)


def _made(result: dict[str, Any]) -> str:
    versions, theirs = (
        ", ".join(f"{name} {one}" for name, one in result[key].items())
        for key in ("versions", "peer_versions")
    )
    features = ", ".join(f"`{one}`" for one in result["features"])
    before, after = result["load_before"][0], result["load_after"][0]
    return (
        f"Measured at commit {result['commit']} on {result['cores']} cores with {features or 'no AVX-512'}; "
        f"Python {result['python']}, {versions}; beside it {theirs or 'nothing'}. "
        f"Load of the machine before {before}, after {after}."
    )
