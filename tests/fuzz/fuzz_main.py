"""``make fuzz``: every target for its share of the time, and a table of what was tried.

Exit code 1 says that there are findings. Their inputs stand in ``corpus/``, where the tests replay
them; what they wrote stands in ``reports/``.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from fuzz_runs import LIVE, Row, against_a_replica, under_atheris
from fuzz_targets import TARGETS
from rich.console import Console
from rich.table import Column, Table

MINUTE, LEAST = 60, 5


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    options = _options(arguments)
    names = options.only or [*TARGETS, *LIVE]
    seconds = max(LEAST, int(options.minutes * MINUTE / len(names)))
    console = Console()
    console.print(f"{seconds} s for each of {', '.join(names)}; seed {options.seed}")
    rows = []
    for name in names:
        run = under_atheris if name in TARGETS else against_a_replica
        rows.append(run(name, seconds, options.seed))
        console.print(f"{name}: {rows[-1].tried:,} inputs, {len(rows[-1].findings)} findings")
    console.print(table(rows))
    return int(any(row.findings for row in rows))


def table(rows: list[Row]) -> Table:
    """Make the table of what was tried."""
    made = Table("target", "inputs tried", Column("findings", overflow="fold"), "seconds")
    for row in rows:
        found = "\n".join(map(str, row.findings)) or "0"
        made.add_row(row.target, f"{row.tried:,}", found, f"{row.seconds:.0f}")
    total = sum(len(row.findings) for row in rows)
    seconds = sum(row.seconds for row in rows)
    made.add_section()
    made.add_row("all", f"{sum(row.tried for row in rows):,}", str(total), f"{seconds:.0f}")
    return made


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2, help="in all (default 2)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    parser.add_argument("--only", action="append", choices=[*TARGETS, *LIVE], help="repeatable")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
