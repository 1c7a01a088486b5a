"""URLs of Redis."""

from __future__ import annotations

import pytest

from coordinator.config import ConfigError
from coordinator.errors import UnavailableError
from coordinator.store.address import Endpoint, parse


@pytest.mark.parametrize(
    ("url", "kind", "endpoints", "db"),
    [
        ("redis://a", "single", [Endpoint("a", 6379)], 0),
        ("redis://a:7/3", "single", [Endpoint("a", 7)], 3),
        ("redis://[::1]:7?db=4", "single", [Endpoint("::1", 7)], 4),
        ("rediss://a:7", "single", [Endpoint("a", 7)], 0),
        ("unix:///run/r.sock?db=2", "single", [Endpoint(path="/run/r.sock")], 2),
        ("redis+cluster://a:1,b:2", "cluster", [Endpoint("a", 1), Endpoint("b", 2)], 0),
        ("redis+sentinel://a,b:2/m/5", "sentinel", [Endpoint("a", 26379), Endpoint("b", 2)], 5),
    ],
)
def test_each_form_of_url_is_understood(url, kind, endpoints, db):
    """Kind, addresses and database come out of every form that the documentation shows."""
    location = parse(url)
    assert (location.kind, list(location.endpoints), location.login.db) == (kind, endpoints, db)


def test_names_and_passwords_are_decoded_and_never_shown():
    """Percent-encoded credentials are decoded; no representation shows a password."""
    url = "redis+sentinel://me:p%40ss%2F@a:1/m?sentinel_username=s&sentinel_password=0ther"
    location = parse(url, "name")
    assert (location.login.username, location.login.password) == ("me", "p@ss/")
    assert (location.sentinel_username, location.sentinel_password) == ("s", "0ther")
    assert (location.master_name, location.login.client_name) == ("m", "name")
    assert "p@ss" not in repr(location)
    assert "0ther" not in repr(location)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://a", "must start with one of redis://"),
        ("redis://a:b", "a port is not a number"),
        ("redis://a:70000", "a port is not a number"),
        ("redis://:pass/word@a:1", "a number \\(a / in a password is written %2F"),
        ("redis://a/one", "the database must be a number"),
        ("redis://a,b", "several hosts"),
        ("redis://a?timeout=3", "unknown option"),
        ("redis://a?ssl=maybe", "ssl must be true or false"),
        ("redis+sentinel://a:1", "name of the master"),
        ("redis+cluster://a:1/1", "only database 0"),
        (
            "rediss://a?ssl_ca_certs=/nowhere.pem",
            "ssl_ca_certs=/nowhere.pem cannot be read: No such file",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url, sentence):
    """A bad URL stops the start with a sentence, which never repeats a password."""
    with pytest.raises(ConfigError, match=sentence) as caught:
        parse(url)
    assert "word" not in str(caught.value).replace("password", "")
    assert "pass/" not in str(caught.value)


def test_an_endpoint_reads_as_people_write_it():
    """Addresses in messages look like the ones in a URL."""
    shown = [str(Endpoint("a", 1)), str(Endpoint("::1", 1)), str(Endpoint(path="/r.sock"))]
    assert shown == ["a:1", "[::1]:1", "/r.sock"]


def test_a_password_comes_from_one_place_only():
    """The URL, or a file that is read at each login."""
    with pytest.raises(ConfigError, match="names another") as caught:
        parse("redis://:hunter2@a", password_file="/run/secret")
    assert "hunter2" not in str(caught.value)
    assert parse("redis://me@a", password_file="/run/secret").login.password == ""


def test_an_empty_password_file_is_no_password(tmp_path):
    """Logging in as nobody would only hide the mistake; a line end is not part of a password."""
    file = tmp_path / "secret"
    login = parse("redis://me@a", password_file=str(file)).login
    file.write_text("\n")
    with pytest.raises(UnavailableError, match="is empty"):
        login.secret()
    file.write_text("one two\r\n")
    assert login.secret() == "one two"
