"""One subscription on one primary, made again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as LostError

from coordinator.store.admin import LOST, admin_client
from coordinator.store.cancellation import heed_cancellation
from coordinator.store.permissions import EXPIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coordinator.store.address import Endpoint
    from coordinator.store.router import Router

log = logging.getLogger(__name__)
SILENCE = 5.0
RETRY = 0.2


class _Subscription(PubSub):
    """Ends with its connection: redis-py would make another and not say what was missed."""

    async def on_connect(self, connection: object) -> None:  # noqa: ARG002 - only at a reconnect
        raise LostError("the connection was lost")


class Subscriber:
    """Listens to `expired` events and to wake channels.

    Args:
        handle: called with each message (redis-py's dict), confirmations of subscriptions too.
    """

    def __init__(
        self,
        router: Router,
        endpoint: Endpoint,
        channels: Sequence[bytes],
        handle: Callable[[dict[str, Any]], None],
    ) -> None:
        self._router = router
        self._endpoint = endpoint
        self._channels = channels
        self._handle = handle
        self._failing = False

    async def run(self) -> None:
        """Listen until canceled; trouble is logged once."""
        while True:
            try:
                await self._listen()
            except LOST as error:
                if not self._failing:
                    log.warning("notifications of %s are lost for now: %s", self._endpoint, error)
                self._failing = True
            except Exception:
                log.exception("listening to %s failed", self._endpoint)
            heed_cancellation()
            await asyncio.sleep(RETRY)

    async def _listen(self) -> None:
        location, timeout = self._router.location, self._router.timeout
        async with (
            admin_client(self._endpoint, location.login, timeout) as client,
            _Subscription(client.connection_pool) as pubsub,
        ):
            await pubsub.psubscribe(EXPIRED)
            for channel in self._channels:  # of different slots: one command each
                await pubsub.ssubscribe(channel)
            await self._pass_on(pubsub)

    async def _pass_on(self, pubsub: PubSub) -> None:
        """Pass messages on; a connection that is silent must answer a PING."""
        asked = False
        while True:
            heed_cancellation()
            message = await pubsub.get_message(timeout=SILENCE)
            if message is not None:
                asked = self._failing = False
                self._handle(message)
            elif asked:
                raise TimeoutError("no answer on the subscription")
            else:
                await pubsub.ping()
                asked = True
