"""A search of every interleaving, breadth first: the shortest way to a violation is found first.

States that differ in names and in the time only count as one (`search_view`). What is searched is
in `search_configs`, the steps in `search_steps`, the rules in `search_moment` and `search_rules`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from faketime import SteppedServer
from search_learn import learn, superseded
from search_parts import start
from search_rules import Rules
from search_states import State, Trail, check_data, check_ends, first_state, wait
from search_steps import steps
from search_store import Store
from search_view import canonical, view

from coordinator.errors import PollSupersededError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_parts import Config, Step
    from search_store import Answer
    from search_view import View

ENDS_EVERY = 128


class ViolationError(AssertionError):
    """A rule or an invariant is broken; the message has the steps that lead there."""


class Search:
    """One configuration, searched layer by layer.

    Args:
        store: the scripts on a running server, with the settings of `config`; see `searching`.
        config: what to search.
        ends_every: one in so many states is run to its end.
    """

    def __init__(self, store: Store, config: Config, *, ends_every: int = ENDS_EVERY) -> None:
        self.config = config
        self.store = store
        self.states = self.transitions = self.ended = self.depth = 0
        self.moves: Counter[tuple[str, str, str]] = Counter()
        self._ends_every = ends_every
        self._known: set[bytes] = set()
        self._frontier = [first_state(self.store, config)]
        self._new(self._frontier[0])

    def deepen(self, deadline: float = float("inf")) -> bool:
        """Take every step from every state of the last layer; false if there was no time for it.

        Raises:
            ViolationError: something is broken.
        """
        layer: list[State] = []
        self._frontier.sort(key=lambda state: state.now_ms)
        for state in self._frontier:
            if monotonic() > deadline:
                return False
            layer += self._from(state)
        self._frontier = layer
        self.depth += 1
        return True

    @property
    def done(self) -> bool:
        """Whether every state there is was found."""
        return not self._frontier

    def _from(self, state: State) -> Iterator[State]:
        seen = view(state.data)
        todo = list(steps(self.config, seen, state.clients, state.now_ms))
        silent = [step for step in todo if step.kind in {"wait", "send"}]
        calling = [step for step in todo if step.kind not in {"wait", "send"}]
        self.transitions += len(todo)
        for step in silent:
            yield from self._if_new(self._without_call(state, step, seen))
        if self.store.server.now_ms != state.now_ms:
            self.store.server.set_time(state.now_ms)
        calls = [start(self.store, step, self.config) for step in calling]
        for step, answer in zip(calling, self.store.try_each(state.data, calls), strict=True):
            after = self._after(state, step, seen, answer)
            if after.data != state.data or after.clients != state.clients:
                yield from self._if_new(after)

    def _without_call(self, state: State, step: Step, seen: View) -> State:
        if step.kind == "wait":
            return wait(state, step)
        known = learn(state.clients, step, None, seen, seen, state.now_ms, self.config)
        return state._replace(clients=known, trail=Trail(state.trail, step.words, ""))

    def _after(self, state: State, step: Step, before: View, answer: Answer) -> State:
        trail = Trail(state.trail, step.words, _words(answer))
        try:
            after = before if answer.data == state.data else view(answer.data)
            moment = Rules(self.config, state, step, before, after, answer)
            moment.check()
        except Exception as error:
            raise _violation(error, trail) from error
        self.moves.update((old, new, step.kind) for _, old, new in moment.moves)
        known = state.clients
        if isinstance(answer.error, PollSupersededError):
            known = superseded(known, step)
        elif answer.error is None:
            known = learn(known, step, answer.value, before, after, state.now_ms, self.config)
        return State(answer.data, known, state.now_ms, trail)

    def _if_new(self, state: State) -> Iterator[State]:
        if self._new(state):
            yield state

    def _new(self, state: State) -> bool:
        text = state.clients.text()
        digest = canonical(state.data, text, state.now_ms, self.config.threshold_ms)
        if digest in self._known:
            return False
        self._known.add(digest)
        self.states += 1
        try:
            check_data(state.data, state.now_ms)
            if self.states % self._ends_every == 1:
                self.ended += 1
                check_ends(self.store, state, self.config)
        except Exception as error:
            raise _violation(error, state.trail) from error
        return True


@contextmanager
def searching(config: Config, *, ends_every: int = ENDS_EVERY) -> Iterator[Search]:
    """Begin a search on a server of its own."""
    server = SteppedServer()
    server.start()
    try:
        with closing(Store(server, small=config.small, **config.settings())) as store:
            yield Search(store, config, ends_every=ends_every)
    finally:
        server.close()


def _words(answer: Answer) -> str:
    if answer.error is not None:
        return f"{type(answer.error).__name__}: {answer.error}"
    if hasattr(answer.value, "claim"):
        return f"#{int(answer.value.claim, 16)}"
    return str(answer.value)


def _violation(error: Exception, trail: Trail | None) -> ViolationError:
    lines = trail.lines() if trail else []
    what = f"{type(error).__name__}: {error}"
    return ViolationError("\n".join([what, "after these steps:", *lines]))
