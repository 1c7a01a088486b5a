"""docs/deploy.md tells the truth, as far as can be seen without an engine."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import compose_file
import pytest
from certificates import new_certificate
from compose_file import ROOT, environment
from documents import blocks, page
from servers import installed

from coordinator import config
from coordinator.cli import cli

PAGE = page("deploy.md")
SERVICES = compose_file.read()["services"]
COMMANDS = [
    line.strip().strip("()")
    for block in blocks(PAGE, "console")
    for line in block.splitlines()
    if line.strip()
]


def rows():
    """Return the cells of the table of services."""
    found = [line for line in PAGE.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in found]


def test_the_table_has_each_service_with_its_profile_and_port():
    """And no others."""
    shown = {name: row for row in rows() for name in re.findall(r"`([\w-]+)`", row[0])}
    assert sorted(shown) == sorted(SERVICES)
    for name, (_, what, where) in shown.items():
        assert re.findall(r"profile `(\w+)`", what) == SERVICES[name].get("profiles", [])
        ports = [port["published"] for port in SERVICES[name].get("ports", ())]
        assert re.findall(r"http://127\.0\.0\.1:(\d+) ", where) == ports


def test_variables_of_ports_are_those_of_the_file():
    """Each that is named changes a port."""
    named = set(re.findall(r"`(\w+_PORT)`", "".join(row[2] for row in rows())))
    text = (ROOT / "docker-compose.yml").read_text()
    assert named == set(re.findall(r"\$\{(\w+):-\d+\}", text))


def test_commands_name_services_that_are_there():
    """Every word after the command of Compose that could be one."""
    seen = set()
    takes_services = {"exec", "run", "up", "logs", "kill", "stop", "ps"}
    for line in COMMANDS:
        for words in re.findall(r"docker compose (?:--profile \w+ )?(\w+)([^|;#>)]*)", line):
            command, rest = words
            bare = re.sub(r"--(?:scale|entrypoint) ", "--", rest)
            names = [word for word in bare.split() if re.fullmatch(r"[a-z][\w-]*", word)]
            if command in {"exec", "run"}:
                names = names[:1]
            if command in takes_services:
                assert set(names) <= set(SERVICES), line
                seen |= {(command, name) for name in names}
            scaled = re.findall(r"--scale (\S+)=\d+", rest)
            assert set(scaled) <= set(SERVICES)
    assert {
        ("exec", "grafana"),
        ("run", "credentials"),
        ("up", "runner"),
        ("kill", "runner"),
    } <= seen


def test_signals_are_not_sent_by_docker():
    """It takes a container that it sent one for stopped by hand, and starts it no more by itself.

    moby/moby issues 41302 and 47792.
    """
    assert not [line for line in COMMANDS if re.search(r"kill (-s|--signal)", line)]


def test_every_command_can_be_read_by_a_shell():
    """Whole blocks of them."""
    for block in blocks(PAGE, "console"):
        subprocess.run(["bash", "-nc", block], check=True)


@pytest.mark.parametrize("index", [0, 1])
def test_an_override_is_taken(index, tmp_path, monkeypatch):
    """Beside the file; its settings exist, and its commands are those of the program."""
    path = tmp_path / "docker-compose.override.yml"
    path.write_text(blocks(PAGE, "yaml")[index])
    before, after = SERVICES, compose_file.read(path)["services"]
    assert after != before
    assert after.keys() == before.keys()
    assert config.unknown(environment(after["coordinator"])) == []
    for variable, value in environment(after["coordinator"]).items():
        monkeypatch.setenv(variable, value)
    config.load()
    command, *options = after["runner"]["command"]
    endpoint = cli.commands[command].make_context(command, options).params["endpoint"]
    names = {"haproxy"}
    for network in (after["haproxy"]["networks"] or {}).values():
        names |= set((network or {}).get("aliases", ()))
    assert urlsplit(endpoint).hostname in names


def test_the_overrides_do_what_they_say(tmp_path):
    """An image of one's own is not built here, and the port of TLS stands alone."""
    first, second = (tmp_path / name for name in ("first.yml", "second.yml"))
    for path, text in zip((first, second), blocks(PAGE, "yaml"), strict=True):
        path.write_text(text)
    services = compose_file.read(first, second)["services"]
    assert "build" not in services["runner"]
    assert [port["published"] for port in services["haproxy"]["ports"]] == ["8443"]
    assert int(services["redis"]["mem_limit"]) == 2 * 2 << 30
    assert services["redis"]["command"][-2:] == ["--maxmemory", "2gb"]


def test_haproxy_takes_the_line_of_tls(tmp_path):
    """In the place of the one that is shipped."""
    pem = new_certificate(tmp_path)
    both = tmp_path / "coordinator.pem"
    both.write_text(pem.certificate.read_text() + pem.key.read_text())
    (line,) = blocks(PAGE, "text")
    text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
    assert text.count('  bind "${LISTEN}"\n') == 1
    text = text.replace('  bind "${LISTEN}"\n', line.replace("/certs/", f"{tmp_path}/"))
    assert str(both) in text
    (tmp_path / "haproxy.cfg").write_text(text)
    command = [installed("haproxy", "haproxy"), "-c", "-f", str(tmp_path / "haproxy.cfg")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_dockerfile_is_clean(tmp_path):
    """As ours is, and it begins with the image that Compose builds."""
    (text,) = blocks(PAGE, "dockerfile")
    assert text.split()[1] == SERVICES["runner"]["image"]
    (tmp_path / "Dockerfile").write_text(text)
    program = Path(sys.executable).parent / "hadolint"
    ran = subprocess.run(
        [program, tmp_path / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout


def test_the_runner_elsewhere_starts():
    """What stands behind the image's name are words of the command."""
    (line,) = (line for line in COMMANDS if line.startswith("docker run "))
    words = shlex.split(line)
    command, *options = words[words.index("lease-coordinator:local") + 1 :]
    assert cli.commands[command].make_context(command, options)
