"""What a search is made of: configurations, what clients know, steps, and the calls these make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from seeds import ACCOUNT, NO_ERROR, component

from coordinator.store.tasks import PollCall

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from search_store import Store

    from coordinator.domain.ids import Handle

PIPELINE = "df-AAAA" + "A" * 16
SCOPE = f"{ACCOUNT}:{PIPELINE}"
NOBODY = "@Nobody_2026-01-01T00:00:00"
DEAD_TRIED = 2
STATUSES = {  # steps that name instances or components, and their scripts
    "cancel": "cancel_instances",
    "rerun": "rerun_instances",
    "mark": "finish_instances",
    "pause": "pause_components",
    "resume": "resume_components",
}


@dataclass(frozen=True)
class Config:
    """What is searched: the tasks, the limits in ms, and which steps there are beside the basic.

    `depth` and `quick`: how many steps in a row, and how many where it must be quick. `small`:
    batches of one in the scripts. `reaches`: changes of state that must be seen.
    """

    name: str
    depth: int
    quick: int
    parts: tuple[Any, ...] = (component("A", maximum_retries=1),)
    extra: frozenset[str] = frozenset()
    small: bool = False
    ack_ms: int = 4000
    progress_ms: int = 7000
    threshold_ms: int = 600_000
    grace_ms: int = 15_000
    max_lost: int = 3
    reaches: str = ""

    def settings(self) -> dict[str, Any]:
        """Return the settings of the coordinator."""
        return {
            "outage_threshold": self.threshold_ms / 1000,
            "outage_grace": self.grace_ms / 1000,
            "max_lost_leases": self.max_lost,
        }


class Claim(NamedTuple):
    """A hand-out: its handle, whether a runner was told, and what became of it (empty: held).

    `call` got it, in the end by its try `tries`, and can have it again until `until_ms`.
    """

    handle: Handle
    told: bool
    call: str = ""
    tries: int = 1
    until_ms: int = 0
    fate: str = ""


class Open(NamedTuple):
    """A runner's poll without an answer: the call, its last try, and what `bar` said."""

    call: str
    tries: int
    barred: str = ""
    group: str = "g"


class Late(NamedTuple):
    """What a replica has still to do for a try whose client has gone: bar, claim, or give back."""

    call: str
    tries: int
    claim: str = ""
    group: str = "g"
    to_bar: bool = False


class Asked(NamedTuple):
    """A call of the operator: which, on which instances, its id, and when."""

    kind: str
    ids: tuple[str, ...]
    answer: str
    pipeline: str = PIPELINE
    version: str = "1"


class Clients(NamedTuple):
    """What runners and replicas know; and of the shard's clock, when due work was last run."""

    calls: int = 0
    claims: tuple[Claim, ...] = ()
    open: tuple[Open, ...] = ()
    late: tuple[Late, ...] = ()
    asked: tuple[Asked, ...] = ()
    last_run_ms: int = 0
    gap_end_ms: int = 0

    def opened(self, call: str) -> Open | None:
        """Return what is known of a poll that has no answer yet."""
        return next((one for one in self.open if one.call == call), None)

    def claimed(self, handle: str) -> Claim:
        """Return what became of a claim."""
        return next(claim for claim in self.claims if claim.handle.claim == handle)

    def text(self) -> str:
        """Return what counts for what may happen later."""
        ended = [claim for claim in self.claims if claim.told and claim.fate][-DEAD_TRIED:]
        used = [claim for claim in self.claims if not claim.fate] + ended
        known = [(c.handle.n, c.handle.attempt, c.handle.claim, c.told, c.fate) for c in used]
        calls = [(c.call, c.tries) for c in used if not c.fate]
        asked = [(a.kind, a.ids, a.answer) for a in self.asked]
        return f"{known} {calls} {sorted(self.open)} {sorted(self.late)} {asked}"


@dataclass(frozen=True)
class Step:
    """One step: its kind, the words for a reader, and what it is about."""

    kind: str
    words: str
    claim: Claim | None = None
    call: str = ""
    tries: int = 1
    heard: bool = True
    new_claim: str = ""
    status: str = ""
    fields: tuple[str, ...] = ()
    pipeline: str = PIPELINE
    group: str = "g"
    ids: tuple[str, ...] = ()
    answer: str = ""
    late: bool = False
    limit: int = 0
    to_ms: int = 0
    repeat: bool = False
    version: str = "1"
    staged: tuple[tuple[str, bytes], ...] = ()
    task: Any = None

    def claiming(self, claim: str) -> Step:
        """Return the step with a new claim id."""
        return replace(self, new_claim=claim)

    @property
    def scope(self) -> str:
        """The scope of its pipeline."""
        return f"{ACCOUNT}:{self.pipeline}"


def start(store: Store, step: Step, config: Config) -> Coroutine[Any, Any, Any]:
    """Return the call of the store layer that a step makes."""
    tasks, pipelines = store.tasks, store.pipelines
    poll = PollCall(ACCOUNT, step.group, step.call, step.tries, "host")
    handle = step.claim.handle if step.claim else None
    calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "claim": lambda: tasks.claim(0, poll, step.new_claim, config.ack_ms),
        "bar": lambda: tasks.bar(0, poll, 300_000),
        "give back": lambda: tasks.give_back(poll, step.task, 0),
        "report": lambda: _verdict(tasks.report(ACCOUNT, handle, config.progress_ms, step.fields)),
        "finish": lambda: tasks.finish(ACCOUNT, handle, step.status, NO_ERROR),
        "deactivate": lambda: pipelines.deactivate(
            ACCOUNT, step.pipeline, step.answer, cancel=True
        ),
        "hold": lambda: pipelines.deactivate(ACCOUNT, step.pipeline, step.answer, cancel=False),
        "delete": lambda: pipelines.delete(ACCOUNT, step.pipeline, step.answer),
        "put": lambda: pipelines.put(ACCOUNT, step.pipeline, b"{}", errored=False),
        "stage": lambda: pipelines.stage(ACCOUNT, step.pipeline, step.version, step.staged),
        "activate": lambda: pipelines.activate(ACCOUNT, step.pipeline, step.version, step.answer),
        "run due": lambda: store.timers.run_due(0, step.limit),
    }
    if step.kind in STATUSES:
        script = STATUSES[step.kind]
        return pipelines.set_status(script, ACCOUNT, step.pipeline, step.ids, step.answer)
    return calls[step.kind]()


async def _verdict(report: Coroutine[Any, Any, tuple[str, int]]) -> str:
    verdict, _ = await report
    return verdict
