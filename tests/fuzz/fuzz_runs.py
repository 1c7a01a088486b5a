"""Runs of one target: under atheris, or of tests against a live replica, round after round."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from fuzz_seeds import CORPUS, WORDS

HERE = Path(__file__).parent
REPORTS = HERE / "reports"  # not under version control
TRIED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
ONE_INPUT, MEMORY = 10, 1024  # seconds and MB that no input may take
LIVE_EXAMPLES = 100  # of each property in a round
LIVE = {
    "openapi": "test_fuzz_openapi.py",
    "raw requests": "test_fuzz_requests.py",
    "tampering": "test_fuzz_tampering.py",
}


class Row(NamedTuple):
    """What a run has come to; a finding is the file that repeats it."""

    target: str
    tried: int
    findings: list[Path]
    seconds: float


def under_atheris(name: str, seconds: int, seed: int, keep: Path = CORPUS) -> Row:
    """Run a target until time is up or an input breaks it, which is then kept for replay."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "grown").mkdir()
        (place / "found").mkdir()
        result = subprocess.run(
            _command(name, place, seconds, seed),
            cwd=place,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        output = result.stdout + result.stderr
        found = [_kept(file, keep / name, output) for file in (place / "found").iterdir()]
    tried = TRIED.search(output)
    if tried is None or (result.returncode and not found):
        raise RuntimeError(f"{name} did not run:\n{output[-3000:]}")
    return Row(name, int(tried[1]), found, time.monotonic() - began)


def against_a_replica(name: str, seconds: int, seed: int) -> Row:
    """Run a file of tests with one seed after another until time is up or one fails."""
    began, tried, findings, again = time.monotonic(), 0, [], True
    while again:
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder) / "counts.json"
            result = subprocess.run(
                [
                    *(
                        sys.executable,
                        "-m",
                        "pytest",
                        "-q",
                        "-p",
                        "no:cacheprovider",
                        "--timeout=600",
                    ),
                    *(str(HERE / LIVE[name]), f"--hypothesis-seed={seed}"),
                ],
                cwd=HERE.parents[1],
                env=_environment(FUZZ_EXAMPLES=str(LIVE_EXAMPLES), FUZZ_COUNTS=str(counts), CI="1"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            tried += sum(json.loads(counts.read_text()).values()) if counts.exists() else 0
        if result.returncode:
            findings.append(_report(name, seed, result.stdout + result.stderr))
        seed += 1
        again = not findings and time.monotonic() - began < seconds
    return Row(name, tried, findings, time.monotonic() - began)


def _command(name: str, place: Path, seconds: int, seed: int) -> list[str]:
    given = [str(CORPUS / name)] if (CORPUS / name).exists() else []
    return [
        *(sys.executable, str(HERE / "fuzz_child.py"), name, str(place / "grown"), *given),
        *(f"-max_total_time={seconds}", f"-seed={seed}", f"-dict={WORDS}", "-print_final_stats=1"),
        *(f"-timeout={ONE_INPUT}", f"-rss_limit_mb={MEMORY}"),
        f"-artifact_prefix={place / 'found'}/",
    ]


def _environment(**more: str) -> dict[str, str]:
    paths = [str(HERE), str(HERE.parent), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | more


def _kept(file: Path, folder: Path, output: str) -> Path:
    """Move an input that broke its target to the corpus, and keep what was said of it."""
    folder.mkdir(parents=True, exist_ok=True)
    _report(folder.name, file.name, output)
    return Path(shutil.move(file, folder / file.name))


def _report(name: str, mark: str | int, output: str) -> Path:
    """Keep what a finding has written."""
    REPORTS.mkdir(exist_ok=True)
    report = REPORTS / f"{name.replace(' ', '-')}-{mark}.txt"
    report.write_text(output)
    return report
