"""What a data set means: its instances and timers, and a form in which alike ones are equal."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from search_store import Key, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_store import Data

BASE = "coord:1:{0}:"
NAMES = re.compile(r"\b[0-9a-f]{32}\b|\b(?:call|op)-\d+\b")
# Fields that no script decides by: they are shown to people, or repeat what another key says
# (an invariant: `deadline_ms` and `retry_ms` are the scores of their timers).
SHOWN = {
    "instance": "created_ms claimed_ms ready_ms ended_ms returned_ms retry_ms deadline_ms hostname "
    "reports token",
    "attempt": "claimed_ms renewed_ms ended_ms token hostname reports",
    "pipeline": "created_ms activated_ms first_activated_ms deactivated_ms completed_ms last_start "
    "ill health_ms health_id",
    "components": "",
}
# Of these only whether they are there counts.
THERE = {
    "instance": "acked_ms requeued_from_ms",
    "attempt": "acked_ms",
    "pipeline": "deleted_ms",
    "components": "activated",
}
HELD = {"claim", "acked_ms", "deadline_ms"}  # fields that only a held instance has
LONG_MS = 200_000  # as good as for ever: no sequence of steps is so long


class View(NamedTuple):
    """A data set by meaning. Instances are named (scope, n).

    `latest`: the last version of a scope's definition; `staged`: fields stored of `scope:version`;
    `paused`: components of a scope; `aside`: instances that wait for one; `turns`: of scopes in
    groups; `doomed`: instances that a deactivation has canceled but not come to yet, which are
    shown as canceled: so they are for everybody.
    """

    instances: dict[tuple[str, str], dict[str, str]]
    timers: dict[str, int]
    meta: dict[str, str]
    deleted: frozenset[str]
    calls: dict[str, str]
    latest: dict[str, str]
    staged: dict[str, int]
    pipelines: dict[str, dict[str, str]]
    paused: dict[str, set[str]]
    aside: frozenset[tuple[str, str]]
    turns: frozenset[tuple[str, str]]
    doomed: frozenset[tuple[str, str]]

    def holders(self) -> dict[str, tuple[str, str]]:
        """Return the claims that hold a lease of a living pipeline, and on what."""
        return {
            record["claim"]: where
            for where, record in self.instances.items()
            if record["state"] == "leased" and where[0] not in self.deleted
        }

    def ready(self, group: str) -> list[tuple[str, str]]:
        """Return the instances of a worker group that may be handed out."""
        return [
            where
            for where, record in self.instances.items()
            if record["state"] == "ready"
            and record["group"] == group
            and where[0] not in self.deleted
            and "held" not in self.pipelines[where[0]]
            and record["component"] not in self.paused.get(where[0], ())
            and where not in self.aside
            and (where[0], group) in self.turns
        ]


def view(data: Data) -> View:
    """Read a data set."""
    kinds: dict[str, dict[str, Any]] = defaultdict(dict)
    for key in data:
        kind, _, rest = key.name.removeprefix(BASE).partition(":")
        kinds[kind][rest] = plain(key)
    pipelines, instances = kinds["pipeline"], {}
    for rest, record in kinds["instance"].items():
        scope, _, n = rest.rpartition(":")
        instances[scope, n] = record
    doomed = frozenset(where for where in instances if _doomed(where, instances, pipelines))
    for where in doomed:
        left = {k: v for k, v in instances[where].items() if k not in HELD}
        instances[where] = {**left, "state": "terminal", "status": "CANCELED"}
    return View(
        instances=instances,
        timers=kinds["timers"].get("", {}),
        meta=kinds["meta"].get("", {}),
        deleted=frozenset(scope for scope, known in pipelines.items() if "deleted_ms" in known),
        calls=kinds["call"],
        latest={scope: known["latest_version"] for scope, known in kinds["definition"].items()},
        staged={
            rest: len(known.keys() - {"activated"}) for rest, known in kinds["components"].items()
        },
        pipelines=pipelines,
        paused={scope: set(known) for scope, known in kinds["paused"].items()},
        aside=frozenset(_aside(kinds["aside"])),
        turns=frozenset(_turns(kinds["turns"])),
        doomed=doomed,
    )


def _aside(lists: dict[str, dict[str, int]]) -> Iterator[tuple[str, str]]:
    for rest, members in lists.items():
        scope, _, _ = rest.rpartition(":")
        yield from ((scope, str(int(n))) for n in members)


def _turns(lists: dict[str, dict[str, int]]) -> Iterator[tuple[str, str]]:
    for rest, pipelines in lists.items():
        account, _, group = rest.partition(":")
        yield from ((f"{account}:{pipeline}", group) for pipeline in pipelines)


def _doomed(
    where: tuple[str, str],
    instances: dict[tuple[str, str], dict[str, str]],
    pipelines: dict[str, dict[str, str]],
) -> bool:
    pipeline, record = pipelines.get(where[0], {}), instances[where]
    canceling = pipeline.get("canceling")
    if not canceling or record["state"] == "terminal":
        return False
    return int(where[1]) <= int(pipeline["cancel_to"]) and record.get("spared") != canceling


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
    shown = kind in {
        "answer",
        "health",
        "started",
        "backlog",
        "backlogs",
    }  # to people, or until a repeat
    return not shown and (kind != "call" or f"'{rest}'" in clients)


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
