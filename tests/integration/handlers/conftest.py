"""Servers for the runner's handlers."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy
from postgres import postgres_server
from s3 import Bucket, s3_server

from coordinator.runner import aws


@pytest.fixture(scope="session")
def s3():
    """A server that speaks S3 and DynamoDB, named by the environment."""
    with s3_server() as settings:
        yield settings
        aws.close()


@pytest.fixture
def bucket(s3):
    """An empty bucket."""
    assert s3
    bucket = Bucket(f"bucket-{uuid.uuid4().hex[:12]}")
    yield bucket
    bucket.close()


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """An empty database, of either kind."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path}/test.db")
    server, name = request.getfixturevalue("postgres"), f"test_{uuid.uuid4().hex[:12]}"
    Database(f"{server}/postgres").run(f"CREATE DATABASE {name}", alone=True)
    return Database(f"{server}/{name}")


class Database:
    """A database, as a task's object and for a test's own questions."""

    def __init__(self, url):
        self.url = url
        self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)

    def node(self, **fields):
        """The fields of a database object."""
        return {"type": "JdbcDatabase", "connectionString": self.url, **fields}

    def run(self, statement, *, alone=False):
        """Run a statement; `alone` outside of a transaction."""
        level = {"isolation_level": "AUTOCOMMIT"} if alone else {}
        with self._engine.connect().execution_options(**level) as connection:
            connection.execute(sqlalchemy.text(statement))
            connection.commit()

    def rows(self, query):
        """What a query finds."""
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.text(query))]

    def tables(self):
        """The names of the tables."""
        return sorted(sqlalchemy.inspect(self._engine).get_table_names())
