"""Mixed faults, thrown from a new seed each time."""

from __future__ import annotations

import os
import random

import pytest
from campaign import Campaign
from rich.console import Console

SECONDS, CLOCK_SECONDS = 120, 30
LATE = 300  # to begin, to come to rest and to be judged, on a busy machine


@pytest.fixture
def run_campaign(tmp_path, capsys):
    """Run a campaign on Valkey, from a new seed or that in FAULTS_SEED; return its result."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))

    def run(seconds, **options):
        clock = " CLOCK=1" if options.get("clock") else ""
        again = f"make faults SEED={seed} MINUTES={seconds / 60:g}{clock}, or FAULTS_SEED={seed}"
        with capsys.disabled():
            Console().print(f"\n{again}", soft_wrap=True)
        result = Campaign(seed, "valkey", seconds, tmp_path, **options).run(lambda _: None)
        result.show(Console())
        return result

    return run


@pytest.mark.timeout(SECONDS + LATE)
def test_two_minutes_of_mixed_faults(run_campaign):
    """The check of histories finds no promise broken, whoever is killed, frozen or cut off."""
    result = run_campaign(SECONDS)
    assert result.findings == []
    assert result.figures["hand-outs"] > 50
    assert min(result.figures[what] for what in ("leases lost", "stale calls refused")) > 0
    assert sum(result.faults.values()) > 20


@pytest.mark.timeout(CLOCK_SECONDS + LATE)
def test_mixed_faults_while_the_clock_is_stepped(run_campaign):
    """Nor where the clock of Redis goes forward and back meanwhile, but for what depends on it."""
    result = run_campaign(CLOCK_SECONDS, clock=True)
    assert result.findings == []
    assert result.figures["hand-outs"] > 10
    assert result.faults["step clock"] > 0
