"""Signed requests of the benchmark, and the credentials file of the replica that checks them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click
import msgspec

from coordinator.commands.bench.load import request_bytes
from coordinator.domain.credentials import LOCAL
from coordinator.wire.targets import CONTENT_TYPE

if TYPE_CHECKING:
    from pathlib import Path

OPERATION = "ReportTaskProgress"
REGION = "us-east-1"


class Signer:
    """A runner's access key, of the account that an open replica serves."""

    def __init__(self) -> None:
        """Make the key.

        Raises:
            ClickException: botocore, which signs, is not installed.
        """
        try:
            from botocore.credentials import Credentials  # noqa: PLC0415 - of an extra
        except ImportError:
            raise click.ClickException(
                "botocore signs the requests: install lease-coordinator[runner]."
            ) from None
        self._pair = Credentials("COBENCH", secrets.token_urlsafe(32))

    def write_file(self, path: Path) -> None:
        """Write the credentials file."""
        path.touch(mode=0o600)
        path.write_text(
            "[[credential]]\n"
            f'access_key_id = "{self._pair.access_key}"\n'
            f'secret_access_key = "{self._pair.secret_key}"\n'
            f'account = "{LOCAL}"\n'
            'roles = ["runner"]\n'
            'worker_groups = ["*"]\n'
        )

    def report(self, port: int, body: dict[str, object]) -> bytes:
        """Write a signed report, which is accepted for five minutes."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - of an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - of an extra

        headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"DataPipeline.{OPERATION}"}
        url = f"http://127.0.0.1:{port}/"
        request = AWSRequest("POST", url, headers, msgspec.json.encode(body))
        SigV4Auth(self._pair, "datapipeline", REGION).add_auth(request)
        names = ("X-Amz-Date", "Authorization")
        lines = "".join(f"{name}: {request.headers[name]}\r\n" for name in names)
        return request_bytes(port, OPERATION, body, lines)
