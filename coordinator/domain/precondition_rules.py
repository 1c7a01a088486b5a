"""Rules about preconditions. Each yields the id of an object and what keeps it from being run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.durations import parse_duration
from coordinator.domain.expressions import has_expression
from coordinator.domain.field_rules import MAX_ACTIVITY_ID
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.preconditions import TIMEOUT, checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.preconditions import Check
    from coordinator.domain.view import DefinitionView


def long_precondition_ids(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The ids of a precondition's instances and attempts can be referred to."""
    for check in _checks(view):
        if len(check.id) > MAX_ACTIVITY_ID:
            yield (
                check.precondition,
                (
                    f"The precondition of '{check.activity}' would run under an id of "
                    f"{len(check.id)} characters, which may have {MAX_ACTIVITY_ID}: shorten both."
                ),
            )


def unreadable_timeouts(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The timeout of a precondition of a type that nobody knows can be read as those of others."""
    for ref in dict.fromkeys(check.precondition for check in _checks(view)):
        if view.types[ref] in OBJECT_TYPES:
            continue  # another rule has looked at it
        for text in view.inherited[ref].strings(TIMEOUT):
            try:
                if not has_expression(text):
                    parse_duration(text)
            except ValueError as error:
                yield ref, f"'{TIMEOUT}' {error}."


def _checks(view: DefinitionView) -> Iterator[Check]:
    return (check for found in checks(view).values() for check in found)


PRECONDITION_RULES = (long_precondition_ids, unreadable_timeouts)
