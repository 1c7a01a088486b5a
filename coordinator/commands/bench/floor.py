"""The floor: the least that uvicorn can do for a request of this size. Run as ``-m``."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

ANSWER = b'{"canceled":false}'
HEADERS = [
    (b"content-type", b"application/x-amz-json-1.1"),
    (b"content-length", b"%d" % len(ANSWER)),
]


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI's signature
    """Read the body and send the constant answer."""
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
        proxy_headers=False,
        server_header=False,
    )
