"""The parts of outages in which certainly no due work was run.

A command that is on its way may take effect in an outage: what replicas sent before they were
killed runs when a frozen server goes on, or when a slow network delivers it. It ends the gap that
the shard sees, which is right, since a gap shorter than the threshold gives no grace. So an outage
counts only outside of other faults that hold commands up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from history import Fault

DELAYING = {
    "freeze server",
    "freeze primary",
    "debug sleep",
    "pause clients",
    "latency far",
    "black hole far",
}
SAME = 0.1  # seconds between the notes of a fault and of the outage that it is
DELIVERED = 1.0  # seconds after such a fault until all that it held up has run


def sure_outages(faults: Sequence[Fault]) -> list[Fault]:
    """Return the faults, each outage without its parts in which a late command may have run."""
    delays = [fault for fault in faults if fault.kind in DELAYING]
    found: list[Fault] = []
    for fault in faults:
        found += _without(fault, delays) if fault.kind == "outage" else [fault]
    return found


def _without(outage: Fault, delays: Iterable[Fault]) -> list[Fault]:
    """Cut out what the delays that are not this very outage cover."""
    parts = [outage]
    for delay in delays:
        if _is_itself(outage, delay):
            continue
        until = delay.ended + DELIVERED
        parts = [piece for part in parts for piece in _cut(part, delay.began, until)]
    return parts


def _is_itself(outage: Fault, delay: Fault) -> bool:
    """Whether the delay is what made the outage: the command runs when the outage ends."""
    return abs(outage.began - delay.began) < SAME and outage.ended <= delay.ended + SAME


def _cut(part: Fault, began: float, ended: float) -> list[Fault]:
    if ended <= part.began or began >= part.ended:
        return [part]
    pieces = [(part.began, min(part.ended, began)), (max(part.began, ended), part.ended)]
    return [msgspec.structs.replace(part, began=a, ended=b) for a, b in pieces if a < b]
