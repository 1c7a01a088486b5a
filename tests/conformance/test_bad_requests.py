"""Headers, methods and paths that must be refused, and those that pass."""

from __future__ import annotations

import pytest
from refusing import REPORT, TARGET
from replicas import CONTENT_TYPE


@pytest.mark.parametrize("target", [None, "", "DataPipeline.", "DataPipeline"])
def test_no_operation_named(place, target):
    """The sentence says how it is named."""
    sentence = place.refuses_headers(**{TARGET.replace("-", "_"): target})
    assert TARGET in sentence or "no operation" in sentence


@pytest.mark.parametrize(
    "target", ["DataPipeline.Nothing", "DataPipeline.pollForTask", "a.b.c", "X" * 5000, "é"]
)
def test_an_unknown_operation(place, target):
    """The sentence quotes a part of the name at most."""
    assert "no operation named" in place.refuses_headers(X_Amz_Target=target)


@pytest.mark.parametrize(
    "operation",
    [
        "AddTags",
        "DeactivatePipeline",
        "EvaluateExpression",
        "RemoveTags",
        "ValidatePipelineDefinition",
    ],
)
def test_an_operation_without_its_pipeline(place, operation):
    """The sentence names what is missing."""
    assert place.refuses_body(operation, b"{}") == "Member 'pipelineId' is missing."


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "application/x-www-form-urlencoded",
        "text/plain",
        "text/plain; charset=UTF-8",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/x-amz-json-1.2",
        "text/html,application/json",
    ],
)
def test_other_content_types(place, kind):
    """Forms and plain text are what web pages can send without asking."""
    assert "Content-Type" in place.refuses_headers(Content_Type=kind)


@pytest.mark.parametrize("origin", ["http://example.com", "null", "", "http://127.0.0.1:8080"])
def test_an_origin(place, origin):
    """Pages do not call the API."""
    assert "Origin" in place.refuses_headers(Origin=origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_a_cross_site_request(place, site):
    """Browsers say so by themselves."""
    assert "cross-site" in place.refuses_headers(Sec_Fetch_Site=site)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "10.0.0.1:8080",
        "[2001:db8::1]",
        "0.0.0.0",
        "",
        "x" * 3000,
        "é",
    ],
)
def test_a_foreign_host(place, host):
    """A name that somebody else's DNS leads here is not this service's."""
    assert "COORDINATOR_ALLOWED_HOSTS" in place.refuses_headers(Host=host)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.2", "[::1]:80", "a.localhost"]
)
def test_hosts_of_this_machine_pass(place, host):
    """Whatever the port."""
    headers = {TARGET: "DataPipeline.ListPipelines", "Content-Type": CONTENT_TYPE, "Host": host}
    assert place.replica.send("POST", "/", "{}", headers).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
@pytest.mark.parametrize("path", ["/", "/?X-Amz-Target=DataPipeline.ListPipelines"])
def test_other_methods(place, method, path):
    """405 with the method that is allowed."""
    headers = {TARGET: "DataPipeline.ListPipelines", "Content-Type": CONTENT_TYPE}

    def send():
        answer = place.replica.send(method, path, "{}", headers)
        assert answer.headers["allow"] == "POST"
        return answer

    assert "POST" in place.refuses(send, status=405)


def test_head_has_the_headers_of_an_error_and_no_body(place):
    """Nothing stands between it and the next answer of the connection."""
    answer = place.replica.send("HEAD", "/")
    assert answer.status == 405
    assert answer.headers["x-amzn-errortype"] == "InvalidRequestException"
    assert int(answer.headers["content-length"]) > 0
    assert answer.body == b""


@pytest.mark.parametrize("path", ["/nothing", "//", "/index.html", "/../etc/passwd", "/healthz/"])
def test_other_paths(place, path):
    """404 in the errors' shape."""
    headers = {TARGET: REPORT, "Content-Type": CONTENT_TYPE}
    place.refuses(lambda: place.replica.send("POST", path, "{}", headers), status=404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_pages_are_only_read(place, path):
    """A POST to them is not an API call."""
    headers = {TARGET: REPORT, "Content-Type": CONTENT_TYPE}
    place.refuses(lambda: place.replica.send("POST", path, "{}", headers), status=405)


def test_the_target_may_stand_in_the_query(place):
    """As an OpenAPI mirror of the reference describes it."""
    path = "/?X-Amz-Target=DataPipeline.ListPipelines"
    headers = {"Content-Type": "application/json"}
    assert place.replica.send("POST", path, "{}", headers).status == 200
    for bad in ("/?X-Amz-Target=DataPipeline.Nothing", "/?X-Amz-Target=", "/?" + "a=b&" * 500):
        place.refuses(lambda bad=bad: place.replica.send("POST", bad, "{}", headers))


@pytest.mark.parametrize("kind", ["application/json", "application/x-amz-json-1.0"])
def test_the_other_json_content_types_are_read(place, kind):
    """With parameters too."""
    for each in (kind, f"{kind}; charset=utf-8", kind.upper()):
        headers = {TARGET: "DataPipeline.ListPipelines", "Content-Type": each}
        assert place.replica.send("POST", "/", "{}", headers).status == 200
