"""The vectors journal: every encoded passage, kept outside the index so that encoding is never paid twice.

Append-only, one file an encoder, in the user's cache folder. A record holds the key (hash of the text
and its sentence spans), the stored forms of the vectors and a CRC-32. A damaged record reads as absent
and costs only itself: where no record begins, the next whole one is looked for; a torn tail is cut off
on open. Nothing else of the passage is kept: no text.
(EmbeddedPassage, encoder) -> key -> (bf16 vector, int8 sentences, scales)
"""

import fcntl
import hashlib
import logging
import os
import struct
import zlib
from collections.abc import Set
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from passage_index.dense import Bf16
from passage_index.encoder import EmbeddedPassage, EncoderIdentity
from passage_index.errors import IndexLocked, WriteFailed
from passage_index.failpoints import failpoint

logger = logging.getLogger(__name__)

Stored = tuple[Bf16, npt.NDArray[np.int8], npt.NDArray[np.float32]]

_HEADER = struct.Struct("<4s16sII")  # magic, key, sentences, CRC-32 of the key and what follows
_MAGIC = b"vec1"
_BLOCK = 1 << 20  # read at once while the next whole record is looked for


def journal_file(cache: Path, identity: EncoderIdentity) -> Path:
    """Where the vectors of this encoder are kept."""
    parts = [identity.weights_sha256, identity.pooling, identity.passage_prefix]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return cache / "vectors" / f"{name}.journal"


def key_of(passage: EmbeddedPassage) -> bytes:
    """16 bytes that stand for all the encoder reads of a passage."""
    spans = np.asarray(passage.sentences, dtype="<u4").tobytes()
    return hashlib.blake2b(passage.text.encode() + b"\0" + spans, digest_size=16).digest()


def forget(file: Path, identity: EncoderIdentity, keys: Set[bytes]) -> int:
    """Rewrite a journal without the vectors of `keys`, in one step; how many records it lost.

    Raises IndexLocked when another process appends to it, WriteFailed where the disk refuses.
    """
    if not keys or not file.exists():
        return 0
    scratch = file.with_suffix(".rewritten")
    try:
        with VectorsJournal(file, identity) as journal:
            lost = journal.write_without(keys, scratch)
            failpoint("purge.journal_written")
            os.replace(scratch, file)
        _sync_folder(file.parent)
    except OSError as error:
        raise WriteFailed(
            f"the vectors journal {file} could not be rewritten: {error}; no article was taken out yet. "
            f"Mend the disk and run it again"
        ) from error
    failpoint("purge.journal_swapped")
    return lost


