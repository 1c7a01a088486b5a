"""A certificate authority of a test's own, by openssl."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from certificates import Pem
from servers import installed

if TYPE_CHECKING:
    from pathlib import Path

HERE = "IP:127.0.0.1,DNS:localhost"
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Signs certificates; its own is `certificate`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        files = ["-out", self.certificate, "-keyout", self._key]
        self._openssl("req", "-x509", *EC, "-days", "2", "-subj", "/CN=authority", *files)

    def new(self, stem: str, *, name: str = HERE, expired: bool = False) -> Pem:
        """Sign a certificate for a host; one that has `expired` ended yesterday."""
        made = Pem(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        request, extensions = self.folder / "request", self.folder / "extensions"
        extensions.write_text(f"subjectAltName={name}\n")
        self._openssl("req", *EC, "-subj", f"/CN={stem}", "-out", request, "-keyout", made.key)
        signer = ["-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"]
        # openssl takes no dates here; a life of -1 days ended yesterday.
        days = ["-days", "-1" if expired else "2", "-extfile", extensions]
        self._openssl("x509", "-req", "-in", request, *signer, *days, "-out", made.certificate)
        return made

    def _openssl(self, *arguments: object) -> None:
        command = [installed("openssl", "openssl"), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)
