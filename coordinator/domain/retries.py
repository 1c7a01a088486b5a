"""The fields that say how often and how long an activity is tried."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from coordinator.domain.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_RETRIES = 1000
RUNNER_STOPPED: Final = "RunnerStopped"  # the errorId of a failure that is none of the task's


def parse_retries(text: str) -> int:
    """The number of retries that `text` names.

    Raises:
        ValueError: it is no such number; the message continues a sentence begun by its
            field's name.
    """
    digits = text.strip()
    if not re.fullmatch(r"[0-9]{1,4}", digits) or int(digits) > MAX_RETRIES:
        raise ValueError(f"must be a whole number from 0 to {MAX_RETRIES}")
    return int(digits)


def parse_timeout(text: str) -> int:
    """The milliseconds of a duration that is not zero.

    Raises:
        ValueError: it is zero or no duration; the message continues a sentence as above.
    """
    timeout_ms = parse_duration(text)
    if timeout_ms == 0:
        raise ValueError("must be longer than nothing")
    return timeout_ms


FIELD_PARSERS: Final[Mapping[str, Callable[[str], int]]] = MappingProxyType(
    {
        "maximumRetries": parse_retries,
        "retryDelay": parse_duration,
        "attemptTimeout": parse_timeout,
        "reportProgressTimeout": parse_timeout,
    }
)
