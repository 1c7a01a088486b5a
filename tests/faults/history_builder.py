"""Short words to write histories down in tests: times in seconds, one instance unless named."""

from __future__ import annotations

from typing import Any

from history import Call
from history_options import Options

PIPELINE = "df-1"
INSTANCE = f"{PIPELINE}/@Work"
OPTIONS = Options(
    ack_timeout=1,
    progress_timeout=2,
    outage_threshold=3,
    outage_grace=5,
    tolerance=0.01,
    hand_out_within=1,
    allowance=1,
)


class Tale:
    """Collects calls; each method adds one and returns the tale.

    Handles are "a", "b", …; the token of a hand-out is its letter's place in the alphabet, and its
    attempt is as given. A call lasts from `at` to `until`, a tenth of a second where none is given.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._of: dict[str, dict[str, Any]] = {}

    def poll(self, handle: str, at: float, until: float | None = None, **about: Any) -> Tale:
        """A hand-out."""
        token = {"token": ord(handle[0]) - 96, "attempt": 1, "handle": handle}
        self._of.setdefault(handle, {**token, **about})
        return self._add("poll", "ok", "granted", at, until, {**token, **about})

    def empty(self, at: float, until: float | None = None) -> Tale:
        """A poll that got nothing."""
        return self._add("poll", "ok", "empty", at, until, {"instance": "", "pipeline": ""})

    def report(self, handle: str, verdict: str, at: float, until: float | None = None) -> Tale:
        """A report."""
        return self._tell("report", handle, verdict, at, until)

    def finish(self, handle: str, verdict: str, at: float, until: float | None = None) -> Tale:
        """A result FINISHED."""
        return self._tell("finish", handle, verdict, at, until)

    def fail(self, handle: str, verdict: str, at: float, until: float | None = None) -> Tale:
        """A result FAILED."""
        return self._tell("fail", handle, verdict, at, until)

    def operator(self, op: str, at: float, until: float | None = None, verdict: str = "") -> Tale:
        """Cancel, rerun or delete."""
        outcome = "refused" if verdict else "ok"
        about = {"client": "operator"} | ({"instance": ""} if op == "delete" else {})
        return self._add(op, outcome, verdict, at, until, about)

    def unknown(self, op: str, handle: str = "", at: float = 0.0) -> Tale:
        """A call that was never answered."""
        about = self._of.get(handle, {})
        if op in {"poll", "delete"}:
            about = {"instance": ""}
        call = Call(op=op, invoked=at, **({**DEFAULTS, "client": handle or "operator"} | about))
        self.calls.append(call)
        return self

    def _tell(self, op: str, handle: str, verdict: str, at: float, until: float | None) -> Tale:
        outcome = "refused" if verdict.endswith("Exception") else "ok"
        return self._add(op, outcome, verdict, at, until, self._of[handle])

    def _add(
        self,
        op: str,
        outcome: str,
        verdict: str,
        at: float,
        until: float | None,
        about: dict[str, Any],
    ) -> Tale:
        client = about.get("handle") or "someone"
        times = {"invoked": at, "returned": at + 0.1 if until is None else until}
        told = {"op": op, "outcome": outcome, "verdict": verdict, "client": client}
        self.calls.append(Call(**(DEFAULTS | told | times | about)))
        return self


DEFAULTS = {"instance": INSTANCE, "pipeline": PIPELINE}
