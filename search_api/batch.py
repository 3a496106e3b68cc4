"""Many questions at once: ranked articles as TREC run lines, ranked passages as JSON lines.

Plain ranking only: no collapsing, diversity or refusal. QUERIES.jsonl -> RUN.trec
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from passage_index.errors import InputError
from search_api.hits import Hit, SearchRequest
from search_api.rerank import Reranker
from search_api.searcher import Searcher

RUN_NAME = "article-search"
PASSAGES_PER_ARTICLE = 10  # candidates of each leg for every article wanted


def read_queries(file: Path) -> Iterator[tuple[str, str]]:
    """(id, question) of every line: keys `_id` or `id`, `text` or `question`. Raises InputError."""
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _query(line, f"{file}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as UTF-8 text: {error}") from error


def _query(line: str, place: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        query_id, question = row.get("_id", row.get("id")), row.get("text", row.get("question"))
    except (ValueError, AttributeError) as error:
        raise InputError(f"{place} is not a JSON object: {error}") from error
    if query_id in (None, "") or not isinstance(question, str):
        raise InputError(f"{place} needs `_id` and `text` (or `question`)")
    if any(character.isspace() for character in str(query_id)):
        raise InputError(f"{place}: a query id must not hold blanks, TREC lines are split at them")
    return str(query_id), question


@contextmanager
def whole_file(file: Path) -> Iterator[TextIO]:
    """A text file to write that is there only once it is whole. Raises InputError when it cannot be."""
    scratch = file.with_name(f".{file.name}.part")
    try:
        with scratch.open("w", encoding="utf-8") as opened:
            yield opened
        scratch.replace(file)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}; name another file") from error
    finally:
        scratch.unlink(missing_ok=True)


@dataclass(slots=True)
class Answering:
    """Who answers, and how. depth: articles a question; rerank: passages that the reranker judges."""

    searcher: Searcher
    depth: int
    reranker: Reranker | None = None
    rerank: int = 0
    warnings: Counter[str] = field(default_factory=Counter)  # what was said of how many questions

    def hits(self, question: str) -> tuple[Hit, ...]:
        """Hits, or none for a question without a word: a run must not end at one odd query."""
        request = SearchRequest(
            question,
            limit=self.depth * PASSAGES_PER_ARTICLE,
            collapse=False,
            depth=max(200, self.depth * PASSAGES_PER_ARTICLE),
            rerank=self.rerank,
        )
        try:
            reply = self.searcher.search(request, self.reranker)
        except InputError:
            return ()
        self.warnings.update(reply.warnings)
        return reply.hits


def run_batch(answering: Answering, queries: Path, run: TextIO, passages: TextIO | None = None) -> int:
    """Answer every query; returns how many there were. Scores fall strictly, as TREC tools expect.

    run: one line an article, its best passage's rank. passages: one JSON line a query.
    """
    count = 0
    for query_id, question in read_queries(queries):
        hits, depth = answering.hits(question), answering.depth
        for rank, article_id in enumerate(_articles(hits, depth), start=1):
            # Rank, not the raw score, makes the column: equal scores must not be reordered by a reader.
            run.write(f"{query_id} Q0 {_field(article_id)} {rank} {1 / rank:.8f} {RUN_NAME}\n")
        if passages is not None:
            row = {"_id": query_id, "question": question, "passages": [_passage(hit) for hit in hits[:depth]]}
            passages.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _articles(hits: tuple[Hit, ...], depth: int) -> list[str]:
    return list(dict.fromkeys(hit.stored.article.id for hit in hits))[:depth]


def _field(article_id: str) -> str:
    """An id as one TREC field: blanks and `%` percent-encoded as UTF-8, so that any URL decoder undoes it."""
    return "".join(quote(one) if one.isspace() or one == "%" else one for one in article_id)


def _passage(hit: Hit) -> dict[str, Any]:
    passage = hit.stored.passage
    return {
        "rank": hit.rank,
        "id": passage.id,
        "article_id": passage.article_id,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 6),
        "text": hit.stored.text,
    }
