"""What is known of a system whose history is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Options:
    """What is known of the system whose history is checked; all durations in seconds.

    Args:
        ack_timeout: time to acknowledge a hand-out.
        progress_timeout: time between two reports.
        attempt_timeout: longest time of an attempt; 0: none.
        attempt_timeouts: of single instances, by their names.
        retry_delay: between a reported failure and the next hand-out.
        maximum_retries: after failures; None: not known.
        max_lost: leases lost in a row, without a changed report, that fail a task.
        reports_change: whether reports say something new, so that the count begins again.
        max_unacked: hand-outs in a row that nobody acknowledges that fail a task.
        outage_threshold: an outage that lasts longer gives grace.
        outage_grace: time after it in which no lease is lost.
        tolerance: by how much the server's clock and `time.monotonic()` may differ over a lease.
        timing: whether time counts; not where the nemesis steps clocks.
        activated: each instance that the submitter knows, and when it asked for it; empty: unknown.
        needs: the instances that an instance waits for.
        final: the status of each at the end, as it was read; "gone" of a deleted pipeline.
        read_at: when that had been read, as `time.monotonic()`.
        ended: whether the run went on until all had ended.
        hand_out_within: how soon what is free is handed out to a poll that waits; None: unchecked.
        allowance: how long after a fault, or a poll without answer, that may take longer.
        most_states: search no further than that for an order of one instance's calls.
    """

    ack_timeout: float = 120.0
    progress_timeout: float = 900.0
    attempt_timeout: float = 0.0
    attempt_timeouts: Mapping[str, float] = field(default_factory=dict)
    retry_delay: float = 0.0
    maximum_retries: int | None = 2
    max_lost: int = 5
    reports_change: bool = False
    max_unacked: int = 10
    outage_threshold: float = 10.0
    outage_grace: float = 120.0
    tolerance: float = 0.02
    timing: bool = True
    activated: Mapping[str, float] = field(default_factory=dict)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    final: Mapping[str, str] = field(default_factory=dict)
    read_at: float = inf
    ended: bool = True
    hand_out_within: float | None = 5.0
    allowance: float = 5.0
    most_states: int = 200_000
