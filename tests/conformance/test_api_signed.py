"""Calls that must be signed: who is let in, and what is said to those who are not."""

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
from faketime import library
from gate import KINDS, PAIRS, error
from installed_clients import AwsCli, run_script
from pipelines import activity, create, ids, new_group, put, start
from replicas import Pair
from runner_process import RunnerProcess
from signing import signed
from waiting import wait_until

UNKNOWN = "df-AAAA7777777777777777"
DENIED = "AccessDeniedException"


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


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_is_corrected_by_the_sdk_for_javascript(gate, hours):
    """It signs once more by the Date of the answer that says RequestExpired."""
    clock = {
        "LD_PRELOAD": library(),
        "FAKETIME": f"{hours:+}h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    said = run_script(gate.replica, "clock.mjs", {}, clock)
    assert said["attempts"] == 2
    assert abs(said["offset"] + hours * 3_600_000) < 60_000


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
