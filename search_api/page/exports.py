"""The hits of a search as a file: JSON as the API gives it, or CSV for a spreadsheet.

SearchRequest, SearchReply -> Response
"""

import csv
import io
from collections.abc import Iterator

from starlette.responses import Response

from search_api.hits import Hit, SearchReply, SearchRequest
from search_api.schemas import cited_passage, reply_body

COLUMNS = (
    "rank", "score", "title", "source", "published_at", "language", "url", "sentence", "text",
    "article_id", "start", "end", "sha256", "duplicates",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_file(request: SearchRequest, reply: SearchReply) -> Response:
    """The reply of /v1/search, to be saved."""
    body = reply_body(request, reply).model_dump_json(indent=2)
    return Response(body, headers=_named("json"), media_type="application/json")


def csv_file(reply: SearchReply) -> Response:
    """One line a hit; with a byte order mark, by which spreadsheets know UTF-8.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    rows.writerows(_row(hit) for hit in reply.hits)
    return Response(
        written.getvalue().encode("utf-8-sig"), headers=_named("csv"), media_type="text/csv; charset=utf-8"
    )


def _row(hit: Hit) -> Iterator[str | int | float]:
    cited = cited_passage(hit.stored)
    values = cited.model_dump() | {
        "rank": hit.rank,
        "score": hit.score,
        "sentence": _sentence(hit),
        "duplicates": len(hit.duplicates),
    }
    for name in COLUMNS:
        value = "" if values[name] is None else values[name]
        yield f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _sentence(hit: Hit) -> str:
    marked = next((one for one in hit.highlights if one.kind == "sentence"), None)
    return hit.stored.article.text[marked.start : marked.end] if marked else ""


def _named(kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="passages.{kind}"'}
