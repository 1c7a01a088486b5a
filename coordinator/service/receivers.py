"""Posting to the receivers of alarms, whatever they do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, which may hold secrets
ANSWER_WITHIN = 10.0
MOST_READ = 4096  # bytes of an answer: its connection is used again if that is all
SCHEMES = ("http://", "https://")
# One that let us wait is left alone for a while, so that others have their turn.
REST = 30.0
OK = range(200, 300)


class DeliveryError(Exception):
    """A receiver has not taken an alarm; the message names its host, and nothing that is secret."""


def is_receiver(text: str) -> bool:
    """Whether an alarm's topic is itself where to post it."""
    return text.lower().startswith(SCHEMES)


class Receivers:
    """An HTTP client that follows no redirects and reads little."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._slow: dict[str, float] = {}  # until when each is left alone

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once.

        Raises:
            DeliveryError: the receiver did not answer with a status from 200 to 299.
        """
        host = _host(url)
        if self._slow.get(host, 0) > monotonic():
            raise DeliveryError(f"{host} did not answer in time a moment ago")
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                status = await self._post(url, body, headers)
        except (TimeoutError, httpx.TimeoutException):
            self._leave_alone(host)
            sentence = f"{host} did not answer within {ANSWER_WITHIN:g} s"
            raise DeliveryError(sentence) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise DeliveryError(f"{host} cannot be reached: {_reason(error)}") from None
        if status not in OK:
            raise DeliveryError(f"{host} answered with status {status}")

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=ANSWER_WITHIN, follow_redirects=False)
        sent = {**headers, "user-agent": "lease-coordinator"}
        async with self._client.stream("POST", url, content=body, headers=sent) as response:
            with suppress(httpx.HTTPError):  # the status says it all
                await _read_little(response)
            return response.status_code

    def _leave_alone(self, host: str) -> None:
        now = monotonic()
        self._slow = {known: until for known, until in self._slow.items() if until > now}
        self._slow[host] = now + REST


async def _read_little(response: httpx.Response) -> None:
    count = 0
    async for chunk in response.aiter_raw():
        count += len(chunk)
        if count > MOST_READ:
            return


def _host(url: str) -> str:
    """Return host and port, for the path and the user of a URL may be secrets."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "the receiver's URL"
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host


def _reason(error: Exception) -> str:
    """Say what httpx has to say, unless it may quote the URL."""
    if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol):
        return str(error) or type(error).__name__
    return type(error).__name__
