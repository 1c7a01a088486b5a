"""Series of the process itself: its version, its credentials, HTTP, and its calls of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator import __version__
from coordinator.web.exposition.families import Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.store.batch import Counters
    from coordinator.web.exposition.families import Reading, Value


def _connections(reading: Reading) -> Counters:
    return reading.coordinator.health.connections


def _requests(reading: Reading) -> Iterable[tuple[tuple[str, ...], Value]]:
    counts = reading.coordinator.metrics.requests.counts()
    return [((name, str(status)), count) for (name, status), count in counts.items()]


def _request_seconds(reading: Reading) -> Iterable[tuple[tuple[str, ...], Value]]:
    seconds = reading.coordinator.metrics.requests.seconds
    return [((name,), histogram) for name, histogram in seconds.items()]


def _script_calls(reading: Reading) -> Iterable[tuple[tuple[str, ...], Value]]:
    use = reading.coordinator.health.script_use()
    return [((name,), calls) for name, (calls, _) in use.items()]


def _script_seconds(reading: Reading) -> Iterable[tuple[tuple[str, ...], Value]]:
    use = reading.coordinator.health.script_use()
    return [((name,), seconds) for name, (_, seconds) in use.items()]


PROCESS = (
    Family("build_info", "gauge", ("version",), "The version", lambda _: [((__version__,), 1)]),
    Family(
        "credentials",
        "gauge",
        (),
        "Credentials that may sign; 0 where nobody needs to",
        lambda reading: [((), reading.coordinator.metrics.credentials)],
    ),
    Family(
        "credentials_broken",
        "gauge",
        (),
        "Whether the credentials file cannot be used, and the credentials before are in force",
        lambda reading: [((), reading.coordinator.metrics.credentials_broken)],
    ),
    Family(
        "errors",
        "counter",
        ("error",),
        "API errors answered",
        lambda reading: [((k,), v) for k, v in reading.coordinator.metrics.errors.items()],
    ),
    Family(
        "http_requests",
        "counter",
        ("operation", "status"),
        "Answers of the API by operation (none: it has no such operation) and HTTP status",
        _requests,
    ),
    Family(
        "http_request_seconds",
        "histogram",
        ("operation",),
        "From a request to its answer; of PollForTask the wait is in it",
        _request_seconds,
    ),
    Family(
        "redis_calls",
        "counter",
        (),
        "Calls of Redis",
        lambda reading: [((), _connections(reading).calls)],
    ),
    Family(
        "redis_batches",
        "counter",
        (),
        "Writes that carried them",
        lambda reading: [((), _connections(reading).batches)],
    ),
    Family(
        "redis_batch_calls",
        "histogram",
        (),
        "Calls in one write",
        lambda reading: [((), _connections(reading).batch_calls)],
    ),
    Family(
        "redis_round_trip_seconds",
        "histogram",
        (),
        "From a write to the last answer to its calls",
        lambda reading: [((), _connections(reading).round_trip)],
    ),
    Family(
        "redis_reconnects",
        "counter",
        (),
        "Connections made again",
        lambda reading: [((), _connections(reading).reconnects)],
    ),
    Family("script_calls", "counter", ("script",), "Calls of scripts", _script_calls),
    Family(
        "script_seconds",
        "counter",
        ("script",),
        "Time from asking for a script to its answer, added up; waiting in line is in it",
        _script_seconds,
    ),
    Family(
        "script_errors",
        "counter",
        ("code",),
        "Error answers of Redis: refusals of scripts, and its own",
        lambda reading: [((k,), v) for k, v in _connections(reading).errors.items()],
    ),
)
