"""What is true of the data set whenever no script is running.

Each instance is in exactly one place. The allowed exceptions: a deleted pipeline until its clean-up
has passed, and what a fan-out cursor that is still pending has not told yet.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from invariants_backlogs import check_backlogs
from invariants_pending import check_pending
from invariants_runs import Runs
from tables import fields

if TYPE_CHECKING:
    from dumps import Dump, Entry

FIELDS = {kind: fields(kind) for kind in ("instance", "attempt", "pipeline", "schedule", "alarm")}
ATTRIBUTES = ("lease", "unmet", "dependents")
DONE = {"FINISHED", "SKIPPED"}
HELD = {"claim", "acked_ms", "deadline_ms", "progress_bytes", "stale"}


def check_invariants(found: Dump, now_ms: int) -> None:
    """Assert all of it for every shard of the data set."""
    shards: dict[str, dict[str, dict[str, Entry]]] = defaultdict(lambda: defaultdict(dict))
    for key, entry in found.items():
        base, _, rest = key.partition("}:")
        name, _, parts = rest.partition(":")
        shards[base][name][parts] = entry
    for kinds in shards.values():
        Shard(kinds, now_ms).check()


class Shard:
    """One shard's data: by kind of key, by the rest of the key."""

    def __init__(self, kinds: dict[str, dict[str, Entry]], now_ms: int) -> None:
        self.kinds = kinds
        self.now_ms = now_ms
        self.timers: dict[str, int] = self.value("timers", "") or {}

    def value(self, kind: str, parts: str) -> Any:
        """Return the value of a key, or None."""
        entry = self.kinds[kind].get(parts)
        return entry.value if entry else None

    def deleted(self, scope: str) -> bool:
        """Say whether the pipeline is deleted (or even forgotten)."""
        return "deleted_ms" in (self.value("pipeline", scope) or {"deleted_ms": ""})

    def doomed(self, scope: str, n: str, record: dict[str, str]) -> bool:
        """Say whether a deactivation cancels an instance that its cursor has not come to."""
        pipeline = self.value("pipeline", scope) or {}
        canceling = pipeline.get("canceling")
        if not canceling or record["state"] == "terminal":
            return False
        return int(n) <= int(pipeline["cancel_to"]) and record.get("spared") != canceling

    def check(self) -> None:
        """Assert everything."""
        states = Counter()
        for parts, entry in self.kinds["instance"].items():
            scope, _, n = parts.rpartition(":")
            states[entry.value["state"]] += 1
            self.check_instance(scope, n, entry.value)
        counts = {k: int(v) for k, v in (self.value("counts", "") or {}).items() if v != "0"}
        alarms, stuck, stale = (counts.pop(name, 0) for name in ("alarms", "stuck", "stale"))
        assert stale == sum("stale" in entry.value for entry in self.kinds["instance"].values())
        assert counts == dict(states), "the counts are not the real ones"
        self.check_alarms(alarms, stuck)
        check_pending(self)
        self.check_ready()
        check_backlogs(self)
        self.check_timers()
        for scope, entry in self.kinds["pipeline"].items():
            self.check_pipeline(scope, entry)
        self.check_strays()

    def check_instance(self, scope: str, n: str, record: dict[str, str]) -> None:
        """Assert that an instance is where its state says, and nowhere else."""
        where, state = f"{scope}:{n}", record["state"]
        deleted = self.deleted(scope)
        ready = (self.value("ready", f"{scope}:{record['group']}") or {}).keys()
        aside = (self.value("aside", f"{scope}:{record['component']}") or {}).keys()
        places = {
            "blocked": bool(self.value("unmet", where)),
            "ready": (f"{int(n):010d}" in ready) != (f"{int(n):010d}" in aside),
            "leased": f"lease:{where}" in self.timers,
            "delayed": f"retry:{where}" in self.timers,
            "terminal": "status" in record,
        }
        there = {place for place, is_there in places.items() if is_there}
        allowed = [{state}, set()] if deleted and state in {"leased", "delayed"} else [{state}]
        assert there in allowed, f"{where} is {state}, but in {there or 'no place'}"
        if state == "leased" and not deleted:
            self.check_lease(where, record)
        if state != "leased":
            assert not record.keys() & HELD, where
            assert self.value("lease", where) is None, f"{where} is {state} and has a lease key"
            assert f"timeout:{where}" not in self.timers, where
        if "expires_ms" in record and state != "terminal" and not deleted:
            assert f"expiry:{where}" in self.timers, f"{where} is checked for ever"
        reported = self.value("progress", f"{where}:{record['attempt']}") or {}
        if state == "leased":
            size = sum(len(value.encode()) for value in reported.values())
            assert int(record.get("progress_bytes", 0)) == size, where
        if state == "blocked" and not deleted:  # nothing is told in a deleted pipeline
            self.check_unmet(scope, n, record)
        assert self.value("ids", scope)[record["id"]] == n
        assert self.value("instances", scope)[n] == int(n)

    def check_lease(self, where: str, record: dict[str, str]) -> None:
        """Assert that timer, key and record of a lease agree."""
        deadline_ms = int(record["deadline_ms"])
        due_ms = self.timers[f"lease:{where}"]  # before the deadline: when it will be stale
        assert due_ms == deadline_ms or (due_ms < deadline_ms and "stale" not in record), where
        lease = self.kinds["lease"].get(where)
        if deadline_ms > self.now_ms:
            assert lease is not None, f"{where} has no lease key"
        if lease is not None:
            assert (lease.value, lease.expires) == (record["claim"], True)
        has_timeout = record["attempt_timeout_ms"] != "0"
        assert (f"timeout:{where}" in self.timers) == has_timeout

    def check_unmet(self, scope: str, n: str, record: dict[str, str]) -> None:
        """Assert that a blocked instance waits for just what is not finished."""
        unmet = self.value("unmet", f"{scope}:{n}")
        needs = [*record["needs"].split(), *self.made_since(scope, record)]
        for need in needs:
            assert n in self.value("dependents", f"{scope}:{need}")
            if f"fanout:{scope}:{need}" not in self.timers:
                needed = self.value("instance", f"{scope}:{need}") or {}
                status, waits = needed.get("status"), {need, needed.get("id")} & unmet
                assert bool(waits) == (status not in DONE), f"{n} waits for {need}: {status}"
                if not self.doomed(scope, n, record):
                    self.check_cascade(scope, n, need)
        assert {need for need in unmet if not need.startswith("@")} <= set(needs)
        for awaited in (need for need in unmet if need not in (self.value("ids", scope) or {})):
            if awaited.startswith("@"):
                assert awaited in self.awaiting(scope)
                assert n in self.value("awaited", f"{scope}:{awaited}")

    def made_since(self, scope: str, record: dict[str, str]) -> list[str]:
        """Return the instances of other schedules that it needs and that were not made before."""
        ids = self.value("ids", scope) or {}
        return [ids[name] for name, _, _ in json.loads(record.get("across", "[]")) if name in ids]

    def awaiting(self, scope: str) -> set[str]:
        """Return the ids of the instances that something waits for and that are not made yet."""
        entries = self.kinds["awaiting"].items()
        return {name for at, entry in entries if at.startswith(scope + ":") for name in entry.value}

    def check_cascade(self, scope: str, n: str, need: str) -> None:
        """Assert that nothing waits for what has failed if the failure is its own too."""
        needed = self.value("instance", f"{scope}:{need}") or {}
        failed = needed.get("status", "FINISHED") not in DONE
        assert not (failed and "cascade" in needed), f"{n} was not told that {need} has failed"

    def check_alarms(self, count: int, stuck: int) -> None:
        """Assert that each alarm is in its outbox and has a timer, and nothing else is or has."""
        listed = {f"{k}:{seq}" for k, entry in self.kinds["outbox"].items() for seq in entry.value}
        timed = {t.removeprefix("alarm:") for t in self.timers if t.startswith("alarm:")}
        assert listed == self.kinds["alarm"].keys() == timed
        assert count == len(listed), "the count of alarms is not the real one"
        failed = [entry for entry in self.kinds["alarm"].values() if entry.value["tries"] != "0"]
        assert stuck == len(failed), "the count of alarms that failed is not the real one"
        for where in listed:
            scope, _, seq = where.rpartition(":")
            last = (self.value("pipeline", scope) or {}).get("alarms", 0)
            assert int(seq) <= int(last), f"alarm {where} was never raised"

    def check_ready(self) -> None:
        """Assert that ready lists and turns agree, and hold only what is ready."""
        listed = set()
        for parts, entry in self.kinds["ready"].items():
            account, pipeline, group = parts.split(":", 2)
            scope = f"{account}:{pipeline}"
            turns = self.value("turns", f"{account}:{group}") or {}
            held = group in (self.value("held", scope) or ())
            listed.add((f"{account}:{group}", pipeline))
            for member, score in entry.value.items():
                record = self.value("instance", f"{scope}:{int(member)}")
                assert (record["state"], record["group"]) == ("ready", group)
                assert int(record["scheduled_ms"]) == score
                doomed = self.doomed(scope, str(int(member)), record)
                served = pipeline in turns or held or doomed or self.deleted(scope)
                assert served, f"{parts} has no turn"
        for where, entry in self.kinds["turns"].items():
            for pipeline in entry.value:
                assert (where, pipeline) in listed, f"{pipeline} has a turn and nothing ready"
        for parts, entry in self.kinds["aside"].items():
            account, pipeline, component = parts.split(":", 2)
            for member, score in entry.value.items():
                record = self.value("instance", f"{account}:{pipeline}:{int(member)}")
                assert (record["state"], record["component"]) == ("ready", component)
                assert int(record["scheduled_ms"]) == score
            paused = component in (self.value("paused", f"{account}:{pipeline}") or {})
            resumes = f"resume:{parts}" in self.timers
            assert paused or resumes or self.deleted(f"{account}:{pipeline}"), f"{parts} for ever"
        for account, entry in self.kinds["virtual"].items():
            for group in entry.value:
                assert f"{account}:{group}" in self.kinds["turns"], f"{group}: idle, but served"

    def check_timers(self) -> None:
        """Assert that each timer belongs to something that waits for it."""
        for timer in self.timers:
            kind, account, pipeline, last = timer.split(":", 3)
            scope = f"{account}:{pipeline}"
            record = self.value("instance", f"{scope}:{last}") or {}
            if kind == "alarm":
                continue  # check_alarms has looked at it
            if kind in {"lease", "timeout", "retry"}:
                state = "delayed" if kind == "retry" else "leased"
                assert record.get("state") == state, f"{timer} of a {record.get('state')} one"
            elif kind == "expiry" and not self.deleted(scope):
                ends = self.timers[timer], record.get("state") != "terminal"
                assert ends == (int(record["expires_ms"]), True), f"{timer} is an old one"
            elif kind in {"fanout", "late", "expiry"}:
                assert record or self.deleted(scope), f"{timer} of nothing"
            elif kind in {"tick", "forgo"}:
                assert self.value("schedule", f"{scope}:{last}"), f"{timer} of nothing"
            elif kind == "create":
                assert self.value("run", f"{scope}:{last}"), f"{timer} of nothing"
            elif kind in {"resume", "release", "cancel", "restart"}:
                assert self.value("pipeline", scope), f"{timer} of nothing"
            else:
                assert kind == "delete", timer
                assert self.deleted(scope), timer

    def check_pipeline(self, scope: str, pipeline: Entry) -> None:
        """Assert that no instance of a living pipeline is missing, and a dead one is gone."""
        members = self.value("instances", scope) or {}
        ids = self.value("ids", scope) or {}
        assert {int(n) for n in ids.values()} == set(members.values())
        self.check_indexes(scope, members)
        assert all(f"{scope}:{n}" in self.kinds["instance"] for n in members), scope
        pending = any(timer.startswith(f"create:{scope}:") for timer in self.timers)
        assert pending == any(run.startswith(scope + ":") for run in self.kinds["run"])
        cleaning = f"delete:{scope}:0" in self.timers
        if not self.deleted(scope):
            made = int(pipeline.value.get("next_instance", 1)) - 1
            assert len(members) == made or (pending and len(members) < made)
            account, _, name = scope.partition(":")
            assert name in self.value("pipelines", account)
        elif not cleaning and not pending:
            assert pipeline.expires, f"the tombstone of {scope} would stay for ever"
            left = [
                (kind, parts)
                for kind, entries in self.kinds.items()
                for parts in entries
                if kind != "pipeline" and (parts == scope or parts.startswith(scope + ":"))
            ]
            assert not left, "left of a deleted pipeline"

    def check_indexes(self, scope: str, members: dict[str, int]) -> None:
        """Assert that each index has each instance, where it belongs; and the count of starts."""
        records = {n: self.value("instance", f"{scope}:{n}") for n in members}
        places = {n: record.get("status", record["state"]) for n, record in records.items()}
        listed = {
            (n, parts.removeprefix(scope + ":"))
            for parts, entry in self.kinds["members"].items()
            if parts.startswith(scope + ":")
            for n in entry.value
        }
        assert listed == set(places.items()), f"{scope}: the index of states is wrong"
        for index, name in (("scheduled", "scheduled_ms"), ("started", "created_ms")):
            times = {f"{int(n):010d}": int(record[name]) for n, record in records.items()}
            assert (self.value(index, scope) or {}) == times, f"{scope}: {index}"
        if self.deleted(scope):
            return
        Runs(self, scope, records).check()

    def check_strays(self) -> None:
        """Assert that no key outlives what it belongs to, and that passing ones pass."""
        for kind in ATTRIBUTES:
            for parts in self.kinds[kind]:
                run = any(run.startswith(parts.rpartition(":")[0]) for run in self.kinds["run"])
                assert parts in self.kinds["instance"] or run, f"{kind}:{parts} of nothing"
        for kind, known in FIELDS.items():
            for entry in self.kinds[kind].values():
                names = {re.sub(r":.*", ":", field) for field in entry.value}
                assert names <= known, f"{kind}: {names - known} not in lua/README.md"
        for kind in ("attempt", "progress"):
            for parts in self.kinds[kind]:
                where, _, attempt = parts.rpartition(":")
                record = self.value("instance", where)
                assert record, f"{kind}:{parts} of nothing"
                assert 1 <= int(attempt) <= int(record["attempt"]), f"{kind}:{parts}"
        for parts, entry in self.kinds["attempt"].items():
            ended = any(not name.startswith("was:") for name in entry.value)
            assert ("status" in entry.value) == ended, f"attempt:{parts} has half ended"
        for kind in ("call", "answer", "runner", "lease"):
            assert all(entry.expires for entry in self.kinds[kind].values()), kind
        for parts, entry in self.kinds["components"].items():
            assert entry.expires != ("activated" in entry.value), f"components:{parts}"
