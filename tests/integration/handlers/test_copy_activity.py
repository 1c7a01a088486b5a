"""CopyActivity between files, S3 and tables."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from coordinator.runner.testing import make_task, run_handler

CSV = {"type": "CSV", "column": ["a INT", "b STRING"]}
TABLE = "CREATE TABLE t (a INTEGER, b VARCHAR(100))"


def run(source, target, objects=None, **more):
    """Copy from data node to data node."""
    given = {"In": source, "Out": target, "Csv": CSV, "Tsv": {"type": "TSV"}, **(objects or {})}
    task = make_task("CopyActivity", {"input": "In", "output": "Out"}, given)
    return run_handler(None, task, **more)


def files(**fields):
    """A data node of files."""
    return {"type": "S3DataNode", **fields}


def table(**fields):
    """A data node of a table."""
    return {"type": "SqlDataNode", "database": "Db", "table": "t", **fields}


def test_a_file_to_a_table_and_back(database, bucket):
    """Records go from S3 to a table that is made on the way, and from there to a local file."""
    uri = bucket.put("in.csv", "1,one\n2,t\\,wo\n3,\\N\n")
    db = {"Db": database.node()}
    result = run(files(filePath=uri, dataFormat="Csv"), table(createTableSql=TABLE), db)
    assert (result.message, result.fields) == ("", {"recordsCopied": "3"})
    assert database.rows("SELECT a, b FROM t ORDER BY a") == [(1, "one"), (2, "t,wo"), (3, None)]
    query = "SELECT b, a FROM t WHERE b LIKE '%o%' ORDER BY a DESC"
    target = files(filePath=f"{bucket.uri}/out.tsv", dataFormat="Tsv")
    assert run(table(selectQuery=query), target, db).message == ""
    assert bucket.get("out.tsv") == "t,wo\t2\none\t1\n"


def test_an_insert_query(database, tmp_path):
    """The insertQuery says where the values of a record go."""
    (tmp_path / "in").write_text("x,1\ny,2\n")
    database.run(TABLE)
    node = table(insertQuery="INSERT INTO t (b, a) VALUES (?, CAST(? AS INTEGER) + 10)")
    result = run(files(filePath=str(tmp_path / "in")), node, {"Db": database.node()})
    assert result.message == ""
    assert database.rows("SELECT a, b FROM t ORDER BY a") == [(11, "x"), (12, "y")]


def test_from_table_to_table(database):
    """Both sides may be in one database."""
    database.run(TABLE)
    database.run("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    database.run("CREATE TABLE u (a INTEGER, b VARCHAR(9))")
    result = run(table(), {**table(), "table": "u"}, {"Db": database.node()})
    assert result.message == ""
    assert database.rows("SELECT a, b FROM u ORDER BY a") == [(1, "x"), (2, None)]


@pytest.mark.parametrize("bad", ["2\n", "2,x,y\n", "no number,x\n"])
def test_a_bad_record_copies_nothing(database, tmp_path, bad):
    """A record that does not fit takes back the ones before it."""
    (tmp_path / "in").write_text("1,x\n" * 1500 + bad)
    database.run("CREATE TABLE t (a INTEGER CHECK (a < 100), b VARCHAR(100))")
    result = run(files(filePath=str(tmp_path / "in")), table(), {"Db": database.node()})
    assert result.error_id in {"BadRecord", "SqlError"}
    assert database.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_a_directory_to_a_table(database, bucket):
    """All files of a directory, in order; an empty directory is no record."""
    for number in (1, 2):
        bucket.put(f"in/part-{number}.gz", gzip.compress(f"{number},x\n".encode()))
    source = files(directoryPath=f"{bucket.uri}/in", compression="gzip", dataFormat="Csv")
    database.run(TABLE)
    assert run(source, table(), {"Db": database.node()}).message == ""
    empty = files(directoryPath=f"{bucket.uri}/nothing")
    assert run(empty, table(), {"Db": database.node()}).fields == {"recordsCopied": "0"}
    assert database.rows("SELECT a FROM t ORDER BY a") == [(1,), (2,)]


def test_a_table_to_a_directory(database, bucket):
    """A table becomes one file, compressed where the data node says so."""
    database.run(TABLE)
    database.run("INSERT INTO t VALUES (1, 'x')")
    target = files(directoryPath=f"{bucket.uri}/out", compression="GZIP")
    assert run(table(), target, {"Db": database.node()}).message == ""
    assert bucket.keys() == ["out/part-00000"]
    assert gzip.decompress(bucket.get_bytes("out/part-00000")) == b"1,x\n"


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ({"filePath": "/in/a"}, {"filePath": "/out"}, {"out": "1\n"}),
        ({"filePath": "/in/a"}, {"directoryPath": "/out/"}, {"out/a": "1\n"}),
        ({"directoryPath": "/in"}, {"directoryPath": "/out"}, {"out/a": "1\n", "out/d/b": '"2"'}),
        ({"directoryPath": "/in"}, {"filePath": "/out"}, {"out": "1\n2\n"}),
    ],
)
@pytest.mark.parametrize("local", [False, True])
def test_files_to_files(bucket, tmp_path, source, target, expected, local):
    """Files of one format are copied as they are; a directory into a file record by record."""
    bucket.put("in/a", "1\n")
    bucket.put("in/d/b", '"2"')
    root = str(tmp_path) if local else bucket.uri
    placed = {key: root + path for key, path in target.items()}
    result = run(files(**{k: bucket.uri + v for k, v in source.items()}), files(**placed))
    assert result.message == ""
    read = (lambda key: (tmp_path / key).read_text()) if local else bucket.get
    assert {key: read(key) for key in expected} == expected


def test_another_format(bucket, tmp_path):
    """Between formats each file of a directory is written anew, under its name."""
    bucket.put("in/a", "1,x y\n")
    bucket.put("in/b", "2,\n")
    source = files(directoryPath=f"{bucket.uri}/in", dataFormat="Csv")
    assert run(source, files(directoryPath=str(tmp_path), dataFormat="Tsv")).message == ""
    assert (tmp_path / "a").read_text() + (tmp_path / "b").read_text() == "1\tx y\n2\t\n"


def test_large_files_are_not_held(database, tmp_path):
    """Copying takes less memory than there is data, there and back."""
    with (tmp_path / "in").open("w") as file:
        file.writelines(f"{number},{'x' * 90}\n" for number in range(60_000))
    database.run(TABLE)
    db = {"Db": database.node()}
    tracemalloc.start()
    try:
        result = run(files(filePath=str(tmp_path / "in")), table(), db)
        assert result.fields == {"recordsCopied": "60000"}
        query = "SELECT a, b FROM t ORDER BY a"
        assert (
            run(table(selectQuery=query), files(filePath=str(tmp_path / "out")), db).message == ""
        )
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()


def test_cancel(database, tmp_path):
    """A canceled copy leaves nothing behind."""
    with (tmp_path / "in").open("w") as file:
        file.writelines(f"{number},{'x' * 90}\n" for number in range(200_000))
    database.run(TABLE)
    source = files(filePath=str(tmp_path / "in"))
    assert run(source, table(), {"Db": database.node()}, cancel_after=0.5).error_id == "Canceled"
    assert database.rows("SELECT COUNT(*) FROM t") == [(0,)]


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ({"type": "DynamoDBDataNode"}, files(filePath="/x"), "'In' is a DynamoDBDataNode"),
        (files(filePath="/x"), files(), "'Out' has no filePath"),
        (files(filePath="/x", dataFormat="Re"), files(filePath="/y"), "'Re' is a RegEx"),
        (files(filePath="/no/such"), files(filePath="/y", dataFormat="Tsv"), "/no/such"),
    ],
)
def test_what_cannot_be_copied(source, target, reason):
    """What does not fit is named."""
    result = run(source, target, {"Re": {"type": "RegEx"}})
    assert result.status == "FAILED"
    assert reason in result.message


def test_without_data_nodes():
    """The activity needs both."""
    result = run_handler(None, make_task("CopyActivity", {"input": "In"}, {"In": CSV}))
    assert "needs an input and an output" in result.message
