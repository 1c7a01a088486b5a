"""docs/redis.md tells the truth: its commands make a file of users, and its options are there."""

from __future__ import annotations

import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

from coordinator.store import address, troubles
from coordinator.store.replies import TROUBLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "redis.md").read_text()


def test_the_commands_give_the_users_their_passwords(tmp_path):
    """By hash; the rest of each line stays."""
    (text,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    made = tmp_path / "users.acl"
    environment = {**os.environ, "REDIS_PASSWORD": "one", "ADMIN_PASSWORD": "two"}
    script = text.replace("/etc/redis/coordinator.acl", str(made))
    subprocess.run(["bash", "-ec", script], cwd=ROOT, env=environment, check=True)
    given = made.read_text()
    for user, password in {"coordinator": "one", "admin": "two"}.items():
        words = f" #{sha256(password.encode()).hexdigest()}"
        assert f"user {user} on{words} " in given
        given = given.replace(words, "")
    assert given == (ROOT / "deploy" / "redis" / "coordinator.acl").read_text()


def test_the_rights_are_those_of_the_file():
    """Each that has a row is granted; those of data have a row together."""
    table = PAGE.partition("| rights | for |")[2].partition("\n\n")[0]
    named = {word.replace("\\|", "|") for row in table.splitlines() for word in _words(row)}
    rules = (ROOT / "deploy" / "redis" / "coordinator.acl").read_text().splitlines()[-1]
    assert named <= {word[1:] for word in rules.split() if word[0] == "+"}


def test_the_urls_and_their_options_are_understood():
    """The files of the examples need not be there to be named."""
    (urls,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    for url in urls.split():
        address.parse(re.sub(r"[?&]ssl_ca_certs=[^&]*", "", url).replace("6379&", "6379?"))
    options = set(re.findall(r"`(ssl\w*)`", PAGE.partition("| option of TLS")[2]))
    assert options == {name for name in address.OPTIONS if name.startswith("ssl")}


def test_the_sentences_are_those_that_are_said():
    """Word by word."""
    said = [*troubles._CERTIFICATE.values(), *troubles._ALERTS.values(), *TROUBLES.values()]
    said += [troubles.CLOSED, troubles.DOUBT, "its ACL does not allow this user"]
    rows = PAGE.partition("| sentence |")[2].strip().splitlines()[2:]
    for row in rows:
        words = row.split("|")[1].strip().removesuffix(" …").removesuffix(" (WRONGPASS)")
        assert any(words in each for each in said), words


def _words(row):
    """Return the rights in the first cell of a row."""
    return re.findall(r"`([a-z]+(?:\\\|[a-z]+)?)`", row.removeprefix("| ").partition(" | ")[0])
