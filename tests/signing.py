"""Requests signed by botocore, with whatever headers a test wants signed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from replicas import CONTENT_TYPE, Pair

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"


def signed(
    pair: Pair,
    operation: str,
    body: bytes,
    url: str = "http://127.0.0.1:8080/",
    more: Mapping[str, str | None] | None = None,
    *,
    region: str = REGION,
    service: str = "datapipeline",
) -> dict[str, str]:
    """Return the headers of a signed call; `more` are signed, too, and replace others.

    None takes one away.
    """
    headers = {
        "Host": urlsplit(url).netloc,
        "Content-Type": CONTENT_TYPE,
        "X-Amz-Target": f"DataPipeline.{operation}",
        **(more or {}),
    }
    given = {name: value for name, value in headers.items() if value is not None}
    request = AWSRequest("POST", url, given, body)
    SigV4Auth(Credentials(*pair), service, region).add_auth(request)
    return dict(request.headers.items())


def lowered(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Return headers as a server has them."""
    return {name.lower().encode(): value.encode() for name, value in headers.items()}
