"""The runner as a whole: `run` starts its threads and waits for its end."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from coordinator.runner.api import Api
from coordinator.runner.errors import BadOptionError, MissingExtraError
from coordinator.runner.guard import Guard
from coordinator.runner.heartbeat import Heartbeat
from coordinator.runner.identity import new_identity
from coordinator.runner.options import RunnerOptions
from coordinator.runner.pauses import Outage
from coordinator.runner.registry import DEFAULT, load_module
from coordinator.runner.stopping import Stopping
from coordinator.runner.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.registry import Registry

__all__ = ["RunnerOptions", "run"]

logger = logging.getLogger(__name__)

ALL_DONE, GAVE_UP, BAD_START = 0, 1, 2


def run(options: RunnerOptions, handlers: Registry = DEFAULT) -> int:
    """Work on tasks until a signal, or the coordinator, ends it; call it from the main thread.

    SIGTERM, SIGINT and a heartbeat answered with ``terminate`` make it take no new task. A second
    signal, or `options.grace` seconds, make it give up what is still in hand; a third ends it at
    once. Handlers are those of `handlers`, of installed packages and of the modules that the
    options name. Returns the exit code: 0 when every task came to its end, 1 when some were given
    up, 2 when it could not start (the reason is on stderr). Logs to stderr unless logging is set
    up already.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where keys were found
    identity = new_identity(options.runner_id)
    try:
        _load(options, handlers)
        api = Api(options, identity)
    except (MissingExtraError, BadOptionError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_START
    logger.info("runner %s polls %s for %r", identity, options.endpoint, options.worker_group)
    return _work(options, api, handlers)


def _load(options: RunnerOptions, handlers: Registry) -> None:
    handlers.load_entry_points()
    for module in options.handlers:
        load_module(module)


def _work(options: RunnerOptions, api: Api, handlers: Registry) -> int:
    stopping = Stopping(options.grace, api.stop_polling)
    stopping.on_signals()
    guard, polls = Guard(), Outage("polls")
    _start("heartbeat", Heartbeat(api, stopping, options.heartbeat_seconds).run)
    for number in range(1, options.tasks + 1):
        _start(f"worker-{number}", Worker(api, guard, stopping, polls, handlers).run)
    all_done = stopping.wait()
    guard.close()
    logger.info("stopped")
    return ALL_DONE if all_done else GAVE_UP


def _start(name: str, target: Callable[[], None]) -> None:
    """Start a thread that does not keep the process from ending."""
    threading.Thread(target=target, name=name, daemon=True).start()
