"""Write the tables of README.md and docs/ from result files, so that no figure is typed by hand.

python -m bench.tables [QUALITY.json] [SPEED.json]     default: the newest of each in bench/results/
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.answerability import table as answerable_table
from bench.places import RESULTS, ROOT
from bench.pressed_tables import load_section, soak_section
from bench.quality import table
from bench.ray_build import section as ray_section
from bench.rereading import table as rereading_table
from bench.scale_law import law_section
from bench.speed_tables import full_section, speed_section


def newest(pattern: str) -> Path:
    """The latest result file of a kind."""
    return max(RESULTS.glob(pattern), key=lambda file: file.stat().st_mtime)


def quality_section(results: dict[str, Any]) -> str:
    """The table of one `make eval`."""
    commits = {name: result["commit"] for name, result in results["collections"].items()}
    places = "; ".join(
        f"{commit}: {', '.join(name for name, at in commits.items() if at == commit)}"
        for commit in dict.fromkeys(commits.values())
    )
    return f"{table(results['collections'])}\n\nMeasured by `make eval` at commit {places}."


def quality_summary(results: dict[str, Any]) -> str:
    """nDCG@10 of every method, a line a collection."""
    collections = results["collections"]
    names = list(next(iter(collections.values()))["methods"])
    lines = ["| nDCG@10, questions | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for collection, result in collections.items():
        cells = [f"{result['methods'][name]['nDCG@10']:.3f}" for name in names]
        lines.append(f"| {collection}, {result['queries']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def faults_section(result: dict[str, Any]) -> str:
    """A line a kind of fault of one run of the fault suite, and their sums."""
    counts = [(one["tried"], one["hit"], one["losses"], len(one["failures"])) for one in result["rows"]]
    names = [one["what"] for one in result["rows"]]
    sums = tuple(sum(column) for column in zip(*counts, strict=True))
    lines = ["| what was done | tried | hit | losses | promises broken |", "|---|---|---|---|---|"]
    for name, row in zip([*names, "**all**"], [*counts, sums], strict=True):
        lines.append(f"| {name} | " + " | ".join(f"{count:,}" for count in row) + " |")
    command = "make test-faults-full" if result["size"] == "full" else "make test-faults"
    where = f"{result['cpus']} cores, Linux {result['kernel']}, Python {result['python']}"
    minutes = result["seconds"] / 60
    made = f"Made by `{command}` at commit {result['commit']}, in {minutes:.0f} minutes on {where}."
    return "\n".join([*lines, "", made])


def growing_section(result: dict[str, Any]) -> str:
    """A line a phase of one `make bench-growing`, and what its commands took."""
    heads = ("meanwhile", "searches", "errors", "p50", "p99", "p50 to rest", "p99 to rest", "load",
             "a command took", "followed after")  # fmt: skip
    rest = result["phases"]["rest"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, one in result["phases"].items():
        runs = one.get("runs", [])
        cells = [
            name, f"{one['requests']:,}", f"{one['errors']:,}",
            *(f"{one[key]:,.0f} ms" for key in ("p50_ms", "p99_ms")),
            *(f"{one[key] / rest[key]:.1f}" for key in ("p50_ms", "p99_ms")),
            " to ".join(f"{part:.1f}" for part in one["load"]),
            *(_from_to([run[key] for run in runs]) for key in ("seconds", "followed_after_s")),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    index, (before, after) = result["index"], result["server_bytes"]
    made = (
        f"Made by `make bench-growing` at commit {result['commit']} on {result['cores']} cores: "
        f"{index['articles']:,} articles, {index['passages']:,} passages, {result['per_second']:g} searches "
        f"a second, {result['added_articles']:,} articles added. The server had "
        f"{before['own'] / 1e6:,.0f} MB of memory before and {after['own'] / 1e6:,.0f} MB after, and "
        f"{after['mapped'] / 1e6:,.0f} MB of the index's files mapped. The load is the machine's, from begin "
        f"to end."
    )
    return "\n".join([*lines, "", made])


def _from_to(seconds: list[float]) -> str:
    if not seconds:
        return ""
    low, high = min(seconds), max(seconds)
    return f"{low:.1f} s" if len(seconds) == 1 else f"{low:.1f} to {high:.1f} s ({len(seconds)} times)"


def answerable_section(result: dict[str, Any]) -> str:
    """The hybrid figures of one `make eval-answerable`."""
    return f"{answerable_table(result['groups'])}\n\nMeasured at commit {result['commit']}."


def answers_section(result: dict[str, Any]) -> str:
    """A line a collection of one `make eval-answers`, with the reader and without it."""
    names = [name for name in next(iter(result["sets"].values())) if name != "right_sentence"]
    heads = ["questions", "right sentence", "right without the reader", *names[1:]]
    lines = ["| | " + " | ".join(name.replace("_", " ") for name in heads) + " |"]
    lines.append("|---" * (len(heads) + 1) + "|")
    for one, row in result["sets"].items():
        without = result["without_reader"][one]["right_sentence"]
        cells = (row["questions"], row["right_sentence"], without, *(row[name] for name in names[1:]))
        lines.append(f"| {one} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, "", f"Measured at commit {result['commit']}."])


def scale_section(result: dict[str, Any]) -> str:
    """A line a size of `make bench-scale`, then a line a size with what filters do to it."""
    sizes = result["sizes"]
    heads = ("rows", "step", "proposals", "lists probed", "built in", "memory a passage", "opened in",
             "recall@10", "recall@200", "p50", "p99", "p50, processor", "load")  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for one in sizes:
        step, made_up = one["step"], ", made up" if one["synthetic"] else ""
        cells = (
            f"{one['rows']:,}{made_up}", step["name"], f"{step['proposals']:,}",
            f"{step['probes']} of {step['lists']}" if step["lists"] else "",
            f"{one['build_s']:.0f} s", f"{one['search_bytes_a_passage']} bytes",
            f"{one['opened_from_disk_s']} s" if one["synthetic"] else "",
            *(f"{one[key]:.3f}" for key in ("recall_at_10", "recall_at_200")),
            *(f"{one[key]:.1f} ms" for key in ("p50_ms", "p99_ms", "p50_cpu_ms")), str(one["load"][0]),
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    shares = [f"{100 * row['share']:g} % pass" for row in sizes[0]["filtered"]]
    lines += ["", "| rows | " + " | ".join(shares) + " |", "|---" * (len(shares) + 1) + "|"]
    for one in sizes:
        parts = [f"{row['recall_at_200']:.3f}, {row['p50_cpu_ms']:.1f} ms" for row in one["filtered"]]
        lines.append(f"| {one['rows']:,} | " + " | ".join(parts) + " |")
    commits = ", ".join(dict.fromkeys(one["commit"] for one in sizes))
    made = f"Made by `make bench-scale` at commit {commits} on {sizes[0]['cores']} cores."
    return "\n".join([*lines, "", made])


def reader_section(result: dict[str, Any]) -> str:
    """A line a collection of `python -m training.comparing`; in brackets before it was made int8."""
    names = {
        "questions": "questions",
        "exact": "exact match",
        "f1": "F1",
        "mrr": "MRR of 8",
        "auroc": "AUROC",
    }
    lines = ["| kept out of | " + " | ".join(names.values()) + " |", "|---" * (len(names) + 1) + "|"]
    trained = result.get("trained") or result.get("drawn 0", {})
    for collection, row in result["shipped"].items():
        before = trained.get(collection, {})
        cells = [f"{row['questions']:.0f}"]
        for name in list(names)[1:]:
            old = f" ({before[name]:.3f})" if name in before else ""
            cells.append(f"{row[name]:.3f}{old}" if name in row else "")
        lines.append(f"| {collection} | " + " | ".join(cells) + " |")
    stands = "the trained network" if "trained" in result else "weights drawn from the steps of int8"
    made = (
        f"In brackets: {stands}. Made by `python -m training.comparing{_sample(result)}` at commit "
        f"{result['commit']}."
    )
    return "\n".join([*lines, "", made])


def _sample(result: dict[str, Any]) -> str:
    """The options that a part of the collections was measured with."""
    sample = result.get("sample", {})
    return "".join(f" --{name} {value}" for name, value in sample.items() if value is not None)


def rereading_section(result: dict[str, Any]) -> str:
    """A line a collection and depth of `make eval-rerank`."""
    made = f"Made by `python -m bench.rereading{_sample(result)}` at commit {result['commit']}."
    return f"{rereading_table(result['collections'])}\n\n{made}"


def starting_section(result: dict[str, Any]) -> str:
    """A line a kind of start of `make bench-start`."""
    lines = ["| start | ready | first answer | own memory | mapped |", "|---|---|---|---|---|"]
    kinds = {
        "first on this host": result["first"],
        "again": result["again"],
        "again, two processes": [result["two_processes"]],
    }
    for name, rows in kinds.items():
        middle = sorted(rows, key=lambda one: one["ready_s"])[len(rows) // 2]
        lines.append(
            f"| {name} | {middle['ready_s']} s | {middle['answered_s']} s "
            f"| {middle['own_bytes'] / 1e6:,.0f} MB | {middle['mapped_bytes'] / 1e6:,.0f} MB |"
        )
    torch = any(one["has_torch"] for rows in kinds.values() for one in rows)
    made = (
        f"{result['passages']:,} passages, {result['index_bytes'] / 1e9:.2f} GB; torch was "
        f"{'' if torch else 'not '}loaded. Made by `make bench-start` at commit {result['commit']} on "
        f"{result['cores']} cores, load {result['load'][0]:.1f}; the middle one of {len(result['first'])}."
    )
    return "\n".join([*lines, "", made])


def cluster_section(result: dict[str, Any]) -> str:
    """What both backends take for the same questions, and what a loss of processes did."""
    names = ("embedded", "milvus", "again", "node_killed", "all_killed")
    ours, theirs, again, node, whole = (result[name] for name in names)
    return "\n".join(
        [
            f"{result['passages']:,} real passages, {result['questions']} questions by vectors alone, the "
            f"first {result['depth']} candidates with all their evidence; Milvus {result['server']}, "
            f"{result['vector_index']}, two shards, two replicas, all on one machine of "
            f"{result['cores']} cores (load {result['load']}), commit {result['commit']}.",
            "",
            "| | index on disk | Milvus | Milvus, the same questions again |",
            "|---|---|---|---|",
            f"| p50 | {ours['p50_ms']} ms | {theirs['p50_ms']} ms | {again['p50_ms']} ms |",
            f"| p99 | {ours['p99_ms']} ms | {theirs['p99_ms']} ms | {again['p99_ms']} ms |",
            f"| recall of the first 10, of {result['depth']} | | {theirs['recall_at_10']}, "
            f"{theirs['recall_at_200']} | |",
            f"| published in | | {result['publish_s']:,.0f} s | |",
            f"| memory of all processes | | {result['memory_gb']} GB | |",
            "",
            f"A query node killed under load: {node['failed']} of {node['asked']} questions failed, "
            f"{node['wrong']} got other passages than before, the slowest took {node['slowest_s']} s. "
            f"Everything but the log killed and started again: {whole['rows_lost']} rows lost, answers after "
            f"{whole['answers_after_s']} s.",
        ]
    )


def put(text: str, name: str, section: str) -> str:
    """Replace what stands between the two markers of a section."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{section}\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Rewrite README.md and the pages that have a table, in place."""
    given = [Path(argument) for argument in sys.argv[1:]]
    quality = given[0] if given else newest("quality-*.json")
    speed = given[1] if len(given) > 1 else newest("speed-*.json")
    tables = [
        ("README.md", "quality", quality, quality_summary),
        ("docs/quality.md", "quality", quality, quality_section),
        ("README.md", "speed", speed, speed_section),
        ("docs/speed.md", "speed", speed, full_section),
        ("docs/speed.md", "news-speed", RESULTS / "news-speed.json", full_section),
        ("docs/speed.md", "no-bf16", RESULTS / "no-bf16-speed.json", speed_section),
        ("docs/reliability.md", "faults", RESULTS / "faults.json", faults_section),
        ("docs/quality.md", "answerable", RESULTS / "answerability.json", answerable_section),
        ("docs/answers.md", "answers", RESULTS / "answers.json", answers_section),
        ("docs/reader.md", "reader", RESULTS / "reader.json", reader_section),
        ("docs/reader.md", "rereading", RESULTS / "rereading.json", rereading_section),
        ("docs/speed.md", "starting", RESULTS / "starting.json", starting_section),
        ("docs/reliability.md", "load", RESULTS / "load.json", load_section),
        ("docs/reliability.md", "soak", RESULTS / "soak.json", soak_section),
        ("docs/growing.md", "growing", RESULTS / "growing.json", growing_section),
        ("docs/scale.md", "scale", RESULTS / "scale.json", scale_section),
        ("docs/scale.md", "ray", RESULTS / "ray.json", ray_section),
        ("docs/scale.md", "law", RESULTS / "ray.json", law_section),
        ("docs/cluster.md", "cluster", RESULTS / "cluster.json", cluster_section),
    ]
    for page, name, result, section in tables:
        if not result.exists():  # never measured here
            continue
        file = ROOT / page
        file.write_text(put(file.read_text(), name, section(json.loads(result.read_text()))))


if __name__ == "__main__":
    main()
