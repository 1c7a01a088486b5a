"""S3KeyExists and S3PrefixNotEmpty.

Source: the developer guide's pages on the preconditions. Their `role` is for AWS; here it is the
runner's own credentials that count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import NotYet
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from coordinator.runner.context import Context
    from coordinator.runner.task import Task


def key_exists(task: Task, _: Context) -> None:
    """Check that there is an object of just this key.

    Raises:
        NotYet, TaskFailedError
    """
    uri = _uri(task, "s3Key")
    if not storage.has_file(uri):
        raise NotYet(f"There is no {uri}.")


def prefix_not_empty(task: Task, _: Context) -> None:
    """Check that there is any object whose key begins so.

    Raises:
        NotYet, TaskFailedError
    """
    uri = _uri(task, "s3Prefix")
    if not storage.has_prefix(uri):
        raise NotYet(f"No key begins with {uri}.")


def _uri(task: Task, key: str) -> str:
    uri = task.field(key)
    if uri is None:
        raise CannotStartError(f"The precondition has no {key}.")
    if not storage.is_s3(uri):
        raise CannotStartError(f"{key} must begin with {storage.S3}, unlike {uri!r}.")
    return uri
