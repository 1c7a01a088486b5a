"""What is searched: few tasks each, and all that can happen to them of one kind of trouble."""

from __future__ import annotations

from search_parts import Config
from seeds import component

ONE = (component("A", maximum_retries=1),)
DELAYED = component("A", maximum_retries=1, retry_delay_ms=3000, attempt_timeout_ms=9000)
LAST = component("B", needs=[0], maximum_retries=0)
PAIR = (component("A", maximum_retries=0), component("B", maximum_retries=0))
CHAIN = (component("A", maximum_retries=0), LAST)
MESH = (*CHAIN, component("C", needs=[0, 1], maximum_retries=0))
OPERATOR = frozenset({"cancel", "rerun", "delete"})
TAKEN = "ready to leased, leased to ready, leased to terminal"

CONFIGS = {
    config.name: config
    for config in (
        Config(
            "one task",
            depth=8,
            quick=6,
            parts=ONE,
            extra=OPERATOR | {"repeats"},
            reaches=f"{TAKEN}, ready to terminal, terminal to ready, any to gone",
        ),
        Config(
            "lost answers",
            depth=6,
            quick=6,
            parts=CHAIN[:1],
            extra=frozenset({"polls"}),
            reaches=TAKEN,
        ),
        Config(
            "delays",
            depth=10,
            quick=8,
            parts=(DELAYED,),
            extra=frozenset({"fields", "cancel", "edges"}),
            reaches=f"{TAKEN}, leased to delayed, delayed to ready, delayed to terminal",
        ),
        Config(
            "outages",
            depth=7,
            quick=6,
            parts=PAIR,
            extra=frozenset({"outage"}),
            threshold_ms=20_000,
            reaches=TAKEN,
        ),
        Config(
            "two tasks",
            depth=7,
            quick=6,
            parts=CHAIN,
            extra=OPERATOR,
            reaches=f"{TAKEN}, blocked to ready, blocked to terminal, terminal to blocked",
        ),
        Config(
            "cursors",
            depth=7,
            quick=5,
            parts=MESH,
            extra=OPERATOR,
            small=True,
            reaches=f"{TAKEN}, none to ready, none to blocked, blocked to ready, any to gone",
        ),
        Config(
            "starts",
            depth=7,
            quick=5,
            parts=CHAIN,
            extra=frozenset({"activate", "delete", "repeats"}),
            small=True,
            reaches="none to ready, none to blocked, ready to leased, any to gone",
        ),
        Config(
            "activation",
            depth=9,
            quick=7,
            parts=CHAIN,
            extra=frozenset({"stage", "delete", "repeats"}),
            reaches="none to ready, none to blocked",
        ),
        Config(
            "everything",
            depth=4,
            quick=4,
            parts=(DELAYED, LAST),
            extra=OPERATOR | {"polls", "fields", "edges", "outage", "repeats"},
            threshold_ms=20_000,
            reaches=f"{TAKEN}, leased to delayed, blocked to ready",
        ),
    )
}
