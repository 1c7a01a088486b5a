"""What clients know after a step: handles, polls without an answer, what became of each claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_parts import Asked, Claim, Clients, Late, Open
from seeds import handle_of

if TYPE_CHECKING:
    from search_parts import Config, Step
    from search_view import View

KEPT_CALLS = 2
FATE = {"run due": "lost", "give back": "returned", "delete": "deleted"}
FATE |= dict.fromkeys(("cancel", "mark", "deactivate"), "canceled")


def learn(
    clients: Clients, step: Step, value: Any, before: View, after: View, now_ms: int, config: Config
) -> Clients:
    """Return what the clients know after a step that was not refused."""
    known = _fates(clients, step, before, after)
    if step.kind in {"claim", "bar", "send", "give back"}:
        return _polled(known, step, value, now_ms, config)
    if step.kind == "run due":
        return _ran(known, now_ms, config)
    if step.answer and not step.repeat:
        asked = Asked(step.kind, step.ids, step.answer, step.pipeline, step.version)
        kept = (*known.asked, asked)[-KEPT_CALLS:]
        repeats = "repeats" in config.extra
        return known._replace(asked=kept if repeats else (), calls=known.calls + 1)
    return known


def _polled(known: Clients, step: Step, value: Any, now_ms: int, config: Config) -> Clients:
    """Return what runners and replicas know after a step of a poll."""
    if step.kind == "claim":
        return _claimed(known, step, value, now_ms + config.ack_ms)
    if step.kind == "give back":
        return known._replace(late=_not_late(known, step))
    rest, late = _without(known.open, step.call), _not_late(known, step)
    if step.kind == "send":
        one = Open(step.call, step.tries, "", step.group)
        slow = Late(step.call, step.tries, "", step.group, to_bar=step.repeat)
        calls = known.calls + (not step.repeat)
        return known._replace(open=(*rest, one), late=(*late, slow), calls=calls)
    if step.late:  # it has barred, and claims next
        return known._replace(late=(*late, Late(step.call, step.tries, "", step.group)))
    said = "held" if value else "free"
    return known._replace(open=(*rest, Open(step.call, step.tries, said, step.group)))


def superseded(clients: Clients, step: Step) -> Clients:
    """Return what the clients know after a poll that a later try had superseded."""
    if step.late:
        return clients._replace(late=_not_late(clients, step))
    return clients._replace(open=_without(clients.open, step.call))


def _ran(known: Clients, now_ms: int, config: Config) -> Clients:
    """Keep the time of a run as the design has it: once a second, and a long gap is an outage."""
    last, ago = known.last_run_ms, now_ms - known.last_run_ms
    if last and ago > config.threshold_ms:
        return known._replace(last_run_ms=now_ms, gap_end_ms=now_ms)
    if not last or ago >= min(1000, config.threshold_ms / 4):
        return known._replace(last_run_ms=now_ms)
    return known


def _fates(clients: Clients, step: Step, before: View, after: View) -> Clients:
    gone = before.holders().keys() - after.holders().keys()
    if not gone:
        return clients
    fate = f"reported {step.status}" if step.kind == "finish" else FATE.get(step.kind, "?")
    claims = tuple(
        claim._replace(fate=fate) if claim.handle.claim in gone else claim
        for claim in clients.claims
    )
    return clients._replace(claims=claims)


def _claimed(known: Clients, step: Step, task: Any, until_ms: int) -> Clients:
    if not step.repeat and not step.late:
        known = known._replace(calls=known.calls + 1)
    rest = _without(known.open, step.call)
    if step.late:  # nobody hears what it gets
        back = (Late(step.call, step.tries, task.claim, step.group),) if task else ()
        known = known._replace(late=(*_not_late(known, step), *back))
    elif step.heard:
        known = known._replace(open=rest)
    else:
        known = known._replace(open=(*rest, Open(step.call, step.tries, "", step.group)))
    return known if task is None else _given(known, step, task, until_ms)


def _given(known: Clients, step: Step, task: Any, until_ms: int) -> Clients:
    """Note who was given a task, and again if it is a repeat."""
    old = next((c for c in known.claims if c.handle.claim == task.claim), None)
    if old is None:
        old = Claim(handle_of(task), told=False, call=step.call, until_ms=until_ms)
    new = old._replace(told=old.told or step.heard, tries=max(old.tries, step.tries))
    others = [claim for claim in known.claims if claim.handle.claim != task.claim]
    claims = sorted([*others, new], key=lambda claim: claim.handle.claim)
    return known._replace(claims=tuple(claims))


def _without(polls: tuple[Open, ...], call: str) -> tuple[Open, ...]:
    return tuple(one for one in polls if one.call != call)


def _not_late(known: Clients, step: Step) -> tuple[Late, ...]:
    return tuple(one for one in known.late if (one.call, one.tries) != (step.call, step.tries))
