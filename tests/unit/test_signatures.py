"""Signature Version 4: AWS's own cases, what botocore signs, and whatever is not quite that."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replicas import Pair
from signing import lowered, signed

from coordinator.errors import (
    BadSignatureError,
    IncompleteSignatureError,
    RequestExpiredError,
)
from coordinator.wire.authorization import merged, scope_of, signature_of
from coordinator.wire.signatures import (
    SigningKey,
    SigningKeys,
    canonical_query,
    canonical_request,
    check_scope,
    check_signature,
    signing_key,
)

SUITE = json.loads((Path(__file__).parents[1] / "aws_sigv4_vectors.json").read_text())
PAIR = Pair("AKTESTER", "secret/of+the/tester")
BODY = b'{"taskId": "t-1"}'
SIGNED_PARTS = [
    {},
    {"X-Amz-Content-Sha256": sha256(BODY).hexdigest()},
    {"Content-Length": str(len(BODY)), "Accept": "*/*", "Amz-Sdk-Request": "attempt=1; max=3"},
    {"X-Amz-User-Agent": "aws-sdk-js/3.0   odd  spaces", "X-Empty": ""},
]


def parsed(raw: str) -> tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]:
    """Read a request of the suite as a server would: method, query, headers, body."""
    head, _, body = raw.partition("\n\n")
    first, *lines = head.strip().split("\n")
    method, rest = first.split(" ", 1)
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        if line.startswith(" "):  # folded: a server joins it to the line before
            name, value = headers.pop()
            headers.append((name, value + b" " + line.strip().encode()))
            continue
        name, _, value = line.partition(":")
        headers.append((name.strip().lower().encode(), value.strip().encode()))
    query = rest.rpartition(" ")[0].partition("?")[2]
    return method.encode(), query.encode(), headers, body.encode()


def verify(headers, body=BODY, secret=PAIR.secret, region="", now=None):
    """Do all that is done for a request."""
    signature = signature_of(headers)
    check_scope(signature, region, time.time() if now is None else now)
    key = signing_key(secret, signature.head.scope)
    check_signature(signature, key, headers, sha256(body).hexdigest())
    return signature


@pytest.mark.parametrize("name", SUITE["cases"])
def test_the_cases_of_aws(name):
    """Each canonical request is the published one, and each published signature is right."""
    case = SUITE["cases"][name]
    method, query, headers, body = parsed(case["request"])
    given_headers = merged([*headers, (b"authorization", case["authorization"].encode())])
    signature = signature_of(given_headers)
    hashed = sha256(body).hexdigest()
    form = canonical_request(signature, given_headers, hashed.encode(), method, query)
    assert form.decode() == case["canonical"]
    key = signing_key(SUITE["secret_key"], signature.head.scope)
    check_signature(signature, key, given_headers, hashed, method=method, query=query)
    with pytest.raises(BadSignatureError):
        check_signature(
            signature, key, given_headers, sha256(b"!").hexdigest(), method=method, query=query
        )


def test_a_case_of_aws_in_its_own_time():
    """The scope holds for its day, service and any region."""
    case = SUITE["cases"]["post-vanilla"]
    _, _, headers, _ = parsed(case["request"])
    signature = signature_of(merged([*headers, (b"authorization", case["authorization"].encode())]))
    check_scope(signature, "", 1440938160, service="service")
    check_scope(signature, "us-east-1", 1440938160 + 300, service="service")


@pytest.mark.parametrize("more", SIGNED_PARTS)
def test_what_botocore_signs_is_accepted(more):
    """Whatever list of headers it names."""
    headers = lowered(signed(PAIR, "ReportTaskProgress", BODY, more=more))
    assert verify(headers).head.scope.access_key == PAIR.access_key


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://Example.COM:80/", "http://[::1]:8080/", "http://a:8080/"]
)
def test_the_host_counts_as_it_was_sent(url):
    """With a port, without, in any case."""
    headers = lowered(signed(PAIR, "ListPipelines", BODY, url))
    verify(headers)
    with pytest.raises(BadSignatureError):
        verify(headers | {b"host": headers[b"host"] + b":81"})


def refused(headers, body=BODY, secret=PAIR.secret):
    """Whether a request is refused by one of the errors for it."""
    try:
        verify(headers, body, secret)
    except (BadSignatureError, IncompleteSignatureError, RequestExpiredError):
        return True
    return False


def changes(value, first=0):
    """Return a value with each of its bytes, from `first` on, changed by one bit."""
    return [value[:n] + bytes([value[n] ^ 1]) + value[n + 1 :] for n in range(first, len(value))]


@pytest.mark.parametrize("more", SIGNED_PARTS)
def test_one_bit_changed_anywhere_is_refused(more):
    """In each signed header, in the body, in the Authorization header, in the secret."""
    headers = lowered(signed(PAIR, "ReportTaskProgress", BODY, more=more))
    for name in verify(headers).head.signed:
        for value in changes(headers[name]):
            # Runs of blanks count as one.
            assert value.split() == headers[name].split() or refused(headers | {name: value})
    assert all(refused(headers, body) for body in changes(BODY))
    behind = headers[b"authorization"].index(b"/")  # what stands before is looked up
    for value in changes(headers[b"authorization"], behind):
        assert refused(headers | {b"authorization": value}), value
    assert all(refused(headers, secret=one.decode()) for one in changes(PAIR.secret.encode()))


def test_a_header_that_is_added_to_a_signed_one_is_seen():
    """The values of a repeated header count together."""
    headers = signed(PAIR, "ListPipelines", BODY)
    pairs = [*lowered(headers).items(), (b"x-amz-target", b"DataPipeline.DeletePipeline")]
    with pytest.raises(BadSignatureError):
        verify(merged(pairs))


def test_a_signed_header_that_is_missing_is_named():
    """A proxy may have taken it away."""
    headers = lowered(signed(PAIR, "ListPipelines", BODY, more={"X-Gone": "1"}))
    del headers[b"x-gone"]
    with pytest.raises(BadSignatureError, match="x-gone"):
        verify(headers)


@pytest.mark.parametrize(
    ("seconds", "side"), [(301, "behind"), (-301, "ahead of"), (1e9, "behind")]
)
def test_a_clock_more_than_five_minutes_off(seconds, side):
    """The sentence says by how much, and in which direction."""
    headers = lowered(signed(PAIR, "ListPipelines", BODY))
    verify(headers, now=time.time() + (295 if seconds > 0 else -295))
    with pytest.raises(RequestExpiredError, match=side):
        verify(headers, now=time.time() + seconds)


def test_a_scope_for_something_else():
    """Another service, another region than the setting's, another day."""
    with pytest.raises(BadSignatureError, match="service"):
        verify(lowered(signed(PAIR, "ListPipelines", BODY, service="s3")))
    with pytest.raises(BadSignatureError, match="eu-west-1"):
        verify(lowered(signed(PAIR, "ListPipelines", BODY)), region="eu-west-1")
    headers = lowered(signed(PAIR, "ListPipelines", BODY))
    with pytest.raises(BadSignatureError, match="date"):
        verify(headers | {b"x-amz-date": b"20200101T000000Z"})


