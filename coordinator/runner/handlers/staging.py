"""Directories for a task's inputs and outputs: INPUTn_STAGING_DIR and OUTPUTn_STAGING_DIR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import TaskFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from coordinator.runner.context import Context
    from coordinator.runner.fields import Object
    from coordinator.runner.task import Task

NODE = "S3DataNode"


class Staging:
    """Below `directory`. Nothing where the task does not say ``stage``.

    Raises:
        TaskFailedError: its data nodes cannot be staged.
    """

    def __init__(self, task: Task, context: Context, directory: Path) -> None:
        staged = task.flag("stage")
        self._check = context.raise_if_canceled
        self._inputs = _places(task.refs("input"), directory, "input") if staged else {}
        self._outputs = _places(task.refs("output"), directory, "output") if staged else {}
        for node in self._outputs.values():
            if node.field("directoryPath") is None:
                raise _refused(node, "staging an output needs its directoryPath")

    def fetch(self) -> dict[str, str]:
        """Copy the inputs, and return the variables that name all directories."""
        for directory, node in self._inputs.items():
            directory.mkdir()
            self._fetch(node, directory)
        for directory in self._outputs:
            directory.mkdir()
        return {
            f"{directory.name.upper()}_STAGING_DIR": str(directory)
            for directory in (*self._inputs, *self._outputs)
        }

    def store(self) -> None:
        """Copy the outputs to where they belong."""
        for directory, node in self._outputs.items():
            storage.store_tree(directory, node.field("directoryPath") or "", self._check)

    def _fetch(self, node: Object, directory: Path) -> None:
        file, tree = node.field("filePath"), node.field("directoryPath")
        if file is not None:
            storage.fetch(file, directory / storage.name_of(file), self._check)
        elif tree is not None:
            storage.fetch_tree(tree, directory, self._check)
        else:
            raise _refused(node, "staging an input needs its filePath or directoryPath")


def _places(nodes: list[Object], directory: Path, kind: str) -> dict[Path, Object]:
    for node in nodes:
        if node.type != NODE:
            raise _refused(node, f"only data nodes of type {NODE} can be staged")
    return {directory / f"{kind}{number}": node for number, node in enumerate(nodes, 1)}


def _refused(node: Object, why: str) -> TaskFailedError:
    return TaskFailedError("CannotStart", f"Data node '{node.id}' ({node.type}): {why}.")
