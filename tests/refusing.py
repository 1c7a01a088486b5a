"""A check that a refused request has the errors' shape, is quick, and changes nothing."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from dumps import dump
from pipelines import Ref, activity, ids, new_group, poll, start
from replicas import CONTENT_TYPE
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from dumps import Dump
    from replicas import Answer, ReplicaProcess
    from servers import Server

REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TARGET = "X-Amz-Target"
REPORT = "DataPipeline.ReportTaskProgress"


class Place:
    """A replica of its own with a running task, and a check that nothing of it has changed."""

    def __init__(self, server: Server, replica: ReplicaProcess) -> None:
        self.server, self.replica = server, replica
        api, group = replica.client(), new_group()
        self.pipeline = start(api, activity("A", group), activity("B", group, dependsOn=Ref("A")))
        self.handle = poll(api, group)["taskId"]
        api.report_task_progress(taskId=self.handle, fields=[{"key": "k", "stringValue": "v"}])
        self.instances = ids(api, self.pipeline)
        api.close()
        wait_until(lambda: any(":pollers:" in key for key in self.state()))  # the poll is told of

    def state(self) -> Dump:
        """Everything in Redis but the shard's clock."""
        return {key: value for key, value in dump(self.server).items() if key[-5:] != ":meta"}

    def refuses(
        self, send: Callable[[], Answer], status: int = 400, name: str = "InvalidRequestException"
    ) -> str:
        """Make a request that must be refused; return the sentence."""
        before, began = self.state(), time.monotonic()
        answer = send()
        took = time.monotonic() - began
        assert answer.status == status, answer.body[:300]
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert answer.headers["x-amzn-errortype"] == name
        assert REQUEST_ID.fullmatch(answer.headers["x-amzn-requestid"])
        body = json.loads(answer.body)
        assert set(body) == {"__type", "message"}
        assert body["__type"] == name
        assert body["message"][0].isupper()
        assert body["message"].endswith(".")
        assert "\n" not in body["message"]
        assert len(body["message"]) < 400
        assert took < 10
        assert self.state() == before
        return str(body["message"])

    def refuses_body(self, operation: str, body: Any, **expected: Any) -> str:
        """Send a body to an operation that must refuse it; return the sentence."""
        return self.refuses(lambda: self.replica.post(operation, body), **expected)

    def refuses_headers(self, **headers: str | None) -> str:
        """Send a report that is fine but for its headers; return the sentence."""
        standard = {TARGET: REPORT, "Content-Type": CONTENT_TYPE}
        changed = standard | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in changed.items() if value is not None}
        body = json.dumps({"taskId": self.handle})
        return self.refuses(lambda: self.replica.send("POST", "/", body, sent))
