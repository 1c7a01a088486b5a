"""What state machines of Hypothesis run on, and how: the same runs each time; SEED=… others."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from faketime import SteppedServer
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from search_store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.stateful import RuleBasedStateMachine

SEED = os.environ.get("SEED")


@contextmanager
def stepped_stores(**given: Any) -> Iterator[dict[bool, Store]]:
    """The real scripts, and those with batch sizes of one, on one stepped server."""
    server = SteppedServer()
    server.start()
    with (
        closing(Store(server, **given)) as real,
        closing(Store(server, small=True, **given)) as small,
    ):
        yield {False: real, True: small}
    server.close()


def run_machine(
    kind: type[RuleBasedStateMachine], stores: dict[bool, Store], runs: int, steps: int
) -> None:
    """Run a machine, which gets the stores and their server, so often and so long."""
    machine = type("Machine", (kind,), {"stores": stores, "server": stores[True].server})
    if SEED is not None:
        machine = seed(int(SEED))(machine)
    chosen = settings(
        max_examples=runs,
        stateful_step_count=steps,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)
