"""A receiver of alarms, and pipelines that raise them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipelines import Ref, activity, item, new_group, start

TOPIC = "arn:aws:sns:eu-west-1:111122223333:etl"


class Receiver:
    """An HTTP server on 127.0.0.1 that notes what is posted to it.

    It answers with the statuses in `answers`, in order, and then with 200; each after `seconds`.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.waiting = threading.Event()
        self.seconds = 0.0
        self._start(0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/alarms?key=hunter2"

    @property
    def ids(self) -> list[str]:
        """The ids of the events, in the order in which they came."""
        return [event["id"] for event in list(self.events)]

    def stop(self) -> None:
        """Refuse connections, until `restart`."""
        self._server.shutdown()
        self._server.server_close()

    def restart(self) -> None:
        """Listen again on the same port."""
        self._start(self.port)

    def note(self, body: bytes, headers: dict[str, str]) -> int:
        """Note a post and return the status to answer with."""
        self.events.append(json.loads(body))
        self.headers.append({name.lower(): value for name, value in headers.items()})
        self.waiting.wait(self.seconds)
        return self.answers.pop(0) if self.answers else 200

    def _start(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client may leave before its answer."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Note the post."""
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.note(body, dict(self.headers))
            self.send_response(status)
            if status in {301, 307}:
                self.send_header("location", receiver.url)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def alarm(object_id: str, **fields: Any) -> dict[str, Any]:
    """Make an SnsAlarm."""
    given = {"type": "SnsAlarm", "topicArn": TOPIC, "subject": object_id, "message": object_id}
    return item(object_id, **given | fields)


def alarming(group: str, object_id: str = "Work", **fields: Any) -> dict[str, Any]:
    """Make an activity without retries that names the alarms Bad and Good."""
    given = {"maximumRetries": "0", "onFail": Ref("Bad"), "onSuccess": Ref("Good")}
    return activity(object_id, group, **given | fields)


def begin_one(api: Any, **texts: str) -> tuple[str, str]:
    """Begin a pipeline whose one task raises an alarm; return its id, and its worker group."""
    group = new_group()
    objects = (alarming(group), alarm("Bad", **texts), alarm("Good", **texts))
    return start(api, *objects), group
