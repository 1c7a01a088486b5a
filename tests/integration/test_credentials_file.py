"""The credentials file of a replica: read at the start, again when it changes, and made."""

from __future__ import annotations

import json
import os
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from botocore.exceptions import ClientError
from gate import PAIRS, Gate, entry, error, everybody
from pipelines import activity, start
from replicas import Pair, run_command
from scrape import samples
from waiting import wait_until

from coordinator.domain.credentials import CredentialsError, read_credentials
from coordinator.metrics import Metrics
from coordinator.service import keyring
from coordinator.service.keyring import Keyring

FRESH = Pair("KEY_fresh", "a/fresh/secret/of/it")


@pytest.fixture
def gate(new_server, tmp_path):
    """A replica of the test's own whose calls must be signed."""
    made = Gate(new_server(aof=True), tmp_path, ADMIN_PORT=0)
    made.replica.start()
    yield made
    made.replica.close()


def taken(gate, pair):
    """Whether calls that are signed with an access key are accepted."""
    answer = gate.call(pair, "ListPipelines", {})
    assert answer.status == 200 or error(answer)[0] == "UnrecognizedClientException"
    return answer.status == 200


def count(gate, name):
    """Return a metric of the replica."""
    return samples(gate.replica)[name]


def test_a_change_is_taken_up(gate):
    """A key that was added may call, one that was taken out may not, and nobody waits for it."""
    assert not taken(gate, FRESH)
    failures, done = [], threading.Event()

    def go_on():
        client = gate.replica.client()
        while not done.is_set():
            try:
                client.list_pipelines()
            except ClientError as failure:
                failures.append(failure)
        client.close()

    busy = threading.Thread(target=go_on)
    busy.start()
    try:
        gate.write(entry("operator") + entry("viewer", FRESH))
        wait_until(lambda: taken(gate, FRESH), 10)
        wait_until(lambda: not taken(gate, PAIRS["viewer"]), 10)
    finally:
        done.set()
        busy.join()
    assert failures == []
    assert count(gate, "credentials") == 2
    assert count(gate, "credentials_loads{loaded}") == 1


def test_a_poll_of_a_key_that_is_taken_out_gets_no_task(new_server, tmp_path):
    """It has waited since the key was good; what comes now is for those who still may."""
    gate = Gate(new_server(aof=True), tmp_path, ADMIN_PORT=0)
    gate.replica.settings["POLL_WAIT"] = 20
    with closing(gate.replica), ThreadPoolExecutor() as threads:
        gate.replica.start()
        api, etl = gate.replica.client(), {"workerGroup": "etl-a"}
        waits = threads.submit(gate.call, "runner", "PollForTask", etl)
        wait_until(lambda: any(v for k, v in samples(gate.replica).items() if "waiters" in k), 10)
        gate.write(entry("operator") + entry("rotated"))
        wait_until(lambda: count(gate, "credentials") == 2, 10)
        start(api, activity("A", "etl-a"))
        other = gate.call("rotated", "PollForTask", etl)
        assert json.loads(waits.result().body) == {}
        assert "taskObject" in json.loads(other.body)
        api.close()


def test_a_broken_file_changes_nothing(gate):
    """The old keys stay in force; the log says why, a metric that it is so; then it is mended."""
    gate.write(everybody().replace('"runner"', '"janitor"'))
    wait_until(lambda: count(gate, "credentials_broken") == 1, 10)
    assert taken(gate, PAIRS["operator"])
    assert "roles must be one or more of" in gate.replica.log
    assert "The credentials stay as they were." in gate.replica.log
    gate.file.unlink()
    wait_until(lambda: "It cannot be read: No such file" in gate.replica.log, 10)
    assert taken(gate, PAIRS["operator"])
    gate.write(entry("operator") + entry("viewer", FRESH))
    wait_until(lambda: taken(gate, FRESH), 10)
    assert count(gate, "credentials_broken") == 0
    assert count(gate, "credentials_loads{broken}") == 2
    assert not [pair for pair in PAIRS.values() if pair.secret in gate.replica.log]


def test_of_several_mistakes_the_file_is_named_once(tmp_path, caplog):
    """They are one line of the log, whose reader knows the file by then."""
    path = tmp_path / "credentials.toml"
    path.write_text(entry("operator"))
    made = Keyring(str(path), Metrics())
    made.start()
    path.write_text(entry("operator").replace("account", "acount"))
    made.refresh()  # notices it
    caplog.clear()
    assert made.refresh()
    (record,) = caplog.records
    assert record.message.count("The credentials file") == 1
    assert "account must be" in record.message
    assert "did you mean 'account'?" in record.message


def test_that_nobody_may_call_is_a_warning(tmp_path, caplog):
    """Every entry may have been disabled by mistake."""
    path = tmp_path / "credentials.toml"
    path.write_text(entry("operator", disabled=True))
    Keyring(str(path), Metrics()).start()
    assert "nobody may call" in caplog.text


