"""A campaign: a deployment at work under faults thrown from a seed, and a verdict on its history.

``make faults SEED=… MINUTES=… SERVER=valkey|redis7|sentinel|cluster``.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import faults_failover  # noqa: F401 - importing registers
import faults_network  # noqa: F401 - importing registers
import faults_processes  # noqa: F401
import faults_server  # noqa: F401
from caller import Caller
from chaos import Runners
from deployments import Deployment
from history import Recorder, write_faults
from nemesis import ALL, LANES, Nemesis, World, make_plan
from progress import Progress
from rich.console import Console
from verdict import Result, judge
from workload import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nemesis import Step

RUNNERS = 3
DRAIN_SECONDS = 90
DICE = {"silent": 0.06, "silence": 4.0, "work": (0.005, 0.15), "long": 0.25, "long_work": 4.0}


class Campaign:
    """One run: begin it, `run` it, and look at its `result`.

    Args:
        seed: of all dice.
        server: valkey, redis7, sentinel or cluster.
        seconds: how long faults come.
        clock: whether the server's clock is stepped (valkey only): no check of times then.
        folder: where the histories go.
    """

    def __init__(
        self, seed: int, server: str, seconds: float, folder: Path, *, clock: bool = False
    ) -> None:
        self.seed, self.server, self.seconds, self.folder = seed, server, seconds, folder
        self.clock = clock
        self.plan: dict[str, list[Step]] = make_plan(seed, server, seconds, clock=clock)
        self.world: World
        self.lanes: list[Nemesis] = []
        self.healed_in = 0.0
        self._stop = threading.Event()
        self._began = 0.0

    def run(self, show: Callable[[Campaign], None]) -> Result:
        """Run it all; `show` is called now and then. Return the verdict."""
        with self._started() as world:
            self.world = world
            self._disturb(show)
            self._heal()
            world.operator.drain(DRAIN_SECONDS)
            world.runners.close()
            write_faults(self.folder, world.notes)
            return judge(self, time.monotonic() - self._began)

    @contextmanager
    def _started(self) -> Iterator[World]:
        dice = random.Random(f"{self.seed} load")  # noqa: S311 - a test's dice
        with ExitStack() as stack:
            # The kernel ends a process with the thread that started it, so these threads stay.
            self._threads = stack.enter_context(ThreadPoolExecutor(len(LANES) + 1))
            deployment = Deployment(self.server, clock=self.clock)
            stack.callback(deployment.close)
            runners = Runners(self.folder, deployment.ports, dice, **DICE)
            stack.callback(runners.close)
            recorder = stack.enter_context(Recorder(self.folder / "operator.jsonl"))
            caller = Caller("operator", deployment.ports, recorder, dice)
            stack.callback(caller.close)
            operator = Operator(caller, runners.group, dice, self._stop)
            for _ in range(RUNNERS):
                runners.start()
            yield World(deployment, runners, operator)

    def _disturb(self, show: Callable[[Campaign], None]) -> None:
        """Let operator and nemesis work until the time is over."""
        self._began = time.monotonic()
        self.lanes = [Nemesis(self.world, self.plan[lane], self.seconds) for lane in LANES]
        working = [self._threads.submit(lane.run) for lane in self.lanes]
        operating = self._threads.submit(self.world.operator.run)
        while any(not each.done() for each in working) or self.left > 0:
            self._stop.wait(0.5)
            show(self)
        self._stop.set()
        self._gather([*working, operating])

    @property
    def left(self) -> float:
        """Seconds until the faults end."""
        return self._began + self.seconds - time.monotonic()

    def _gather(self, working: list[Future[None]]) -> None:
        for each in working:
            error = each.exception()
            if error is not None:
                self.world.findings.append(f"the harness failed: {error!r}")

    def _heal(self) -> None:
        try:
            self.healed_in = self.world.deployment.wait_until_ready()
        except TimeoutError:
            self.world.findings.append("after all faults were healed a replica was not ready")


@click.command()
@click.option("--seed", type=int, default=None, help="of all dice; a new one where none is given")
@click.option("--minutes", type=float, default=2, show_default=True, help="how long faults come")
@click.option("--server", type=click.Choice(ALL), default="valkey", show_default=True)
@click.option("--clock", is_flag=True, help="step the clock of Redis, too (valkey)")
@click.option("--folder", type=click.Path(path_type=Path), help="where histories go; a new one")
@click.option("--out", type=click.Path(path_type=Path), help="file for the result as JSON")
def main(
    seed: int | None,
    minutes: float,
    server: str,
    folder: Path | None,
    out: Path | None,
    *,
    clock: bool,
) -> None:
    """Run a campaign, print what came of it, and exit 1 if a promise was broken."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    folder = folder or Path(tempfile.mkdtemp(prefix="faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    if clock and server != "valkey":
        raise click.UsageError("only the clock of the Valkey of the wheel can be stepped")
    campaign = Campaign(seed, server, minutes * 60, folder, clock=clock)
    console = Console()
    with Progress(console, campaign) as progress:
        result = campaign.run(progress.show)
    result.show(console)
    if out:
        result.write(out)
    raise SystemExit(0 if result.findings == [] else 1)


if __name__ == "__main__":
    main()
