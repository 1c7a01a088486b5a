"""What is done to a deployment, and when: a plan thrown from a seed, and those who carry it out.

A fault is a context manager over a `World`: it begins, yields whom it hits, and is healed at the
end. Two lanes work side by side: `near` hits runners, replicas and the network before them; `far`
hits Redis and the network to it. Within a lane there is one fault at a time.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from history import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos import Runners
    from deployments import Deployment
    from workload import Operator

LANES = ("near", "far")
FIRST = 2.0  # seconds before the first fault
QUIET = 15.0  # seconds after the last, in which hand-outs are measured
PAUSES = (0.5, 4.0)  # between the faults of a lane
LONG_PAUSES = (2.0, 7.0)  # where a failover is to come to an end, and some work to be done
ALL = ("valkey", "redis7", "sentinel", "cluster")
SINGLE = ("valkey", "redis7")


@dataclass
class World:
    """What faults may touch, and what they note."""

    deployment: Deployment
    runners: Runners
    operator: Operator
    notes: list[Fault] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self, kind: str, target: str) -> Iterator[None]:
        """Note a fault that lasts as long as the block."""
        began = time.monotonic()
        yield
        self.note(kind, target, began)

    def note(self, kind: str, target: str, began: float) -> None:
        """Note a fault that ends now."""
        self.notes.append(Fault(kind=kind, target=target, began=began, ended=time.monotonic()))


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how often it comes, how long it lasts, and on which servers."""

    name: str
    lane: str
    weight: float
    lasts: tuple[float, float]
    servers: tuple[str, ...]
    moves_clock: bool
    hit: Callable[[World, random.Random], AbstractContextManager[str]]


KINDS: dict[str, Kind] = {}


def fault(
    lane: str,
    lasts: tuple[float, float],
    weight: float = 1.0,
    servers: tuple[str, ...] = ALL,
    *,
    moves_clock: bool = False,
) -> Callable[[Callable[[World, random.Random], Iterator[str]]], None]:
    """Register a generator function as a kind of fault, by its name."""

    def register(hit: Callable[[World, random.Random], Iterator[str]]) -> None:
        name = hit.__name__.replace("_", " ")
        KINDS[name] = Kind(name, lane, weight, lasts, servers, moves_clock, contextmanager(hit))

    return register


class Step(NamedTuple):
    """One fault of a plan: when it comes if none before it takes longer to heal than to last.

    Args:
        at: seconds from the start.
        pause: seconds since the fault before it was healed.
        kind: name of the kind.
        lasts: seconds.
        seed: of its dice.
    """

    at: float
    pause: float
    kind: str
    lasts: float
    seed: int


def make_plan(
    seed: int, server: str, seconds: float, *, clock: bool = False
) -> dict[str, list[Step]]:
    """Throw what happens in each lane, the clock or not; the same for the same arguments."""
    known = [k for k in KINDS.values() if server in k.servers and (clock or not k.moves_clock)]
    plan = {}
    for lane in LANES:
        pauses = PAUSES if lane == "near" or server in SINGLE else LONG_PAUSES
        kinds = [kind for kind in known if kind.lane == lane]
        plan[lane] = _plan_lane(f"{seed} {server} {lane}", kinds, pauses, seconds)
    return plan


def _plan_lane(
    seed: str, kinds: list[Kind], pauses: tuple[float, float], seconds: float
) -> list[Step]:
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    steps: list[Step] = []
    at = pause = FIRST
    asked_for = [kind for kind in kinds if kind.moves_clock]
    while True:
        possible = (
            kinds if steps else asked_for or kinds
        )  # what was asked for comes first, at least
        (kind,) = chance.choices(possible, [kind.weight for kind in possible])
        lasts = round(chance.uniform(*kind.lasts), 1)
        step = Step(round(at, 1), pause, kind.name, lasts, chance.getrandbits(32))
        pause = round(chance.uniform(*pauses), 1)
        at += step.lasts + pause
        if step.at + step.lasts > seconds - min(QUIET, seconds / 4):
            return steps
        steps.append(step)


class Nemesis:
    """Carries out one lane of a plan; what takes longer to heal moves what comes after it."""

    def __init__(self, world: World, steps: list[Step], seconds: float) -> None:
        self.done = 0
        self.present = ""
        self._world = world
        self._steps = steps
        self._seconds = seconds
        self._never = threading.Event()

    def run(self) -> None:
        """Begin and heal one fault after the other until the time is over."""
        end = time.monotonic() + self._seconds
        for step in self._steps:
            self._never.wait(step.pause)
            if time.monotonic() > end:
                break
            self._carry_out(step)
            self.done += 1

    def _carry_out(self, step: Step) -> None:
        began = time.monotonic()
        with KINDS[step.kind].hit(self._world, random.Random(step.seed)) as target:  # noqa: S311
            self.present = f"{step.kind} ({target})"
            self._never.wait(step.lasts)
        self.present = ""
        self._world.note(step.kind, target, began)
