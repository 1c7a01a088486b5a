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

from typing import TYPE_CHECKING, NamedTuple

from search_parts import DEAD_TRIED, SCOPE, Claim, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_parts import Clients, Config, Late
    from search_view import View

MOST_TRIES = 3


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
            yield give_back(late, clients)
        else:
            words = f"try {late.tries} of {late.call} comes late"
            yield Step("claim", words, None, late.call, late.tries, False, new, late=True)


def give_back(late: Late, clients: Clients) -> Step:
    """Return the step of a replica that puts back what nobody heard of."""
    claim = next(c for c in clients.claims if c.handle.claim == late.claim)
    words = f"a replica gives {name(claim)} back"
    task, group = Given(claim), late.group
    return Step("give back", words, claim, late.call, late.tries, task=task, group=group)


class Given(NamedTuple):
    """What giving back needs to know of a task."""

    given: Claim

    @property
    def pipeline_id(self) -> str:
        """Its pipeline."""
        return self.given.handle.pipeline_id

    @property
    def n(self) -> int:
        """The number of its instance."""
        return self.given.handle.n

    @property
    def claim(self) -> str:
        """The claim id."""
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
