"""What the process of an isolated handler runs: ``python -m coordinator.runner.child CHANNEL``."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import runpy
import signal
import sys
import threading
from functools import reduce
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from coordinator.runner.context import Context
from coordinator.runner.task import from_json
from coordinator.runner.work import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.outcome import Outcome


class Channel:
    """Lines of JSON to the parent."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._file = open(descriptor, "w", encoding="utf-8")  # noqa: SIM115 - for good
        self._lock = threading.Lock()

    def say(self, **message: Any) -> None:
        """Send one message."""
        with self._lock:
            self._file.write(json.dumps(message) + "\n")
            self._file.flush()


def main() -> None:
    """Read the order from stdin, run the handler in a thread, and say how it ended."""
    # Told by stdin why to stop; a TERM goes along for what the handler has started.
    signal.signal(signal.SIGTERM, lambda *_: None)
    channel = Channel(int(sys.argv[1]))
    order = json.loads(sys.stdin.buffer.readline())
    context = Context(lambda fields: channel.say(report=dict(fields)))
    ended: SimpleQueue[Outcome] = SimpleQueue()
    for target in (
        lambda: ended.put(_run(order, context)),
        lambda: _listen(context),
    ):
        threading.Thread(target=target, daemon=True).start()
    channel.say(outcome=dataclasses.asdict(ended.get()))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the handler left do not hold it up


def _run(order: dict[str, Any], context: Context) -> Outcome:
    def find_and_call(task: Any, given: Context) -> object:
        return _function(order)(task, given)

    return outcome_of(find_and_call, from_json(order["task"]), context)


def _function(order: dict[str, Any]) -> Callable[..., object]:
    sys.path[:] = order["path"]
    if order["file"]:
        names = runpy.run_path(order["file"], run_name="__handlers__")
        first, *rest = order["name"].split(".")
        return reduce(getattr, rest, names[first])  # type: ignore[no-any-return]
    module = importlib.import_module(order["module"])
    return reduce(getattr, order["name"].split("."), module)  # type: ignore[return-value]


def _listen(context: Context) -> None:
    for line in sys.stdin.buffer:
        context.cancel(json.loads(line)["reason"])


if __name__ == "__main__":
    main()
