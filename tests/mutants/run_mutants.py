"""Break the promises on purpose, one at a time, and see that something notices.

Exits with 1 if a mutant survives, with 2 if the list or the unmutated tree is wrong.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click
from examination import Examination, NoControlError
from mutant_checks import KINDS, UnusableError, checks_for
from mutant_report import as_json, matrix, summary, table
from mutant_tree import snapshot
from mutations import mutations
from rich.console import Console

if TYPE_CHECKING:
    from examination import Result

WIDTH = 180  # where there is no terminal
SURVIVED, WRONG = 1, 2


@click.command()
@click.option("--only", multiple=True, help="Examine only the mutant of this name; repeatable.")
@click.option("--full", is_flag=True, help="Run every checker on every mutant.")
@click.option("--check", "kinds", multiple=True, type=click.Choice(KINDS), help="Run these only.")
@click.option("--json", "json_wanted", is_flag=True, help="Write JSON instead of tables.")
def main(only: tuple[str, ...], kinds: tuple[str, ...], *, full: bool, json_wanted: bool) -> None:
    """Apply mutants and report what catches them."""
    progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        chosen = mutations(only)
        with snapshot() as base:
            checks = partial(checks_for, kinds=kinds or KINDS)
            examination = Examination(base, full=full, note=progress.print, checks=checks)
            results = examination.examine(chosen)
    except KeyError as error:
        raise click.UsageError(f"There is no mutant {error}.") from None
    except (NoControlError, UnusableError) as error:
        progress.print(f"{type(error).__name__}: {error}", style="bold red")
        sys.exit(WRONG)
    if json_wanted:
        click.echo(as_json(results))
    else:
        _show(results, full=full)
    progress.print(summary(results))
    sys.exit(_code(results))


def _show(results: list[Result], *, full: bool) -> None:
    out = Console()
    if not out.is_terminal:
        out.width = WIDTH
    out.print(table(results))
    if full:
        out.print(matrix(results))


def _code(results: list[Result]) -> int:
    if any(result.problem for result in results):
        return WRONG
    return SURVIVED if any(result.catch is None for result in results) else 0


if __name__ == "__main__":
    main()
