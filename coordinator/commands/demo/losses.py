"""The leases that were lost, each with the hand-out that followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.commands.demo.api import Attempt
    from coordinator.commands.demo.story import Killed


class Loss(NamedTuple):
    """A lease that was lost, as `before`, and the task's next hand-out, as `again`."""

    before: Attempt
    again: Attempt

    @property
    def cause(self) -> str:
        """The attempt's errorId; one that nobody had acknowledged is offered again as it is."""
        return self.before.error_id or "AcknowledgementTimeout"


def losses(attempts: Sequence[Attempt], killed: Killed) -> Iterator[Loss]:
    """Find them in the pipeline's attempts, and in what the killed runner held."""
    latest = {(attempt.task, attempt.number): attempt for attempt in attempts}
    for before in attempts:
        again = latest.get((before.task, before.number + 1))
        if again is not None:
            yield Loss(before, again)
    for before in killed.held:
        again = latest[before.task, before.number]
        if again.claimed_at > before.claimed_at:
            yield Loss(before, again)
