"""The runner's options from the environment, and its words for calls that fail."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, SSLError
from click.testing import CliRunner

from coordinator.cli import cli
from coordinator.runner import api, app
from coordinator.runner.errors import CallError

WORDS = ["runner", "--endpoint", "http://127.0.0.1:1", "--worker-group", "etl"]


@pytest.mark.parametrize(
    ("environment", "more", "region"),
    [
        ({}, [], "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, [], "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, [], "eu-west-2"),
        ({"AWS_REGION": "eu-west-2"}, ["--region", "eu-west-3"], "eu-west-3"),
    ],
)
def test_the_region_is_that_of_other_clients(monkeypatch, environment, more, region):
    """The variables of every SDK name it, and an option wins."""
    given = []
    monkeypatch.setattr(app, "run", lambda options: given.append(options) or 0)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert CliRunner().invoke(cli, [*WORDS, *more], env=environment).exit_code == 0
    assert [options.region for options in given] == [region]


def refusal(code):
    """What botocore raises for an answer with an error."""
    answer = {
        "Error": {"Code": code, "Message": "So it is."},
        "ResponseMetadata": {"MaxAttemptsReached": True, "RetryAttempts": 0},
    }
    return ClientError(answer, "PollForTask")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("Odd"), "PollForTask was answered with Odd: So it is."),
        (refusal("MissingAuthenticationToken"), "from AWS_ACCESS_KEY_ID"),
        (SSLError(endpoint_url="https://a", error="self-signed"), "AWS_CA_BUNDLE names"),
        (OSError("torn"), "OSError: torn"),
    ],
)
def test_a_call_that_fails_says_what_helps(error, said):
    """In the service's words, without botocore's around them."""
    with pytest.raises(CallError) as caught, api._errors():
        raise error
    assert said in str(caught.value)
    assert "retries" not in str(caught.value)
