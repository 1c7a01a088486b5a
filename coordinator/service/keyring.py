"""The credentials that may sign: read from their file, and read again when it changes.

A file that cannot be used leaves the credentials as they were, is logged once, and counted.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from coordinator.domain.credentials import CredentialsError, read_credentials
from coordinator.service.watched import PERIOD, Watched

if TYPE_CHECKING:
    from coordinator.domain.credentials import Credential
    from coordinator.metrics import Metrics

log = logging.getLogger(__name__)
MOST_BYTES = 4 << 20
OPEN_TO_OTHERS = stat.S_IRWXO | stat.S_IWGRP


class Keyring:
    """The credentials of one replica, by access key id."""

    def __init__(self, path: str, metrics: Metrics) -> None:
        self._path, self._metrics = Path(path), metrics
        self._known: dict[str, Credential] = {}
        self._file: Watched | None = None  # since it was first read

    def find(self, access_key: str) -> Credential | None:
        """Return a credential that may be used now."""
        return self._known.get(access_key)

    def has(self, credential: Credential) -> bool:
        """Whether a credential is as it was: not taken out, disabled, or changed since."""
        known = self._known.get(credential.access_key)
        return known is credential or known == credential

    def start(self) -> None:
        """Read the file for the first time.

        Raises:
            CredentialsError: it cannot be used; the message has one sentence per line.
        """
        self._file = Watched(self._path)
        self._known = load(self._path)
        self._metrics.credentials = len(self._known)
        self._tell("%d credentials in %s")

    def refresh(self) -> bool:
        """Read the file again if it has changed and stands still; whether it was read."""
        if self._file is None or not self._file.changed():
            return False
        try:
            found = load(self._path)
        except CredentialsError as error:
            self._metrics.credentials_loads["broken"] += 1
            self._metrics.credentials_broken = 1
            said = str(error).replace(f"\n{_prefix(self._path)}", " ")
            log.error("%s The credentials stay as they were.", said)  # noqa: TRY400 - a sentence
            return True
        self._known = found
        self._metrics.credentials_loads["loaded"] += 1
        self._metrics.credentials, self._metrics.credentials_broken = len(found), 0
        self._tell("%d credentials, read again from %s")
        return True

    def _tell(self, words: str) -> None:
        """Log how many there are, and what may have been meant otherwise."""
        if sentence := exposure(self._path):
            log.warning("%s", sentence)
        if not self._known:
            log.warning("every credential in %s is disabled: nobody may call", self._path)
        log.info(words, len(self._known), self._path)

    async def run(self) -> None:
        """Look after the file, until canceled."""
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("looking after %s failed", self._path)


def load(path: Path) -> dict[str, Credential]:
    """Read a file of credentials.

    Raises:
        CredentialsError: each line is a sentence that names the file.
    """
    try:
        data = _read(path)
        if len(data) <= MOST_BYTES:
            return read_credentials(data.decode())
        problems = [f"It is larger than {MOST_BYTES} bytes."]
    except OSError as error:
        problems = [f"It cannot be read: {error.strerror}."]
    except UnicodeDecodeError:
        problems = ["It is not UTF-8."]
    except CredentialsError as error:
        problems = str(error).split("\n")
    raise CredentialsError("\n".join(f"{_prefix(path)} {one}" for one in problems))


def _read(path: Path) -> bytes:
    if path.is_fifo():  # opening one waits for a writer, for ever
        raise CredentialsError("It is a pipe, not a file.")
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _prefix(path: Path) -> str:
    """Begin a sentence about the file."""
    return f"The credentials file {path}:"


def exposure(path: Path) -> str:
    """Say in a sentence that others can read or change a file of secrets; empty if they cannot."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    if not mode & OPEN_TO_OTHERS:
        return ""
    return f"The credentials file {path} is open to others (mode {mode:o}): chmod 600 it."
