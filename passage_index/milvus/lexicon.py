"""What is known of the words of a published generation, in one file that every reader has beside it.

Spellings and names as in a segment's vocabulary, and in how many passages each index term stands: what a
question is read by, looked up hundreds of times a second. Made when the generation is published, kept in
the cluster, fetched once by each reader. Counts no BM25: Milvus does.
articles in order -> words.sqlite -> Lexicon, Vocabulary
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from passage_index.holding import HeldTerms
from passage_index.lexical import analyzers, searchable
from passage_index.milvus.entities import token
from passage_index.sealed import SealedDatabase
from passage_index.vocabulary import VocabularyWriter

ASKED_AT_ONCE = 500  # terms of one query

_TABLES = """
CREATE TABLE terms (term TEXT PRIMARY KEY, passages INTEGER) WITHOUT ROWID;
CREATE TABLE joined (term TEXT PRIMARY KEY, passages INTEGER) WITHOUT ROWID;
"""


class LexiconWriter:
    """Counts the words of articles and passages; `close` writes them. About 100 bytes a term."""

    def __init__(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        self._file, self._vocabulary = file, VocabularyWriter(file)
        self._terms: Counter[str] = Counter()
        self._joined: Counter[str] = Counter()

    def add_article(self, title: str, text: str) -> None:
        """How an article spells its words."""
        self._vocabulary.add(title, text)

    def add_passage(self, terms: str, joined: str) -> None:
        """The words of a passage as its entity has them, with blanks between them."""
        self._terms.update(set(terms.split()))
        self._joined.update(set(joined.split()))

    def close(self) -> None:
        """Write the file."""
        self._vocabulary.close()
        db = sqlite3.connect(self._file, isolation_level=None)
        try:
            db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN; {_TABLES}")
            for table, counted in (("terms", self._terms), ("joined", self._joined)):
                db.executemany(f"INSERT INTO {table} VALUES (?, ?)", sorted(counted.items()))
            db.execute("COMMIT")
        finally:
            db.close()


class Lexicon:
    """The index terms of a published generation, and how texts are cut into them."""

    def __init__(self, file: Path, passages: int) -> None:
        """passages: of the whole generation."""
        self._db, self._passages = SealedDatabase(file), passages
        self._body, self._whole = analyzers()["body"], analyzers()["whole"]
        self.held = HeldTerms(searchable, self._body.analyze)

    def terms(self, text: str) -> list[str]:
        """See LexicalReader."""
        return list(self._body.analyze(searchable(text)))

    def held_in(self, texts: Sequence[str], wanted: Collection[str]) -> list[frozenset[str]]:
        """See LexicalReader. (n,)."""
        return self.held.held_in(texts, wanted)

    def idf(self, terms: Iterable[str]) -> dict[str, float]:
        """See LexicalReader."""
        return {
            term: math.log(1 + max(self._passages - n + 0.5, 0.5) / (n + 0.5))
            for term, n in self.frequencies(terms).items()
        }

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many passages each term stands."""
        wanted = list(dict.fromkeys(terms))
        counted = self._counted("terms", [token(term) for term in wanted])
        return {term: counted.get(token(term), 0) for term in wanted}

    def holds(self, phrase: Sequence[str]) -> bool:
        """Whether every term of a phrase stands somewhere, which for one term is the whole question."""
        return bool(phrase) and all(self.frequencies(phrase).values())

    def is_joined(self, word: str) -> bool:
        """See LexicalReader."""
        return bool(self._counted("joined", [token(one) for one in self.joined_terms(word)]))

    def joined_terms(self, word: str) -> list[str]:
        """The terms of a compound written without its joints."""
        return list(self._whole.analyze(word))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _counted(self, table: str, tokens: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(tokens), ASKED_AT_ONCE):
            asked = tokens[start : start + ASKED_AT_ONCE]
            marks = ",".join("?" * len(asked))
            found.update(self._db.query(f"SELECT term, passages FROM {table} WHERE term IN ({marks})", asked))
        return found
