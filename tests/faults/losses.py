"""What an answered call is worth when the primary changes: measured, mode by mode.

Runners claim and finish tasks as fast as they are allowed to, while the primary is killed, replaced
by hand, or cut off from its replicas and the sentinels with the coordinator on its side. Then every
finish that was answered is looked for at the new primary.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import click
from load import Load, keep
from rich.console import Console
from rich.progress import track
from rich.table import Table
from seeds import ACCOUNT, Bench, components
from sentinels import Sentinels
from waiting import pass_time

from coordinator.store import keys
from coordinator.store.routing import connect
from coordinator.store.scripts import Scripts
from coordinator.store.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 2000
WIDTH = 140
NOTICED = 2  # seconds; the coordinator asks the sentinels once a second
ACK_MS = 300  # of the tasks that are dropped
HANDS = ThreadPoolExecutor(1)  # servers die with the thread that started them
BEFORE, AFTER = 200, 100  # finishes answered before the fault, and after it
TIMEOUT = 2


class Setup(NamedTuple):
    """How answers are made durable: the setting, and what Redis has."""

    durability: str
    replicas: int
    min_replicas: int = 0

    def __str__(self) -> str:
        least = f", min-replicas-to-write {self.min_replicas}" if self.min_replicas else ""
        return f"{self.durability}, {self.replicas} replica(s){least}"

    @property
    def argv(self) -> list[str]:
        """Options of the servers."""
        return ["--min-replicas-to-write", str(self.min_replicas)]


SETUPS = (
    Setup("everysec", 1),
    Setup("everysec", 1, 1),
    Setup("replicas:1", 1),
    Setup("replicas:1", 1, 1),
    Setup("everysec", 2),
    Setup("replicas:1", 2, 1),
    Setup("replicas:2", 2, 1),
)


@dataclass(slots=True)
class Losses:
    """What was told to runners in all rounds, and what of it did not hold."""

    rounds: int = 0
    answered: int = 0
    lost: int = 0
    superseded: int = 0
    revived: int = 0  # handles that were told that they are superseded, and accepted afterwards
    told: Counter[str] = field(default_factory=Counter)
    rates: list[float] = field(default_factory=list)


def measure(group: Sentinels, setup: Setup, fault: str, losses: Losses) -> None:
    """Add one round to `losses`; the group is whole and empty afterwards."""
    asyncio.run(_connected(group, setup, fault, losses))
    with group.client() as client:
        client.flushall()


async def _connected(group: Sentinels, setup: Setup, fault: str, losses: Losses) -> None:
    router = connect(group.url, timeout=TIMEOUT, client_name="losses", durability=setup.durability)
    try:
        bench = Bench(group, router)
        await bench.start(components(TASKS))
        await bench.settle()
        bench.tasks = Tasks(Scripts(router, durable=setup.durability.startswith("replicas:")))
        await _round(bench, group, fault, losses)
    finally:
        await router.close()


async def _round(bench: Bench, group: Sentinels, fault: str, losses: Losses) -> None:
    due = asyncio.create_task(keep(bench.due))
    short = partial(bench.poll, ack_ms=ACK_MS)
    async with Load(bench, bench.poll, short, 2 * ACK_MS / 1000) as load:
        began = monotonic()
        await load.finishes(BEFORE)
        losses.rates.append(BEFORE / (monotonic() - began))
        hands = partial(asyncio.get_running_loop().run_in_executor, HANDS)
        await hands(FAULTS[fault], group)
        await pass_time(NOTICED)
        await hands(_heal, group)
        await load.finishes(AFTER)
    due.cancel()
    await bench.settle()
    bench.check()
    losses.rounds += 1
    losses.told += load.told
    losses.answered += len(load.finished)
    # What was lost and has been done again since was told to be finished twice.
    losses.lost += len(load.finished) - _still_finished(group, load.finished) + load.told["twice"]
    losses.superseded += len(load.superseded)
    losses.revived += await load.revived()


def _still_finished(group: Sentinels, told: set[tuple[str, int]]) -> int:
    """Count the instances that are FINISHED at the present primary."""
    with group.client() as client:
        pipe = client.pipeline(transaction=False)
        for pipeline, n in told:
            pipe.hget(keys.key("instance", 0, ACCOUNT, pipeline, n), "status")
        return pipe.execute().count(b"FINISHED")


def _kill(group: Sentinels) -> None:
    group.kill_primary()
    group.wait_for_primary()


def _isolate(group: Sentinels) -> None:
    group.wait_for_primary(instead_of=group.isolate_primary())


FAULTS: dict[str, Callable[[Sentinels], object]] = {
    "kill -9": _kill,
    "SENTINEL FAILOVER": Sentinels.failover,
    "isolated primary": _isolate,
}


def _heal(group: Sentinels) -> None:
    """Let every server but the primary begin anew, as its replica."""
    primary = group.primary()
    for server in group.running:
        if server is not primary:
            server.kill()
    group.restart_dead()


def _table(kind: str) -> Table:
    table = Table(title=f"Sentinel, {kind}: answered results that are gone after the fault")
    for name in ("setup", "fault", "rounds", "answered/s", "answered", "lost", "superseded"):
        table.add_column(name, justify="left" if name in {"setup", "fault"} else "right")
    for name in ("valid again", "unknown", "refused"):
        table.add_column(name, justify="right")
    return table


def _row(setup: Setup, fault: str, found: Losses) -> tuple[str, ...]:
    counts = (found.answered, found.lost, found.superseded, found.revived)
    rate = f"{fmean(found.rates):.0f}"
    after = (*counts, found.told["unknown"], found.told["refused"])
    return str(setup), fault, str(found.rounds), rate, *map(str, after)


@click.command()
@click.option("--kind", default="valkey", type=click.Choice(["valkey", "redis7"]))
@click.option("--rounds", default=3, show_default=True, help="faults for each line of the table")
def main(kind: str, rounds: int) -> None:
    """Measure every setup and every fault, and print a table."""
    console = Console()
    console.width = max(console.width, WIDTH)
    table = _table(kind)
    for setup in track(SETUPS, console=console):
        group = Sentinels(kind, replicas=setup.replicas, argv=setup.argv)
        try:
            group.start()
            for fault in FAULTS:
                found = Losses()
                for _ in range(rounds):
                    measure(group, setup, fault, found)
                table.add_row(*_row(setup, fault, found))
        finally:
            group.close()
    console.print(table)


if __name__ == "__main__":
    main()
