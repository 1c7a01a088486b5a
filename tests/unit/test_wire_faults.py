"""Errors as bodies, and the headers that choose an operation."""

from __future__ import annotations

import json

import pytest

from coordinator import errors
from coordinator.wire.faults import INTERNAL, Fault, fault_body, fault_of
from coordinator.wire.targets import check_content_type, operation_of


def subclasses(kind):
    """All classes below `kind`."""
    return [below for child in kind.__subclasses__() for below in (child, *subclasses(child))]


@pytest.mark.parametrize(
    ("error", "name", "status"),
    [
        (errors.InvalidRequestError(), "InvalidRequestException", 400),
        (errors.PipelineNotFoundError(), "PipelineNotFoundException", 400),
        (errors.PipelineDeletedError(), "PipelineDeletedException", 400),
        (errors.TaskNotFoundError(), "TaskNotFoundException", 400),
        (errors.NotSignedError(), "MissingAuthenticationToken", 403),
        (errors.IncompleteSignatureError(), "IncompleteSignature", 400),
        (errors.UnknownKeyError(), "UnrecognizedClientException", 400),
        (errors.BadSignatureError(), "InvalidSignatureException", 400),
        (errors.RequestExpiredError(), "RequestExpired", 400),
        (errors.AccessDeniedError(), "AccessDeniedException", 400),
        (errors.ThrottledError(), "ThrottlingException", 400),
        (errors.TooSlowError(), "RequestTimeout", 408),
        (errors.OverloadedError(), "ServiceUnavailable", 503),
        (errors.UnavailableError(), "InternalServiceError", 500),
        (errors.UnknownOutcomeError(), "InternalServiceError", 500),
        (ZeroDivisionError(), "InternalServiceError", 500),
    ],
)
def test_each_error_has_its_fault(error, name, status):
    """Our errors become the API's; whatever else is raised becomes the internal one."""
    assert fault_of(error) == Fault(name, status)


def test_only_what_may_be_repeated_or_is_handled_inside_is_internal():
    """A new class of error is not taken for a fault of ours by oversight."""
    ours = [
        kind for kind in subclasses(errors.CoordinatorError) if kind.__module__ == errors.__name__
    ]
    internal = {kind for kind in ours if fault_of(kind()) is INTERNAL}
    assert internal == {
        errors.UnavailableError,
        errors.UnknownOutcomeError,
        errors.ConflictError,
        *subclasses(errors.ConflictError),
    }


def test_the_body_has_a_bare_name_and_a_lower_case_message():
    """The body is what boto2, boto3 and the Java SDK can all read."""
    body = fault_body(errors.TaskNotFoundError("The task is gone."))
    assert body == b'{"__type":"TaskNotFoundException","message":"The task is gone."}'


@pytest.mark.parametrize("kind", [RuntimeError, errors.ConflictError])
def test_a_fault_of_our_own_tells_nothing_of_itself(kind):
    """The message of an exception that is not meant for callers stays inside."""
    message = json.loads(fault_body(kind("password=1")))["message"]
    assert message == "The coordinator failed to answer; repeat the call."


def test_a_message_that_utf8_cannot_carry_is_still_sent():
    """Half a surrogate pair in a message becomes a question mark."""
    assert json.loads(fault_body(errors.InvalidRequestError("a\ud800b")))["message"] == "a?b"


@pytest.mark.parametrize(
    "header",
    [
        b"DataPipeline.PollForTask",
        b"DataPipeline_20121129.PollForTask",
        b"com.amazonaws.DataPipeline.PollForTask",
        b"PollForTask",
    ],
)
def test_the_operation_follows_the_last_dot(header):
    """Any prefix will do."""
    assert operation_of(header) == "PollForTask"


def test_the_operation_may_stand_in_the_query():
    """Without the header the query parameter counts; with it, it does not."""
    assert operation_of(None, b"a=b&X-Amz-Target=DataPipeline.SetStatus") == "SetStatus"
    assert operation_of(b"D.PollForTask", b"X-Amz-Target=D.SetStatus") == "PollForTask"


@pytest.mark.parametrize("query", [b"", b"a=b", b"\xff=%ff", b"&".join([b"a=b"] * 1000)])
def test_a_missing_target_names_the_header(query):
    """The sentence says which header to send."""
    with pytest.raises(errors.InvalidRequestError, match="header X-Amz-Target is missing"):
        operation_of(None, query)


@pytest.mark.parametrize("header", [b"", b"DataPipeline.", b"DataPipeline. "])
def test_an_empty_target_is_refused(header):
    """A header without a name after the dot names no operation."""
    with pytest.raises(errors.InvalidRequestError, match="X-Amz-Target names no operation"):
        operation_of(header)


def test_a_target_of_odd_bytes_is_a_name_that_nobody_has():
    """Bytes beyond ASCII do not make it fail."""
    assert operation_of(b"DataPipeline.\xff\x00") == "\ufffd\x00"


@pytest.mark.parametrize(
    "header",
    [
        b"application/x-amz-json-1.1",
        b"application/x-amz-json-1.0",
        b"application/json",
        b"Application/JSON; charset=UTF-8",
        b"application/x-amz-json-1.1;charset=utf-8",
    ],
)
def test_json_content_types_pass(header):
    """The three types are accepted in any case and with parameters."""
    check_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/json-seq",
        b"text/plain; application/json",
        b"",
        b"\xff" * 10_000,
    ],
)
def test_other_content_types_are_refused(header):
    """What a web page can send without asking is refused, with the type that is wanted."""
    with pytest.raises(
        errors.InvalidRequestError, match=r"must be application/x-amz-json-1\.1, not"
    ):
        check_content_type(header)


def test_a_missing_content_type_is_refused():
    """The sentence names the header."""
    with pytest.raises(errors.InvalidRequestError, match="Content-Type is missing"):
        check_content_type(None)
