"""Errors of the pages, in the shape of the API's; who may not read a page is in the audit trail."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from coordinator.errors import CoordinatorError
from coordinator.web.audit import Seen
from coordinator.web.readers import FORBIDDEN, UNAUTHORIZED
from coordinator.web.replies import Outcome, RequestIds, failure
from coordinator.wire.faults import body
from coordinator.wire.targets import CONTENT_TYPE as API_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.metrics import Metrics
    from coordinator.web.audit import Audit

INVALID = "InvalidRequestException"
# What is said to those who may not read a page; the same to all, so that nothing can be found out.
REFUSALS = {
    UNAUTHORIZED: (
        "MissingAuthenticationToken",
        "HTTP Basic with an access key id and its secret is needed.",
    ),
    FORBIDDEN: ("AccessDeniedException", "The page needs the role viewer or operator."),
}


class PageErrors:
    """Answers for what fails on the pages of one application."""

    def __init__(self, metrics: Metrics, audit: Audit) -> None:
        self._metrics, self._audit = metrics, audit
        self._ids = RequestIds()

    def shape(self, pages: FastAPI) -> None:
        """Give the framework's own errors, and ours, their shape."""

        @pages.exception_handler(HTTPException)
        async def refused(request: Request, error: HTTPException) -> Response:
            name, text = REFUSALS.get(error.status_code, (INVALID, f"{error.detail}."))
            content = body(name, f"{request.method} {request.url.path}: {text}")
            answer = self._answer(error.status_code, name, content, error.headers)
            if error.status_code in REFUSALS:
                self._tell(request, answer, name)
            return answer

        @pages.exception_handler(CoordinatorError)
        async def failed(_: Request, error: CoordinatorError) -> Response:
            return self._answer(*failure(error))

    def _answer(
        self, status: int, name: str, content: bytes, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {"x-amzn-requestid": self._ids.next().decode(), "x-amzn-errortype": name}
        return Response(content, status, {**headers, **(more or {})}, media_type=API_TYPE)

    def _tell(self, request: Request, answer: Response, name: str) -> None:
        """Count and write down who may not read a page: guesses at secrets are not to go unseen."""
        self._metrics.errors[name] += 1
        reader = getattr(request.state, "reader", "")
        seen = Seen(request.client, perf_counter(), page=request.url.path, reader=reader)
        outcome = Outcome(b"", status=answer.status_code, error=name)
        self._audit.tell(answer.headers["x-amzn-requestid"].encode(), seen, outcome)
