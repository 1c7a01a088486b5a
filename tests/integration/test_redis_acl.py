"""The users of deploy/redis/coordinator.acl: enough for all that is done, and for nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import redis
import users
from pipelines import activity, finish, new_group, poll, start
from replicas import run_command
from servers import Server
from waiting import wait_until

from coordinator.errors import UnknownOutcomeError
from coordinator.store import permissions, source
from coordinator.store.client import Script

ROOT = Path(__file__).parents[2]
CORE = [
    "conformance/test_api_pipelines.py",
    "conformance/test_api_everywhere.py",  # on each kind of server, a cluster too
    "integration/test_script_signals.py",
]
CALL = re.compile(r"redis\.p?call\(\s*'(\w+)'")
RULES = users.RULES.read_text()


class Guarded(Server):
    """A server with the configuration and the users of deploy/redis."""

    guarded = True
    rules = RULES

    def start(self, *, wait=True):
        """Start with `rules`."""
        users.options(self.directory, self.rules)
        super().start(wait=wait)


@pytest.fixture
def guarded():
    """Start guarded servers, whose rules lack some words."""
    made = []

    def begin(kind="redis7", *lacking):
        server = Guarded(kind, aof=True)
        for word in lacking:
            assert word in server.rules
            server.rules = server.rules.replace(word, "")
        made.append(server)
        server.start()
        return server

    yield begin
    for server in made:
        server.close()
    users.denied.clear()


def as_coordinator(server):
    """Return a client that is logged in as the coordinator."""
    login = {"username": "coordinator", "password": users.PASSWORD}
    return redis.Redis(unix_socket_path=str(server.socket), driver_info=None, **login)


@pytest.mark.timeout(300)
def test_the_core_of_the_suite_runs_under_it():
    """In a run of pytest of its own, which fails if any server has denied anything."""
    command = [sys.executable, "-m", "pytest", "-q", "--acl", "-p", "no:cacheprovider"]
    files = [str(ROOT / "tests" / name) for name in CORE]
    run = subprocess.run(
        [*command, *files], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_command_of_the_scripts_is_asked_for_and_granted():
    """A command that a script calls is in the list that is looked at, and in the file."""
    texts = [source.load(name).text for name in source.names()]
    called = {name for text in texts for name in CALL.findall(text)}
    asked = {line.split()[0] for line in permissions.ALWAYS}
    assert called <= asked
    (rule,) = (line for line in RULES.splitlines() if line.startswith("user coordinator "))
    granted = {word[1:].upper().replace("|", " ") for word in rule.split() if word[0] == "+"}
    every = chain(permissions.ALWAYS, permissions.HINTS, *permissions.OF_KIND.values())
    lacking = {permissions._name(line) for line in every} - granted
    assert not lacking


@pytest.mark.parametrize(
    "words",
    [
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SCAN 0",
        "DEBUG SLEEP 0",
        "SHUTDOWN",
        "SCRIPT FLUSH",
        "MONITOR",
        "CONFIG SET dir /tmp",
        "ACL LIST",
        "CLIENT KILL ID 1",
        "REPLICAOF NO ONE",
        "FUNCTION FLUSH",
        "GET other",
        "SPUBLISH other x",
        "PSUBSCRIBE *",
    ],
)
def test_what_is_dangerous_is_denied(guarded_server, words):
    """Keys and channels of others, too."""
    with (
        as_coordinator(guarded_server) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*words.split())


@pytest.fixture(scope="module")
def guarded_server():
    """One for the tests of what is denied."""
    server = Guarded("redis7")
    server.start()
    yield server
    server.close()
    users.denied.clear()


@pytest.mark.parametrize("kind", ["redis7", "valkey"])
@pytest.mark.parametrize("lacking", [(), ("+config|get",)], ids=["with_config", "without_config"])
def test_check_and_serve_without_a_denied_call(guarded, new_replica, kind, lacking):
    """Managed services forbid CONFIG: then a warning says what cannot be read."""
    server = guarded(kind, *lacking)
    checked = run_command("check", REDIS_URL=server.url)
    assert checked.returncode == 0, checked.stdout
    assert "The user may do all that is needed" in checked.stdout
    assert "maxmemory-policy is noeviction" in checked.stdout
    assert ("notify-keyspace-events cannot be read" in checked.stdout) == bool(lacking)
    replica = new_replica(server.url)
    assert users.PASSWORD not in replica.log + checked.stdout + checked.stderr
    with server.client() as admin:
        assert admin.acl_log() == []


def test_a_right_that_is_missing_stops_the_start(guarded):
    """Before a script could be refused in its middle; `check` says the same."""
    server = guarded("redis7", "+hset ", "+zunionstore ", "+ssubscribe ")
    for command in (["check"], ["serve", "--port", "0"]):
        ended = run_command(*command, REDIS_URL=server.url)
        assert ended.returncode == 1
        said = ended.stdout + ended.stderr
        assert "its ACL does not allow this user, on keys coord:1:*: HSET, ZUNIONSTORE" in said
        assert users.PASSWORD not in said
    assert "SSUBSCRIBE: work is noticed later" in run_command("check", REDIS_URL=server.url).stdout


def test_a_user_that_may_not_even_ask(guarded):
    """Without EVAL nothing can be asked, and nothing done."""
    ended = run_command("check", REDIS_URL=guarded("redis7", "+eval ").url)
    assert ended.returncode == 1
    assert "EVAL" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_right_taken_away_and_given_back(guarded, new_replica):
    """The replica says so at /readyz within seconds, and works again without a restart."""
    server = guarded()
    replica = new_replica(server.url)
    with server.client() as admin:
        admin.execute_command("ACL SETUSER", "coordinator", "-zadd")
        wait_until(lambda: b"ZADD" in replica.get("/readyz").body, 20)
        admin.execute_command("ACL SETUSER", "coordinator", "+zadd")
    wait_until(replica.ready, 20)


def test_a_user_that_is_gone_and_comes_back(guarded, new_replica):
    """Its connections are closed; the sentence is clear, and a new user is taken at once."""
    server = guarded()
    replica = new_replica(server.url)
    with server.client() as admin:
        admin.acl_deluser("coordinator")
        wait_until(lambda: b"does not accept" in replica.get("/readyz").body, 20)
        admin.acl_load()
    wait_until(replica.ready, 20)
    client = replica.client()
    group = new_group()
    start(client, activity("A", group))
    finish(client, poll(client, group))
    client.close()


async def test_a_script_that_is_refused_in_its_middle_has_an_unknown_outcome(guarded, new_router):
    """What it did before stands."""
    text = "redis.call('SET', KEYS[1], 1) redis.call('APPEND', KEYS[1], 2)"
    for kind in ("redis7", "valkey"):
        router = new_router(guarded(kind).url)
        with pytest.raises(UnknownOutcomeError, match="forbids this user a part of it"):
            await router.run(Script("half", text), ["coord:1:{0}:x"], [])
