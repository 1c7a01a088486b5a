"""A task runner for tests that kill it: it writes down all that it is given and told.

Run as a program with its options as JSON. Each thread polls one of several replicas, reports, works
for a few milliseconds and sets the status. A call that a replica does not answer goes to any other,
marked as SDKs mark their repeats. It is bolder than a runner should be: it sends a result even for
a task that it was told to drop, and now and then it falls silent for longer than a lease.
One line of JSON for each event goes to its file, before anything else happens.

It needs the standard library only, so that one that was killed is back in a moment.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
import uuid
from pathlib import Path

AGAIN = 0.05  # seconds before the next try, after a replica did not answer
REPORT_EVERY = 0.2
TIMEOUT = 8
SERVER_FAULT = 500


class Runner:
    """One thread of the runner.

    Options: `ports` of the replicas, `group`, `threads`, `file`, `seed`; `silent` is the share of
    tasks in whose middle it says nothing for `silence` seconds; `hold` names a file: work lasts
    until it is there; `result` is the status it sets, but for the first attempts of those that are
    named Flaky.
    """

    def __init__(self, options, file, number):
        self.options = options
        self._file = file
        self._chance = random.Random(f"{options['seed']} {number}")  # noqa: S311 - a test's dice
        self._replicas = [Replica(port) for port in options["ports"]]

    def run(self):
        """Work until killed."""
        while True:
            given = self.poll()
            if given is not None:
                self.work(given)

    def poll(self):
        """Ask for a task; None if there was none."""
        name = {"workerGroup": self.options["group"], "hostname": f"runner-{os.getpid()}"}
        asked, answer, _ = self.call("PollForTask", name)
        task = answer.get("taskObject")
        if task is None:
            return None
        (described,) = task["objects"].values()
        fields = {f["key"]: f.get("stringValue") for f in described["fields"]}
        given = {
            "pipeline": task["pipelineId"],
            "attempt_id": task["attemptId"],
            "attempt": int(fields["@attemptCount"]),
            "token": int(fields["@fencingToken"]),
            "handle": task["taskId"],
        }
        self.note("given", asked, **given)
        return given

    def work(self, given):
        """Acknowledge, work, report, and set the status whatever was answered."""
        silent = self._chance.random() < self.options.get("silent", 0)
        if silent and self._chance.random() < 0.5:
            time.sleep(self.options["silence"])
        self.tell("ReportTaskProgress", given)
        time.sleep(self._chance.uniform(0.001, 0.008))
        if silent:
            time.sleep(self.options["silence"])
        self.hold(given)
        flaky = "Flaky" in given["attempt_id"] and given["attempt"] == 1
        status = "FAILED" if flaky else self.options.get("result", "FINISHED")
        self.tell("SetTaskStatus", given, taskStatus=status)

    def hold(self, given):
        """Report until the file is there that ends the work, and once more."""
        path = self.options.get("hold")
        ended = not path
        while not ended:
            ended = Path(path).exists()
            time.sleep(REPORT_EVERY)
            self.tell("ReportTaskProgress", given)

    def tell(self, operation, given, **members):
        """Make one of the calls of a holder, and note what was answered."""
        sent, answer, verdict = self.call(operation, {"taskId": given["handle"], **members})
        kept = {name: given[name] for name in ("handle", "token", "pipeline", "attempt_id")}
        told = {name: answer.get(name) for name in ("canceled", "reason", "__type")}
        self.note(operation, sent, verdict=verdict, **kept, **members, **told)

    def call(self, operation, body):
        """Ask one replica after the other until one answers: when, the answer, its verdict."""
        invocation, attempt, sent = uuid.uuid4().hex, 1, time.monotonic()
        while True:
            headers = {
                "X-Amz-Target": f"DataPipeline.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "amz-sdk-invocation-id": invocation,
                "amz-sdk-request": f"attempt={attempt}; max=1000",
            }
            answered = self._chance.choice(self._replicas).post(json.dumps(body), headers)
            if answered is not None:
                return sent, *answered
            attempt += 1
            time.sleep(AGAIN)

    def note(self, event, sent, **more):
        """Write an event down: what, when it was asked and answered, and what was said."""
        line = {"event": event, "sent": sent, "at": time.monotonic(), "pid": os.getpid(), **more}
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Replica:
    """A connection to one replica, made again after trouble."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)

    def post(self, body, headers):
        """Return the answer and its verdict; None if there is none, or the server is at fault."""
        try:
            self._connection.request("POST", "/", body, headers)
            response = self._connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        if response.status >= SERVER_FAULT:
            return None
        return answer, response.getheader("x-coordinator-verdict")


def main(options):
    """Start the threads."""
    file = os.open(options["file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(options["threads"]):
        threading.Thread(target=Runner(options, file, number).run).start()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
