"""The list of mutants fits the code, the runner tells a catch from a survivor, and some are caught.

`make mutants` examines all of them; here it is a few, others each day, or those that the
environment names: ``MUTANTS=name,name``.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from examination import Examination, NoControlError
from mutant_checks import Check, UnusableError, checks_for, run
from mutant_tree import snapshot
from mutations import ROOT, Mutation, StaleError, mutations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutant_tree import Tree

pytestmark = pytest.mark.timeout(300)
A_DAY = 4
BACKOFF = "coordinator/store/backoff.py"
QUICK = ("integration/test_script_shards.py::test_number_only_grows",)


@pytest.fixture
def tree() -> Iterator[Tree]:
    """A copy of the sources."""
    with snapshot() as made:
        yield made


def changed(**what: object) -> Mutation:
    """A mutation of grow_shards that changes nothing but a comment, but for `what`."""
    comment = Mutation(
        name="comment",
        file="lua/grow_shards.lua",
        promise=0,
        breaks="Nothing.",
        old="local counts = redis.call",
        new="-- the shards\nlocal counts = redis.call",
        tests=QUICK,
    )
    return msgspec.structs.replace(comment, **what)


only_tests = partial(checks_for, kinds=("tests",))


def of_today() -> list[Mutation]:
    """Return the mutants that the environment names, or those of today."""
    named = os.environ.get("MUTANTS", "")
    found = mutations(tuple(name for name in named.split(",") if name))
    if named:
        return found
    day = dt.datetime.now(dt.UTC).toordinal()
    return [found[(day * A_DAY + turn) % len(found)] for turn in range(A_DAY)]


def test_every_mutant_fits_the_code() -> None:
    """What each mutant replaces is there exactly once, and so are the tests that it names."""
    for mutation in mutations():
        text = (ROOT / mutation.file).read_text("utf-8")
        assert mutation.applied(text) != text, mutation.name
        assert mutation.breaks.endswith("."), mutation.name
        for test in mutation.tests:
            path, _, function = test.partition("::")
            files = list((ROOT / "tests").glob(path))
            assert files, f"{mutation.name}: {test}"
            assert all(f"def {function}" in file.read_text("utf-8") for file in files), test


def test_a_text_that_is_not_there_once_is_refused(tree: Tree) -> None:
    """A mutant that the code has moved away from is an error, never a success."""
    for old in ("no such text", "redis.call"):
        mutation = changed(old=old)
        with pytest.raises(StaleError, match="has its text"):
            tree.apply(mutation)


def test_a_mutant_that_does_not_load_is_refused(tree: Tree) -> None:
    """Neither a script or module that does not parse, nor one that names nothing, is a catch."""
    mistakes = [
        changed(new="local local counts = redis.call"),
        changed(new="local counts = redes.call"),
        changed(file=BACKOFF, old="FIRST_SECONDS = 0", new="FIRST_SECONDS = = 0"),
        changed(file=BACKOFF, old="FIRST_SECONDS = 0", new="FURST_SECONDS = 0"),
    ]
    examination = Examination(tree, full=False, note=print, checks=lambda *_: [])
    for found in examination.examine(mistakes):
        assert "BrokenMutantError" in found.problem
        assert not found.outcomes


def test_a_comment_survives_and_a_mistake_does_not(tree: Tree) -> None:
    """What changes nothing passes its check; what breaks the tested behaviour is caught."""
    mistake = changed(name="mistake", old="if count < now then", new="if count < 0 then")
    examination = Examination(tree, full=False, note=print, checks=only_tests)
    comment, caught = examination.examine([changed(), mistake])
    assert not comment.problem
    assert comment.catch is None
    assert caught.catch is not None
    assert caught.catch.test.startswith(QUICK[0])


def test_the_unmutated_tree_must_pass(tree: Tree) -> None:
    """Where the tests fail without any mutant, nothing is examined."""
    tree.apply(changed(old="if count < now then", new="if count < 0 then"))
    examination = Examination(tree, full=False, note=print, checks=only_tests)
    with pytest.raises(NoControlError, match="test_number_only_grows"):
        examination.examine([changed()])


def test_no_tests_are_no_catch(tree: Tree) -> None:
    """A check that selects nothing says nothing."""
    with pytest.raises(UnusableError):
        run(Check("tests", QUICK, "no such test"), tree, 60)


def test_a_hang_is_named(tree: Tree) -> None:
    """A script that does not end is caught by the time that it takes."""
    tree.apply(changed(new="while count do end\nlocal counts = redis.call"))
    outcome = run(Check("tests", QUICK, changed().only), tree, 2)
    assert outcome.verdict == "hang"


def test_processes_of_the_tests_import_the_copy(tree: Tree) -> None:
    """The scripts and modules of a process that is started elsewhere are the mutated ones."""
    tree.apply(changed())
    shown = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", "lua", "show", "grow_shards"],
        cwd="/",
        env=tree.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-- the shards" in shown.stdout


def test_the_mutants_of_today_are_caught(tree: Tree) -> None:
    """A few mutants, others each day: the tests of their area catch each of them."""
    today = of_today()
    print("mutants:", ", ".join(mutation.name for mutation in today))  # noqa: T201
    results = Examination(tree, full=False, note=print, checks=only_tests).examine(today)
    assert not [result.problem for result in results if result.problem]
    assert not [result.mutation.name for result in results if result.catch is None]
