"""HTTPS by the coordinator itself, with a certificate that can be renewed."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from contextlib import closing

import pytest
from botocore.exceptions import SSLError
from certificates import new_certificate
from pipelines import activity, create, finish, ids, new_group, poll, start
from rawhttp import request
from replicas import ReplicaProcess, run_command
from runner_process import RunnerProcess
from servers import Server
from waiting import wait_until

from coordinator.commands.certificate import Certificate

REPORTED = b'{"canceled":false}'


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A certificate with its key."""
    return new_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(pem):
    """A replica that speaks HTTPS, with an admin port."""
    server = Server("valkey", aof=True)
    replica = ReplicaProcess(server.url, POLL_WAIT=1, ADMIN_PORT=0, **pem.settings)
    replica.authority = pem.certificate
    try:
        server.start()
        replica.start()
        yield replica
    finally:
        replica.close()
        server.close()


@pytest.fixture
def secure_api(secure):
    """A boto3 client that trusts its certificate."""
    with closing(secure.client()) as client:
        yield client


@pytest.fixture
def connect():
    """Open TLS connections to a replica; they trust anybody."""
    opened = []

    def connected(replica):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", replica.port), timeout=10)
        opened.append(context.wrap_socket(plain))
        return opened[-1]

    yield connected
    for each in opened:
        each.close()


def shown(connection):
    """Return the certificate of a connection, in PEM."""
    return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))


def test_a_task_from_its_creation_to_its_end(secure, secure_api):
    """By boto3, which checks the certificate."""
    assert secure.url.startswith("https://")
    assert f"API on {secure.url}" in secure.log
    group = new_group()
    pipeline = start(secure_api, activity("A", group))
    handed = poll(secure_api, group)
    assert secure_api.report_task_progress(taskId=handed["taskId"])["canceled"] is False
    finish(secure_api, handed)
    assert len(ids(secure_api, pipeline)) == 1


def test_a_client_that_does_not_trust_the_certificate(secure, monkeypatch, tmp_path):
    """Does not call."""
    monkeypatch.setattr(secure, "authority", new_certificate(tmp_path).certificate)
    with closing(secure.client()) as client, pytest.raises(SSLError):
        create(client)


def test_reports_on_their_short_way(secure, secure_api, connect):
    """One alone, several in one write, one in pieces: each is answered, in order."""
    group = new_group()
    start(secure_api, activity("A", group))
    report = request("ReportTaskProgress", {"taskId": poll(secure_api, group)["taskId"]})
    connection = connect(secure)
    for sent, answers in (([report], 1), ([report * 16], 16), ([report[:30], report[30:]], 1)):
        for part in sent:
            connection.sendall(part)
        received = b""
        while received.count(REPORTED) < answers:
            received += connection.recv(65536)
        assert received.count(b"HTTP/1.1 200 OK\r\n") == answers
        assert received.endswith(REPORTED)


def test_a_large_answer_and_a_large_request(secure_api):
    """Arrive whole, also where they take many TLS records."""
    pipeline = create(secure_api)
    texts = [f"echo {number} {'x' * 9000}" for number in range(100)]
    objects = [activity(f"A{n}", "g", command=text) for n, text in enumerate(texts)]
    secure_api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=objects)
    found = secure_api.get_pipeline_definition(pipelineId=pipeline)["pipelineObjects"]
    commands = [f for one in found for f in one["fields"] if f["key"] == "command"]
    assert sorted(field["stringValue"] for field in commands) == sorted(texts)


def test_plain_http_gets_nothing(secure):
    """And disturbs nobody."""
    with pytest.raises((http.client.HTTPException, OSError)):
        secure.send("GET", "/healthz", port=secure.port)
    with closing(socket.create_connection(("127.0.0.1", secure.port))) as silent:
        assert secure.get("/healthz").status == 200
        silent.sendall(b"\x16\x03\x01")
        assert secure.get("/healthz").status == 200
    assert "Traceback" not in secure.log


def test_one_who_asks_nonsense_and_stays(pem, valkey, connect):
    """Does not keep the replica from cutting off those who say nothing."""
    replica = ReplicaProcess(valkey.url, REQUEST_TIMEOUT=1, **pem.settings)
    replica.authority = pem.certificate
    replica.start()
    try:
        rude = connect(replica)
        rude.sendall(b"GET http://[ HTTP/1.1\r\n\r\n")
        assert rude.recv(100).startswith(b"HTTP/1.1 400 ")
        assert connect(replica).recv(100) == b""
        assert connect(replica).recv(100) == b"", "they are looked over again and again"
        assert replica.stop() == 0
        assert "Traceback" not in replica.log
    finally:
        replica.close()


def test_the_admin_port_stays_plain(secure):
    """It is for the inside network."""
    assert b"coordinator_redis_up 1.0" in secure.admin("/metrics").body


