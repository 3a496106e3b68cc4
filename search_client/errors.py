"""What a call can end with.

    ArticleSearchError
    |-- NotReached         no connection, or no reply in time
    |-- UnexpectedReply    a reply that the API does not promise: another server, another version
    |-- TaskFailed         a write that was accepted and not done
    |-- TaskPending        a write that is not done in the time that was given
    `-- ApiError           the server said no, in its own words
        |-- InvalidRequest 400, 405, 413, 415, 422
        |-- NotAllowed     401, 403
        |-- NotFound       404
        |-- Gone           410: a generation that is not kept any more
        |-- Unavailable    408, 429, 503: worth trying again, after `retry_after_s` if that is known
        `-- ServerFailed   any other status of 500 and above

Status and body -> ApiError
"""

import json
from collections.abc import Mapping

from search_client.models import Task


class ArticleSearchError(Exception):
    """Any of these."""


class NotReached(ArticleSearchError):
    """No connection, or no reply in time."""


class UnexpectedReply(ArticleSearchError):
    """A reply that the API does not promise."""


class TaskFailed(ArticleSearchError):
    """A write that was accepted and not done; `task` has the reason in its note."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"the write {task.id} failed: {task.note or 'no reason was given'}")
        self.task = task


class TaskPending(ArticleSearchError):
    """A write that is not done in the time that was given; `task` is how far it was."""

    def __init__(self, task: Task, waited_s: float) -> None:
        super().__init__(f"the write {task.id} is {task.state} after {waited_s:g} s; ask for it again later")
        self.task = task


class ApiError(ArticleSearchError):
    """The server said no."""

    def __init__(
        self, status: int, title: str, detail: str, request_id: str | None, retry_after_s: float | None = None
    ) -> None:
        """request_id: what the server's log has it under."""
        super().__init__(f"{status} {title}: {detail}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class InvalidRequest(ApiError):
    """The request is not one that the route takes."""


class NotAllowed(ApiError):
    """A key is missing, wrong, or does not allow this."""


class NotFound(ApiError):
    """No such article, passage, task or route."""


class Gone(ApiError):
    """That generation of the index is not kept any more."""


class Unavailable(ApiError):
    """Too much is under way, or no index is open; worth trying again."""


class ServerFailed(ApiError):
    """Something broke there."""


KINDS: Mapping[int, type[ApiError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    408: Unavailable,
    410: Gone,
    429: Unavailable,
    503: Unavailable,
}


def api_error(status: int, body: bytes, request_id: str | None, retry_after_s: float | None) -> ApiError:
    """What a reply of 400 and above says. Its body may be anything: a proxy may have written it."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    told = problem if isinstance(problem, dict) else {}
    kind = KINDS.get(status) or (ServerFailed if status >= 500 else InvalidRequest)
    return kind(
        status,
        str(told.get("title", "no such thing" if status == 404 else "refused")),
        str(told.get("detail", body[:200].decode(errors="replace"))),
        str(told["request_id"]) if "request_id" in told else request_id,
        retry_after_s,
    )
