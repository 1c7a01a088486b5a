"""Call rates by operation, as ``COORDINATOR_RATES`` writes them."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESET: Final = "aws"
EVERY: Final = "*"
MOST: Final = 1_000_000
_ITEM = re.compile(r"([A-Za-z]+|\*)=([0-9.]+)/([0-9]+)")


# Those of coordinator.wire.operations, which is above what reads settings; a test compares.
OPERATIONS: Final = (
    "ActivatePipeline",
    "AddTags",
    "CreatePipeline",
    "DeactivatePipeline",
    "DeletePipeline",
    "DescribeObjects",
    "DescribePipelines",
    "EvaluateExpression",
    "GetPipelineDefinition",
    "ListPipelines",
    "PollForTask",
    "PutPipelineDefinition",
    "QueryObjects",
    "RemoveTags",
    "ReportTaskProgress",
    "ReportTaskRunnerHeartbeat",
    "SetStatus",
    "SetTaskStatus",
    "ValidatePipelineDefinition",
)


class Rate(NamedTuple):
    """Calls a second in the long run, and how many may come at once after a pause."""

    rate: float
    burst: int


# "Web Service Call Limits" of the AWS Data Pipeline Developer Guide (dp-limits); the operations
# that it does not name are held to its lowest rate.
AWS: Final[Mapping[str, Rate]] = MappingProxyType(
    {
        EVERY: Rate(1, 100),
        "DescribeObjects": Rate(2, 100),
        "PollForTask": Rate(2, 100),
        "QueryObjects": Rate(2, 100),
        "ReportTaskProgress": Rate(10, 100),
        "SetTaskStatus": Rate(10, 100),
    }
)


def parse_rates(text: str) -> dict[str, Rate]:
    """Read ``aws``, or ``Operation=rate/burst`` separated by commas, where later ones win.

    ``*`` stands for each operation that has no rate of its own.

    Raises:
        ValueError: it is neither, or names an operation that the API does not have.
    """
    found: dict[str, Rate] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        found |= AWS if item == PRESET else _one(item)
    return found


def _one(item: str) -> dict[str, Rate]:
    match = _ITEM.fullmatch(item)
    try:
        name, rate, burst = match.groups() if match else ("", "", "")
        parsed = Rate(float(rate), int(burst))
    except ValueError:
        parsed = Rate(math.nan, 0)
    if not (0 < parsed.rate <= MOST and 1 <= parsed.burst <= MOST):
        raise ValueError("must look like aws, or PollForTask=2/100,*=50/500 (rate/burst)")
    if name not in {EVERY, *OPERATIONS}:
        nearest = get_close_matches(name, OPERATIONS, n=1, cutoff=0)[0]
        raise ValueError(f"the API has no operation {name!r}; the nearest is {nearest}")
    return {name: parsed}
