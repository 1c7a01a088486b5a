"""The demo's pipeline: a task for each module, and one that depends on all and adds up."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WireObject = dict[str, Any]  # boto3's types for this service are a package that nothing else needs

WORKER_GROUP = "demo"
LEASE_SECONDS = 4
ADD_UP = "add-up"  # no module has such a name
COUNT = Path(__file__).with_name("count.py")
# The task that a runner is to be killed with must be in hand at that moment.
DAWDLE = '[ "$COORDINATOR_ATTEMPT" -gt 1 ] || sleep 60; '


def objects(modules: Mapping[str, Path], held: str, results: Path, total: Path) -> list[WireObject]:
    """Return the definition; each task writes ``<results>/<module>.json``, the last one `total`.

    The first attempt of `held` takes a minute before it begins, any further one does not.
    """
    counting = {
        name: _command("count", results / f"{name}.json", path) for name, path in modules.items()
    }
    counting[held] = DAWDLE + counting[held]
    return [
        _default(),
        *(_activity(name, command) for name, command in counting.items()),
        _activity(ADD_UP, _command("add", total, results), *counting),
    ]


def program(job: str, *paths: Path) -> list[str]:
    """Return the command that counts, or adds up: a job of `count` with its paths."""
    return [sys.executable, "-I", "-S", str(COUNT), job, *map(str, paths)]


def _command(job: str, *paths: Path) -> str:
    return "exec " + shlex.join(program(job, *paths))


def _default() -> WireObject:
    fields = {
        "workerGroup": WORKER_GROUP,
        "reportProgressTimeout": f"{LEASE_SECONDS} seconds",
        "maximumRetries": "2",
        "retryDelay": "1 second",
    }
    return {"id": "Default", "name": "Default", "fields": _strings(fields)}


def _activity(name: str, command: str, *depends_on: str) -> WireObject:
    fields = _strings({"type": "ShellCommandActivity", "command": command})
    fields += [{"key": "dependsOn", "refValue": other} for other in depends_on]
    return {"id": name, "name": name, "fields": fields}


def _strings(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "stringValue": value} for key, value in values.items()]
