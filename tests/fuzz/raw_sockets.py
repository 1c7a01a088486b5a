"""Bytes to a replica's socket, whatever they are, and the answers that come back."""

from __future__ import annotations

import re
import socket

FIRST_SECONDS, END_SECONDS = 0.1, 10
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
NAME = re.compile(rb"x-amzn-errortype: (\w+)\r\n", re.IGNORECASE)


def exchange(port: int, data: bytes, first_seconds: float = FIRST_SECONDS) -> bytes:
    """Send bytes, wait shortly for an answer, say that no more will come, and read to the end.

    Raises:
        TimeoutError: the replica neither answers nor closes.
    """
    with socket.create_connection(("127.0.0.1", port), END_SECONDS) as connection:
        parts = []
        try:
            connection.sendall(data)
            connection.settimeout(first_seconds)
            parts.append(connection.recv(65536))
        except TimeoutError:
            pass  # it waits for the rest of the request
        except ConnectionError:
            return b"".join(parts)  # it has refused before it had read everything
        parts += _rest(connection)
    return b"".join(parts)


def _rest(connection: socket.socket) -> list[bytes]:
    parts = []
    connection.settimeout(END_SECONDS)
    try:
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            parts.append(part)
    except (ConnectionError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
    return parts


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(found) for found in STATUS.findall(answers)]


def first_error(answers: bytes) -> str:
    """Return the name of the first error; empty where there is none."""
    found = NAME.search(answers)
    return found[1].decode() if found else ""


def whole(headers: dict[str, str], body: bytes, line: str = "POST / HTTP/1.1") -> bytes:
    """Write a request."""
    lines = [line, *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
