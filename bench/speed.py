"""`make bench`: our engine beside others, in one run on one machine, by ratios of medians over turns.

    encoding     sentence-transformers' own encode, and the processor itself    encoding.py
    indexing     txtai, over the same passages with the same model              indexing.py
    searching    txtai's own API, over HTTP, one client and a rising load       searching.py, load.py
    vectors      hnswlib, usearch and chromadb, over our vectors                vectors.py

The peers are installed into an environment of their own (peers.py) and run as processes of their own.
With --news, searching and vectors alone, over the index of all news articles; txtai gets our vectors
there, for to encode that many by itself would take it hours, and still encodes its questions itself.

    python -m bench.speed [ARTICLES] [--passages N] [--searched N] [--rounds N] [--seconds S]
                          [--quick] [--news] [--out FILE]
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import encoding, indexing, searching, vectors
from bench.collections import load_collection
from bench.indexing import Exported, exported, first_articles
from bench.peers import Peer, PeerFailed, python_of, reported
from bench.places import DATA, RESULTS, commit
from bench.quality import index_of
from bench.servers import ServerFailed
from passage_index.errors import SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import TransformerEncoder, load_encoder

NEWS = DATA / "news"
NEWS_RESULT = RESULTS / "news-speed.json"
DEFAULT_ARTICLES = (NEWS / "articles.jsonl.gz", Path("corpus"))
PACKAGES = ("openvino", "torch", "sentence-transformers", "faiss-cpu", "tantivy", "numpy")


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts are given."""

    encoder: TransformerEncoder
    model: Path
    folder: Path  # scratch
    failed: dict[str, str]  # peer -> why it has no figures
    versions: dict[str, str]  # of what runs beside us
    rounds: int
    seconds: float  # of a step of the load


