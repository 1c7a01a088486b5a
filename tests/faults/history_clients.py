"""Clients of a `World`: runners that fall silent, leave and repeat themselves, and an operator."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fleet import ACCOUNT, poll
from history_world import ACK, GROUP, PROGRESS
from waiting import pass_time

from coordinator.domain.ids import encode_handle
from coordinator.errors import UnavailableError
from coordinator.service.caller import Caller
from coordinator.service.waiters import Presence

if TYPE_CHECKING:
    from history_world import World

    from coordinator.commands.replica import Replica
    from coordinator.store.tasks import Claimed

TRIES = 8
HASTE = (0.001, 0.003, 0.02, 0.04, 0.06, 0.07, 0.08, 0.09)  # seconds; see `SLOW`
CALLER = Caller(ACCOUNT)
Task = dict[str, Any]


class Runner:
    """One task runner; its dice decide what it does wrong, unless the world is calm."""

    def __init__(self, world: World, number: int) -> None:
        self.name = f"runner-{number}"
        self._world = world
        self._chance = world.chance
        self._past: list[Task] = []
        self._polls = self._tries = 0

    async def run(self) -> None:
        """Work until the world stops."""
        while not self._world.stopped:
            task = await self.poll()
            if task:
                self._past.append(task)
                await self.work(task)
            elif self._past and self._dice(0.3):
                await self._with_past(self._chance.choice(self._past))

    def _dice(self, share: float) -> bool:
        return not self._world.calm and self._chance.random() < share

    async def poll(self) -> Task | None:
        """Ask for a task, and again while the answer is lost."""
        self._polls += 1
        self._tries = 0
        name, invoked, owed = f"{self.name}/{self._polls}", time.monotonic(), None
        for _ in range(TRIES):
            hasty = owed is None and self._dice(0.2)
            task, known = await (self._hasty(name) if hasty else self._try(name))
            if known:
                self._note(invoked, task)
                self._check_owed(owed, task)
                if task is None or not self._dice(0.1):
                    return task
                owed, invoked = task, time.monotonic()  # told, but not received
            elif self._dice(0.1):
                break
            await pass_time(0.01)
        self._world.note("poll", invoked, None, client=self.name)
        return None

    async def _hasty(self, name: str) -> tuple[Task | None, bool]:
        """Poll, leave before there is an answer, and poll again before the replica knows."""
        presence, (far, near) = Presence(), self._world.fleet.replicas
        first = asyncio.create_task(self._try(name, far, presence))
        await asyncio.sleep(self._chance.choice(HASTE))
        if self._chance.random() < 0.7:
            presence.leave()
        second = await self._try(name, near)
        presence.leave()
        await first
        return second

    async def _try(
        self, name: str, replica: Replica | None = None, presence: Presence | None = None
    ) -> tuple[Task | None, bool]:
        """Poll once; return the task, and whether the answer came."""
        self._tries += 1
        replica, presence = replica or self._world.replica, presence or Presence()
        try:
            claimed = await poll(replica, GROUP, name=name, attempt=self._tries, presence=presence)
        except UnavailableError:
            return None, False
        if presence.gone:
            return None, False
        return (None if claimed is None else self._task(claimed)), True

    async def echo(self) -> None:
        """A poll that was answered and acknowledged comes once more, and is not the same task."""
        invoked = time.monotonic()
        task, known = await self._try(f"{self.name}/{self._polls}")
        if known:
            self._note(invoked, task)
            if task:
                self._past.append(task)
                await self.result(task, "finish")

    def _check_owed(self, owed: Task | None, task: Task | None) -> None:
        """A repeated poll gets what its earlier try was given and nobody acknowledged."""
        if owed and (task is None or task["handle"] != owed["handle"]):
            self._world.doubt(owed, task)

    def _task(self, claimed: Claimed) -> Task:
        handle = encode_handle(
            ACCOUNT, claimed.pipeline_id, claimed.n, claimed.attempt, claimed.claim
        )
        return {
            "pipeline": claimed.pipeline_id,
            "instance": f"{claimed.pipeline_id}/{claimed.instance_id}",
            "handle": handle,
            "token": int(claimed.token),
            "attempt": claimed.attempt,
        }

    def _note(self, invoked: float, task: Task | None) -> None:
        verdict = "granted" if task else "empty"
        about = {"client": self.name, "outcome": "ok", "verdict": verdict, **(task or {})}
        self._world.note("poll", invoked, time.monotonic(), **about)

    async def work(self, task: Task) -> None:
        """Acknowledge, report, and set a status, or not as it should."""
        if self._dice(0.15):
            await pass_time(ACK * self._chance.uniform(1, 2))
        if not self._dice(0.1):
            await self.report(task)
            if self._dice(0.1):
                await self.echo()
        for _ in range(8 if self._dice(0.06) else self._chance.randint(0, 2)):
            await pass_time(PROGRESS * self._chance.uniform(0.1, 0.5))
            if self._world.troubled and self._dice(0.3):
                return  # as if it had died
            await self.report(task)
        if self._dice(0.2):
            await pass_time(PROGRESS * self._chance.uniform(1, 2))
            if self._dice(0.3):
                return
        await self.result(task, "fail" if self._dice(0.2) else "finish")
        if self._dice(0.2):
            await self.result(task, self._chance.choice(["fail", "finish", "finish"]))

    async def report(self, task: Task) -> None:
        """Report progress."""
        tasks = self._world.replica.coordinator.tasks
        about = {"client": self.name, **task}
        await self._world.call("report", about, lambda: tasks.report(CALLER, task["handle"], None))

    async def result(self, task: Task, op: str) -> None:
        """Set the status."""
        tasks = self._world.replica.coordinator.tasks
        status = {"finish": "FINISHED", "fail": "FAILED"}[op]
        about = {"client": self.name, **task}
        await self._world.call(
            op, about, lambda: tasks.finish(CALLER, task["handle"], status, ("", "", ""))
        )

    async def _with_past(self, task: Task) -> None:
        """Say something of a task of before."""
        if self._chance.random() < 0.5:
            await self.report(task)
        else:
            await self.result(task, self._chance.choice(["fail", "finish"]))


class Operator:
    """Starts pipelines, and cancels, reruns and deletes, sometimes the same call twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._calls = 0

    async def run(self) -> None:
        """Work until the world is calm."""
        while not self._world.calm:
            await pass_time(self._chance.uniform(0.01, 0.06))
            op = self._chance.choices(["cancel", "rerun", "delete", "start"], [40, 40, 6, 14])[0]
            if op == "start":
                await self._world.start()
            else:
                await self.act(op, self._choose())

    def _choose(self) -> str:
        """One that has just failed, or that something happens to just now, or any."""
        recent = [call for call in self._world.calls[-20:] if call.instance]
        failed = [call.instance for call in recent if call.op == "fail"]
        busy = [call.instance for call in recent]
        every = [name for own in self._world.pipelines.values() for name in own]
        return self._chance.choice(self._chance.choice([failed, busy, every]) or every)

    async def act(self, op: str, instance: str) -> None:
        """Cancel or rerun an instance, or delete its pipeline; again until there is an answer."""
        self._calls += 1
        key, pipeline = f"operator/{self._calls}", instance.partition("/")[0]
        about = {"client": "operator", "pipeline": pipeline}
        if op != "delete":
            about["instance"] = instance

        async def ask() -> str:
            await self._ask(op, instance, key)
            if self._chance.random() < 0.2:  # said twice, it counts once
                await pass_time(self._chance.uniform(0, 0.1))
                with suppress(UnavailableError):
                    await self._ask(op, instance, key)
            return ""

        await self._world.call(op, about, lambda: _insist(ask))

    async def _ask(self, op: str, instance: str, key: str) -> None:
        coordinator = self._world.replica.coordinator
        pipeline, _, name = instance.partition("/")
        if op == "delete":
            await coordinator.pipelines.delete(ACCOUNT, pipeline, key)
        else:
            status = {"cancel": "TRY_CANCEL", "rerun": "RERUN"}[op]
            await coordinator.statuses.set_status(CALLER, pipeline, [name], status, key)


async def _insist(ask: Any) -> str:
    """Ask until there is an answer, a few times."""
    for _ in range(TRIES):
        with suppress(UnavailableError):
            return await ask()
        await pass_time(0.02)
    raise UnavailableError
