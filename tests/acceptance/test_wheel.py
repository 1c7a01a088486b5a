"""The wheel: what is inside, and that the scripts load from where it is unpacked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from coordinator.store import source

ROOT = Path(__file__).parents[2]
LOAD = """
import json, coordinator
from coordinator.store import source
texts = {name: source.load(name).text for name in source.names()}
print(json.dumps({"package": coordinator.__file__, "root": str(source.root()), "texts": texts}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """A folder with the wheel's content."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_unpacked(folder, *arguments, **environment):
    """Run Python on the unpacked package, away from the checkout."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_inside(wheel):
    """Every Python and Lua file of the product, the licence, the command; nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        meta = next(name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "coordinator = coordinator.cli:main" in archive.read(meta).decode()
    scripts = {
        f"coordinator/lua/{p.relative_to(ROOT / 'lua')}" for p in (ROOT / "lua").rglob("*.lua")
    }
    assert {f"coordinator/lua/{name}.lua" for name in source.names()} <= scripts
    assert {name for name in names if name.endswith(".lua")} == scripts
    assert any(name.startswith("coordinator/lua/lib/") for name in scripts)
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "coordinator").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert all(name.startswith("coordinator/") or ".dist-info/" in name for name in names)


def test_the_scripts_load_from_the_wheel(unpacked):
    """They are those inside the package, and the same as those of the checkout."""
    found = json.loads(run_unpacked(unpacked, "-c", LOAD))
    assert Path(found["package"]).parent == unpacked / "coordinator"
    assert Path(found["root"]) == unpacked / "coordinator" / "lua"
    assert found["texts"] == {name: source.load(name).text for name in source.names()}


def test_the_scripts_run_from_the_wheel(unpacked, new_server):
    """`coordinator check` of the unpacked package runs a script on a server."""
    url = new_server(aof=True).url
    text = run_unpacked(
        unpacked, "-m", "coordinator.cli", "check", COORDINATOR_REDIS_URL=url, COLUMNS="200"
    )
    assert "Scripts run in 1 shard" in text
