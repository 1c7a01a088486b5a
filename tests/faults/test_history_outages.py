"""An outage counts where certainly no due work was run."""

from __future__ import annotations

import pytest
from history import Fault
from history_builder import OPTIONS
from history_checks import check_history
from history_outages import DELAYING, sure_outages
from test_history_bad import rejected
from test_history_good import OUTAGE, held


def fault(kind, began, ended):
    """A fault of everything."""
    return Fault(kind=kind, target="all", began=began, ended=ended)


def parts(*faults):
    """When the outages certainly were."""
    return [(f.began, f.ended) for f in sure_outages(faults) if f.kind == "outage"]


@pytest.mark.parametrize("kind", sorted(DELAYING))
def test_a_late_command_may_end_an_outage(kind):
    """What another fault held up may run in the outage, or a second after that fault."""
    assert parts(fault("outage", 0, 10), fault(kind, 2, 4)) == [(0, 2), (5, 10)]
    assert parts(fault("outage", 0, 10), fault(kind, -3, 2)) == [(3, 10)]
    assert parts(fault("outage", 0, 10), fault(kind, 8, 12)) == [(0, 8)]
    assert parts(fault("outage", 0, 10), fault(kind, -1, 12)) == []
    assert parts(fault("outage", 0, 10), fault(kind, 11, 12)) == [(0, 10)]


def test_a_fault_does_not_excuse_the_outage_that_it_is():
    """A frozen server is an outage itself: nothing runs before it goes on."""
    assert parts(fault("freeze server", 0, 10), fault("outage", 0.01, 9.99)) == [(0.01, 9.99)]


def test_other_faults_excuse_nothing():
    """What holds no command up leaves an outage whole."""
    assert parts(fault("outage", 0, 10), fault("kill server", 2, 4)) == [(0, 10)]


def test_a_theft_by_a_late_command_is_accepted():
    """A lease that is over when the late command comes may be taken by it; others not."""
    frozen = fault("freeze server", OUTAGE.began - 1, OUTAGE.began + 1)
    check_history(held().poll("b", 5, attempt=2).calls, [OUTAGE, frozen], OPTIONS)
    assert rejected(held().poll("b", 5, attempt=2).calls, [OUTAGE])
