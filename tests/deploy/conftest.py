"""The stack in containers, which all tests here share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import images
import pytest
from engine import Engine
from servers import installed
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(os.environ.get("DEPLOY_CACHE") or images.ROOT / ".venv/deploy")
PROGRAMS = ("podman", "buildah", "runc", "debootstrap")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack, up; in the end everything of it is taken away."""
    if os.geteuid():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("containers need root: NOT TESTED")
    for program in PROGRAMS:
        installed(program, program)
    CACHE.mkdir(parents=True, exist_ok=True)
    engine = Engine(CACHE)
    try:
        images.build(engine)
        engine.start()
        stack = Stack(engine)
        stack.run("docker compose up -d")
        yield stack
        stack.close()
    finally:
        engine.close()
