"""Calls to a Redis Cluster: each goes to the primary that has the slot of its key.

The table of slots is a hint. It is read again whenever a node says that a slot is elsewhere
(MOVED), a node cannot be reached, or a slot has no owner; a call that went to the wrong node had no
effect and goes again. While a slot is handed over, the old owner sends single calls to the new one
(ASK).

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.crc import key_slot

from coordinator.errors import CoordinatorError, UnavailableError
from coordinator.store.address import Endpoint
from coordinator.store.client import Client, ClosedError
from coordinator.store.node import Node
from coordinator.store.replies import RedirectError
from coordinator.store.router import Router
from coordinator.store.slots import SLOTS, SlotRange, read_slots

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from coordinator.store.address import Location
    from coordinator.store.batch import Word
    from coordinator.store.client import Script

    Call = Callable[[Node, bool], Awaitable[Any]]  # with or without ASKING

MOVES = 5  # how often one call is sent elsewhere before it is given up
TABLE_SECONDS = 1.0  # how long one node may take to tell the table of slots
PAUSE_SECONDS = 0.1  # between two readings of the table


class ClusterRouter(Router):
    """The primaries of a cluster, found through any node of the URL."""

    def __init__(self, location: Location, timeout: float, replicas: int) -> None:
        super().__init__(location, timeout)
        self._loop = asyncio.get_running_loop()
        self._replicas = replicas
        self._owners: list[Node | None] = [None] * SLOTS
        self._nodes: dict[Endpoint, Node] = {}
        self._primaries: dict[Endpoint, Node] = {}
        self._leaving: list[Node] = []
        self._reading: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._read_at = 0.0
        self._closed = False

    @property
    def clients(self) -> Sequence[Client]:
        """One client for each primary of the table of slots."""
        return [node.client for node in self._primaries.values()]

    async def run(
        self,
        script: Script,
        keys: Sequence[bytes | str],
        args: Sequence[Word],
        *,
        durable: bool = False,
    ) -> Any:
        """Run `script`; see `Router.run`."""
        slot = _slot(keys[0])
        node = self._owners[slot]
        trouble: UnavailableError | None = None
        if node is not None:
            try:
                return await node.run(script, keys, args, durable=durable)
            except (RedirectError, ClosedError) as error:
                trouble = error

        def call(node: Node, asking: bool) -> Awaitable[Any]:
            if asking:
                return node.client.run_asking(script, keys, args)
            return node.run(script, keys, args, durable=durable)

        return await self._follow(slot, node, trouble, call)

    async def execute(self, key: bytes | str, *words: Word) -> Any:
        """Make a call; see `Router.execute`."""

        def call(node: Node, asking: bool) -> Awaitable[Any]:
            client = node.client
            return client.execute_asking(*words) if asking else client.execute(*words)

        return await self._follow(_slot(key), None, None, call)

    async def primaries(self) -> list[Endpoint]:
        """Return the address of every primary that has slots."""
        if not self._primaries:
            await self._owner(0)
        return list(self._primaries)

    async def primary_of(self, key: bytes | str) -> Endpoint:
        """Return the address of the primary that has `key`."""
        node = await self._owner(_slot(key))
        return next(endpoint for endpoint, known in self._nodes.items() if known is node)

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        nodes = [*self._nodes.values(), *self._leaving]
        await asyncio.gather(*(node.close() for node in nodes))

    async def _follow(
        self, slot: int, node: Node | None, trouble: UnavailableError | None, call: Call
    ) -> Any:
        """Make `call` where the slot is, following the nodes' directions."""
        for _ in range(MOVES):
            asking = False
            if isinstance(trouble, RedirectError):
                asking = trouble.ask
                node = self._directed(slot, trouble)
            else:
                node = await self._owner(slot)
            try:
                return await call(node, asking)
            except (RedirectError, ClosedError) as error:
                trouble = error
        raise UnavailableError(f"Slot {slot} of the cluster keeps moving; repeat the call.")

    def _directed(self, slot: int, error: RedirectError) -> Node:
        """Return the node that MOVED or ASK names."""
        node = self._node(Endpoint(error.host, error.port))
        if not error.ask:
            self._owners[slot] = node
            self._read_soon()
        return node

    async def _owner(self, slot: int) -> Node:
        """Return the node that has `slot`, waiting for one up to the timeout."""
        deadline = self._loop.time() + self.timeout
        while (node := self._owners[slot]) is None:
            left = deadline - self._loop.time()
            if self._closed or left <= 0:
                raise UnavailableError(self._ownerless(slot))
            self._read_soon()
            if self._reading is not None:
                await asyncio.wait([self._reading], timeout=left)
            else:
                await asyncio.sleep(PAUSE_SECONDS)
        return node

    def _ownerless(self, slot: int) -> str:
        seeds = ", ".join(map(str, self.location.endpoints))
        errors = [node.client.last_error for node in self._nodes.values() if node.client.last_error]
        reason = f" ({errors[0]})" if errors else ""
        return f"No node of {seeds} names a primary for slot {slot} of the cluster{reason}."

    def _read_soon(self) -> None:
        """Read the table of slots; a while later where that happens or happened just now.

        What was read just now may come from a node that had not heard of a change yet.
        """
        if self._closed:
            return
        recent = self._loop.time() - self._read_at < PAUSE_SECONDS
        if self._reading is None and not recent:
            self._reading = self._loop.create_task(self._read())
        elif self._later is None:
            self._later = self._loop.call_later(PAUSE_SECONDS, self._read_later)

    def _read_later(self) -> None:
        self._later = None
        self._read_soon()

    async def _read(self) -> None:
        try:
            for endpoint in self._candidates():
                with suppress(CoordinatorError, TimeoutError):
                    client = self._node(endpoint).client
                    async with asyncio.timeout(TABLE_SECONDS):
                        table = await read_slots(client, endpoint)
                    if table:
                        return self._adopt(table)
        finally:
            self._read_at = self._loop.time()
            self._reading = None

    def _candidates(self) -> list[Endpoint]:
        """Return whom to ask: connected nodes first, at last those of the URL."""
        nodes = sorted(self._nodes, key=lambda endpoint: not self._nodes[endpoint].client.connected)
        return [*nodes, *(seed for seed in self.location.endpoints if seed not in self._nodes)]

    def _adopt(self, table: list[SlotRange]) -> None:
        owners: list[Node | None] = [None] * SLOTS
        for first, last, endpoint in table:
            owners[first : last + 1] = [self._node(endpoint)] * (last + 1 - first)
        endpoints = {entry.primary for entry in table}
        self._owners = owners
        self._primaries = {endpoint: self._nodes[endpoint] for endpoint in sorted(endpoints)}
        for node in self._primaries.values():
            node.client.connect()
        self._leaving = [node for node in self._leaving if not node.idle]
        for endpoint in set(self._nodes) - endpoints:
            node = self._nodes.pop(endpoint)
            node.retire()
            self._leaving.append(node)

    def _node(self, endpoint: Endpoint) -> Node:
        if endpoint not in self._nodes:
            make = partial(self._client, endpoint)
            self._nodes[endpoint] = Node(make, self._replicas, self.timeout)
        return self._nodes[endpoint]

    def _client(self, endpoint: Endpoint, patience: float) -> Client:
        async def resolve() -> Endpoint:
            return endpoint

        return Client(
            str(endpoint),
            resolve,
            self.location.login,
            timeout=self.timeout,
            patience=patience,
            counters=self.counters,
            on_trouble=self._read_soon,
        )


def _slot(key: bytes | str) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)
