"""Many pollers, few tasks, several replicas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from threading import Barrier

from pipelines import activity, finish, new_group, start, statuses
from scrape import counted

TASKS, POLLERS = 40, 12


def test_racing_pollers_on_two_replicas(new_server, new_replica):
    """40 tasks, 12 pollers that begin together on 2 replicas: each task is handed out once."""
    server, group = new_server(aof=True), new_group()
    replicas = [new_replica(server.url, POLL_WAIT=1) for _ in range(2)]
    gate, handed = Barrier(POLLERS + 1), []

    def race(number, api):
        gate.wait()
        last = False
        while not last:
            last = len(handed) >= TASKS  # once all are handed out, each looks once more
            task = api.poll_for_task(workerGroup=group).get("taskObject")
            if task is not None:
                handed.append((number, task))

    with ExitStack() as stack, ThreadPoolExecutor(POLLERS) as pool:
        apis = [
            stack.enter_context(closing(replicas[n % 2].client(attempts=3))) for n in range(POLLERS)
        ]
        racers = [pool.submit(race, n, api) for n, api in enumerate(apis)]
        gate.wait()  # they wait before there is any task
        pipeline = start(apis[0], *(activity(f"Work{n}", group) for n in range(TASKS)))
        for racer in racers:
            racer.result()
        assert len({task["attemptId"] for _, task in handed}) == len(handed) == TASKS
        assert {number % 2 for number, _ in handed} == {0, 1}
        for _, task in handed:
            finish(apis[1], task)
        assert set(statuses(apis[0], pipeline).values()) == {"FINISHED"}
        total = counted(*replicas)
        assert (total["granted"], total["finished"]) == (TASKS, TASKS)
