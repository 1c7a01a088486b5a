"""Two replicas in this process, short leases, and calls that are written down when answered."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from chaos import check_data
from fleet import ACCOUNT, Fleet
from history import Call, Fault
from history_options import Options
from proxy import Proxy
from seeds import component
from waiting import pass_time

from coordinator.errors import (
    InvalidRequestError,
    PipelineDeletedError,
    PipelineNotFoundError,
    TaskNotFoundError,
    UnavailableError,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from servers import Server

    from coordinator.commands.replica import Replica

ACK, PROGRESS, DELAY = 0.25, 0.4, 0.3  # seconds
ATTEMPT = ACK  # so that both may be over in the same moment
RETRIES, LOST = 1, 2
THRESHOLD, GRACE = 0.6, 0.8
GROUP = "g"
LIMITS = {"maximum_retries": RETRIES, "retry_delay_ms": int(DELAY * 1000)}
LEAVES = {"Leaf0": (0,), "Leaf1": (0, 1), "Leaf2": (2,)}  # and the positions of what they need
SETTINGS = {
    "ack_timeout": ACK,
    "progress_timeout": PROGRESS,
    "poll_wait": 0.25,
    "max_lost_leases": LOST,
    "outage_threshold": THRESHOLD,
    "outage_grace": GRACE,
}
OPTIONS = Options(
    ack_timeout=ACK,
    progress_timeout=PROGRESS,
    retry_delay=DELAY,
    maximum_retries=RETRIES,
    max_lost=LOST,
    outage_threshold=THRESHOLD,
    outage_grace=GRACE,
    hand_out_within=3.0,
    allowance=1.0,
)
ERRORS = {  # names on the wire; a subclass counts as its base
    TaskNotFoundError: "TaskNotFoundException",
    PipelineNotFoundError: "PipelineNotFoundException",
    PipelineDeletedError: "PipelineDeletedException",
    InvalidRequestError: "InvalidRequestException",
}


class World:
    """The replicas, each behind a proxy to `server`; an async context manager.

    `calls` and `faults` are the history so far; `activated`, `pipelines`, `needs` and
    `timeouts` what was started;
    `doubts` are instances that a repeated poll was not given again. `troubled` says that calls may
    fail, `calm` that nobody does anything wrong any more, and `stopped` that all come home.
    """

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.doubts: list[tuple[str, str]] = []
        self.still = asyncio.Lock()  # while nothing is to be written but by the replicas
        self.timeouts: dict[str, float] = {}
        self.needs: dict[str, list[str]] = {}
        self.activated: dict[str, float] = {}
        self.pipelines: dict[str, list[str]] = {}
        self.troubled = False
        self.calm = False
        self.stopped = False
        self.fleet = Fleet(server)
        self.proxies: list[Proxy] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the replicas."""
        await self._stack.enter_async_context(self.fleet)
        for _ in range(2):
            proxy = await self._stack.enter_async_context(Proxy(self.server.socket))
            self.proxies.append(proxy)
            await self.fleet.replica(url=proxy.url, **SETTINGS)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop them."""
        for proxy in self.proxies:
            proxy.heal()
        await self._stack.aclose()

    @property
    def replica(self) -> Replica:
        """One of the two."""
        return self.chance.choice(self.fleet.replicas)

    async def start(self) -> None:
        """Start a pipeline: some tasks wait for nothing, and some for others."""
        began, timeout = time.monotonic(), int(ATTEMPT * 1000)
        limits = {f"Work{n}": {} for n in range(4)} | {"Timed": {"attempt_timeout_ms": timeout}}
        parts = [component(name, GROUP, **LIMITS, **more) for name, more in limits.items()]
        parts += [component(name, GROUP, needs, **LIMITS) for name, needs in LEAVES.items()]
        async with self.still:
            pipeline = await self.fleet.seed(parts)
        rows = await self.fleet._pipelines.page(ACCOUNT, pipeline, "0", 100)
        assert len(rows) == len(parts)
        names = [f"{pipeline}/{row.id}" for row in rows]
        self.pipelines[pipeline] = names
        self.activated |= dict.fromkeys(names, began)
        self.timeouts[names[len(limits) - 1]] = ATTEMPT
        for name, needs in zip(names[len(limits) :], LEAVES.values(), strict=True):
            self.needs[name] = [names[n] for n in needs]

    async def look(self) -> None:
        """Let nothing reach the server for a moment, and check all its data."""
        latencies = [proxy.latency for proxy in self.proxies]
        async with self.still:
            for proxy in self.proxies:
                proxy.black_hole()
            await pass_time(max(latencies))  # now the server has what was on its way
            with self.fleet.client() as client:
                client.ping()  # when a second one is answered, it has done what came before
                client.ping()
            check_data(self.server, ended=False)
            for proxy, latency in zip(self.proxies, latencies, strict=True):
                proxy.heal()
                proxy.latency = latency

    async def statuses(self) -> dict[str, str]:
        """Read the status of every instance, or its state where it has none; or "gone"."""
        found = {}
        for pipeline, names in self.pipelines.items():
            try:
                await self.fleet._pipelines.living(ACCOUNT, pipeline)
                rows = await self.fleet._pipelines.page(ACCOUNT, pipeline, "0", 100)
            except PipelineDeletedError:
                found |= dict.fromkeys(names, "gone")
            else:
                found |= {f"{pipeline}/{row.id}": row.status or row.state for row in rows}
        return found

    async def call(self, op: str, about: dict[str, Any], make: Callable[[], Awaitable[str]]) -> str:
        """Make a call and write it down; return its verdict, empty if there was no answer."""
        invoked = time.monotonic()
        returned, outcome, verdict = None, "unknown", ""
        try:
            verdict = await make()
            outcome = "ok"
        except UnavailableError:
            pass
        except tuple(ERRORS) as error:
            outcome = "refused"
            verdict = next(name for kind, name in ERRORS.items() if isinstance(error, kind))
        if outcome != "unknown":
            returned = time.monotonic()
        self.note(op, invoked, returned, outcome=outcome, verdict=verdict, **about)
        return verdict

    def note(self, op: str, invoked: float, returned: float | None, **about: Any) -> None:
        """Write a call down."""
        self.calls.append(Call(op=op, invoked=invoked, returned=returned, **about))

    def doubt(self, owed: dict[str, Any], given: dict[str, Any] | None) -> None:
        """Note that a repeated poll was not given again what it had been given before."""
        asked = min(call.invoked for call in self.calls if call.handle == owed["handle"])
        if not self.troubled and time.monotonic() < asked + ACK:
            self.doubts.append((owed["instance"], f"{owed['handle']}, then {given}"))

    def fault(self, kind: str, began: float) -> None:
        """Write a fault down that ends now."""
        ended = time.monotonic()
        self.faults.append(Fault(kind=kind, target="both replicas", began=began, ended=ended))
