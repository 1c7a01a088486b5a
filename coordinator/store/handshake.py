"""Open a connection and introduce ourselves: AUTH, SELECT, CLIENT SETNAME, and a PING.

The PING finds out whether the server serves data at all: while it loads, or as a replica without
its primary, it refuses PING with the reason.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hiredis import ReplyError

from coordinator.errors import UnavailableError, UnknownOutcomeError
from coordinator.store.batch import pack
from coordinator.store.replies import TROUBLES, code_of
from coordinator.store.troubles import CLOSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.address import Endpoint, Login
    from coordinator.store.batch import Connection, Word


async def open_connection(
    endpoint: Endpoint, login: Login, make: Callable[[], Connection], *, primary_only: bool
) -> Connection:
    """Connect to `endpoint` and log in.

    Args:
        endpoint: the server.
        login: who we are.
        make: makes the connection object.
        primary_only: refuse a server that says that it is a replica.

    Raises:
        OSError: there is no server, or TLS failed.
        UnavailableError: the server refuses us, or does not serve data now.
    """
    connection = await _connect(endpoint, login, make)
    try:
        await _greet(connection, endpoint, login, primary_only=primary_only)
    except BaseException:
        connection.abort("the greeting failed")
        raise
    return connection


async def _connect(endpoint: Endpoint, login: Login, make: Callable[[], Connection]) -> Connection:
    loop = asyncio.get_running_loop()
    if endpoint.path:
        return (await loop.create_unix_connection(make, endpoint.path))[1]
    return (await loop.create_connection(make, endpoint.host, endpoint.port, ssl=login.tls))[1]


async def _greet(
    connection: Connection, endpoint: Endpoint, login: Login, *, primary_only: bool
) -> None:
    commands = greeting(login)
    if primary_only:
        commands.append(("ROLE",))
    try:
        replies = await asyncio.gather(*(_call(connection, command) for command in commands))
    except UnknownOutcomeError:
        raise _ended(connection) from None
    for reply in replies:
        if isinstance(reply, ReplyError):
            raise _refusal(reply, endpoint)
    if primary_only and replies[-1][0] != b"master":
        raise UnavailableError(f"Redis at {endpoint} is not a primary.")


def greeting(login: Login) -> list[tuple[Word, ...]]:
    """Return the commands with which a connection begins."""
    commands: list[tuple[Word, ...]] = []
    if secret := login.secret():
        user = (login.username,) if login.username else ()
        commands.append(("AUTH", *user, secret))
    if login.db:
        commands.append(("SELECT", login.db))
    if login.client_name:
        commands.append(("CLIENT", "SETNAME", login.client_name))
    commands.append(("PING",))
    return commands


def _call(connection: Connection, command: tuple[Word, ...]) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    connection.send(pack(command), future)
    return future


def _refusal(reply: ReplyError, endpoint: Endpoint) -> UnavailableError:
    code = code_of(reply)
    why = f"{TROUBLES[code]} ({code})" if code in TROUBLES else f"refuses the connection: {reply}"
    return UnavailableError(f"Redis at {endpoint} {why}.")


def _ended(connection: Connection) -> UnavailableError:
    """Say why a connection ended before it was of use."""
    why = connection.lost or ""
    ended = not why or "closed" in why or "reset" in why
    return UnavailableError(CLOSED if ended else why)