def test_the_runner_works_over_https(secure, secure_api, tmp_path):
    """With AWS_CA_BUNDLE, as every client of AWS in Python."""
    group = new_group()
    pipeline = start(secure_api, activity("A", group, command="true"))
    trusted = {"AWS_CA_BUNDLE": str(secure.authority)}
    runner = RunnerProcess(secure, tmp_path / "log", trusted, {"worker_group": group})
    found = {"fieldName": "@status", "operator": {"type": "EQ", "values": ["FINISHED"]}}
    wait_until(lambda: ids(secure_api, pipeline, "INSTANCE", found), 30)
    runner.stop()
    assert runner.wait() == 0, runner.log


def test_a_renewed_certificate_is_for_new_connections(valkey, tmp_path, connect):
    """Those that there are go on; one that does not fit its key changes nothing and is logged."""
    first, second, third = (new_certificate(tmp_path, name) for name in ("a", "b", "c"))
    text, replica = second.certificate.read_text(), ReplicaProcess(valkey.url, **first.settings)
    replica.authority = first.certificate
    replica.start()
    try:
        old = connect(replica)
        third.certificate.replace(first.certificate)
        wait_until(lambda: "key values mismatch" in replica.log)
        assert "The certificate stays as it was." in replica.log
        assert shown(connect(replica)) == shown(old)
        second.certificate.replace(first.certificate)
        second.key.replace(first.key)
        wait_until(lambda: shown(connect(replica)) == text)
        for connection in (old, connect(replica)):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert replica.stop() == 0
        assert "Traceback" not in replica.log
    finally:
        replica.close()


def sentence(settings):
    """What `serve` says that must not start, before anything else does."""
    ended = run_command("serve", "--port", "0", **settings)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.partition("coordinator: ")[2].strip().split("\n")
    assert line.endswith(".")
    return line


def test_files_that_change_while_they_are_read(tmp_path, monkeypatch, caplog):
    """Halves of two pairs are refused, and the next renewal is taken up all the same."""
    old, other = new_certificate(tmp_path, "old"), new_certificate(tmp_path, "other")
    certificate = Certificate(old.certificate, old.key)
    load = certificate._load

    def loaded_and_then_changed():
        load()
        old.key.write_bytes(other.key.read_bytes())

    monkeypatch.setattr(certificate, "_load", loaded_and_then_changed)
    stamp = old.key.stat().st_mtime_ns + 1
    os.utime(old.key, ns=(stamp, stamp))
    assert not certificate.refresh()
    assert certificate.refresh()
    assert "key values mismatch. The certificate stays as it was." in caplog.text
    monkeypatch.undo()
    old.certificate.write_bytes(other.certificate.read_bytes())
    assert not certificate.refresh()
    caplog.set_level("INFO")
    assert certificate.refresh()
    assert "was read again" in caplog.text


def test_files_that_cannot_be_used_stop_the_start(pem, tmp_path):
    """One sentence for each mistake, with the file's name."""
    other, locked = new_certificate(tmp_path), new_certificate(tmp_path, "locked", password="s3cr")
    away, text = tmp_path / "away.pem", tmp_path / "text.pem"
    text.write_text("not PEM")
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    for certificate, key, said in (
        (pem.certificate, "", "COORDINATOR_TLS_CERTIFICATE and COORDINATOR_TLS_KEY go together"),
        ("", pem.key, "COORDINATOR_TLS_CERTIFICATE and COORDINATOR_TLS_KEY go together"),
        (away, pem.key, f"certificate {away} cannot be read: No such file"),
        (pem.certificate, away, f"key {away} cannot be read: No such file"),
        (pem.certificate, tmp_path, f"key {tmp_path} cannot be read: Is a directory"),
        (pipe, pem.key, f"certificate {pipe} cannot be used: it is a pipe"),
        (text, pem.key, f"certificate {text} cannot be used: there is no certificate in it"),
        (pem.key, pem.key, f"certificate {pem.key} cannot be used: there is no certificate in it"),
        (pem.certificate, text, f"key {text} cannot be used: there is no key in it (PEM)"),
        (pem.certificate, other.key, f"and the key {other.key} cannot be used: key values"),
        (locked.certificate, locked.key, "key is encrypted"),
    ):
        assert said in sentence({"TLS_CERTIFICATE": certificate, "TLS_KEY": key})


def test_check_looks_at_the_files(new_server, pem, tmp_path):
    """What would stop a start fails it."""
    url = new_server(aof=True).url
    good = run_command("check", REDIS_URL=url, **pem.settings)
    assert (good.returncode, str(pem.certificate) in good.stdout) == (0, True)
    bad = run_command("check", REDIS_URL=url, TLS_CERTIFICATE=pem.certificate, TLS_KEY=tmp_path)
    assert bad.returncode == 1
    assert f"{tmp_path} cannot be read" in bad.stdout
