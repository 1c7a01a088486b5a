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

from search_parts import DEAD_TRIED, NOBODY, SCOPE, Claim, Step

from coordinator.service.activation import staged as staged_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_parts import Clients, Config, Late, Open
    from search_view import View

MOST_TRIES = 3
MOST_INSTANCES = 4
MOST_VERSIONS = 2


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
        yield from _repeats(one, clients, new)
    for late in clients.late:
        yield late_step(late, clients, new)
        if late.claim:  # its answer from Redis was lost: the replica asks again, in the same try
            again = {"tries": late.tries, "late": True, "heard": False, "new_claim": new}
            yield Step("claim", f"a replica asks again for {late.call}", call=late.call, **again)


def _repeats(one: Open, clients: Clients, new: str) -> Iterator[Step]:
    """What the runner of a lost answer does: its next try bars, then claims."""
    tries, again = one.tries + 1, {"call": one.call, "new_claim": new, "repeat": True}
    if one.barred:
        words = f"try {one.tries} of {one.call} claims"
        yield Step("claim", words, tries=one.tries, **again)
        yield Step("claim", f"{words}, answer lost", tries=one.tries, **again, heard=False)
    elif one.tries < MOST_TRIES:
        yield Step("bar", f"try {tries} of {one.call} begins", tries=tries, **again)
        if len(clients.late) < 2:
            yield Step("send", f"try {tries} of {one.call} is sent", tries=tries, **again)


def late_step(late: Late, clients: Clients, new: str) -> Step:
    """Return what a slow replica does next: bar, claim, or give back what nobody heard of."""
    about = {"call": late.call, "tries": late.tries, "group": late.group, "late": True}
    words = f"try {late.tries} of {late.call}"
    if late.to_bar:
        return Step("bar", f"{words} begins late", **about)
    if not late.claim:
        return Step("claim", f"{words} claims late", new_claim=new, heard=False, **about)
    claim = next(c for c in clients.claims if c.handle.claim == late.claim)
    words = f"a replica gives {name(claim)} back"
    return Step("give back", words, claim, task=Given(claim), **about)


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
            one = mine[min(mine)]["id"] if mine else NOBODY
            yield Step(kind, f"{kind} of what is not there", ids=(one, NOBODY), answer="op-none")
    if "stage" in config.extra:
        yield from _starts(config, seen, clients, len(mine))
    elif "activate" in config.extra and len(mine) < MOST_INSTANCES:
        yield Step("activate", "start once more", answer=f"op-{clients.calls}")
    if "delete" in config.extra:
        yield Step("delete", "delete", answer=f"op-{clients.calls}")
    for asked in clients.asked if "repeats" in config.extra else ():
        words, again = f"{asked.kind} {asked.answer} is sent again", {"answer": asked.answer}
        yield Step(asked.kind, words, ids=asked.ids, **again, version=asked.version, repeat=True)


def _starts(config: Config, seen: View, clients: Clients, made: int) -> Iterator[Step]:
    """The scripts of which putting a definition and activating it consist, one by one."""
    fields = tuple(staged_fields(list(config.parts)))
    latest = int(seen.latest.get(SCOPE, 0))
    if latest < MOST_VERSIONS:
        yield Step("put", "a definition is put", version=str(latest + 1))
    for version in map(str, range(1, latest + 1)):
        for half, part in (("first", fields[:3]), ("second", fields[3:])):
            yield Step(
                "stage", f"the {half} half of {version} is staged", version=version, staged=part
            )
    if made < MOST_INSTANCES:
        for version in map(str, range(1, latest + 1)):
            about = {"version": version, "staged": fields, "answer": f"op-{clients.calls}"}
            yield Step("activate", f"start version {version}", **about)


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
