"""Fills the word indexes of a generation. What is asked of them, and how text is cut, is in lexical.py.

Articles and their passages -> folders of tantivy
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tantivy

from passage_index.failpoints import failpoint
from passage_index.lexical import ARTICLES, META, PASSAGES, compounds, register, schema, searchable
from passage_index.types import Article, Passage

_MANAGED = ".managed.json"  # tantivy's list of files that it may remove
_HEAP_BYTES = 64_000_000


class LexicalWriter:
    """Fills one tantivy index, a new one or one that stands in `folder`; `close` commits it.

    Tantivy works in a folder beside that one: it is silent when the flush of its folder or of its list of
    files fails after a commit, so nothing of that may be trusted, and `close` makes both anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._working = folder, folder.with_name(f".{folder.name}")
        with _disk_errors():
            if (folder / META).exists():
                folder.rename(self._working)
                index = tantivy.Index.open(str(self._working))
            else:
                self._working.mkdir(parents=True)
                index = tantivy.Index(schema(), path=str(self._working))
            self._schema = index.schema
            self._writer = register(index).writer(heap_size=_HEAP_BYTES, num_threads=1)

    def add(self, number: int, title: str, text: str) -> None:
        """One record; `number` is what a search gives back."""
        document = tantivy.Document()
        document.add_unsigned("number", number)
        title, text = searchable(title), searchable(text)
        document.add_text("body", f"{title}\n{text}" if title else text)
        document.add_text("title", title)
        document.add_text("whole", " ".join(compounds(f"{title} {text}")))
        with _disk_errors():
            self._writer.add_document(document)

    def delete(self, numbers: Iterable[int]) -> None:
        """Records by number. BM25 goes on counting them until the index is made anew."""
        # Not delete_documents_by_term: it takes a number for a signed one, and then finds nothing.
        wanted = [int(number) for number in numbers]
        with _disk_errors():
            if wanted:
                query = tantivy.Query.term_set_query(self._schema, "number", wanted)
                self._writer.delete_documents_by_query(query)

    def close(self) -> None:
        """Commit, and wait for tantivy's own merges; the index is whole afterwards."""
        failpoint("lexical.before_commit")
        with _disk_errors():
            self._writer.commit()
            failpoint("lexical.after_commit")
            self._writer.wait_merging_threads()
        failpoint("lexical.merges_done")
        self._settle()

    def _settle(self) -> None:
        """Move what was committed to its place, in a folder and with a list that the caller can flush."""
        self._folder.mkdir(exist_ok=True)
        names = [file.name for file in self._working.iterdir() if not file.name.startswith(".")]
        for name in names:
            if name == META:
                (self._folder / META).write_bytes((self._working / META).read_bytes())
            else:
                (self._working / name).rename(self._folder / name)
        (self._folder / _MANAGED).write_text(json.dumps(sorted(names)))
        shutil.rmtree(self._working)


class LexicalWriters:
    """Both word indexes of a generation: new ones, or those that stand in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._passages = LexicalWriter(folder / PASSAGES)
        self._articles = LexicalWriter(folder / ARTICLES)

    def add(self, article: Article, passages: Sequence[Passage], first_number: int) -> None:
        """An article and its passages, which are numbered from `first_number` on."""
        self._articles.add(first_number, article.title, article.text)
        for number, passage in enumerate(passages, start=first_number):
            self._passages.add(number, article.title, article.text[passage.start : passage.end])

    def delete(self, passages: Iterable[int], articles: Iterable[int]) -> None:
        """Passages by number, articles by the number of their first passage."""
        failpoint("lexical.before_delete")
        self._passages.delete(passages)
        self._articles.delete(articles)

    def close(self) -> None:
        """Commit both."""
        self._passages.close()
        self._articles.close()


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Tantivy's writer raises ValueError for whatever the disk refuses; here it is an OSError again."""
    try:
        yield
    except ValueError as error:
        raise OSError(f"lexical index: {error}") from error
