"""docker-compose.yml, without an engine: it is understood, and each service is confined."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import compose_file
import pytest
from compose_file import ROOT, arguments, before, environment, seconds, shared, source
from stack_credentials import FILES

FILE = compose_file.read()
OURS = "lease-coordinator:local"
SERVICES = FILE["services"]
REPLICAS = ["coordinator", "coordinator-cluster"]
RUNNERS = ["runner", "runner-cluster", "sample"]
STORES = ["redis", "redis-1", "redis-2", "redis-3"]
SECRET = re.compile("PASSWORD|SECRET|TOKEN|KEY|CREDENTIALS")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


@pytest.mark.parametrize("profiles", [[], ["sample"], ["cluster"], ["cluster", "sample"]])
def test_compose_understands_it(profiles):
    """With each profile and without; a service of no profile is always there."""
    options = [word for name in profiles for word in ("--profile", name)]
    compose_file.run(*options, "config", "--quiet")
    found = set(compose_file.run(*options, "config", "--services").split())
    wanted = {
        name
        for name, service in SERVICES.items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }
    assert found == wanted


@each_service
def test_what_each_service_may(name):
    """It writes to its volumes only, has no rights of root, and ends of memory and processes."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["mem_limit"]) >= 128 << 20
    assert service["pids_limit"] > 0
    assert not {"privileged", "devices", "pid", "ipc", "userns_mode"} & set(service)
    added = {"credentials": ["CHOWN", "DAC_OVERRIDE"]}
    assert service.get("cap_add") == added.get(name)


@each_service
def test_whether_a_service_stays(name):
    """It is started again whenever it ends, and has time to end; but for those that end."""
    service = SERVICES[name]
    if name in {"credentials", "redis-cluster", "sample"}:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert seconds(service["stop_grace_period"]) >= 10


@pytest.mark.parametrize("name", [*REPLICAS, *RUNNERS])
def test_who_is_told_to_stop_hears_it(name):
    """From its start on: the kernel keeps signals from a first process that asks for none."""
    assert SERVICES[name]["init"] is True


@each_service
def test_images_are_of_a_version(name):
    """Those of others."""
    service = SERVICES[name]
    if service["image"] != OURS:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?", service["image"])


@each_service
def test_no_secret_is_in_it(name):
    """Variables that would hold one name a file of a volume; URLs have a user, and no password."""
    for variable, value in environment(SERVICES[name]).items():
        assert urlsplit(value).password is None
        if SECRET.search(variable):
            assert value.startswith("/secrets/")


def test_each_secret_is_seen_by_its_user_alone():
    """Beside the service that makes them; nobody else may write there."""
    users = {
        "coordinator-secrets": REPLICAS,
        "runner-secrets": ["runner", "runner-cluster"],
        "operator-secrets": ["sample"],
        "redis-secrets": [*STORES, "redis-cluster"],
        "grafana-secrets": ["grafana"],
    }
    assert set(users) == {name for name in FILE["volumes"] if name.endswith("-secrets")}
    for volume, expected in users.items():
        mounts = {
            name: mount.get("read_only", False)
            for name, service in SERVICES.items()
            for mount in service["volumes"]
            if mount["source"] == volume
        }
        assert mounts == {"credentials": False} | dict.fromkeys(expected, True)


@each_service
def test_secrets_are_made_before_they_are_read(name):
    """Whoever has some waits until they are there; each folder of theirs is a volume."""
    mounts = SERVICES[name]["volumes"]
    secrets = [mount for mount in mounts if mount["source"].endswith("-secrets")]
    if name == "credentials":
        folders = {f"/secrets/{Path(file).parent}" for file in FILES}
        assert {mount["target"] for mount in secrets} == folders
    elif secrets:
        assert "credentials" in before(SERVICES, name)


def test_our_image_is_built_once():
    """Of this repository: two that build one name at the same time may fail."""
    (built,) = (service for service in SERVICES.values() if "build" in service)
    assert built["image"] == OURS
    assert Path(built["build"]["context"], built["build"]["dockerfile"]).is_file()


def test_ports_are_open_to_this_host_only():
    """And can be chosen."""
    names = ["API_PORT", "GRAFANA_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "CLUSTER_PORT"]
    chosen = {name: str(number) for number, name in enumerate(names, 4001)}
    found = [
        port
        for service in compose_file.read(**chosen)["services"].values()
        for port in service.get("ports", ())
    ]
    assert {port["host_ip"] for port in found} == {"127.0.0.1"}
    assert sorted(port["published"] for port in found) == sorted(chosen.values())
    defaults = {port["published"] for one in SERVICES.values() for port in one.get("ports", ())}
    assert defaults == {"8080", "3000", "9090", "9093", "8081"}


@each_service
def test_what_is_mounted_is_there(name):
    """Files of the repository are, and stay as they are; volumes of data belong to one service."""
    for mount in SERVICES[name]["volumes"]:
        if mount["type"] == "bind":
            assert Path(mount["source"]).is_relative_to(ROOT / "deploy")
            assert Path(mount["source"]).exists()
            assert mount["read_only"] is True
        elif mount["source"].endswith("-data"):
            assert mount["source"] == f"{name}-data"
        else:
            assert mount["source"].endswith("-secrets")


@each_service
def test_the_files_of_a_command_are_mounted(name):
    """Each path that a service is started with is in a volume, or a file of the repository."""
    words = arguments(SERVICES[name])
    if name == "credentials":
        assert words.pop() == "/secrets"
    for word in words:
        path = word.partition("=")[2] if word.startswith("--") else word
        if path.startswith("/"):
            found = source(SERVICES[name], path)
            assert found is not None, path
            assert found.is_file() or found.parts[0] in FILE["volumes"]


def test_runners_reach_the_load_balancer_and_nothing_behind_it():
    """Tasks are commands of whoever may put definitions: no Redis for them, no open metrics."""
    for runner in RUNNERS:
        for store in [*STORES, "redis-cluster"]:
            assert not shared(SERVICES, runner, store)
        for replica in REPLICAS:
            if environment(SERVICES[replica])["COORDINATOR_ADMIN_PORT"]:
                assert not shared(SERVICES, runner, replica)
    for store in [*STORES, "redis-cluster"]:
        assert set(SERVICES[store]["networks"]) == {"store"}
        assert not SERVICES[store].get("ports")
    assert FILE["networks"]["store"]["internal"] is True
    assert SERVICES["credentials"]["network_mode"] == "none"
