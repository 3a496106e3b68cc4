"""Files as bounded streams of bytes: path -> lines, chunks or one text, whatever they are packed in.

Knows compression and encodings, not formats. Every error of the packing is Unfit, and all that stood
before it has been handed out by then.
"""

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import zstandard

from indexer.readers.charset import legacy_codec, mostly_utf8
from indexer.readers.records import MAX_RECORD_BYTES, Unfit

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 16
_ZST_CHUNK = 1 << 10  # a block of 4 bytes can hold 128 KiB, so 1 KiB unpacks to 32 MiB at the worst
_ZST_WINDOW = 1 << 27
_GZIP, _ZLIB = b"\x1f\x8b", b"\x78"
ANY_UNPACKED = 2 << 20  # bytes that any archive may unpack to
MOST_UNPACKED = 200  # times what was read: text packs to a tenth or a thirtieth, a bomb to a thousandth
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ChunkStream(io.RawIOBase):
    """An iterator of byte chunks as a raw stream; an error of the iterator surfaces where it stands."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Always: it is for nothing else."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill from the current chunk, fetching the next when it is used up."""
        target = memoryview(buffer)
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        size = min(len(target), len(self._left))
        target[:size], self._left = self._left[:size], self._left[size:]
        return size


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file; never waits on a FIFO or a device. Raises Unfit, OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise Unfit("not a regular file")
    return file


def unpacked(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The chunks of a file, unpacked as its name's suffix says (.gz, .zst, else plain).

    Raises Unfit where the archive is damaged, ends too early, or unpacks to far more than texts do.
    """
    suffix = name.lower().rpartition(".")[2]
    if suffix == "gz":
        yield from _in_proportion(_gunzipped(file), file)
    elif suffix == "zst":
        yield from _in_proportion(_unzstd(file), file)
    else:
        while chunk := file.read(_CHUNK):
            yield chunk


def _in_proportion(chunks: Iterator[bytes], file: BinaryIO) -> Iterator[bytes]:
    count = 0
    for chunk in chunks:
        count += len(chunk)
        refuse_bomb(count, file.tell())
        yield chunk


def refuse_bomb(unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise Unfit where so many bytes came of so few that no text was packed."""
    if unpacked_bytes > ANY_UNPACKED + MOST_UNPACKED * packed_bytes:
        raise Unfit(f"unpacks to more than {MOST_UNPACKED} times its size; unpack it yourself if it is sound")


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file) as archive:
            while chunk := archive.read1(_CHUNK):
                yield chunk
    except EOFError as error:
        raise Unfit("the gzip archive is cut off: its end is missing") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unfit(f"the gzip archive is damaged: {error}") from error


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    # stream_reader() would take a cut-off frame for the end of the file; decompressobj() knows.
    packer = zstandard.ZstdDecompressor(max_window_size=_ZST_WINDOW)
    frame, waiting = None, b""
    try:
        while waiting := waiting or file.read(_ZST_CHUNK):
            frame = frame or packer.decompressobj()
            if chunk := frame.decompress(waiting):
                yield chunk
            waiting = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise Unfit(f"the zstd archive is damaged: {error}") from error
    if frame is not None:
        raise Unfit("the zstd archive is cut off: its end is missing")


def inflated(data: bytes, encoding: str, limit: int) -> bytes:
    """The body of a web page whose server packed it (`gzip`, `deflate`) or said that it did.

    Raises Unfit if the packing is damaged, or the page has more than `limit` bytes.
    """
    if encoding == "deflate" or (encoding == "gzip" and data.startswith(_GZIP)):  # else stored unpacked
        has_no_header = encoding == "deflate" and not data.startswith(_ZLIB)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS if has_no_header else zlib.MAX_WBITS | 32)
        try:
            data = inflater.decompress(data, limit + 1)
        except zlib.error as error:
            raise Unfit(f"the packed page is damaged: {error}") from error
        if not inflater.eof and len(data) <= limit:
            raise Unfit("the packed page is cut off: its end is missing")
    if len(data) > limit:
        raise Unfit(f"a page of more than {limit >> 20} MiB")
    return data


def utf8_stream(chunks: Iterator[bytes]) -> io.BufferedReader:
    """The chunks as a buffered stream of UTF-8 without its BOM; UTF-16 with a BOM is recoded."""
    stream: io.BufferedReader = io.BufferedReader(ChunkStream(chunks), _CHUNK)
    beginning = stream.peek(3)[:3]
    if beginning.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    elif beginning.startswith(_UTF16):
        return io.BufferedReader(ChunkStream(_recoded(stream)), _CHUNK)
    return stream


def _recoded(stream: io.BufferedReader) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        while chunk := stream.read1(_CHUNK):
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise Unfit("invalid UTF-16") from error


def bounded_lines(
    stream: io.BufferedReader, limit: int = MAX_RECORD_BYTES
) -> Iterator[tuple[int, bytes | None]]:
    """(1-based number, line with its end) of a stream; None for a line of more than `limit` bytes."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_CHUNK)
        yield number, None


def whole(path: Path, limit: int = MAX_RECORD_BYTES) -> bytes:
    """The bytes of a file that is one record. Raises Unfit if it has more than `limit`, OSError."""
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Unfit(f"larger than {limit >> 20} MiB, the most one record may have")
    return data


def decoded(data: bytes) -> str:
    """UTF-8 (or UTF-16 by its BOM), else an older encoding that fits -> text without its BOM.

    Raises Unfit with the byte that is wrong where none fits.
    """
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        text = None if encoding == "utf-16" else mostly_utf8(data)
        if text is None and (codec := legacy_codec(data)):
            text = data.decode(codec, "replace")
        if text is None:
            raise Unfit(f"invalid {encoding.upper()} at byte {error.start}; expected UTF-8") from error
        return text.removeprefix("\ufeff")
