"""Private copies of the source tree, in which one mutant at a time is applied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mutations import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutations import Mutation

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "node_modules")
# luacheck without its matters of taste: what does not parse, and what names nothing.
LOAD_SCRIPTS = """
import sys
from coordinator.commands import lua_check
*options, end = lua_check.LUACHECK
lua_check.LUACHECK = [*options, "--only", "0", "1", end]
sys.exit(lua_check.main())
"""


class BrokenMutantError(Exception):
    """A mutant that does not load tests nothing: the list is wrong."""


class Tree:
    """A copy of what the product and its tests are made of."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def environment(self) -> dict[str, str]:
        """For processes that are to import this copy, and theirs."""
        foreign = ("COORDINATOR_", "PYTEST_", "PYTHON")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        path = os.pathsep.join(map(str, (self.path, self.path / "tests" / "mutants")))
        return clean | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def apply(self, mutation: Mutation) -> None:
        """Change the file, and make sure that what came out loads.

        Raises:
            StaleError: its text is not there exactly once.
            BrokenMutantError: it does not load.
        """
        file = self.path / mutation.file
        file.write_text(mutation.applied(file.read_text("utf-8")), "utf-8")
        if file.suffix == ".lua":
            self._run(mutation, "-c", LOAD_SCRIPTS)
            return
        module = mutation.file.removesuffix(".py").replace("/", ".")
        self._run(mutation, "-m", "ruff", "check", "--no-cache", "--select", "F82", str(file))
        self._run(mutation, "-c", f"import {module}")

    def _run(self, mutation: Mutation, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokenMutantError(
                f"{mutation.name} does not load:\n{done.stdout}{done.stderr}".strip()
            )


@contextmanager
def snapshot() -> Iterator[Tree]:
    """Copy the tree as it is now; `copy_of` makes further copies of that."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Tree(Path(folder, "base"))
        shutil.copytree(ROOT, tree.path, ignore=LEFT_OUT)
        # Checked by their text: a mutant may be as long as what it replaces, and as old.
        compile_all = ("-m", "compileall", "-q", "--invalidation-mode", "checked-hash")
        subprocess.run([sys.executable, *compile_all, "coordinator"], cwd=tree.path, check=True)
        yield tree


@contextmanager
def copy_of(base: Tree, name: str) -> Iterator[Tree]:
    """Make a copy that goes away."""
    tree = Tree(base.path.with_name(name))
    shutil.copytree(base.path, tree.path)
    try:
        yield tree
    finally:
        shutil.rmtree(tree.path, ignore_errors=True)
