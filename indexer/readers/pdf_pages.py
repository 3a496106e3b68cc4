"""The pages of PDF files, one file after another, in a process of its own.

A PDF is a program for a page, and reading one can take any time and memory; `pdf.py` can end this
process, not a loop inside its own. Knows nothing of articles.

    a line {"path": ...} on stdin -> a line {"pages": [...], "title": ...} or {"fault": ...} on stdout
"""

import json
import logging
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

MEMORY_BYTES = 3 << 30
MAX_PAGES = 10_000
MAX_CHARS = 64 << 20


def pages_of(path: Path) -> dict[str, Any]:
    """Pages as texts, and what the file says of itself; or the fault, in plain words."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        with path.open("rb") as file:
            reader = PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                return {"fault": "the PDF is encrypted and needs a password; save a copy without one"}
            if len(reader.pages) > MAX_PAGES:
                return {"fault": f"a PDF of more than {MAX_PAGES:,} pages"}
            pages, size = [], 0
            for page in reader.pages:
                pages.append(page.extract_text())
                size += len(pages[-1])
                if size > MAX_CHARS:
                    return {"fault": f"a PDF with more than {MAX_CHARS >> 20} Mi characters of text"}
            return {"pages": pages, **_said(reader)}
    except DependencyError:
        return {"fault": "the PDF is encrypted with AES, which is not read here; save a copy without"}
    except MemoryError:
        return {"fault": f"reading the PDF takes more than {MEMORY_BYTES >> 30} GiB of memory"}
    except (PyPdfError, OSError, Exception) as error:  # pypdf lets errors of every kind through
        return {"fault": f"not readable as PDF: {type(error).__name__}: {str(error)[:100]}".strip(": ")}


def _said(reader: Any) -> dict[str, Any]:
    """What the document information holds; damaged parts of it are left out."""
    said: dict[str, Any] = {}
    for name in ("title", "author", "subject", "keywords", "creation_date"):
        try:
            value = getattr(reader.metadata, name, None)
        except Exception:  # a date or string that is none
            continue
        if value:
            said[name] = value.date().isoformat() if name == "creation_date" else str(value)
    return said


def main() -> None:
    """Answer line by line until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes stdin
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        answer = pages_of(Path(json.loads(line)["path"]))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
