"""Servers for the runner's handlers."""

from __future__ import annotations

import uuid

import pytest
from s3 import Bucket, s3_server

from coordinator.runner import storage


@pytest.fixture(scope="session")
def s3():
    """A server that speaks S3, named by the environment."""
    with s3_server() as settings:
        storage._clients.clear()
        yield settings
    storage._clients.clear()


@pytest.fixture
def bucket(s3):
    """An empty bucket."""
    assert s3
    return Bucket(f"bucket-{uuid.uuid4().hex[:12]}")
