"""What the examination found, as tables and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mutant_checks import CHECKERS
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from examination import Result
    from mutant_checks import Outcome

COLUMNS = ("tests", *CHECKERS)


def table(results: list[Result]) -> Table:
    """Show each mutant, what it breaks and what caught it."""
    made = Table(title="Mutants", show_lines=True)
    for heading in ("mutant", "file", "promise", "breaks", "caught by"):
        made.add_column(heading, overflow="fold")
    made.add_column("s", justify="right")
    for result in results:
        mutation, catch = result.mutation, result.catch
        made.add_row(
            mutation.name,
            mutation.file,
            str(mutation.promise or ""),
            mutation.breaks,
            escape(result.problem) or (_catch(catch) if catch else "[bold red]nothing"),
            f"{result.seconds:.1f}",
        )
    return made


def matrix(results: list[Result]) -> Table:
    """Show which of the checkers catch each mutant."""
    made = Table(title="Which check catches which mutant")
    made.add_column("mutant", overflow="fold")
    for heading in COLUMNS:
        made.add_column(heading, justify="center")
    for result in results:
        verdicts = _verdicts(result)
        made.add_row(result.mutation.name, *(_cell(verdicts.get(name)) for name in COLUMNS))
    made.add_section()
    made.add_row("caught", *(str(_caught_by(name, results)) for name in COLUMNS))
    return made


def summary(results: list[Result]) -> str:
    """Say how many were caught, and name those that were not."""
    good = [result for result in results if not result.problem]
    wrong = [result.mutation.name for result in results if result.problem]
    survivors = [result.mutation.name for result in good if result.catch is None]
    counts = ", ".join(
        f"{sum(result.catch is not None and result.catch.check == name for result in good)} "
        f"by {name}"
        for name in (*COLUMNS, "broader")
    )
    line = f"{len(good) - len(survivors)} of {len(results)} mutants caught ({counts})"
    for heading, names in (("survived", survivors), ("wrong in the list", wrong)):
        line += f"; {heading}: {', '.join(names)}" if names else ""
    return line


def as_json(results: list[Result]) -> str:
    """Return everything as JSON."""
    rows = [
        {
            "mutant": result.mutation.name,
            "file": result.mutation.file,
            "promise": result.mutation.promise,
            "breaks": result.mutation.breaks,
            "problem": result.problem,
            "caught": result.catch is not None,
            "checks": [outcome._asdict() for outcome in result.outcomes],
        }
        for result in results
    ]
    return json.dumps(rows, indent=1)


def _catch(outcome: Outcome) -> str:
    hang = " (hang)" if outcome.verdict == "hang" else ""
    return f"{outcome.check}{hang}: {outcome.test.rpartition('::')[2]}"


def _verdicts(result: Result) -> dict[str, str]:
    """By checker; what the tests of the whole area say counts as tests."""
    names = {"broader": "tests"}
    return {names.get(o.check, o.check): o.verdict for o in result.outcomes}


def _caught_by(name: str, results: list[Result]) -> int:
    return sum(_verdicts(result).get(name, "passed") != "passed" for result in results)


def _cell(verdict: str | None) -> str:
    return {"failed": "[green]caught", "hang": "[green]hang", "passed": "-"}.get(verdict or "", "")
