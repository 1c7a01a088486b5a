"""Bodies in and out: whatever comes in is a request or one sentence."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.errors import InvalidRequestError
from coordinator.wire import outputs
from coordinator.wire.codec import decode, encode
from coordinator.wire.operations import OPERATIONS
from coordinator.wire.sentences import sentence_for

REPORT = OPERATIONS["ReportTaskProgress"]
RESULT = OPERATIONS["SetTaskStatus"]
PUT = OPERATIONS["PutPipelineDefinition"]
LIST = OPERATIONS["ListPipelines"]
QUERY = OPERATIONS["QueryObjects"]
POLL = OPERATIONS["PollForTask"]
ACTIVATE = OPERATIONS["ActivatePipeline"]
DEACTIVATE = OPERATIONS["DeactivatePipeline"]

MEMBER_NAMES = ["taskId", "fields", "key", "stringValue", "pipelineId", "pipelineObjects", "id"]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(MEMBER_NAMES) | st.text(max_size=3), inner)
    ),
    max_leaves=15,
)


def refusal(operation, body):
    """The sentence with which `body` is refused."""
    with pytest.raises(InvalidRequestError) as refused:
        decode(operation, body)
    return str(refused.value)


def field(**members):
    """A report with one field."""
    return json.dumps({"taskId": "t", "fields": [{"key": "k", "stringValue": "v"} | members]})


@pytest.mark.parametrize(
    ("operation", "body", "sentence"),
    [
        (REPORT, b"{}", "Member 'taskId' is missing."),
        (REPORT, b"", "Member 'taskId' is missing."),
        (REPORT, b'{"taskId": null}', "Member 'taskId' must be a string, not null."),
        (REPORT, b'{"taskId": 1}', "Member 'taskId' must be a string, not an integer."),
        (REPORT, b'{"taskId": ""}', "Member 'taskId' must not be empty."),
        (
            REPORT,
            b'{"taskId": "%s"}' % (b"t" * 2049),
            "Member 'taskId' must be at most 2048 characters long.",
        ),
        (REPORT, field(key="").encode(), "Member 'fields[0].key' must not be empty."),
        (
            REPORT,
            field(key="k" * 257).encode(),
            "Member 'fields[0].key' must be at most 256 characters long.",
        ),
        (
            REPORT,
            field(stringValue="v" * 10241).encode(),
            "Member 'fields[0].stringValue' must be at most 10240 characters long.",
        ),
        (
            REPORT,
            field(refValue="r").encode(),
            "Member 'fields[0]' must have exactly one of stringValue and refValue.",
        ),
        (
            REPORT,
            field(stringValue=None).encode(),
            "Member 'fields[0]' must have exactly one of stringValue and refValue.",
        ),
        (
            REPORT,
            json.dumps({"taskId": "t", "fields": [{"key": "k", "stringValue": ""}] * 51}).encode(),
            "Member 'fields' must have at most 50 elements.",
        ),
        (
            REPORT,
            b'{"taskId": "t", "fields": [{}]}',
            "Member 'fields[0].key' is missing.",
        ),
        (
            REPORT,
            b'{"taskId": "t", "fields": {}}',
            "Member 'fields' must be an array, not an object.",
        ),
        (
            REPORT,
            b'{"taskId": "t", "fields": [null]}',
            "Member 'fields[0]' must be an object, not null.",
        ),
        (
            RESULT,
            b'{"taskId": "t", "taskStatus": "DONE"}',
            "Member 'taskStatus' must be one of FINISHED, FAILED, FALSE.",
        ),
        (
            QUERY,
            b'{"pipelineId": "p", "sphere": "s", "query": {"selectors": [{"operator": %s}]}}'
            % b'{"type": "NE"}',
            "Member 'query.selectors[0].operator.type' must be one of EQ, REF_EQ, LE, GE, BETWEEN.",
        ),
        (
            QUERY,
            b'{"pipelineId": "p", "sphere": "s", "limit": 0}',
            "Member 'limit' must be at least 1.",
        ),
        (
            QUERY,
            b'{"pipelineId": "p", "sphere": "s", "limit": 2147483648}',
            "Member 'limit' must be at most 2147483647.",
        ),
        (
            QUERY,
            b'{"pipelineId": "p", "sphere": "s", "limit": 1.5}',
            "Member 'limit' must be an integer, not a number.",
        ),
        (
            QUERY,
            b'{"pipelineId": "p", "sphere": "s", "limit": %s}' % (b"9" * 100_000),
            "Member 'limit' is out of range.",
        ),
        (
            ACTIVATE,
            b'{"pipelineId": "p", "startTimestamp": 1e999}',
            "Member 'startTimestamp' is out of range.",
        ),
        (
            ACTIVATE,
            b'{"pipelineId": "p", "startTimestamp": true}',
            "Member 'startTimestamp' must be a number, not a boolean.",
        ),
        (
            DEACTIVATE,
            b'{"pipelineId": "p", "cancelActive": "true"}',
            "Member 'cancelActive' must be true or false, not a string.",
        ),
        (LIST, b"[]", "The request body must be an object, not an array."),
        (LIST, b"null", "The request body must be an object, not null."),
        (LIST, b"{", "The request body is not valid JSON: input data was truncated."),
        (LIST, b"x", "The request body is not valid JSON: invalid character (byte 0)."),
        (LIST, b"{} {}", "The request body is not valid JSON: trailing characters (byte 4)."),
        (
            LIST,
            b'{"marker": NaN}',
            "The request body is not valid JSON: invalid character (byte 11).",
        ),
        (
            LIST,
            b'{"marker": "\x01"}',
            "The request body is not valid JSON: invalid character (byte 12).",
        ),
        (LIST, b'{"marker": "\xff"}', "The request body is not valid UTF-8."),
        (
            LIST,
            rb'{"marker": "\ud800"}',
            r"The request body has a \u escape that is half of a surrogate pair.",
        ),
        (LIST, b'{"x":' + b"[" * 100_000, "The request body is nested too deeply."),
    ],
)
def test_each_fault_has_its_sentence(operation, body, sentence):
    """A malformed body is refused within seconds, in one sentence that names the member."""
    begun = time.process_time()
    assert refusal(operation, body) == sentence
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
@pytest.mark.parametrize("escaped", [True, False])
def test_characters_that_xml_lacks_are_refused(character, escaped):
    """A forbidden character is found, escaped or plain, and its nested member is named."""
    text = json.dumps(character) if escaped or character < " " else f'"{character}"'
    body = b'{"pipelineId": "p", "pipelineObjects": [{"id": "o", "name": "o", "fields": '
    body += b'[{"key": "a", "stringValue": "fine\\n"}, {"key": "b", "stringValue": %s}]}]}'
    assert refusal(PUT, body % text.encode()) == (
        "Member 'pipelineObjects[0].fields[1].stringValue' holds a control character or another "
        "that XML 1.0 does not allow."
    )


@pytest.mark.parametrize("text", ["\t\r\n", "é", "😀", "\ufffd", "\x7f", "\\u0001"])
def test_characters_that_xml_has_pass(text):
    """White space, letters, emoji and an escaped backslash arrive as they were sent."""
    assert decode(LIST, json.dumps({"marker": text}).encode()).marker == text


def test_a_fault_that_we_have_no_words_for_still_names_the_member():
    """Whatever msgspec may say in another version, its own words are not sent."""
    error = msgspec.ValidationError("Expected `gizmo` - at `$.fields[0].key`")
    assert sentence_for(error) == "Member 'fields[0].key' is not valid."


def test_null_counts_as_absent_and_unknown_members_are_ignored():
    """An optional member that is null is None, and a member that the model lacks does no harm."""
    request = decode(POLL, b'{"workerGroup": "", "hostname": null, "slots": [1, {"a": 2}]}')
    assert (request.worker_group, request.hostname) == ("", None)


def test_texts_of_a_result_are_cut_and_cleaned():
    """SetTaskStatus is never refused for its texts: they are cut, odd characters replaced."""
    body = {
        "taskId": "t",
        "taskStatus": "FAILED",
        "errorId": "i" * 3000,
        "errorMessage": "\x00" + "m" * 20_000,
        "errorStackTrace": "\tat\x1b" + "s" * 3000,
    }
    request = decode(RESULT, json.dumps(body).encode())
    assert request.error_id == "i" * 1024
    assert request.error_message == "\ufffd" + "m" * 10_239
    assert request.error_stack_trace == "\tat\ufffd" + "s" * 1020


def test_a_result_whose_text_was_cut_inside_an_emoji_is_kept():
    """Half a surrogate pair in a result is replaced; whole pairs and escaped backslashes stay."""
    body = (
        rb'{"taskId": "t", "taskStatus": "FAILED", "errorMessage": '
        rb'"\ud83d\ude00 \\ud800 \ud83d\ud83d\ude00 \ude00 \ud83d"}'
    )
    request = decode(RESULT, body)
    assert request.error_message == "😀 \\ud800 \ufffd😀 \ufffd \ufffd"


def test_a_result_that_is_not_json_is_refused():
    """Tolerance for texts does not reach the JSON itself."""
    assert "not valid JSON" in refusal(RESULT, rb'{"taskId": "\ud800", ')


def test_a_large_definition_with_escapes_is_decoded_within_seconds():
    """10,000 objects whose strings need the character check take well under three seconds."""
    objects = [
        {"id": f"o{n}", "name": "o", "fields": [{"key": "command", "stringValue": "a\nb"}] * 5}
        for n in range(10_000)
    ]
    body = json.dumps({"pipelineId": "p", "pipelineObjects": objects}).encode()
    begun = time.process_time()
    assert len(decode(PUT, body).pipeline_objects) == 10_000
    assert time.process_time() - begun < 3


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_request_or_a_refusal(body):
    """No body makes any operation raise anything but InvalidRequestError."""
    for operation in OPERATIONS.values():
        try:
            request = decode(operation, body)
        except InvalidRequestError as error:
            assert str(error).endswith(".")  # noqa: PT017 - either outcome is fine
        else:
            assert isinstance(request, operation.input)


def test_the_sample_answer_has_eighteen_bytes():
    """The answer to a report is the API reference's sample without white space."""
    assert encode(outputs.ReportTaskProgressOutput(canceled=False)) == b'{"canceled":false}'


def test_an_empty_poll_is_an_empty_object():
    """No task is `{}`, which every SDK takes as none."""
    assert encode(outputs.PollForTaskOutput()) == b"{}"


def test_a_field_keeps_an_empty_string_and_drops_the_value_it_lacks():
    """A definition comes back with exactly the members that were put."""
    item = PipelineObject("o", "o", (Field("a", ""), Field("b", ref_value="c")))
    assert encode(item) == (
        b'{"id":"o","name":"o","fields":[{"key":"a","stringValue":""},{"key":"b","refValue":"c"}]}'
    )
