"""The pages: health for load balancers, numbers for Prometheus, the description of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from coordinator.errors import CoordinatorError
from coordinator.web.exposition import CONTENT_TYPE, exposition
from coordinator.web.openapi import document

if TYPE_CHECKING:
    from coordinator.service.coordinator import Coordinator
    from coordinator.web.readers import Readers
    from coordinator.web.workers import Workers

UNAVAILABLE = 503


def health_pages(coordinator: Coordinator) -> APIRouter:
    """Make the pages that whoever looks after the process asks: open, under any Host."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process lives; Redis is never asked."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """Say whether Redis answers and runs the scripts."""
        try:
            await coordinator.health.check()
        except CoordinatorError as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, UNAVAILABLE)
        return JSONResponse({"status": "ready"})

    return router


def metrics_page(coordinator: Coordinator, readers: Readers, workers: Workers | None) -> APIRouter:
    """Make ``/metrics`` for these readers, of all workers where there are several."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Show what this replica counted, and the gauges of all shards."""
        account = await readers.admit(request)
        text = await exposition(coordinator, account, workers)
        return Response(text, media_type=CONTENT_TYPE)

    return router


def openapi_page(readers: Readers) -> APIRouter:
    """Make ``/openapi.json`` for these readers."""
    router = APIRouter()

    @router.get("/openapi.json")
    async def openapi(request: Request) -> dict[str, Any]:
        """Describe the API's operations."""
        await readers.admit(request)
        return document()

    return router
