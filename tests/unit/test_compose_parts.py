"""The parts of docker-compose.yml fit the settings, one another, and the files that they read."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import compose_file
import pytest
import yaml
from compose_file import ROOT, arguments, environment, seconds, shared, source
from servers import installed

from coordinator import config
from coordinator.cli import cli
from coordinator.commands.listening import UVICORN
from coordinator.runner.options import RunnerOptions

SERVICES = compose_file.read()["services"]
REPLICAS = ["coordinator", "coordinator-cluster"]
STORES = ["redis", "redis-1", "redis-2", "redis-3"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PROXY = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()


def test_haproxy_sees_another_configuration():
    """Its folder is mounted: a container keeps the file that was mounted, whatever replaces it."""
    (mount,) = SERVICES["haproxy"]["volumes"]
    assert Path(mount["source"]) == ROOT / "deploy/haproxy"


def settings(name, monkeypatch):
    """Return the settings of a replica, as it would read them."""
    assert config.unknown(environment(SERVICES[name])) == []
    for variable, value in environment(SERVICES[name]).items():
        monkeypatch.setenv(variable, value)
    return config.load()


@pytest.mark.parametrize("name", REPLICAS)
def test_settings_of_replicas(name, monkeypatch):
    """They are settings that exist, with values that are taken; Redis is in reach."""
    read = settings(name, monkeypatch)
    assert read.signed
    hosts = urlsplit(read.redis_url).netloc.partition("@")[2].split(",")
    for host in hosts:
        store, port = host.split(":")
        assert (store in STORES, port) == (True, "6379")
        assert shared(SERVICES, name, store)
    files = SERVICES[name]["ulimits"]["nofile"]
    assert files["soft"] > read.max_connections + 1000
    assert int(SERVICES[name]["mem_limit"]) > 2 * read.max_inflight


@pytest.mark.parametrize("name", REPLICAS)
def test_replicas_have_time_to_end(name, monkeypatch):
    """For the drain delay and for what is in hand, before the engine kills them."""
    needed = settings(name, monkeypatch).drain_delay + UVICORN["timeout_graceful_shutdown"]
    assert seconds(SERVICES[name]["stop_grace_period"]) >= needed + 5


@pytest.mark.parametrize("name", ["runner", "runner-cluster"])
def test_runners_start_and_have_time_to_end(name):
    """Their options are those of the command; they reach their endpoint; tasks have `--grace`."""
    command, *options = SERVICES[name]["command"]
    context = cli.commands[command].make_context(command, options)
    endpoint = urlsplit(context.params["endpoint"])
    assert endpoint.port == 8080
    assert shared(SERVICES, name, endpoint.hostname)
    assert context.params["grace"] == RunnerOptions.grace
    assert seconds(SERVICES[name]["stop_grace_period"]) >= RunnerOptions.grace + 5
    assert environment(SERVICES[name])["AWS_SHARED_CREDENTIALS_FILE"].startswith("/secrets/")


def test_the_load_balancer_fits(monkeypatch):
    """It looks for replicas where they are, for as many as there are, and lets polls end."""
    preset = dict(re.findall(r"^  presetenv (\w+) (\S+)$", PROXY, re.MULTILINE))
    assert preset == {"LISTEN": ":8080", "METRICS": ":8404", "REPLICAS": "coordinator:8080"}
    assert shared(SERVICES, "haproxy", "coordinator")
    slots = int(re.search(r"^  server-template replica- (\d+) ", PROXY, re.MULTILINE)[1])
    assert slots >= 2 * SERVICES["coordinator"]["deploy"]["replicas"]
    files = SERVICES["haproxy"]["ulimits"]["nofile"]
    assert f"fd-hard-limit {files['soft']}\n" in PROXY
    grace = seconds(SERVICES["haproxy"]["stop_grace_period"])
    assert grace > settings("coordinator", monkeypatch).poll_wait
    assert {port["target"] for port in SERVICES["haproxy"]["ports"]} == {8080}


@pytest.mark.parametrize("name", STORES)
def test_redis_has_twice_the_memory_that_it_may_fill(name):
    """A rewrite of the append-only file copies what changes meanwhile."""
    text = source(SERVICES[name], arguments(SERVICES[name])[1]).read_text()
    limit = int(re.search(r"^maxmemory (\d+)mb$", text, re.MULTILINE)[1]) << 20
    assert int(SERVICES[name]["mem_limit"]) >= 2 * limit


def test_prometheus_reaches_what_it_scrapes(tmp_path):
    """Its files, laid out as they are mounted, are taken; each target is a service in reach."""
    path = "/etc/prometheus/prometheus.yml"
    assert f"--config.file={path}" in arguments(SERVICES["prometheus"])
    for mount in SERVICES["prometheus"]["volumes"]:
        if mount["type"] == "bind":
            (tmp_path / Path(mount["target"]).name).symlink_to(mount["source"])
            assert Path(mount["target"]).parent == Path(path).parent
    command = [installed("promtool", "prometheus"), "check", "config", "prometheus.yml"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"SUCCESS: \d+ rules found", ran.stdout)
    found = yaml.safe_load((tmp_path / "prometheus.yml").read_text())
    for job in [*found["scrape_configs"], *found["alerting"]["alertmanagers"]]:
        for host, port in addresses(job):
            if host != "localhost":
                assert shared(SERVICES, "prometheus", host), host
            if host == "coordinator":
                assert port == environment(SERVICES[host])["COORDINATOR_ADMIN_PORT"]


def addresses(job):
    """Return host and port of what a job of Prometheus asks."""
    static = [target for one in job.get("static_configs", ()) for target in one["targets"]]
    found = [tuple(target.split(":")) for target in static]
    for one in job.get("dns_sd_configs", ()):
        found += [(name, str(one["port"])) for name in one["names"]]
    assert found
    return found


def test_grafana_finds_what_is_provisioned():
    """Dashboards at the path that the provider names, Prometheus at the address of the source."""
    grafana = SERVICES["grafana"]
    provisioning = source(grafana, "/etc/grafana/provisioning")
    (provider,) = yaml.safe_load((provisioning / "dashboards/coordinator.yml").read_text())[
        "providers"
    ]
    assert list(source(grafana, provider["options"]["path"]).glob("*.json"))
    (origin,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    address = urlsplit(origin["url"])
    assert (address.hostname, address.port) == ("prometheus", 9090)
    assert shared(SERVICES, "grafana", "prometheus")


def test_grafana_is_one_that_dashboards_are_made_for():
    """It is of the version whose shape they have, or newer: Grafana reads older ones."""
    made = re.search(r"^grafana-foundation-sdk==\d+!([\d.]+)$", CONSTRAINTS, re.MULTILINE)[1]
    image = SERVICES["grafana"]["image"].rpartition(":")[2]
    assert [int(part) for part in image.split(".")] >= [int(part) for part in made.split(".")]


def test_health_checks_are_commands_of_a_shell():
    """Where a line is given to a shell, the shell can read it."""
    lines = []
    for service in SERVICES.values():
        test = (service.get("healthcheck") or {}).get("test") or ["NONE"]
        lines += test[1:] if test[0] == "CMD-SHELL" else test[3:] if "-c" in test else []
    assert lines
    for line in lines:
        text = line.replace("$$", "$")
        assert shlex.split(text)
        subprocess.run(["bash", "-nc", text], check=True)
