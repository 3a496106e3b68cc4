"""The page's style, scripts and icons: kept by a browser as long as their address names what they hold.

Their addresses carry a hash of the content (`static_link`). Asked for by that address a file may be kept
for a year; by another, or by an old one, it has to be asked for again, and its ETag answers that with 304.
GET /static/NAME?v=HASH -> a file, packed where the client takes it so
"""

import os
from urllib.parse import parse_qs

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from search_api.page.rendering import STATIC, static_hash

KEPT = "public, max-age=31536000, immutable"
ASKED_AGAIN = "public, no-cache"


class HashedFiles(StaticFiles):
    """Files of one folder, with how long they may be kept."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 where the client has it."""
        reply = super().file_response(full_path, stat_result, scope, status_code)
        asked = parse_qs(scope["query_string"]).get(b"v")
        is_named = asked == [static_hash(os.path.basename(full_path)).encode()]
        reply.headers["Cache-Control"] = KEPT if is_named else ASKED_AGAIN
        return reply


def static_files() -> ASGIApp:
    """What answers below /static."""
    return GZipMiddleware(HashedFiles(directory=STATIC))
