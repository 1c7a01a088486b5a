"""docker-compose.yml as Docker Compose reads it; no engine is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).parent / "docker-compose"


def read(*overrides: Path, **variables: str) -> dict[str, Any]:
    """Return the whole file, with all profiles, every name and variable in it resolved."""
    files = [word for path in overrides for word in ("-f", str(path))]
    words = [*files, "--profile", "*", "config", "--format", "json"]
    return json.loads(run(*words, **variables))


def run(*words: str, **variables: str) -> str:
    """Run the program in an environment with these variables only; return what it prints."""
    command = [PROGRAM, "--project-directory", ROOT, "-f", ROOT / "docker-compose.yml", *words]
    ran = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def shared(services: dict[str, Any], one: str, other: str) -> set[str]:
    """Return the networks that both services are in."""
    return set(services[one].get("networks") or ()) & set(services[other].get("networks") or ())


def source(service: dict[str, Any], path: str) -> Path | None:
    """Return what a path of a container is: a file of the repository, or in a volume, by its name.

    None if it is neither.
    """
    for mount in service["volumes"]:
        target = Path(mount["target"])
        if Path(path).is_relative_to(target):
            return Path(mount["source"], Path(path).relative_to(target))
    return None


def seconds(text: str) -> float:
    """Return a duration in seconds."""
    minutes, _, rest = text.rpartition("m")
    return 60 * int(minutes or 0) + float(rest.removesuffix("s") or 0)


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Return what a service is told by its environment."""
    return service.get("environment") or {}


def arguments(service: dict[str, Any]) -> list[str]:
    """Return the words that a service is started with, as far as the file says."""
    return [*(service.get("entrypoint") or ()), *(service.get("command") or ())]


def before(services: dict[str, Any], name: str) -> set[str]:
    """Return the services that must have started, or ended well, before one starts."""
    names = set(services[name].get("depends_on") or ())
    return names.union(*(before(services, one) for one in names))
