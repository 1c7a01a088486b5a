"""Definitions that this version must not run as they are."""

from __future__ import annotations

import pytest
from definitions import activity, thing

from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"command": "echo #{x}"}, "'command' has an expression"),
        ({"precondition": "=p"}, "'precondition' is not available"),
        ({"workerGroup": "g" * 1025}, "'workerGroup' must be at most 1024 characters"),
    ],
)
def test_what_would_run_otherwise_than_meant_is_an_error(fields, error):
    """An activity that this version cannot run as it is written is not run at all."""
    found = validate([activity("a", **fields), thing("p", "Exists")])
    assert [sentence.startswith(error) for sentence in found.errors["a"]] == [True]


def test_an_inherited_expression_is_an_error_too():
    """What an activity runs is what it has, from wherever."""
    assert "a" in validate([thing("Default", command="#{x}"), activity("a")]).errors


def test_inheritance_is_bounded_in_size():
    """A small definition cannot inherit its way to more than 64 MB."""
    default = thing("Default", **{f"k{i}": "x" * 10_000 for i in range(40)})
    with pytest.raises(InvalidRequestError, match="64 MB"):
        validate([default, *(activity(f"a{i}") for i in range(200))])
