"""The objects that a task carries besides its own: what its work needs."""

from __future__ import annotations

from pipelines import (
    Ref,
    activity,
    all_values,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    start,
    task_fields,
    values,
)

NODE = {"type": "S3DataNode", "workerGroup": "other"}


def needed(task):
    """The objects besides the attempt's own, as {id: fields}."""
    return {
        key: values(found) for key, found in task["objects"].items() if key != task["attemptId"]
    }


def test_data_formats_and_databases_come_along(api):
    """What the activity refers to, and what that refers to in turn, under the definition's ids."""
    group = new_group()
    start(
        api,
        item("Csv", type="CSV", column=["a INT", "b STRING"]),
        item("In", **NODE, filePath="s3://b/in", dataFormat=Ref("Csv")),
        item(
            "Db",
            type="JdbcDatabase",
            connectionString="sqlite://",
            jdbcDriverClass="none",
            username="me",
            **{"*password": "hunter2"},
        ),
        item("Out", type="SqlDataNode", table="t", database=Ref("Db"), insertQuery="insert"),
        activity("Copy", group, type="CopyActivity", input=Ref("In"), output=Ref("Out")),
    )
    task = poll(api, group)
    found = needed(task)
    assert sorted(found) == ["Csv", "Db", "In", "Out"]
    assert found["In"]["dataFormat"] == "Csv"
    assert found["Db"]["*password"] == "hunter2"
    columns = [f["stringValue"] for f in task["objects"]["Csv"]["fields"] if f["key"] == "column"]
    assert columns == ["a INT", "b STRING"]
    assert task_fields(task)["input"] == "In"
    assert all_values(task, "type") == ["CopyActivity"]


def test_expressions_are_those_of_the_instance(api):
    """Paths of data nodes are worked out for the run that the task belongs to, Default's too."""
    group = new_group()
    pipeline = start(
        api,
        item("Default", root="s3://bucket"),
        item("In", **NODE, filePath="#{root}/#{@scheduledStartTime}/#{@pipelineId}"),
        activity("Reads", group, input=Ref("In")),
    )
    task = poll(api, group)
    (instance,) = ids(api, pipeline)
    (described,) = describe(api, pipeline, instance)
    scheduled = described["@scheduledStartTime"]
    assert needed(task)["In"]["filePath"] == f"s3://bucket/{scheduled}/{pipeline}"


def test_what_the_coordinator_goes_by_does_not(api):
    """Dependencies, parents, actions and the like stay out."""
    group = new_group()
    start(
        api,
        item("Base", shared="x"),
        item("Tell", type="SnsAlarm", topicArn="t", subject="s", message="m", role="r"),
        activity("First", group),
        activity("Second", group, dependsOn=Ref("First"), parent=Ref("Base"), onFail=Ref("Tell")),
    )
    finish(api, poll(api, group))
    assert not needed(poll(api, group))


def test_circles_and_repeats_come_once(api):
    """Objects that refer to each other end the search."""
    group = new_group()
    start(
        api,
        item("A", other=Ref("B")),
        item("B", other=[Ref("A"), Ref("B")]),
        activity("Act", group, mine=[Ref("A"), Ref("A")]),
    )
    assert sorted(needed(poll(api, group))) == ["A", "B"]


def test_at_most_a_hundred(api):
    """A task carries the first hundred objects that it refers to."""
    group = new_group()
    nodes = [item(f"N{n:03}", **NODE, filePath=f"s3://b/{n}") for n in range(102)]
    refs = [Ref(node["id"]) for node in nodes]
    start(api, *nodes, activity("Act", group, input=refs))
    assert sorted(needed(poll(api, group))) == [f"N{n:03}" for n in range(100)]


def test_an_expression_that_cannot_be_worked_out(api):
    """The task fails for good, with the object and the field that are wrong."""
    group = new_group()
    pipeline = start(
        api,
        item("In", **NODE, zero="#{minute(@actualStartTime) * 0}", filePath="s3://b/#{1 / zero}"),
        activity("Reads", group, input=Ref("In"), maximumRetries="0"),
    )
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    (described,) = describe(api, pipeline, *ids(api, pipeline))
    assert described["@status"] == "FAILED"
    assert "Field 'filePath' of object 'In'" in described["errorMessage"]
