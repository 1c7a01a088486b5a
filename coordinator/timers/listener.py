"""The listener: keyspace notifications and wake-ups of the scripts, turned into hints.

An `expired` event of a lease key, or an empty wake-up, hints that work is due; a wake-up with a
worker group lets polls of this replica check for tasks. Every message may be lost: that costs
latency only. In a Cluster keyspace events stay on their primary and wake-ups are sharded, so there
is one subscriber for each primary.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

from coordinator.errors import CoordinatorError
from coordinator.store import keys
from coordinator.timers.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.metrics import Metrics
    from coordinator.service.polls import Polls
    from coordinator.service.shards import Shards
    from coordinator.store.address import Endpoint
    from coordinator.store.router import Router

    Layout = dict[Endpoint, list[bytes]]  # wake channels by the primary that has them

log = logging.getLogger(__name__)
PERIOD = 1.0
LEASE = re.compile(rb"coord:%d:\{(\d{1,9})\}:lease:" % keys.SCHEMA)


class Listener:
    """Keeps a subscription on every primary."""

    def __init__(
        self,
        router: Router,
        shards: Shards,
        polls: Polls,
        hint: Callable[[int], None],
        metrics: Metrics,
    ) -> None:
        self._router = router
        self._shards = shards
        self._polls = polls
        self._hint = hint
        self._metrics = metrics
        self._running: dict[Endpoint, tuple[list[bytes], asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Listen until canceled; new shards and primaries are noticed within a second or so."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    self._adopt(await self._layout(), group)
                except CoordinatorError as error:  # those that listen go on
                    log.debug("the primaries cannot be found now: %s", error)
                except Exception:
                    log.exception("looking for the primaries failed")
                await asyncio.sleep(PERIOD)

    async def _layout(self) -> Layout:
        channels = [keys.key("wake", shard) for shard in self._shards.all()]
        endpoints = await self._router.primaries()
        if len(endpoints) == 1:
            return {endpoints[0]: channels}
        layout: Layout = {endpoint: [] for endpoint in endpoints}
        owners = await asyncio.gather(
            *map(self._router.primary_of, channels), return_exceptions=True
        )
        for channel, owner in zip(channels, owners, strict=True):
            if not isinstance(owner, BaseException):  # else the shard has no primary now
                layout.setdefault(owner, []).append(channel)
        return layout

    def _adopt(self, layout: Layout, group: asyncio.TaskGroup) -> None:
        """Start and stop subscribers, so that there is one for each primary of `layout`."""
        for endpoint, (channels, task) in list(self._running.items()):
            if layout.get(endpoint) != channels:
                task.cancel()
                del self._running[endpoint]
        for endpoint, channels in layout.items():
            if endpoint not in self._running:
                subscriber = Subscriber(self._router, endpoint, channels, self._handle)
                self._running[endpoint] = channels, group.create_task(subscriber.run())

    def _handle(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "pmessage":
            self._note_expired(message["data"])
        elif kind == "smessage":
            self._wake(keys.shard_of(message["channel"]), message["data"])
        elif kind == "ssubscribe":
            self._hint(keys.shard_of(message["channel"]))  # messages before may have been lost

    def _note_expired(self, key: bytes) -> None:
        lease = LEASE.match(key)
        if lease:
            self._metrics.expired_events += 1
            self._hint(int(lease[1]))

    def _wake(self, shard: int, data: bytes) -> None:
        if not data:
            self._hint(shard)
            return
        self._metrics.wakes += 1
        try:
            account, count, group = data.decode().split("\n", 2)
            self._polls.waiters.wake((account, group), int(count), shard)
        except ValueError:
            log.warning("a wake-up of shard %d makes no sense: %r", shard, data[:100])
