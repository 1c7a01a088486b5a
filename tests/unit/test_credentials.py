"""The file of credentials: what is read, and what is said of what is wrong in it."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.credentials import (
    READS,
    ROLES,
    TASK_CALLS,
    Credential,
    CredentialsError,
    matches,
    read_credentials,
    roles_for,
)
from coordinator.wire.operations import OPERATIONS

SECRET = "s3cr3t/of+someone="
ROW = {
    "access_key_id": '"AKONE"',
    "secret_access_key": f'"{SECRET}"',
    "account": '"data"',
    "roles": '["runner"]',
    "worker_groups": '["etl-*", "by hand"]',
}


def text(*rows, **members):
    """Write a file: one row with these members changed (None: left out), then further rows."""
    changed = {name: value for name, value in (ROW | members).items() if value is not None}
    return "".join(
        "[[credential]]\n" + "".join(f"{name} = {value}\n" for name, value in row.items())
        for row in (changed, *rows)
    )


def test_a_runner():
    """Its globs are kept as they are."""
    assert read_credentials(text(comment='"hosts"')) == {
        "AKONE": Credential("AKONE", SECRET, "data", frozenset({"runner"}), ("etl-*", "by hand"))
    }


def test_several_and_a_disabled_one():
    """The disabled one is as good as not there, but must be right."""
    off = ROW | {"access_key_id": '"AKOFF"', "disabled": "true"}
    on = ROW | {"access_key_id": '"AKON"', "disabled": "false", "account": '"other"'}
    found = read_credentials(text(off, on))
    assert {key: one.account for key, one in found.items()} == {"AKONE": "data", "AKON": "other"}


@pytest.mark.parametrize(
    ("roles", "groups"),
    [('["runner"]', '["*"]'), ('["viewer"]', None), ('["runner", "operator"]', '["a"]')],
)
def test_no_limit_on_groups(roles, groups):
    """Of a runner of all groups, and of an operator."""
    (found,) = read_credentials(text(roles=roles, worker_groups=groups)).values()
    assert found.worker_groups == ()


@pytest.mark.parametrize(
    ("members", "about"),
    [
        ({"access_key_id": None}, "access_key_id must be"),
        ({"access_key_id": '"A/B/C"'}, "access_key_id must be"),
        ({"access_key_id": "7"}, "access_key_id must be a text"),
        ({"secret_access_key": '"short"'}, "secret_access_key must be 16"),
        ({"secret_access_key": '"with a blank in it"'}, "secret_access_key must be 16"),
        ({"account": '"a:b"'}, "account must be"),
        ({"account": '"{0}"'}, "account must be"),
        ({"account": None}, "account must be"),
        ({"roles": None}, "roles must be one or more of runner, viewer, operator"),
        ({"roles": '["admin"]'}, "roles must be"),
        ({"roles": "[7]"}, "roles must be"),
        ({"roles": '"runner"'}, "roles must be a list"),
        ({"worker_groups": None}, "a runner needs worker_groups"),
        ({"worker_groups": "[]"}, "a runner needs worker_groups"),
        ({"roles": '["viewer"]'}, "worker_groups are for the role runner"),
        ({"worker_groups": '["etl-?"]'}, "no wildcards"),
        ({"worker_groups": '["[ab]"]'}, "no wildcards"),
        ({"worker_groups": '["a\\nb"]'}, "worker_groups must be at most"),
        ({"worker_groups": "[1]"}, "worker_groups must be at most"),
        ({"disabled": '"yes"'}, "disabled must be a boolean"),
        ({"group": '"etl"'}, "'group' is no member"),
    ],
)
def test_a_mistake_has_a_sentence(members, about):
    """Which names the credential by its number, and quotes no secret."""
    with pytest.raises(CredentialsError) as caught:
        read_credentials(text(**members))
    (sentence,) = str(caught.value).split("\n")
    assert sentence.startswith("Credential 1: ")
    assert about in sentence
    assert sentence.endswith(".")
    assert SECRET not in sentence


def test_a_misspelt_member_is_told_the_right_one():
    """And is not taken for the one that it resembles."""
    with pytest.raises(CredentialsError, match=r"'worker_group' is no member .* 'worker_groups'\?"):
        read_credentials(text(worker_group='["etl"]'))


@pytest.mark.parametrize(
    ("file", "about"),
    [
        ("", "no [[credential]]"),
        ("credential = 1", "no [[credential]]"),
        ("credential = [1]", "no [[credential]]"),
        ("[credential]\na = 1", "no [[credential]]"),
        ("[[credential]", "not TOML"),
        ("x = " + "[" * 10_000, "not TOML"),
        (
            "[[credentials]]\na = 1",
            "'credentials', which is nothing we know: each entry begins with [[credential]]",
        ),
        (text(ROW), "'AKONE' is there more than once"),
    ],
)
def test_a_file_that_is_none(file, about):
    """Said in words."""
    with pytest.raises(CredentialsError, match=re.escape(about)):
        read_credentials(file)


def test_a_credential_hides_its_secret():
    """Wherever one is printed."""
    (found,) = read_credentials(text()).values()
    assert SECRET not in repr(found)


def test_the_roles_know_every_operation():
    """Each is a runner's, a reader's, or an operator's alone."""
    assert set(OPERATIONS) >= TASK_CALLS | READS
    assert not TASK_CALLS & READS
    assert roles_for("PollForTask") == ["runner", "operator"]
    assert roles_for("QueryObjects") == ["viewer", "operator"]
    assert roles_for("DeletePipeline") == ["operator"]
    for role in ROLES:
        one = Credential("AK", SECRET, "a", frozenset({role}))
        assert {name for name in OPERATIONS if one.may(name)} == (
            {name for name in OPERATIONS if role in roles_for(name)}
        )


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("etl", ["etl"], ["etl2", "ETL", "", "xetl"]),
        ("etl-*", ["etl-", "etl-1"], ["etl", "xetl-1"]),
        ("*", ["", "anything at\nall"], []),
        ("*-x", ["-x", "a-x-x"], ["a-x-", "x"]),
        ("a*b*c", ["abc", "aXbYc", "abbcc"], ["ac", "acb", "ab", "bc"]),
        ("a*a", ["aa", "aba"], ["a"]),
        ("é*.", ["é.", "é+."], ["e.", "é"]),
    ],
)
def test_globs(glob, yes, no):
    """A star stands for any text, everything else for itself."""
    assert all(matches(glob, group) for group in yes)
    assert not any(matches(glob, group) for group in no)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_globs_as_a_pattern_says(glob, group):
    """The walk along the parts finds what trying everything would."""
    pattern = ".*".join(map(re.escape, glob.split("*")))
    assert matches(glob, group) == bool(re.fullmatch(pattern, group, re.DOTALL))


ODD = "[[credential]]|[credential]|roles = ['operator']|disabled = true|x = {}|roles = [[]]|= ["
LINES = [*ODD.split("|"), *(f"{name} = {value}" for name, value in ROW.items())]


@given(
    st.one_of(st.text(max_size=100), st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
)
def test_any_file_is_read_or_refused(file):
    """Nothing but sentences comes out of it."""
    with suppress(CredentialsError):
        assert read_credentials(file) or "disabled" in file
