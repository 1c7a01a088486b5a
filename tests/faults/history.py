"""Histories: what clients asked and were told, and what was done to the system meanwhile.

A line of JSON for each. A call may be written twice, as unknown before it is made and again with
its answer, so that one whose maker is killed is known too: of a client and a time the later line
counts.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

FAULTS = "faults.json"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a client, from its beginning to its answer.

    Args:
        client: who made it, "runner-3/2" or "operator"; a client makes one call at a time.
        op: poll, report, finish, fail, cancel, rerun or delete.
        invoked: `time.monotonic()` before it, in seconds: one clock for all of the machine.
        returned: the same after its answer; None if none ever came.
        outcome: ok (200), refused (an error that says no), or unknown (no answer, 5xx, connection
            lost: it may have had its effect, at any later time too).
        verdict: of the answer, or the error's name: accepted, repeat, superseded, canceled,
            deleted, unknown, TaskNotFoundException, …; of a poll granted or empty.
        instance: "<pipeline id>/<instance id>", empty where it is not known.
        pipeline: its id, empty where it is not known.
        handle: of the task that was handed out, or that the call named.
        token: fencing token of that task, 0 where it is not known.
        attempt: number of that task's attempt, 0 where it is not known.
    """

    client: str
    op: str
    invoked: float
    returned: float | None = None
    outcome: str = "unknown"
    verdict: str = ""
    instance: str = ""
    pipeline: str = ""
    handle: str = ""
    token: int = 0
    attempt: int = 0


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to `target` from `began` to `ended` (`time.monotonic()` seconds).

    The check of histories knows three kinds: in an "outage" no replica could run due work (it is
    noted from when the last one could not any more until just before the first can again);
    "emptied" is the loss of all data; "lossy" may have lost writes that were answered. All kinds
    excuse that a hand-out comes late.
    """

    kind: str
    target: str
    began: float
    ended: float


class Recorder:
    """Appends calls to a file, a line for each, at once; to be closed, or used in a `with`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, call: Call) -> None:
        """Append a call: one write, which is whole also if several processes have the file."""
        os.write(self._file, msgspec.json.encode(call) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()


def load(folder: Path) -> tuple[list[Call], list[Fault]]:
    """Read every `*.jsonl` below a folder, and its faults: each in the order of the beginnings.

    A last line that was cut off, because its writer was killed, is left out.
    """
    found: dict[tuple[str, float], Call] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        for call in _lines(path, msgspec.json.Decoder(Call)):
            found[call.client, call.invoked] = call
    path = folder / FAULTS
    faults = list(_lines(path, msgspec.json.Decoder(Fault))) if path.exists() else []
    calls = sorted(found.values(), key=lambda call: call.invoked)
    return calls, sorted(faults, key=lambda fault: fault.began)


def write_faults(folder: Path, faults: Iterable[Fault]) -> None:
    """Write down what was done to the system."""
    lines = [msgspec.json.encode(fault) + b"\n" for fault in faults]
    (folder / FAULTS).write_bytes(b"".join(lines))


def _lines(path: Path, decoder: msgspec.json.Decoder[Any]) -> Iterator[Any]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield decoder.decode(line)
