"""The task runner, and the library that it is built on; docs/runner.md is its manual.

What is named here is for everybody: `handler` registers a function for a type of activity or
precondition, which gets a `Task` and a `Context`, and `run` works on tasks. It needs the extra
`runner`.

It imports nothing else of the coordinator, so that it shows what any runner has to do:

- `app` puts the parts together and `stopping` ends them; `worker` polls, `execution` sees one
  task through, with the handler that `registry` has for it, in a thread (`work`) or in a process
  (`isolated`, `child`).
- `lease` reports from a thread of its own. A runner may work on a task only while it holds the
  lease, so the work is stopped when the coordinator says so, and also when the lease has run out
  by our own clock because no report got through: somebody else may have the task by then.
- `handlers` are our own; `shell` runs a command in a process group of its own (`group`), and
  `guard` ends those groups when the runner itself is killed.
"""

from coordinator.runner.app import run
from coordinator.runner.context import Context
from coordinator.runner.errors import (
    CanceledError,
    HandlerError,
    NotYet,
    RunnerError,
    TaskFailedError,
)
from coordinator.runner.fields import Object
from coordinator.runner.options import RunnerOptions
from coordinator.runner.registry import Registry, handler
from coordinator.runner.task import Task

__all__ = [
    "CanceledError",
    "Context",
    "HandlerError",
    "NotYet",
    "Object",
    "Registry",
    "RunnerError",
    "RunnerOptions",
    "Task",
    "TaskFailedError",
    "handler",
    "run",
]
