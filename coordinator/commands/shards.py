"""``coordinator shards``: how many there are, and more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coordinator.store.layout import Layout
from coordinator.store.routing import connect
from coordinator.store.scripts import Scripts

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.store.router import Router


async def grow(settings: Settings, count: int) -> None:
    """Raise the number of shards.

    Raises:
        InvalidRequestError: there are more already.
    """
    router = _connect(settings)
    try:
        counts = await Layout(Scripts(router)).grow(count)
    finally:
        await router.close()
    click.echo(f"There {_so_many(counts[-1])}; replicas know within a second.")


async def show(settings: Settings) -> None:
    """Print the number of shards."""
    router = _connect(settings)
    try:
        counts = await Layout(Scripts(router)).shard_counts()
    finally:
        await router.close()
    click.echo(f"There {_so_many(counts[-1])} (over time: {', '.join(map(str, counts))}).")


def _connect(settings: Settings) -> Router:
    return connect(
        settings.redis_url,
        timeout=settings.redis_timeout,
        client_name="shards",
        password_file=settings.redis_password_file,
    )


def _so_many(count: int) -> str:
    return "is 1 shard" if count == 1 else f"are {count} shards"