def test_a_file_that_is_being_written_is_not_read(tmp_path):
    """Only when it stands still from one look to the next."""
    path = tmp_path / "credentials.toml"
    path.write_text(entry("operator"))
    made = Keyring(str(path), Metrics())
    made.start()
    assert not made.refresh()
    path.write_text(entry("viewer") + "[[cred")
    assert not made.refresh()
    path.write_text(entry("viewer") + entry("operator"))
    assert not made.refresh()
    assert made.find(PAIRS["viewer"].access_key) is None
    assert made.refresh()
    assert made.find(PAIRS["viewer"].access_key)
    assert not made.refresh()


def test_a_file_that_others_can_read_is_a_warning(tmp_path, caplog):
    """It holds secrets."""
    path = tmp_path / "credentials.toml"
    path.write_text(entry("operator"))
    for mode, warned in ((0o600, 0), (0o640, 0), (0o644, 1), (0o660, 1)):
        path.chmod(mode)
        caplog.clear()
        Keyring(str(path), Metrics()).start()
        assert sum("chmod 600" in record.message for record in caplog.records) == warned, mode


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    """Each has a sentence with its name."""
    path = tmp_path / "credentials.toml"
    with pytest.raises(CredentialsError, match=r"toml: It cannot be read: No such file"):
        keyring.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(CredentialsError, match=r"toml: It is not UTF-8"):
        keyring.load(path)
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(CredentialsError, match=r"toml: It is a pipe, not a file"):
        keyring.load(pipe)
    monkeypatch.setattr(keyring, "MOST_BYTES", 10)
    path.write_text(entry("operator"))
    with pytest.raises(CredentialsError, match="larger than 10 bytes"):
        keyring.load(path)


def test_new_prints_an_entry():
    """Which a file takes as it is, with the pair for the user's environment."""
    words = ["--role", "runner", "--role", "viewer", "--worker-group", "etl-*", "--account", "data"]
    made = run_command("credentials", "new", *words, "--comment", 'the "etl" hosts ✓')
    assert made.returncode == 0, made.stderr
    ((key, credential),) = read_credentials(made.stdout).items()
    assert credential.roles == {"runner", "viewer"}
    assert (credential.account, credential.worker_groups) == ("data", ("etl-*",))
    assert f"AWS_ACCESS_KEY_ID={key}\n" in made.stdout
    assert f"AWS_SECRET_ACCESS_KEY={credential.secret}\n" in made.stdout
    assert tomllib.loads(made.stdout)["credential"][0]["comment"] == 'the "etl" hosts ✓'
    again = run_command("credentials", "new", "--role", "operator")
    assert again.returncode == 0
    assert not set(read_credentials(again.stdout)) & {key}


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["--role", "runner"], "a runner needs worker_groups"),
        (["--role", "viewer", "--worker-group", "x"], "worker_groups are for"),
        (["--role", "viewer", "--account", "a b"], "account must be"),
    ],
)
def test_new_refuses_what_no_file_would_take(words, about):
    """In the same sentence."""
    made = run_command("credentials", "new", *words)
    assert made.returncode == 1
    assert about in made.stderr
    assert made.stdout == ""


def words(table):
    """The text of a table's last column, however its lines are wrapped."""
    return " ".join(line.rstrip("│ \n").rpartition("│")[2].strip() for line in table.splitlines())


def test_check_tells_of_the_file(new_server, tmp_path):
    """Fine, open to others, broken; only the last fails."""
    server, path = new_server(aof=True), tmp_path / "credentials.toml"
    path.write_text(entry("operator"))
    path.chmod(0o600)

    def check():
        return run_command("check", REDIS_URL=server.url, CREDENTIALS_FILE=path)

    assert "Calls need no signature" in run_command("check", REDIS_URL=server.url).stdout
    fine = check()
    assert fine.returncode == 0, fine.stdout
    assert "has 1 credential(s)" in words(fine.stdout)
    path.chmod(0o644)
    told = check()
    assert told.returncode == 0
    assert "open to others" in words(told.stdout)
    path.write_text("[[credential]]\n")
    broken = check()
    assert broken.returncode == 1
    assert "access_key_id" in broken.stdout
    missing = run_command("check", REDIS_URL=server.url, AUTH="sigv4")
    assert missing.returncode == 1
    assert "names no file" in missing.stdout


def test_the_region_can_be_fixed(new_server, tmp_path):
    """Then calls signed for another are refused."""
    gate = Gate(new_server(aof=True), tmp_path, REGION="eu-west-1")
    gate.replica.start()
    try:
        answer = gate.call("operator", "ListPipelines", {})
        assert error(answer)[0] == "InvalidSignatureException"
        assert "'eu-west-1'" in json.loads(answer.body)["message"]
    finally:
        gate.replica.close()
