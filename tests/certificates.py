"""Certificates for 127.0.0.1, each signed by itself, as PEM files."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from servers import installed

if TYPE_CHECKING:
    from pathlib import Path

SUBJECT = ["-subj", "/CN=coordinator", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]


class Pem(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a replica that shows it."""
        return {"TLS_CERTIFICATE": self.certificate, "TLS_KEY": self.key}


def new_certificate(folder: Path, name: str = "own", *, password: str = "") -> Pem:
    """Make a certificate; with a password its key is encrypted."""
    made = Pem(folder / f"{name}.pem", folder / f"{name}.key")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2"]
    key = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    files = ["-out", str(made.certificate), "-keyout", str(made.key)]
    program = installed("openssl", "openssl")
    subprocess.run([program, "req", *kind, *key, *SUBJECT, *files], check=True, capture_output=True)
    return made
