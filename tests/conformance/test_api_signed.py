"""Calls that must be signed: whose they are, what their roles let them do, and who is let in."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from unittest import mock

import botocore.auth
import pytest
from botocore.exceptions import ClientError
from gate import KINDS, PAIRS, error
from installed_clients import AwsCli, run_script
from pipelines import activity, create, every_call, finish, ids, new_group, poll, put, start
from replicas import Pair
from runner_process import RunnerProcess
from signing import signed
from waiting import wait_until

from coordinator.domain.credentials import READS, TASK_CALLS
from coordinator.wire.operations import OPERATIONS

UNKNOWN = "df-AAAA7777777777777777"
DENIED = "AccessDeniedException"


@pytest.fixture
def api_of(gate):
    """Make boto3 clients of `gate` by the name of a credential."""
    made = []

    def client(name):
        made.append(gate.replica.client_of(PAIRS[name]))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def task(api_of):
    """A task of worker group etl-…, handed out to `runner`: pipeline, group, handle."""
    operator, group = api_of("operator"), f"etl-{new_group()}"
    pipeline = start(operator, activity("A", group))
    return pipeline, group, poll(api_of("runner"), group)["taskId"]


def test_a_pipeline_from_its_creation_to_its_end(api_of):
    """An operator makes it, a runner works on it, a viewer looks."""
    operator, runner, viewer = map(api_of, ("operator", "runner", "viewer"))
    group = f"etl-{new_group()}"
    pipeline = start(operator, activity("A", group))
    handed = poll(runner, group)
    assert runner.report_task_progress(taskId=handed["taskId"])["canceled"] is False
    assert not runner.report_task_runner_heartbeat(taskrunnerId="r", workerGroup=group)["terminate"]
    finish(runner, handed)
    assert len(ids(viewer, pipeline)) == 1
    (described,) = viewer.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    assert {"key": "@accountId", "stringValue": "data"} in described["fields"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("who", ["viewer", "runner", "operator", "anywhere"])
def test_each_role_has_its_operations(gate, who, operation):
    """What it may not do is refused by name, with the role that may, and changes nothing."""
    calls = {"viewer": READS, "runner": TASK_CALLS, "anywhere": READS | TASK_CALLS}
    members = every_call(UNKNOWN, "unknown")[operation]
    if operation == "PollForTask":
        members = {"workerGroup": f"etl-{new_group()}"}
    before = gate.state()
    answer = gate.call(who, operation, members)
    if who == "operator" or operation in calls[who]:
        assert answer.status == 200 or error(answer)[0] != DENIED
        return
    name, sentence = error(answer)
    assert name == DENIED
    assert f"User: {PAIRS[who].access_key} is not" in sentence
    assert f"datapipeline:{operation}:" in sentence
    assert "operator" in sentence
    assert gate.state() == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_account_is_a_wall(gate, task, operation):
    """Its pipelines and handles are as unknown as those that nobody has."""
    pipeline, _, handle = task
    before = gate.state()
    members = every_call(pipeline, handle)[operation]
    if operation in {"CreatePipeline", "ListPipelines", "PollForTask", "ReportTaskRunnerHeartbeat"}:
        return  # they name nothing; below
    name, _ = error(gate.call("stranger", operation, members))
    assert name == ("TaskNotFoundException" if "taskId" in members else "PipelineNotFoundException")
    assert gate.state() == before


def test_what_accounts_share_is_nothing(api_of):
    """Not the list, nor names, nor worker groups, nor who polls them."""
    ours, theirs = api_of("operator"), api_of("stranger")
    same, group = uuid.uuid4().hex, f"etl-{new_group()}"
    first = ours.create_pipeline(name="n", uniqueId=same)["pipelineId"]
    second = theirs.create_pipeline(name="n", uniqueId=same)["pipelineId"]
    assert first != second
    listed = [
        {row["id"] for row in who.list_pipelines()["pipelineIdList"]} for who in (ours, theirs)
    ]
    assert first in listed[0] - listed[1]
    assert second in listed[1] - listed[0]
    put(ours, first, activity("A", group))
    ours.activate_pipeline(pipelineId=first)
    assert "taskObject" not in theirs.poll_for_task(workerGroup=group)
    assert poll(ours, group)["pipelineId"] == first


def test_a_runner_works_for_its_groups_only(gate, task):
    """Polls, heartbeats, reports and results of others are refused, and change nothing."""
    _, group, handle = task
    before = gate.state()
    calls = {
        "PollForTask": {"workerGroup": group},
        "ReportTaskRunnerHeartbeat": {"taskrunnerId": "r", "workerGroup": group},
        "ReportTaskProgress": {"taskId": handle},
        "SetTaskStatus": {"taskId": handle, "taskStatus": "FINISHED"},
    }
    for operation, members in calls.items():
        name, sentence = error(gate.call("others", operation, members))
        assert name == DENIED
        assert f"datapipeline:{operation} in this worker group" in sentence
        assert "role runner" in sentence
    assert gate.state() == before
    assert gate.call("others", "PollForTask", {"workerGroup": "etl"}).status == 200
    assert gate.call("others", "ReportTaskRunnerHeartbeat", {"taskrunnerId": "r"}).status == 200
    assert gate.call("anywhere", "ReportTaskProgress", {"taskId": handle}).status == 200


def test_two_keys_of_a_runner(gate, task):
    """One may go on where the other has begun: that is how keys are replaced."""
    handle = task[2]
    assert gate.call("rotated", "ReportTaskProgress", {"taskId": handle}).status == 200
    done = {"taskId": handle, "taskStatus": "FINISHED"}
    assert gate.call("rotated", "SetTaskStatus", done).status == 200


def test_repeats_are_known_by_the_access_key(gate, api_of):
    """The same invocation id of another key is another call."""
    group = f"etl-{new_group()}"
    start(api_of("operator"), activity("A", group))
    members, invocation = {"workerGroup": group}, {"amz-sdk-invocation-id": uuid.uuid4().hex}
    again = invocation | {"amz-sdk-request": "attempt=2; max=3"}
    handed = json.loads(gate.call("runner", "PollForTask", members, None, invocation).body)
    assert json.loads(gate.call("rotated", "PollForTask", members, None, again).body) == {}
    repeated = json.loads(gate.call("runner", "PollForTask", members, None, again).body)
    assert repeated["taskObject"]["taskId"] == handed["taskObject"]["taskId"]


WAYS = {"short": {}, "long": {"Content-Type": "application/x-amz-json-1.1; charset=utf-8"}}


class Report:
    """A report of `runner` that is fine as it is signed, and what a test makes of it."""

    def __init__(self, gate, handle, more):
        self.gate, self.handle, self.more = gate, handle, more
        self.body = json.dumps({"taskId": handle}).encode()
        self.before = gate.state()

    def headers(self, pair=PAIRS["runner"], **options):
        """Sign it."""
        url = self.gate.replica.url + "/"
        return signed(pair, "ReportTaskProgress", self.body, url, self.more, **options)

    def send(self, headers, body=None, path="/"):
        """Send it."""
        return self.gate.replica.send("POST", path, body or self.body, headers)

    def refused(self, headers, body=None, path="/", status=400):
        """Send it where it must be refused; return the error."""
        answer = self.send(headers, body, path)
        assert answer.headers["x-coordinator-verdict"] == "unknown"
        assert self.gate.state() == self.before
        return error(answer, status)


@pytest.fixture(params=WAYS)
def report(request, gate, task):
    """Such a report, on both ways through the server."""
    return Report(gate, task[2], WAYS[request.param])


def test_no_signature(report):
    """It says what is needed."""
    headers = report.headers()
    del headers["Authorization"]
    name, sentence = report.refused(headers, status=403)
    assert name == "MissingAuthenticationToken"
    assert "Signature Version 4" in sentence


def test_another_kind_of_authorization(report):
    """Such as a password, or an older version."""
    name, _ = report.refused(report.headers() | {"Authorization": "Basic dXNlcjpwYXNz"})
    assert name == "IncompleteSignature"


def test_an_unknown_key(report):
    """As one that was disabled."""
    for pair in (Pair("KEY_nobody", "x" * 20), PAIRS["off"]):
        name, _ = report.refused(report.headers(pair))
        assert name == "UnrecognizedClientException"


def test_a_session_token(report):
    """There are none here."""
    name, _ = report.refused(report.headers() | {"X-Amz-Security-Token": "t"})
    assert name == "UnrecognizedClientException"


def test_another_secret(report):
    """Of an access key that is there."""
    name, sentence = report.refused(report.headers(Pair(PAIRS["runner"].access_key, "x" * 20)))
    assert name == "InvalidSignatureException"
    assert "secret access key" in sentence


def test_another_body_target_or_host(report):
    """What was signed is what counts."""
    other = json.dumps({"taskId": report.handle, "fields": []}).encode()
    name = "InvalidSignatureException"
    assert report.refused(report.headers(), other)[0] == name
    assert report.refused(report.headers(), path="/?a=b")[0] == name
    host = {"Host": f"localhost:{report.gate.replica.port}"}
    assert report.refused(report.headers() | host)[0] == name
    assert report.refused(report.headers() | {"X-Amz-Target": "X.ReportTaskProgress"})[0] == name


def test_a_body_that_is_not_signed(report):
    """Said so, or by a hash of another one."""
    for said in ("UNSIGNED-PAYLOAD", sha256(b"").hexdigest()):
        name, _ = report.refused(report.headers() | {"X-Amz-Content-Sha256": said})
        assert name == "InvalidSignatureException"


def test_another_service(report):
    """The scope says for which it was signed."""
    name, sentence = report.refused(report.headers(service="s3"))
    assert name == "InvalidSignatureException"
    assert "'datapipeline'" in sentence


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 30])
def test_an_old_date(report, minutes):
    """Five minutes off is too much, in either direction."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=then):
        headers = report.headers()
    name, sentence = report.refused(headers)
    assert name == "RequestExpired"
    assert "clock" in sentence


