"""SqlActivity on SQLite and PostgreSQL."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from coordinator.runner.testing import make_task, run_handler


def run(database, fields, objects=None, **more):
    """Run a task on a database."""
    objects = {"Db": database if isinstance(database, dict) else database.node(), **(objects or {})}
    task = make_task("SqlActivity", {"database": "Db", **fields}, objects)
    return run_handler(None, task, **more)


def test_a_script(database):
    """Statements run in order; semicolons, colons and percent signs in texts are none of ours."""
    script = """
        -- a comment; with a semicolon
        CREATE TABLE t (a INTEGER, b VARCHAR(40));
        INSERT INTO t VALUES (1, 'a;b''c'); /* ; */
        INSERT INTO t VALUES (2, '12:30:00 :name 100%s ?');
        UPDATE t SET a = a + 1 WHERE b LIKE 'a%';
    """
    result = run(database, {"script": script})
    assert (result.status, result.message) == ("FINISHED", "")
    assert result.fields == {"statementsDone": "4"}
    found = database.rows("SELECT a, b FROM t ORDER BY b DESC")
    assert found == [(2, "a;b'c"), (2, "12:30:00 :name 100%s ?")]


def test_arguments(database):
    """Its scriptArguments take the place of question marks, as values and not as SQL."""
    script = "CREATE TABLE t (b VARCHAR(40)); INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)"
    result = run(database, {"script": script, "scriptArgument": ["x'); DROP TABLE t", "y"]})
    assert result.status == "FINISHED", result.message
    assert database.rows("SELECT b FROM t ORDER BY b") == [("x'); DROP TABLE t",), ("y",)]


@pytest.mark.parametrize(
    ("arguments", "reason"), [(["a"], "more ? than"), (["a", "b", "c"], "fewer ? than")]
)
def test_the_wrong_number_of_arguments(database, arguments, reason):
    """Too many or too few arguments fail the task, and nothing is kept."""
    script = "CREATE TABLE t (b VARCHAR(9)); INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)"
    result = run(database, {"script": script, "scriptArgument": arguments})
    assert result.error_id == "SqlError"
    assert reason in result.message
    assert not database.tables()


def test_all_or_nothing(database):
    """A statement that fails takes back those before it, tables included."""
    result = run(database, {"script": "CREATE TABLE t (a INTEGER); SELECT * FROM nowhere"})
    assert result.error_id == "SqlError"
    assert "nowhere" in result.message
    assert not database.tables()


def test_several_at_a_time(database):
    """Scripts that read what they then change wait for one another."""
    database.run("CREATE TABLE t (a INTEGER)")
    script = "SELECT * FROM t; INSERT INTO t VALUES (1)"
    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(lambda _: run(database, {"script": script}), range(40)))
    assert [result.message for result in ran] == [""] * 40
    assert database.rows("SELECT count(*) FROM t") == [(40,)]


def test_a_script_with_its_own_transaction(database):
    """BEGIN and COMMIT of a script do not disturb."""
    result = run(database, {"script": "BEGIN; CREATE TABLE t (a INTEGER); COMMIT;"})
    assert result.status == "FINISHED", result.message
    assert database.tables() == ["t"]


def test_script_uri(database, bucket):
    """A script comes from S3, too."""
    uri = bucket.put("q.sql", "CREATE TABLE from_s3 (a INTEGER)")
    assert run(database, {"scriptUri": uri}).status == "FINISHED"
    assert database.tables() == ["from_s3"]


def test_the_output_table(database):
    """The createTableSql of the output makes the table where it is missing."""
    output = {
        "Out": {"type": "SqlDataNode", "table": "T", "createTableSql": "CREATE TABLE T (a INTEGER)"}
    }
    for _ in range(2):
        result = run(database, {"script": "INSERT INTO T VALUES (1)", "output": "Out"}, output)
        assert result.status == "FINISHED", result.message
    assert database.rows("SELECT COUNT(*) FROM T") == [(2,)]


def test_cancel_breaks_off_a_query(database):
    """A query that takes long ends with the cancel, and its work is taken back."""
    slow = (
        "CREATE TABLE t (a INTEGER); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 "
        "FROM c WHERE n < 2000000000) SELECT COUNT(*) FROM c"
    )
    began = time.monotonic()
    result = run(database, {"script": slow}, cancel_after=1)
    assert result.error_id == "Canceled"
    assert time.monotonic() - began < 10
    assert not database.tables()


def test_triggers(tmp_path):
    """In SQLite a trigger's semicolons do not end its statement."""
    script = (
        "CREATE TABLE t (a INTEGER); CREATE TRIGGER g AFTER INSERT ON t BEGIN "
        "UPDATE t SET a = a + 1; UPDATE t SET a = a * 2; END; INSERT INTO t VALUES (1)"
    )
    database = {"type": "JdbcDatabase", "connectionString": f"jdbc:sqlite:///{tmp_path}/a.db"}
    result = run(database, {"script": script})
    assert (result.status, result.fields["statementsDone"]) == ("FINISHED", "3")


def test_dollar_quotes_and_casts(postgres):
    """PostgreSQL's own: functions in dollar quotes, casts with colons."""
    script = (
        "CREATE FUNCTION pg_temp.f() RETURNS int AS $x$ BEGIN RETURN 1; END; $x$ LANGUAGE plpgsql;"
        "SELECT '7'::int + pg_temp.f()"
    )
    node = {"type": "JdbcDatabase", "connectionString": f"{postgres}/postgres"}
    assert run(node, {"script": script}).status == "FINISHED"


def test_user_password_and_database(postgres):
    """User, password and database are those of the object; drivers have their own name for it."""
    node = {
        "type": "JdbcDatabase",
        "connectionString": postgres.replace("+psycopg", "").replace("tester@", "", 1),
        "username": "tester",
        "*password": "hunter2",
        "databaseName": "postgres",
    }
    script = "SELECT 1 / (CASE current_user WHEN 'tester' THEN 1 ELSE 0 END)"
    assert run(node, {"script": script}).message == ""


@pytest.mark.parametrize(
    ("node", "fields", "error_id", "reason"),
    [
        ({}, {"script": "SELECT 1"}, "CannotStart", "no connectionString"),
        ({"connectionString": "secret"}, {"script": "SELECT 1"}, "CannotStart", "no URL"),
        ({"connectionString": "nope://h/d"}, {"script": "SELECT 1"}, "SqlError", "nope"),
        (
            {"connectionString": "oracle+cx_oracle://h/d"},
            {"script": "x"},
            "MissingDriver",
            "cx_Oracle",
        ),
        ({"connectionString": "sqlite://"}, {}, "CannotStart", "neither a script nor"),
        (
            {"connectionString": "sqlite:////no/such/a.db"},
            {"script": "SELECT 1"},
            "SqlError",
            "open",
        ),
    ],
)
def test_what_cannot_start(node, fields, error_id, reason):
    """A database that cannot be used is explained."""
    result = run({"type": "RdsDatabase", **node}, fields)
    assert result.error_id == error_id
    assert reason in result.message
    assert "secret" not in result.message


def test_without_a_database():
    """The activity needs one."""
    assert "no database" in run_handler(None, make_task("SqlActivity", {"script": "x"})).message


def test_without_sqlalchemy(monkeypatch):
    """Where SQLAlchemy is missing, the message names the extra."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    result = run({"type": "JdbcDatabase", "connectionString": "sqlite://"}, {"script": "SELECT 1"})
    assert result.error_id == "MissingExtra"
    assert "lease-coordinator[runner]" in result.message
