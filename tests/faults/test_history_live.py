"""Clients that do what they should not, on two replicas: what they are told is always possible."""

from __future__ import annotations

from chaos import new_chance
from history_live import run_live


async def test_what_clients_are_told_is_what_the_promises_allow(new_server):
    """Silence, repeats, lost answers, an outage, cancels, reruns and deletions break no promise."""
    summary = await run_live(new_server(), new_chance("HISTORY_SEED"))
    assert summary.hand_outs > 50
    assert summary.lost > 10
    assert summary.stale > 10
    assert summary.repeats > 3
