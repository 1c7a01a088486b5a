"""Clients of AWS's services, and of whatever speaks like one of them.

They are what boto3 makes of its environment: AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) names any
S3-compatible service, credentials and region come as for every client of AWS.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any

from coordinator.runner.errors import TaskFailedError

_lock = threading.Lock()
_clients: dict[str, Any] = {}


def client(service: str) -> Any:
    """Return the client of a service; there is one for all threads.

    Raises:
        TaskFailedError: boto3 is not installed.
    """
    with _lock:  # boto3's sessions are for one thread at a time, its clients for all
        if service not in _clients:
            _clients[service] = _boto3().client(service)
        return _clients[service]


def close() -> None:
    """Close every client; another call makes new ones."""
    with _lock:
        while _clients:
            _clients.popitem()[1].close()


def code_of(error: Exception) -> str:
    """Return the service's own word for an error; empty if it is none of a service."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def words_of(error: Exception) -> str:
    """Say what a call failed with: a service's words without botocore's around them, if it has."""
    code = code_of(error)
    if not code:
        return f"{type(error).__name__}: {error}"
    message = error.response["Error"].get("Message", "")  # type: ignore[attr-defined]
    return f"{getattr(error, 'operation_name', 'a call')} was answered with {code}: {message}"


def _boto3() -> Any:
    try:
        return importlib.import_module("boto3")
    except ImportError as error:
        message = "AWS's services need boto3: pip install 'lease-coordinator[runner]'."
        raise TaskFailedError("MissingExtra", message) from error
