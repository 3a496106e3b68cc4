"""Which ids have been read, and where: refuses the same id twice.

Holds 120 bits of a hash for an id, about 120 bytes each in all, so that ten million fit in 1.3 GB.
"""

from hashlib import blake2b

from passage_index.errors import DuplicateArticle

_LINE_BITS = 40


class SeenIds:
    """The ids of one run, file by file."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}  # hash of the id -> number of its file << 40 | its line
        self._files: list[str] = []

    def start_file(self, path: str) -> None:
        """What is noted from here on stands in this file."""
        self._files.append(path)

    def note(self, article_id: str, line: int | None) -> int | None:
        """None for a new id, else the line of this file on which it stood first.

        Raises DuplicateArticle if it stood in another file.
        """
        key = int.from_bytes(blake2b(article_id.encode(), digest_size=15).digest(), "big")
        here = (len(self._files) - 1) << _LINE_BITS
        first = self._first.setdefault(key, here | (line or 0))
        if first == here | (line or 0):
            return None
        number, first_line = divmod(first, 1 << _LINE_BITS)
        if number == len(self._files) - 1:
            return first_line
        raise DuplicateArticle(
            f"the article id {article_id!r} stands in two files: {self._files[number]} and {self._files[-1]}"
            "; give one of the articles another id, or leave one of the files out"
        )
