"""docs/security.md tells the truth: its file is one, its members and errors are the code's."""

from __future__ import annotations

import re
from pathlib import Path

from coordinator import errors
from coordinator.domain import credentials
from coordinator.wire.faults import FAULTS

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()


def test_the_file_is_one():
    """The example is accepted."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(credentials.read_credentials(text)) == 2


def test_the_members_are_those_of_the_file():
    """Each has a row."""
    section = PAGE.partition("| member |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == {*credentials._MEMBERS}


def test_the_errors_are_those_of_callers():
    """Each has a row with its status."""
    section = PAGE.partition("## What is checked")[2].partition("\n## ")[0]
    rows = set(re.findall(r"\| (\w+) \| (\d+) \|$", section, re.MULTILINE))
    about = {
        errors.NotSignedError,
        errors.IncompleteSignatureError,
        errors.UnknownKeyError,
        errors.BadSignatureError,
        errors.RequestExpiredError,
        errors.AccessDeniedError,
    }
    assert rows == {(FAULTS[kind].name, str(FAULTS[kind].status)) for kind in about}
