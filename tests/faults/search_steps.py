"""What may happen next: the steps of runners, of replicas, of the operator, and of time.

Each step is at most one script, so that everything else may happen between two scripts of one use
case, and a replica that dies between them is one whose next step never comes:

- a poll whose answer was lost is `poll` with `heard` false; the runner repeats it (`bar`, then
  `claim`), and the earlier try may still be on its way (`late`), or give back what it got.
- a report or a result whose answer was lost is the same call made again, and every handle that a
  runner was ever given may be used at any time: a canceled or superseded runner goes on.
- an operator's call whose answer was lost is sent again with the same id, whatever came between.
- messages are never used: what is handed out is found by `run_due` and polls alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from seeds import ACCOUNT, NO_ERROR, component

from coordinator.store.tasks import PollCall

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from search_store import Store
    from search_view import View

    from coordinator.domain.ids import Handle

PIPELINE = "df-AAAA" + "A" * 16
SCOPE = f"{ACCOUNT}:{PIPELINE}"
DEAD_TRIED = 2
MOST_TRIES = 3


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
    """A hand-out: its handle, whether a runner was told, and what became of it (empty: held)."""

    handle: Handle
    told: bool
    fate: str = ""


class Open(NamedTuple):
    """A runner's poll without an answer: the call, its last try, and what `bar` said."""

    call: str
    tries: int
    barred: str = ""


class Late(NamedTuple):
    """What a replica has still to do for a try whose client has gone: claim, or give back."""

    call: str
    tries: int
    claim: str = ""


class Asked(NamedTuple):
    """A call of the operator: which, on which instances, its id, and when."""

    kind: str
    ids: tuple[str, ...]
    answer: str


class Clients(NamedTuple):
    """What runners and replicas know; and of the shard's clock, when due work was last run."""

    calls: int = 0
    claims: tuple[Claim, ...] = ()
    open: tuple[Open, ...] = ()
    late: tuple[Late, ...] = ()
    asked: tuple[Asked, ...] = ()
    last_run_ms: int = 0
    gap_end_ms: int = 0

    def text(self) -> str:
        """Return what counts for what may happen later."""
        ended = [claim for claim in self.claims if claim.told and claim.fate][-DEAD_TRIED:]
        used = [claim for claim in self.claims if not claim.fate] + ended
        known = [(c.handle.n, c.handle.attempt, c.handle.claim, c.told, c.fate) for c in used]
        asked = [(a.kind, a.ids, a.answer) for a in self.asked]
        return f"{known} {sorted(self.open)} {sorted(self.late)} {asked}"


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
    ids: tuple[str, ...] = ()
    answer: str = ""
    late: bool = False
    limit: int = 0
    to_ms: int = 0
    repeat: bool = False
    more: dict[str, Any] = field(default_factory=dict, hash=False)


def start(store: Store, step: Step, config: Config) -> Coroutine[Any, Any, Any]:
    """Return the call of the store layer that a step makes."""
    tasks, pipelines = store.tasks, store.pipelines
    poll = PollCall(ACCOUNT, "g", step.call, step.tries, "host")
    handle = step.claim.handle if step.claim else None
    calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "claim": lambda: tasks.claim(0, poll, step.new_claim, config.ack_ms),
        "bar": lambda: tasks.bar(0, poll, 300_000),
        "give back": lambda: tasks.give_back(poll, step.more["task"], 0),
        "report": lambda: tasks.report(ACCOUNT, handle, config.progress_ms, step.fields),
        "finish": lambda: tasks.finish(ACCOUNT, handle, step.status, NO_ERROR),
        "cancel": lambda: pipelines.set_status(
            "cancel_instances", ACCOUNT, PIPELINE, step.ids, step.answer
        ),
        "rerun": lambda: pipelines.set_status(
            "rerun_instances", ACCOUNT, PIPELINE, step.ids, step.answer
        ),
        "delete": lambda: pipelines.delete(ACCOUNT, PIPELINE, step.answer),
        "run due": lambda: store.timers.run_due(0, step.limit),
    }
    return calls[step.kind]()


def steps(config: Config, seen: View, clients: Clients, now_ms: int) -> Iterator[Step]:
    """Enumerate the steps from a state."""
    yield from _polls(config, clients)
    yield from _holders(config, seen, clients)
    yield from _operator(config, seen, clients)
    yield from _time(config, seen, clients, now_ms)


