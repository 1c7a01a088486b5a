"""Faults of the network between the client and its server."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from random import Random

import pytest
import uvloop
from proxy import Proxy
from waiting import eventually

from coordinator.errors import UnavailableError, UnknownOutcomeError
from coordinator.store.client import Script
from coordinator.store.routing import connect

pytestmark = pytest.mark.timeout(30)

ECHO = Script("echo", "return ARGV[1]")
COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
CUTS = 30
TIMEOUT = 1.5
RANDOM = Random(7)  # noqa: S311 - not a secret


@pytest.fixture
async def proxy(valkey):
    """A proxy in front of the shared Valkey."""
    async with Proxy(valkey.socket) as running:
        yield running


@pytest.fixture
async def router(proxy, new_router):
    """A router through the proxy that has made its first call."""
    made = new_router(proxy.url, timeout=TIMEOUT)
    await made.run(ECHO, ["k"], [""])
    return made


async def test_a_reply_that_is_cut_fails_its_call_and_no_other(proxy, router):
    """The connection ends in mid-reply: the outcome is unknown, and the next call is answered."""
    proxy.cut_after(100)
    with pytest.raises(UnknownOutcomeError, match="may or may not"):
        await router.run(ECHO, ["k"], ["x" * 1000])
    assert await router.run(ECHO, ["k"], ["next"]) == b"next"
    assert router.counters.reconnects == 1


async def test_calls_in_flight_when_the_connection_breaks_all_fail(proxy, router):
    """A reset fails every call in flight at once, and later ones are answered."""
    proxy.half_open()
    calls = [asyncio.ensure_future(router.run(ECHO, ["k"], [n])) for n in range(50)]
    before = proxy.accepted
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the calls have left in the second turn
    proxy.reset()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnknownOutcomeError}
    proxy.heal()
    assert await router.run(ECHO, ["k"], ["next"]) == b"next"
    assert proxy.accepted == before + 1


async def test_a_black_hole_ends_at_the_timeout(proxy, router):
    """When nothing passes any more, calls end shortly after the timeout and nobody hangs."""
    proxy.black_hole()
    started = time.monotonic()
    calls = (router.run(ECHO, ["k"], [n]) for n in range(50))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnknownOutcomeError}
    assert TIMEOUT <= time.monotonic() - started < 10
    with pytest.raises(
        UnavailableError, match=r"127\.0\.0\.1:\d+ has been unreachable for \d+\.\d s"
    ):
        await router.run(ECHO, ["k"], [""])
    proxy.heal()
    await eventually(lambda: router.connected)
    assert await router.run(ECHO, ["k"], ["back"]) == b"back"


async def test_a_lost_answer_is_reported_as_an_unknown_outcome(proxy, router, valkey):
    """A call that was carried out but whose answer is lost says that it may have had its effect."""
    await router.run(COUNT, ["n"], [])
    proxy.half_open()
    with pytest.raises(UnknownOutcomeError):
        await router.run(COUNT, ["n"], [])
    with valkey.client() as direct:
        assert direct.get("n") == b"2"


async def test_a_slow_but_steady_server_is_not_given_up(proxy, new_router):
    """The timeout is the oldest call's, so a connection with ever new calls lives on."""
    router = new_router(proxy.url, timeout=2)
    await router.run(ECHO, ["k"], [""])
    proxy.latency = 0.3  # twice a round, and twice that for what comes in two parts

    async def keep_calling():
        for number in range(5):
            assert await router.run(ECHO, ["k"], [number]) == b"%d" % number

    await asyncio.gather(*(keep_calling() for _ in range(20)))
    assert router.counters.reconnects == 0


async def test_a_server_that_drops_connections_is_named_without_the_password(proxy, new_router):
    """While no connection can be made the error names the address, and never the password."""
    proxy.refuse()
    router = new_router(f"redis://user:s3cret@127.0.0.1:{proxy.port}", timeout=0.4)
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{proxy.port} has been") as caught:
        await router.run(ECHO, ["k"], [""])
    assert "s3cret" not in str(caught.value) + str(router.last_error) + repr(router.location)
    assert not router.connected
    assert proxy.accepted < 10


async def test_an_answer_nobody_asked_for_ends_the_connection(new_router):
    """A server that does not speak the protocol is left, and its noise reaches no caller."""

    async def babble(reader, writer):
        await reader.read(1)
        writer.write(b"+OK\r\n+PONG\r\n+one too many\r\n")
        with suppress(OSError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        router = new_router(f"redis://127.0.0.1:{port}", timeout=0.4)
        with pytest.raises(UnavailableError) as failed:
            await router.run(ECHO, ["k"], [""])
        assert type(failed.value) is UnavailableError, "the call was sent there"
        await router.close()


async def test_what_is_no_reply_ends_the_connection(new_router):
    """Bytes that are not of the protocol are taken for no answer: the outcome is unknown."""

    async def babble(reader, writer):
        await reader.read(1)
        writer.write(b"+OK\r\n+PONG\r\n")
        while b"EVALSHA" not in await reader.read(1000):
            pass
        writer.write(b"?!\r\n")
        with suppress(OSError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        router = new_router(f"redis://127.0.0.1:{port}")
        with pytest.raises(UnknownOutcomeError, match="not the Redis protocol"):
            await router.run(ECHO, ["k"], [""])
        await router.close()


async def test_no_answer_reaches_another_caller_while_connections_are_cut(proxy, new_router):
    """A thousand callers under random cuts: each has its own answer, or a failure, in time."""
    router = new_router(proxy.url, timeout=5)
    done = asyncio.Event()
    wrong, right, failed = [], [], []

    async def call(caller):
        number = 0
        while not done.is_set():
            word = f"{caller}:{number}:" + "x" * RANDOM.randint(0, 200)
            number += 1
            try:
                answer = await router.run(ECHO, ["k"], [word])
            except UnavailableError:
                failed.append(word)
            else:
                (right if answer == word.encode() else wrong).append(answer)

    callers = [asyncio.ensure_future(call(number)) for number in range(1000)]
    for _ in range(CUTS):
        before = proxy.accepted
        await eventually(lambda: router.connected)
        proxy.cut_after(RANDOM.randint(1, 50_000))
        await eventually(lambda before=before: proxy.accepted > before)
    done.set()
    await asyncio.gather(*callers)
    assert wrong == []
    assert len(right) > 1000
    assert len(failed) > CUTS


def test_a_loop_that_was_held_up_does_not_blame_the_server(valkey):
    """Answers that came while the loop stood still are read, all of them, before it is cut."""
    big = Script("big", "return string.rep('x', 4000000)")

    async def main():
        router = connect(valkey.url, timeout=1, client_name="held-up")
        await router.run(big, ["k"], [])
        call = asyncio.ensure_future(router.run(big, ["k"], []))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(1.5)  # noqa: ASYNC251 - the loop is held up on purpose
        assert len(await call) == 4_000_000
        assert router.counters.reconnects == 0
        await router.close()

    for factory in (uvloop.new_event_loop, asyncio.new_event_loop):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())
