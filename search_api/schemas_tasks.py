"""The body that tells how far a write is. Task -> its JSON."""

from typing import Annotated

from pydantic import BaseModel, Field

from passage_index.inbox import Kind
from passage_index.tasks import State, Task


class CountsBody(BaseModel):
    """What became of a write's records; each is counted once."""

    indexed: Annotated[int, Field(description="Articles that stand in the index as they were sent.")]
    deleted: int
    unknown: Annotated[int, Field(description="Articles to be deleted that were not there.")]
    superseded: Annotated[int, Field(description="Followed by another write of the same id.")]
    rejected: int


class RejectionBody(BaseModel):
    """A record that cannot be indexed."""

    line: Annotated[int | None, Field(description="1-based, of the body; null where that is one article.")]
    reason: str


class ProgressBody(BaseModel):
    """How far the commit is that a write is part of."""

    stage: str
    done: int
    total: int | None


class TaskBody(BaseModel):
    """A write, and how far it is."""

    id: str
    state: Annotated[
        State, Field(description="`done`: searches see it. `failed`: nothing of it was done, see `note`.")
    ]
    kind: Kind
    accepted_at: str
    finished_at: str | None
    records: int
    counts: Annotated[CountsBody | None, Field(description="Null until it is done.")]
    rejections: Annotated[list[RejectionBody], Field(description="The first thousand.")]
    generation: Annotated[int | None, Field(description="The first state of the index that holds it.")]
    progress: ProgressBody | None
    note: Annotated[str | None, Field(description="Why it failed, or what it waits for.")]


def task_body(task: Task) -> TaskBody:
    """A task's reply."""
    outcome, batch = task.outcome, task.batch
    counts = progress = None
    if outcome is not None:
        counts = CountsBody(
            indexed=outcome.indexed,
            deleted=outcome.deleted,
            unknown=outcome.unknown,
            superseded=outcome.superseded,
            rejected=outcome.rejected,
        )
    elif batch is not None and batch.stage and task.state == "running":
        progress = ProgressBody(stage=batch.stage, done=batch.done, total=batch.total)
    rejections = outcome.rejections if outcome else []
    return TaskBody(
        id=task.id,
        state=task.state,
        kind=task.kind,
        accepted_at=task.accepted_at,
        finished_at=outcome.finished_at if outcome else None,
        records=outcome.records if outcome else task.write.records if task.write else 0,
        counts=counts,
        rejections=[RejectionBody(line=one.line, reason=one.reason) for one in rejections],
        generation=outcome.generation if outcome else None,
        progress=progress,
        note=(outcome.failure if outcome else batch.trouble if batch else "") or None,
    )
