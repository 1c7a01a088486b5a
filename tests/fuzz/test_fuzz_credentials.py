"""The credentials file: what is right is read as it stands, all else is told in sentences."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path

import pytest
from fuzzed import fuzzed
from hypothesis import strategies as st
from wire_values import JUNK, edited

from coordinator.domain.credentials import (
    OPERATOR,
    ROLES,
    RUNNER,
    CredentialsError,
    matches,
    read_credentials,
)
from coordinator.service.keyring import load

WORDS = string.ascii_letters + string.digits
# A secret that could not stand in a sentence by chance.
SECRETS = st.text(WORDS + "/+=", min_size=12, max_size=20).map("SEC:".__add__)
GLOBS = st.text("ab*-é ", min_size=1, max_size=8)


@st.composite
def rows(draw):
    """The members of one credential, all right."""
    roles = draw(st.lists(st.sampled_from(list(ROLES)), min_size=1, unique=True))
    row = {
        "access_key_id": draw(st.text(WORDS + "_", min_size=4, max_size=12)),
        "secret_access_key": draw(SECRETS),
        "account": draw(st.text(WORDS + "-_", min_size=1, max_size=8)),
        "roles": roles,
    }
    if RUNNER in roles:
        row["worker_groups"] = draw(st.lists(GLOBS, min_size=1, max_size=3))
    return row | draw(st.fixed_dictionaries({}, optional={"disabled": st.booleans()}))


FILES = st.lists(rows(), min_size=1, max_size=4, unique_by=lambda row: row["access_key_id"])


def toml(table):
    """Write credentials; JSON's texts, lists and booleans are TOML's."""
    lines = []
    for row in table:
        lines += ["[[credential]]", *(f"{name} = {json.dumps(row[name])}" for name in row)]
    return "\n".join([*lines, ""])


def examine_text(text, secrets=()):
    """Read a file: credentials that may be used, or sentences without a secret in them."""
    try:
        found = read_credentials(text)
    except CredentialsError as error:
        assert all(line.strip() for line in str(error).split("\n"))
        assert not any(secret in str(error) for secret in secrets)
        return None
    for key, one in found.items():
        assert key == one.access_key
        assert one.secret not in repr(one)
        assert one.roles <= set(ROLES)
    return found


def examine_bytes(data):
    """Load a file of these bytes (for the long run)."""
    text = data.decode(errors="ignore")
    examine_text(text)


@fuzzed(FILES)
def test_a_right_file_is_read_as_it_stands(table):
    """Those that are not disabled, with their groups, unless an operator's."""
    found = examine_text(toml(table), [row["secret_access_key"] for row in table])
    assert found is not None
    assert found.keys() == {row["access_key_id"] for row in table if not row.get("disabled")}
    for row in table:
        if one := found.get(row["access_key_id"]):
            groups = row.get("worker_groups", [])
            free = OPERATOR in row["roles"] or "*" in groups
            assert (one.secret, one.account) == (row["secret_access_key"], row["account"])
            assert one.worker_groups == (() if free else tuple(groups))


@fuzzed(FILES, st.data())
def test_a_file_with_one_odd_member(table, data):
    """Replaced by any value, or a member that nobody knows."""
    row = data.draw(st.sampled_from(table))
    secrets = [each["secret_access_key"] for each in table]
    name = data.draw(st.sampled_from([*row, "unknown", "comment"]))
    if name == "secret_access_key":
        secrets.remove(row[name])
    row[name] = data.draw(JUNK)
    examine_text(toml(table), secrets)


@fuzzed(edited(FILES.map(toml).map(str.encode)))
def test_any_bytes_of_a_file(data):
    """Cut anywhere, filled with anything: the sentences name the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "credentials.toml"
        path.write_bytes(data)
        try:
            load(path)
        except CredentialsError as error:
            assert str(error).startswith(f"The credentials file {path}: ")


@fuzzed(FILES, st.integers(0, 3))
def test_a_key_that_is_there_twice(table, index):
    """Nobody could say which of them counts."""
    twice = table[index % len(table)]
    with pytest.raises(CredentialsError, match="more than once"):
        read_credentials(toml([*table, twice]))


@fuzzed(GLOBS, st.lists(st.text("ab-é ", max_size=5), min_size=9, max_size=9))
def test_a_glob_matches_what_it_is_filled_with(glob, fillings):
    """Whatever its stars stand for."""
    parts = glob.split("*")
    filled = parts[0] + "".join(a + b for a, b in zip(fillings, parts[1:], strict=False))
    assert matches(glob, filled)
    assert "*" in glob or not matches(glob, filled + "a")
