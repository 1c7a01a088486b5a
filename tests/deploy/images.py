"""Images without a registry of them: stand-ins of Debian's packages, and deploy/Dockerfile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import Engine

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BASE = "localhost/debian:base"
SUITE = "bookworm"
PACKAGES = (
    "python3-venv,ca-certificates,redis-server,redis-tools,haproxy,"
    "prometheus,prometheus-alertmanager"
)
# The image that each stage of the Containerfile stands in for.
STANDINS = {
    "python": "library/python:3.11-slim",
    "redis": "library/redis:7.4",
    "haproxy": "library/haproxy:3.0",
    "prometheus": "prom/prometheus:v3.5.0",
    "alertmanager": "prom/alertmanager:v0.28.1",
}
OURS = "localhost/lease-coordinator:local"
# What a build must know to reach the package index as this machine does.
PIP_OPTIONS = ("cert", "index-url", "proxy", "trusted-host")


def build(engine: Engine) -> None:
    """Build all that docker-compose.yml names, but Grafana, from what is there of the last time."""
    if not engine.has_image(BASE):
        _make_base(engine)
    for stage, name in STANDINS.items():
        _build(engine, f"docker.io/{name}", "--target", stage, str(HERE))
    ours = str(ROOT / "deploy/Dockerfile")
    _build(engine, OURS, "--file", ours, *_package_index(engine.directory), str(ROOT))


def build_next(engine: Engine) -> None:
    """Build ours in another version, which from then on has its name."""
    _build(engine, OURS, "--target", "next", str(HERE))


def _build(engine: Engine, name: str, *words: str) -> None:
    options = ("--isolation", "chroot", "--layers", "--pull-never", "--format", "docker")
    engine.run("buildah", "bud", *options, "--tag", name, *words)


def _make_base(engine: Engine) -> None:
    """Install Debian into a folder and make that an image."""
    folder = Path(tempfile.mkdtemp(prefix="debian-"))
    try:
        options = ("--variant=minbase", f"--include={PACKAGES}")
        engine.run("debootstrap", *options, SUITE, str(folder), _mirror())
        with subprocess.Popen(
            ["tar", "-C", folder, "--exclude=*.deb", "-c", "."], stdout=subprocess.PIPE
        ) as tar:
            engine.run("podman", "import", "-", BASE, stdin=tar.stdout)
    finally:
        shutil.rmtree(folder)


def _mirror() -> str:
    """Return where this machine has Debian from."""
    words = [
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
        f"Codename: {SUITE}",
    ]
    listed = subprocess.run(
        ["apt-get", "indextargets", *words], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()[0]


def _package_index(directory: Path) -> Iterator[str]:
    """Yield options by which pip in a build is set up as it is here."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    options = dict(re.findall(r"^[\w:]+[.]([\w-]+)='(.*)'$", found.stdout, re.MULTILINE))
    known = {name: options[name] for name in PIP_OPTIONS if name in options}
    lines = ["[global]", *(f"{name} = {value}" for name, value in known.items()), ""]
    (directory / "pip.conf").write_text("\n".join(lines))
    yield from ("--volume", f"{directory}/pip.conf:/etc/pip.conf:ro")
    if "cert" in known:
        yield from ("--volume", f"{known['cert']}:{known['cert']}:ro")
