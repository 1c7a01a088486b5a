"""Activities with megabytes of fields: pages end earlier, and queries still have an answer."""

from __future__ import annotations

import pytest
from pipelines import activity, create, ids, item, new_group, put, selector

RUNS = 6
MANY = {f"my{n}": "x" * 10_000 for n in range(300)}  # 3 MB


@pytest.fixture(scope="module")
def large(api):
    """A pipeline with two large activities, activated several times."""
    pipeline = create(api)
    group = new_group()
    put(
        api,
        pipeline,
        item("Default", scheduleType="ondemand", maxActiveInstances=str(RUNS)),
        activity("A", group, **MANY),
        activity("B", group, **MANY),
    )
    for _ in range(RUNS):
        api.activate_pipeline(pipelineId=pipeline)
    return pipeline


def pages(api, pipeline, names):
    """The ids on each page of a description."""
    given = {"pipelineId": pipeline, "objectIds": names}
    found = api.get_paginator("describe_objects").paginate(**given)
    return [[each["id"] for each in page["pipelineObjects"]] for page in found]


def test_a_page_of_large_objects_ends_early(api, large):
    """All of them come, none twice, a few on each page."""
    names = ids(api, large)
    assert len(names) == 2 * RUNS
    found = pages(api, large, names)
    assert [name for page in found for name in page] == names
    assert {len(page) for page in found} == {2}


def test_components_named_again_and_again_make_pages_too(api, large):
    """An answer has a bound whatever it was asked for."""
    names = ["A", "B"] * 3
    assert pages(api, large, names) == [["A", "B"]] * 3


def test_large_objects_can_be_selected(api, large):
    """By a field of the definition, for which each instance is looked at whole."""
    names = ids(api, large)
    kind = selector("type", "EQ", "ShellCommandActivity")
    assert ids(api, large, "INSTANCE", kind) == names
    assert ids(api, large, "INSTANCE", selector("my299", "EQ", "y")) == []