def _polls(config: Config, clients: Clients) -> Iterator[Step]:
    call, new = f"call-{clients.calls}", f"{len(clients.claims) + 1:032x}"
    lossy = "polls" in config.extra
    yield Step("claim", "a runner polls", call=call, new_claim=new)
    if lossy and len(clients.open) < 2:
        yield Step("claim", "a runner polls, answer lost", call=call, new_claim=new, heard=False)
        if len(clients.late) < 2:
            yield Step("send", "a runner polls a slow replica", call=call)
    for one in clients.open if lossy else ():
        again = {"call": one.call, "tries": one.tries, "new_claim": new, "repeat": True}
        if not one.barred and one.tries < MOST_TRIES:
            tries = one.tries + 1
            yield Step("bar", f"try {tries} of {one.call} begins", call=one.call, tries=tries)
        elif one.barred:
            yield Step("claim", f"try {one.tries} of {one.call} claims", **again)
            yield Step("claim", f"… claims, answer lost ({one.call})", **again, heard=False)
    for late in clients.late:
        if late.claim:
            yield _give_back(late, clients)
        else:
            words = f"try {late.tries} of {late.call} comes late"
            yield Step("claim", words, None, late.call, late.tries, False, new, late=True)


def _give_back(late: Late, clients: Clients) -> Step:
    claim = next(c for c in clients.claims if c.handle.claim == late.claim)
    words = f"a replica gives {name(claim)} back"
    return Step("give back", words, claim, late.call, late.tries, more={"task": _Task(claim)})


class _Task(NamedTuple):
    """What giving back needs to know of a task."""

    given: Claim

    @property
    def pipeline_id(self) -> str:
        return self.given.handle.pipeline_id

    @property
    def n(self) -> int:
        return self.given.handle.n

    @property
    def claim(self) -> str:
        return self.given.handle.claim


def name(claim: Claim) -> str:
    """Name a claim for a reader: its number, instance and attempt."""
    return f"#{int(claim.handle.claim, 16)} ({claim.handle.n}, attempt {claim.handle.attempt})"


def _holders(config: Config, seen: View, clients: Clients) -> Iterator[Step]:
    holders = seen.holders()
    told = [claim for claim in clients.claims if claim.told]
    held = [claim for claim in told if claim.handle.claim in holders]
    dead = [claim for claim in told if claim.handle.claim not in holders]
    for claim in [*held, *dead[-DEAD_TRIED:]]:
        who = name(claim)
        yield Step("report", f"{who} reports", claim)
        if "fields" in config.extra:
            yield Step("report", f"{who} reports a field", claim, fields=("a", '"1"'))
        for status in ("FINISHED", "FAILED"):
            yield Step("finish", f"{who} says {status}", claim, status=status)


def _operator(config: Config, seen: View, clients: Clients) -> Iterator[Step]:
    mine = {n: r for (scope, n), r in seen.instances.items() if scope == SCOPE}
    for kind in ("cancel", "rerun"):
        if kind in config.extra:
            for n, record in sorted(mine.items()):
                answer, ids = f"op-{clients.calls}", (record["id"],)
                yield Step(kind, f"{kind} of {n}", ids=ids, answer=answer)
    if "delete" in config.extra:
        yield Step("delete", "delete", answer=f"op-{clients.calls}")
    for asked in clients.asked if "repeats" in config.extra else ():
        words = f"{asked.kind} {asked.answer} is sent again"
        yield Step(asked.kind, words, ids=asked.ids, answer=asked.answer, repeat=True)


def _time(config: Config, seen: View, clients: Clients, now_ms: int) -> Iterator[Step]:
    due = [at for at in seen.timers.values() if at < now_ms]
    yield Step("run due", "due work is run", limit=100)
    if len(due) > 1:
        yield Step("run due", "one timer is run", limit=1)
    coming = [at for at in seen.timers.values() if at >= now_ms]
    if coming:
        at = min(coming)
        yield Step("wait", f"{at + 1 - now_ms} ms pass", to_ms=at + 1)
        if "edges" in config.extra and at > now_ms:
            yield Step("wait", f"{at - now_ms} ms pass, to the deadline", to_ms=at)
    if "outage" in config.extra and now_ms - clients.last_run_ms <= config.threshold_ms:
        at = clients.last_run_ms + config.threshold_ms + 1
        yield Step("wait", f"an outage of {at - now_ms} ms", to_ms=at)
