"""Calls that schemathesis makes from ``/openapi.json``, right ones and wrong ones."""

from __future__ import annotations

from urllib.parse import urldefrag

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from fuzzed import EXAMPLES, SETTINGS
from gate import PAIRS
from hypothesis import given, settings
from hypothesis import strategies as st
from pipelines import activity, new_group, poll, start
from replicas import CONTENT_TYPE
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from signing import REGION

from coordinator.web.openapi import OUTPUTS, document
from coordinator.wire.operations import OPERATIONS

CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
BRIEF = 4
MODES = {
    GenerationMode.POSITIVE: CHECKS,
    GenerationMode.NEGATIVE: [*CHECKS, negative_data_rejection],
}
schemathesis.serializer.alias(CONTENT_TYPE, "application/json")


class Signing(requests.auth.AuthBase):
    """Signs each request by botocore."""

    def __call__(self, request):
        """Add the signature to what is about to be sent."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        request.headers["Host"] = request.url.split("/")[2]
        told = ("host", "content-type", "x-amz-target")
        headers = {n: v for n, v in request.headers.items() if n.lower() in told}
        aws = AWSRequest(request.method, urldefrag(request.url).url, headers, body or b"")
        SigV4Auth(Credentials(*PAIRS["operator"]), "datapipeline", REGION).add_auth(aws)
        request.headers.update(dict(aws.headers.items()))
        return request


@pytest.fixture(scope="module", params=["open", "signed"])
def site(request):
    """A replica, a session whose requests it lets in, and the calls that it describes."""
    made = request.getfixturevalue("place" if request.param == "open" else "gate")
    with requests.Session() as session:
        url, reader = f"{made.replica.url}/openapi.json", tuple(PAIRS["operator"])
        described = schemathesis.openapi.from_dict(session.get(url, auth=reader).json())
        session.auth = Signing() if request.param == "signed" else None
        yield made.replica, session, described


@pytest.fixture(scope="module")
def done():
    """Collects the operations that were answered with 200."""
    return set()


@pytest.fixture
def known(site):
    """Names of what is there: a running pipeline, one of its tasks, its worker group."""
    replica, *_ = site
    api, group = replica.client(), f"etl-{new_group()}"
    pipeline = start(api, activity("A", group), activity("B", group))
    task = poll(api, group)["taskId"]
    api.close()
    return {
        "pipelineId": pipeline,
        "pipelineIds": [pipeline],
        "taskId": task,
        "workerGroup": group,
        "objectIds": ["A", f"@A_{pipeline}"],
        "objectId": "A",
        "sphere": "INSTANCE",
        "status": "RERUN",
        "expression": "#{id}",
    }


def calls_of(schema, name, mode):
    """Calls of one operation."""
    for each in schema.get_all_operations():
        if each.ok().path.endswith(f".{name}"):
            return each.ok().as_strategy(generation_mode=mode)
    raise LookupError(name)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(site, known, tried, done, name, mode):
    """Every answer is one of those that the document has, and never a failure of ours."""
    replica, session, described = site

    @settings(SETTINGS, max_examples=EXAMPLES // 10 or BRIEF)
    @given(calls_of(described, name, mode), st.sampled_from([True, False]))
    def check(case, real):
        if real and isinstance(case.body, dict):
            case.body |= {member: known[member] for member in case.body.keys() & known.keys()}
        wrong = mode is GenerationMode.NEGATIVE and not real
        checks = MODES[mode] if wrong else CHECKS
        response = case.call(base_url=replica.url, session=session)
        case.validate_response(response, checks=checks)
        tried["openapi"] += 1
        if response.status_code == 200:
            done.add(name)

    check()
    assert replica.ready()


def test_calls_got_through(done):
    """Of most operations: not everything was refused at the door."""
    assert len(done) > len(OPERATIONS) * 3 / 4, set(OPERATIONS) - done


def test_the_document_knows_each_operation():
    """Its request and its answer."""
    assert OUTPUTS.keys() == OPERATIONS.keys()
    for path, item in document()["paths"].items():
        name = path.rpartition(".")[2]
        answer = item["post"]["responses"]["200"]["content"][CONTENT_TYPE]
        assert bool(answer) == (OUTPUTS[name] is not None)
