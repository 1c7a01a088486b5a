"""Bodies that must be refused: in the errors' shape, within a second, and nothing changes."""

from __future__ import annotations

import pytest
from refusing import REPORT, TARGET
from replicas import CONTENT_TYPE

MEGABYTE = 1 << 20
FIELD = {"key": "k", "stringValue": "v"}


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"{",
        b'{"taskId": }',
        b'{"taskId": "t"} {}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"<xml/>",
        b"taskId=t",
        b'{"taskId": "\xff\xfe"}',
        b'{"taskId": "\xed\xa0\x80"}',
        b"\xff\xfe{\x00}\x00",
        b'{"taskId": "a\nb"}',
        b'{"taskId": "t", "fields": [{"key": "k", "stringValue": "\\ud800"}]}',
        b'{"taskId": NaN}',
    ],
)
def test_what_is_not_json(place, body):
    """The sentence says so, and quotes nothing."""
    assert "request body" in place.refuses_body("ReportTaskProgress", body)


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b'"text"', b"1", b"null", b"true"])
@pytest.mark.parametrize("operation", ["ReportTaskProgress", "CreatePipeline", "ListPipelines"])
def test_json_that_is_no_object(place, operation, body):
    """Also where every member is optional."""
    assert "must be an object" in place.refuses_body(operation, body)


@pytest.mark.parametrize(
    ("operation", "body", "member"),
    [
        ("ReportTaskProgress", {}, "taskId"),
        ("ReportTaskProgress", {"taskId": 1}, "taskId"),
        ("ReportTaskProgress", {"taskId": None}, "taskId"),
        ("ReportTaskProgress", {"taskId": ["t"]}, "taskId"),
        ("ReportTaskProgress", {"taskId": ""}, "taskId"),
        ("ReportTaskProgress", {"taskId": "t" * 2049}, "taskId"),
        ("ReportTaskProgress", {"TaskId": "t"}, "taskId"),
        ("ReportTaskProgress", {"taskId": "t", "fields": {}}, "fields"),
        ("ReportTaskProgress", {"taskId": "t", "fields": [None]}, "fields[0]"),
        ("ReportTaskProgress", {"taskId": "t", "fields": [{}]}, "fields[0].key"),
        ("ReportTaskProgress", {"taskId": "t", "fields": [{"key": "k"}]}, "fields[0]"),
        ("ReportTaskProgress", {"taskId": "t", "fields": [FIELD | {"refValue": "r"}]}, "fields[0]"),
        ("ReportTaskProgress", {"taskId": "t", "fields": [FIELD] * 51}, "fields"),
        (
            "ReportTaskProgress",
            {"taskId": "t", "fields": [FIELD | {"key": "k" * 257}]},
            "fields[0].key",
        ),
        (
            "ReportTaskProgress",
            {"taskId": "t", "fields": [FIELD | {"stringValue": "v" * 10_241}]},
            "fields[0].stringValue",
        ),
        (
            "ReportTaskProgress",
            {"taskId": "t", "fields": [FIELD | {"stringValue": "a\x07b"}]},
            "fields[0].stringValue",
        ),
        (
            "ReportTaskProgress",
            {"taskId": "t", "fields": [FIELD | {"stringValue": "\uffff"}]},
            "fields[0].stringValue",
        ),
        ("SetTaskStatus", {"taskId": "t"}, "taskStatus"),
        ("SetTaskStatus", {"taskId": "t", "taskStatus": "DONE"}, "taskStatus"),
        ("SetTaskStatus", {"taskId": "t", "taskStatus": "finished"}, "taskStatus"),
        ("PollForTask", {}, "workerGroup"),
        ("PollForTask", {"workerGroup": "g" * 1025}, "workerGroup"),
        ("PollForTask", {"workerGroup": "g\x00"}, "workerGroup"),
        ("PollForTask", {"workerGroup": "g", "hostname": ""}, "hostname"),
        ("PollForTask", {"workerGroup": "g", "instanceIdentity": "x"}, "instanceIdentity"),
        ("ReportTaskRunnerHeartbeat", {}, "taskrunnerId"),
        ("ReportTaskRunnerHeartbeat", {"taskrunnerId": "r" * 1025}, "taskrunnerId"),
        ("CreatePipeline", {"name": "n"}, "uniqueId"),
        ("CreatePipeline", {"name": "", "uniqueId": "u"}, "name"),
        ("CreatePipeline", {"name": "n\x1b", "uniqueId": "u"}, "name"),
        ("CreatePipeline", {"name": "n", "uniqueId": "u", "description": 5}, "description"),
        (
            "CreatePipeline",
            {"name": "n", "uniqueId": "u", "tags": [{"key": "k", "value": "v"}] * 11},
            "tags",
        ),
        (
            "CreatePipeline",
            {"name": "n", "uniqueId": "u", "tags": [{"key": "", "value": "v"}]},
            "tags[0].key",
        ),
        ("DescribePipelines", {"pipelineIds": "df-1"}, "pipelineIds"),
        ("DescribePipelines", {"pipelineIds": [""]}, "pipelineIds[0]"),
        ("ListPipelines", {"marker": {}}, "marker"),
        ("DeletePipeline", {"pipelineId": "p" * 1025}, "pipelineId"),
        ("ActivatePipeline", {"pipelineId": "p", "startTimestamp": "now"}, "startTimestamp"),
        ("ActivatePipeline", {"pipelineId": "p", "startTimestamp": -1}, "startTimestamp"),
        ("ActivatePipeline", {"pipelineId": "p", "startTimestamp": 1e300}, "startTimestamp"),
        ("PutPipelineDefinition", {"pipelineId": "p"}, "pipelineObjects"),
        (
            "PutPipelineDefinition",
            {"pipelineId": "p", "pipelineObjects": [{"id": "a", "name": "", "fields": []}]},
            "pipelineObjects[0].name",
        ),
        ("GetPipelineDefinition", {"pipelineId": "p", "version": 1}, "version"),
        ("DescribeObjects", {"pipelineId": "p"}, "objectIds"),
        ("QueryObjects", {"pipelineId": "p"}, "sphere"),
        ("QueryObjects", {"pipelineId": "p", "sphere": "s", "limit": 0}, "limit"),
        ("QueryObjects", {"pipelineId": "p", "sphere": "s", "limit": 1.5}, "limit"),
        ("QueryObjects", {"pipelineId": "p", "sphere": "s", "limit": 10**30}, "limit"),
        (
            "QueryObjects",
            {
                "pipelineId": "p",
                "sphere": "s",
                "query": {"selectors": [{"operator": {"type": "NE"}}]},
            },
            "query.selectors[0].operator.type",
        ),
        ("SetStatus", {"pipelineId": "p", "objectIds": ["a"]}, "status"),
    ],
)
def test_members_that_break_the_model(place, operation, body, member):
    """The sentence names the member."""
    assert f"'{member}'" in place.refuses_body(operation, body)


