"""Dependencies that data nodes make: who reads waits for who writes."""

from __future__ import annotations

from pipelines import (
    Ref,
    activity,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    start,
    statuses,
)


def node(object_id, **fields):
    """A data node."""
    return item(object_id, type="S3DataNode", filePath="s3://bucket/key", **fields)


def test_an_input_waits_for_those_that_have_it_as_output(api):
    """For all of them, in the order of nothing but their ends; data nodes have no instances."""
    group = new_group()
    pipeline = start(
        api,
        node("Data"),
        activity("Reads", group, input=Ref("Data")),
        activity("Writes", group, output=Ref("Data")),
        activity("WritesToo", group, output=[Ref("Data"), Ref("More")]),
        node("More"),
    )
    assert statuses(api, pipeline) == {
        "Reads": "WAITING_ON_DEPENDENCIES",
        "Writes": "WAITING_FOR_RUNNER",
        "WritesToo": "WAITING_FOR_RUNNER",
    }
    one, two, three = ids(api, pipeline)
    (found,) = api.describe_objects(pipelineId=pipeline, objectIds=[one])["pipelineObjects"]
    waited = [f["stringValue"] for f in found["fields"] if f["key"] == "@waitingOn"]
    assert waited == [two, three]
    finish(api, poll(api, group))
    assert statuses(api, pipeline)["Reads"] == "WAITING_ON_DEPENDENCIES"
    finish(api, poll(api, group))
    last = poll(api, group)
    assert last["attemptId"].startswith("@Reads_")


def test_an_input_waits_for_what_its_data_node_depends_on(api):
    """A data node is ready when its own dependencies are."""
    group = new_group()
    pipeline = start(
        api,
        activity("First", group),
        node("Data", dependsOn=Ref("First")),
        activity("Reads", group, input=Ref("Data")),
    )
    assert statuses(api, pipeline)["Reads"] == "WAITING_ON_DEPENDENCIES"
    finish(api, poll(api, group))
    assert statuses(api, pipeline)["Reads"] == "WAITING_FOR_RUNNER"


def test_a_data_node_that_is_read_and_written_by_one_activity_is_no_circle(api):
    """It does not wait for itself."""
    group = new_group()
    pipeline = start(api, node("Data"), activity("A", group, input=Ref("Data"), output=Ref("Data")))
    assert statuses(api, pipeline) == {"A": "WAITING_FOR_RUNNER"}
    (name,) = ids(api, pipeline)
    (fields,) = describe(api, pipeline, name)
    assert (fields["input"], fields["output"]) == ("Data", "Data")


def test_a_circle_through_data_nodes_is_an_error(api):
    """The sentence tells the way round."""
    found = api.put_pipeline_definition(
        pipelineId=create(api),
        pipelineObjects=[
            node("One"),
            node("Two"),
            activity("A", "g", input=Ref("One"), output=Ref("Two")),
            activity("B", "g", input=Ref("Two"), output=Ref("One")),
        ],
    )
    assert found["errored"]
    assert any("circle" in text for each in found["validationErrors"] for text in each["errors"])
