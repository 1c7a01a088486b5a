"""The audit trail: a line for each call that it is to tell of, with who called, and no more."""

from __future__ import annotations

import json
import re
import socket
from contextlib import closing

import pytest
from gate import PAIRS, Gate, basic
from pipelines import activity, finish, new_group, poll, put
from replicas import CONTENT_TYPE, Pair
from servers import Server
from signing import signed
from waiting import wait_until

ALWAYS = {"timestamp", "level", "logger", "event", "request_id", "status", "duration_ms", "remote"}


@pytest.fixture(scope="module")
def server():
    """A Valkey for all of them."""
    made = Server("valkey", aof=True)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gate_of(server, tmp_path_factory):
    """Make a replica by its mode, once."""
    made = {}

    def gate(mode, **more):
        if mode not in made:
            settings = {"AUDIT": mode, "LOG_FORMAT": "json", **more}
            made[mode] = Gate(server, tmp_path_factory.mktemp("gate"), **settings)
            made[mode].replica.start()
        return made[mode]

    yield gate
    for each in made.values():
        each.replica.close()


def lines(gate, event="call"):
    """Return the trail so far."""
    found = [json.loads(line) for line in gate.replica.log.splitlines()]
    return [x for x in found if x["logger"] == "coordinator.audit" and x["event"] == event]


def line_of(gate, answer):
    """Return the line of an answer, if it has one."""
    request_id = answer.headers["x-amzn-requestid"]
    return next((line for line in lines(gate) if line["request_id"] == request_id), None)


def told(gate, who, operation, members):
    """Make a call; return the fields of its line that not every line has."""
    line = line_of(gate, gate.call(who, operation, members))
    return line and {name: value for name, value in line.items() if name not in ALWAYS}


def begin(gate, group):
    """Begin a pipeline with a task; return its id."""
    with closing(gate.replica.client()) as api:
        made = api.create_pipeline(name="n", uniqueId=new_group())["pipelineId"]
        put(api, made, activity("A", group))
        api.activate_pipeline(pipelineId=made)
    return made


def test_changes_are_told_of_and_reads_are_not(gate_of):
    """Each with the account, the key, the pipeline that it names or made."""
    gate = gate_of("changes")
    who = {"account": "data", "access_key": "KEY_operator"}
    answer = gate.call("operator", "CreatePipeline", {"name": "n", "uniqueId": new_group()})
    pipeline, line = json.loads(answer.body)["pipelineId"], line_of(gate, answer)
    assert line.keys() == ALWAYS | {"account", "access_key", "operation", "pipeline"}
    assert (line["pipeline"], line["status"], line["level"]) == (pipeline, 200, "info")
    assert line["remote"] == "127.0.0.1"
    assert 0 < line["duration_ms"] < 60_000
    named = {"pipelineId": pipeline}
    assert told(gate, "operator", "ListPipelines", {}) is None
    assert told(gate, "operator", "GetPipelineDefinition", named) is None
    assert told(gate, "operator", "PollForTask", {"workerGroup": new_group()}) is None
    tagged = told(gate, "operator", "AddTags", {**named, "tags": []})
    assert tagged == {**who, "operation": "AddTags", "pipeline": pipeline}


def test_a_task_is_named_by_its_numbers(gate_of):
    """Not by its handle, with which it could be ended."""
    gate, group = gate_of("all"), f"etl-{new_group()}"
    pipeline = begin(gate, group)
    with closing(gate.replica.client_of(PAIRS["runner"])) as runner:
        task = poll(runner, group)
        runner.report_task_progress(taskId=task["taskId"])
        finish(runner, task)
    of_task = [line for line in lines(gate) if "attempt" in line]
    assert [line["operation"] for line in of_task] == [
        "PollForTask",
        "ReportTaskProgress",
        "SetTaskStatus",
    ]
    for line in of_task:
        assert (line["pipeline"], line["instance"], line["attempt"]) == (pipeline, 1, 1)
        assert (line["verdict"], line["access_key"]) == ("accepted", "KEY_runner")
    assert task["taskId"] not in gate.replica.log


def test_an_accepted_report_is_told_of_only_where_all_is(gate_of):
    """And the one that a runner sends after its result, which changes nothing, always."""
    gate, group = gate_of("changes"), f"etl-{new_group()}"
    begin(gate, group)
    with closing(gate.replica.client_of(PAIRS["runner"])) as runner:
        task = poll(runner, group)
        assert told(gate, "runner", "ReportTaskProgress", {"taskId": task["taskId"]}) is None
        finish(runner, task)
    late = told(gate, "runner", "ReportTaskProgress", {"taskId": task["taskId"]})
    assert (late["verdict"], late["attempt"]) == ("repeat", 1)


def test_who_was_refused_and_why(gate_of):
    """The key only if it is one of the file's, and nothing that a stranger made up."""
    gate = gate_of("changes")
    pipeline = {"pipelineId": begin(gate, new_group())}
    denied = told(gate, "viewer", "DeletePipeline", pipeline)
    assert denied["error"] == "AccessDeniedException"
    assert (denied["access_key"], denied["pipeline"]) == ("KEY_viewer", pipeline["pipelineId"])
    wrong = told(gate, Pair("KEY_viewer", "x" * 20), "DeletePipeline", pipeline)
    assert wrong["error"] == "InvalidSignatureException"
    assert (wrong["account"], wrong["access_key"]) == ("data", "KEY_viewer")
    assert "pipeline" not in wrong
    swapped = told(gate, Pair("c2VjcmV0_in_the_wrong_place", "x" * 20), "ListPipelines", {})
    assert swapped == {
        "claimed_key": "c2Vjcm…",
        "operation": "ListPipelines",
        "error": "UnrecognizedClientException",
    }
    unknown = told(gate, "operator", "MadeUp", {})
    assert unknown["error"] == "InvalidRequestException"
    assert "operation" not in unknown


