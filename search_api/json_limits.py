"""How deep a JSON text is nested and how long its numbers are, before anything parses it.

Looks at brackets, quotes and digits only, by steps in C, in time proportional to the text; whether it is JSON
at all is the parser's to say. bytes -> what is wrong, or ""
"""

import re

import numpy as np

_OPENING = np.zeros(256, dtype=np.int8)
_OPENING[[ord("["), ord("{")]] = 1
_OPENING[[ord("]"), ord("}")]] = -1


def json_fault(body: bytes, most_depth: int, most_digits: int) -> str:
    """What is over a limit, as a sentence; empty where nothing is."""
    unescaped = np.frombuffer(body.replace(rb"\\", b"").replace(rb"\"", b""), dtype=np.uint8)
    is_inside = np.cumsum(unescaped == ord('"'), dtype=np.int32) & 1  # a string
    outside = unescaped[is_inside == 0]
    depth = np.cumsum(_OPENING[outside], dtype=np.int32)
    if depth.max(initial=0) > most_depth:
        return f"the JSON is nested more than {most_depth} deep"
    # From the beginning of a run only, or each digit of one just short enough would be tried.
    if re.search(rb"(?<![0-9])[0-9]{%d}" % (most_digits + 1), outside.tobytes()):
        return f"a number has more than {most_digits} digits"
    return ""
