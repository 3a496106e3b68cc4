"""The block of `key: value` lines between `---` at the head of a .txt or .md file.

Not YAML: one line a key, values are text, quotes around a value are dropped; lists and indented
lines are passed over. text -> (keys, text below).
"""

import re

MAX_LINES = 200

_KEY_VALUE = re.compile(r"([A-Za-z_][\w -]{0,63}):(?:[ \t]+(.*))?", re.ASCII)
_PASSED_OVER = ("#", "-", " ", "\t")


def split_front_matter(text: str) -> tuple[dict[str, object], str]:
    """(keys in lower case, the text below) of a normalised text; ({}, text) where there is no block.

    A block whose lines are not all `key: value`, comments, list items or blank is no front matter
    but a text that begins with a rule.
    """
    if not text.startswith("---\n"):
        return {}, text
    fields: dict[str, object] = {}
    start = 4
    for _ in range(MAX_LINES):
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        if line in ("---", "..."):
            return fields, text[start + 3 :].strip()
        if found := _KEY_VALUE.fullmatch(line):
            fields[found[1].lower()] = _unquoted((found[2] or "").strip())
        elif line and not line.startswith(_PASSED_OVER):
            break
        if end < 0:
            break
        start = end + 1
    return {}, text


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
