"""The tables of `make test-load` and `make soak`, for docs/reliability.md. result -> Markdown."""

from typing import Any


def load_section(result: dict[str, Any]) -> str:
    """A line a promise of one `make test-load`, with its figure."""
    below, beyond, held, end = (result[name] for name in ("below", "beyond", "stalled", "ended"))
    share = beyond["goodput"] / result["capacity_per_s"]
    rows = [
        ("the most answers a second, at any rate", "", f"{result['capacity_per_s']:g}"),
        (
            f"at 80 % of it, {below['per_second']:g} a second",
            "no error",
            f"{below['errors']} errors, {below['refused']} refused of {below['requests']:,}; "
            f"p50 {below['p50_ms']:.0f} ms, p99 {below['p99_ms']:.0f} ms",
        ),
        (
            f"at 200 % of it, {beyond['per_second']:g} a second",
            "80 % of the peak is answered",
            f"{beyond['goodput']:g} a second, {share:.0%}; {beyond['errors']} errors",
        ),
        ("the surplus", "refused in 50 ms", _refusals(beyond)),
        (
            f"{held['connections']} connections that stall",
            "/healthz in 100 ms",
            f"p99 {held['healthz']['p99_ms']:.0f} ms, worst {held['healthz']['worst_ms']:.0f} ms",
        ),
        ("the same", "closed in 10 s", f"{held['closed']} closed after {held['closed_after_s']:g} s"),
        (
            f"SIGTERM at {end['per_second']:g} searches a second",
            "what was sent before is answered",
            f"{end['sent_before_not_answered']} of {end['sent_before']} not answered; /readyz turned after "
            f"{end['ready_turned_after_ms']:.0f} ms, the process ended after {end['ended_after_s']:g} s",
        ),
    ]
    lines = ["| | promised | found |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    missed = f" Not kept: {'; '.join(result['missed'])}." if result["missed"] else ""
    made = (
        f"Made by `make test-load` at commit {result['commit']} on {result['cores']} cores, which driver and "
        f"server share, load {result['load'][0]:.1f}: {result['articles']:,} articles, "
        f"{result['passages']:,} passages.{missed}"
    )
    return "\n".join([*lines, "", made])


def _refusals(beyond: dict[str, Any]) -> str:
    if not beyond["refused"]:
        return "none was refused"
    told = (
        f"{beyond['refused']:,} refused; p50 {beyond['refused_p50_ms']:.0f} ms, "
        f"p99 {beyond['refused_p99_ms']:.0f} ms from when it was sent"
    )
    if "driver_sent_late_p99_ms" not in beyond:  # of a run that did not measure its driver
        return told
    return (
        f"{told} until it had arrived; the driver sent late by p99 "
        f"{beyond['driver_sent_late_p99_ms']:.0f} ms and read late by p99 "
        f"{beyond['driver_read_late_p99_ms']:.0f} ms"
    )


def soak_section(result: dict[str, Any]) -> str:
    """What a server held in the first tenth after the warm-up and in the last of one `make soak`."""
    lines = ["| | first | last | most | growth |", "|---|---|---|---|---|"]
    for name, shown in (("own_bytes", "own memory"), ("threads", "threads"), ("files", "open files")):
        one = result[name]
        unit = 1e6 if name == "own_bytes" else 1
        values = " | ".join(f"{one[key] / unit:,.0f}" for key in ("first", "last", "most"))
        lines.append(f"| {shown}{', MB' if unit > 1 else ''} | {values} | {100 * one['growth']:+.1f} % |")
    done = ", ".join(f"{count:,} × {kind}" for kind, count in result["writes"].items())
    searches, answers = result["searches"], result["answers"]
    errors = searches["errors"] + answers["errors"]
    made = (
        f"Made by `make soak` at commit {result['commit']} on {result['cores']} cores, load "
        f"{result['load'][0]:.1f}: {result['minutes']:g} minutes, {searches['requests']:,} searches (p99 "
        f"{searches['p99_ms']:,.0f} ms), {answers['requests']:,} answers (p99 {answers['p99_ms']:,.0f} ms), "
        f"{errors} errors; {done}; {result['generations']:,} generations, {len(result['failures'])} writes "
        f"failed; `verify --all` afterwards ended with {result['verify']}."
    )
    return "\n".join([*lines, "", made])
