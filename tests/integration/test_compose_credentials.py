"""The credentials of the stack: made once, mended where lost, taken by all that they are for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import closing

import pytest
import redis
from botocore.exceptions import ClientError
from replicas import ReplicaProcess, environment, run_command
from stack_credentials import DEPLOY, FILES, RULES, Secrets, StackRedis

from coordinator.domain.credentials import read_credentials

UIDS = {"coordinator": 10001, "runner": 10001, "operator": 10001, "redis": 999, "grafana": 472}


@pytest.fixture
def secrets(tmp_path):
    """The folders before the first start."""
    (tmp_path / "secrets").mkdir()
    return Secrets(tmp_path / "secrets")


def words(secrets):
    """Return all that is secret."""
    pairs = [secrets.pair(role).secret for role in ("operator", "runner")]
    passwords = [secrets.password(user) for user in ("admin", "coordinator")]
    return [*pairs, *passwords, secrets.texts()["grafana/admin-password"]]


def test_the_first_start_makes_them_all_and_says_none(secrets):
    """Each file can be read by its user only, and holds what no other start would make."""
    said = secrets.make()
    assert secrets.texts().keys() == FILES
    for name in FILES:
        found = (secrets.root / name).stat()
        assert stat.S_IMODE(found.st_mode) == 0o400
        uid = os.getuid() or UIDS[name.partition("/")[0]]
        assert (found.st_uid, found.st_gid) == (uid, uid)
    made = words(secrets)
    assert len(set(made)) == 5
    assert all(len(word) >= 40 for word in made)
    assert not [word for word in made if word in said]


def test_the_second_start_keeps_them(secrets):
    """It writes nothing and says nothing; what was added to the coordinator's file stays too."""
    secrets.make()
    path = secrets.root / "coordinator/credentials.toml"
    mine = run_command("credentials", "new", "--role", "viewer").stdout
    path.chmod(0o600)
    path.write_text(path.read_text() + mine)
    before = secrets.texts()
    assert secrets.make() == ""
    assert secrets.texts() == before


@pytest.mark.parametrize("lost", sorted(FILES))
def test_what_is_lost_is_made_anew(secrets, lost):
    """So that all fit again, whichever was removed; secrets of others stay as they were."""
    secrets.make()
    before = secrets.texts()
    (secrets.root / lost).unlink()
    secrets.make()
    fits(secrets)
    changed = {name for name, text in secrets.texts().items() if text != before[name]}
    assert changed == {
        "coordinator/credentials.toml": {
            "coordinator/credentials.toml",
            "operator/credentials",
            "runner/credentials",
        },
        "coordinator/redis-password": {"coordinator/redis-password", "redis/users.acl"},
        "operator/credentials": {"operator/credentials", "coordinator/credentials.toml"},
        "runner/credentials": {"runner/credentials", "coordinator/credentials.toml"},
        "redis/password": {"redis/password", "redis/users.acl"},
    }.get(lost, {lost} - {"redis/users.acl"})


def fits(secrets):
    """Check that the coordinator has both keys and no others, and that Redis takes its users."""
    text = (secrets.root / "coordinator/credentials.toml").read_text()
    known = read_credentials(text)
    for role in ("operator", "runner"):
        pair = secrets.pair(role)
        key = known.pop(pair.access_key)
        assert (key.secret, key.roles, key.account) == (pair.secret, {role}, "local")
    assert not known
    server = StackRedis(secrets)
    try:
        server.start()
        for user in ("admin", "coordinator"):
            with server.client(user) as client:
                assert client.ping()
    finally:
        server.close()


def test_rules_of_a_new_version_are_taken_over(secrets, tmp_path):
    """The passwords stay."""
    secrets.make()
    before = secrets.texts()
    newer = tmp_path / "newer.acl"
    newer.write_text(RULES.read_text().replace("+ping", "+ping +echo"))
    secrets.make(newer)
    expected = before["redis/users.acl"].replace("+ping", "+ping +echo")
    assert secrets.texts() == before | {"redis/users.acl": expected}


@pytest.fixture
def stack_redis(secrets):
    """Redis, as the stack has it."""
    secrets.make()
    server = StackRedis(secrets)
    server.start()
    yield server
    server.close()


def test_redis_is_as_the_coordinator_needs_it(secrets, stack_redis):
    """It keeps what it is told, throws nothing out, tells of expiries, and lets no stranger in."""
    with stack_redis.client() as admin:
        found = admin.config_get("*")
    assert found["appendonly"] == "yes"
    assert found["maxmemory-policy"] == "noeviction"
    assert int(found["maxmemory"]) == 512 << 20
    assert set(found["notify-keyspace-events"]) == set("Ex")
    stranger = redis.Redis(unix_socket_path=str(stack_redis.socket))
    with closing(stranger), pytest.raises(redis.AuthenticationError):
        stranger.ping()
    settings = coordinator_settings(secrets, stack_redis)
    checked = run_command("check", **settings)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The user may do all that is needed" in checked.stdout


def coordinator_settings(secrets, server):
    """Return the settings of a replica, as docker-compose.yml has them."""
    return {
        "REDIS_URL": server.url,
        "REDIS_PASSWORD_FILE": secrets.root / "coordinator/redis-password",
        "CREDENTIALS_FILE": secrets.root / "coordinator/credentials.toml",
        "POLL_WAIT": 1,
    }


@pytest.fixture
def replica(secrets, stack_redis):
    """A replica with the coordinator's share of the secrets."""
    made = ReplicaProcess(**coordinator_settings(secrets, stack_redis))
    made.start()
    yield made
    made.close()


def test_the_sample_runs_with_them(secrets, replica, tmp_path):
    """The operator's key makes pipelines, the runner's does the work and may do nothing else."""
    client = replica.client_of(secrets.pair("runner"))
    with closing(client), pytest.raises(ClientError, match="AccessDenied"):
        client.list_pipelines()
    known = {"ENDPOINT": replica.url, "AWS_PROFILE": "default"}
    command = [sys.executable, "-m", "coordinator.cli", "runner", "--worker-group", "etl"]
    with (tmp_path / "log").open("wb") as log:
        runner = subprocess.Popen(
            [*command, "--endpoint", replica.url],
            env=known | credentials_of("runner", secrets),
            stderr=log,
        )
    try:
        sample = subprocess.run(
            [sys.executable, DEPLOY / "sample/sample.py"],
            env=known | credentials_of("operator", secrets),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        runner.terminate()
        runner.wait(20)
    assert sample.returncode == 0, sample.stdout + sample.stderr
    rows = sorted(line.split()[:2] for line in sample.stdout.splitlines()[1:])
    assert rows == [[name, "FINISHED"] for name in ("Join", "Left", "Right")]


def credentials_of(role, secrets):
    """Return the environment that names the file of a role, and no key (as moto leaves one)."""
    kept = {name: text for name, text in environment({}).items() if not name.startswith("AWS_")}
    return kept | {"AWS_SHARED_CREDENTIALS_FILE": str(secrets.root / role / "credentials")}
