"""Gauges that come from Redis: over shards and replicas, of too many groups, and in trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet import ACCOUNT, Fleet
from scrape import parsed, values
from seeds import component
from waiting import eventually

from coordinator.service import gauges
from coordinator.web.exposition import exposition

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from servers import Server

    from coordinator.commands.replica import Replica

OTHER = "{,other}"  # the rest is of no account
LOOKS = "coordinator.commands.inspection"  # says once what is amiss
MANY = 450  # instances: more than one step of a fan-out takes


async def page(replica: Replica) -> dict[str, float]:
    """Everything that a replica shows."""
    return values(parsed(await exposition(replica.coordinator)))


async def idle(fleet: Fleet, **settings: int) -> Replica:
    """Start a replica that applies nothing unless it is told."""
    return await fleet.replica(loop=False, listener=False, **settings)


def named(found: dict[str, float], name: str) -> dict[str, float]:
    """Return one gauge by its worker group."""
    return {
        key.removeprefix(name): value for key, value in found.items() if key.startswith(name + "{")
    }


async def test_a_backlog_is_that_of_all_shards(fleet: Fleet) -> None:
    """Each replica shows the sum of the tasks, and the age of the oldest, wherever it is."""
    replicas = [await idle(fleet) for _ in range(2)]
    await fleet.seed(1)

    async def aged() -> bool:
        return named(await page(replicas[0]), "ready_oldest_age_seconds")[f"{{{ACCOUNT},g}}"] > 0.1

    await eventually(aged)
    for shard in range(fleet.shards):
        await fleet.seed(2, shard=shard)
        await fleet.seed(1, group="h", shard=shard)
    counts = {"g": 1 + 2 * fleet.shards, "h": fleet.shards}
    wanted = {f"{{{ACCOUNT},{group}}}": count for group, count in counts.items()} | {OTHER: 0}
    for replica in replicas:
        found = await page(replica)
        assert named(found, "ready_tasks") == wanted
        assert named(found, "ready_oldest_age_seconds")[f"{{{ACCOUNT},g}}"] > 0.1


async def test_beyond_the_named_groups(fleet: Fleet) -> None:
    """Those with the most ready tasks have names, whichever those are now; the rest is summed."""
    replica = await idle(fleet, metrics_groups=2)
    sizes = {"a": 5, "b": 3, "c": 2, "d": 1}
    for number, (group, size) in enumerate(sizes.items()):
        await fleet.seed(size, group=group, shard=number % fleet.shards)
    largest = {f"{{{ACCOUNT},a}}": 5, f"{{{ACCOUNT},b}}": 3, OTHER: 3}
    assert named(await page(replica), "ready_tasks") == largest
    await fleet.seed(4, group="d", shard=3 % fleet.shards)
    for _ in range(5):
        await fleet.claim("a")
    largest = {f"{{{ACCOUNT},d}}": 5, f"{{{ACCOUNT},b}}": 3, OTHER: 2}
    assert named(await page(replica), "ready_tasks") == largest


async def test_small_everywhere_is_in_the_rest(fleet: Fleet) -> None:
    """With one name, and in each shard another group the largest, the sum is still right."""
    replica = await idle(fleet, metrics_groups=1)
    for shard in range(fleet.shards):
        await fleet.seed(3 + shard, group=f"only-{shard}", shard=shard)
        await fleet.seed(2, group="everywhere", shard=shard)
    found = named(await page(replica), "ready_tasks")
    assert len(found) == 2
    assert found[f"{{{ACCOUNT},only-{fleet.shards - 1}}}"] == 2 + fleet.shards
    assert sum(found.values()) == sum(5 + shard for shard in range(fleet.shards))


async def test_timers_that_nobody_applies(fleet: Fleet) -> None:
    """How many are due, and for how long the first has been, until somebody applies them."""
    replica = await idle(fleet)
    shard = fleet.shards - 1
    await fleet.seed(3, shard=shard)
    found = await page(replica)
    assert (found["timers_due"], found["timers_lag_seconds"]) == (0, 0)
    for _ in range(2):
        await fleet.claim(shard=shard, ack_ms=1)
    await fleet.claim(shard=shard)

    async def late() -> bool:
        found = await page(replica)
        assert found["cursors_pending"] == 0
        return (found["timers_due"], found["timers"]) == (2, 3) and (
            0.2 < found["timers_lag_seconds"] < 60
        )

    await eventually(late)
    await replica.coordinator.due.run_all(shard)
    found = await page(replica)
    assert (found["timers_due"], found["timers_lag_seconds"], found["timers"]) == (0, 0, 1)
    assert found["leases_swept"] == found["lost{unacknowledged}"] == 2


async def test_fan_outs_under_way(fleet: Fleet) -> None:
    """A pipeline that is being deleted is one, until the last step of it."""
    replica = await idle(fleet)
    pipeline = await fleet.seed([component(f"Work{n}") for n in range(MANY)])
    assert (await page(replica))["cursors_pending"] == 0
    await replica.coordinator.pipelines.delete(ACCOUNT, pipeline, "")
    assert (await page(replica))["cursors_pending"] == 1
    await replica.coordinator.due.run_all(0)
    assert (await page(replica))["cursors_pending"] == 0


async def test_without_info(
    new_server: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where INFO is forbidden its families are not there, all others are; no scrape is logged."""
    monkeypatch.setattr(gauges, "VITALS_SECONDS", 0.0)  # it is asked at each scrape
    server = new_server()
    async with Fleet(server) as fleet:
        replica = await idle(fleet)
        before = await page(replica)
        with server.client() as client:
            client.execute_command("ACL SETUSER default -info")
        caplog.clear()
        for _ in range(3):
            found = await page(replica)
        gone = {"redis_memory_bytes", "redis_memory_limit_bytes", "redis_append_only"}
        assert before.keys() - found.keys() == gone
        assert found["redis_up"] == 1
        assert found["script_errors{NOPERM}"] >= 2
        assert [each.name for each in caplog.records] in ([], [LOOKS])
        with server.client() as client:
            client.execute_command("ACL SETUSER default +info")
        assert (await page(replica)).keys() >= gone


async def test_without_redis(new_server: Callable[..., Server]) -> None:
    """Only what the replica itself counts is there."""
    server = new_server()
    async with Fleet(server) as fleet:
        replica = await idle(fleet)
        own = {name for name in await page(replica) if not name.startswith(("redis_", "ready_"))}
        server.kill()
        found = await page(replica)
        assert found["redis_up"] == 0
        assert own - found.keys() <= {
            *(f"instances{{{s}}}" for s in ("blocked", "ready", "leased", "delayed", "terminal")),
            *("timers", "timers_due", "timers_lag_seconds", "cursors_pending"),
            *("alarms_pending", "alarms_stuck", "stale_leases"),
        }
