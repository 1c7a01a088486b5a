"""The checks that a mutant must not pass, and what one run of a check says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from mutant_tree import Tree
    from mutations import Mutation

# The checkers: their tests, and the part of the sources that they run.
CHECKERS = {
    "history": (("faults/test_history_live.py",), ""),
    "search": (("faults/test_search_small.py",), "lua/"),
    "machine": (("faults/test_state_machine.py",), "lua/"),
}
# In the order of their cost: a few tests take 3 s, the history 7 s, the search 10 s.
KINDS = ("tests", *CHECKERS, "broader")
PYTEST = ("-m", "pytest", "-x", "-q", "-rfE", "--tb=line", "--no-header")
PLUGINS = ("-p", "no:cacheprovider", "-p", "no_shrinking")
FIRST_FAILED = re.compile(r"^(?:FAILED|ERROR) tests/(.+?)(?: - .*)?$", re.MULTILINE)
PASSED, FAILED = 0, 1  # exit codes of pytest; all others say nothing about the code under test
AFTER_TIMEOUT = 30  # for pytest to end by itself when a test has taken too long


class Check(NamedTuple):
    """A run of pytest: tests below `tests/`, and what selects among them."""

    name: str
    tests: tuple[str, ...]
    only: str

    def parts(self) -> list[Check]:
        """The same, one test or file at a time."""
        return [self._replace(tests=(test,)) for test in self.tests]

    def files(self, tree: Tree) -> list[str]:
        """The arguments for pytest; empty if there are no such tests in the tree."""
        found: list[str] = []
        for test in self.tests:
            path, colons, rest = test.partition("::")
            paths = sorted((tree.path / "tests").glob(path))
            found += [f"{path.relative_to(tree.path)}{colons}{rest}" for path in paths]
        return found


class Outcome(NamedTuple):
    """What one run said. `test` failed first, unless `verdict` is passed."""

    check: str
    verdict: str  # passed | failed | hang
    test: str
    seconds: float


class UnusableError(Exception):
    """The check could not be run, so it says nothing."""


def checks_for(mutation: Mutation, tree: Tree, kinds: Collection[str] = KINDS) -> list[Check]:
    """Return the checks of these kinds for a mutant, in order; only those that the tree has."""
    checks = [
        Check("tests", mutation.tests, mutation.only),
        *(
            Check(name, tests, mutation.only)
            for name, (tests, area) in CHECKERS.items()
            if mutation.file.startswith(area)
        ),
        Check("broader", mutation.broader, mutation.only),
    ]
    return [check for check in checks if check.name in kinds and check.files(tree)]


def run(check: Check, tree: Tree, limit: float) -> Outcome:
    """Run a check in a tree; a test that takes longer than `limit` seconds hangs.

    Raises:
        UnusableError: pytest could not run the tests, or found none.
    """
    began = time.monotonic()
    options = ("-k", check.only, f"--timeout={limit:.0f}")
    process = subprocess.Popen(
        [sys.executable, *PYTEST, *PLUGINS, *options, *check.files(tree)],
        cwd=tree.path,
        env=tree.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit + AFTER_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Outcome(check.name, "hang", "", time.monotonic() - began)
    return _outcome(check, process.returncode, output, time.monotonic() - began)


def _outcome(check: Check, code: int, output: str, seconds: float) -> Outcome:
    if code == PASSED:
        return Outcome(check.name, "passed", "", seconds)
    first = FIRST_FAILED.search(output)
    if code != FAILED or first is None:
        raise UnusableError(f"{check.name} ({' '.join(check.tests)}):\n{output[-3000:]}")
    verdict = "hang" if "from pytest-timeout" in output else "failed"
    return Outcome(check.name, verdict, first[1], seconds)
