"""Histories that break a promise: the checker rejects each, and says what is wrong."""

from __future__ import annotations

import pytest
from history_builder import OPTIONS, Tale
from history_checks import HistoryError, check_history
from test_history_good import DELETED, LOST, held, lost_leases, never_acknowledged, over


def retaken():
    """A lease that was lost, and its next holder."""
    return held().poll("b", 2.6, attempt=2)


# name: (history, the rule that must find it, words of the sentence)
BAD = {
    "two holders": (
        held().poll("b", 0.8, attempt=2),
        "linearizable",
        "h2 was handed out: h1 holds it; that lease could not be lost before 2.490",
    ),
    "two holders of a hand-out that nobody acknowledged": (
        Tale().poll("a", 0).poll("b", 0.5),
        "linearizable",
        "could not be lost before 0.990",
    ),
    "stolen from a runner that reports": (
        held().report("a", "accepted", 2).report("a", "superseded", 3),
        "linearizable",
        "report of h1 was told superseded, not accepted",
    ),
    "stolen just before its time": (held().poll("b", 2.3, 2.4, attempt=2), "linearizable", "2.490"),
    "a lost result": (
        over().report("a", "superseded", 9),
        "linearizable",
        "told superseded, not repeat: it is FINISHED",
    ),
    "a handle that came back": (
        held().report("a", "superseded", 3).report("a", "accepted", 4),
        "never_again",
        "was accepted after the report of h1",
    ),
    "accepted from an older handle": (
        retaken().report("a", "accepted", 3),
        "no_older_handle",
        "report of h1 to a (3.000 to 3.100) was accepted after the hand-out of h2",
    ),
    "accepted from an older handle, of which the new holder reports": (
        retaken().report("b", "accepted", 3).report("a", "accepted", 3.2),
        "linearizable",
        "report of h1 was told accepted, not superseded: h2 holds it",
    ),
    "a result from an older handle": (
        retaken().finish("a", "accepted", 3),
        "linearizable",
        "finish of h1 was told accepted, not TaskNotFoundException",
    ),
    "two results of one handle": (
        over().finish("a", "accepted", 2),
        "one_result",
        "two results of h1 were accepted",
    ),
    "two different results": (
        over().fail("a", "accepted", 2),
        "linearizable",
        "fail of h1 was told accepted, not InvalidRequestException",
    ),
    "two results of one attempt": (
        Tale().poll("a", 0).poll("b", 1.2).finish("a", "accepted", 1.4).finish("b", "accepted", 2),
        "one_result",
        "two results of attempt 1",
    ),
    "finished twice": (
        over().poll("b", 3, attempt=2).finish("b", "accepted", 4),
        "one_result",
        "finished more than once",
    ),
    "handed out after the end": (
        over().poll("b", 5, attempt=2),
        "linearizable",
        "h2 was handed out: it is FINISHED",
    ),
    "the token went back": (
        Tale().poll("b", 0).poll("a", 1.2).finish("a", "accepted", 1.4),
        "tokens_grow",
        "the token went back",
    ),
    "the same token again": (
        Tale().poll("a", 0).poll("a2", 1.2),
        "tokens_grow",
        "have the same token 1",
    ),
    "a handle again after it was lost": (
        held().report("a", "superseded", 3).poll("a", 4),
        "linearizable",
        "h1 was handed out again after it was lost",
    ),
    "a handle again after it was acknowledged": (
        held().poll("a", 0.8),
        "linearizable",
        "h1 was handed out again after it was acknowledged",
    ),
    "one handle for two runners": (
        Tale().poll("a", 0).poll("a", 0.4, client="z"),
        "one_client",
        "h1 was handed out twice",
    ),
    "an attempt was skipped": (
        held().poll("b", 2.6, attempt=3),
        "linearizable",
        "h2 was handed out as attempt 3, not 2",
    ),
    "a new attempt, though nobody acknowledged": (
        Tale().poll("a", 0).poll("b", 1.2, attempt=2),
        "linearizable",
        "as attempt 2, not 1",
    ),
    "the same attempt, though it was acknowledged": (
        held().poll("b", 2.6),
        "linearizable",
        "as attempt 1, not 2",
    ),
    "an attempt of before": (
        retaken().report("b", "accepted", 2.8).poll("c", 5, attempt=1),
        "tokens_grow",
        "h3 is of attempt 1, after 2 of h2",
    ),
    "a cancel that did not hold": (
        held().operator("cancel", 1).report("a", "accepted", 1.5),
        "linearizable",
        "told accepted, not canceled: it is CANCELED",
    ),
    "a cancel, and it was handed out": (
        Tale().operator("cancel", 0).poll("a", 1),
        "linearizable",
        "h1 was handed out: it is CANCELED",
    ),
    "canceled by nobody": (held().report("a", "canceled", 1), "linearizable", "not accepted"),
    "a result that was not canceled": (
        held().operator("cancel", 1).finish("a", "accepted", 2),
        "linearizable",
        "finish of h1 was told accepted, not canceled",
    ),
    "handed out after it was deleted": (
        Tale().operator("delete", 0).poll("a", 1),
        "linearizable",
        "h1 was handed out: its pipeline is deleted",
    ),
    "a deletion that did not hold": (
        held().operator("delete", 1).report("a", "accepted", 2),
        "linearizable",
        "not deleted: its pipeline is deleted",
    ),
    "a runner was not told of the deletion": (
        held().operator("delete", 1).report("a", DELETED, 2),
        "linearizable",
        "told PipelineDeletedException, not deleted",
    ),
    "a rerun that did not hold": (
        over().operator("rerun", 2).poll("b", 3, attempt=1),
        "linearizable",
        "as attempt 1, not 2",
    ),
    "one retry too many": (
        held()
        .fail("a", "accepted", 1)
        .poll("b", 1.2, attempt=2)
        .fail("b", "accepted", 1.4)
        .poll("c", 1.6, attempt=3)
        .fail("c", "accepted", 1.8)
        .poll("d", 2, attempt=4),
        "linearizable",
        "h4 was handed out: it is FAILED",
    ),
    "one hand-out too many": (
        never_acknowledged(11),
        "linearizable",
        "h11 was handed out: it is F",
    ),
    "one lost lease too many": (
        lost_leases(5).poll("k", 20, attempt=6),
        "linearizable",
        "h6 was handed out: it is FAILED",
    ),
    "an unknown result cannot have been": (
        held().unknown("finish", "a", 1).poll("b", 1.5, attempt=2),
        "linearizable",
        "h2 was handed out: h1 holds it",
    ),
    "an unknown result cannot have been before it was asked for": (
        held().finish("a", "repeat", 1).unknown("finish", "a", 2),
        "linearizable",
        "finish of h1 was told repeat, not accepted",
    ),
    "an unknown result counted twice": (
        held().unknown("finish", "a", 1).finish("a", "repeat", 2).finish("a", "accepted", 3),
        "linearizable",
        "finish of h1 was told accepted, not repeat",
    ),
    "a repeat of what was never asked": (held().finish("a", "repeat", 1), "linearizable", "repeat"),
    "never handed out": (held().report("a", LOST, 1), "linearizable", "told TaskNotFoundException"),
    "all data gone": (
        held().report("a", "PipelineNotFoundException", 1),
        "linearizable",
        "told PipelineNotFoundException, not accepted",
    ),
    "handed out only when another asked": (
        Tale().poll("a", 0).poll("b", 0.5, 3.5),
        "handed_out_soon",
        "only at 3.500 to a poll that had waited from 0.500 on; it was free at 1.110",
    ),
    "a poll that should have got it": (
        Tale().poll("a", 0).empty(2.5, 4).poll("b", 4.2),
        "handed_out_soon",
        "a poll at 2.500 got nothing; it was free from 1.110 on",
    ),
}


def rejected(calls, faults=(), options=OPTIONS):
    """Check a history that must be rejected; return what was found as (rule, sentence)."""
    with pytest.raises(HistoryError) as caught:
        check_history(calls, list(faults), options)
    return [(violation.rule, violation.text) for violation in caught.value.violations]


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_promise_is_rejected(name):
    """Each breach is found by the rule that is about it, in words that name it."""
    story, rule, words = BAD[name]
    found = rejected(story.calls)
    assert [text for of, text in found if of == rule and words in text], found
