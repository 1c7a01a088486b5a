"""Call rates: how they are written, and that they are kept."""

from __future__ import annotations

import pytest

from coordinator.errors import ThrottledError
from coordinator.rates import AWS, OPERATIONS, Rate, parse_rates
from coordinator.service.limits import Polling, Rates
from coordinator.wire import operations


@pytest.mark.parametrize(
    "text",
    [
        "PollForTask",
        "PollForTask=2",
        "PollForTask=0/1",
        "PollForTask=1/0",
        "PollForTask=1.2.3/4",
        "*=1/9999999",
        "=1/1",
        "azure",
    ],
)
def test_what_is_no_rate_is_refused(text):
    """The sentence shows one."""
    with pytest.raises(ValueError, match="must look like aws, or"):
        parse_rates(text)


@pytest.mark.parametrize("name", ["PollForTasks", "pollfortask"])
def test_an_operation_that_is_not_there_is_refused(name):
    """A rate under a misspelt name would hold nobody back; the sentence has the right one."""
    with pytest.raises(ValueError, match=f"no operation '{name}'; the nearest is PollForTask"):
        parse_rates(f"aws,{name}=1/1")


def test_every_operation_may_have_a_rate():
    """The names here are those of the API's own table."""
    assert set(OPERATIONS) == set(operations.OPERATIONS)


def test_rates_are_read_in_order():
    """The later entry wins; blanks and empty entries do not matter."""
    assert parse_rates("") == {}
    assert parse_rates("aws") == AWS
    assert parse_rates("aws, ReportTaskProgress=0.5/7,")["ReportTaskProgress"] == Rate(0.5, 7)


def test_a_bucket_is_filled_at_its_rate_and_not_beyond_its_burst():
    """After a pause there is the burst; then a call for each token, and the wait is told."""
    now = [0.0]
    rates = Rates({"PollForTask": Rate(4, 2)}, clock=lambda: now[0])
    for pause in (0, 1000):
        now[0] += pause
        rates.take("a", "PollForTask")
        rates.take("a", "PollForTask")
        with pytest.raises(ThrottledError) as refused:
            rates.take("a", "PollForTask")
        assert refused.value.retry_ms == 250
    now[0] += 0.125
    with pytest.raises(ThrottledError) as refused:
        rates.take("a", "PollForTask")
    assert refused.value.retry_ms == 125
    now[0] += 0.125
    rates.take("a", "PollForTask")


def test_accounts_and_operations_have_buckets_of_their_own():
    """One used up takes nothing from another; what has no rate is not counted."""
    rates = Rates({"*": Rate(1, 1), "SetStatus": Rate(1, 2)}, clock=lambda: 0.0)
    for account in ("a", "b"):
        for operation in ("PollForTask", "ListPipelines", "SetStatus", "SetStatus"):
            rates.take(account, operation)
        for operation in ("PollForTask", "ListPipelines", "SetStatus"):
            with pytest.raises(ThrottledError):
                rates.take(account, operation)
    for _ in range(5):
        rates.take("a", "NoSuchOperation")
        Rates({"SetStatus": Rate(1, 1)}).take("a", "PollForTask")


def test_polls_under_way_are_counted_by_account():
    """Each that ends, however it does, makes room; 0 is no limit."""
    polling = Polling(1)
    with polling.of("a"), polling.of("b"), pytest.raises(ThrottledError), polling.of("a"):
        pass
    with pytest.raises(KeyError), polling.of("a"):
        raise KeyError
    with polling.of("a"):
        pass
    free = Polling(0)
    with free.of("a"), free.of("a"):
        pass
