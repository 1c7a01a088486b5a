"""Whether the calls on one task can have happened one after the other, as the lease model allows.

The search of Wing and Gong, with Lowe's memory of what was tried: a call may come next if no other
that has to come yet was answered before it began. A call without an answer may come at any time
after its beginning, or never. It is exponential at worst; `most_states` bounds it.
"""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from lease_state import ImpossibleError, State, Task, Times, returned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from history import Call
    from lease_model import LeaseModel

MOST_REASONS = 4  # that are told of why there is no order
Node = tuple[int, int, State]  # bits of the answered calls placed, of the others, the state


class TooLargeError(Exception):
    """The search has gone as far as it may, and knows neither that it can be nor that it cannot."""


class Found(NamedTuple):
    """What a search found.

    Args:
        states: how many it looked at.
        why: empty if the calls are possible; else why the furthest orders end where they do.
        placed: the calls of a furthest order.
    """

    states: int
    why: tuple[str, ...] = ()
    placed: tuple[Call, ...] = ()


class Search:
    """The search for one task. `calls` are all on it; `activated` is when it was asked for."""

    def __init__(self, model: LeaseModel, calls: Sequence[Call], activated: float = -inf) -> None:
        self._model = model
        known = sorted((c for c in calls if c.outcome != "unknown"), key=lambda c: c.invoked)
        self._known = known
        self._unknown = list(_useful(c for c in calls if c.outcome == "unknown"))
        self._returned = [returned(call) for call in known]
        self._pure = [is_pure(call) for call in known]
        self._all = (1 << len(known)) - 1
        self._begin = model.begin(activated)
        self._seen: dict[tuple[int, int, Task], list[Times]] = defaultdict(list)
        self._furthest: list[Node] = []

    def run(self) -> Found:
        """Look for an order.

        Raises:
            TooLargeError: there was none among as many states as may be looked at.
        """
        states, stack = 0, [(0, 0, self._begin)]
        while stack:
            node = self._absorb(stack.pop())
            if node[0] == self._all:
                return Found(states)
            if self._is_known(node):
                continue
            states += 1
            if states > (most := self._model.options.most_states):
                raise TooLargeError(f"no order of {len(self._known)} calls in {most} states")
            self._note(node)
            stack.extend(self._next(node))
        return self._failed(states)

    def _absorb(self, node: Node) -> Node:
        """Place what can come next and changes nothing, wherever it is placed."""
        placed, used, state = node
        again = True
        while again:
            again = False
            for i in self._minimal(placed):
                if self._pure[i] and self._why_not(state, self._known[i]) is None:
                    placed, again = placed | 1 << i, True
        return placed, used, state

    def _is_known(self, node: Node) -> bool:
        """Whether a node with the same calls and no later times was looked at before."""
        placed, used, (task, times) = node
        seen = self._seen[placed, used, task]
        if any(other.beats(times) for other in seen):
            return True
        seen.append(times)
        return False

    def _minimal(self, placed: int) -> list[int]:
        """The answered calls that may come next."""
        first = (~placed & (placed + 1)).bit_length() - 1
        until, found = inf, []
        for i in range(first, len(self._known)):
            if self._known[i].invoked > until:
                break
            if not placed >> i & 1:
                found.append(i)
                until = min(until, self._returned[i])
        return [i for i in found if self._known[i].invoked <= until]

    def _next(self, node: Node) -> Iterator[Node]:
        """What may follow; what is tried first comes last."""
        placed, used, state = node
        minimal = self._minimal(placed)
        until = min((self._returned[i] for i in minimal), default=inf)
        for i, call in enumerate(self._unknown):
            if not used >> i & 1 and call.invoked <= until:
                for after in self._model.after(state, call):
                    if self._matters(state, after):
                        yield from self._in_time(placed, used | 1 << i, after)
        for after in self._model.hidden(state):
            yield from self._in_time(placed, used, after)
        for i in reversed(minimal):
            if not self._pure[i] and self._why_not(state, self._known[i]) is None:
                for after in self._model.after(state, self._known[i]):
                    if after.times.now <= self._returned[i]:
                        yield from self._in_time(placed | 1 << i, used, after)

    def _matters(self, before: State, after: State) -> bool:
        """Whether an effect makes a difference: a later renewal does only where there is grace."""
        return before.task != after.task or bool(self._model.outages)

    def _in_time(self, placed: int, used: int, state: State) -> Iterator[Node]:
        """The node, unless some call should have been answered before its time."""
        if not self._model.options.timing or all(
            state.times.now <= self._returned[i] for i in self._minimal(placed)
        ):
            yield placed, used, state

    def _why_not(self, state: State, call: Call) -> str | None:
        try:
            self._model.check(state, call)
        except ImpossibleError as error:
            return str(error)
        return None

    def _note(self, node: Node) -> None:
        """Keep the nodes in which most calls are placed."""
        placed = node[0].bit_count()
        best = self._furthest[0][0].bit_count() if self._furthest else -1
        if placed > best:
            self._furthest = [node]
        elif placed == best and len(self._furthest) < MOST_REASONS:
            self._furthest.append(node)

    def _failed(self, states: int) -> Found:
        reasons = dict.fromkeys(
            reason
            for placed, _, state in self._furthest
            for i in self._minimal(placed)
            if (reason := self._why_not(state, self._known[i])) is not None
        )
        placed = self._furthest[0][0]
        chosen = tuple(call for i, call in enumerate(self._known) if placed >> i & 1)
        return Found(states, tuple(reasons) or ("it comes too early",), chosen)


def is_pure(call: Call) -> bool:
    """Whether a call with this answer changes nothing in any state."""
    changes = call.verdict in {"accepted", "granted"} or call.op in {"cancel", "rerun", "delete"}
    return call.outcome != "ok" or not changes


def _useful(calls: Iterator[Call]) -> Iterator[Call]:
    """Those without answers that can make a difference.

    A result counts once, a deletion too; of the reports with one handle one acknowledges, and one
    more renews, and those that began first may come whenever the others may.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for call in sorted(calls, key=lambda c: c.invoked):
        counts[call.op, call.handle] += 1
        most = {"report": 2, "finish": 1, "fail": 1, "delete": 1}.get(call.op, inf)
        if counts[call.op, call.handle] <= most:
            yield call
