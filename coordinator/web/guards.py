"""Keeping web pages out: a browser must not be led to call the API (design: drive-by requests).

Only JSON content types are accepted (``wire/targets.py``); here a request with an `Origin`, or that
the browser calls cross-site, is refused, and without signatures the Host must be a loopback name or
address, or one that ``COORDINATOR_ALLOWED_HOSTS`` names (against DNS rebinding). Pages are only
read, so that somebody may follow a link to one from elsewhere: to show it, not to hand it to a page
(https://web.dev/articles/fetch-metadata).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SAME_SITE = {b"none", b"same-origin"}
FOLLOWED = (b"navigate", b"document")  # Sec-Fetch-Mode and Sec-Fetch-Dest of a link in a window
REMEMBERED = 1000


class HostGuard:
    """Decides by the headers of a request whether a browser may be behind it."""

    def __init__(self, allowed_hosts: Iterable[str], *, signed: bool = False) -> None:
        self._allowed = {host.lower() for host in allowed_hosts}
        self._passed: set[bytes] = set()
        self._signed = signed  # then the Host is, and a page has no secret to do it with

    def passes(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether there is nothing to check: no browser, and a Host that passed before."""
        return (
            (self._signed or headers.get(b"host") in self._passed)
            and b"origin" not in headers
            and b"sec-fetch-site" not in headers
        )

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Let a request pass.

        Raises:
            InvalidRequestError: it has an Origin, is cross-site, or names a foreign Host.
        """
        if b"origin" in headers:
            raise InvalidRequestError("A request with an Origin header is refused: not for pages.")
        if headers.get(b"sec-fetch-site", b"none") not in SAME_SITE:
            raise InvalidRequestError("A cross-site request is refused: not for pages.")
        self._check_host_of(headers)

    def check_page(self, headers: Mapping[bytes, bytes]) -> None:
        """Let a request for a page pass.

        Raises:
            InvalidRequestError: as `check` does, but for links that somebody follows.
        """
        sent = (headers.get(b"sec-fetch-mode"), headers.get(b"sec-fetch-dest"))
        if b"origin" not in headers and sent == FOLLOWED:
            self._check_host_of(headers)
        else:
            self.check(headers)

    def _check_host_of(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host", b"")
        if not self._signed and host not in self._passed:
            self._check_host(host)

    def _check_host(self, host: bytes) -> None:
        name = _name(host.decode("latin-1").lower())
        if name not in self._allowed and not is_loopback(name):
            raise InvalidRequestError(
                f"The Host header names {name[:255]!r}; add it to COORDINATOR_ALLOWED_HOSTS."
            )
        if len(self._passed) < REMEMBERED:
            self._passed.add(host)


def _name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(name: str) -> bool:
    """Whether a host name or address is always this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
