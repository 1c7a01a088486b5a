"""The demo's parts that need no processes."""

from __future__ import annotations

import pytest

from coordinator.commands.demo import count
from coordinator.commands.demo.api import Attempt
from coordinator.commands.demo.app import compare
from coordinator.commands.demo.errors import DemoError
from coordinator.commands.demo.job import Job
from coordinator.commands.demo.losses import losses
from coordinator.commands.demo.story import Killed

CODE = "def one():\n    async def two():\n        pass\n\n\nclass C:\n    three = lambda: 3\n"


@pytest.fixture
def package(tmp_path):
    """A package with two modules, and tests that do not count."""
    folder = tmp_path / "package"
    for name in ("__init__.py", "inner/module.py", "tests/test_it.py", "inner/test/more.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CODE)
    return folder


def test_files_of_a_package(package):
    """All Python files of a package count, save those of its test suites."""
    found = {str(path.relative_to(package)) for path in count.files_of(package)}
    assert found == {"__init__.py", "inner/module.py"}


def test_count(package):
    """Every line counts, and every def, also inner and async ones; a lambda does not."""
    assert count.count_file(package / "__init__.py") == {"files": 1, "lines": 7, "functions": 2}


def test_code_of_another_version(tmp_path):
    """A file that is no Python fails the count, instead of making it too low."""
    path = tmp_path / "old.py"
    path.write_text("print 'old'\n")
    with pytest.raises(SyntaxError):
        count.count_file(path)


def _attempt(task, number, claimed_at, error_id=""):
    return Attempt(task, number, "FINISHED", "B-1-x", claimed_at, error_id)


def test_losses():
    """A further attempt means a lost lease; so does a later hand-out of the same attempt."""
    silent = _attempt("a", 1, 1.0, "ProgressTimeout")
    unheard = _attempt("b", 1, 2.0)
    attempts = [silent, _attempt("a", 2, 5.0), _attempt("b", 1, 6.0), _attempt("c", 1, 3.0)]
    found = list(losses(attempts, Killed("B", 4.0, [silent, unheard])))
    assert [(loss.before, loss.cause, loss.again.claimed_at) for loss in found] == [
        (silent, "ProgressTimeout", 5.0),
        (unheard, "AcknowledgementTimeout", 6.0),
    ]


def test_totals_that_differ(tmp_path):
    """A total that is not what one process counts ends the demo with an error."""
    job = Job({"a": tmp_path}, tmp_path)
    counts = {"files": 1, "lines": 2, "functions": 3}
    count.write(tmp_path / "total.json", counts)
    count.write(tmp_path / "direct.json", counts)
    assert "2 lines and 3 functions" in compare(job)
    count.write(tmp_path / "direct.json", counts | {"lines": 1})
    with pytest.raises(DemoError, match=r"'lines': 2.*'lines': 1"):
        compare(job)
