"""A real server that speaks S3 and DynamoDB, for tests of the task runner."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from unittest import mock

import boto3
from ports import free_ports
from servers import _die_with_parent
from waiting import wait_until

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def s3_server():
    """Start one; the block has its settings, as environment variables."""
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
    )
    try:
        wait_until(lambda: _answers(port), 30)
        url = f"http://127.0.0.1:{port}"
        names = {"AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL_DYNAMODB": url}
        settings = {**CREDENTIALS, **names}
        with mock.patch.dict(os.environ, settings):
            yield settings
    finally:
        process.kill()
        process.wait()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Bucket:
    """A bucket of a test's own."""

    def __init__(self, name):
        self._s3 = boto3.client("s3")
        self._s3.create_bucket(Bucket=name)
        self._name = name

    def close(self):
        """Close the connections to it."""
        self._s3.close()

    @property
    def uri(self):
        """Its URI, without a slash at the end."""
        return f"s3://{self._name}"

    def put(self, key, data):
        """Make an object."""
        body = data if isinstance(data, bytes) else data.encode()
        self._s3.put_object(Bucket=self._name, Key=key, Body=body)
        return f"{self.uri}/{key}"

    def get(self, key):
        """The content of an object, as text."""
        return self.get_bytes(key).decode()

    def get_bytes(self, key):
        """The content of an object."""
        return self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()

    def deny_all(self):
        """Let nobody read or write an object any more."""
        what = {"Action": "s3:*", "Resource": f"arn:aws:s3:::{self._name}/*"}
        policy = {"Statement": [{"Effect": "Deny", "Principal": "*", **what}]}
        self._s3.put_bucket_policy(Bucket=self._name, Policy=json.dumps(policy))

    def keys(self):
        """Every key, sorted."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]
