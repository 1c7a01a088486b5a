"""Rules about what depends on where and when a definition is put: on settings, on the time of day.

Each yields the id of an object and a sentence. The time is that of a replica's clock: it only
decides what is advised, never what is run when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.domain.actions import ALARM
from coordinator.domain.components import CASCADE, FAILURE_MODE
from coordinator.domain.control_fields import SCHEDULE
from coordinator.domain.expressions import has_expression
from coordinator.domain.schedule_rules import read
from coordinator.domain.times import iso
from coordinator.domain.timetable import schedule_name, time_ms
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coordinator.domain.schedules import Schedule
    from coordinator.domain.view import DefinitionView

DAY_MS = 86_400_000
OFF, REFUSE = "off", "refuse"
URLS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a definition is put: the time there, and the settings that its warnings depend on."""

    now_ms: int
    backfill_guard: str = "warn"
    alarm_url: str = ""


def is_backfill(start_ms: int, now_ms: int) -> bool:
    """Whether a schedule that begins then has more than a day of intervals to catch up with."""
    return start_ms < now_ms - DAY_MS


def check_backfill(schedules: Iterable[Schedule], site: Site, from_ms: int | None = None) -> None:
    """Let the first activation of a pipeline pass, which goes on `from_ms` if that is given.

    Raises:
        InvalidRequestError: the site refuses backfills, and a schedule would have one.
    """
    if site.backfill_guard != REFUSE:
        return
    for schedule in schedules:
        start_ms = schedule.start_ms
        if start_ms is not None and is_backfill(max(start_ms, from_ms or start_ms), site.now_ms):
            object_id = schedule.name.partition("/")[2]
            raise InvalidRequestError(
                f"Schedule '{object_id}' begins at {iso(start_ms)}, more than a day ago, and "
                "COORDINATOR_BACKFILL_GUARD is refuse: move its start, or activate the pipeline "
                "with a startTimestamp."
            )


def site_warnings(
    view: DefinitionView, site: Site, activated: Iterable[str] = ()
) -> Iterator[tuple[str, str]]:
    """What is to be said at this site; what was `activated` already has caught up, or will."""
    yield from unheard_alarms(view, site)
    if site.backfill_guard == OFF:
        return
    starts = _backfills(view, site, set(activated))
    then = ", and the first activation is refused" if site.backfill_guard == REFUSE else ""
    for object_id, start in starts.items():
        yield (
            object_id,
            (
                f"The schedule begins at {start}, more than a day ago: every interval since then "
                f"will be run{then}."
            ),
        )
    yield from hasty_cascades(view, starts)


def unheard_alarms(view: DefinitionView, site: Site) -> Iterator[tuple[str, str]]:
    """An alarm goes somewhere."""
    if site.alarm_url:
        return
    for object_id, kind in view.types.items():
        for topic in view.inherited[object_id].strings("topicArn") if kind == ALARM else ():
            if not topic.lower().startswith(URLS) and not has_expression(topic):
                yield (
                    object_id,
                    (
                        "There is no COORDINATOR_ALARM_URL, and 'topicArn' is no http(s) URL: the "
                        "alarm is only logged."
                    ),
                )


def hasty_cascades(view: DefinitionView, starts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The developer guide's own warning: the failure of a backfill is a failure of all of it."""
    for item in view.activities:
        _, _, schedule = schedule_name(view, item).partition("/")
        modes = item.strings(FAILURE_MODE)
        if schedule in starts and any(mode.lower() == CASCADE for mode in modes):
            yield (
                item.id,
                (
                    f"{item.id} has '{FAILURE_MODE}' field set to '{CASCADE}' and you are about to "
                    f"create a backfill with scheduleStartTime {starts[schedule]}. This can result "
                    "in rapid creation of pipeline objects in case of failures."
                ),
            )


def _backfills(view: DefinitionView, site: Site, activated: set[str]) -> dict[str, str]:
    """The starts of the schedules in use that begin more than a day ago, by their ids."""
    used = {schedule_name(view, item).partition("/")[2] for item in view.activities}
    found = {}
    for object_id, item in view.inherited.items():
        if object_id in used and object_id not in activated and view.types[object_id] == SCHEDULE:
            start_ms = read(item, "startDateTime", time_ms)
            if start_ms is not None and is_backfill(start_ms, site.now_ms):
                found[object_id] = iso(start_ms)
    return found
