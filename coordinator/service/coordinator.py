"""One replica's use cases, put together over a router."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.metrics import Largest, Metrics
from coordinator.service.access import Access
from coordinator.service.activation import Activation
from coordinator.service.alarms import AlarmService
from coordinator.service.contexts import Contexts
from coordinator.service.definitions import Definitions
from coordinator.service.due import DueWork
from coordinator.service.gauges import Gauges
from coordinator.service.health import Health
from coordinator.service.keyring import Keyring
from coordinator.service.objects import Objects
from coordinator.service.pipelines import PipelineService
from coordinator.service.polls import Polls
from coordinator.service.queries import Queries
from coordinator.service.shards import Shards
from coordinator.service.sightings import Sightings
from coordinator.service.statuses import Statuses
from coordinator.service.tasks import TaskService
from coordinator.store.alarms import Alarms
from coordinator.store.layout import Layout
from coordinator.store.pipelines import Pipelines
from coordinator.store.scripts import Scripts
from coordinator.store.tasks import Tasks
from coordinator.store.timers import Timers

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.store.router import Router


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Everything a replica can do; nothing in it outlives the process."""

    settings: Settings
    metrics: Metrics
    access: Access
    shards: Shards
    due: DueWork
    alarms: AlarmService
    polls: Polls
    sightings: Sightings
    tasks: TaskService
    pipelines: PipelineService
    definitions: Definitions
    activation: Activation
    objects: Objects
    statuses: Statuses
    queries: Queries
    health: Health
    gauges: Gauges


def build(settings: Settings, router: Router) -> Coordinator:
    """Put a replica's use cases together; nothing is asked of Redis yet."""
    metrics = Metrics(polls=Largest(settings.metrics_groups))
    keyring = Keyring(settings.credentials_file, metrics) if settings.signed else None
    scripts = Scripts(router, durable=settings.durability.startswith("replicas:"))
    shards = Shards(Layout(scripts))
    pipelines = Pipelines(scripts, settings.max_pending)
    tasks, timers = Tasks(scripts, int(settings.stale_after * 1000)), Timers(scripts, settings)
    contexts, sightings = Contexts(pipelines), Sightings(tasks, shards)
    alarms = AlarmService(Alarms(scripts), contexts, settings, metrics)
    due = DueWork(timers, alarms, metrics)
    polls = Polls(tasks, due, shards, settings, metrics)
    return Coordinator(
        settings=settings,
        metrics=metrics,
        access=Access(keyring, settings.region),
        shards=shards,
        due=due,
        alarms=alarms,
        polls=polls,
        sightings=sightings,
        tasks=TaskService(tasks, polls, contexts, sightings, shards, settings, metrics),
        pipelines=PipelineService(pipelines, shards),
        definitions=Definitions(pipelines, settings),
        activation=Activation(pipelines, settings),
        objects=Objects(pipelines, contexts, sightings),
        statuses=Statuses(pipelines, metrics),
        queries=Queries(pipelines),
        health=Health(scripts, timers, shards),
        gauges=Gauges(scripts, tasks, shards, settings.metrics_groups),
    )
