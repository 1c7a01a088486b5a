"""Pipelines, definitions and activation."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from seeds import ACCOUNT, Bench, component, components, handle_of

from coordinator.domain.definitions import Field
from coordinator.domain.ids import new_pipeline_id
from coordinator.errors import (
    NotStagedError,
    PipelineDeletedError,
    PipelineNotFoundError,
    VersionChangedError,
)
from coordinator.service.activation import staged as staged_fields
from coordinator.store.pipelines import NewPipeline

MANY = 1000


async def test_create_is_idempotent_by_digest(bench: Bench) -> None:
    """A second create of the same name and unique id finds the first pipeline."""
    new = NewPipeline(ACCOUNT, "digest", "name", "unique", "text", b"[]")
    assert await bench.pipelines.create(0, new, new_pipeline_id(0), create=False) is None
    first = await bench.pipelines.create(0, new, new_pipeline_id(0))
    before = bench.dump()
    assert await bench.pipelines.create(0, new, new_pipeline_id(0)) == first
    assert await bench.pipelines.create(0, new, "", create=False) == first
    assert bench.dump() == before
    stored = await bench.pipelines.read(ACCOUNT, str(first))
    assert (stored.pipeline["name"], stored.pipeline["state"]) == ("name", "PENDING")


async def test_list_pages_in_order_of_the_id(bench: Bench) -> None:
    """Pages of pipelines follow each other without gap or repeat; deleted ones are not listed."""
    made = [await bench.create() for _ in range(7)]
    await bench.delete(made.pop())
    first = await bench.pipelines.ids_and_names(0, ACCOUNT, "", 4)
    second = await bench.pipelines.ids_and_names(0, ACCOUNT, first[-1][0], 4)
    assert [name for name, _ in first + second] == sorted(made)
    assert await bench.pipelines.ids_and_names(0, "another", "", 4) == []


async def test_definition_versions(bench: Bench) -> None:
    """A put makes a new latest version; an activation makes the latest the active one."""
    pipeline = await bench.start()
    assert await bench.pipelines.put(ACCOUNT, pipeline, b'{"a":1}', errored=True) == 2
    latest = await bench.pipelines.read(ACCOUNT, pipeline, "latest")
    active = await bench.pipelines.read(ACCOUNT, pipeline, "active")
    assert (latest.definition, latest.version, latest.errored) == (b'{"a":1}', "2", True)
    assert (active.definition, active.version) == (b"{}", "1")


async def test_ten_activations_in_one_second(bench: Bench) -> None:
    """Each activation has a start second of its own, the next free one."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(2))
    starts = [await bench.pipelines.activate(ACCOUNT, pipeline, version, "") for _ in range(10)]
    assert starts[0] is not None
    assert starts == list(range(starts[0], starts[0] + 10))
    ids = await bench.ids(pipeline)
    assert len(set(ids)) == 20
    claimed = [(await bench.claim()).instance_id for _ in range(20)]
    assert claimed == ids


async def test_a_thousand_components(bench: Bench) -> None:
    """The first instances are there at once, the others follow by cursor; none twice."""
    pipeline = await bench.start(components(MANY))
    assert (await bench.timers().counts(0)).ready == 200
    while (await bench.due(1)).more:
        bench.check()
        await bench.claim()
    counts = await bench.timers().counts(0)
    assert (counts.ready + counts.leased, counts.timers) == (MANY, counts.leased)
    rows = await bench.pipelines.page(ACCOUNT, pipeline, "0", 2 * MANY)
    assert [row.component for row in rows] == [f"Work{i}" for i in range(MANY)]


async def test_many_dependencies_make_smaller_steps(bench: Bench) -> None:
    """Components with fifty dependencies each are made in steps of bounded size."""
    parts = components(60)
    parts += [component(f"Leaf{i}", needs=range(50)) for i in range(100)]
    await bench.start(parts)
    made = await bench.timers().counts(0)
    assert made.ready + made.blocked == 100
    await bench.settle()
    counts = await bench.timers().counts(0)
    assert (counts.ready, counts.blocked) == (60, 100)


async def test_finished_before_its_dependents_were_made(bench: Bench) -> None:
    """An instance made after what it depends on was finished is ready at once."""
    parts = [component("Root"), *components(300), component("Last", needs=[0, 301])]
    parts.insert(301, component("Other", group="other"))
    pipeline = await bench.start(parts)
    root = await bench.claim()
    assert root.component == "Root"
    await bench.finish(root)
    await bench.settle()
    assert (await bench.rows(pipeline))["Last"] == "blocked"
    await bench.finish(await bench.claim("other"))
    assert (await bench.rows(pipeline))["Last"] == "ready"