@pytest.mark.parametrize(
    "said", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "é"]
)
def test_a_body_that_is_not_signed(said):
    """Then anybody between could change it."""
    headers = lowered(signed(PAIR, "ListPipelines", BODY)) | {
        b"x-amz-content-sha256": said.encode()
    }
    with pytest.raises(BadSignatureError, match="has to be signed"):
        verify(headers)


def test_a_hash_of_another_body():
    """The header may be given, and must be right then."""
    headers = lowered(signed(PAIR, "ListPipelines", BODY))
    with pytest.raises(BadSignatureError, match="not the SHA-256"):
        verify(headers | {b"x-amz-content-sha256": sha256(b"").hexdigest().encode()})


def test_signing_keys_are_kept_and_bounded():
    """Only those that were right, the latest so many."""
    keys = SigningKeys(most=2)
    texts = [f"AK/20121129/r{n}/datapipeline/aws4_request".encode() for n in range(3)]
    scopes = [scope_of(text) for text in texts]
    made = [keys.of("secret", scope) for scope in scopes]
    for scope, key in zip(scopes, made, strict=True):
        assert keys.of("secret", scope) is not key
        keys.keep("secret", scope, key)
        keys.keep("secret", scope, signing_key("secret", scope))
        assert keys.of("secret", scope) is key
        assert keys.of("another", scope) is not key
    assert len(keys) == 2
    assert keys.of("secret", scopes[0]) is not made[0]


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_a_signing_key_is_an_hmac(key, text):
    """As the library's."""
    assert SigningKey(key).sign(text).decode() == hmac.new(key, text, "sha256").hexdigest()


@given(st.binary(max_size=60))
def test_any_query_has_one_form(query):
    """Made canonical once more it stays as it is."""
    once = canonical_query(query)
    assert canonical_query(once) == once
    assert once.isascii()
