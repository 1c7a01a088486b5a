"""docs/evidence.md tells the truth: what it names is there, and its commands run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from replicas import environment

ROOT = Path(__file__).parents[2]
EVIDENCE = (ROOT / "docs" / "evidence.md").read_text()
# The commands as they are run here: what they do in full is hours of work.
SHORT = {
    "make test": None,  # this is it
    "make faults SERVER=valkey MINUTES=10 SEED=101": "make faults SERVER=valkey MINUTES=0.1 SEED=1",
    "make search DEPTH=8": "make search DEPTH=2",
    "make fuzz MINUTES=20": "make fuzz MINUTES=0.1 ONLY=handle",
    "make mutants": "make mutants ONLY=report-skips-the-handle-check",
    "make failover-losses": "make -n failover-losses",  # test_sentinel_losses.py measures
}


def commands() -> list[str]:
    """Return the commands of the page."""
    blocks = re.findall(r"```console\n(.*?)```", EVIDENCE, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_command_is_known():
    """The page names just the commands that are run here."""
    assert sorted(commands()) == sorted(SHORT)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("command", [short for short in SHORT.values() if short])
def test_commands_run(command, tmp_path):
    """Each command of the page does its work and says that nothing is wrong."""
    done = subprocess.run(
        [*command.split(), f"FAULTS_ARGS=--folder {tmp_path}/histories"],
        cwd=ROOT,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_every_path_is_there():
    """Each file that the page names exists."""
    named = set(re.findall(r"`((?:tests|lua|coordinator|deploy)/[\w/.*-]+)`", EVIDENCE))
    assert len(named) > 20
    missing = [path for path in sorted(named) if not list(ROOT.glob(path))]
    assert not missing


def test_every_rule_is_there():
    """Each rule of histories that the page names is a function of the check."""
    source = "".join(path.read_text() for path in (ROOT / "tests/faults").glob("history_*.py"))
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", EVIDENCE))
    rules = {name for name in named if f"def {name}(" in source}
    assert {"one_result", "no_older_handle", "outage_is_not_silence", "ends_as_told"} <= rules


def test_every_fault_is_there():
    """Each kind of fault that the page names is one of the nemesis's."""
    rows = re.findall(r"^\| (near|far) \| (.*?) \|", EVIDENCE, re.MULTILINE)
    named = {name for _, cell in rows for name in cell.split(", ")}
    code = "import campaign, nemesis; print(','.join(nemesis.KINDS))"
    path = f"{ROOT}/tests:{ROOT}/tests/faults:{ROOT}"
    listed = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({}) | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert named == set(listed.stdout.strip().split(","))
