"""Whether every primary is set up as the coordinator needs it: at the start, later, in `check`."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from coordinator.config import ConfigError
from coordinator.errors import CoordinatorError, UnavailableError
from coordinator.store.admin import LOST, close_all
from coordinator.store.cancellation import heed_cancellation
from coordinator.store.inspection import Finding, inspect

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.service.health import Health
    from coordinator.store.client import Client
    from coordinator.store.router import Router

log = logging.getLogger(__name__)
LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}
PERIOD = 1.0
PERIOD_WHILE_WRONG = 3.0
LONGEST = 10.0  # without a look: somebody may change a setting of a server that runs


async def inspect_all(
    router: Router, settings: Settings, *, mend: bool
) -> list[tuple[str, Finding]]:
    """Look at every primary, and mend what can be if so asked: (address, finding).

    Raises:
        UnavailableError: one cannot be asked.
    """
    findings, kind = [], router.location.kind
    await router.ping()  # our client says what is wrong with a password or TLS in words
    endpoints = await router.primaries()
    clients = await router.admin_clients()
    try:
        for endpoint, client in zip(endpoints, clients, strict=True):
            found = await inspect(client, settings.durability, kind=kind, mend=mend)
            findings += [(str(endpoint), finding) for finding in found]
    except LOST as error:
        raise UnavailableError(f"Redis cannot be asked how it is set up: {error}") from error
    finally:
        await close_all(clients)
        heed_cancellation()
    return findings


class Inspector:
    """Looks at the primaries at the start, and again when they may be others or set up anew."""

    def __init__(self, router: Router, settings: Settings, health: Health) -> None:
        self._router, self._settings, self._health = router, settings, health
        self._seen: list[tuple[Client, int]] | None = None
        self._known: dict[str, str] = {}
        self._looked = -LONGEST

    async def start(self) -> None:
        """Refuse to start on a Redis that would lose leases; log what else is amiss.

        A Redis that is away is waited for by the calls themselves, so it does not stop the start.

        Raises:
            ConfigError: what is wrong, in one sentence per finding.
        """
        try:
            found = await self._look()
        except CoordinatorError as error:
            log.warning("starting all the same: %s", error)
            return
        if wrong := _wrong(found):
            raise ConfigError("\n".join(wrong))
        self._note(found)

    async def run(self) -> None:
        """Look again, until canceled: after each new connection, and every `LONGEST` seconds."""
        while True:
            try:
                if (
                    self._health.unfit
                    or self._connections() != self._seen
                    or monotonic() > self._looked + LONGEST
                ):
                    self._note(await self._look())
            except CoordinatorError as error:
                log.debug("cannot be inspected now: %s", error)
            except Exception:
                log.exception("inspecting Redis failed")
            await asyncio.sleep(PERIOD_WHILE_WRONG if self._health.unfit else PERIOD)

    async def _look(self) -> dict[str, str]:
        """Return what is amiss as {sentence: level}."""
        connections = self._connections()  # as they were before, so that a later one is not missed
        findings = await inspect_all(self._router, self._settings, mend=True)
        self._seen, self._looked = connections, monotonic()
        return {f"Redis at {a}: {f.sentence}": f.level for a, f in findings if f.level != "ok"}

    def _connections(self) -> list[tuple[Client, int]]:
        """Which connections there are: another server, or a restarted one, makes it differ.

        The counter of reconnects would miss a primary of a Cluster that was never connected to.
        """
        return [(client, client.generation) for client in self._router.clients]

    def _note(self, found: dict[str, str]) -> None:
        """Log what was not known yet, and let /readyz tell what is wrong."""
        for sentence in found.keys() - self._known.keys():
            log.log(LEVELS[found[sentence]], "%s", sentence)
        if self._health.unfit and not _wrong(found):
            log.info("Redis is set up as it must be again")
        self._known = found
        self._health.unfit = " ".join(_wrong(found))


def _wrong(found: dict[str, str]) -> list[str]:
    return [sentence for sentence, level in found.items() if level == "error"]
