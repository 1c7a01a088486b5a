"""What a runner is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class RunnerOptions:
    """The options of ``coordinator runner``; durations are seconds.

    `endpoint` is the coordinator's URL. `tasks` is how many tasks it works on at once. `grace` is
    how long running tasks may take to finish once the runner was told to stop. `runner_id`
    replaces the host's name in the runner's identity, which is new for each process all the same.
    `profile` is the one of AWS's configuration files whose key signs the calls to the coordinator,
    where the environment's key is for other services; without it the environment's key signs.
    `handlers` are modules to import, for the handlers that they register.
    """

    endpoint: str
    worker_group: str
    tasks: int = 2
    region: str = "us-east-1"
    grace: float = 30.0
    runner_id: str | None = None
    heartbeat_seconds: float = 900.0
    profile: str | None = None
    handlers: Sequence[str] = ()
