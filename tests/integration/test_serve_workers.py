"""`serve --workers N`: several processes behind one address, and one page of metrics."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections import Counter
from contextlib import closing, suppress

import psutil
import pytest
from pipelines import activity, finish, new_group, poll, start
from rawhttp import RawClient
from replicas import ReplicaProcess, run_command
from runner_process import gone
from scrape import families
from servers import Server
from waiting import eventually, wait_until

SERVES = re.compile(r"worker (\d+) \(pid (\d+)\) serves")
THREE = ["--workers", "3"]


def workers(url, count=3, **settings):
    """Start workers; close them."""
    made = ReplicaProcess(url, POLL_WAIT=60, DRAIN_DELAY=0, **settings)
    made.arguments = ["--workers", str(count)]
    made.start()
    return closing(made)


@pytest.fixture(scope="module")
def service():
    """Three workers that outlive what tests do to one of them."""
    server = Server("valkey", aof=True)
    with closing(server):
        server.start()
        with workers(server.url, ADMIN_PORT=0) as made:
            yield made


@pytest.fixture
def brief(valkey):
    """Two workers that a test ends."""
    with workers(valkey.url, 2) as made:
        yield made


def pids(service):
    """The process id of each worker, as the log has them last."""
    return {int(number): int(pid) for number, pid in SERVES.findall(service.log)}


def per_worker(service, name):
    """A counter by worker."""
    family = families(service)[f"coordinator_{name}"]
    return {int(sample.labels["worker"]): sample.value for sample in family.samples}


def of_all(service, name, count=3):
    """The same where none is left out, as one is that a busy machine keeps from answering."""
    return wait_until(lambda: len(found := per_worker(service, name)) == count and found, 30)


def work(service, tasks):
    """Do tasks from their creation to their end, each on connections of its own."""
    group = new_group()
    with closing(service.client()) as api:
        start(api, *(activity(f"A{number}", group) for number in range(tasks)))
    for _ in range(tasks):
        with closing(service.client()) as api:
            finish(api, poll(api, group))


def ended(process_ids):
    """Whether none of these processes runs any more."""
    return all(map(gone, process_ids))


def adds_up(service, tasks):
    """Whether a page has all workers, and says of them together that they did these tasks."""
    granted, finished = (per_worker(service, name) for name in ("granted", "finished"))
    assert sum(granted.values()) <= tasks
    return len(granted) == 3 and sum(granted.values()) == sum(finished.values()) == tasks


def test_all_workers_serve_and_are_counted(service):
    """The sums over the workers are what was done, whichever of them is asked."""
    assert sorted(pids(service)) == [0, 1, 2]
    work(service, 30)
    # Answered by one worker or another; many in a row, as a page may lack one that was too busy.
    wait_until(lambda: all(adds_up(service, 30) for _ in range(15)), 30)
    assert sum(1 for share in of_all(service, "granted").values() if share) > 1


def test_what_comes_from_redis_is_there_once(service):
    """Without a number, like all that is the same for every process."""
    found = wait_until(lambda: whole_page(service), 30)
    shared = _samples(found, "instances", "timers", "redis_up")
    assert not any("worker" in sample.labels for sample in shared)
    kinds = Counter((sample.name, *sample.labels.values()) for sample in shared)
    assert set(kinds.values()) == {1}
    own = _samples(found, "waiters", "hand_out_lag_seconds")
    assert {sample.labels["worker"] for sample in own} == {"0", "1", "2"}


def whole_page(service):
    """A page on which neither a worker nor what Redis knows is left out."""
    found = families(service)
    whole = len(found["coordinator_granted"].samples) == 3 and "coordinator_instances" in found
    return whole and found


def _samples(found, *names):
    return [sample for name in names for sample in found[f"coordinator_{name}"].samples]


def test_a_worker_that_is_killed_comes_back(service):
    """Its calls wait a moment; the others' counters go on, its own begin again."""
    before, old = of_all(service, "granted"), pids(service)
    os.kill(old[1], signal.SIGKILL)
    for _ in range(30):
        assert service.post("ListPipelines", {}).status == 200
    wait_until(lambda: pids(service)[1] != old[1])
    assert f"worker 1 (pid {old[1]}) ended with exit code -9" in service.log
    wait_until(lambda: per_worker(service, "granted") == {**before, 1: 0})
    assert {**pids(service), 1: old[1]} == old


