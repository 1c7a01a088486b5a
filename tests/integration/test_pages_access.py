"""Who may read /metrics and /openapi.json, and what browsers are told with every page."""

from __future__ import annotations

import json

import pytest
from gate import PAIRS, Gate, basic, entry, error
from replicas import Pair
from servers import Server
from waiting import wait_until

READ = ("/metrics", "/openapi.json")
HEALTH = ("/healthz", "/readyz")
of_readers = pytest.mark.parametrize("path", READ, ids=lambda path: path[1:])
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FROM_PAGES = [
    {"Origin": "http://127.0.0.1"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {**LINK, "Sec-Fetch-Dest": "iframe"},
    {**LINK, "Sec-Fetch-Mode": "no-cors"},
    {**LINK, "Origin": "https://evil.example"},
]


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A replica whose calls must be signed."""
    server = Server("valkey", aof=True)
    made = Gate(server, tmp_path_factory.mktemp("pages"))
    try:
        server.start()
        made.replica.start()
        yield made
    finally:
        made.replica.close()
        server.close()


def read(gate, path, who=None, **more):
    """Ask for a page."""
    return gate.replica.send("GET", path, headers={**(basic(who) if who else {}), **more})


def denied(answer):
    """Whether a page was refused for want of a pair, in the errors' shape, with a challenge."""
    name, sentence = error(answer, 401)
    assert answer.headers["www-authenticate"] == 'Basic realm="coordinator"'
    assert "HTTP Basic" in sentence
    return name == "MissingAuthenticationToken"


@of_readers
def test_a_pair_is_needed(gate, path):
    """None, another scheme, and what is not Basic at all are refused with a challenge."""
    assert denied(read(gate, path))
    for value in ("Bearer x", "Basic", "Basic ?", "Basic bm9jb2xvbg==", "Basic 4pyTOuKckw==", ""):
        assert denied(read(gate, path, Authorization=value)), value


@of_readers
def test_a_pair_must_be_one_of_the_service(gate, path):
    """All that is amiss with one gets the same answer; so do disabled ones, right or wrong."""
    key, secret = PAIRS["viewer"]
    wrong = ["nobody", PAIRS["operator"].secret]
    for pair in (
        Pair(key, secret[:-1]),
        Pair(key, secret + "x"),
        Pair(key, ""),
        Pair(key, wrong[1]),
        Pair(key.lower(), secret),
        Pair("", secret),
        Pair(*wrong),
        PAIRS["off"],
    ):
        assert denied(read(gate, path, pair)), pair


@of_readers
def test_roles_that_read(gate, path):
    """A viewer and an operator of any account may, a runner may not."""
    for who in ("viewer", "operator", "stranger", "anywhere"):
        assert read(gate, path, who).status == 200
    name, sentence = error(read(gate, path, "runner"), 403)
    assert name == "AccessDeniedException"
    assert "viewer or operator" in sentence


def test_a_pair_that_is_taken_away(gate):
    """Reads nothing as soon as its file was read again; a secret that is replaced likewise."""
    text, key = gate.file.read_text(), PAIRS["viewer"].access_key
    assert read(gate, "/metrics", "viewer").status == 200
    try:
        gate.write(entry("operator") + entry("viewer", Pair(key, "another/secret/of+it")))
        wait_until(lambda: read(gate, "/metrics", "viewer").status == 401)
        assert read(gate, "/metrics", Pair(key, "another/secret/of+it")).status == 200
        gate.write(entry("operator") + entry("viewer", disabled=True))
        wait_until(lambda: read(gate, "/metrics", Pair(key, "another/secret/of+it")).status == 401)
        assert denied(read(gate, "/metrics", "viewer"))
    finally:
        gate.write(text)
        wait_until(lambda: read(gate, "/metrics", "viewer").status == 200)


@pytest.mark.parametrize("path", HEALTH, ids=lambda path: path[1:])
def test_health_is_open_under_any_host(gate, replica, path):
    """Probes and load balancers have no secret, and call a replica by whatever name they know."""
    for place in (gate.replica, replica):
        assert place.get(path).status == 200
        assert place.get(path, Host="10.0.0.7:8080").status == 200
        assert place.get(path, Host="a.b.example", Origin="http://c.example").status == 200


@of_readers
def test_pages_of_others_are_kept_out(gate, replica, path):
    """A browser sends a remembered pair along: what another page asks for is refused anyway."""
    for headers in FROM_PAGES:
        for answer in (read(gate, path, "viewer", **headers), replica.get(path, **headers)):
            assert error(answer)[0] == "InvalidRequestException", headers
    for headers in (LINK, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert read(gate, path, "viewer", **headers).status == 200
        assert replica.get(path, **headers).status == 200


@of_readers
def test_an_open_service_looks_at_the_host(gate, replica, path):
    """As for calls; where a pair is asked for any name will do."""
    assert replica.get(path).status == 200
    assert replica.get(path, Host="localhost").status == 200
    for headers in ({}, LINK):
        name, sentence = error(replica.get(path, Host="evil.example", **headers))
        assert name == "InvalidRequestException"
        assert "COORDINATOR_ALLOWED_HOSTS" in sentence
    assert read(gate, path, "viewer", Host="coordinator.example").status == 200


def test_every_answer_of_a_page_has_the_headers(gate, replica):
    """Refusals and errors of the framework, too."""
    answers = [replica.get(path) for path in (*READ, *HEALTH, "/nothing", "//")]
    answers += [read(gate, path) for path in READ]
    answers += [read(gate, path, "viewer") for path in READ]
    answers += [read(gate, READ[0], "runner"), replica.get(READ[0], Origin="null")]
    answers += [gate.replica.send(method, READ[0]) for method in ("POST", "HEAD", "OPTIONS")]
    assert {answer.status for answer in answers} == {200, 400, 401, 403, 404, 405}
    for answer in answers:
        assert HEADERS.items() <= answer.headers.items()


def test_an_answer_of_the_api_is_as_it_was(gate):
    """The pages' headers are no business of SDKs."""
    answer = gate.call("viewer", "ListPipelines", {})
    assert json.loads(answer.body)["pipelineIdList"] == []
    assert answer.headers.keys() == {"content-type", "content-length", "date", "x-amzn-requestid"}


def test_no_secret_is_logged(gate):
    """Nor by all the tests before."""
    assert not [pair for pair in PAIRS.values() if pair.secret in gate.replica.log]
