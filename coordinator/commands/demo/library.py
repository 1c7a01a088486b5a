"""The demo's input: the standard library of the interpreter that runs it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from coordinator.commands.demo.count import TESTS
from coordinator.commands.demo.errors import DemoError


def modules() -> dict[str, Path]:
    """Return the top-level packages and modules by name, in the order of the names.

    Raises:
        DemoError: the library has no source files here.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    found = {path.stem: path for path in sorted(folder.iterdir()) if _is_module(path)}
    if not found:
        raise DemoError(f"There are no Python source files in {folder}.")
    return found


def _is_module(path: Path) -> bool:
    if path.name in TESTS:
        return False
    return path.suffix == ".py" if path.is_file() else (path / "__init__.py").is_file()
