"""What was answered with replicas:N is there after the primary has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from losses import FAULTS, Losses, Setup, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinels import Sentinels

pytestmark = pytest.mark.timeout(200)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_nothing_that_replicas_have_acknowledged_is_lost(
    new_sentinels: Callable[..., Sentinels], kind: str
) -> None:
    """With replicas:1 and min-replicas-to-write no answered result is lost, whatever the fault.

    A handle that was told to be superseded is never accepted again.
    """
    setup = Setup("replicas:1", 1, 1)
    group = new_sentinels(kind, replicas=setup.replicas, argv=setup.argv)
    found = Losses()
    for fault in FAULTS:
        measure(group, setup, fault, found)
    assert found.rounds == len(FAULTS)
    assert found.answered >= 300 * len(FAULTS)
    assert found.superseded > 0
    assert (found.lost, found.revived) == (0, 0)
