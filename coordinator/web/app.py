"""The web applications: the API in front of its pages, and the pages of the admin port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from coordinator import __version__
from coordinator.service.access import Access
from coordinator.web.api import Api
from coordinator.web.audit import Audit
from coordinator.web.guards import HostGuard
from coordinator.web.page_errors import PageErrors
from coordinator.web.page_headers import with_page_headers
from coordinator.web.pages import health_pages, metrics_page, openapi_page
from coordinator.web.readers import Readers

if TYPE_CHECKING:
    from coordinator.service.coordinator import Coordinator
    from coordinator.web.page_headers import App
    from coordinator.web.workers import Workers


def create_app(coordinator: Coordinator, workers: Workers | None = None) -> Api:
    """Build a replica's ASGI application; without metrics where they have a port of their own."""
    settings, access = coordinator.settings, coordinator.access
    readers = Readers(access, HostGuard(settings.allowed_hosts, signed=access.signed))
    audit = Audit(settings.audit, access.keyring)
    pages = _pages(coordinator, audit)
    pages.include_router(health_pages(coordinator))
    pages.include_router(openapi_page(readers))
    if settings.admin_port is None:
        pages.include_router(metrics_page(coordinator, readers, workers))
    return Api(coordinator, with_page_headers(pages), audit)


def create_admin_app(
    coordinator: Coordinator, workers: Workers | None = None, *, any_host: bool
) -> App:
    """Build the application of the admin port: health and metrics, of all accounts, for everybody.

    Without `any_host` the Host must be one that an open service takes.
    """
    guard = HostGuard(coordinator.settings.allowed_hosts, signed=any_host)
    pages = _pages(coordinator, Audit("off", None))  # nobody is refused there for want of a pair
    pages.include_router(health_pages(coordinator))
    pages.include_router(metrics_page(coordinator, Readers(Access(None, ""), guard), workers))
    return with_page_headers(pages)


def _pages(coordinator: Coordinator, audit: Audit) -> FastAPI:
    pages = FastAPI(
        title="lease-coordinator",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    PageErrors(coordinator.metrics, audit).shape(pages)
    return pages
