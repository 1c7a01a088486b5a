"""Whether every primary is set up as the coordinator needs it: at the start, and for `check`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from coordinator.config import ConfigError
from coordinator.errors import CoordinatorError, UnavailableError
from coordinator.store.inspection import Finding, inspect

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.store.router import Router

log = logging.getLogger(__name__)


async def inspect_all(router: Router, settings: Settings) -> list[tuple[str, Finding]]:
    """Look at every primary: (address, finding).

    Raises:
        UnavailableError: one cannot be asked.
    """
    findings = []
    endpoints = await router.primaries()
    clients = await router.admin_clients()
    try:
        for endpoint, client in zip(endpoints, clients, strict=True):
            found = await inspect(client, settings.durability)
            findings += [(str(endpoint), finding) for finding in found]
    except (RedisError, OSError) as error:
        raise UnavailableError(f"Redis cannot be asked how it is set up: {error}") from error
    finally:
        for client in clients:
            await client.aclose()
    return findings


async def check_start(router: Router, settings: Settings) -> None:
    """Refuse to start on a Redis that would lose leases; log what else is amiss.

    A Redis that is away is waited for by the calls themselves, so it does not stop the start.

    Raises:
        ConfigError: what is wrong, in one sentence per finding.
    """
    try:
        findings = await inspect_all(router, settings)
    except CoordinatorError as error:
        log.warning("started without Redis: %s", error)
        return
    for address, finding in findings:
        if finding.level == "warning":
            log.warning("Redis at %s: %s", address, finding.sentence)
    wrong = [f"Redis at {a}: {f.sentence}" for a, f in findings if f.level == "error"]
    if wrong:
        raise ConfigError("\n".join(wrong))
