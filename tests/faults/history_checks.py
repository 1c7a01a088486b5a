"""The check of a whole history: is it one that the promises allow?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from math import inf, nextafter
from typing import TYPE_CHECKING

import msgspec
from history import Call
from history_outages import sure_outages
from history_promptness import hand_outs, handed_out_soon
from history_rules import RULES, Story
from lease_model import LeaseModel
from lease_state import NOT_FOUND, returned
from linearize import Search, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from history import Fault
    from history_options import Options

MOST_ROWS = 60  # of a table: those around the call that cannot be
MOST_TABLES = 5


@dataclass
class Summary:
    """Figures of a history.

    Args:
        calls: how many, by op and then by outcome and verdict.
        lost: hand-outs whose lease was taken away by time.
        stale: calls with a handle that held nothing any more, and were told so.
        repeats: results that were told to be there already, and hand-outs told again.
        measured: hand-outs, outside of faults, of tasks of which it is known when they were free.
        slowest: seconds from then to such a hand-out, to a poll that waited.
        slowest_in_faults: the same of all hand-outs.
        states: how many the search has looked at.
        unjudged: instances whose writes the faults may have lost; only rules were applied to them.
    """

    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    instances: int = 0
    hand_outs: int = 0
    lost: int = 0
    stale: int = 0
    repeats: int = 0
    measured: int = 0
    slowest: float = 0.0
    slowest_in_faults: float = 0.0
    states: int = 0
    unjudged: int = 0

    def figures(self) -> dict[str, float]:
        """The figures but for the calls by op, in words."""
        return {
            "calls": sum(sum(told.values()) for told in self.calls.values()),
            "instances": self.instances,
            "hand-outs": self.hand_outs,
            "leases lost": self.lost,
            "stale calls refused": self.stale,
            "repeats": self.repeats,
            "hand-outs measured": self.measured,
            "slowest hand-out, s": round(self.slowest, 3),
            "slowest hand-out in faults, s": round(self.slowest_in_faults, 3),
            "states searched": self.states,
            "instances not judged": self.unjudged,
        }


@dataclass(frozen=True)
class Violation:
    """What must not be in the story of one instance: the rule that it breaks, and a sentence."""

    instance: str
    rule: str
    text: str


class HistoryError(AssertionError):
    """A history breaks promises; `violations` are all that were found, `summary` its figures."""

    def __init__(
        self, violations: list[Violation], stories: Mapping[str, Story], summary: Summary
    ) -> None:
        self.violations = violations
        self.summary = summary
        super().__init__("\n".join(_report(violations, stories)))


def check_history(calls: Sequence[Call], faults: Sequence[Fault], options: Options) -> Summary:
    """Check a history against the lease model and against every rule; return figures.

    Raises:
        HistoryError: it is not possible, or not decided within `most_states`.
    """
    stories = {story.instance: story for story in tell(calls, faults, options)}
    summary = _count(calls, stories.values())
    violations = [v for story in stories.values() for v in _break(story, summary)]
    violations += [*_shared_handles(calls), *_too_early(stories), *_refused_polls(calls)]
    if violations:
        raise HistoryError(violations, stories, summary)
    return summary


def tell(calls: Sequence[Call], faults: Sequence[Fault], options: Options) -> Iterator[Story]:
    """The story of each instance; times begin at 0 with the first call or fault."""
    begin = min([c.invoked for c in calls] + [f.began for f in faults], default=0.0)
    begin = min([begin, *options.activated.values()])
    options = replace(options, read_at=options.read_at - begin)
    moved = [_moved(call, begin) for call in calls]
    shifted = [
        msgspec.structs.replace(f, began=f.began - begin, ended=f.ended - begin)
        for f in sure_outages(faults)
    ]
    polls = [call for call in moved if call.op == "poll" and not call.instance]
    polls.sort(key=lambda call: call.invoked)
    for instance, own in sorted(_by_instance(moved, options).items()):
        activated = options.activated.get(instance)
        timeout = options.attempt_timeouts.get(instance, options.attempt_timeout)
        yield Story(
            instance,
            _named(own),
            polls,
            sorted(shifted, key=lambda fault: fault.began),
            replace(options, attempt_timeout=timeout),
            None if activated is None else activated - begin,
            options.final.get(instance, ""),
        )


def _moved(call: Call, begin: float) -> Call:
    end = None if call.returned is None else call.returned - begin
    return msgspec.structs.replace(call, invoked=call.invoked - begin, returned=end)


def _by_instance(calls: Sequence[Call], options: Options) -> dict[str, list[Call]]:
    """The calls on each instance; what was done to a pipeline was done to each of its instances."""
    found: dict[str, list[Call]] = {name: [] for name in {**options.activated, **options.final}}
    for call in calls:
        if call.instance:
            found.setdefault(call.instance, []).append(call)
    members: dict[str, list[str]] = defaultdict(list)
    for name in found:
        members[name.partition("/")[0]].append(name)
    for call in calls:
        if not call.instance:
            for name in members.get(call.pipeline, []):
                found[name].append(call)
    return found


def _named(calls: list[Call]) -> list[Call]:
    """The calls in the order of their beginnings, with handles named h1, h2, … by their tokens."""
    tokens = {call.handle: call.token for call in calls if call.handle}
    tokens |= {call.handle: call.token for call in calls if call.verdict == "granted"}
    names = {handle: f"h{i}" for i, handle in enumerate(sorted(tokens, key=tokens.__getitem__), 1)}
    named = [msgspec.structs.replace(c, handle=names.get(c.handle, "")) for c in calls]
    return sorted(named, key=lambda call: call.invoked)


def _break(story: Story, summary: Summary) -> Iterator[Violation]:
    """Every breach of one instance's story."""
    for rule in (*RULES, handed_out_soon):
        for text in rule(story):
            yield Violation(story.instance, rule.__name__, text)
    if any(fault.kind == "lossy" for fault in story.faults):
        summary.unjudged += 1
        return
    model = LeaseModel(story.options, list(story.faults))
    activated = {} if story.activated is None else {"activated": story.activated}
    try:
        found = Search(model, _with_end(story), **activated).run()
    except TooLargeError as error:
        yield Violation(story.instance, "undecided", str(error))
        return
    summary.states += found.states
    for text in found.why:
        yield Violation(story.instance, "linearizable", text)