def test_a_key_whose_clock_is_wrong_is_named(gate_of):
    """It is the host that somebody has to look after."""
    gate, date = gate_of("changes"), "20200101T000000Z"
    signed_then = signed(PAIRS["runner"], "ListPipelines", b"{}", gate.replica.url + "/")
    headers = {name: re.sub(r"\b2\d{7}\b", date[:8], value) for name, value in signed_then.items()}
    line = line_of(gate, gate.replica.send("POST", "/", "{}", headers | {"X-Amz-Date": date}))
    assert (line["error"], line["access_key"]) == ("RequestExpired", "KEY_runner")


@pytest.mark.parametrize("content_type", [CONTENT_TYPE, CONTENT_TYPE + "; charset=utf-8"])
def test_a_refused_report_is_told_of_on_both_ways(gate_of, content_type):
    """The handle of a task that is not there says nothing."""
    gate = gate_of("changes")
    more = {"Content-Type": content_type}
    for body, error in (({"taskId": "x" * 64}, "TaskNotFound"), ({"taskId": 1}, "InvalidRequest")):
        line = line_of(gate, gate.call("runner", "ReportTaskProgress", body, more))
        assert (line["error"], line["status"]) == (f"{error}Exception", 400)
        assert (line["operation"], line["access_key"]) == ("ReportTaskProgress", "KEY_runner")
        assert "pipeline" not in line


def test_what_is_no_http_is_told_of(gate_of):
    """By its peer."""
    gate = gate_of("changes")
    with closing(socket.create_connection(("127.0.0.1", gate.replica.port))) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.recv(65536)
    request_id = answer.partition(b"x-amzn-requestid: ")[2].split(b"\r\n")[0].decode()
    (line,) = [line for line in lines(gate) if line["request_id"] == request_id]
    assert (line["remote"], line["error"]) == ("127.0.0.1", "InvalidRequestException")


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json"], ids=["metrics", "openapi"])
def test_who_may_not_read_a_page_is_told_of(gate_of, path):
    """No pair, a wrong secret, a key that is none, a name that is none, and a missing role."""
    gate = gate_of("changes")
    missing = "MissingAuthenticationToken"
    for pair, known, status, error in (
        (None, {}, 401, missing),
        (("KEY_viewer", "a guess at a secret"), {"access_key": "KEY_viewer"}, 401, missing),
        (("SECRET_in_the_wrong_place", "x"), {"claimed_key": "SECRET…"}, 401, missing),
        (("two words\nof a name", "x"), {}, 401, missing),
        (PAIRS["runner"], {"access_key": "KEY_runner"}, 403, "AccessDeniedException"),
    ):
        more = basic(Pair(*pair)) if pair else {}
        line = line_of(gate, gate.replica.send("GET", path, headers=more))
        assert (line["page"], line["status"], line["error"]) == (path, status, error)
        named = {key: line[key] for key in ("access_key", "claimed_key") if key in line}
        assert named == known
    assert "guess" not in gate.replica.log
    before = lines(gate)
    assert gate.replica.send("GET", path, headers=basic("viewer")).status == 200
    assert told(gate, Pair("KEY_x", "x" * 20), "ListPipelines", {})["claimed_key"] == "KEY_x…"
    assert len(lines(gate)) == len(before) + 1


def test_strangers_write_no_lines_past_the_bound(gate_of):
    """Uvicorn's own, of which there would be as many as somebody sends requests, are left out."""
    gate = gate_of("changes")
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    for sent, status in ((b"nonsense\r\n\r\n", b" 400 "), (upgrade, b" 200 ")):
        with closing(socket.create_connection(("127.0.0.1", gate.replica.port))) as connection:
            connection.sendall(sent)
            assert status in connection.recv(65536)
    assert "uvicorn" not in gate.replica.log


def test_what_a_request_says_of_its_way_is_not_believed(gate_of):
    """The remote address is that of the peer."""
    gate = gate_of("changes")
    forwarded = {"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"}
    line = line_of(
        gate, gate.call("viewer", "DeletePipeline", {"pipelineId": "p"}, None, forwarded)
    )
    assert line["remote"] == "127.0.0.1"
    assert "10.9.8.7" not in gate.replica.log


def test_a_flood_of_strangers_is_cut_off_and_hides_nobody(gate_of):
    """At most so many lines a second; what was left out is counted, and callers have their own."""
    gate = gate_of("changes")
    wait_until(lambda: told(gate, Pair("KEY_x", "x" * 20), "ListPipelines", {}))
    before = len(lines(gate)), _left_out(gate)
    answers = [gate.replica.send("POST", "/", "{}") for _ in range(300)]
    assert {answer.status for answer in answers} == {400}
    assert told(gate, "viewer", "DeletePipeline", {"pipelineId": "p"})["access_key"] == "KEY_viewer"

    def complete():
        return len(lines(gate)) - before[0] - 1 + _left_out(gate) - before[1] >= 300

    wait_until(complete)
    assert _left_out(gate) - before[1] > 0


def _left_out(gate):
    found = lines(gate, "refused calls are left out")
    return sum(line["left_out"] for line in found if line["whose"] == "strangers")


def test_no_trail(gate_of):
    """Neither of changes nor of refusals."""
    gate = gate_of("off")
    begin(gate, new_group())
    assert gate.call("viewer", "DeletePipeline", {"pipelineId": "p"}).status == 400
    assert gate.replica.send("POST", "/", "{}").status == 400
    assert lines(gate) == []