class VectorsJournal:
    """Look up and append vectors. Several readers, one appender: a second one only reads, and says so."""

    def __init__(self, file: Path, identity: EncoderIdentity) -> None:
        self._dim = identity.dim
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a+b")
        self._writable = self._lock()
        self._places: dict[bytes, int] = {}
        self._end = self._flushed = self._scan()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def is_appender(self) -> bool:
        """Whether what is put is kept."""
        return self._writable

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def key(self, passage: EmbeddedPassage) -> bytes:
        """As `key_of`."""
        return key_of(passage)

    def get(self, key: bytes) -> Stored | None:
        """The vectors of a key, (dim,), (s, dim) and (s,), or None when absent or damaged."""
        place = self._places.get(key)
        if place is None:
            return None
        if place >= self._flushed:
            self.flush()
        try:
            record = self._whole(place)
        except OSError:
            record = None
        if record is None or record[4:20] != key:
            logger.warning(
                "the vectors journal %s is damaged at byte %d; encoding anew", self._file.name, place
            )
            del self._places[key]
            return None
        sentences, body = _HEADER.unpack_from(record)[2], record[_HEADER.size :]
        vector, rest = body[: 2 * self._dim], body[2 * self._dim :]
        codes, scales = rest[: sentences * self._dim], rest[sentences * self._dim :]
        return (
            np.frombuffer(vector, dtype="<u2"),
            np.frombuffer(codes, dtype=np.int8).reshape(sentences, self._dim),
            np.frombuffer(scales, dtype="<f4"),
        )

    def put(self, key: bytes, stored: Stored) -> None:
        """Append (dim,), (s, dim) and (s,); a no-op when another process is the appender."""
        if not self._writable or key in self._places:
            return
        vector, sentences, scales = stored
        body = vector.astype("<u2").tobytes() + sentences.tobytes() + scales.astype("<f4").tobytes()
        record = _HEADER.pack(_MAGIC, key, len(sentences), zlib.crc32(body, zlib.crc32(key))) + body
        self._file.write(record)
        self._places[key] = self._end
        self._end += len(record)

    def flush(self) -> None:
        """Hand what was put to the operating system, so that a killed process loses none of it."""
        failpoint("journal.before_flush")
        self._file.flush()
        self._flushed = self._end
        failpoint("journal.after_flush")

    def write_without(self, keys: Set[bytes], scratch: Path) -> int:
        """Copy all whole records but those of `keys` to a new file, flushed; how many were left out.

        What is damaged is not copied: nobody can say whose it was. Raises IndexLocked when another
        process is the appender: what it adds meanwhile would be lost.
        """
        if not self._writable:
            raise IndexLocked(
                f"another process appends to the vectors journal {self._file.name}; "
                f"wait for it or stop it, and run this again"
            )
        self.flush()
        with scratch.open("wb") as copy:
            for key, place in self._places.items():
                if key not in keys and (record := self._whole(place)) is not None:
                    copy.write(record)
            copy.flush()
            os.fsync(copy.fileno())
        return len(keys & self._places.keys())

    def close(self) -> None:
        """Flush and let the next process append."""
        self._file.close()

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            logger.info("another process appends to %s; this one only reads it", self._file.name)
            return False
        return True

    def _scan(self) -> int:
        """Fill the table of places from the headers, past what is damaged; cut off what ends in no record."""
        size, place = os.fstat(self._file.fileno()).st_size, 0
        last: int | None = None  # where the record before began, unless it is known to be damaged
        while place < size:
            head = self._head(place, size)
            if head is not None:
                last, (key, length) = place, head
                self._places[key] = place
                place += length
                continue
            # Either this record is damaged, or the length of the one before, which led here.
            begin = place if last is None or self._whole(last) else last
            found = self._next_whole(begin + 1, size)
            if found is None:
                break
            logger.warning(
                "the vectors journal %s is damaged before byte %d; going on there", self._file.name, found
            )
            place, last = found, None
        if place < size and self._writable:
            logger.warning("%s ends in %d bytes of no whole record; cut off", self._file.name, size - place)
            self._file.truncate(place)
        return place

    def _head(self, place: int, size: int) -> tuple[bytes, int] | None:
        """Key and length of what looks like a record, not read in full; None where none begins, or ends."""
        raw = self._read(_HEADER.size, place)
        if len(raw) < _HEADER.size:
            return None
        magic, key, sentences, _ = _HEADER.unpack(raw)
        length = _HEADER.size + self._body_size(sentences)
        return (key, length) if magic == _MAGIC and place + length <= size else None

    def _whole(self, place: int) -> bytes | None:
        """A record, header and body, or None where its CRC says that it is damaged. Raises OSError."""
        head = self._head(place, os.fstat(self._file.fileno()).st_size)
        record = self._read(head[1], place) if head else b""
        if head is None or len(record) < head[1]:
            return None
        crc = _HEADER.unpack_from(record)[3]
        return record if zlib.crc32(record[_HEADER.size :], zlib.crc32(head[0])) == crc else None

    def _next_whole(self, place: int, size: int) -> int | None:
        """Where the next whole record begins, at or after a place; None when there is none."""
        while place < size:
            block = self._read(_BLOCK + len(_MAGIC) - 1, place)
            at = block.find(_MAGIC)
            if at < 0:
                place += _BLOCK
            elif self._whole(place + at) is not None:
                return place + at
            else:
                place += at + 1
        return None

    def _read(self, size: int, place: int) -> bytes:
        """Bytes at a place, fewer only at the file's end. Raises OSError that names the file."""
        found = b""
        try:
            while len(found) < size:
                more = os.pread(self._file.fileno(), size - len(found), place + len(found))
                if not more:
                    break
                found += more
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._file.name)) from error
        return found

    def _body_size(self, sentences: int) -> int:
        return 2 * self._dim + sentences * (self._dim + 4)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
