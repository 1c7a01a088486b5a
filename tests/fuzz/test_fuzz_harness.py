"""The fuzzer itself: a planted bug is noticed, and what was ever found stays fixed."""

from __future__ import annotations

import os

import fuzz_runs
import pytest
from fuzz_main import main
from fuzz_runs import under_atheris
from fuzz_seeds import CORPUS, replayed
from fuzz_targets import PLANTED, TARGETS, target_named


@pytest.fixture
def fuzzer():
    """Atheris, which not every machine has a wheel of."""
    if os.environ.get("CI"):
        return __import__("atheris")
    return pytest.importorskip("atheris", reason="there is no wheel of atheris for this machine")


@pytest.mark.usefixtures("fuzzer")
def test_a_planted_bug_is_found_kept_and_replayed(tmp_path):
    """Four bytes have to be right: no guessing comes upon them in the time."""
    row = under_atheris(PLANTED, 60, seed=1, keep=tmp_path)
    assert row.tried > 100
    (finding,) = row.findings
    assert finding.parent == tmp_path / PLANTED
    with pytest.raises(IndexError):
        target_named(PLANTED).load()(finding.read_bytes())


@pytest.mark.usefixtures("fuzzer")
def test_the_command_prints_what_it_tried(capsys):
    """A line for each target, and no findings where there are none."""
    assert main(["--minutes", "0.1", "--only", "handle", "--seed", "7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "6 s for each of handle; seed 7"
    (row,) = [line for line in lines if line.startswith("│ handle")]
    assert int(row.split("│")[2].replace(",", "")) > 100
    assert row.split("│")[3].strip() == "0"


PLANTED_TEST = """
import os, pathlib

def test_planted():
    pathlib.Path(os.environ["FUZZ_COUNTS"]).write_text('{"planted": 7}')
    assert os.environ["FUZZ_EXAMPLES"] == "0", "planted"
"""


def test_a_test_that_fails_is_a_finding(monkeypatch, tmp_path):
    """It is reported with its seed, and what it had tried is counted."""
    (tmp_path / "test_planted.py").write_text(PLANTED_TEST)
    monkeypatch.setitem(fuzz_runs.LIVE, "planted", str(tmp_path / "test_planted.py"))
    monkeypatch.setattr(fuzz_runs, "REPORTS", tmp_path / "reports")
    row = fuzz_runs.against_a_replica("planted", 60, seed=8)
    assert (row.target, row.tried) == ("planted", 7)
    assert row.findings == [tmp_path / "reports" / "planted-8.txt"]
    assert "AssertionError: planted" in row.findings[0].read_text()


FILES = [(name, path) for name in TARGETS for path in replayed(name)]


@pytest.mark.parametrize(("name", "path"), FILES, ids=[f"{n}-{p.name}" for n, p in FILES])
def test_a_file_of_the_corpus_is_no_finding(name, path):
    """Neither a seed nor what a long run has ever come upon."""
    target_named(name).load()(path.read_bytes())


def test_the_corpus_is_of_targets():
    """No file is replayed by nobody."""
    assert {folder.name for folder in CORPUS.iterdir()} <= set(TARGETS)
    assert len(FILES) >= 10
