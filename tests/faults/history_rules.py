"""What must be true of every history, whatever else: one small function for each rule.

Each takes the story of one instance and yields a sentence for each breach, which names the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from lease_state import ENDED, FINISHED, NOT_FOUND, returned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from history import Call, Fault
    from history_options import Options

RESULT = {"finish", "fail"}


@dataclass(frozen=True)
class Story:
    """All calls on one instance in the order of their beginnings; and what else a rule needs.

    Args:
        instance: "<pipeline id>/<instance id>".
        calls: on it, with times from the beginning of the history, and short names of handles.
        polls: all of the history that handed out nothing, in the order of their beginnings.
        activated: when it was asked for; None: the submitter knows nothing of it.
        final: its status at the end; empty: not read.
    """

    instance: str
    calls: Sequence[Call]
    polls: Sequence[Call]
    faults: Sequence[Fault]
    options: Options
    activated: float | None = None
    final: str = ""

    @cached_property
    def grants(self) -> list[Call]:
        """The first answer that told of each handle, by fencing token."""
        first: dict[str, Call] = {}
        for call in sorted(self.calls, key=returned):
            if call.verdict == "granted":
                first.setdefault(call.handle, call)
        return sorted(first.values(), key=lambda call: call.token)

    def of(self, *ops: str, handle: str | None = None) -> list[Call]:
        """The calls of these kinds, with this handle."""
        return [c for c in self.calls if c.op in ops and handle in {None, c.handle}]

    def accepted(self, *ops: str, handle: str | None = None) -> list[Call]:
        """Those that were accepted."""
        return [call for call in self.of(*ops, handle=handle) if call.verdict == "accepted"]

    def perhaps(self, op: str) -> list[Call]:
        """The operator's calls of a kind that had their effect, or may have had it."""
        return [call for call in self.of(op) if call.outcome != "refused"]


def tokens_grow(story: Story) -> Iterator[str]:
    """The fencing tokens grow from hand-out to hand-out."""
    for one, two in pairwise(story.grants):
        if one.token == two.token:
            yield f"{one.handle} and {two.handle} have the same token {one.token}"
        if one.attempt > two.attempt:
            yield f"{two.handle} is of attempt {two.attempt}, after {one.attempt} of {one.handle}"
    for one in story.grants:
        for two in story.grants:
            if returned(one) < two.invoked and one.token > two.token:
                yield f"the token went back: {_at(one)} had {one.token}, {_at(two)} {two.token}"


def one_result(story: Story) -> Iterator[str]:
    """A terminal status is accepted once: of each attempt, and of the instance."""
    results = story.accepted(*RESULT)
    for one, two in pairwise(sorted(results, key=lambda c: (c.handle, c.invoked))):
        if one.handle == two.handle:
            yield f"two results of {one.handle} were accepted: {_at(one)} and {_at(two)}"
    for one, two in pairwise(sorted(results, key=lambda c: (c.attempt, c.invoked))):
        if one.attempt == two.attempt and one.handle != two.handle:
            yield f"two results of attempt {one.attempt} were accepted: {_at(one)} and {_at(two)}"
    finished = story.accepted("finish")
    if len(finished) > 1 + len(story.perhaps("rerun")):
        yield "it was finished more than once: " + ", ".join(map(_at, finished))


def no_older_handle(story: Story) -> Iterator[str]:
    """No call is accepted from an older handle after a later one was handed out."""
    tokens = {grant.handle: grant.token for grant in story.grants}
    for call in story.accepted("report", *RESULT):
        mine = tokens.get(call.handle, call.token)
        for later in story.grants:
            if later.token > mine and returned(later) < call.invoked:
                yield f"{_at(call)} was accepted after the {_at(later)}"
                break


def never_again(story: Story) -> Iterator[str]:
    """A handle that was once told that it holds nothing is never accepted again."""
    ended: dict[str, Call] = {}
    for call in sorted(story.calls, key=returned):
        if _says_lost(call):
            ended.setdefault(call.handle, call)
    for call in story.accepted("report", *RESULT):
        before = ended.get(call.handle)
        if before and returned(before) < call.invoked:
            yield f"{_at(call)} was accepted after the {_at(before)} was told {before.verdict}"


