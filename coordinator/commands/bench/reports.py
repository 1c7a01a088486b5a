"""What ReportTaskProgress costs a replica, against the floor of uvicorn itself.

Floor and replica run at the same time, both pinned to one core, and are loaded in turns, in an
order that changes each round; what is compared is CPU time for each request.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
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
from coordinator.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 64
LEASES = 200


class Cost(NamedTuple):
    """One measurement: µs of CPU for a request, requests a second, failed ones."""

    cpu_us: float
    rate: float
    failures: int


def bench_reports(rounds: int, seconds: float) -> float:
    """Measure, print a table, and return the median of floor CPU / replica CPU."""
    cores = sorted(psutil.Process().cpu_affinity() or [0])
    os.sched_setaffinity(0, {cores[-1]})  # the generator and Valkey share the other core
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer(Path(folder)) as server,
        floor_server(cores[0]) as floor,
        replica_server(cores[0], server.url) as replica,
    ):
        requests = asyncio.run(_leases(replica.port))
        measured = _measure(floor, replica, requests, rounds, seconds)
    return _print(measured)


def _measure(
    floor: Measured, replica: Measured, requests: Sequence[bytes], rounds: int, seconds: float
) -> list[tuple[Cost, Cost]]:
    servers = {"floor": floor, "replica": replica}
    _load(replica, requests, seconds)  # warm
    measured = []
    for _ in track(range(rounds), "rounds", console=Console(stderr=True)):
        names = random.sample(sorted(servers), len(servers))
        costs = {name: _load(servers[name], requests, seconds) for name in names}
        measured.append((costs["floor"], costs["replica"]))
    return measured


def _load(server: Measured, requests: Sequence[bytes], seconds: float) -> Cost:
    before = server.cpu_seconds()
    load = asyncio.run(run_load(server.port, requests, connections=CONNECTIONS, seconds=seconds))
    used = server.cpu_seconds() - before
    if not (used and load.requests):  # the kernel counts CPU time in steps of 10 ms
        raise click.ClickException("This was too short to measure anything: use more --seconds.")
    return Cost(used / load.requests * 1e6, load.requests / load.seconds, load.failures)


async def _leases(port: int) -> list[bytes]:
    """Make leases, and return one report for each."""
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
    return [request_bytes(port, "ReportTaskProgress", {"taskId": handle}) for handle in handles]


async def _call(port: int, operation: str, body: dict[str, object]) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(port, operation, body))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    answer = await reader.readexactly(length)
    writer.close()
    return msgspec.json.decode(answer)


def _print(measured: Sequence[tuple[Cost, Cost]]) -> float:
    table = Table("round", "floor µs", "replica µs", "CPU ratio", "floor req/s", "replica req/s")
    ratios = [floor.cpu_us / replica.cpu_us for floor, replica in measured]
    for number, ((floor, replica), ratio) in enumerate(zip(measured, ratios, strict=True), 1):
        table.add_row(
            str(number),
            f"{floor.cpu_us:.1f}",
            f"{replica.cpu_us:.1f}",
            f"{ratio:.2f}",
            f"{floor.rate:.0f}",
            f"{replica.rate:.0f}",
        )
    console = Console()
    console.print(table)
    failures = sum(floor.failures + replica.failures for floor, replica in measured)
    console.print(
        f"ReportTaskProgress costs 1/{median(ratios):.2f} of the floor's CPU "
        f"(median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f}); "
        f"{failures} failed requests."
    )
    return median(ratios)
