"""How many runs of a pipeline may go on at a time.

Source: the developer guide on on-demand schedules: `maxActiveInstances` of Default, or else 1. Its
limit of 5 is one of the service's, which do not apply here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID

if TYPE_CHECKING:
    from coordinator.domain.view import DefinitionView

MAX_ACTIVE_INSTANCES = 1000
ON_DEMAND_RUNS = 1
KEY = "maxActiveInstances"


def parse_active_instances(text: str) -> int:
    """The number of active instances that `text` names.

    Raises:
        ValueError: it is no such number; the message continues a sentence begun by its
            field's name.
    """
    digits = text.strip()
    if not re.fullmatch(r"[0-9]{1,4}", digits) or not 1 <= int(digits) <= MAX_ACTIVE_INSTANCES:
        raise ValueError(f"must be a whole number from 1 to {MAX_ACTIVE_INSTANCES}")
    return int(digits)


def max_active_runs(view: DefinitionView) -> int:
    """How many runs of a valid on-demand definition may be active at once.

    Raises:
        ValueError: the definition is not valid, or its expressions are not evaluated yet.
    """
    default = view.inherited.get(DEFAULT_ID)
    texts = default.strings(KEY) if default else []
    return parse_active_instances(texts[0]) if texts else ON_DEMAND_RUNS
