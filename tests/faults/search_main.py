"""The search by hand: ``make search DEPTH=9``, or ``make search SECONDS=600``.

Without a depth each configuration is searched as deep as the tests do, or as its share of the
seconds allows. Ends with status 1 and the shortest steps to it if anything is broken.
"""

from __future__ import annotations

import sys
from time import monotonic

import click
from rich.console import Console
from rich.table import Table
from search import ViolationError, searching
from search_configs import CONFIGS

COLUMNS = ("configuration", "depth", "states", "steps taken", "run to their end", "seconds")


@click.command()
@click.option("--depth", type=int, default=0, help="Steps in a row; 0: as the tests.")
@click.option("--seconds", type=float, default=0, help="In all; 0: as long as it takes.")
@click.option("--only", multiple=True, type=click.Choice(list(CONFIGS)), help="A configuration.")
def main(depth: int, seconds: float, only: tuple[str, ...]) -> None:
    """Search every interleaving of few tasks, runners and replicas on a real server."""
    names = only or tuple(CONFIGS)
    table = Table(*COLUMNS)
    for name in names:
        far = depth or (0 if seconds else CONFIGS[name].depth)
        share = seconds / len(names) if seconds else float("inf")
        table.add_row(*_search(name, far, share))
    Console().print(table)


def _search(name: str, depth: int, seconds: float) -> list[str]:
    """Search one configuration, and return its row."""
    began = monotonic()
    console = Console(stderr=True)
    try:
        with searching(CONFIGS[name]) as search:
            while not search.done and (not depth or search.depth < depth):
                if not search.deepen(began + seconds):
                    break
                console.print(f"{name}: depth {search.depth}, {search.states:,} states")
    except ViolationError as error:
        console.print(f"[red]{name}[/]")
        sys.exit(str(error))
    counts = (search.depth, search.states, search.transitions, search.ended)
    return [name, *(f"{count:,}" for count in counts), f"{monotonic() - began:.0f}"]


if __name__ == "__main__":
    main()
