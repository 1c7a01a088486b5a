"""Calls to one Redis server, over one connection that is made again whenever it is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hiredis import ReplyError

from coordinator.errors import UnavailableError
from coordinator.store.backoff import Backoff
from coordinator.store.batch import Connection, Counters, Word, pack
from coordinator.store.handshake import open_connection
from coordinator.store.replies import RECONNECT, code_of, failure
from coordinator.store.script import Script
from coordinator.store.troubles import not_yet, of_attempt
from coordinator.store.waiting import WaitingRoom

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from coordinator.store.address import Endpoint, Login

__all__ = ["Client", "ClosedError", "Script"]

ASKING = pack(("ASKING",))


class ClosedError(UnavailableError):
    """The client was closed before the call was sent."""


class Client:
    """A client of one server. Create it inside a running event loop; it connects at the first call.

    Args:
        name: the address as messages show it.
        resolve: finds where the server is, before each attempt to connect.
        login: who we are.
        timeout: seconds a call waits for a connection.
        patience: seconds it then waits for its answer.
        counters: shared with the other clients of a router.
        primary_only: do not use a server that says that it is a replica.
        on_trouble: called at each loss of the connection and each failed attempt to connect.
    """

    def __init__(
        self,
        name: str,
        resolve: Callable[[], Awaitable[Endpoint]],
        login: Login,
        *,
        timeout: float,
        patience: float,
        counters: Counters | None = None,
        primary_only: bool = False,
        on_trouble: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.counters = counters or Counters()
        self.last_error: str | None = None
        self.closed = False
        self.generation = 0  # how many connections there have been
        self._loop = asyncio.get_running_loop()
        self._resolve = resolve
        self._login = login
        self._timeout = timeout
        self._patience = patience
        self._primary_only = primary_only
        self._on_trouble = on_trouble
        self._connection: Connection | None = None
        self._endpoint: Endpoint | None = None  # of the present connection, or the next
        self._connecting: asyncio.Task[None] | None = None
        self._retired: set[Connection] = set()
        self._waiting = WaitingRoom(timeout, self._unreachable)
        self._backoff = Backoff()
        self._greeted = 0  # replies to the greeting of the present connection
        self._since: float | None = None  # of the connection, or of looking for one

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None

    @property
    def idle(self) -> bool:
        """Whether there is no connection at all, not even one that is being given up."""
        return self._connection is None and not self._retired

    def submit(self, words: tuple[Word, ...]) -> asyncio.Future[Any]:
        """Make a call; the result is the reply, an error reply too; fails as `execute` does."""
        return self.submit_packed(pack(words))

    def submit_packed(self, packed: bytes) -> asyncio.Future[Any]:
        """Like `submit`, with a command that `batch.pack` made."""
        future = self._loop.create_future()
        connection = self._connection
        if connection is not None:
            connection.send(packed, future)
        else:
            self._wait(packed, future)
        return future

    def submit_asking(self, words: tuple[Word, ...]) -> asyncio.Future[Any]:
        """Make a call right behind ASKING (a slot that is moving here), in one write."""
        packed = pack(words)
        future = self._loop.create_future()
        if self._connection is not None:
            self._connection.send_after(ASKING, packed, future)
        else:
            self._wait(packed, future, ASKING)
        return future

    async def execute(self, *words: Word) -> Any:
        """Make a call and return its reply.

        Raises:
            UnavailableError: Redis cannot do it now; it had no effect.
            UnknownOutcomeError: the connection was lost before the answer.
            ScriptError: any other error reply.
        """
        connection = self._connection
        reply = await self.submit(words)
        if type(reply) is ReplyError:
            return await self._settle(reply, connection, words)
        return reply

    async def run(self, script: Script, keys: Sequence[bytes | str], args: Sequence[Word]) -> Any:
        """Run `script` and return its reply; its source is sent only where the server lacks it.

        Raises:
            UnavailableError: Redis cannot do it now; it had no effect.
            UnknownOutcomeError: the connection was lost before the answer.
            ScriptError: the script refused, or failed.
        """
        connection = self._connection
        reply = await self.submit(("EVALSHA", script.sha1, len(keys), *keys, *args))
        if type(reply) is ReplyError:
            words = ("EVAL", script.source, len(keys), *keys, *args)
            return await self._settle(reply, connection, words)
        return reply

    async def execute_asking(self, *words: Word) -> Any:
        """Like `execute`, for a slot that is moving to this server."""
        reply = await self.submit_asking(words)
        if type(reply) is ReplyError:
            raise self.explain(reply)
        return reply

    async def run_asking(
        self, script: Script, keys: Sequence[bytes | str], args: Sequence[Word]
    ) -> Any:
        """Like `run`, for a slot that is moving to this server."""
        reply = await self.submit_asking(("EVALSHA", script.sha1, len(keys), *keys, *args))
        if type(reply) is ReplyError and code_of(reply) == "NOSCRIPT":
            return await self.execute_asking("EVAL", script.source, len(keys), *keys, *args)
        if type(reply) is ReplyError:
            raise self.explain(reply)
        return reply

    def explain(self, reply: ReplyError) -> Exception:
        """Count an error reply and return the exception that says what it means."""
        self.counters.errors[code_of(reply)] += 1
        return failure(reply, self.name)

    def drop(self, connection: Connection | None = None) -> None:
        """Stop using the connection (if it is still `connection`) and look for the server anew."""
        current = self._connection
        if current is None or (connection is not None and connection is not current):
            return
        self._detach("the server stopped serving", useful=False)
        self._retired.add(current)
        current.retire()

    def follow(self, primary: Endpoint) -> None:
        """Leave the connection if it is to another server than `primary`."""
        if self._endpoint != primary:
            self.drop()

    def retire(self) -> None:
        """Take no more calls; those in flight are answered, those that wait fail (ClosedError)."""
        self.closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        self._waiting.fail(ClosedError)
        if self._connection is not None:
            self._retired.add(self._connection)
            self._connection.retire()
            self._connection = None

    async def close(self) -> None:
        """Close the connection; calls in flight fail."""
        self.retire()
        for connection in tuple(self._retired):
            connection.abort("the client was closed")
            await connection.gone.wait()
        if self._connecting is not None:
            await asyncio.wait([self._connecting])

    async def _settle(
        self, reply: ReplyError, connection: Connection | None, words: tuple[Word, ...]
    ) -> Any:
        """Repeat with `words` what certainly had no effect and can be repeated; else raise."""
        deadline = self._loop.time() + self._timeout
        repeatable = {"LOADING", "NOSCRIPT"} if words[0] == "EVAL" else {"LOADING"}
        while type(reply) is ReplyError:
            code = code_of(reply)
            if code in RECONNECT:
                self.drop(connection)
            if code not in repeatable or self._loop.time() > deadline:
                raise self.explain(reply)
            self.counters.errors[code] += 1
            repeatable.discard("NOSCRIPT")
            connection = self._connection
            reply = await self.submit(words)
        return reply

    def _wait(self, packed: bytes, future: asyncio.Future[Any], prefix: bytes = b"") -> None:
        if self.closed:
            future.set_exception(ClosedError())
            return
        self._waiting.enter(packed, future, prefix)
        self.connect()

    def connect(self) -> None:
        """Begin to connect, if there is no connection, without waiting for a call."""
        if self._connection is not None or self.closed:
            return
        if self._since is None:
            self._since = self._loop.time()
        if self._connecting is None:
            self._connecting = self._loop.create_task(self._keep_trying())

    async def _keep_trying(self) -> None:
        """Try to connect until it succeeds."""
        try:
            while True:
                await asyncio.sleep(self._backoff.delay())
                try:
                    connection = await self._open()
                except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may work
                    self._failed(error)
                else:
                    return self._attach(connection)
        finally:
            self._connecting = None

    async def _open(self) -> Connection:
        async with asyncio.timeout(self._timeout):
            endpoint = await self._resolve()
            self._endpoint = endpoint

            def make() -> Connection:
                return Connection(str(endpoint), self._patience, self.counters, self._lost)

            return await open_connection(
                endpoint, self._login, make, primary_only=self._primary_only
            )

    def _attach(self, connection: Connection) -> None:
        if connection.lost is not None:
            self._backoff.failed()
            self._loop.call_soon(self.connect)
            return
        self._connection = connection
        self.counters.reconnects += self.generation > 0
        self.generation += 1
        self._greeted = connection.answered
        self._since = self._loop.time()
        self.last_error = None
        self._waiting.leave(connection)

    def _failed(self, error: Exception) -> None:
        self._backoff.failed()
        self.last_error = of_attempt(error, self._timeout, tls=self._login.tls is not None)
        if self._on_trouble is not None:
            self._on_trouble()

    def _lost(self, connection: Connection) -> None:
        self._retired.discard(connection)
        if connection is self._connection:
            self._detach(connection.lost or "", useful=connection.answered > self._greeted)

    def _detach(self, reason: str, *, useful: bool) -> None:
        now = self._loop.time()
        self._backoff.ended(now - (self._since or now), useful=useful)
        self._connection = None
        self._since = now
        self.last_error = reason
        self.connect()
        if self._on_trouble is not None:
            self._on_trouble()

    def _unreachable(self) -> UnavailableError:
        seconds = self._loop.time() - (self._since or self._loop.time())
        reason = self.last_error or not_yet(tls=self._login.tls is not None)
        return UnavailableError(
            f"Redis at {self.name} has been unreachable for {seconds:.1f} s: {reason}."
        )