def _with_end(story: Story) -> list[Call]:
    """The calls, and the reading of the status at the end as one more."""
    if not story.final:
        return list(story.calls)
    last = max([call.returned or call.invoked for call in story.calls], default=0.0)
    until = story.options.read_at
    end = Call(
        client="at the end",
        op="read",
        invoked=min(nextafter(last, inf), until),
        returned=until,
        outcome="ok",
        verdict=story.final,
        instance=story.instance,
    )
    return [*story.calls, end]


def _shared_handles(calls: Sequence[Call]) -> Iterator[Violation]:
    """A handle is of one instance."""
    instances: dict[str, str] = {}
    for call in calls:
        if call.verdict == "granted":
            first = instances.setdefault(call.handle, call.instance)
            if first != call.instance:
                text = f"{call.handle} is also of {first}"
                yield Violation(call.instance, "shared_handles", text)


def _too_early(stories: Mapping[str, Story]) -> Iterator[Violation]:
    """What waits for others is handed out when each of them was finished, not before."""
    for story in stories.values():
        for need in story.options.needs.get(story.instance, ()):
            finished = min((c.invoked for c in stories[need].perhaps("finish")), default=inf)
            for grant in story.grants:
                if returned(grant) < finished:
                    text = f"{grant.handle} was handed out before {need} was finished"
                    yield Violation(story.instance, "too_early", text)


def _refused_polls(calls: Sequence[Call]) -> Iterator[Violation]:
    """A poll is answered with a task or without, or not at all."""
    for call in calls:
        if call.op == "poll" and call.outcome == "refused":
            text = f"a poll of {call.client} was refused at {call.invoked:.3f}: {call.verdict}"
            yield Violation(call.instance, "refused_polls", text)


def _count(calls: Sequence[Call], stories: Sequence[Story]) -> Summary:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for call in calls:
        counted[call.op][f"{call.outcome} {call.verdict}".strip()] += 1
    summary = Summary({op: dict(told) for op, told in sorted(counted.items())})
    for story in stories:
        summary.instances += 1
        summary.hand_outs += len(story.grants)
        summary.lost += sum(_is_lost(story, grant) for grant in story.grants)
        granted = sum(call.verdict == "granted" for call in story.calls)
        repeats = sum(call.verdict == "repeat" for call in story.calls)
        summary.repeats += repeats + granted - len(story.grants)
        summary.stale += sum(_is_stale(call) for call in story.calls)
        timed = list(hand_outs(story))
        quiet = [each.seconds for each in timed if each.quiet]
        summary.measured += len(quiet)
        summary.slowest = max([summary.slowest, *quiet])
        every = [each.seconds for each in timed]
        summary.slowest_in_faults = max([summary.slowest_in_faults, *every])
    return summary


def _is_stale(call: Call) -> bool:
    refused = call.op in {"finish", "fail"} and call.verdict == NOT_FOUND
    return refused or call.verdict == "superseded"


def _is_lost(story: Story, grant: Call) -> bool:
    own = [call for call in story.calls if call.handle == grant.handle]
    if any(_is_stale(call) for call in own):
        return True
    ended = {"repeat", "canceled", "deleted"} & {call.verdict for call in own}
    later = any(other.token > grant.token for other in story.grants)
    return later and not (ended or story.accepted("finish", "fail", handle=grant.handle))


def _report(violations: list[Violation], stories: Mapping[str, Story]) -> Iterator[str]:
    """Every violation, and the calls of the first instances."""
    yield f"{len(violations)} violations:"
    by_instance: dict[str, list[Violation]] = defaultdict(list)
    for violation in violations:
        by_instance[violation.instance].append(violation)
    for number, (instance, own) in enumerate(by_instance.items()):
        yield f"- {instance}"
        yield from (f"    {each.rule}: {each.text}" for each in own)
        if number < MOST_TABLES and instance in stories:
            yield from _table(stories[instance])


def _table(story: Story) -> Iterator[str]:
    """The calls of an instance, one a line."""
    if len(story.calls) > MOST_ROWS:
        yield f"      (the last {MOST_ROWS} of {len(story.calls)} calls)"
    yield "      invoked  returned client           op      handle attempt told"
    for call in story.calls[-MOST_ROWS:]:
        end = "never" if call.returned is None else f"{call.returned:.3f}"
        told = " ".join(filter(None, (call.outcome, call.verdict)))
        yield (
            f"    {call.invoked:9.3f} {end:>9} {call.client:<16} {call.op:<7} {call.handle:<6} "
            f"{call.attempt or '':<7} {told} {call.token or ''}".rstrip()
        )
