"""What ``make test`` runs: the suite on several workers, then alone what measures.

A test that asserts a ratio or a latency is marked ``measure``: it has the machine to itself in the
second pass. All arguments go to both passes. Plain ``pytest`` runs everything in one process.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WORKERS = min(4, (os.cpu_count() or 1) + 1)  # most tests wait for something most of the time
# A file stays whole, since its fixtures may be dear, and the slow files come first, as collected.
SPREAD = ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
PASSES = (["--measures", "without", *SPREAD], ["--measures", "only"])


def main(arguments: list[str]) -> int:
    """Run both passes; return 0 if none failed and each had tests (with arguments: one of them)."""
    command = [sys.executable, "-m", "pytest"]
    codes = [
        subprocess.run([*command, *each, *arguments], check=False).returncode for each in PASSES
    ]
    empty = int(pytest.ExitCode.NO_TESTS_COLLECTED)
    failed = [code for code in codes if code not in {0, empty}]
    return failed[0] if failed else (min if arguments else max)(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
