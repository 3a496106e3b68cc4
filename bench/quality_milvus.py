"""`make eval-milvus`: the ranking quality of one collection from an index on disk and from Milvus Lite.

The same questions, the same pool depth, the same fusion; what differs is who proposed and counted words.

    python -m bench.quality_milvus COLLECTION [DATA] [--sample N]

Figures go to bench/results/quality-milvus.json.
"""

import argparse
import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench.collections import Query, find_collections
from bench.places import DATA, RESULTS, commit
from bench.quality import OURS, Outcome, compare, figures, index_of, run
from indexer.publishing import PublishOptions, publish
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.publication import served
from passage_index.milvus.snapshot import MilvusSnapshot
from passage_index.model_files import default_cache
from passage_index.snapshot import open_snapshot
from passage_index.transformer import load_indexed_encoder
from search_api.searcher import Searcher

METHODS = ("dense", "bm25", OURS)
MAIN = "nDCG@10"


def told(queries: list[Query], on_disk: Outcome, in_milvus: Outcome) -> dict[str, Any]:
    """By method the main figure of both, and the p of a paired bootstrap between them."""
    rows = {}
    for method in METHODS:
        (ours, base), (theirs, each) = (figures(queries, one, method) for one in (on_disk, in_milvus))
        p, lost = compare(each, base)
        rows[method] = {
            "embedded": round(ours[MAIN], 4), "milvus": round(theirs[MAIN], 4), "p": p, "lost": round(lost, 4)
        }  # fmt: skip
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.quality_milvus")
    parser.add_argument("collection")
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--sample", type=int)
    arguments = parser.parse_args()
    (collection,) = (one for one in find_collections(arguments.data) if one.name == arguments.collection)
    queries, cache = collection.queries, default_cache()
    if arguments.sample:
        queries = queries[:: max(1, len(queries) // arguments.sample)]
    index = index_of(collection, cache)
    outcomes = []
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Cluster(f"{folder}/lite.db", timeout_s=300)) as lite,
    ):
        publish(index, lite, PublishOptions(workers=1), Path(folder), lambda *_: None)
        names = served(lite, "passages")
        assert names is not None
        for backend in (open_snapshot(index), MilvusSnapshot(lite, names, Path(folder))):
            encoder = load_indexed_encoder(backend.manifest.encoder, cache)
            with closing(Searcher(backend, encoder)) as searcher:
                outcomes.append(run(searcher, queries))
    result = {
        "collection": collection.name,
        "queries": len(queries),
        "commit": commit(),
        "ms_p50": [round(float(np.median(one.ms)), 1) for one in outcomes],
        "methods": told(queries, *outcomes),
    }
    (RESULTS / "quality-milvus.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
