"""Do all citations of all answers verify, and is no answer longer than a sentence? (`make eval-answers` too)

python -m bench.citing [FOLDER...] [--questions N] [--words N]
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.asking import kept_out, ready_reader
from bench.collections import Collection, find_collections
from bench.places import DATA
from bench.quality import index_of
from bench.sampling import add_words_option, sampled
from passage_index.model_files import default_cache
from search_api.answers.asking import AskReply, ask
from search_api.hits import SearchRequest
from search_api.reader.model import SHIPPED
from search_api.reader.reader import Reader
from search_api.searcher import Searcher, open_searcher


def counted(collection: Collection, reader: Reader, most: int) -> Counter[str]:
    """Questions, citations, those that verify, and answers of a sentence or less."""
    cache, counts = default_cache(), Counter[str]()
    searcher = open_searcher(index_of(collection, cache), cache)
    searcher.reader = reader
    for query in collection.queries[:: max(1, len(collection.queries) // most)][:most]:
        reply = ask(searcher, SearchRequest(query.text), 0.0)
        every = [*reply.citations, *(one.citation for one in reply.disagreements), *reply.newer]
        counts += Counter(
            questions=1,
            answers=int(reply.answerable),
            citations=len(every),
            verified=sum(one.verified for one in every),
            one_sentence=int(_is_sentence(searcher, reply)),
        )
    searcher.close()
    return counts


def _is_sentence(searcher: Searcher, reply: AskReply) -> bool:
    if reply.answer is None:
        return False
    stored = searcher.snapshot.passage(reply.answer.passage_id)
    assert stored is not None
    return (reply.answer.start, reply.answer.end) in stored.passage.sentences


def report(folders: Sequence[Path], most: int, words: int | None) -> Counter[str]:
    """Print a line a collection; their sum. words: of a collection's articles, at most."""
    reader, total = ready_reader(SHIPPED), Counter[str]()
    for collection in (one for folder in folders for one in find_collections(folder)):
        if any(query.answers for query in collection.queries):
            kept = kept_out(collection)
            if words is not None:
                kept = sampled(kept, most, words, default_cache())
            counts = counted(kept, reader, most)
            print(collection.name, dict(counts), flush=True)
            total += counts
    print("all", dict(total))
    return total


def main() -> None:
    """See above. Exit code 1 where a citation does not verify."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[DATA])
    parser.add_argument("--questions", type=int, default=60, help="of a collection, at most")
    add_words_option(parser)
    options = parser.parse_args()
    total = report(options.folders, options.questions, options.words)
    raise SystemExit(int(total["verified"] < total["citations"] or total["one_sentence"] < total["answers"]))


if __name__ == "__main__":
    main()
