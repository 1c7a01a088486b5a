"""Definitions that this version must not run as they are."""

from __future__ import annotations

import pytest
from definitions import activity, thing

from coordinator.domain.validation import MAX_FINDINGS, MORE, validate
from coordinator.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"onLateAction": "p"}, "'onLateAction' needs a 'lateAfterTimeout'"),
        ({"workerGroup": "g" * 1025}, "'workerGroup' must be at most 1024 characters"),
    ],
)
def test_what_would_run_otherwise_than_meant_is_an_error(fields, error):
    """An activity that this version cannot run as it is written is not run at all."""
    found = validate([activity("a", **fields), thing("p", "Exists")])
    assert [sentence.startswith(error) for sentence in found.errors["a"]] == [True]


def test_inheritance_is_bounded_in_size():
    """A small definition cannot inherit its way to more than 64 MB."""
    default = thing("Default", **{f"k{i}": "x" * 10_000 for i in range(40)})
    with pytest.raises(InvalidRequestError, match="64 MB"):
        validate([default, *(activity(f"a{i}") for i in range(200))])


def test_data_nodes_are_bounded_in_what_they_connect():
    """A thousand activities cannot all wait for a thousand others through one data node."""
    objects = [activity(f"a{i}", input="d", output="d") for i in range(800)]
    objects.append(thing("d", "S3DataNode", filePath="s3://b/k"))
    with pytest.raises(InvalidRequestError, match="more than 500,000 dependencies"):
        validate(objects)


def test_an_object_has_a_bounded_number_of_findings():
    """Somebody who gets everything wrong gets a list that can be read."""
    wrong = activity("a", **{f"x{i}": "y" for i in range(MAX_FINDINGS + 1)})
    assert validate([wrong]).warnings["a"][MAX_FINDINGS - 1 :] == [MORE]
    bearable = activity("a", **{f"x{i}": "y" for i in range(MAX_FINDINGS - 1)})
    assert MORE not in validate([bearable]).warnings["a"]
