"""The operator: it starts pipelines at a bounded rate; cancels, reruns, pauses, deletes some."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaos import SHAPES
from pipelines import item, values

if TYPE_CHECKING:
    import random

    from caller import Answer, Caller

PERIOD = 0.5  # seconds between two steps
MOST_LIVE = 15  # pipelines at a time
SIZES = (4, 10)
PAGE = 100
ENDED = {"FINISHED", "FAILED", "CANCELED"}
GONE = {"PipelineNotFoundException", "PipelineDeletedException"}
# What may fail a task here: each hand-out of ten was lost on its way.
UNLUCKY = "AcknowledgementTimeout"


@dataclass
class Watched:
    """A pipeline that runs, and what was done to it."""

    id: str
    epoch: int
    asked: float = 0.0
    names: set[str] = field(default_factory=set)
    needs: dict[str, list[str]] = field(default_factory=dict)  # of objects
    canceled: set[str] = field(default_factory=set)
    rerun: bool = False
    paused: str = ""  # the component that is


class Operator:
    """Works as one client; `findings` are sentences on what must not be.

    `activated` says of each instance that was seen when it was asked for, `needs` what it waits
    for, `final` how it was at the
    end ("gone": with its pipeline); `unseen` are pipelines that were gone before their instances
    could be seen, because all data was.

    Args:
        caller: makes the calls and writes them down.
        group: worker group of all tasks.
        chance: its dice.
        stop: ends `run`.
    """

    def __init__(
        self, caller: Caller, group: str, chance: random.Random, stop: threading.Event
    ) -> None:
        self.findings: list[str] = []
        self.activated: dict[str, float] = {}
        self.needs: dict[str, list[str]] = {}
        self.final: dict[str, str] = {}
        self.unseen: list[str] = []
        self.read_at = 0.0  # when `final` was complete
        self.started = self.instances = 0
        self.pipelines: list[Watched] = []
        self.epoch = 0  # odd while the data set is being emptied
        self._caller = caller
        self._group = group
        self._chance = chance
        self._stop = stop
        self._never = threading.Event()
        self._number = 0

    def run(self) -> None:
        """Work until stopped."""
        while not self._stop.wait(PERIOD):
            if len(self.pipelines) < MOST_LIVE:
                self.start()
            for _ in range(2):
                self.look()
            if self.pipelines:
                disturbances = [self.cancel, self.delete, self.pause, self.leave, self.leave]
                self._chance.choice(disturbances)(self._chance.choice(self.pipelines))

    def start(self) -> None:
        """Create a pipeline of some shape and activate it."""
        self._number += 1
        unique, epoch = f"{self._group}-{self._number}", self.epoch
        count = self._chance.randint(*SIZES)
        objects = [item("Default", workerGroup=self._group), *self._chance.choice(SHAPES)(count)]
        made = self._ask("CreatePipeline", {"name": unique, "uniqueId": unique})
        if made is None:
            return
        pipeline = Watched(made.body["pipelineId"], epoch)
        pipeline.asked, own = time.monotonic(), {"pipelineId": pipeline.id}
        pipeline.needs = {each["id"]: _needs(each) for each in objects}
        for operation, more in (
            ("PutPipelineDefinition", {"pipelineObjects": objects}),
            ("ActivatePipeline", {}),
        ):
            answer = self._ask(operation, own | more)
            if answer is None or self._refused(pipeline, answer):
                return
        self.started += 1
        self.instances += count
        if self.statuses(pipeline) is not None:
            self.pipelines.append(pipeline)

    def look(self) -> None:
        """Look at the pipeline that was not looked at for longest."""
        if not self.pipelines:
            return
        pipeline = self.pipelines.pop(0)
        self.pipelines.append(pipeline)
        found = self.statuses(pipeline)
        if found is None:
            return
        if all(status in ENDED for status in found.values()):
            self._ended(pipeline, found)
        elif _stuck(found):
            self._free(pipeline, found)

    def drain(self, seconds: float) -> None:
        """Stop to disturb, and wait until every instance of every pipeline has ended.

        A finding for each pipeline that has not after so many seconds.
        """
        deadline, waiting = time.monotonic() + seconds, list(self.pipelines)
        while waiting:
            pipeline = waiting.pop(0)
            if pipeline.paused:
                self._resume(pipeline)
            found = self.statuses(pipeline)
            if found is None:
                continue
            if all(status in ENDED for status in found.values()):
                self._check_end(pipeline, found)
                self.final.update({f"{pipeline.id}/{n}": status for n, status in found.items()})
                continue
            if time.monotonic() > deadline:
                self.findings.append(f"{pipeline.id} has not ended: {found}")
                continue
            if _stuck(found):
                self._free(pipeline, found, cancel=True)
            waiting.append(pipeline)
            self._never.wait(0.1)
        self.read_at = time.monotonic()

    def cancel(self, pipeline: Watched) -> None:
        """Cancel one or two instances."""
        found = self.statuses(pipeline)
        if found:
            self._cancel(pipeline, self._chance.sample(sorted(found), min(len(found), 1)))

    def delete(self, pipeline: Watched) -> None:
        """Delete a pipeline, whatever it does now."""
        answer = self._caller.call(
            "delete", "DeletePipeline", {"pipelineId": pipeline.id}, pipeline=pipeline.id
        )
        if answer is not None:
            self._refused(pipeline, answer)
            self._drop(pipeline, gone=True)

    def pause(self, pipeline: Watched) -> None:
        """Pause a component, or resume the one that is paused."""
        if pipeline.paused:
            self._resume(pipeline)
            return
        component = self._chance.choice(sorted(pipeline.needs.keys() - {"Default"}))
        pipeline.paused = component
        self._change(pipeline, "PAUSE", component)

    def leave(self, pipeline: Watched) -> None:
        """Let a pipeline be."""

    def statuses(self, pipeline: Watched) -> dict[str, str] | None:
        """Return the status of every instance by its id; None if that cannot be learned."""
        own = {"pipelineId": pipeline.id}
        found = self._ask("QueryObjects", own | {"sphere": "INSTANCE", "limit": PAGE})
        if found is None or self._refused(pipeline, found):
            return None
        rows = self._ask("DescribeObjects", own | {"objectIds": found.body["ids"]})
        if rows is None or self._refused(pipeline, rows):
            return None
        fields = {row["id"]: values(row) for row in rows.body["pipelineObjects"]}
        pipeline.names.update(fields)
        for name in fields:
            self.activated.setdefault(f"{pipeline.id}/{name}", pipeline.asked)
            component, _, start = name.rpartition("_")
            needs = pipeline.needs[component.removeprefix("@")]
            self.needs[f"{pipeline.id}/{name}"] = [f"{pipeline.id}/@{n}_{start}" for n in needs]
        for name, each in fields.items():
            if each["@status"] == "FAILED" and each.get("errorId") != UNLUCKY:
                self.findings.append(f"{pipeline.id}/{name} is FAILED: {each}")
        return {name: each["@status"] for name, each in fields.items()}

    def _ended(self, pipeline: Watched, found: dict[str, str]) -> None:
        """Run some instances of a pipeline again, or delete it."""
        self._check_end(pipeline, found)
        if not pipeline.rerun and self._chance.random() < 0.3:
            pipeline.rerun = True
            self._rerun(pipeline, self._chance.sample(sorted(found), 2))
        else:
            self.delete(pipeline)

    def _free(self, pipeline: Watched, found: dict[str, str], *, cancel: bool = False) -> None:
        """Cancel what waits for something that has ended otherwise; or run that again."""
        if cancel or self._chance.random() < 0.5:
            self._cancel(pipeline, [n for n, status in found.items() if status not in ENDED])
        else:
            self._rerun(
                pipeline, [n for n, status in found.items() if status in ENDED - {"FINISHED"}]
            )

    def _cancel(self, pipeline: Watched, names: list[str]) -> None:
        pipeline.canceled.update(names)
        self._set_status("cancel", "TRY_CANCEL", pipeline, names)

    def _rerun(self, pipeline: Watched, names: list[str]) -> None:
        self._set_status("rerun", "RERUN", pipeline, names)

    def _set_status(self, op: str, status: str, pipeline: Watched, names: list[str]) -> None:
        for name in names:
            about = {"pipeline": pipeline.id, "instance": f"{pipeline.id}/{name}"}
            body = {"pipelineId": pipeline.id, "objectIds": [name], "status": status}
            answer = self._caller.call(op, "SetStatus", body, **about)
            if answer is None or self._refused(pipeline, answer):
                return

    def _resume(self, pipeline: Watched) -> None:
        if self._change(pipeline, "RESUME", pipeline.paused):
            pipeline.paused = ""

    def _change(self, pipeline: Watched, status: str, component: str) -> bool:
        """Set the status of a component; False where it cannot be learned whether it was."""
        body = {"pipelineId": pipeline.id, "objectIds": [component], "status": status}
        answer = self._ask("SetStatus", body)
        return answer is not None and not self._refused(pipeline, answer)

    def _check_end(self, pipeline: Watched, found: dict[str, str]) -> None:
        wrong = {n for n, s in found.items() if s == "CANCELED"} - pipeline.canceled
        if wrong:
            self.findings.append(f"{pipeline.id}: canceled by nobody: {wrong}")

    def _refused(self, pipeline: Watched, answer: Answer) -> bool:
        """Whether a call was refused; that a pipeline is gone is a finding unless all data is."""
        if answer.status == 200:
            return False
        gone = answer.body.get("__type") in GONE
        self._drop(pipeline, gone=gone)
        if not gone or (pipeline.epoch == self.epoch and self.epoch % 2 == 0):
            self.findings.append(f"{pipeline.id}: {answer.body}")
        return True

    def _drop(self, pipeline: Watched, *, gone: bool) -> None:
        if gone:
            self.final.update({f"{pipeline.id}/{name}": "gone" for name in pipeline.names})
        if not pipeline.names:
            self.unseen.append(pipeline.id)
        if pipeline in self.pipelines:
            self.pipelines.remove(pipeline)

    def _ask(self, operation: str, body: dict[str, Any]) -> Answer | None:
        return self._caller.call("", operation, body)


def _stuck(found: dict[str, str]) -> bool:
    """Whether nothing can go on: what waits, waits for something that ended otherwise."""
    waiting = {status for status in found.values() if status not in ENDED}
    return waiting == {"WAITING_ON_DEPENDENCIES"} and bool(
        {"FAILED", "CANCELED"} & {*found.values()}
    )


def _needs(described: dict[str, Any]) -> list[str]:
    """The objects that an object depends on."""
    return [f["refValue"] for f in described["fields"] if f["key"] == "dependsOn"]
