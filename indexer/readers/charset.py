"""Bytes that are not UTF-8 -> which encoding they are in, where that can be told.

Knows no formats. A guess is made only of enough bytes, and among encodings that people's files have.
"""

import codecs
import re

MOSTLY = 5  # characters beyond ASCII for each byte that is wrong; in other encodings there are hardly any
LEAST_BYTES = 64  # of which a guess is made
SAMPLE_BYTES = 1 << 16
CP1252_WHERE_WRONG = "cp1252 where not UTF-8"  # an error handler of Python's codecs

_LEGACY = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "koi8_u",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "utf_16_le", "utf_16_be",
)  # fmt: skip
_NEAR_WESTERN = ("cp1250", "cp1254", "cp1257")
_WESTERN = set("äöüßÄÖÜéèêëÉÈàâÀçÇîïíôóûùúñÑœæŒÆøØåÅáãõ¿¡«»“”„‘’‚–—…€£°§·•\xa0")
_ASCII = set(map(chr, range(128)))
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BYTES_NOT_ASCII = re.compile(rb"[^\x00-\x7f]")


def mostly_utf8(data: bytes, mostly: int = MOSTLY) -> str | None:
    """UTF-8 into which pieces of cp1252 were pasted; None where it is not for the most part UTF-8. O(n)."""
    wrong = data.decode("utf-8", "replace").count("\ufffd")
    repaired = data.decode("utf-8", CP1252_WHERE_WRONG)
    return repaired if len(_NOT_ASCII.findall(repaired)) - wrong >= wrong * mostly else None


def legacy_codec(data: bytes) -> str | None:
    """The likeliest encoding of bytes that are no UTF-8, as Python names it; None where nothing fits well.

    Seen are lines with bytes beyond ASCII, for the others say nothing. Some milliseconds.
    """
    if b"\0" in data or len(data) < LEAST_BYTES:
        return None
    telling = b"\n".join(line for line in data.split(b"\n") if _BYTES_NOT_ASCII.search(line))[:SAMPLE_BYTES]
    from charset_normalizer import from_bytes  # slow to import, and hardly ever needed

    best = from_bytes(telling, cp_isolation=list(_LEGACY)).best()
    if best is None:
        return None
    if best.encoding in _NEAR_WESTERN and set(telling.decode("cp1252", "replace")) - _ASCII <= _WESTERN:
        return "cp1252"  # by far the commonest of these, whose letters stand at the same places
    return str(best.encoding)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """What stands for bytes that are no UTF-8, and where to go on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(CP1252_WHERE_WRONG, _as_cp1252)
