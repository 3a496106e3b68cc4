"""How log lines look: as text or as JSON, one record a line whatever stands in it.

What came from outside can neither begin a line nor colour a terminal: control characters, line separators
and marks that turn the direction of text are written as escapes. record -> line
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal

Form = Literal["text", "json"]

# C0 and C1 controls, line and paragraph separators, what reorders text, half surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

# The same without line ends, tabs, and the marks that a text in Arabic or Hebrew may have.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Text without a character that could forge or hide anything in a log."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def for_terminal(text: str) -> str:
    """Lines of text without what a terminal obeys, or what turns the direction of a text."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


class TextLines(logging.Formatter):
    """The message; below it a traceback, every line of which is marked as one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        lines = [plain(record.getMessage())]
        if record.exc_info:
            told = self.formatException(record.exc_info)
            lines += [f"  | {plain(line)}" for line in told.split("\n")]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """An object a record: `time`, `level`, `logger`, `message`, its own fields, `error` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=True, default=str)


def configure_logging(form: Form) -> None:
    """Have everything that is logged written to stderr in that form; again, to change the form."""
    root = logging.getLogger()
    ours = [one for one in root.handlers if isinstance(one.formatter, TextLines | JsonLines)]
    if not ours and not root.handlers:  # else whoever runs this as a part has set it up
        ours = [logging.StreamHandler(sys.stderr)]
        logging.basicConfig(level=logging.INFO, handlers=ours)
    for handler in ours:
        handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request to a language model


def fields_of(fields: dict[str, str | int | float]) -> str:
    """`name=value` one after another; values with a blank or a quote in them as JSON strings."""
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: str | int | float) -> str:
    text = str(value)
    return text if re.fullmatch(r'[^\s"=]+', text) else json.dumps(text, ensure_ascii=False)
