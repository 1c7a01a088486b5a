"""What ReportTaskProgress costs a replica, against the floor of uvicorn itself.

Floor and replica run at the same time, both pinned to one core, and are loaded in turns, in an
order that changes each round; what is compared is CPU time for each request.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from coordinator.commands.bench.load import request_bytes, run_load
from coordinator.commands.bench.servers import Measured, floor_server, replica_server
from coordinator.commands.bench.signing import OPERATION, Signer
from coordinator.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CONNECTIONS = 64
LEASES = 200


class Cost(NamedTuple):
    """One measurement: µs of CPU for a request, requests a second, failed ones."""

    cpu_us: float
    rate: float
    failures: int


Round = dict[str, Cost]


class Subject(NamedTuple):
    """What is loaded: a server, and the requests that it gets in the next measurement."""

    server: Measured
    requests: Callable[[], Sequence[bytes]]


def bench_reports(rounds: int, seconds: float, *, signed: bool = False) -> float:
    """Measure, print a table, and return the median of floor CPU / replica CPU.

    With `signed` a second replica, which checks signatures, is measured beside them.
    """
    cores = sorted(psutil.Process().cpu_affinity() or [0])
    os.sched_setaffinity(0, {cores[-1]})  # the generator and Valkey share the other core
    with ExitStack() as stack:
        measured = _measure(_subjects(stack, cores[0], signed=signed), rounds, seconds)
    return _print(measured)


def _subjects(stack: ExitStack, core: int, *, signed: bool) -> dict[str, Subject]:
    """Start the servers, which end with `stack`, all on one core."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    url = stack.enter_context(EmbeddedServer(folder)).url
    floor = stack.enter_context(floor_server(core))
    replica = stack.enter_context(replica_server(core, url))
    bodies = asyncio.run(_leases(replica.port))
    plain = [request_bytes(replica.port, OPERATION, body) for body in bodies]
    subjects = {"floor": Subject(floor, lambda: plain), "replica": Subject(replica, lambda: plain)}
    if signed:
        signer, file = Signer(), folder / "credentials.toml"
        signer.write_file(file)
        settings = {"COORDINATOR_CREDENTIALS_FILE": str(file)}
        checking = stack.enter_context(replica_server(core, url, **settings))
        # Signed anew each time: a signature is accepted for five minutes.
        subjects["signed"] = Subject(
            checking, lambda: [signer.report(checking.port, body) for body in bodies]
        )
    return subjects


def _measure(subjects: Mapping[str, Subject], rounds: int, seconds: float) -> list[Round]:
    for subject in subjects.values():
        _load(subject, seconds)  # warm
    return [
        {
            name: _load(subjects[name], seconds)
            for name in random.sample(list(subjects), len(subjects))
        }
        for _ in track(range(rounds), "rounds", console=Console(stderr=True))
    ]


def _load(subject: Subject, seconds: float) -> Cost:
    server, requests = subject.server, subject.requests()
    before = server.cpu_seconds()
    load = asyncio.run(run_load(server.port, requests, connections=CONNECTIONS, seconds=seconds))
    used = server.cpu_seconds() - before
    if not (used and load.requests):  # the kernel counts CPU time in steps of 10 ms
        raise click.ClickException("This was too short to measure anything: use more --seconds.")
    return Cost(used / load.requests * 1e6, load.requests / load.seconds, load.failures)


async def _leases(port: int) -> list[dict[str, object]]:
    """Make leases, and return the body of a report for each."""
    fields = [{"key": "type", "stringValue": "ShellCommandActivity"}]
    fields += [
        {"key": "command", "stringValue": "true"},
        {"key": "workerGroup", "stringValue": "b"},
    ]
    objects = [{"id": f"A{i}", "name": f"A{i}", "fields": fields} for i in range(LEASES)]
    made = await _call(port, "CreatePipeline", {"name": "bench", "uniqueId": "bench"})
    pipeline = {"pipelineId": made["pipelineId"]}
    await _call(port, "PutPipelineDefinition", {**pipeline, "pipelineObjects": objects})
    await _call(port, "ActivatePipeline", pipeline)
    handles = [
        (await _call(port, "PollForTask", {"workerGroup": "b"}))["taskObject"]["taskId"]
        for _ in range(LEASES)
    ]
    return [{"taskId": handle} for handle in handles]


async def _call(port: int, operation: str, body: dict[str, object]) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(port, operation, body))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    answer = await reader.readexactly(length)
    writer.close()
    return msgspec.json.decode(answer)


def _print(measured: Sequence[Round]) -> float:
    names = [name for name in ("floor", "replica", "signed") if name in measured[0]]
    units = [f"{name} {unit}" for unit in ("µs", "req/s") for name in names]
    table = Table("round", *units, "CPU ratio")
    ratios = [costs["floor"].cpu_us / costs["replica"].cpu_us for costs in measured]
    for number, (costs, ratio) in enumerate(zip(measured, ratios, strict=True), 1):
        spent = [f"{costs[name].cpu_us:.1f}" for name in names]
        rates = [f"{costs[name].rate:.0f}" for name in names]
        table.add_row(str(number), *spent, *rates, f"{ratio:.2f}")
    console = Console()
    console.print(table)
    failures = sum(cost.failures for costs in measured for cost in costs.values())
    console.print(
        f"ReportTaskProgress costs 1/{median(ratios):.2f} of the floor's CPU "
        f"(median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}); "
        f"{failures} failed requests."
    )
    if "signed" in names:
        more = [costs["signed"].cpu_us - costs["replica"].cpu_us for costs in measured]
        console.print(
            f"A signed one costs {median(more):.1f} µs of CPU more "
            f"({min(more):.1f} to {max(more):.1f}): its headers are longer, and are checked."
        )
    return median(ratios)