def one_client(story: Story) -> Iterator[str]:
    """A handle is handed out to one client only; a repeated poll of that may get it again."""
    first = {grant.handle: grant for grant in story.grants}
    for call in story.calls:
        if call.verdict != "granted":
            continue
        grant = first[call.handle]
        if (call.client, call.token) != (grant.client, grant.token):
            yield f"{call.handle} was handed out twice: {_at(grant)} and {_at(call)}"


def outage_is_not_silence(story: Story) -> Iterator[str]:
    """A lease that a runner could not renew in an outage is not lost before the grace has ended."""
    options = story.options
    for outage in story.faults if options.timing else []:
        if outage.kind != "outage" or outage.ended - outage.began <= options.outage_threshold:
            continue
        until = outage.ended + options.outage_grace - options.tolerance
        for grant in story.grants:
            if _held_at(story, grant, outage.began) and not _renewed_after(story, grant, outage):
                for call in _signs_of_loss(story, grant):
                    if returned(call) < until:
                        yield (
                            f"{grant.handle} was lost before {until:.3f}, in the grace after the "
                            f"outage from {outage.began:.3f} to {outage.ended:.3f}: {_at(call)}"
                        )


def _held_at(story: Story, grant: Call, when: float) -> bool:
    """Whether a lease was held when an outage began, and its deadline had not passed then."""
    ended = any(returned(call) <= when for call in _signs_of_loss(story, grant))
    if returned(grant) > when or ended or story.options.attempt_timeout:
        return False  # where attempts have a timeout the search alone can tell
    reports = [c for c in story.accepted("report", handle=grant.handle) if returned(c) <= when]
    asked = any(call.invoked <= when for call in story.of("report", handle=grant.handle))
    ack, progress = story.options.ack_timeout, story.options.progress_timeout
    timeout = progress if reports else min(ack, progress) if asked else ack
    renewed = max([grant.invoked, *(call.invoked for call in reports)])
    return renewed + timeout - story.options.tolerance >= when


def _renewed_after(story: Story, grant: Call, outage: Fault) -> bool:
    """Whether a lease was, or may have been, renewed after an outage."""
    reports = story.of("report", handle=grant.handle)
    return any(
        returned(call) >= outage.ended
        for call in reports
        if call.verdict == "accepted" or call.outcome == "unknown"
    )


def _signs_of_loss(story: Story, grant: Call) -> Iterator[Call]:
    """The calls that show that a lease was taken away by time, and not by somebody's call."""
    if any(call.outcome != "refused" for call in story.of("cancel", "rerun", "delete")):
        return
    results = story.of(*RESULT, handle=grant.handle)
    if any(c.verdict == "accepted" or c.outcome == "unknown" for c in results):
        return
    yield from (g for g in story.grants if g.token > grant.token)
    yield from (call for call in story.calls if call.handle == grant.handle and _says_lost(call))


def ends_as_told(story: Story) -> Iterator[str]:
    """Each instance that was activated is there at the end, with the status that was accepted."""
    final, options = story.final, story.options
    if options.activated and story.activated is None:
        yield "nobody activated it"
    if not options.final:
        return
    gone = story.perhaps("delete") or [f for f in story.faults if f.kind == "emptied"]
    if not final:
        yield "it is not among those that were read at the end"
    elif final == "gone" and not gone:
        yield "it is gone, and nobody deleted it"
    elif options.ended and final not in ENDED | {"gone"}:
        yield f"it has not ended: {final}"
    elif final == FINISHED and not story.perhaps("finish"):
        yield "it is FINISHED, and nobody finished it"
    elif final == "CANCELED" and not story.perhaps("cancel"):
        yield "it is CANCELED, and nobody canceled it"
    elif final != FINISHED and story.accepted("finish") and not (gone or story.perhaps("rerun")):
        yield f"its result is lost: {_at(story.accepted('finish')[0])} was accepted, it is {final}"


def _says_lost(call: Call) -> bool:
    refused = call.op in RESULT and call.verdict == NOT_FOUND
    return call.verdict == "superseded" or refused


def _at(call: Call) -> str:
    """Name a call."""
    end = "never answered" if returned(call) == inf else f"{returned(call):.3f}"
    what = "hand-out" if call.op == "poll" else call.op
    return f"{what} of {call.handle} to {call.client} ({call.invoked:.3f} to {end})"


RULES = (
    tokens_grow,
    one_result,
    no_older_handle,
    never_again,
    one_client,
    outage_is_not_silence,
    ends_as_told,
)
