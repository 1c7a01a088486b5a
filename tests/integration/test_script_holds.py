"""Deactivating with what waits kept, and activating that again."""

from __future__ import annotations

from seeds import ACCOUNT, Bench, component, components

GROUPS = 450


async def hold(bench: Bench, pipeline: str) -> None:
    """Deactivate a pipeline and keep what waits."""
    await bench.deactivate(pipeline, cancel=False)


async def test_running_tasks_finish_and_what_waits_stays(bench: Bench) -> None:
    """The tasks of a held pipeline that run end as ever; nothing that waits is handed out."""
    pipeline = await bench.start([component("A"), component("B", needs=[0]), component("C")])
    task = await bench.claim()
    await hold(bench, pipeline)
    bench.check()
    assert await bench.poll() is None
    bench.check()
    assert await bench.report(task) == "acknowledged"
    assert await bench.finish(task) == "finished"
    await bench.settle()
    assert await bench.rows(pipeline) == {"A": "FINISHED", "B": "ready", "C": "ready"}
    assert await bench.poll() is None
    bench.check()


async def test_activation_goes_on_with_what_was_kept(bench: Bench) -> None:
    """An activation of a held pipeline hands out what waited, and starts nothing new."""
    pipeline = await bench.start(3)
    await bench.claim()
    await hold(bench, pipeline)
    assert await bench.poll() is None
    assert await bench.activate(pipeline) is None
    bench.check()
    await bench.settle()
    assert [(await bench.claim()).component for _ in range(2)] == ["Work1", "Work2"]
    assert len(await bench.ids(pipeline)) == 3


async def test_activation_starts_anew_where_nothing_was_kept(bench: Bench) -> None:
    """An activation of a held pipeline whose tasks have all ended is a start like any other."""
    pipeline = await bench.start(1)
    task = await bench.claim()
    await hold(bench, pipeline)
    await bench.finish(task)
    assert await bench.activate(pipeline)
    assert len(await bench.ids(pipeline)) == 2


async def test_what_was_run_again_was_kept(bench: Bench) -> None:
    """An instance that was run again counts as a task that is left."""
    pipeline = await bench.start(1)
    await bench.finish(await bench.claim())
    await hold(bench, pipeline)
    await bench.rerun(pipeline, *await bench.ids(pipeline))
    assert await bench.poll() is None
    assert await bench.activate(pipeline) is None
    await bench.settle()
    assert (await bench.claim()).n == 1


async def test_very_many_groups_come_back(bench: Bench) -> None:
    """The turns of hundreds of worker groups come back by cursor, each once."""
    pipeline = await bench.start([component(f"W{i}", group=f"g{i}") for i in range(GROUPS)])
    await bench.settle()
    await hold(bench, pipeline)
    assert [await bench.poll(f"g{i}") for i in range(GROUPS)] == [None] * GROUPS
    await bench.activate(pipeline)
    await bench.due(1)
    bench.check()
    got = [task for i in range(GROUPS) if (task := await bench.poll(f"g{i}"))]
    assert len(got) == 200
    async for _ in bench.steps():
        pass
    got += [task for i in range(GROUPS) if (task := await bench.poll(f"g{i}"))]
    assert len({task.n for task in got}) == GROUPS


async def test_held_again_while_it_comes_back(bench: Bench) -> None:
    """A pipeline that is held again before all its turns are back keeps the others for later."""
    pipeline = await bench.start([component(f"W{i}", group=f"g{i}") for i in range(GROUPS)])
    await bench.settle()
    await hold(bench, pipeline)
    for i in range(GROUPS):
        await bench.poll(f"g{i}")
    await bench.activate(pipeline)
    await bench.due(1)
    await hold(bench, pipeline)
    async for _ in bench.steps():
        pass
    assert [await bench.poll(f"g{i}") for i in range(GROUPS)] == [None] * GROUPS
    await bench.activate(pipeline)
    await bench.settle()
    assert None not in [await bench.poll(f"g{i}") for i in range(GROUPS)]


async def test_canceled_while_it_is_held(bench: Bench) -> None:
    """A held pipeline that is deactivated with everything canceled keeps nothing."""
    pipeline = await bench.start(components(450))
    await bench.settle()
    await hold(bench, pipeline)
    assert await bench.poll() is None
    await bench.deactivate(pipeline)
    bench.check()
    assert await bench.activate(pipeline)
    assert (await bench.claim()).n == 451
    async for _ in bench.steps():
        pass
    assert (await bench.tally(pipeline))["CANCELED"] == 450


async def test_held_while_it_is_canceled(bench: Bench) -> None:
    """Holding a pipeline whose cursor cancels keeps nothing: the next activation starts anew."""
    pipeline = await bench.start(components(450))
    await bench.settle()
    await bench.deactivate(pipeline)
    await hold(bench, pipeline)
    bench.check()
    assert await bench.activate(pipeline)
    await bench.settle()
    assert await bench.tally(pipeline) == {"CANCELED": 450, "ready": 450}


async def test_held_while_instances_are_being_made(bench: Bench) -> None:
    """Instances of a held start are made, and wait; the activation does not make them twice."""
    pipeline = await bench.start(components(450))
    await hold(bench, pipeline)
    assert await bench.poll() is None
    async for _ in bench.steps():
        assert await bench.poll() is None
    assert await bench.activate(pipeline) is None
    await bench.settle()
    assert len({(await bench.claim()).n for _ in range(450)}) == 450
    assert await bench.poll() is None


async def test_paused_and_held(bench: Bench) -> None:
    """What is paused as well stays aside when its pipeline goes on."""
    pipeline = await bench.start([component("A"), component("B")])
    await bench.pause(pipeline, "A")
    await hold(bench, pipeline)
    assert await bench.poll() is None
    await bench.activate(pipeline)
    await bench.settle()
    assert (await bench.claim()).component == "B"
    assert await bench.poll() is None
    bench.check()
    await hold(bench, pipeline)
    await bench.resume(pipeline, "A")
    await bench.settle()
    assert await bench.poll() is None
    await bench.activate(pipeline)
    await bench.settle()
    assert (await bench.claim()).component == "A"


async def test_deletion_while_it_comes_back(bench: Bench) -> None:
    """A held pipeline that is deleted while its turns come back leaves only its tombstone."""
    pipeline = await bench.start([component(f"W{i}", group=f"g{i}") for i in range(GROUPS)])
    await bench.settle()
    await hold(bench, pipeline)
    for i in range(GROUPS):
        await bench.poll(f"g{i}")
    await bench.activate(pipeline)
    await bench.due(1)
    await bench.delete(pipeline)
    async for _ in bench.steps():
        assert await bench.poll("g449") is None
    assert [key for key in bench.dump() if pipeline in key] == [
        f"coord:1:{{0}}:pipeline:{ACCOUNT}:{pipeline}"
    ]
