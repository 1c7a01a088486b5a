"""The web applications: the API in front of its pages, and the pages of the admin port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from coordinator import __version__
from coordinator.errors import CoordinatorError
from coordinator.service.access import Access
from coordinator.web.api import Api
from coordinator.web.guards import HostGuard
from coordinator.web.page_headers import with_page_headers
from coordinator.web.pages import health_pages, metrics_page, openapi_page
from coordinator.web.readers import FORBIDDEN, UNAUTHORIZED, Readers
from coordinator.web.replies import RequestIds, failure
from coordinator.wire.faults import body
from coordinator.wire.targets import CONTENT_TYPE as API_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.service.coordinator import Coordinator
    from coordinator.web.page_headers import App
    from coordinator.web.workers import Workers

INVALID = "InvalidRequestException"
# What is said to those who may not read a page; the same to all, so that nothing can be found out.
REFUSALS = {
    UNAUTHORIZED: (
        "MissingAuthenticationToken",
        "HTTP Basic with an access key id and its secret is needed.",
    ),
    FORBIDDEN: ("AccessDeniedException", "The page needs the role viewer or operator."),
}


def create_app(coordinator: Coordinator, workers: Workers | None = None) -> Api:
    """Build a replica's ASGI application; without metrics where they have a port of their own."""
    settings, access = coordinator.settings, coordinator.access
    readers = Readers(access, HostGuard(settings.allowed_hosts, signed=access.signed))
    pages = _pages()
    pages.include_router(health_pages(coordinator))
    pages.include_router(openapi_page(readers))
    if settings.admin_port is None:
        pages.include_router(metrics_page(coordinator, readers, workers))
    return Api(coordinator, with_page_headers(pages))


def create_admin_app(
    coordinator: Coordinator, workers: Workers | None = None, *, any_host: bool
) -> App:
    """Build the application of the admin port: health and metrics, of all accounts, for everybody.

    Without `any_host` the Host must be one that an open service takes.
    """
    guard = HostGuard(coordinator.settings.allowed_hosts, signed=any_host)
    pages = _pages()
    pages.include_router(health_pages(coordinator))
    pages.include_router(metrics_page(coordinator, Readers(Access(None, ""), guard), workers))
    return with_page_headers(pages)


def _pages() -> FastAPI:
    pages = FastAPI(
        title="lease-coordinator",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    _add_error_shape(pages)
    return pages


def _add_error_shape(pages: FastAPI) -> None:
    """Give the framework's own errors, and ours, the shape of the API's."""
    ids = RequestIds()

    def shaped(
        status: int, name: str, content: bytes, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {"x-amzn-requestid": ids.next().decode(), "x-amzn-errortype": name}
        return Response(content, status, {**headers, **(more or {})}, media_type=API_TYPE)

    @pages.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        name, text = REFUSALS.get(error.status_code, (INVALID, f"{error.detail}."))
        content = body(name, f"{request.method} {request.url.path}: {text}")
        return shaped(error.status_code, name, content, error.headers)

    @pages.exception_handler(CoordinatorError)
    async def failed(_: Request, error: CoordinatorError) -> Response:
        return shaped(*failure(error))