def machine() -> dict[str, Any]:
    """Where and with what this was measured."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("flags", 1)[-1].split("\n")[0].split()
    return {
        "commit": commit(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "features": sorted(one for one in flags if one.startswith(("amx", "avx512", "avx2"))),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "load_before": [round(one, 2) for one in os.getloadavg()],
    }


def txtai_of(bench: Bench, stack: ExitStack) -> Peer | None:
    """The process of txtai with its encoder loaded, or None and the reason."""
    with reported(bench.failed, "txtai"):
        peer = stack.enter_context(
            Peer(python_of("txtai"), "bench.peer_txtai", bench.folder / "txtai-peer.log")
        )
        bench.versions.update(peer.ask("load", model=str(bench.model))["versions"])
        return peer
    return None


def search(
    bench: Bench, index: Path, given: Exported, txtai_index: Path, processes: int = 1
) -> dict[str, Any]:
    """Both servers over the same passages, of so many processes each; ours alone where txtai has failed."""
    questions = searching.questions_of(given, NEWS / "questions.jsonl")
    with searching.our_server(index, bench.folder, processes) as ours:
        if "txtai" not in bench.failed:
            with (
                reported(bench.failed, "txtai"),
                searching.txtai_server(
                    python_of("txtai"), txtai_index, bench.model, bench.folder, processes
                ) as theirs,
            ):
                both = {"ours": ours, "txtai": theirs}
                found = searching.compare(both, questions, bench.rounds, bench.seconds)
                rates = [found[name]["sustained_per_s"] for name in both]
                ratio = round(rates[0] / rates[1], 2) if rates[1] else None
                return {"passages": given.count, "processes": processes, "ratio": ratio, **found}
        found = searching.compare({"ours": ours}, questions, bench.rounds, bench.seconds)
        return {"passages": given.count, "processes": processes, "ratio": None, **found}


def searches(bench: Bench, index: Path, given: Exported, txtai_index: Path) -> dict[str, Any]:
    """One process each, as both are by default, then one a core."""
    found = {"searching": search(bench, index, given, txtai_index)}
    if (cores := os.cpu_count() or 1) > 1:
        found["side_by_side"] = search(bench, index, given, txtai_index, cores)
    return found


def dense(bench: Bench, index: Path, given: Exported) -> dict[str, Any]:
    """The vector indexes over the vectors of an index."""
    texts = searching.questions_of(given, NEWS / "questions.jsonl")[: vectors.ASKED]
    questions = bench.encoder.encode_questions(texts)
    return vectors.compare(index, given, questions, bench.folder, bench.failed, bench.rounds)


def everything(bench: Bench, articles: Path, passages: int, searched: int) -> dict[str, Any]:
    """All four parts, over the first articles of a file or folder."""
    out: dict[str, Any] = {}
    few = encoding.passages_of(articles, bench.encoder, passages)
    out["encoding"] = encoding.compare(few, bench.encoder, bench.model, bench.rounds)
    small, large = (first_articles(articles, bench.encoder, n, bench.folder / f"{n}.jsonl")
                    for n in (passages, searched))  # fmt: skip
    with ExitStack() as stack:
        txtai = txtai_of(bench, stack)
        out["indexing"] = [
            indexing.compare(small, bench.folder / "small", bench.encoder, txtai, bench.failed, bench.rounds),
            indexing.compare(large, bench.folder / "large", bench.encoder, txtai, bench.failed, 1),
        ]
    last = bench.folder / "large" / "last"
    given = exported(last / "index", last)
    out |= searches(bench, last / "index", given, last / "txtai")
    out["vectors"] = dense(bench, last / "index", given)
    return out


def news(bench: Bench, index: Path) -> dict[str, Any]:
    """Searching and vectors over an index as it is, txtai with our vectors."""
    given, theirs = exported(index, bench.folder), bench.folder / "txtai"
    out: dict[str, Any] = {"txtai_given_vectors": True}
    with reported(bench.failed, "txtai"), Peer(
        python_of("txtai"), "bench.peer_txtai", bench.folder / "txtai-peer.log",
        {"PEER_MODEL": str(bench.model), "ALLOW_RESOLVE_TRANSFORM": "True"},
    ) as peer:  # fmt: skip
        done = peer.ask("index_given", passages=str(given.passages), vectors=str(given.vectors),
                        folder=str(theirs))  # fmt: skip
        bench.versions.update(done["versions"])
        out["txtai_indexed_s"] = round(done["seconds"], 1)
        print(f"txtai indexed {done['passages']:,} given vectors in {done['seconds']:.0f} s", flush=True)
    out |= searches(bench, index, given, theirs)
    out["vectors"] = dense(bench, index, given)
    return out


def main() -> None:
    """Print the figures and write bench/results/speed-<commit>.json, or news-speed.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("articles", nargs="?", type=Path, help="default: the news articles, or corpus/")
    parser.add_argument("--passages", type=int, default=1500, help="encoded and indexed in turns")
    parser.add_argument("--searched", type=int, default=6_000, help="indexed once and searched")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a step of the load")
    parser.add_argument("--quick", action="store_true", help="300 passages, 1,000 searched, one round")
    parser.add_argument("--news", action="store_true", help="search all news articles instead")
    parser.add_argument("--index", type=Path, help="with --news: another index than that of all news")
    parser.add_argument("--out", type=Path, help="where the JSON goes; --quick writes none without")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.passages, chosen.searched, chosen.rounds, chosen.seconds = 300, 1000, 1, 4.0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench.speed: ended"))  # servers and scratch go too
    cache = default_cache() / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    result = machine()
    try:
        with tempfile.TemporaryDirectory(prefix="speed-", dir=cache) as folder:
            encoder = load_encoder(streams=os.cpu_count() or 1)
            model = encoding.model_folder(encoder.identity.name)
            bench = Bench(encoder, model, Path(folder), {}, {}, chosen.rounds, chosen.seconds)
            if chosen.news:
                result |= news(bench, chosen.index or index_of(load_collection(NEWS), default_cache()))
            else:
                articles = chosen.articles or next(path for path in DEFAULT_ARTICLES if path.exists())
                result |= everything(bench, articles, chosen.passages, chosen.searched)
    except (SearchEngineError, PeerFailed, ServerFailed) as error:
        sys.exit(f"bench.speed: {error}")
    load_after = [round(one, 2) for one in os.getloadavg()]
    result |= {"failed": bench.failed, "peer_versions": bench.versions, "load_after": load_after}
    print(json.dumps(result, indent=1))
    default = NEWS_RESULT if chosen.news else RESULTS / f"speed-{result['commit'] or 'unknown'}.json"
    out = chosen.out or (None if chosen.quick else default)
    if out:
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