async def test_two_starts_at_once(bench: Bench) -> None:
    """A second activation while the first is still making instances keeps both whole."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(450))
    for _ in range(2):
        await bench.pipelines.activate(ACCOUNT, pipeline, version, "")
    bench.check()
    await bench.settle()
    assert len(set(await bench.ids(pipeline))) == 900


async def test_object_and_settings_of_an_instance(bench: Bench) -> None:
    """An instance keeps its component's settings, and a claim finds the object stored with it."""
    await bench.start([component("A", attempt_timeout_ms=5, maximum_retries=7)])
    task = await bench.claim()
    [row] = await bench.pipelines.instances(ACCOUNT, task.pipeline_id, [(task.instance_id, 0)])
    assert row is not None
    assert (row.instance["attempt_timeout_ms"], row.instance["maximum_retries"]) == ("5", "7")
    assert json.loads(task.template) == []


async def test_changed_version_is_refused(bench: Bench) -> None:
    """An activation of what is no longer the latest version is refused and changes nothing."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(2))
    await bench.pipelines.put(ACCOUNT, pipeline, b"{}", errored=False)
    before = bench.dump()
    with pytest.raises(VersionChangedError):
        await bench.pipelines.activate(ACCOUNT, pipeline, version, "")
    assert bench.dump() == before


@pytest.mark.parametrize("missing", ["count", "settings:0", "object:1"])
async def test_incompletely_staged_is_refused(bench: Bench, missing: str) -> None:
    """An activation of which any part is not stored is refused and changes nothing."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(2))
    key = f"coord:1:{{0}}:components:{ACCOUNT}:{pipeline}:{version}"
    await bench.router.execute(key, "HDEL", key, missing)
    before = bench.dump()
    with pytest.raises(NotStagedError):
        await bench.pipelines.activate(ACCOUNT, pipeline, version, "")
    assert bench.dump() == before
    await bench.pipelines.stage(ACCOUNT, pipeline, version, staged_fields(components(2)))
    assert await bench.pipelines.activate(ACCOUNT, pipeline, version, "")


async def test_repeated_activation_does_nothing(bench: Bench) -> None:
    """The same activation again, by its answer key, changes nothing."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(2))
    assert await bench.pipelines.activate(ACCOUNT, pipeline, version, "key")
    before = bench.dump()
    assert await bench.pipelines.activate(ACCOUNT, pipeline, version, "key") is None
    assert bench.dump() == before
    assert await bench.pipelines.activate(ACCOUNT, pipeline, version, "another")


async def test_no_such_pipeline(bench: Bench) -> None:
    """Every change of a pipeline that is not there is refused and changes nothing."""
    await bench.start()
    await _all_refused(bench, new_pipeline_id(0), PipelineNotFoundError)
    with pytest.raises(PipelineNotFoundError):
        await bench.pipelines.living(ACCOUNT, new_pipeline_id(0))


async def test_deleted_pipeline(bench: Bench) -> None:
    """Every change of a deleted pipeline is refused, before and after the clean-up."""
    pipeline = await bench.start()
    await bench.delete(pipeline)
    for _ in range(2):
        await _all_refused(bench, pipeline, PipelineDeletedError)
        await bench.settle()


async def test_pipeline_of_another_account(bench: Bench) -> None:
    """An account sees and changes nothing of another's pipeline."""
    pipeline = await bench.start()
    with pytest.raises(PipelineNotFoundError):
        await bench.pipelines.living("another", pipeline)
    task = await bench.claim()
    with pytest.raises(PipelineNotFoundError):
        await bench.tasks.report("another", handle_of(task), 1000)


async def _all_refused(bench: Bench, pipeline: str, error: type[Exception]) -> None:
    calls = (
        lambda: bench.pipelines.put(ACCOUNT, pipeline, b"{}", errored=False),
        lambda: bench.pipelines.stage(ACCOUNT, pipeline, "1", staged_fields(components(1))),
        lambda: bench.pipelines.activate(ACCOUNT, pipeline, "1", "key"),
        lambda: bench.cancel(pipeline, "@Work0", answer="key"),
        lambda: bench.rerun(pipeline, "@Work0", answer="key"),
        lambda: bench.delete(pipeline, answer="key"),
    )
    for call in calls:
        before = bench.dump()
        with pytest.raises(error):
            await call()
        assert bench.dump() == before


@pytest.mark.parametrize(("size", "calls"), [(1_000_000, 1), (3_000_000, 5)])
async def test_large_objects_are_read_in_several_calls(bench: Bench, size: int, calls: int) -> None:
    """However many instances are asked for: one call has some MB, each template once."""
    parts = [replace(part, fields=(Field("a", "x" * size),)) for part in components(3)]
    pipeline = await bench.create()
    version = await bench.stage(pipeline, parts)
    for _ in range(3):
        await bench.activate(pipeline, version)
    names = await bench.ids(pipeline)
    wanted = [(name, 0) for name in names]
    await bench.pipelines.instances(ACCOUNT, pipeline, wanted[:1])  # the script is loaded
    before = bench.router.counters.calls
    found = await bench.pipelines.instances(ACCOUNT, pipeline, wanted)
    assert bench.router.counters.calls - before == calls
    assert [stored.instance["id"] for stored in found if stored] == names
    for stored in filter(None, found):
        (part,) = [each for each in parts if each.id == stored.instance["component"]]
        assert stored.template == msgspec.json.encode(part.fields)
