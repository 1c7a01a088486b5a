"""Where the output of a command goes: local files, S3, and the log of its attempt."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import TaskFailedError
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from pathlib import Path

    from coordinator.runner.task import Task

logger = logging.getLogger(__name__)

LOG_NAMES = {"stdout": "StdOutput", "stderr": "StdError"}


class Streams:
    """What is for S3 or for the log is written to files in `directory` first.

    Raises:
        CannotStartError: a path is of a scheme that nobody here knows.
    """

    def __init__(self, task: Task, directory: Path) -> None:
        self._log = _log_of(task)
        self._targets = {name: task.field(name) for name in LOG_NAMES}
        self._files = {
            name: self._file(name, target, directory) for name, target in self._targets.items()
        }
        out, err = self._targets.values()
        if out is not None and out == err:  # one file for both, in the order of what was written
            self._files["stderr"] = self._files["stdout"]

    @property
    def files(self) -> tuple[str | None, str | None]:
        """The local files of stdout and stderr; None: the runner's own."""
        out, err = (None if path is None else str(path) for path in self._files.values())
        return out, err

    def store(self) -> None:
        """Copy to S3 what the task wants there.

        Raises:
            TaskFailedError: it cannot be written.
        """
        for name, target in self._targets.items():
            path = self._files[name]
            if target is not None and storage.is_s3(target) and path is not None and path.exists():
                storage.store(path, target)

    def log(self) -> None:
        """Copy both to the log of the attempt; a failure does not matter to the task."""
        for name, path in self._files.items():
            if self._log is None or path is None or not path.exists():
                continue
            try:
                storage.store(path, storage.child_of(self._log, LOG_NAMES[name]))
            except TaskFailedError as error:
                logger.warning("no log: %s", error)

    def _file(self, name: str, target: str | None, directory: Path) -> Path | None:
        if target is None:
            return directory / LOG_NAMES[name] if self._log else None
        if storage.is_s3(target):
            return directory / LOG_NAMES[name]
        try:
            return storage.local_path(target)
        except TaskFailedError as error:
            raise CannotStartError(f"{name} must be a local path or in S3: {error}") from error


def _log_of(task: Task) -> str | None:
    """Return the directory for the logs of an attempt, as the developer guide lays it out."""
    root = task.field("pipelineLogUri")
    if not root:
        return None
    parts = (task.pipeline_id, task.component, task.instance_id, task.attempt_id)
    return storage.child_of(root, "/".join(parts))
