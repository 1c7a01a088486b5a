"""Every caller gets its own answer."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from coordinator.store.client import Script
from coordinator.store.replies import ScriptError
from coordinator.store.routing import connect

pytestmark = pytest.mark.timeout(30)

ECHO = Script("echo", "return ARGV[1]")
COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
REFUSE = Script("refuse", "return redis.error_reply('LEASE_LOST taken by ' .. ARGV[1])")


async def test_replies_are_bytes_integers_lists_and_none(redis_url, new_router):
    """A reply comes as Redis sent it, not decoded."""
    router = new_router(redis_url)
    script = Script("types", "return {KEYS[1], 7, {ARGV[1], 'x'}, ''}")
    assert await router.run(script, ["k{1}"], ["\u00e9"]) == [
        b"k{1}",
        7,
        ["\u00e9".encode(), b"x"],
        b"",
    ]
    assert await router.run(Script("nil", "return nil"), ["k{1}"], []) is None
    assert await router.execute("k{1}", "SET", "k{1}", 5) == b"OK"
    assert await router.execute("k{1}", "GET", "k{1}") == b"5"


async def test_calls_of_one_turn_leave_in_one_write(valkey, new_router):
    """A hundred calls made together are one batch."""
    router = new_router(valkey.url)
    await router.run(ECHO, ["k"], [""])
    before = router.counters.batches
    answers = await asyncio.gather(*(router.run(ECHO, ["k"], [n]) for n in range(100)))
    assert answers == [b"%d" % n for n in range(100)]
    assert router.counters.batches == before + 1


async def test_scripts_are_loaded_again_after_a_script_flush(redis_server, new_router):
    """Callers that all find the script gone at once each run it exactly once."""
    router = new_router(redis_server.url)
    for round_ in range(3):
        redis_server.reset()
        counts = await asyncio.gather(*(router.run(COUNT, ["n{a}"], []) for _ in range(100)))
        assert sorted(counts) == list(range(1, 101)), round_
    assert router.counters.errors["NOSCRIPT"] > 0


async def test_a_refusal_reaches_only_the_caller_that_caused_it(redis_url, new_router):
    """One script refuses with a code and a detail; the calls around it are answered."""
    router = new_router(redis_url)
    calls = [router.run(COUNT, ["n{a}"], []) for _ in range(10)]
    calls.insert(5, router.run(REFUSE, ["n{a}"], ["runner-7"]))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refusal = answers.pop(5)
    assert isinstance(refusal, ScriptError)
    assert (refusal.code, refusal.detail) == ("LEASE_LOST", "taken by runner-7")
    assert answers == list(range(1, 11))


async def test_a_script_that_says_noscript_itself_is_not_repeated_for_ever(valkey, new_router):
    """A script whose own refusal looks like Redis' NOSCRIPT is run twice at most."""
    router = new_router(valkey.url)
    source = "redis.call('INCR', KEYS[1]); return redis.error_reply('NOSCRIPT mine')"
    with pytest.raises(ScriptError, match="mine"):
        await router.run(Script("own", source), ["k"], [])
    assert int(await router.execute("k", "GET", "k")) <= 2


async def test_an_argument_that_cannot_be_sent_harms_nobody_else(redis_url, new_router):
    """A wrong argument fails its own call; the calls of the same turn are answered."""
    router = new_router(redis_url)
    calls = [router.run(ECHO, ["k{1}"], [word]) for word in ("a", None, "\ud800", "b")]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert (answers[0], answers[3]) == (b"a", b"b")
    assert isinstance(answers[1], TypeError)
    assert isinstance(answers[2], UnicodeEncodeError)


async def test_cancelled_callers_do_not_shift_the_answers(new_server, new_router):
    """Callers that leave while their answers are on the way leave their places behind."""
    server = new_server()
    router = new_router(server.url)
    await router.run(ECHO, ["k"], [""])
    server.pause()
    callers = [asyncio.ensure_future(router.run(ECHO, ["k"], [n])) for n in range(200)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the calls have left in the second turn
    for caller in callers[::2]:
        caller.cancel()
    server.resume()
    answers = await asyncio.gather(*callers[1::2])
    assert answers == [b"%d" % n for n in range(1, 200, 2)]
    assert await router.run(ECHO, ["k"], ["after"]) == b"after"


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_the_client_works_on_uvloop(shared_servers, kind):
    """The loop that the service runs on gives the same answers."""
    server = shared_servers.empty(kind)

    async def main():
        router = connect(server.url, timeout=5, client_name="uv")
        answers = await asyncio.gather(*(router.run(ECHO, ["k"], [n]) for n in range(100)))
        await router.close()
        return answers

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == [b"%d" % n for n in range(100)]
