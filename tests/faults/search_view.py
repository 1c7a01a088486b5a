"""What a data set means: its instances and timers, and a form in which alike ones are equal."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from search_store import Key, plain

if TYPE_CHECKING:
    from search_store import Data

BASE = "coord:1:{0}:"
NAMES = re.compile(r"\b[0-9a-f]{32}\b|\b(?:call|op)-\d+\b")
# Fields that no script decides by: they are shown to people, or repeat what another key says
# (an invariant: `deadline_ms` and `retry_ms` are the scores of their timers).
SHOWN = {
    "instance": "created_ms claimed_ms ready_ms ended_ms returned_ms retry_ms deadline_ms hostname "
    "reports token",
    "attempt": "claimed_ms renewed_ms ended_ms token hostname reports",
    "pipeline": "created_ms activated_ms last_start",
    "components": "",
}
# Of these only whether they are there counts.
THERE = {
    "instance": "acked_ms requeued_from_ms",
    "attempt": "acked_ms",
    "pipeline": "deleted_ms",
    "components": "activated",
}
LONG_MS = 200_000  # as good as for ever: no sequence of steps is so long


class View(NamedTuple):
    """A data set by meaning. Instances are named (scope, n).

    `latest`: the last version of a scope's definition; `staged`: fields stored of `scope:version`.
    """

    instances: dict[tuple[str, str], dict[str, str]]
    timers: dict[str, int]
    meta: dict[str, str]
    deleted: frozenset[str]
    calls: dict[str, str]
    latest: dict[str, str]
    staged: dict[str, int]

    def holders(self) -> dict[str, tuple[str, str]]:
        """Return the claims that hold a lease of a living pipeline, and on what."""
        return {
            record["claim"]: where
            for where, record in self.instances.items()
            if record["state"] == "leased" and where[0] not in self.deleted
        }

    def ready(self, group: str) -> list[tuple[str, str]]:
        """Return the ready instances of living pipelines in a worker group."""
        return [
            where
            for where, record in self.instances.items()
            if record["state"] == "ready"
            and record["group"] == group
            and where[0] not in self.deleted
        ]


def view(data: Data) -> View:
    """Read a data set."""
    instances, timers, meta, calls, deleted, latest, staged = {}, {}, {}, {}, set(), {}, {}
    for key in data:
        kind, _, rest = key.name.removeprefix(BASE).partition(":")
        if kind == "instance":
            scope, _, n = rest.rpartition(":")
            instances[scope, n] = plain(key)
        elif kind == "timers":
            timers = plain(key)
        elif kind == "meta":
            meta = plain(key)
        elif kind == "call":
            calls[rest] = plain(key)
        elif kind == "pipeline" and "deleted_ms" in plain(key):
            deleted.add(rest)
        elif kind == "definition":
            latest[rest] = plain(key)["latest_version"]
        elif kind == "components":
            staged[rest] = len(plain(key).keys() - {"activated"})
    return View(instances, timers, meta, frozenset(deleted), calls, latest, staged)


def canonical(data: Data, clients: str, now_ms: int, threshold_ms: int) -> bytes:
    """Return a digest that is equal for data sets and clients that differ in names only.

    Times are relative to now; claims and calls are numbered in the order of their making.
    """
    meta = next((plain(key) for key in data if key.name == BASE + "meta"), {})
    gap_ms = int(meta.get("gap_end_ms", 0))
    virtual = next((_Frozen(plain(key)) for key in data if ":virtual:" in key.name), None)
    counting = [key for key in data if _counts(key, clients)]
    parts = [_part(key, now_ms, gap_ms, threshold_ms, virtual) for key in counting]
    parts.append(_named(clients))
    found = sorted({name for part in parts for name in part[1]})
    names = {name: f"<{i}>" for i, name in enumerate(found)}
    texts = [
        NAMES.sub(lambda match: names[match[0]], text) if used else text for text, used in parts
    ]
    return blake2b("\n".join(texts).encode(), digest_size=16).digest()


def _named(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text, and the names in it that are arbitrary."""
    return text, tuple(NAMES.findall(text))


def _counts(key: Key, clients: str) -> bool:
    """Say whether a key can matter later; what is kept for repeats, while a client may repeat."""
    kind, _, rest = key.name.removeprefix(BASE).partition(":")
    return kind != "answer" and (kind != "call" or f"'{rest}'" in clients)


class _Frozen(dict[str, str]):
    """A dict as the key of a cache."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


@lru_cache(maxsize=1 << 18)
def _part(
    key: Key, now_ms: int, gap_ms: int, threshold_ms: int, virtual: _Frozen | None
) -> tuple[str, tuple[str, ...]]:
    kind, _, rest = key.name.removeprefix(BASE).partition(":")
    value, kept = plain(key), ""
    if kind == "timers":
        value = _relative(value, now_ms)
    elif kind == "turns":
        served = int((virtual or {}).get(rest.partition(":")[2], 0))
        value = {pipeline: turn - served for pipeline, turn in value.items()}
    elif kind == "virtual":
        value = sorted(value)
    elif kind == "counts":
        value = {state: count for state, count in value.items() if count != "0"}
    elif kind == "meta":
        value = _clock(value, now_ms, threshold_ms)
    elif kind in SHOWN:
        value = _record(kind, value, now_ms if threshold_ms < LONG_MS else 0, gap_ms)
    if kind == "call":
        kept = str(min(key.expires_ms - now_ms, LONG_MS))
    if isinstance(value, dict):
        value = sorted(value.items())
    elif isinstance(value, set):
        value = sorted(value)
    return _named(f"{key.name} {value} {kept}")


def _relative(timers: dict[str, int], now_ms: int) -> dict[str, int]:
    """Return what is to come in ms from now, and what is due (or overdue) in its order."""
    due = sorted({at for at in timers.values() if at < now_ms})
    rank = {at: i - len(due) for i, at in enumerate(due)}
    return {timer: rank.get(at, at - now_ms) for timer, at in timers.items()}


def _clock(meta: dict[str, str], now_ms: int, threshold_ms: int) -> dict[str, Any]:
    """Return the shard's clock: how long ago, up to what makes an outage."""
    ages = {name: now_ms - int(at) for name, at in meta.items() if name.endswith("_ms")}
    if "last_run_ms" in ages:
        far = threshold_ms >= LONG_MS
        ages["last_run_ms"] = 0 if far else min(ages["last_run_ms"], threshold_ms + 1)
    return {**meta, **ages}


def _record(kind: str, value: dict[str, str], now_ms: int, gap_ms: int) -> dict[str, Any]:
    shown, there = SHOWN[kind].split(), THERE[kind].split()
    kept: dict[str, Any] = {}
    for name, text in value.items():
        if name in shown:
            continue
        if name in there or name.startswith("was:"):
            kept[name] = bool(text)
        elif name == "renewed_ms":  # compared with the end of an outage only, which may be now
            kept[name] = (int(text) < gap_ms, int(text) == now_ms)
        else:
            kept[name] = text
    return kept
