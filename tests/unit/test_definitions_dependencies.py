"""What activities wait for, how it cascades, and how many runs there may be."""

from __future__ import annotations

import pytest
from definitions import activity, thing

from coordinator.domain.components import compile_components
from coordinator.domain.concurrency import max_active_runs
from coordinator.domain.dependencies import dependencies
from coordinator.domain.validation import validate
from coordinator.domain.view import DefinitionView


def node(object_id, **fields):
    """A data node."""
    return thing(object_id, "S3DataNode", filePath="s3://b/k", **fields)


@pytest.mark.parametrize(
    ("objects", "waits"),
    [
        ([activity("a", dependsOn=["c", "b"])], ("c", "b")),
        ([activity("a", dependsOn=["b", "c", "b"])], ("b", "c")),
        ([activity("a", input="d"), activity("p", output="d")], ("p",)),
        ([activity("a", input="d"), activity("q", output=["e", "d"])], ("q",)),
        (
            [activity("a", input="d"), activity("q", output="d"), activity("p", output="d")],
            ("q", "p"),
        ),
        ([activity("a", dependsOn="b", input="d"), activity("p", output="d")], ("b", "p")),
        ([activity("a", dependsOn="p", input="d"), activity("p", output="d")], ("p",)),
        ([activity("a", input=["e", "d"]), activity("p", output="d")], ("p",)),
        ([activity("a", input="f"), node("f", dependsOn="c")], ("c",)),
        ([activity("a", input="d", output="d")], ()),
        ([activity("a", input="d"), activity("p", input="d")], ()),
        ([activity("a", output="d"), activity("p", output="d")], ()),
        ([activity("a", input="missing")], ()),
    ],
)
def test_an_activity_waits_for_what_it_names_and_for_its_input(objects, waits):
    """Named activities come first, then those that make its data; each once, never itself."""
    rest = [activity("b"), activity("c"), node("d"), node("e")]
    assert dependencies(DefinitionView([*objects, *rest]))["a"] == waits


def test_components_wait_for_the_makers_of_their_data():
    """The positions of producers are among a component's dependencies."""
    objects = [node("d"), activity("a", input="d"), activity("p", output="d")]
    assert [component.depends_on for component in compiled(*objects)] == [(1,), ()]


@pytest.mark.parametrize(
    ("objects", "path"),
    [
        ([activity("A", dependsOn="A")], "'A' → 'A' (dependsOn)"),
        (
            [activity("A", dependsOn="B", output="D"), activity("B", input="D"), node("D")],
            "'A' → 'B' (dependsOn) → 'A' (input 'D')",
        ),
        (
            [
                activity("A", input="D", output="E"),
                activity("B", input="E", output="D"),
                node("D"),
                node("E"),
            ],
            "'A' → 'B' (input 'D') → 'A' (input 'E')",
        ),
    ],
)
def test_a_circle_is_told_with_the_reason_of_each_step(objects, path):
    """The sentence names the activities and what makes each wait for the next."""
    errors = validate(objects).errors
    assert errors == {path[1]: [f"The activity waits for itself, in a circle: {path}."]}


def test_an_activity_may_change_data_in_place():
    """The same node as input and output makes no circle."""
    assert validate([activity("A", input="D", output="D"), node("D")]).errors == {}


@pytest.mark.parametrize(
    ("fields", "setting", "cascades"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"failureAndRerunMode": "CASCADE"}, False, True),
        ({"failureAndRerunMode": "cascade"}, False, True),
        ({"failureAndRerunMode": "None"}, True, False),
    ],
)
def test_a_component_cascades_as_it_says_or_as_the_setting_says(fields, setting, cascades):
    """The mode is read in any case, and inherited."""
    for objects in ([activity("a", **fields)], [thing("Default", **fields), activity("a")]):
        (component,) = compiled(*objects, cascade=setting)
        assert component.cascade is cascades


@pytest.mark.parametrize(
    ("objects", "runs"),
    [
        ([], 1),
        ([thing("Default", scheduleType="ondemand")], 1),
        ([thing("Default", maxActiveInstances="5")], 5),
        ([activity("a", maxActiveInstances="5")], 1),
        ([thing("Default", parent="base"), thing("base", maxActiveInstances="2")], 2),
    ],
)
def test_default_says_how_many_runs_may_be_active(objects, runs):
    """An on-demand pipeline has one active run unless Default allows more."""
    assert max_active_runs(DefinitionView(objects)) == runs


def compiled(*objects, **settings):
    """The components of `objects`."""
    defaults = {"maximum_retries": 2, "retry_delay_ms": 600_000, "resource_groups": {}}
    return compile_components(objects, **defaults | settings)
