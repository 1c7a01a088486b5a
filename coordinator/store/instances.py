"""What the store knows of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Record = dict[str, str]


class InstanceRow(NamedTuple):
    """An instance as a query sees it; times in ms, empty where there is none yet."""

    n: str
    id: str
    component: str
    state: str
    status: str
    scheduled_ms: str
    created_ms: str
    ended_ms: str
    handed: str
    acked_ms: str
    scheduled_end_ms: str


class Search(NamedTuple):
    """Which index to look in (members, scheduled, started), and for what.

    That is states and statuses of `members`, or a range of the others' times in ms.
    """

    name: str
    places: tuple[str, ...] = ()
    from_ms: str = "-inf"
    to_ms: str = "+inf"


class Progress(NamedTuple):
    """How far a schedule is: `next_ms` is "inf" where it is over, empty where it never began.

    `latest_ms` is the start of the interval that was run last, or empty; `live` of its runs have
    not ended. A `window` is how many may go on, where the next waits for that; else it is 0.
    """

    next_ms: str
    latest_ms: str
    live: int
    window: int


class Health(NamedTuple):
    """How an instance ended: with which status, when (ms), and its id."""

    status: str
    ended_ms: str
    instance_id: str


class Need(NamedTuple):
    """An instance that another waits for.

    Its id is empty while its run is being made; one of a later interval has an id and no state. The
    rest is of a precondition: "1", how often it was not satisfied, what the last check said, and
    when it is checked again; and when its component was paused, if it is.
    """

    id: str
    state: str = ""
    status: str = ""
    acked_ms: str = ""
    precondition: str = ""
    checks_made: str = ""
    said: str = ""
    retry_ms: str = ""
    paused_ms: str = ""


class StoredInstance(NamedTuple):
    """An instance's record, what is kept of one attempt (or {}), and what that reported.

    `unmet` is how many instances it waits for, `needs` a few of them; `paused_ms` is when its
    component was paused, or empty; `template` has the fields of its component as JSON.
    """

    instance: Record
    attempt: Record
    progress: dict[str, bytes]
    unmet: int
    needs: list[Need]
    paused_ms: str
    template: bytes


def record_of(flat: Sequence[bytes]) -> Record:
    """Return a hash as Redis answers it: name, value, …."""
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}


def stored_instances(rows: Sequence[Sequence[Any]]) -> list[StoredInstance | None]:
    """Return what read_instances answers; instances of a component share its template."""
    return [_stored_instance(row, rows[row[7] - 1][6]) if row else None for row in rows]


def _stored_instance(row: Sequence[Any], template: bytes) -> StoredInstance:
    progress = {row[2][i].decode(): row[2][i + 1] for i in range(0, len(row[2]), 2)}
    flat = [part.decode() for part in row[4]]
    needs = [Need(*flat[i : i + 9]) for i in range(0, len(flat), 9)]
    return StoredInstance(
        record_of(row[0]), record_of(row[1]), progress, row[3], needs, row[5].decode(), template
    )
