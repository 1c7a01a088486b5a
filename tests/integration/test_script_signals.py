"""Hints of the scripts: wake-ups for polls and loops, expired events; and odd names in replies."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from schedules import HOUR, every, hours_ago, on
from seeds import ACCOUNT, Bench, component, components
from waiting import pass_time, wait_until

from coordinator.errors import InvalidRequestError, LeaseLostError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Server

    from coordinator.store.routing import Router

WAKE = "coord:1:{0}:wake"
EXPIRED = "__keyevent@0__:expired"
ODD = 'naïve "name": {0}\r\n<b> %d \\ 100 %'


@contextmanager
def heard(server: Server, channel: str = WAKE) -> Iterator[Callable[[], list[str]]]:
    """Listen to the wake channel, or to an event; the value gives what came since its last call."""
    with server.client() as client, client.pubsub() as listener:
        subscribe = listener.ssubscribe if channel == WAKE else listener.subscribe
        subscribe(channel)
        wait_until(lambda: listener.get_message(timeout=1))

        def since() -> list[str]:
            client.spublish(WAKE, "end") if channel == WAKE else client.publish(channel, "end")
            found: list[str] = []
            while not found or found[-1] != "end":
                message = wait_until(lambda: listener.get_message(timeout=1))
                found.append(message["data"].decode())
            return found[:-1]

        yield since


@pytest.fixture(params=["valkey", "redis7"])
async def single(
    request: pytest.FixtureRequest,
    new_server: Callable[..., Server],
    new_router: Callable[..., Router],
) -> Bench:
    """A bench on a server that tells of expired keys, and only when they are read."""
    server = new_server(request.param, argv=["--notify-keyspace-events", "Ex"])
    with server.client() as client:
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    return Bench(server, new_router(server.url))


async def test_what_becomes_ready_is_told(single: Bench) -> None:
    """Whatever makes tasks ready tells their group and how many; cursors tell that work is due."""
    with heard(single.server) as since:  # type: ignore[arg-type]
        parts = [*components(3), component("Other", group="h\nx"), component("Join", needs=[3])]
        await single.start(parts)
        assert sorted(since()) == [f"{ACCOUNT}\n1\nh\nx", f"{ACCOUNT}\n3\ng"]
        task = await single.claim()
        assert since() == []
        await single.give_back(task)
        assert since() == [f"{ACCOUNT}\n1\ng"]
        await single.finish(await single.claim("h\nx"))
        assert since() == [f"{ACCOUNT}\n1\ng"]
        for max_lost in (0, 5):
            await single.finish(await single.claim(), "FAILED", max_lost=max_lost)
            assert since() == [f"{ACCOUNT}\n1\ng"]
        pipeline = await single.start(300)
        assert sorted(since()) == ["", f"{ACCOUNT}\n200\ng"]
        await single.settle()
        assert since() == [f"{ACCOUNT}\n100\ng"]
        await single.delete(pipeline)
        assert since() == [""]


async def test_schedules_tell_that_they_go_on(single: Bench) -> None:
    """An activation, and the end of a run where the window was full, tell that work is due."""
    pipeline = await single.create()
    schedule = every(HOUR, start_ms=hours_ago(9.5), window=1)
    version = await single.stage(pipeline, [on()], 0, [schedule])
    with heard(single.server) as since:  # type: ignore[arg-type]
        await single.activate(pipeline, version)
        assert since() == [""]
        await single.settle()
        assert since() == [f"{ACCOUNT}\n1\ng"]
        await single.finish(await single.claim())
        assert since() == [""]


async def test_taking_a_lease_emits_its_expired_event(single: Bench) -> None:
    """The run that takes a lease makes the server tell that its key expired."""
    await single.start(2)
    with heard(single.server, EXPIRED) as since:  # type: ignore[arg-type]
        tasks = [await single.claim(ack_ms=30), await single.claim()]
        await single.report(tasks[1], timeout_ms=30)
        # Well past the deadlines: Redis judges a key by the time at which the script began.
        await pass_time(0.06)
        run = await single.due()
        assert (run.lost_unacknowledged, run.lost_silent) == (1, 1)
        leases = {f"coord:1:{{0}}:lease:{ACCOUNT}:{t.pipeline_id}:{t.n}" for t in tasks}
        assert leases <= set(since())


async def test_odd_names_travel_whole(bench: Bench) -> None:
    """Groups, components, hosts and fields with odd characters come back as they were given."""
    pipeline = await bench.start([component(ODD, group=ODD)])
    call = bench.call(ODD)._replace(hostname=ODD)
    task = await bench.poll(call=call)
    assert task is not None
    assert task.component == ODD
    assert await bench.poll(call=call) == task._replace(more=False, again=True, waited_ms=-1)
    await bench.report(task, ODD, b'"1"')
    [row] = await bench.pipelines.instances(
        ACCOUNT, pipeline, [(f"@{ODD}{task.instance_id[-20:]}", 0)]
    )
    assert row is not None
    assert (row.instance["hostname"], row.progress) == (ODD, {ODD: b'"1"'})
    with pytest.raises(InvalidRequestError):
        await bench.finish(task, "FALSE")
    with pytest.raises(InvalidRequestError):
        await bench.cancel(pipeline, ODD)
    await bench.finish(task, "FAILED")
    await bench.poll(call=bench.call(ODD)._replace(hostname=ODD))
    with pytest.raises(InvalidRequestError, match="FAILED already"):
        await bench.finish(task)


async def test_odd_holder_in_a_refusal(bench: Bench) -> None:
    """A host name with line ends and percent signs in a refusal breaks nothing."""
    await bench.start()
    task = await bench.claim()
    await bench.give_back(task)
    await bench.poll(call=bench.call()._replace(hostname=ODD))
    with pytest.raises(LeaseLostError, match=r'held by .naïve "name": \{0\}'):
        await bench.finish(task)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_full_memory(
    kind: str, new_server: Callable[..., Server], new_router: Callable[..., Router]
) -> None:
    """At maxmemory what adds work is refused and changes nothing; hand-outs and results go on."""
    server = new_server(kind)
    bench = Bench(server, new_router(server.url))
    pipeline = await bench.start([*components(4), component("Leaf", needs=[0])])
    tasks = [await bench.claim() for _ in range(2)]
    fresh = await bench.create()
    version = await bench.stage(fresh, components(1))
    await bench.due()
    with server.client() as client:
        client.config_set("maxmemory", 1)
        before = bench.dump()
        for call in (
            bench.create,
            lambda: bench.stage(fresh, components(1)),
            lambda: bench.pipelines.activate(ACCOUNT, fresh, version, "key"),
        ):
            with pytest.raises(UnavailableError, match="out of memory"):
                await call()
        assert bench.dump() == before
        await bench.tasks.heartbeat(0, ACCOUNT, "runner", "g", "host", 60_000)
        assert await bench.claim() is not None
        assert await bench.report(tasks[0], "a", b"1") == "acknowledged"
        assert await bench.finish(tasks[0]) == "finished"
        assert await bench.finish(tasks[1], "FAILED") == "retried"
        assert await bench.cancel(pipeline, *await bench.ids(pipeline)) == 4
        await bench.delete(pipeline)
        await bench.settle()
        client.config_set("maxmemory", 0)
    bench.check()
    assert await bench.pipelines.activate(ACCOUNT, fresh, version, "key")
