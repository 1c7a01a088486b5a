"""Many tasks, runners that are killed, and what must be true of all that they were told."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("faults")))
from dumps import dump
from history import Call, load
from history_checks import Summary, check_history
from history_options import Options
from invariants import check_invariants
from pipelines import Ref, activity, item, new_group, start
from servers import _die_with_parent
from waiting import wait_until

log = logging.getLogger(__name__)
PROGRAM = Path(__file__).with_name("chaos_runner.py")
LEFT_OVER = {"ready", "turns", "timers", "lease", "unmet", "run"}
SECONDS = 90  # a few times what it takes on two idle cores


def new_chance(variable="CHAOS_SEED"):
    """Return dice with a new seed, or the one in a variable; pytest shows it on failure."""
    seed = int(os.environ.get(variable) or random.SystemRandom().randrange(1 << 32))
    log.warning("to throw the same dice again: %s=%d", variable, seed)
    return random.Random(seed)  # noqa: S311 - a test's dice


class Runners:
    """Processes of `chaos_runner.py`; each writes to a file of its own.

    Args:
        folder: where the files go.
        ports: of the replicas, or of proxies before them.
        chance: the dice from which each runner's seed is thrown.
        options: of the program, for all of them.
    """

    def __init__(self, folder, ports, chance, **options):
        self.group = new_group()
        self.folder = folder
        self.running = []
        self._chance = chance
        self._common = {"ports": list(ports), "group": self.group, "threads": 4, **options}
        self._started = 0

    def start(self, **options):
        """Start one more, with further options; return its process."""
        self._started += 1
        name = f"runner-{self._started}"
        given = {
            **self._common,
            "name": name,
            "file": str(self.folder / f"{name}.jsonl"),
            "seed": self._chance.randrange(1 << 32),
            **options,
        }
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(given)],
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
        )
        process.name = name
        self.running.append(process)
        return process

    def kill(self, process):
        """End one with SIGKILL."""
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        self.running.remove(process)

    def close(self):
        """Kill them all."""
        for process in list(self.running):
            self.kill(process)

    def calls(self, *ops, of=None):
        """Return what they asked and were told so far, or the calls of some kinds, or of one."""
        found, _ = load(self.folder)
        name = of.name + "/" if of else ""
        return [c for c in found if (not ops or c.op in ops) and c.client.startswith(name)]


def plain(count):
    """Activities that need nothing."""
    return [activity(f"Plain{n}") for n in range(count)]


def fan(count):
    """One activity, and those that wait for it."""
    waiting = [activity(f"Leaf{n}", dependsOn=Ref("Head")) for n in range(count - 1)]
    return [activity("Head"), *waiting]


def pairs(count):
    """Activities in chains of five; every fifth fails at its first attempt."""
    made = []
    for n in range(count):
        name = f"Link{n}Flaky" if n % 5 == 3 else f"Link{n}"
        needs = {"dependsOn": Ref(made[-1]["id"])} if n % 5 else {}
        made.append(activity(name, **needs))
    return made


def flaky(count):
    """Activities that all fail at their first attempt."""
    return [activity(f"Flaky{n}") for n in range(count)]


SHAPES = (plain, fan, pairs, flaky)


def start_pipelines(api, group, tasks, size):
    """Activate so many tasks, in pipelines of `size` and of every shape in turn."""
    common = item("Default", workerGroup=group)
    return [
        start(api, common, *SHAPES[number % len(SHAPES)](size)) for number in range(tasks // size)
    ]


def terminal(server):
    """Return how many instances are terminal."""
    with server.client() as client:
        return int(client.hget("coord:1:{0}:counts", "terminal") or 0)


def wait_for_end(server, tasks):
    """Wait until so many instances are terminal."""
    wait_until(lambda: terminal(server) == tasks, SECONDS)


def check_end(server, api, pipelines, tasks):
    """Assert that every instance is FINISHED and that nothing waits for anything any more."""
    found = [status for pipeline in pipelines for status in _statuses(api, pipeline)]
    assert found == ["FINISHED"] * tasks
    check_data(server)


def check_data(server, *, ended=True, clock=True):
    """Assert that the data set is sound; at the end nothing waits for anything any more.

    Where the server's `clock` was stepped, a lease key may be gone before its lease: it proves
    nothing.
    """
    data = dump(server)
    with server.primaries()[0].client() as client:
        seconds, micros = client.time()
    check_invariants(data, seconds * 1000 + micros // 1000 if clock else sys.maxsize)
    if ended:
        assert [key for key in data if key.partition("}:")[2].partition(":")[0] in LEFT_OVER] == []


def check_told(calls: list[Call], settings: dict, faults=()) -> Summary:
    """Check all that the runners of replicas with these settings were told.

    Every instance that they know of has been read as FINISHED. What was killed is not noted, so
    hand-outs have no bound.
    """
    known = {f.name for f in fields(Options)}
    leases = {name.lower(): value for name, value in settings.items() if name.lower() in known}
    final = dict.fromkeys({call.instance for call in calls if call.instance}, "FINISHED")
    lost = settings.get("MAX_LOST_LEASES", Options.max_lost)
    end = {"final": final, "read_at": time.monotonic()}
    options = Options(**leases, **end, max_lost=lost, hand_out_within=None)
    return check_history(calls, faults, options)


def _statuses(api, pipeline):
    found = api.get_paginator("query_objects").paginate(pipelineId=pipeline, sphere="INSTANCE")
    ids = [name for page in found for name in page["ids"]]
    pages = api.get_paginator("describe_objects").paginate(pipelineId=pipeline, objectIds=ids)
    return [
        field["stringValue"]
        for page in pages
        for described in page["pipelineObjects"]
        for field in described["fields"]
        if field["key"] == "@status"
    ]
