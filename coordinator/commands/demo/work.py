"""The part of the demo during which something runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.commands.demo.errors import DemoError
from coordinator.commands.demo.lag import Lag, read_lag
from coordinator.commands.demo.stage import TASKS_EACH
from coordinator.commands.demo.story import Killed, Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.commands.demo.api import Api, Attempt
    from coordinator.commands.demo.job import Job
    from coordinator.commands.demo.screen import Screen
    from coordinator.commands.demo.stage import Stage

LOOK_EVERY = 0.15
LONGEST_SECONDS = 180.0


@dataclass(frozen=True)
class Findings:
    """What the coordinator knows at the end."""

    attempts: list[Attempt]
    killed: Killed
    lag: Lag


def work(job: Job, stage: Stage, screen: Screen) -> Findings:
    """Have the pipeline run, with its disturbances, and the direct count beside it.

    Raises:
        DemoError: something did not happen as it must.
    """
    api = stage.api()
    began = time.monotonic()
    _begin(job, stage, screen, api)
    direct = stage.processes.start("direct count", job.direct_command())
    direct.be_nice()
    story = Story(stage, api, screen, job.held)
    _repeat(stage, lambda: _look(stage, screen, api, story))
    screen.event(f"all tasks done, {time.monotonic() - began:.1f} s after the start", "bold")
    if not direct.ended():
        screen.event("waiting for the direct count, which goes last on the processor")
        _repeat(stage, direct.ended)
    return Findings(api.attempts(), story.check_told(), read_lag(stage.living_ports()))


def _begin(job: Job, stage: Stage, screen: Screen, api: Api) -> None:
    replicas = " and ".join(f"{name} (pid {it.pid})" for name, it in stage.replicas.items())
    screen.event(f"{replicas} run on one embedded Valkey, behind a load balancer")
    objects = job.definition()
    pipeline = api.begin("demo", objects)
    screen.event(f"pipeline {pipeline} activated: a task for each module, and one to add up")
    stage.start_runners()
    runners = ", ".join(f"{name} (pid {it.pid})" for name, it in stage.runners.items())
    screen.event(f"runners {runners} started, {TASKS_EACH} tasks at once each")
    screen.event(f"{job.held} dawdles in its first attempt, so that somebody is caught with it")


def _look(stage: Stage, screen: Screen, api: Api, story: Story) -> bool:
    """Look how far the work is; return whether it is done."""
    stage.processes.check()
    progress = api.progress()
    screen.update(progress)
    if progress.failed:
        raise DemoError(f"These tasks have failed: {', '.join(progress.failed)}.")
    story.step()
    return progress.done == progress.total


def _repeat(stage: Stage, done: Callable[[], bool]) -> None:
    """Call `done` until it is true.

    Raises:
        DemoError: that takes far too long.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    while not done():
        if time.monotonic() > deadline:
            logs = stage.processes.last_words()
            raise DemoError(f"The work was not done within {LONGEST_SECONDS:.0f} s.\n{logs}")
        time.sleep(LOOK_EVERY)
