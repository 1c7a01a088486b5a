"""A place in which pages of docs/ are tried."""

from __future__ import annotations

import boto3
import botocore
import pytest
from botocore.config import Config
from documents import Workplace


@pytest.fixture
def workplace(tmp_path):
    """A directory for processes; they are killed with the test."""
    place = Workplace(tmp_path)
    yield place
    place.close()


@pytest.fixture
def stock_client(workplace):
    """A stock client of the coordinator there, which is started if it does not run."""
    config = Config(signature_version=botocore.UNSIGNED)
    url = workplace.url or workplace.serve()
    client = boto3.client("datapipeline", endpoint_url=url, region_name="us-east-1", config=config)
    yield client
    client.close()
