"""TLS of the API's port: a certificate and its key, read again when their files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from coordinator.config import ConfigError
from coordinator.service.watched import PERIOD, Watched

if TYPE_CHECKING:
    from coordinator.config import Settings

log = logging.getLogger("coordinator")


class Certificate:
    """A certificate chain with its key, and the context that serves them.

    A renewed one is for the connections that come; those that there are go on with theirs. One that
    cannot be used is logged, and the one before stays.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        """Read the files for the first time.

        Raises:
            ConfigError: they cannot be used; one sentence.
        """
        self._chain, self._key = chain, key
        self._files = Watched(chain, key)
        self.context = self._load()

    @classmethod
    def of(cls, settings: Settings) -> Certificate | None:
        """Read what the settings name; None where there is no TLS.

        Raises:
            ConfigError: only one of them is named, or they cannot be used.
        """
        chain, key = settings.tls_certificate, settings.tls_key
        if bool(chain) != bool(key):
            raise ConfigError(
                "COORDINATOR_TLS_CERTIFICATE and COORDINATOR_TLS_KEY go together: set both."
            )
        return cls(Path(chain), Path(key)) if chain else None

    def refresh(self) -> bool:
        """Read the files again if they have changed and stand still; whether they were read."""
        if not self._files.changed():
            return False
        try:
            self._load()  # a context that has failed to load a pair would serve half of it
            self._fill(self.context)
        except ConfigError as error:
            log.error("%s The certificate stays as it was.", error)  # noqa: TRY400 - a sentence
        else:
            log.info("the certificate was read again from %s", self._chain)
        return True

    async def run(self) -> None:
        """Look after the files, until canceled."""
        while True:
            await asyncio.sleep(PERIOD)
            self.refresh()

    def _load(self) -> ssl.SSLContext:
        """Make a context; TLS 1.2 and newer, as Python has it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._fill(context)
        return context

    def _fill(self, context: ssl.SSLContext) -> None:
        """Read the files into a context; they may have changed since they were looked at."""
        _look_at("certificate", self._chain, b"CERTIFICATE-----")
        _look_at("key", self._key, b"PRIVATE KEY-----")
        try:
            context.load_cert_chain(self._chain, self._key, password=_no_password)
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).replace("_", " ").lower()
            pair = f"{self._chain} and the key {self._key}"
            raise ConfigError(f"The TLS certificate {pair} cannot be used: {reason}.") from None
        except OSError as error:
            raise ConfigError(
                f"The TLS certificate {self._chain} or the key {self._key} cannot be read: "
                f"{error.strerror}."
            ) from None


def _look_at(name: str, path: Path, label: bytes) -> None:
    """See that a file has what it should: of one that has not, OpenSSL says only "PEM lib"."""
    try:
        if path.is_fifo():  # opening one waits for a writer, and every caller with it
            raise ConfigError(f"The TLS {name} {path} cannot be used: it is a pipe, not a file.")
        found = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"The TLS {name} {path} cannot be read: {error.strerror}.") from None
    if label not in found:
        raise ConfigError(f"The TLS {name} {path} cannot be used: there is no {name} in it (PEM).")


def _no_password() -> NoReturn:
    """Answer OpenSSL, which would ask whoever sits at the terminal."""
    raise ConfigError("The TLS key is encrypted: COORDINATOR_TLS_KEY must name one that is not.")
