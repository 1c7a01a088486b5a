"""A task runner for tests that kill it: it writes down all that it asks and is told.

Run as a program with its options as JSON. Each thread polls one of several replicas, reports, works
for a few milliseconds and sets the status. A call that a replica does not answer goes to any other,
marked as SDKs mark their repeats. It is bolder than a runner should be: it sends a result even for
a task that it was told to drop, and now and then it falls silent for longer than a lease.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).with_name("faults")))
from caller import Caller, given
from history import Recorder

REPORT_EVERY = 0.2
Task = dict[str, Any]


class Runner:
    """One thread of the runner.

    Options: `name` of the process, `ports` of the replicas, `group`, `threads`, `file`, `seed`;
    `work` is how long a task takes at least and at most; `long` is the share of tasks that take up
    to `long_work` seconds, with reports; `silent` is the share of tasks in whose
    middle it says nothing for `silence` seconds; `hold` names a file: work lasts until it is there;
    `result` is the status it sets, but for the first attempts of those that are named Flaky.
    """

    def __init__(self, options: dict[str, Any], recorder: Recorder, number: int) -> None:
        self.options = options
        self.name = f"{options['name']}/{number}"
        self._chance = random.Random(f"{options['seed']} {number}")  # noqa: S311 - a test's dice
        self._caller = Caller(self.name, options["ports"], recorder, self._chance)

    def run(self) -> None:
        """Work until killed."""
        while True:
            task = self.poll()
            if task:
                self.work(task)

    def poll(self) -> Task:
        """Ask for a task; empty if there was none."""
        body = {"workerGroup": self.options["group"], "hostname": self.name}
        answer = self._caller.call("poll", "PollForTask", body)
        return given(answer.body) if answer else {}

    def work(self, task: Task) -> None:
        """Acknowledge, work, report, and set the status whatever was answered."""
        silent = self._chance.random() < self.options.get("silent", 0)
        if silent and self._chance.random() < 0.5:
            time.sleep(self.options["silence"])
        self.report(task)
        time.sleep(self._chance.uniform(*self.options.get("work", (0.001, 0.008))))
        if silent:
            time.sleep(self.options["silence"])
        elif self._chance.random() < 0.5:
            self.report(task)
        if self._chance.random() < self.options.get("long", 0):
            self.work_long(task)
        self.hold(task)
        flaky = "Flaky" in task["instance"] and task["attempt"] == 1
        status = "FAILED" if flaky else self.options.get("result", "FINISHED")
        op = "fail" if status == "FAILED" else "finish"
        self._tell(op, "SetTaskStatus", task, taskStatus=status)

    def work_long(self, task: Task) -> None:
        """Report for some time."""
        until = time.monotonic() + self._chance.uniform(0, self.options["long_work"])
        while time.monotonic() < until:
            time.sleep(REPORT_EVERY)
            self.report(task)

    def hold(self, task: Task) -> None:
        """Report until the file is there that ends the work, and once more."""
        path = self.options.get("hold")
        ended = not path
        while not ended:
            ended = Path(path).exists()
            time.sleep(REPORT_EVERY)
            self.report(task)

    def report(self, task: Task) -> None:
        """Report progress."""
        self._tell("report", "ReportTaskProgress", task)

    def _tell(self, op: str, operation: str, task: Task, **members: str) -> None:
        self._caller.call(op, operation, {"taskId": task["handle"], **members}, **task)


def main(options: dict[str, Any]) -> None:
    """Start the threads."""
    recorder = Recorder(Path(options["file"]))
    for number in range(options["threads"]):
        threading.Thread(target=Runner(options, recorder, number).run).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
