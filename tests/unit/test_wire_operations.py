"""From a name to an operation."""

from __future__ import annotations

import pytest

from coordinator.errors import InvalidRequestError
from coordinator.wire.operations import OPERATIONS, operation_named


def test_an_unknown_operation_is_refused():
    """A name that the API lacks is refused, quoted in part only."""
    with pytest.raises(InvalidRequestError, match="no operation named 'Xx") as refused:
        operation_named("X" + "x" * 10_000)
    assert len(str(refused.value)) < 120


def test_an_operation_is_found():
    """The name leads to the table's entry."""
    assert operation_named("PollForTask") is OPERATIONS["PollForTask"]