def test_any_host_that_is_signed_will_do(report):
    """The list of hosts is against pages, and they cannot sign."""
    report.more = report.more | {"Host": "datapipeline.example.com"}
    assert report.send(report.headers()).status == 200


def test_a_page_is_refused_even_so(report):
    """Who has an origin is a browser."""
    name, sentence = error(report.send(report.headers() | {"Origin": "http://example.com"}))
    assert name == "InvalidRequestException"
    assert "Origin" in sentence


def test_the_operation_is_not_taken_from_the_query(gate):
    """As it is where nobody signs."""
    path = "/?X-Amz-Target=DataPipeline.ListPipelines"
    nameless = {"X-Amz-Target": None}
    headers = signed(PAIRS["operator"], "", b"{}", gate.replica.url + path, nameless)
    name, sentence = error(gate.replica.send("POST", path, "{}", headers))
    assert name == "InvalidRequestException"
    assert "X-Amz-Target" in sentence
    headers = signed(PAIRS["operator"], "ListPipelines", b"{}", gate.replica.url + path)
    assert gate.replica.send("POST", path, "{}", headers).status == 200


def test_large_bodies_are_checked_too(gate, api_of):
    """A definition of more than 64 KB, and one byte of it changed."""
    operator = api_of("operator")
    pipeline = create(operator)
    many = [activity(f"A{n}", "g", command="x" * 1000) for n in range(100)]
    put(operator, pipeline, *many)
    body = json.dumps({"pipelineId": pipeline, "pipelineObjects": many}).encode()
    headers = signed(PAIRS["operator"], "PutPipelineDefinition", body, gate.replica.url + "/")
    answer = gate.replica.send("POST", "/", body.replace(b"xx", b"xy", 1), headers)
    assert error(answer)[0] == "InvalidSignatureException"


