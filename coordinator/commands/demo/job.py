"""What the demo counts, and where the counts go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.commands.demo import count, definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coordinator.commands.demo.count import Counts


class Job:
    """The modules by name, and the files that the tasks write into a folder.

    `held` is the task whose first attempt waits to be killed: one in the middle.
    """

    def __init__(self, modules: Mapping[str, Path], folder: Path) -> None:
        self.modules = modules
        self.held = list(modules)[len(modules) // 2]
        self._results = folder / "results"
        self._results.mkdir()
        self._total, self._direct = folder / "total.json", folder / "direct.json"

    def definition(self) -> list[definition.WireObject]:
        """Return the pipeline's definition."""
        return definition.objects(self.modules, self.held, self._results, self._total)

    def direct_command(self) -> list[str]:
        """Return the command that counts everything in one process."""
        return definition.program("count", self._direct, *self.modules.values())

    def counts(self) -> dict[str, Counts]:
        """Return what the tasks counted, by module."""
        return {name: count.read(self._results / f"{name}.json") for name in self.modules}

    def total(self) -> Counts:
        """Return what the last task added up."""
        return count.read(self._total)

    def direct(self) -> Counts:
        """Return what the one process counted."""
        return count.read(self._direct)
