"""Apply mutants one at a time, and see what catches each.

The unmutated tree passes every check first: else a failure would say nothing. A failure counts if
the same test fails again: on a busy machine one may have been too slow. How long the unmutated tree
took bounds the time of the mutants, so that one that hangs is told from a slow one.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from mutant_checks import Outcome, UnusableError, checks_for, run
from mutant_tree import BrokenMutantError, Tree, copy_of
from mutations import StaleError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mutant_checks import Check
    from mutations import Mutation

    ChecksFor = Callable[[Mutation, Tree], list[Check]]

JOBS = 2
CONTROL_SECONDS = 300
SLOWER, SLACK = 3, 15  # a check hangs when it takes so many times, and seconds, longer


class NoControlError(Exception):
    """The unmutated tree does not pass."""


class Result(NamedTuple):
    """What became of a mutant: the outcomes of the checks that were run, in order.

    `problem` says why the mutant itself is wrong; then nothing else about it counts.
    """

    mutation: Mutation
    outcomes: list[Outcome]
    problem: str = ""

    @property
    def catch(self) -> Outcome | None:
        """What caught it; None if it survived."""
        return next((found for found in self.outcomes if found.verdict != "passed"), None)

    @property
    def seconds(self) -> float:
        """How long the checks took."""
        return sum(outcome.seconds for outcome in self.outcomes)


class Examination:
    """Examines mutants of a snapshot of the tree.

    Args:
        base: the snapshot.
        full: run every check on every mutant, not only up to the first that catches it.
        note: called with a line of text at each step.
        checks: says which checks there are for a mutant.
    """

    def __init__(
        self,
        base: Tree,
        *,
        full: bool,
        note: Callable[[str], None],
        checks: ChecksFor = checks_for,
    ) -> None:
        self._base = base
        self._full = full
        self._note = note
        self._checks = checks
        self._numbers = itertools.count()
        self._control: dict[Check, float] = {}

    def examine(self, mutations: Sequence[Mutation]) -> list[Result]:
        """Return what became of each.

        Raises:
            NoControlError: the unmutated tree does not pass a check.
            UnusableError: a check cannot be run at all.
        """
        checks = [check for mutation in mutations for check in self._checks(mutation, self._base)]
        parts = [part for check in checks if check.name != "broader" for part in check.parts()]
        with ThreadPoolExecutor(JOBS) as pool:
            failed = [test for test in pool.map(self._run_control, dict.fromkeys(parts)) if test]
            if failed:
                raise NoControlError(f"the unmutated tree fails {', '.join(failed)}")
            return list(pool.map(self._judge, mutations))

    def _run_control(self, part: Check) -> str:
        """Run a check without any mutant; return the test that failed, if it does so twice."""
        for _ in range(2):
            outcome = run(part, self._base, CONTROL_SECONDS)
            what = f"control: {part.name} {part.tests[0]} ({outcome.seconds:.1f} s)"
            if outcome.verdict == "passed":
                self._control[part] = outcome.seconds
                self._note(what)
                return ""
            self._note(f"{what} fails: {outcome.test}")
        return outcome.test or part.tests[0]

    def _limit(self, check: Check) -> float:
        """How many seconds a check may take: that depends on what the unmutated tree takes."""
        for part in check.parts():
            if part not in self._control and (test := self._run_control(part)):
                raise UnusableError(f"the unmutated tree fails {test}")
        return SLOWER * sum(self._control[part] for part in check.parts()) + SLACK

    def _judge(self, mutation: Mutation) -> Result:
        result = Result(mutation, [])
        try:
            with copy_of(self._base, f"tree-{next(self._numbers)}") as tree:
                tree.apply(mutation)
                self._check(result, tree)
        except (StaleError, BrokenMutantError, UnusableError) as error:
            result = result._replace(problem=f"{type(error).__name__}: {error}")
        self._note(f"{mutation.name}: {_words(result)}")
        return result

    def _check(self, result: Result, tree: Tree) -> None:
        for check in self._checks(result.mutation, tree):
            if result.catch and (not self._full or check.name == "broader"):
                return
            limit = self._limit(check)
            outcome = run(check, tree, limit)
            if outcome.verdict != "passed":
                suspects = (outcome.test,) if outcome.test else check.tests
                again = run(check._replace(tests=suspects), tree, limit)
                outcome = again._replace(seconds=outcome.seconds + again.seconds)
            result.outcomes.append(outcome)


def _words(result: Result) -> str:
    catch = result.catch
    if result.problem:
        return f"WRONG {result.problem}"
    if catch is None:
        return f"SURVIVED ({result.seconds:.1f} s)"
    return f"caught by {catch.check}: {catch.test or catch.verdict} ({result.seconds:.1f} s)"