def test_a_stranger_sends_no_large_body(gate):
    """Who names no key of ours is answered before the body has come."""
    headers = signed(Pair("KEY_nobody", "x" * 20), "ListPipelines", b"", gate.replica.url + "/")
    began = time.monotonic()
    answer = gate.replica.send("POST", "/", None, headers | {"Content-Length": "20000000"})
    assert error(answer)[0] == "UnrecognizedClientException"
    assert time.monotonic() - began < 5


def test_boto3_raises_what_aws_would(api_of):
    """By the names that callers look for."""
    for client, code in (
        (api_of("off"), "UnrecognizedClientException"),
        (api_of("viewer"), DENIED),
    ):
        with pytest.raises(ClientError) as caught:
            client.create_pipeline(name="n", uniqueId="u")
        assert caught.value.response["Error"]["Code"] == code


def test_the_aws_cli_signs(gate, tmp_path):
    """And its calls are accepted."""
    listed = AwsCli(gate.replica, tmp_path)("list-pipelines")
    assert isinstance(listed["pipelineIdList"], list)


def test_the_sdk_for_javascript_signs(gate):
    """With headers of its own in the list of those that are signed."""
    given = {"unique": uuid.uuid4().hex, "group": new_group(), "empty": new_group()}
    said = run_script(gate.replica, "task.mjs", given)
    assert said["report"]["canceled"] is False


def test_our_runner_signs(gate, api_of, tmp_path):
    """With the credentials of its environment, as every client of AWS."""
    group, keys = f"etl-{new_group()}", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = dict(zip(keys, PAIRS["runner"], strict=True))
    operator = api_of("operator")
    pipeline = start(operator, activity("A", group))
    runner = RunnerProcess(gate.replica, tmp_path / "log", environment, {"worker_group": group})
    found = {"fieldName": "@status", "operator": {"type": "EQ", "values": ["FINISHED"]}}
    wait_until(lambda: ids(operator, pipeline, "INSTANCE", found), 30)
    runner.stop()
    assert runner.wait() == 0, runner.log


def test_the_pages_that_stay_open(gate):
    """Load balancers ask them."""
    for path in ("/healthz", "/readyz"):
        assert gate.replica.get(path).status == 200


def test_no_secret_is_logged(gate):
    """Nor was one by all the tests before."""
    assert not [name for name in KINDS if PAIRS[name].secret in gate.replica.log]
