"""Everything that a run uses and nobody may read is looked for in all that its processes wrote."""

from __future__ import annotations

import base64
import json
import re
import secrets
import signal
import socket
from contextlib import closing

import pytest
import redis
from alarming import TOPIC, Receiver, alarm
from botocore.exceptions import ClientError
from pipelines import Ref, activity, finish, ids, item, new_group, poll
from processes import CommandProcess
from replicas import Pair, ReplicaProcess, run_command
from servers import Server
from waiting import wait_until

from coordinator.domain.ids import decode_handle

ROLES = {"operator": "operator", "runner": "runner", "gone": "viewer"}
FIELD = re.compile(r"Signature=([0-9a-f]{64})")


class Run:
    """A Redis with a password, a replica and a runner with keys, and all that is secret of them."""

    def __init__(self, folder):
        self.folder, self.hidden = folder, {}
        self.server = Server(aof=True, argv=["--requirepass", self.hide("Redis password")])
        self.server.guarded = False
        self.pairs = {
            name: Pair(f"KEY{name}", self.hide(f"secret key of {name}")) for name in ROLES
        }
        self.file = folder / "credentials.toml"
        self.file.write_text("".join(map(self.entry, ROLES)))
        self.file.chmod(0o600)
        self.receiver = Receiver()
        url = f"unix://:{self.hidden['Redis password']}@{self.server.socket}"
        self.settings = {"REDIS_URL": url, "CREDENTIALS_FILE": self.file}
        self.replica = ReplicaProcess(
            url,
            CREDENTIALS_FILE=self.file,
            ALARM_URL=f"{self.receiver.url}{self.hide('alarm URL')}",
            AUDIT="all",
            LOG_FORMAT="json",
            LOG_LEVEL="debug",
            POLL_WAIT=1,
            REDIS_TIMEOUT=3,
        )
        self.replica.pair = self.pairs["operator"]
        self.clients, self.more = [], []

    def hide(self, name):
        """Make up a text that must be in no log."""
        self.hidden[name] = f"hidden{secrets.token_hex(12)}"
        return self.hidden[name]

    def entry(self, name):
        """Write a credential."""
        pair = self.pairs[name]
        groups = 'worker_groups = ["*"]\n' if name == "runner" else ""
        return (
            f'[[credential]]\naccess_key_id = "{pair.access_key}"\naccount = "data"\n'
            f'secret_access_key = "{pair.secret}"\nroles = ["{ROLES[name]}"]\n{groups}'
        )

    def start(self):
        """Start Redis and the replica."""
        self.server.start(wait=False)
        wait_until(lambda: "Ready to accept connections" in self.server.log, 20)
        self.replica.start()

    def client(self, pair):
        """Return a boto3 client, whose signatures are secret."""
        made = self.replica.client_of(pair)
        made.meta.events.register("before-send.*", self.note)
        self.clients.append(made)
        return made

    def note(self, request, **_):
        """Note the signature of a request."""
        sent = request.headers["Authorization"]
        text = sent.decode() if isinstance(sent, bytes) else sent
        self.hidden[f"signature {len(self.hidden)}"] = FIELD.search(text)[1]

    def note_task(self, task):
        """Note what a task can be ended with."""
        self.hidden[f"handle {len(self.hidden)}"] = task["taskId"]
        self.hidden[f"claim {len(self.hidden)}"] = decode_handle("data", task["taskId"]).claim

    def runner(self, group):
        """Start `coordinator runner` for a group."""
        key, secret = self.pairs["runner"]
        log = self.folder / f"runner-{len(self.more)}"
        keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        arguments = ["runner", "--endpoint", self.replica.url, "--worker-group", group]
        self.more.append(CommandProcess(log, arguments, {}, keys))
        return self.more[-1]

    def close(self):
        """End everything."""
        for each in (*self.clients, *self.more, self.replica, self.server):
            each.close()
        self.receiver.stop()


