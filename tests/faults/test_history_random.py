"""Random histories: what keeps the promises is accepted, and what breaks one is not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from history_builder import INSTANCE
from history_checks import HistoryError, check_history
from history_random import CORRUPTIONS, Simulation, other_end
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, (1 << 32) - 1)
MANY = settings(max_examples=150, deadline=None)
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def simulated(seed):
    """Throw a history; return the simulation, its calls and the dice."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    simulation = Simulation(chance)
    return simulation, simulation.run(), chance


@MANY
@given(SEEDS)
def test_random_histories_that_keep_the_promises_are_accepted(seed):
    """Whatever happens at the same time, and whatever answer is lost."""
    simulation, calls, _ = simulated(seed)
    options = replace(simulation.options, hand_out_within=None)
    check_history(calls, simulation.faults, options)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda each: each.__name__)
@SOME
@given(seed=SEEDS)
def test_random_histories_with_a_breach_are_rejected(corrupt, seed):
    """One corruption is found in whatever history it is."""
    simulation, calls, chance = simulated(seed)
    broken = corrupt(calls, chance)
    assume(broken is not None)
    options = replace(simulation.options, hand_out_within=None, final={})
    with pytest.raises(HistoryError):
        check_history(broken, simulation.faults, options)


@SOME
@given(seed=SEEDS)
def test_random_histories_with_another_end_are_rejected(seed):
    """The status at the end is part of the history."""
    simulation, calls, _ = simulated(seed)
    wrong = other_end(simulation.options.final[INSTANCE], calls)
    assume(wrong is not None)
    options = replace(simulation.options, hand_out_within=None, final={INSTANCE: wrong})
    with pytest.raises(HistoryError):
        check_history(calls, simulation.faults, options)