def test_fifty_one_fields_of_a_running_task_are_refused_whole(place):
    """None of them is stored, and the lease is not renewed."""
    fields = [{"key": f"k{n}", "stringValue": "v"} for n in range(51)]
    body = {"taskId": place.handle, "fields": fields}
    assert "at most 50" in place.refuses_body("ReportTaskProgress", body)
    body["fields"] = fields[1:]
    assert "50 are allowed" in place.refuses_body("ReportTaskProgress", body)


@pytest.mark.parametrize("status", ["DONE", "FALSE", "RUNNING", ""])
def test_a_running_task_is_not_ended_by_an_unknown_status(place, status):
    """Its lease stays."""
    place.refuses_body("SetTaskStatus", {"taskId": place.handle, "taskStatus": status})


@pytest.mark.parametrize("unknown", ["@A_2012-12-12T00:00:00", "A", "é\U0001f600 'a'", "a b:c"])
def test_a_status_for_an_unknown_object_changes_no_other(place, unknown):
    """Refused whole."""
    names = [*place.instances, unknown]
    body = {"pipelineId": place.pipeline, "objectIds": names, "status": "TRY_CANCEL"}
    assert unknown in place.refuses_body("SetStatus", body)


@pytest.mark.parametrize("name", ["a\r\n+OK\r\n$-1", "a\nb", "\r", "\t" * 1024, "n" * 1024])
@pytest.mark.parametrize("operation", ["SetStatus", "DescribeObjects"])
def test_line_ends_in_an_unknown_id_break_nothing(place, operation, name):
    """Neither the sentence nor the protocol that carries the refusal to us."""
    body = {"pipelineId": place.pipeline, "objectIds": [name], "status": "RERUN"}
    assert "'objectIds'" in place.refuses_body(operation, body)
    assert place.replica.post("ListPipelines", {}).status == 200


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"fields":[{"key":'])
@pytest.mark.parametrize("before", [b"", b'{"unknown":', b'{"taskId":"t","fields":'])
def test_deep_nesting(place, before, opening):
    """Neither a crash nor a delay, wherever it stands."""
    place.refuses_body("ReportTaskProgress", before + opening * 200_000)


def test_a_body_of_thirty_megabytes(place):
    """Refused by its length, before it is read; the replica serves on."""
    body = b'{"taskId": "%s"}' % (b"t" * 30 * MEGABYTE)
    assert "COORDINATOR_MAX_BODY" in place.refuses_body("ReportTaskProgress", body, status=413)


def test_a_chunked_body_of_thirty_megabytes(place):
    """It says no length, and is refused when it is too long."""

    def send():
        headers = {TARGET: REPORT, "Content-Type": CONTENT_TYPE}
        return place.replica.send("POST", "/", (b" " * MEGABYTE for _ in range(30)), headers)

    assert "COORDINATOR_MAX_BODY" in place.refuses(send, status=413)


@pytest.mark.parametrize(
    "body",
    [
        b'{"taskId":"' + b"\\n" * 4_000_000,
        b'{"taskId":"' + b"\\u0001" * 1_000_000 + b'","fields":[0]}',
        b'{"fields":[' + b"{}," * 2_000_000,
        b'{"taskId":"t","fields":[{"key":"\\u0001","stringValue":"%s"}]}' % (b"v" * 10_000),
    ],
)
def test_a_large_body_keeps_nobody_waiting(place, body):
    """Whatever is wrong with it is found within a second."""
    place.refuses_body("ReportTaskProgress", body)


def test_unknown_members_are_ignored(place):
    """A later client's members do not matter."""
    body = {"taskId": "t-1", "unknown": [{"deep": [1, 2.5, None]}]}
    sentence = place.refuses_body("ReportTaskProgress", body, name="TaskNotFoundException")
    assert "taskId" in sentence
    assert place.replica.post("ListPipelines", {"unknown": 1}).status == 200