@pytest.fixture
def run(tmp_path):
    """Such a run, started."""
    made = Run(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.close()


def begin(run, api, group, topic):
    """Begin a pipeline that has secrets wherever there may be some; return its id."""
    made = api.create_pipeline(name="n", uniqueId=new_group())["pipelineId"]
    secret = {"*password": run.hide("field"), "maximumRetries": "0", "onFail": Ref("Bad")}
    command = f"test '#{{*password}}' = '#{{*myParameter}}' # {run.hide('command')}"
    found = api.put_pipeline_definition(
        pipelineId=made,
        pipelineObjects=[
            activity("A", group, command=command, **secret),
            alarm("Bad", topicArn=topic, message="#{node.*password}"),
            item("Default", **{"*shared": run.hide("default")}),
        ],
        parameterObjects=[
            {
                "id": "*myParameter",
                "attributes": [{"key": "default", "stringValue": run.hide("parameter's default")}],
            }
        ],
        parameterValues=[{"id": "*myParameter", "stringValue": run.hide("parameter")}],
    )
    assert not found["errored"], found
    api.activate_pipeline(pipelineId=made)
    return made


def work_by_hand(run, api):
    """Poll, report, fail; the alarm is told to a receiver that refuses it first."""
    run.receiver.answers = [500]
    group = new_group()
    pipeline = begin(run, api, group, run.receiver.url + run.hide("topic"))
    runner = run.client(run.pairs["runner"])
    task = poll(runner, group)
    run.note_task(task)
    progress = [{"key": "note", "stringValue": run.hide("progress")}]
    runner.report_task_progress(taskId=task["taskId"], fields=progress)
    finish(runner, task, "FAILED", errorId="E", errorMessage=run.hide("message"))
    runner.report_task_progress(taskId=task["taskId"])
    wait_until(lambda: len(run.receiver.events) == 2, 20)
    return pipeline


def be_refused(run, pipeline, task_id):
    """Make every kind of call that is refused."""
    operator = run.pairs["operator"]
    wrong = run.client(Pair(operator.access_key, run.hide("wrong secret")))
    swapped = run.client(Pair(run.hide("secret as a key"), operator.access_key * 3))
    denied, api = run.client(run.pairs["gone"]), run.client(operator)
    calls = [
        lambda: wrong.report_task_progress(taskId=task_id),
        swapped.list_pipelines,
        lambda: denied.set_task_status(taskId=task_id, taskStatus="FINISHED"),
        lambda: api.set_task_status(taskId=task_id, taskStatus="FINISHED"),
        lambda: api.get_pipeline_definition(pipelineId=task_id),
        lambda: api.get_pipeline_definition(pipelineId=run.hide("pipeline id")),
        lambda: api.report_task_progress(taskId=run.hide("task id")),
    ]
    for call in calls:
        with pytest.raises(ClientError):
            call()
    raw = json.dumps({"pipelineId": pipeline, "sphere": 1, "marker": run.hide("member")})
    assert run.replica.post("QueryObjects", raw).status == 403
    assert run.replica.post(run.hide("operation"), raw).status == 403


def ask_for_pages(run):
    """Read pages with a password, right and wrong, and say what is no HTTP."""
    pair = run.pairs["operator"]
    for name, secret in (("right", pair.secret), ("wrong", run.hide("wrong password"))):
        header = base64.b64encode(f"{pair.access_key}:{secret}".encode()).decode()
        run.hidden[f"Basic, {name}"] = header
        run.replica.get("/metrics", Authorization=f"Basic {header}")
        run.replica.get(f"/{run.hide('path')}?token={run.hide('query')}")
    with closing(socket.create_connection(("127.0.0.1", run.replica.port))) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{run.hide('line')} \x01\r\n\r\n".encode())
        assert b"400" in connection.recv(65536)


def break_redis(run, api, pipeline):
    """Take Redis away, spoil keys, change its password; return what `coordinator check` says."""
    run.server.stop()
    with pytest.raises(ClientError):
        api.get_pipeline_definition(pipelineId=pipeline)
    run.server.start(wait=False)
    wait_until(run.replica.ready, 20)
    path, password = str(run.server.socket), run.hidden["Redis password"]
    with closing(redis.Redis(unix_socket_path=path, password=password)) as admin:
        for key in admin.scan_iter(f"*{pipeline}*"):
            admin.delete(key)
            admin.set(key, run.hide(f"key {len(run.hidden)}"))
        with pytest.raises(ClientError):
            api.get_pipeline_definition(pipelineId=pipeline)
        admin.config_set("requirepass", run.hide("another password"))
        admin.client_kill_filter(_type="normal")
    wait_until(lambda: not run.replica.ready(), 20)
    checked = run_command("check", **run.settings, REDIS_TIMEOUT=3)
    return checked.stdout + checked.stderr


def test_no_process_logs_a_secret(run):
    """Passwords, keys, signatures, handles, secret fields, URLs; errors and tracebacks included."""
    api = run.client(run.pairs["operator"])
    pipeline = work_by_hand(run, api)
    group = new_group()
    runner = run.runner(group)
    failing = begin(run, api, group, TOPIC)
    ended = {"fieldName": "@status", "operator": {"type": "EQ", "values": ["FAILED"]}}
    wait_until(lambda: ids(api, failing, "INSTANCE", ended), 30)
    wait_until(lambda: len(run.receiver.events) == 3, 20)
    be_refused(run, pipeline, next(v for k, v in run.hidden.items() if k.startswith("handle")))
    ask_for_pages(run)
    run.file.write_text(f'{run.file.read_text()}[[credential]]\nsecret = "{run.hide("torn")}\n')
    wait_until(lambda: "The credentials stay as they were" in run.replica.log, 30)
    checked = break_redis(run, api, failing)
    assert runner.end(signal.SIGTERM) in {0, 1}
    run.replica.stop()
    written = run.replica.log + runner.log + checked
    for said in ("InvalidSignatureException", "Traceback", "is not delivered yet", "WRONGPASS"):
        assert said in written
    assert [name for name, text in run.hidden.items() if text in written] == []
