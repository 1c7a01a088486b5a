"""How soon what is free is handed out again to a poll that waits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from lease_state import returned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from history import Call
    from history_rules import Story


class HandOut(NamedTuple):
    """A hand-out after another of the same instance, which was certainly free from `free` on.

    `quiet`: no fault, and no call whose effect is not known, had anything to do with it.
    """

    free: float
    call: Call
    quiet: bool

    @property
    def seconds(self) -> float:
        """How long it took a poll that had waited all the time; 0 where it came later."""
        return max(returned(self.call) - max(self.free, self.call.invoked), 0.0)


def hand_outs(story: Story) -> Iterator[HandOut]:
    """The further hand-outs of an instance, until the operator does something to it."""
    disturbed = min((c.invoked for c in story.of("cancel", "rerun", "delete")), default=inf)
    for one, two in pairwise(story.grants):
        if returned(two) < disturbed:
            quiet = _is_quiet(story, returned(one), returned(two))
            yield HandOut(_free_from(story, one), two, quiet)


def handed_out_soon(story: Story) -> Iterator[str]:
    """What is free is handed out within the bound to a poll that waits."""
    within = story.options.hand_out_within
    if within is None or not story.options.timing:
        return
    for free, call, quiet in hand_outs(story):
        if not quiet:
            continue
        if returned(call) > max(free, call.invoked) + within:
            yield (
                f"{call.handle} was handed out only at {returned(call):.3f} to a poll that had "
                f"waited from {call.invoked:.3f} on; it was free at {free:.3f}"
            )
        for poll in _polls(story, free + within, call.invoked):
            if poll.verdict == "empty" and returned(poll) < call.invoked:
                yield f"a poll at {poll.invoked:.3f} got nothing; it was free from {free:.3f} on"
                break


def _free_from(story: Story, grant: Call) -> float:
    """From when on an instance was free after a hand-out, at the latest."""
    options = story.options
    failed = story.accepted("fail", handle=grant.handle)
    if failed:
        return returned(failed[0]) + options.retry_delay + options.tolerance
    asked = story.of("report", handle=grant.handle)
    timeout = max(options.ack_timeout, options.progress_timeout) if asked else options.ack_timeout
    renewed = [returned(call) for call in asked if call.verdict == "accepted"]
    return max([returned(grant), *renewed]) + timeout + options.tolerance


def _is_quiet(story: Story, begin: float, end: float) -> bool:
    """Whether no fault, and no call whose effect is not known, has anything to do with a time."""
    options = story.options
    unknown = [c for c in story.calls if c.outcome == "unknown" and c.invoked <= end]
    faults = [f for f in story.faults if f.began <= end and f.ended + options.allowance >= begin]
    # what such a poll was given waits for its acknowledgement
    reach = options.ack_timeout + options.allowance
    lost = [p for p in _polls(story, begin - reach, end) if p.outcome == "unknown"]
    return not (unknown or faults or lost)


def _polls(story: Story, begin: float, end: float) -> Sequence[Call]:
    """The polls that handed out nothing and began in this time."""
    first = bisect_left(story.polls, begin, key=lambda call: call.invoked)
    last = bisect_right(story.polls, end, key=lambda call: call.invoked)
    return story.polls[first:last]
