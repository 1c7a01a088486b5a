"""A pipeline with schedules, made by chance, on a server whose clock is stepped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faketime import FROM_MS
from hypothesis import strategies as st
from schedules import MINUTE, every, on
from seeds import ACCOUNT, handle_of, staged_fields

from coordinator.domain.ids import new_claim
from coordinator.store.pipelines import NewPipeline
from coordinator.store.tasks import PollCall

if TYPE_CHECKING:
    from search_store import Store

    from coordinator.store.tasks import Claimed

PIPELINE = "df-AAAAAAAAAAAAAAAAAAAA"
SCOPE = f"{ACCOUNT}:{PIPELINE}"
GROUP, ACK_MS, LEASE_MS = "g", 20_000, 30_000
SHORT, LONG = "cron/Short", "timeseries/Long"
COUNTS = {SHORT: 6, LONG: 3}


@st.composite
def shapes(draw: Any) -> list[Any]:
    """Draw the components: a few on the short schedule, then a few on the long one.

    Each may need others before it, those of the other schedule too; some are preconditions.
    """
    parts: list[Any] = []
    for name, most in ((SHORT, 3), (LONG, 2)):
        for _ in range(draw(st.integers(1, most))):
            parts.append(_part(draw, name, parts))
    return parts


def _part(draw: Any, schedule: str, before: list[Any]) -> Any:
    number = len(before)
    needs = sorted(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else []
    guards = [i for i in needs if before[i].precondition and before[i].schedule == schedule]
    options = {
        "maximum_retries": draw(st.integers(0, 1)),
        "retry_delay_ms": draw(st.sampled_from([0, 5000])),
        "cascade": draw(st.booleans()),
        "late_ms": draw(st.sampled_from([0, 0, 10_000])),
        "terminate_late": draw(st.booleans()),
        "checks": tuple(guards[:1]),
    }
    if draw(st.integers(0, 3)) == 0:
        timeout = draw(st.sampled_from([0, 40_000]))
        options |= {"precondition": True, "cascade": True, "precondition_timeout_ms": timeout}
    return on(schedule, f"Part{number}", needs=needs, **options)


def schedules_of(parts: list[Any], window: int) -> list[Any]:
    """Return the schedules of components: minutes, and two minutes at their end."""
    short = sum(part.schedule == SHORT for part in parts)
    given: dict[str, Any] = {"start_ms": FROM_MS, "window": window}
    return [
        every(MINUTE, SHORT, count=short, occurrences=COUNTS[SHORT], **given),
        every(
            2 * MINUTE,
            LONG,
            count=len(parts) - short,
            offset=short,
            occurrences=COUNTS[LONG],
            **given,
        ),
    ]


class World:
    """One pipeline, and what operators and runners do to it."""

    def __init__(self, store: Store, parts: list[Any], window: int) -> None:
        self.store, self.parts, self.window = store, parts, window
        self.tasks: list[Claimed] = []
        self._polls = 0
        new = NewPipeline(ACCOUNT, "digest", "pipeline", "pipeline", "", b"[]")
        store.ask(store.pipelines.create(0, new, PIPELINE))
        store.ask(store.pipelines.put(ACCOUNT, PIPELINE, b"{}", errored=False))
        fields = staged_fields(parts, schedules=schedules_of(parts, window))
        store.ask(store.pipelines.stage(ACCOUNT, PIPELINE, "1", fields))

    def activate(self, from_ms: int | None = None) -> None:
        """Activate the pipeline, from a time on."""
        self.store.ask(self.store.pipelines.activate(ACCOUNT, PIPELINE, "1", "", from_ms))

    def deactivate(self, *, cancel: bool) -> None:
        """Deactivate it."""
        self.store.ask(self.store.pipelines.deactivate(ACCOUNT, PIPELINE, "", cancel=cancel))

    def set_status(self, script: str, *names: str) -> None:
        """Change instances, or components."""
        call = self.store.pipelines.set_status(script, ACCOUNT, PIPELINE, names, "")
        self.store.ask(call)

    def poll(self) -> Claimed | None:
        """Take a task, if there is one."""
        self._polls += 1
        poll = PollCall(ACCOUNT, GROUP, f"call-{self._polls}", 1, "host")
        task = self.store.ask(self.store.tasks.claim(0, poll, new_claim(), ACK_MS))
        if task is None or task == "again":
            return None
        self.tasks.append(task)
        found: Claimed = task
        return found

    def report(self, task: Claimed) -> None:
        """Report that it goes on."""
        self.store.ask(self.store.tasks.report(ACCOUNT, handle_of(task), LEASE_MS))

    def finish(self, task: Claimed, status: str) -> None:
        """Give a result."""
        told = self.store.tasks.finish(ACCOUNT, handle_of(task), status, ("", "", ""))
        self.store.ask(told)

    def run_due(self, limit: int = 100) -> bool:
        """Run due work; whether there is more."""
        return bool(self.store.ask(self.store.timers.run_due(0, limit, 10)).more)
