"""The listener: keyspace notifications and wake-ups of the scripts, turned into hints.

An `expired` event of a lease key, or an empty wake-up, hints that work is due; a wake-up with a
worker group lets polls of this replica check for tasks. Every message may be lost: that costs
latency only. In a Cluster keyspace events stay on their primary and wake-ups are sharded, so there
is one subscriber for each primary.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from coordinator.errors import CoordinatorError
from coordinator.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from coordinator.metrics import Metrics
    from coordinator.service.polls import Polls
    from coordinator.service.shards import Shards
    from coordinator.store.router import Router

log = logging.getLogger(__name__)
EXPIRED = "__keyevent@*__:expired"
SILENCE = 5.0
RETRY = 0.5
TROUBLE = (RedisError, OSError, CoordinatorError, TimeoutError)


class Listener:
    """Keeps a subscription on every primary."""

    def __init__(
        self,
        router: Router,
        shards: Shards,
        polls: Polls,
        hint: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self._router = router
        self._shards = shards
        self._polls = polls
        self._hint = hint
        self._metrics = metrics
        self._lease = b":lease:"
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        """Subscribe and listen until canceled; whatever breaks is subscribed again."""
        failing = False
        while True:
            try:
                await self._listen_everywhere()
            except* TROUBLE as group:
                if not failing:
                    log.warning("notifications are lost for now: %s", group.exceptions[0])
                failing = True
            else:
                failing = False
            self.subscribed.clear()
            await asyncio.sleep(RETRY)

    async def _listen_everywhere(self) -> None:
        """Listen to every primary until one fails, or has other shards than before."""
        layout = await self._channels()
        clients = await self._router.admin_clients()
        try:
            async with asyncio.TaskGroup() as group:
                ready = asyncio.Barrier(len(clients) + 1)
                for client, endpoint in zip(clients, await self._router.primaries(), strict=True):
                    channels = layout.get(str(endpoint), [])
                    group.create_task(self._listen(client, channels, ready))
                await ready.wait()
                self.subscribed.set()
                self._hint()  # events may have been missed before
                group.create_task(self._watch(layout))
        finally:
            for client in clients:
                with suppress(*TROUBLE):
                    await client.aclose()

    async def _channels(self) -> dict[str, list[bytes]]:
        """Wake channels by the primary that has them."""
        found: dict[str, list[bytes]] = {}
        for shard in self._shards.all():
            channel = keys.key("wake", shard)
            endpoint = await self._router.primary_of(channel)
            found.setdefault(str(endpoint), []).append(channel)
        return found

    async def _watch(self, layout: dict[str, list[bytes]]) -> None:
        """Fail as soon as the shards or their primaries are others than `layout` says."""
        while layout == await self._channels():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(1)
        raise CoordinatorError("the primaries or the shards have changed")

    async def _listen(self, client: Redis, channels: list[bytes], ready: asyncio.Barrier) -> None:
        async with client.pubsub() as pubsub:
            await pubsub.psubscribe(EXPIRED)
            if channels:
                await pubsub.ssubscribe(*channels)
            await ready.wait()
            asked = False
            while True:
                message = await pubsub.get_message(timeout=SILENCE)
                if message is not None:
                    asked = False
                    self._handle(message)
                elif asked:
                    raise TimeoutError("no answer on the subscription")
                else:
                    await pubsub.ping()
                    asked = True

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "pmessage":
            if self._lease in message["data"]:
                self._metrics.expired_events += 1
                self._hint()
        elif message["type"] == "smessage":
            self._wake(message["channel"], message["data"])

    def _wake(self, channel: bytes, data: bytes) -> None:
        if not data:
            self._hint()
            return
        account, count, group = data.decode().split("\n", 2)
        shard = keys.shard_of(channel)
        self._metrics.wakes += 1
        self._polls.waiters.wake((account, group), int(count), shard)
