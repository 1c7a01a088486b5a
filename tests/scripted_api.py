"""A real HTTP server that answers a task runner by a script: the test decides what happens."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "DataPipeline."


class ScriptedApi:
    """Hands out `tasks` once each, and answers every operation by `answers[operation]`.

    An answer is a dict (200), an `(status, dict)` pair, or a function of the request's body that
    returns one of these; ``None`` breaks the connection. Calls are noted in `calls`, in order.
    """

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {
            "PollForTask": self._poll,
            "ReportTaskProgress": {"canceled": False},
            "SetTaskStatus": {},
            "ReportTaskRunnerHeartbeat": {"terminate": False},
        }
        self.poll_seconds = 0.3
        self._start(0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def bodies(self, operation: str) -> list[dict[str, Any]]:
        """The bodies of the calls of one operation."""
        return [body for name, body, _ in list(self.calls) if name == operation]

    def times(self, operation: str) -> list[float]:
        """When they came, by the monotonic clock."""
        return [at for name, _, at in list(self.calls) if name == operation]

    def stop(self) -> None:
        """Refuse connections, until `restart`."""
        self._server.shutdown()
        self._server.server_close()

    def restart(self) -> None:
        """Listen again on the same port."""
        self._start(self.port)

    def _start(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, operation: str, body: dict[str, Any]) -> Any:
        """Note a call and find its answer."""
        self.calls.append((operation, body, time.monotonic()))
        answer = self.answers[operation]
        return answer(body) if callable(answer) else answer

    def _poll(self, _: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + self.poll_seconds
        while time.monotonic() < deadline:
            try:
                return {"taskObject": self.tasks.pop(0)}
            except IndexError:
                time.sleep(0.01)
        return {}


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing on stderr: runners that break off a poll are part of the tests."""


def _handler(api: ScriptedApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api.headers.append(dict(self.headers))
            operation = self.headers["X-Amz-Target"].removeprefix(PREFIX)
            answer = api.answer(operation, body)
            if answer is not None:
                status, content = answer if isinstance(answer, tuple) else (200, answer)
                self._send(status, json.dumps(content).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    return Handler


def error(code: str, status: int = 400) -> tuple[int, dict[str, str]]:
    """An answer that is an error of the API."""
    return status, {"__type": code, "message": "as scripted"}


def task(command: str | None, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A task object with a ShellCommandActivity; a list makes a repeated field."""
    attempt = f"@Act_2026-01-01T00:00:0{number}_Attempt=1"
    values = {"type": "ShellCommandActivity", "command": command, "@reportWithin": "0.1"}
    values |= {key.replace("__", "@"): value for key, value in fields.items()}
    listed = [
        {"key": key, "stringValue": item}
        for key, value in values.items()
        if value is not None
        for item in (value if isinstance(value, list) else [value])
    ]
    return {
        "taskId": f"handle-{number}",
        "pipelineId": "df-1",
        "attemptId": attempt,
        "objects": {attempt: {"id": attempt, "name": attempt, "fields": listed}},
    }
