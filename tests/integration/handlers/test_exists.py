"""Exists: the data nodes that a precondition looks for."""

from __future__ import annotations

import pytest

from coordinator.runner.testing import make_task, run_handler


def look(objects, **fields):
    """Look for the object Node; return status, errorId and words."""
    result = run_handler(None, make_task("Exists", {"node": "Node", **fields}, objects))
    return result.status, result.error_id, result.message


def files(**fields):
    """Objects with a data node of files."""
    return {"Node": {"type": "S3DataNode", **fields}}


def table(database, **fields):
    """Objects with a data node of a table, and its database."""
    node = {"type": "SqlDataNode", "database": "Db", **fields}
    return {"Node": node, "Db": database.node()}


@pytest.mark.parametrize("key", ["filePath", "manifestFilePath"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_local_file(tmp_path, key, scheme):
    """A file has to be there; a directory of its name is none."""
    uri = f"{scheme}{tmp_path}/data"
    missing = ("FALSE", "NotYet", f"There is no {uri}.")
    assert look(files(**{key: f"{uri}/deeper"}))[0] == "FALSE"
    assert look(files(**{key: uri})) == missing
    (tmp_path / "data").mkdir()
    assert look(files(**{key: uri})) == missing
    (tmp_path / "data").rmdir()
    (tmp_path / "data").touch()
    assert look(files(**{key: uri})) == ("FINISHED", "", "")
    assert look(files(**{key: f"{uri}/deeper"}))[0] == "FALSE"


def test_a_local_directory(tmp_path):
    """A directory has to be there, and may be empty; a file of its name is none."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, status in [("file", "FALSE"), ("gone", "FALSE"), ("empty", "FINISHED")]:
        assert look(files(directoryPath=str(tmp_path / name)))[0] == status


@pytest.mark.parametrize("key", ["filePath", "manifestFilePath"])
def test_a_file_in_s3(bucket, key):
    """The object has to be there, and not only one of a longer name."""
    uri = f"{bucket.uri}/in/data"
    bucket.put("in/data/part-0", "x")
    assert look(files(**{key: uri})) == ("FALSE", "NotYet", f"There is no {uri}.")
    bucket.put("in/data", "x")
    assert look(files(**{key: uri}))[0] == "FINISHED"


@pytest.mark.parametrize("end", ["", "/"])
def test_a_directory_in_s3(bucket, end):
    """There has to be something in it, and not only in one of a longer name."""
    uri = f"{bucket.uri}/in/data{end}"
    bucket.put("in/data-old/part-0", "x")
    bucket.put("in/data.csv", "x")
    assert look(files(directoryPath=uri)) == ("FALSE", "NotYet", f"There is no {uri}.")
    bucket.put("in/data/deep/part-0", "x")
    assert look(files(directoryPath=uri))[0] == "FINISHED"


def test_all_that_a_data_node_names(tmp_path):
    """A data node with several paths needs them all."""
    node = files(filePath=str(tmp_path / "a"), directoryPath=str(tmp_path / "b"))
    (tmp_path / "b").mkdir()
    assert look(node)[2] == f"There is no {tmp_path}/a."
    (tmp_path / "a").touch()
    assert look(node)[0] == "FINISHED"


def test_a_table(database):
    """A table has to be there, and may be empty; its database may stand apart."""
    words = "There is no table 'words' in 'Db'."
    assert look(table(database, table="words")) == ("FALSE", "NotYet", words)
    database.run("CREATE TABLE words (word VARCHAR(9))")
    assert look(table(database, table="words"))[0] == "FINISHED"
    assert look(table(database, table="WORDS"))[0] == "FINISHED"


def test_a_view(database):
    """A view is as good as a table."""
    database.run("CREATE VIEW words AS SELECT 1 AS word")
    assert look(table(database, table="words"))[0] == "FINISHED"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("fields", [{"table": "words", "schemaName": "s"}, {"table": "s.words"}])
def test_a_table_in_a_schema(database, fields):
    """The schema counts, given apart or before the name of the table."""
    database.run("CREATE TABLE words (word VARCHAR(9))")
    assert look(table(database, **fields))[2] == "There is no table 's.words' in 'Db'."
    database.run("CREATE SCHEMA s CREATE TABLE words (word VARCHAR(9))")
    assert look(table(database, **fields))[0] == "FINISHED"


def test_a_database_of_its_own(database):
    """A data node may say by itself where its database is."""
    database.run("CREATE TABLE words (word VARCHAR(9))")
    node = {"type": "SqlDataNode", "table": "words", "connectionString": database.url}
    assert look({"Node": node})[0] == "FINISHED"


def test_a_database_that_cannot_be_reached(tmp_path):
    """Nothing can be said of its tables: a failure, not a no."""
    node = {"type": "SqlDataNode", "table": "t", "connectionString": f"sqlite:///{tmp_path}/a/b.db"}
    assert look({"Node": node})[:2] == ("FAILED", "SqlError")


def test_a_path_that_nobody_may_see(tmp_path):
    """A path that cannot be looked at is a failure with the reason."""
    long = f"{tmp_path}/{'x' * 300}"
    status, error_id, message = look(files(filePath=long))
    assert (status, error_id) == ("FAILED", "StagingFailed")
    assert "File name too long" in message


@pytest.mark.parametrize(
    ("objects", "fields", "error_id", "reason"),
    [
        ({}, {}, "CannotStart", "its 'Node' is not among the task's objects"),
        ({}, {"node": []}, "CannotStart", "it has no node"),
        (files(), {}, "CannotStart", "none of filePath, manifestFilePath, directoryPath"),
        (files(filePath="hdfs://host/a"), {}, "StagingFailed", "Neither a local path nor"),
        ({"Node": {"type": "DynamoDBDataNode", "tableName": "t"}}, {}, "CannotStart", "DynamoDBD"),
        ({"Node": {"type": "ShellCommandActivity"}}, {}, "CannotStart", "is a ShellCommandActiv"),
    ],
)
def test_what_cannot_be_looked_for(objects, fields, error_id, reason):
    """Neither files nor a table: a failure that says what the node is."""
    status, found, message = look(objects, **fields)
    assert (status, found) == ("FAILED", error_id)
    assert reason in message
