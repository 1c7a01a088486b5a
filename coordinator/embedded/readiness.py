"""When a started Valkey is of use: it answers, and has loaded its data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from coordinator.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

    from coordinator.embedded.child import Child

SILENCE_SECONDS = 30.0  # alive, yet neither answering nor loading: it will not get better
ASK_EVERY = 0.01
NO_RETRY = Retry(NoBackoff(), 0)


def wait_until_ready(child: Child, socket: Path) -> None:
    """Return when the server answers PING; loading a long file may take as long as it takes.

    Raises:
        EmbeddedError: it ended, or stayed silent for `SILENCE_SECONDS`; with the end of its log.
    """
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=1, retry=NO_RETRY) as client:
        heard = time.monotonic()
        while not (state := _state(client)).ready:
            heard = time.monotonic() if state.loading else heard
            if child.exit_code() is not None:
                raise _failure(child, f"ended with exit code {child.exit_code()}")
            if time.monotonic() - heard > SILENCE_SECONDS:
                child.kill()
                child.wait()
                raise _failure(child, f"did not answer for {SILENCE_SECONDS:.0f} s")
            time.sleep(ASK_EVERY)


class _State:
    def __init__(self, *, ready: bool = False, loading: bool = False) -> None:
        self.ready, self.loading = ready, loading


def _state(client: redis.Redis) -> _State:
    try:
        client.ping()
    except redis.BusyLoadingError:
        return _State(loading=True)
    except redis.RedisError:
        return _State()
    return _State(ready=True)


def _failure(child: Child, what: str) -> EmbeddedError:
    return EmbeddedError(
        f"The embedded Valkey {what} before it was ready. Its log:\n{child.log_end()}"
    )
