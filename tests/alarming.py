"""A receiver of alarms, and pipelines that raise them."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from pipelines import Ref, activity, create, item, new_group, put

from coordinator.config import Settings
from coordinator.domain.definitions import Definition, Field, PipelineObject
from coordinator.service.activation import make_plan, staged
from coordinator.store.pipelines import Pipelines
from coordinator.store.routing import connect
from coordinator.store.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ACCOUNT = "local"
ACTIONS = {"onFail": "fail", "onSuccess": "success", "onLateAction": "late"}
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


def begin(redis_url: str, api: Any, *objects: dict[str, Any]) -> str:
    """Create a pipeline with this definition and activate it; return its id."""
    pipeline = create(api)
    put(api, pipeline, *objects)
    asyncio.run(_stage(redis_url, pipeline, [_object(each) for each in objects]))
    api.activate_pipeline(pipelineId=pipeline)
    return pipeline


def begin_one(redis_url: str, api: Any, **texts: str) -> tuple[str, str]:
    """Begin a pipeline whose one task raises an alarm; return its id, and its worker group."""
    group = new_group()
    objects = (alarming(group), alarm("Bad", **texts), alarm("Good", **texts))
    return begin(redis_url, api, *objects), group


def _object(given: dict[str, Any]) -> PipelineObject:
    fields = tuple(
        Field(f["key"], string_value=f.get("stringValue"), ref_value=f.get("refValue"))
        for f in given["fields"]
    )
    return PipelineObject(given["id"], given["name"], fields)


async def _stage(redis_url: str, pipeline: str, objects: list[PipelineObject]) -> None:
    definition = Definition(tuple(objects))
    plan = make_plan(definition, (), Settings(retry_delay=0))
    stored = json.dumps({"pipelineObjects": [_plain(each) for each in objects]}).encode()
    version = Field("@version", string_value="1")
    fields = _with_actions(objects, staged(plan.components, stored, 1, version))
    router = connect(redis_url, timeout=5, client_name="test", durability="everysec")
    try:
        await Pipelines(Scripts(router)).stage(ACCOUNT, pipeline, "1", fields)
    finally:
        await router.close()


def _plain(given: PipelineObject) -> dict[str, Any]:
    fields = [
        {"key": f.key, "refValue": f.ref_value}
        if f.string_value is None
        else {"key": f.key, "stringValue": f.string_value}
        for f in given.fields
    ]
    return {"id": given.id, "name": given.name, "fields": fields}


def _with_actions(
    objects: list[PipelineObject], fields: Iterable[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    """Name the alarms of each component in its settings."""
    by_id = {each.id: each for each in objects}
    for name, value in fields:
        if name.startswith("settings:"):
            settings = json.loads(value)
            refs = {event: by_id[settings["id"]].refs(key) for key, event in ACTIONS.items()}
            yield name, json.dumps(settings | {"actions": refs}).encode()
        else:
            yield name, value
