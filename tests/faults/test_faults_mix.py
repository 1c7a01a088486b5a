"""Two minutes of mixed faults, thrown from a new seed each time."""

from __future__ import annotations

import os
import random

import pytest
from campaign import Campaign
from rich.console import Console

SECONDS = 120
LATE = 300  # to begin, to come to rest and to be judged, on a busy machine


@pytest.mark.timeout(SECONDS + LATE)
def test_two_minutes_of_mixed_faults(tmp_path, capsys):
    """The check of histories finds no promise broken, whoever is killed, frozen or cut off."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    with capsys.disabled():
        Console().print(
            f"\nmake faults SEED={seed} MINUTES={SECONDS / 60:g}, or FAULTS_SEED={seed}"
        )
    result = Campaign(seed, "valkey", SECONDS, tmp_path).run(lambda _: None)
    result.show(Console())
    assert result.findings == []
    assert result.figures["hand-outs"] > 50
    assert sum(result.faults.values()) > 20
