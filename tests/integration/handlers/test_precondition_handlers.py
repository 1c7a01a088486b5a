"""Preconditions on commands, on objects in S3 and on tables of DynamoDB."""

from __future__ import annotations

import uuid

import boto3
import pytest

from coordinator.runner.testing import make_task, run_handler

LOG = "logs/df-TEST/Act/@Act_2026-01-01T00:00:00/@Act_2026-01-01T00:00:00_Attempt=1"


def check(kind, **fields):
    """Check a precondition; return its status, its errorId and its words."""
    result = run_handler(None, make_task(kind, fields))
    return result.status, result.error_id, result.message


def satisfied(kind, **fields):
    """Whether it is FINISHED."""
    return check(kind, **fields)[0] == "FINISHED"


@pytest.fixture
def table(s3):
    """A table of DynamoDB, as its client and its name."""
    assert s3
    client, name = boto3.client("dynamodb"), f"table-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield client, name
    client.close()


def test_an_exit_code_is_the_answer(tmp_path):
    """Exit code 0 is yes; another one is not yet, told with the code and the end of stderr."""
    command = f"[ -e {tmp_path}/ready ] || {{ echo 'no such day' >&2; exit 3; }}"
    assert check("ShellCommandPrecondition", command=command) == (
        "FALSE",
        "NotYet",
        "The command ended with exit code 3.\nno such day",
    )
    (tmp_path / "ready").touch()
    assert check("ShellCommandPrecondition", command=command) == ("FINISHED", "", "")


def test_a_script_from_s3_checks(bucket, tmp_path):
    """A script is fetched and gets its arguments; its output goes where the fields say."""
    uri = bucket.put("check.sh", "#!/bin/sh\necho $2; echo no >&2; exit $1\n")
    out, err = str(tmp_path / "out"), f"{bucket.uri}/err"
    fields = {"scriptUri": uri, "scriptArgument": ["1", "a b"], "stdout": out, "stderr": err}
    assert check("ShellCommandPrecondition", **fields)[::2] == (
        "FALSE",
        "The command ended with exit code 1.\nno",
    )
    assert ((tmp_path / "out").read_text(), bucket.get("err")) == ("a b\n", "no\n")


def test_the_log_of_a_check(bucket):
    """A check that says not yet has its log stored, too."""
    fields = {"command": "echo why; exit 1", "pipelineLogUri": f"{bucket.uri}/logs"}
    assert not satisfied("ShellCommandPrecondition", **fields)
    assert bucket.get(f"{LOG}/StdOutput") == "why\n"


@pytest.mark.parametrize(
    ("fields", "error_id", "reason"),
    [
        ({}, "CannotStart", "neither a command nor a scriptUri"),
        ({"command": "kill -9 $$"}, "Signal9", "9 (SIGKILL)"),
        ({"command": "true", "stderr": "/dev/null/err"}, "CannotStart", "output cannot be opened"),
        ({"scriptUri": "/no/such/script"}, "StagingFailed", "/no/such/script"),
    ],
)
def test_a_command_that_gives_no_answer(fields, error_id, reason):
    """What cannot be run, or was killed, has failed: it says neither yes nor no."""
    status, found, message = check("ShellCommandPrecondition", **fields)
    assert (status, found) == ("FAILED", error_id)
    assert reason in message


def test_a_check_is_canceled():
    """A command that is canceled has said nothing."""
    task = make_task("ShellCommandPrecondition", {"command": "sleep 600"})
    assert run_handler(None, task, cancel_after=0.2).error_id == "Canceled"


def test_a_key_exists(bucket):
    """Only the very key counts, and an empty object is one."""
    key = f"{bucket.uri}/in/data"
    bucket.put("in/data.csv", "x")
    assert check("S3KeyExists", s3Key=key) == ("FALSE", "NotYet", f"There is no {key}.")
    bucket.put("in/data", "")
    assert satisfied("S3KeyExists", s3Key=key)


def test_a_prefix_is_not_empty(bucket):
    """Any key that begins so counts, whether the prefix ends like a directory or not."""
    prefix = f"{bucket.uri}/in/2026-"
    bucket.put("in/2025-12", "x")
    words = f"No key begins with {prefix}."
    assert check("S3PrefixNotEmpty", s3Prefix=prefix) == ("FALSE", "NotYet", words)
    bucket.put("in/2026-01/part-0", "x")
    assert satisfied("S3PrefixNotEmpty", s3Prefix=prefix)
    assert satisfied("S3PrefixNotEmpty", s3Prefix=f"{bucket.uri}/in/2026-01/")
    assert satisfied("S3PrefixNotEmpty", s3Prefix=bucket.uri)


@pytest.mark.parametrize(
    ("kind", "key"), [("S3KeyExists", "s3Key"), ("S3PrefixNotEmpty", "s3Prefix")]
)
@pytest.mark.parametrize(
    ("uri", "error_id", "reason"),
    [
        ("s3://no-such-bucket-here/key", "StagingFailed", "NoSuchBucket"),
        ("s3://not a bucket/key", "StagingFailed", "Invalid bucket name"),
        ("/some/key", "CannotStart", "must begin with s3://, unlike '/some/key'"),
        (None, "CannotStart", "The precondition has no s3"),
    ],
)
def test_what_waiting_would_not_mend(s3, kind, key, uri, error_id, reason):
    """No bucket, or no URI of S3: a failure that names it, because it will not come by itself."""
    assert s3
    status, found, message = check(kind, **({key: uri} if uri else {}))
    assert (status, found) == ("FAILED", error_id)
    assert reason in message
    assert not uri or uri in message


def test_a_key_without_a_name(bucket):
    """A bucket alone is no key."""
    status, error_id, message = check("S3KeyExists", s3Key=bucket.uri)
    assert (status, error_id) == ("FAILED", "StagingFailed")
    assert "parameter Key" in message


def test_what_nobody_may_see(bucket):
    """Without permission nothing can be said, so that it is a failure."""
    uri = bucket.put("in/data", "x")
    bucket.deny_all()
    status, error_id, message = check("S3KeyExists", s3Key=uri)
    assert (status, error_id) == ("FAILED", "StagingFailed")
    assert "403" in message
    assert uri in message


def test_a_table_exists(table):
    """A table of DynamoDB is there, also an empty one."""
    assert satisfied("DynamoDBTableExists", tableName=table[1])
    words = "There is no table 'none-of-these'."
    for kind in ("DynamoDBTableExists", "DynamoDBDataExists"):
        assert check(kind, tableName="none-of-these") == ("FALSE", "NotYet", words)


def test_a_table_has_data(table):
    """An empty table has none yet; one item is enough."""
    client, name = table
    assert check("DynamoDBDataExists", tableName=name) == (
        "FALSE",
        "NotYet",
        f"There is nothing in table '{name}'.",
    )
    client.put_item(TableName=name, Item={"id": {"S": "1"}})
    assert satisfied("DynamoDBDataExists", tableName=name)


@pytest.mark.parametrize("kind", ["DynamoDBTableExists", "DynamoDBDataExists"])
@pytest.mark.parametrize(
    ("fields", "error_id", "reason"),
    [
        ({}, "CannotStart", "has no tableName"),
        ({"tableName": ""}, "DynamoDBError", "Table '' cannot be asked for: "),
    ],
)
def test_a_table_that_cannot_be_asked_for(s3, kind, fields, error_id, reason):
    """A missing name, or one that the service refuses, is a failure."""
    assert s3
    status, found, message = check(kind, **fields)
    assert (status, found) == ("FAILED", error_id)
    assert reason in message
