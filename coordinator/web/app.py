"""The web application: the API in front, FastAPI for every other page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from coordinator import __version__
from coordinator.errors import CoordinatorError
from coordinator.web.api import Api
from coordinator.web.exposition import CONTENT_TYPE, exposition
from coordinator.web.openapi import document
from coordinator.web.replies import RequestIds
from coordinator.wire.faults import body
from coordinator.wire.targets import CONTENT_TYPE as API_TYPE

if TYPE_CHECKING:
    from coordinator.service.coordinator import Coordinator

UNAVAILABLE = 503


def create_app(coordinator: Coordinator) -> Api:
    """Build a replica's ASGI application."""
    pages = FastAPI(
        title="lease-coordinator",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    _add_pages(pages, coordinator)
    _add_error_shape(pages)
    return Api(coordinator, pages)


def _add_pages(pages: FastAPI, coordinator: Coordinator) -> None:
    @pages.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process lives; Redis is never asked."""
        return {"status": "ok"}

    @pages.get("/readyz")
    async def readyz() -> JSONResponse:
        """Say whether Redis answers and runs the scripts."""
        try:
            await coordinator.health.check()
        except CoordinatorError as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, UNAVAILABLE)
        return JSONResponse({"status": "ready"})

    @pages.get("/metrics")
    async def metrics() -> Response:
        """Show what this replica counted, and the gauges of all shards."""
        return Response(await exposition(coordinator), media_type=CONTENT_TYPE)

    @pages.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        """Describe the API's operations."""
        return document()


def _add_error_shape(pages: FastAPI) -> None:
    """Give the framework's own errors the shape of the API's."""
    ids = RequestIds()

    @pages.exception_handler(HTTPException)
    async def shaped(request: Request, error: HTTPException) -> Response:
        text = f"{request.method} {request.url.path}: {error.detail}."
        headers = {"x-amzn-requestid": ids.next().decode(), **(error.headers or {})}
        name = "InvalidRequestException"
        return Response(
            body(name, text),
            error.status_code,
            {**headers, "x-amzn-errortype": name},
            media_type=API_TYPE,
        )
