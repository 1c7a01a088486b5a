"""Histories that the promises allow: the checker accepts each, ruling by ruling."""

from __future__ import annotations

from dataclasses import replace

import pytest
from history import Fault
from history_builder import INSTANCE, OPTIONS, Tale
from history_checks import check_history

LOST = "TaskNotFoundException"
DELETED = "PipelineDeletedException"
OTHER = "InvalidRequestException"


def held():
    """A hand-out that was acknowledged."""
    return Tale().poll("a", 0).report("a", "accepted", 0.5)


def over():
    """A task that is finished."""
    return held().finish("a", "accepted", 1)


GOOD = {
    "done": over(),
    "a result acknowledges too": Tale().poll("a", 0).finish("a", "accepted", 0.5),
    "late, but not taken yet": held().report("a", "accepted", 50).finish("a", "accepted", 99),
    "silent, taken, the next attempt": held()
    .poll("b", 2.6, attempt=2)
    .report("a", "superseded", 3)
    .finish("a", LOST, 3.2)
    .finish("b", "accepted", 3.4),
    "taken at the earliest moment of a report": Tale()
    .poll("a", 0)
    .report("a", "accepted", 0.5, 0.9)
    .poll("b", 2.4, 2.5, attempt=2),
    "not acknowledged, the same attempt": Tale()
    .poll("a", 0)
    .poll("b", 1.1)
    .report("a", "superseded", 1.2)
    .finish("b", "accepted", 1.3),
    "lost to a hand-out that nobody was told of": held()
    .unknown("poll", at=2.4)
    .report("a", "superseded", 3)
    .poll("b", 4.4, attempt=2),
    "a repeated poll gets the same handle": Tale()
    .poll("a", 0)
    .poll("a", 0.5)
    .finish("a", "accepted", 1),
    "the result again": over().finish("a", "repeat", 2).report("a", "repeat", 3),
    "another result after it": over().fail("a", OTHER, 2),
    "failed and tried again": held().fail("a", "accepted", 1).poll("b", 1.2, attempt=2),
    "failed for good": held()
    .fail("a", "accepted", 1)
    .poll("b", 1.2, attempt=2)
    .fail("b", "accepted", 1.4)
    .poll("c", 1.6, attempt=3)
    .fail("c", "accepted", 1.8),
    "canceled while it ran": held()
    .operator("cancel", 1)
    .report("a", "canceled", 1.2)
    .finish("a", "canceled", 1.4),
    "canceled while it was told": held()
    .operator("cancel", 1, 2)
    .report("a", "accepted", 1.1)
    .report("a", "canceled", 1.5),
    "canceled after the end": over().operator("cancel", 2).finish("a", "repeat", 3),
    "run again": over().operator("rerun", 2).poll("b", 3, attempt=2).report("a", "repeat", 4),
    "run again after it was canceled unseen": Tale()
    .operator("cancel", 0)
    .operator("rerun", 1)
    .poll("a", 2, attempt=1),
    "run again after an unseen hand-out was canceled": Tale()
    .unknown("poll", at=0)
    .operator("cancel", 0.5)
    .operator("rerun", 1)
    .poll("a", 2, attempt=2),
    "deleted while it ran": held()
    .operator("delete", 1)
    .report("a", "deleted", 1.2)
    .finish("a", DELETED, 1.4),
    "deleted after it was lost": held()
    .poll("b", 2.6, attempt=2)
    .operator("delete", 3)
    .report("a", DELETED, 3.2)
    .report("b", "deleted", 3.4),
    "deleted twice": held()
    .operator("delete", 1)
    .operator("delete", 2, verdict="PipelineNotFoundException"),
    "a result without an answer counted": held().unknown("finish", "a", 1).finish("a", "repeat", 2),
    "a result without an answer came late": held()
    .unknown("finish", "a", 1)
    .report("a", "accepted", 1.5)
    .finish("a", "repeat", 2),
    "a result without an answer never came": held()
    .unknown("finish", "a", 1)
    .poll("b", 2.6, attempt=2)
    .finish("a", LOST, 3),
    "a report without an answer acknowledged": Tale()
    .poll("a", 0)
    .unknown("report", "a", 0.5)
    .poll("b", 2.6, attempt=2),
    "a report without an answer came too late": Tale()
    .poll("a", 0)
    .unknown("report", "a", 0.5)
    .poll("b", 1.2, attempt=1),
    "a failure without an answer": held().unknown("fail", "a", 1).poll("b", 1.2, attempt=2),
    "a cancel without an answer": held().unknown("cancel", at=1).report("a", "canceled", 7),
    "a deletion without an answer": held().unknown("delete", at=1).report("a", "deleted", 7),
    "many repeats without an answer": held()
    .unknown("report", "a", 0.7)
    .unknown("report", "a", 0.8)
    .unknown("finish", "a", 0.9)
    .unknown("finish", "a", 1.0)
    .unknown("finish", "a", 1.1)
    .finish("a", "repeat", 1.2),
    "calls at the same time": Tale()
    .poll("a", 0, 0.5)
    .report("a", "accepted", 0.6, 2)
    .finish("a", "accepted", 0.7, 2)
    .report("a", "repeat", 0.8, 2),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_the_rulings_allow_is_accepted(name):
    """No ruling of the design is taken for a breach."""
    summary = check_history(GOOD[name].calls, [], OPTIONS)
    assert summary.instances == 1


def lost_leases(count, first=0.0):
    """Hand-outs that fall silent after they were acknowledged, one after the other."""
    story = Tale()
    for i in range(count):
        at = first + i * 3
        story.poll("abcdefghijklm"[i], at, attempt=i + 1).report(
            "abcdefghijklm"[i], "accepted", at + 0.2
        )
    return story


def never_acknowledged(count):
    """Hand-outs that nobody acknowledges."""
    story = Tale()
    for i in range(count):
        story.poll("abcdefghijklm"[i], i * 1.2)
    return story


OUTAGE = Fault(kind="outage", target="all", began=1.0, ended=8.0)
ENDS = {
    "finished": (over(), "FINISHED", {}),
    "finished, nobody knows when": (held().unknown("finish", "a", 1), "FINISHED", {}),
    "canceled": (held().operator("cancel", 1), "CANCELED", {}),
    "deleted": (held().operator("delete", 1), "gone", {}),
    "still running": (held(), "RUNNING", {"ended": False}),
    "lost too often": (lost_leases(5), "FAILED", {}),
    "never acknowledged": (never_acknowledged(10), "FAILED", {}),
    "unseen hand-outs were never acknowledged": (
        Tale().poll("a", 0).unknown("poll", at=2).unknown("poll", at=4),
        "FAILED",
        {},
    ),
    "failed at once": (held().fail("a", "accepted", 1), "FAILED", {"maximum_retries": 0}),
    "over its time": (
        held().report("a", "accepted", 2).report("a", "superseded", 3.2),
        "FAILED",
        {"attempt_timeout": 3, "maximum_retries": 0},
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_end_that_the_calls_explain_is_accepted(name):
    """The status at the end is one that the calls and the time allow."""
    story, status, more = ENDS[name]
    end = {"activated": {INSTANCE: -5.0}, "final": {INSTANCE: status}, "read_at": 100.0}
    check_history(story.calls, [], replace(OPTIONS, **end, **more))


AFTER_OUTAGE = {
    "renewed in the grace": held().report("a", "accepted", 12).poll("b", 14.5, attempt=2),
    "taken after the grace": held().poll("b", 13.2, attempt=2),
    "taken before the outage": Tale().poll("a", -4).poll("b", 0.5).finish("b", "accepted", 0.8),
    "taken before the outage, told after it": Tale()
    .poll("a", -4)
    .poll("b", 0.5)
    .report("a", "superseded", 8.5)
    .finish("b", "accepted", 9),
    "renewed right after it, and silent": held()
    .report("a", "accepted", 7.9, 8.5)
    .poll("b", 10.6, attempt=2),
    "handed out after it": Tale().poll("a", 8.2).poll("b", 9.4),
    "finished in the grace": held().finish("a", "accepted", 11),
}


@pytest.mark.parametrize("name", AFTER_OUTAGE)
def test_leases_after_an_outage_are_accepted(name):
    """Leases of before an outage last until the grace is over, and others as ever."""
    check_history(AFTER_OUTAGE[name].calls, [OUTAGE], OPTIONS)


def test_an_emptied_data_set_explains_that_nothing_is_known():
    """After all data was lost a pipeline is not found, and its instances may be gone."""
    story = held().report("a", "PipelineNotFoundException", 3)
    emptied = Fault(kind="emptied", target="the server", began=1.0, ended=2.0)
    end = replace(OPTIONS, final={INSTANCE: "gone"})
    check_history(story.calls, [emptied], end)


def test_without_timing_a_lease_may_be_lost_at_once():
    """Where clocks are stepped nothing is concluded from times."""
    story = held().poll("b", 0.7, attempt=2)
    check_history(story.calls, [], replace(OPTIONS, timing=False))


def test_figures_are_counted():
    """The summary says what happened in the history."""
    story = (
        held().poll("b", 0.6, 2.9, attempt=2).report("a", "superseded", 3).finish("a", LOST, 3.2)
    )
    story.finish("b", "accepted", 3.4).finish("b", "repeat", 3.6).poll("b", 0.7, 3.0, attempt=2)
    summary = check_history(story.empty(4).calls, [], OPTIONS)
    assert summary.calls["poll"] == {"ok granted": 3, "ok empty": 1}
    assert summary.calls["finish"] == {"refused " + LOST: 1, "ok accepted": 1, "ok repeat": 1}
    assert (summary.hand_outs, summary.lost, summary.stale, summary.repeats) == (2, 1, 2, 2)
    assert summary.measured == 1
    assert summary.slowest == pytest.approx(2.9 - 2.61)
    assert summary.states > 0
    assert summary.figures()["calls"] == 9
