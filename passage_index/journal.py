"""The vectors journal: every encoded passage, kept outside the index so that encoding is never paid twice.

Append-only, one file an encoder, in the user's cache folder. A record holds the key (hash of the text
and its sentence spans), the stored forms of the vectors and a CRC-32; a torn tail is cut off on open,
a damaged record reads as absent. Nothing else of the passage is kept: no text.
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
            _, _, sentences, crc = _HEADER.unpack(self._read(_HEADER.size, place))
            body = self._read(self._body_size(sentences), place + _HEADER.size)
        except (OSError, struct.error):
            body, crc = b"", -1
        if zlib.crc32(body, zlib.crc32(key)) != crc:
            logger.warning(
                "the vectors journal %s is damaged at byte %d; encoding anew", self._file.name, place
            )
            del self._places[key]
            return None
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
        """Copy all records but those of `keys` to a new file, flushed to disk; how many were left out.

        Raises IndexLocked when another process is the appender: what it adds meanwhile would be lost.
        """
        if not self._writable:
            raise IndexLocked(
                f"another process appends to the vectors journal {self._file.name}; "
                f"wait for it or stop it, and run this again"
            )
        self.flush()
        kept = [(key, place) for key, place in self._places.items() if key not in keys]
        with scratch.open("wb") as copy:
            for _, place in kept:
                header = self._read(_HEADER.size, place)
                copy.write(header)
                length = self._body_size(_HEADER.unpack(header)[2])
                copy.write(self._read(length, place + _HEADER.size))
            copy.flush()
            os.fsync(copy.fileno())
        return len(self._places) - len(kept)

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
        """Fill the table of places from the headers; cut off what is not a whole record."""
        size, place = os.fstat(self._file.fileno()).st_size, 0
        while place + _HEADER.size <= size:
            magic, key, sentences, _ = _HEADER.unpack(self._read(_HEADER.size, place))
            length = _HEADER.size + self._body_size(sentences)
            if magic != _MAGIC or place + length > size:
                break
            self._places[key] = place
            place += length
        if place < size and self._writable:
            logger.warning("%s ends in %d bytes of no whole record; cut off", self._file.name, size - place)
            self._file.truncate(place)
        return place

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
