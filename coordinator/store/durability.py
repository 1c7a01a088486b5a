"""Calls that are answered only when replicas have them (mode ``replicas:N``).

WAIT holds up whatever comes after it on its connection, so these calls have connections of their
own, a few lanes. A lane takes all calls that have gathered, sends them and one WAIT in one write,
and takes the next batch when the WAIT is answered. Where the server knows WAITAOF (Redis 7.2) and
keeps an append-only file, WAITAOF follows; it counts only replicas that keep one too.

Since Redis 7.2 a WAIT waits for the last write of its own connection. A repeat, or a refusal, tells
what another connection wrote and writes nothing itself; so each batch ends with a write of its own.

https://redis.io/docs/latest/commands/wait/ and https://redis.io/docs/latest/commands/waitaof/
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from hiredis import ReplyError

from coordinator.errors import UnavailableError, UnknownOutcomeError
from coordinator.store.batch import pack
from coordinator.store.replies import RECONNECT, TROUBLES, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coordinator.store.batch import Word
    from coordinator.store.client import Client, Script

LANES = 4
BATCH = 500
# WAIT and WAITAOF together must end before the connection's own deadline. WAITAOF needs more: under
# appendfsync everysec up to a second here and on the replica.
WAIT_SHARE = 0.2
AOF_SHARE = 0.6
# Writes and leaves nothing, in a slot that this server has: beside the first key of a call.
MARK = """#!lua flags=allow-oom
redis.call('SET', KEYS[1], '')
redis.call('DEL', KEYS[1])"""
# Such a reply tells nothing of the data that a failover could take back.
NOT_DONE = frozenset({*TROUBLES, "MOVED", "ASK", "NOSCRIPT"})


class _Call(NamedTuple):
    key: bytes | str  # the first of its keys
    packed: bytes
    future: asyncio.Future[Any]


_Batch = list[_Call]


class DurablePool:
    """Lanes to one server.

    Args:
        make: makes a client of that server.
        replicas: how many must acknowledge.
        timeout: seconds of the whole call.
    """

    def __init__(self, make: Callable[[], Client], replicas: int, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._lanes = [_Lane(make(), replicas, timeout) for _ in range(LANES)]
        self._idle = list(self._lanes)
        self._queue: _Batch = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, script: Script, keys: Sequence[bytes | str], args: Sequence[Word]) -> Any:
        """Run `script`; return its reply when enough replicas have what it tells.

        Raises:
            UnknownOutcomeError: too few acknowledged in time, or the connection was lost.
            UnavailableError: Redis cannot do it now; it had no effect.
            ScriptError: the script refused, or failed.
        """
        reply = await self._call(keys[0], ("EVALSHA", script.sha1, len(keys), *keys, *args))
        if type(reply) is ReplyError and code_of(reply) == "NOSCRIPT":
            reply = await self._call(keys[0], ("EVAL", script.source, len(keys), *keys, *args))
        if type(reply) is ReplyError:
            raise self._lanes[0].client.explain(reply)
        return reply

    @property
    def clients(self) -> list[Client]:
        """The client of each lane."""
        return [lane.client for lane in self._lanes]

    async def close(self) -> None:
        """Close every lane; calls in flight fail."""
        await asyncio.gather(*(client.close() for client in self.clients))
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _call(self, key: bytes | str, words: tuple[Word, ...]) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        self._queue.append(_Call(key, pack(words), future))
        if len(self._queue) == 1:
            self._loop.call_soon(self._dispatch)
        return future

    def _dispatch(self) -> None:
        if self._queue and self._idle:
            batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            task = self._loop.create_task(self._serve(self._idle.pop(), batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, lane: _Lane, batch: _Batch) -> None:
        try:
            await lane.send(batch)
        finally:
            self._idle.append(lane)
            self._dispatch()


class _Lane:
    """One connection that takes a batch at a time."""

    def __init__(self, client: Client, replicas: int, timeout: float) -> None:
        self.client = client
        self._replicas = replicas
        self._milliseconds = timeout * 1000
        self._probed = 0
        self._has_aof = False

    async def send(self, batch: _Batch) -> None:
        """Send the calls and the WAIT, and answer each call."""
        try:
            await self._probe()
        except UnavailableError as error:
            for call in batch:
                _answer(call.future, error, None)
            return
        submit = self.client.submit_packed
        futures = [submit(call.packed) for call in batch]
        marks = [self.client.submit(words) for words in _marks(batch)]
        waits = [self.client.submit(words) for words in self._waits()]
        replies = await asyncio.gather(*futures, return_exceptions=True)
        answers = list(zip(batch, replies, strict=True))
        for call, reply in answers:
            if _is_empty(reply):  # no replica matters to it
                _answer(call.future, reply, None)
        marked = await asyncio.gather(*marks, return_exceptions=True)
        doubt = self._doubt(marked, await asyncio.gather(*waits, return_exceptions=True))
        for call, reply in answers:
            _answer(call.future, reply, doubt)
        if any(type(reply) is ReplyError and code_of(reply) in RECONNECT for reply in replies):
            self.client.drop()

    def _waits(self) -> list[tuple[Word, ...]]:
        if not self._has_aof:
            patience = int(self._milliseconds * (WAIT_SHARE + AOF_SHARE))
            return [("WAIT", self._replicas, patience)]
        return [
            ("WAIT", self._replicas, int(self._milliseconds * WAIT_SHARE)),
            ("WAITAOF", 1, self._replicas, int(self._milliseconds * AOF_SHARE)),
        ]

    def _doubt(self, marked: list[Any], replies: list[Any]) -> UnknownOutcomeError | None:
        """Return why the batch is not durable; None if it is."""
        if all(isinstance(reply, Exception) for reply in marked):
            replies = marked[:1]
        acknowledged = replies[0]
        if len(replies) > 1 and isinstance(replies[1], list):
            local, acknowledged = replies[1]
            acknowledged = acknowledged if local else 0
        elif len(replies) > 1:
            acknowledged = replies[1]
        if isinstance(acknowledged, int) and acknowledged >= self._replicas:
            return None
        return UnknownOutcomeError(
            f"Redis at {self.client.name} did it, but had {acknowledged} of {self._replicas} "
            "acknowledgements in time; the effect stands, repeat the call."
        )

    async def _probe(self) -> None:
        """Find out, once per connection, whether WAITAOF can be used."""
        if self._probed == self.client.generation and self._probed > 0:
            return
        info, known = await asyncio.gather(
            self.client.submit(("INFO", "persistence")),
            self.client.submit(("COMMAND", "INFO", "WAITAOF")),
        )
        enabled = isinstance(info, bytes) and b"aof_enabled:1" in info
        self._has_aof = enabled and isinstance(known, list) and known not in ([], [None])
        self._probed = self.client.generation


def _marks(batch: _Batch) -> list[tuple[Word, ...]]:
    """One for each slot, because a slot that moves refuses its own."""
    return [
        ("EVAL", MARK, 1, (key if isinstance(key, bytes) else key.encode()) + b":mark")
        for key in dict.fromkeys(call.key for call in batch)
    ]


def _answer(future: asyncio.Future[Any], reply: Any, doubt: UnknownOutcomeError | None) -> None:
    if future.done():
        return
    if isinstance(reply, UnavailableError):
        future.set_exception(type(reply)(str(reply)))  # one for each: they gather tracebacks
    elif doubt is not None:
        future.set_exception(UnknownOutcomeError(str(doubt)))
    else:
        future.set_result(reply)


def _is_empty(reply: Any) -> bool:
    """Whether it was not carried out, or found nothing to do."""
    return reply is None or (isinstance(reply, ReplyError) and code_of(reply) in NOT_DONE)
