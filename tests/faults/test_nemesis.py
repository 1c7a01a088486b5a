"""Plans of faults: thrown from a seed, the same each time."""

from __future__ import annotations

from itertools import chain, pairwise

import campaign  # noqa: F401 - it knows every kind of fault
import pytest
from nemesis import ALL, FIRST, KINDS, LANES, make_plan

SECONDS = 600


def kinds(server, seed, **options):
    """The kinds in a plan."""
    plan = make_plan(seed, server, SECONDS, **options)
    return {step.kind for step in chain.from_iterable(plan.values())}


@pytest.mark.parametrize("server", ALL)
def test_a_seed_is_a_plan(server):
    """The same seed gives the same plan for as long as it goes, another one gives another."""
    plan = make_plan(7, server, SECONDS)
    assert make_plan(7, server, SECONDS) == plan
    assert make_plan(8, server, SECONDS) != plan
    shorter = make_plan(7, server, SECONDS / 2)
    for lane in LANES:
        assert shorter[lane]
        assert plan[lane][: len(shorter[lane])] == shorter[lane]


@pytest.mark.parametrize("server", ALL)
def test_the_faults_of_a_lane_come_one_after_the_other(server):
    """None begins before the one before it is over, and the last is over before the end."""
    for lane, steps in make_plan(7, server, SECONDS).items():
        assert {KINDS[step.kind].lane for step in steps} == {lane}
        assert all(one.at + one.lasts < two.at for one, two in pairwise(steps))
        assert steps[-1].at + steps[-1].lasts <= SECONDS - FIRST


@pytest.mark.parametrize("server", ALL)
def test_every_kind_of_fault_comes(server):
    """Each kind of a server is in the plan of one of some seeds, and none of another server is."""
    found = set().union(*(kinds(server, seed) for seed in range(8)))
    known = {n for n, k in KINDS.items() if server in k.servers and not k.moves_clock}
    assert found == known


def test_the_clock_is_stepped_only_where_asked_to():
    """It takes the check of times away."""
    assert "step clock" in kinds("valkey", 1, clock=True)
    plans = [make_plan(seed, "valkey", 30, clock=True) for seed in range(50)]
    assert all(any(s.kind == "step clock" for s in plan["far"]) for plan in plans), "a short one"
    assert "step clock" not in kinds("valkey", 1)
