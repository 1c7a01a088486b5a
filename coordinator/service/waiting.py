"""Why an instance that has not ended is not done yet, in one sentence."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from coordinator.domain.retries import RUNNER_STOPPED
from coordinator.domain.times import iso
from coordinator.service.spheres import status as shown_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.service.sightings import Seen
    from coordinator.store.instances import Need, Record, StoredInstance
    from coordinator.store.tasks import PolledGroup

CLOSE = 0.6
MOST_SHOWN = 500
UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))
LIVELY_MS = 90_000  # longer than a poll may wait


def waiting_reason(pipeline: Record, stored: StoredInstance, seen: Seen | None) -> str:
    """Return the sentence; empty for an instance that has ended.

    `seen` says who polls the instance's worker group, where that was asked.
    """
    reason = _reason(pipeline, stored, seen)
    late = "; it is late" if reason and stored.instance.get("late") else ""
    return reason + late


def _reason(pipeline: Record, stored: StoredInstance, seen: Seen | None) -> str:
    record = stored.instance
    match record["state"]:
        case "blocked":
            return _blocked(stored.unmet, stored.needs)
        case "delayed":
            return _delayed(record, stored.attempt)
        case "leased":
            return _leased(record)
        case "ready":
            return _ready(pipeline, stored, seen)
    return ""


def _delayed(record: Record, last: Record) -> str:
    begins = iso(int(record["retry_ms"]))
    if record.get("handed") == record["attempt"]:  # the same attempt again: it answered FALSE
        said = record.get("said", "")
        return _not_satisfied(record["checks_made"], said, begins) + _until(record)
    why = ": ".join(filter(None, (last.get("error_id"), last.get("error_message"))))
    failed = f" ({why[:MOST_SHOWN]})" if why else ""
    after = "" if last.get("error_id") == RUNNER_STOPPED else ", after its retryDelay"
    return (
        f"attempt {record.get('handed', '')} failed{failed}; attempt {record['attempt']} begins "
        f"at {begins}{after}"
    )


def _not_satisfied(checks: str, said: str, again: str) -> str:
    why = f" ({said[:MOST_SHOWN]})" if said else ""
    return f"was not satisfied at check {checks}{why}; it is checked again at {again}"


def _until(record: Record) -> str:
    expires_ms = record.get("expires_ms")
    return f", until {iso(int(expires_ms))}" if expires_ms else ""


def _blocked(unmet: int, needs: Sequence[Need]) -> str:
    named = [_need(need) for need in needs]
    more = unmet - len(named)
    named += [f"{more} more"] if more > 0 else []
    told = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else "".join(named)
    return f"waits for {told}"


def _need(need: Need) -> str:
    if not need.id:
        return "an instance that is still being made"
    if not need.state:
        return f"'{need.id}' (of an interval that has not come yet)"
    if need.precondition and need.state == "delayed" and need.checks_made:
        again = iso(int(need.retry_ms))
        return f"'{need.id}', which {_not_satisfied(need.checks_made, need.said, again)}"
    if need.state != "terminal":
        shown = shown_status(need.state, "", need.acked_ms, paused=bool(need.paused_ms))
        return f"'{need.id}' ({shown})"
    return f"'{need.id}', which is {need.status}: rerun it or mark it finished"


def _leased(record: Record) -> str:
    holder = f"'{record['hostname']}'" if record.get("hostname") else "a runner"
    deadline = iso(int(record["deadline_ms"]))
    if record.get("acked_ms"):
        last = iso(int(record["renewed_ms"]))
        return f"runs on {holder}, last reported at {last}, must report again by {deadline}"
    since = iso(int(record["claimed_ms"]))
    return f"was handed to {holder} at {since}, and is to be acknowledged by {deadline}"


def _ready(pipeline: Record, stored: StoredInstance, seen: Seen | None) -> str:
    if pipeline.get("held"):
        return "the pipeline is deactivated: activate it to go on"
    if stored.paused_ms:
        component = stored.instance["component"]
        return f"component '{component}' is paused since {iso(int(stored.paused_ms))}: resume it"
    if seen is None:
        return f"waits for a runner of worker group '{stored.instance['group']}'"
    return _unclaimed(stored.instance["group"], seen)


def _unclaimed(group: str, seen: Seen) -> str:
    silent_ms = seen.now_ms - seen.group.polled_ms
    if seen.group.polled_ms and silent_ms <= LIVELY_MS:
        return f"waits for its turn in worker group '{group}', polled by {_runners(seen.group)}"
    when = f"for {duration(silent_ms)}" if seen.group.polled_ms else "lately"
    near = nearest(group, seen.others)
    hint = f" (nearest: '{near.group}', {_polled(near, seen.now_ms)})" if near else ""
    return f"no runner has polled worker group '{group}' {when}{hint}"


def nearest(group: str, others: Sequence[PolledGroup]) -> PolledGroup | None:
    """Return the polled group that may have been meant: the same but for case, or spelled alike."""
    by_name = {other.group: other for other in others}
    for name, other in by_name.items():
        if name.strip().lower() == group.strip().lower():
            return other
    close = get_close_matches(group, by_name, 1, CLOSE)
    return by_name[close[0]] if close else None


def _polled(polled: PolledGroup, now_ms: int) -> str:
    if polled.pollers:
        return _runners(polled)
    return f"last polled {duration(now_ms - polled.polled_ms)} ago"


def _runners(polled: PolledGroup) -> str:
    return "1 runner" if polled.pollers == 1 else f"{polled.pollers} runners"


def duration(span_ms: int) -> str:
    """Write a span of time in its largest unit: ``12 min``."""
    for unit_ms, name in UNITS:
        if span_ms >= unit_ms:
            return f"{span_ms // unit_ms} {name}"
    return "less than 1 s"
