"""Histories that break a promise by their end, by their times or by their size."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from history import Fault
from history_builder import INSTANCE, OPTIONS, Tale
from history_checks import HistoryError, check_history
from test_history_bad import BAD, rejected
from test_history_good import LOST, OUTAGE, held, lost_leases, over

IN_GRACE = {
    "another hand-out": held().poll("b", 12, attempt=2),
    "told it was lost": held().report("a", "superseded", 12),
    "its result refused": held().finish("a", LOST, 12),
    "handed out in the outage": held().poll("b", 5, attempt=2),
}


@pytest.mark.parametrize("name", IN_GRACE)
def test_a_theft_in_the_grace_is_rejected(name):
    """A lease that was held when an outage began is not lost before its grace is over."""
    found = rejected(IN_GRACE[name].calls, [OUTAGE])
    assert {"outage_is_not_silence", "linearizable"} <= {rule for rule, _ in found}
    assert any("in the grace after the outage from 1.000 to 8.000" in text for _, text in found)


def test_a_theft_in_the_grace_of_a_second_outage_is_rejected():
    """A second outage in the grace of the first begins a grace of its own."""
    second = Fault(kind="outage", target="all", began=9.0, ended=12.5)
    check_history(held().poll("b", 17.6, attempt=2).calls, [OUTAGE, second], OPTIONS)
    assert rejected(held().poll("b", 16, attempt=2).calls, [OUTAGE, second])


def test_a_short_outage_gives_no_grace():
    """An outage below the threshold excuses nothing and gives nothing."""
    short = Fault(kind="outage", target="all", began=1.0, ended=3.5)
    check_history(held().poll("b", 3.6, attempt=2).calls, [short], OPTIONS)


ENDS = {
    "an instance is missing": ({}, over(), "ends_as_told", "not among those that were read"),
    "a lost result": ({INSTANCE: "FAILED"}, over(), "ends_as_told", "its result is lost"),
    "not ended": ({INSTANCE: "RUNNING"}, held(), "ends_as_told", "it has not ended: RUNNING"),
    "finished by nobody": ({INSTANCE: "FINISHED"}, held(), "ends_as_told", "nobody finished it"),
    "canceled by nobody": ({INSTANCE: "CANCELED"}, held(), "ends_as_told", "nobody canceled it"),
    "deleted by nobody": ({INSTANCE: "gone"}, held(), "ends_as_told", "nobody deleted it"),
    "failed at the first loss": (
        {INSTANCE: "FAILED"},
        lost_leases(1),
        "linearizable",
        "its status was read as FAILED",
    ),
    "failed by a failure that was to be tried again": (
        {INSTANCE: "FAILED"},
        held().fail("a", "accepted", 1),
        "linearizable",
        "its status was read as FAILED: nobody holds it (attempt 2)",
    ),
    "finished, though that was refused": (
        {INSTANCE: "FINISHED"},
        held().poll("b", 2.6, attempt=2).finish("a", LOST, 3),
        "linearizable",
        "its status was read as FINISHED",
    ),
    "a cancel that was refused": (
        {INSTANCE: "CANCELED"},
        over().operator("cancel", 2),
        "ends_as_told",
        "its result is lost",
    ),
    "a deletion that did not hold": (
        {INSTANCE: "FINISHED"},
        over().operator("delete", 2),
        "linearizable",
        "its status was read as FINISHED: its pipeline is deleted",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_end_that_the_calls_do_not_explain_is_rejected(name):
    """Nothing is missing at the end, and no status is there that nobody set."""
    final, story, rule, words = ENDS[name]
    final = final or {"df-1/@Other": "FINISHED"}
    end = {"activated": {INSTANCE: -1.0}, "final": final, "read_at": 9.0}
    found = rejected(story.calls, options=replace(OPTIONS, **end))
    assert [text for of, text in found if of == rule and words in text], found


def test_what_nobody_activated_is_rejected():
    """A hand-out of an instance that the submitter does not know is a breach."""
    options = replace(OPTIONS, activated={"df-1/@Other": 0.0})
    assert ("ends_as_told", "nobody activated it") in rejected(over().calls, options=options)


def test_a_hand_out_before_the_activation_is_rejected():
    """Nothing is handed out before it was asked for."""
    options = replace(OPTIONS, activated={INSTANCE: 5.0})
    assert any("before 5.000" in text for _, text in rejected(over().calls, options=options))


def test_a_hand_out_within_the_retry_delay_is_rejected():
    """After a failure that a runner reported the task is free only after its delay."""
    story = held().fail("a", "accepted", 1).poll("b", 2, attempt=2)
    found = rejected(story.calls, options=replace(OPTIONS, retry_delay=3))
    assert any("was handed out before 3.990, when it was not free" in text for _, text in found)


def test_one_handle_of_two_instances_is_rejected():
    """A handle names one instance."""
    calls = over().calls + Tale().poll("a", 3, instance="df-1/@Other").calls
    assert "shared_handles" in {rule for rule, _ in rejected(calls)}


def test_a_late_hand_out_is_excused_by_a_fault():
    """The bound on hand-outs holds outside of faults and what they leave."""
    story = Tale().poll("a", 0).poll("b", 0.5, 3.5)
    check_history(story.calls, [Fault(kind="freeze", target="x", began=1, ended=2)], OPTIONS)
    check_history(story.unknown("poll", at=1).calls, [], OPTIONS)


def test_the_error_lists_every_violation_and_the_calls():
    """One error has all breaches of all instances, and tables of their calls."""
    calls = BAD["two holders"][0].calls + Tale().poll("c", 0, instance="df-2/@Work").calls
    calls += Tale().poll("d", 0.2, instance="df-2/@Work").calls
    with pytest.raises(HistoryError) as caught:
        check_history(calls, [], OPTIONS)
    text = str(caught.value)
    assert text.startswith("2 violations:")
    assert "- df-1/@Work" in text
    assert "- df-2/@Work" in text
    assert "0.500     0.600 a                report  h1     1       ok accepted 1" in text


def test_a_search_that_grows_too_large_is_an_error():
    """What cannot be decided within the bound is no silent success."""
    story = held()
    for number in range(12):
        story.operator("rerun", 1, 9).operator("cancel", 1 + number / 100, 9)
    story.report("a", "superseded", 9.5)
    found = rejected(story.calls, options=replace(OPTIONS, most_states=50))
    assert found[0][0] == "undecided"
    assert "in 50 states" in found[0][1]


def test_many_calls_on_one_instance_are_decided_quickly():
    """The search is linear where calls do not overlap, with or without answers."""
    story = Tale().poll("a", 0)
    for number in range(3000):
        story.report("a", "accepted", 0.3 + number)
        if number % 10 == 0:
            story.unknown("report", "a", 0.5 + number)
    summary = check_history(story.calls, [], OPTIONS)
    assert summary.states < 10_000


def test_a_hand_out_before_what_it_needs_is_finished_is_rejected():
    """What waits for another is handed out only after that was finished, or may have been."""
    leaf = "df-1/@Leaf"
    options = replace(OPTIONS, needs={leaf: [INSTANCE]})
    late = over().calls + Tale().poll("c", 1.2, instance=leaf).calls
    check_history(late, [], options)
    soon = over().calls + Tale().poll("c", 0.8, instance=leaf).calls
    found = rejected(soon, options=options)
    assert found == [("too_early", f"h1 was handed out before {INSTANCE} was finished")]


def test_an_attempt_timeout_of_one_instance_excuses_no_other():
    """Each instance is judged by its own attemptTimeout."""
    story = held().report("a", "accepted", 1.4).report("a", "superseded", 1.8)
    check_history(story.calls, [], replace(OPTIONS, attempt_timeouts={INSTANCE: 1.5}))
    assert rejected(story.calls, options=replace(OPTIONS, attempt_timeouts={"df-1/@Other": 1.5}))


def test_where_answered_writes_may_be_lost_only_the_rules_are_applied():
    """A failover that loses writes excuses what the model cannot explain, but no second holder."""
    lossy = Fault(kind="lossy", target="primary", began=0.3, ended=0.4)
    odd = held().finish("a", LOST, 1)
    assert check_history(odd.calls, [lossy], OPTIONS).unjudged == 1
    found = rejected(BAD["accepted from an older handle"][0].calls, [lossy])
    assert {rule for rule, _ in found} == {"no_older_handle"}


def test_a_refused_poll_is_rejected():
    """A poll is answered with a task or without, or not at all."""
    story = Tale().poll("a", 1).finish("a", "accepted", 2)
    told = {"outcome": "refused", "verdict": "InvalidRequestException"}
    refused = msgspec.structs.replace(story.calls[0], instance="", handle="", **told)
    assert "refused_polls" in {rule for rule, _ in rejected([*story.calls, refused])}
