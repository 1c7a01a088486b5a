"""The environment of a task's command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.runner.task import Task

# The runner's credentials are for the coordinator. What a task needs is for its command to bring
# along.
SECRET = re.compile(r"AWS_.*(KEY|SECRET|TOKEN|CREDENTIAL)", re.IGNORECASE)
NOT_IN_NAMES = re.compile(r"[^A-Z0-9_]")


def of_task(task: Task, own: Mapping[str, str]) -> dict[str, str]:
    """Return `own` without AWS secrets, with what the command may want to know about its task.

    ``COORDINATOR_PIPELINE_ID``, ``COORDINATOR_ATTEMPT_ID``, ``COORDINATOR_ATTEMPT`` (from 1),
    ``COORDINATOR_FENCING_TOKEN`` (a number that grows with each hand-out; pass it to whatever the
    command writes to), and ``COORDINATOR_PREVIOUS_<KEY>`` for each field that the attempt before
    reported last, in upper case with ``_`` for what names cannot hold.
    """
    about = {
        "COORDINATOR_PIPELINE_ID": task.pipeline_id,
        "COORDINATOR_ATTEMPT_ID": task.attempt_id,
        "COORDINATOR_ATTEMPT": task.first("@attemptCount"),
        "COORDINATOR_FENCING_TOKEN": task.first("@fencingToken"),
        **{_name(key): value for key, value in task.previous.items()},
    }
    kept = {
        name: value
        for name, value in own.items()
        if not SECRET.match(name) and name not in about and not name.startswith(_name(""))
    }
    return kept | {name: value for name, value in about.items() if value is not None}


def _name(key: str) -> str:
    return f"COORDINATOR_PREVIOUS_{NOT_IN_NAMES.sub('_', key.upper())}"
