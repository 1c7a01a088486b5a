"""What happens to the demo's processes while they work: two of them are killed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.commands.demo.definition import LEASE_SECONDS
from coordinator.commands.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.commands.demo.api import Api, Attempt
    from coordinator.commands.demo.screen import Screen
    from coordinator.commands.demo.stage import Stage

BETWEEN_THE_KILLS = 1.0


@dataclass
class Killed:
    """The runner that was killed, when (seconds since 1970), and what it held."""

    runner: str
    at: float
    held: list[Attempt]


class Story:
    """Goes on by a step each time that the demo looks at its progress."""

    def __init__(self, stage: Stage, api: Api, screen: Screen, held: str) -> None:
        self._stage, self._api, self._screen, self._held = stage, api, screen, held
        self._steps = self._tell()
        self.killed: Killed | None = None

    def step(self) -> None:
        """Do what it is time for; nothing once all is told."""
        next(self._steps, None)

    def _tell(self) -> Iterator[None]:
        while not (holder := self._holder()):
            yield
        self.killed = self._kill_runner(holder)
        while time.time() < self.killed.at + BETWEEN_THE_KILLS:
            yield
        self._kill_replica()
        yield from self._wait_for_hand_outs(self.killed)

    def _holder(self) -> str:
        """Name the runner that works on the task that waits for its killer; empty: none yet."""
        for attempt in self._api.holding():
            if attempt.task == self._held and attempt.status == "RUNNING":
                return attempt.runner
        return ""

    def _kill_runner(self, name: str) -> Killed:
        runner = self._stage.runners[name]
        runner.kill()
        at = time.time()
        held = [attempt for attempt in self._api.holding() if attempt.runner == name]
        tasks = " and ".join(attempt.task for attempt in held)
        self._screen.event(
            f"runner {name} (pid {runner.pid}) killed with kill -9 while it held {tasks}: it can "
            f"tell nobody, so its leases run out {LEASE_SECONDS} s after its last reports",
            "bold red",
        )
        return Killed(name, at, held)

    def _kill_replica(self) -> None:
        (name, replica), *others = self._stage.replicas.items()
        cut = self._stage.balancer.connections(self._stage.ports[name])
        replica.kill()
        self._screen.event(
            f"{name} (pid {replica.pid}) killed with kill -9: {cut} connections cut; everybody "
            f"goes on with {others[0][0]}, which has to see to the lost leases as well",
            "bold red",
        )

    def _wait_for_hand_outs(self, killed: Killed) -> Iterator[None]:
        lost = {attempt.task: attempt for attempt in killed.held}
        while lost:
            yield
            for attempt in self._api.attempts():
                before = lost.get(attempt.task)
                if before and attempt.claimed_at > before.claimed_at:
                    del lost[attempt.task]
                    self._tell_hand_out(attempt, attempt.claimed_at - killed.at)

    def _tell_hand_out(self, attempt: Attempt, after: float) -> None:
        self._screen.event(
            f"lease of {attempt.task} lost, and handed out again to {attempt.runner} "
            f"{after:.1f} s after the kill, as attempt {attempt.number}",
            "bold green",
        )

    def check_told(self) -> Killed:
        """Return who was killed.

        Raises:
            DemoError: the work was done before anybody could be killed.
        """
        if self.killed is None:
            raise DemoError(f"{self._held} was never seen in a runner's hands: nothing was shown.")
        return self.killed