def test_one_that_ends_again_and_again_is_started_with_pauses(service):
    """And is there in the end."""
    for times in range(3):
        seen = len(SERVES.findall(service.log))
        began = time.monotonic()
        os.kill(pids(service)[2], signal.SIGKILL)
        wait_until(lambda seen=seen: len(SERVES.findall(service.log)) > seen, 20)
        assert time.monotonic() - began >= 0.5 * times
    assert of_all(service, "granted")


def test_a_worker_that_hangs_is_left_out(service):
    """Its series are missing from the page until it goes on; the others' are there."""
    stopped = pids(service)[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        wait_until(lambda: _page_without(service, b'worker="0"'), 30)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert of_all(service, "granted")


def _page_without(service, text):
    """Whether a page comes without the text; none does where the one that hangs is asked."""
    with suppress(TimeoutError):
        page = service.send("GET", "/metrics", port=service.admin_port, timeout=3)
        return b'worker="1"' in page.body and b'worker="2"' in page.body and text not in page.body
    return False


async def test_a_signal_ends_all_in_order(brief):
    """Waiting polls of each are answered, nobody is left, and the exit code is 0."""
    clients = [await RawClient.connect(brief.port) for _ in range(30)]
    for client in clients:
        client.poll()
    await eventually(lambda: sum(per_worker(brief, "waiters").values()) == 30)
    assert all(per_worker(brief, "waiters").values())
    os.kill(brief.pid, signal.SIGTERM)
    for client in clients:
        assert await client.answer() == (200, {})
        await client.close()
    assert brief.exit_code() == 0
    brief.process = None
    assert ended(pids(brief).values())
    assert "Traceback" not in brief.log
    with pytest.raises(ConnectionRefusedError):
        brief.get("/healthz")


async def test_new_connections_go_elsewhere_while_it_ends(new_server):
    """They are refused while answers are under way, so that a client turns to another replica."""
    server = new_server()
    with workers(server.url, 2, REDIS_TIMEOUT=30) as service:
        client = await RawClient.connect(service.port)
        server.pause()
        client.ask("ListPipelines", {})
        os.kill(service.pid, signal.SIGTERM)
        await eventually(lambda: _refused(service), 15)
        assert service.process.poll() is None
        server.resume()
        await client.answer()
        await client.close()
        assert service.exit_code() == 0
        service.process = None


def _refused(service):
    try:
        socket.create_connection(("127.0.0.1", service.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_ctrl_c_ends_all_in_order(brief):
    """As for one process."""
    os.kill(brief.pid, signal.SIGINT)
    assert brief.exit_code() == 0
    brief.process = None
    assert ended(pids(brief).values())
    assert "Traceback" not in brief.log


def test_workers_do_not_outlive_their_parent(brief):
    """However it ends."""
    process_ids = pids(brief).values()
    brief.kill()
    wait_until(lambda: ended(process_ids))


def test_the_embedded_server_is_started_once():
    """By the parent, for all workers; it ends with them. The API's port shows all their metrics."""
    with workers("", 2) as service:
        work(service, 5)
        assert sum(of_all(service, "granted", 2).values()) == 5
        children = psutil.Process(service.pid).children(recursive=True)
        assert sum(1 for child in children if "valkey" in child.name()) == 1
        assert service.stop() == 0
        wait_until(lambda: ended([child.pid for child in children]))


def sentence(*arguments, **settings):
    """What `serve --workers 3` says that must not start; once, and nothing is left of it."""
    failed = run_command("serve", *arguments, *THREE, **settings)
    assert failed.returncode == 1, failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stderr.count("coordinator: ") == 1
    (line,) = failed.stderr.partition("coordinator: ")[2].strip().split("\n")
    return line


def test_what_keeps_one_from_starting_is_said_once(new_server):
    """A Redis that would lose leases, with exit code 1 as for one process."""
    server = new_server(argv=["--maxmemory-policy", "volatile-lru"])
    assert "maxmemory-policy is volatile-lru" in sentence("--port", "0", REDIS_URL=server.url)


def test_an_address_that_others_have_is_not_shared(service, valkey):
    """Neither that of other workers, nor that of anybody."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        for port in (service.port, taken.getsockname()[1]):
            said = sentence("--port", str(port), REDIS_URL=valkey.url)
            assert f"Cannot listen on 127.0.0.1, port {port}" in said
