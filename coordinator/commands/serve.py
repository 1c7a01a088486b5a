"""``coordinator serve``: replicas behind uvicorn; an embedded Valkey if no Redis is named."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

from coordinator.commands.certificate import Certificate
from coordinator.commands.listening import announce, open_doors
from coordinator.commands.serving import run_replica
from coordinator.commands.workers import run_workers
from coordinator.config import ConfigError
from coordinator.embedded import EmbeddedServer
from coordinator.web.guards import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.config import Settings

log = logging.getLogger("coordinator")


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve until a signal ends it, in as many processes as there are to be workers.

    Raises:
        ConfigError: Redis is set up in a way that would lose leases, a port is taken, a certificate
            cannot be used, or nothing says who may call.
        EmbeddedError: the embedded server cannot start.
    """
    _check_access(settings, host)
    _check_replicas(settings)
    _check_password(settings)
    _check_admin(settings, host, port)
    Certificate.of(settings)  # before anything is started
    with _with_redis(settings) as complete, open_doors(settings, host, port, workers) as doors:
        if workers == 1:
            run_replica(complete, doors[0], partial(announce, settings, doors[0]))
        else:
            run_workers(complete, doors)
    log.info("stopped")


@contextmanager
def _with_redis(settings: Settings) -> Iterator[Settings]:
    """Name a Redis in the settings: an embedded Valkey where there is none."""
    if settings.redis_url:
        yield settings
        return
    fsync: Literal["always", "everysec"] = (
        "always" if settings.durability == "always" else "everysec"
    )
    with EmbeddedServer(settings.data_dir, appendfsync=fsync) as embedded:
        log.info("embedded Valkey keeps its data in %s", settings.data_dir)
        yield settings.model_copy(update={"redis_url": embedded.url})


def _check_access(settings: Settings, host: str) -> None:
    """Refuse to be open to a network by oversight, and say who may call."""
    if settings.signed:
        if not settings.credentials_file:
            raise ConfigError(
                "COORDINATOR_AUTH is sigv4, and COORDINATOR_CREDENTIALS_FILE names no file of "
                "access keys: `coordinator credentials new` prints what to write into one."
            )
        return
    if settings.auth == "" and not is_loopback(host):
        raise ConfigError(
            f"Whoever reaches {host} could run commands on the task runners: set "
            "COORDINATOR_CREDENTIALS_FILE to a file of access keys (`coordinator credentials new` "
            "prints what to write into it), or COORDINATOR_AUTH=none to be open all the same."
        )
    if settings.credentials_file:
        log.warning("COORDINATOR_AUTH is none: COORDINATOR_CREDENTIALS_FILE is not looked at")
    where = (
        "on this machine" if is_loopback(host) else f"who can reach {host}: use it behind a wall"
    )
    log.warning("no signatures: open to everybody %s", where)


def _check_password(settings: Settings) -> None:
    """Refuse a password for the embedded server, which has none."""
    if settings.redis_password_file and not settings.redis_url:
        raise ConfigError(
            "COORDINATOR_REDIS_PASSWORD_FILE names a file, and the embedded server has no "
            "password: set COORDINATOR_REDIS_URL too."
        )


def _check_admin(settings: Settings, host: str, port: int) -> None:
    """Refuse an admin port that would not be there, or would be the API's."""
    if settings.admin_port is None:
        if settings.admin_host:
            raise ConfigError("COORDINATOR_ADMIN_HOST is for COORDINATOR_ADMIN_PORT: set both.")
    elif settings.admin_port == port != 0 and settings.admin_host in {"", host}:
        raise ConfigError(f"COORDINATOR_ADMIN_PORT is {port}, as the API's port: use another.")


def _check_replicas(settings: Settings) -> None:
    """Refuse ``replicas:N`` with the embedded server, where each durable call would fail."""
    if settings.durability.startswith("replicas:") and not settings.redis_url:
        raise ConfigError(
            f"COORDINATOR_DURABILITY is {settings.durability}, and the embedded server has no "
            "replicas: set COORDINATOR_REDIS_URL, or use everysec or always."
        )
