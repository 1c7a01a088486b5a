"""Records as lines of text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.runner import Object, TaskFailedError
from coordinator.runner.handlers.delimited import Format, format_of, read, write

CSV = Format()
TEXTS = st.text(st.sampled_from('ab,\t\n\r\\"N|;x é'), max_size=6)
ROWS = st.lists(st.lists(st.none() | TEXTS, min_size=1, max_size=4), max_size=6)
FORMATS = st.sampled_from(
    [
        Format(),
        Format("\t"),
        Format(record="\r\n"),
        Format("|", ";"),
        Format("||", "\n"),
        Format(escape="x"),
    ]
)


def parsed(text, form=CSV):
    """The records of a text."""
    return list(read(io.StringIO(text, newline=""), form))


@given(ROWS, FORMATS)
def test_what_was_written_is_read(rows, form):
    """Every value comes back, separators, quotes, NULLs and all."""
    file = io.StringIO(newline="")
    write(file, rows, form)
    assert parsed(file.getvalue(), form) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
        ("\n,\n", [[""], ["", ""]]),
        ('"a,b","c""d",e"f\n', [["a,b", 'c"d', 'e"f']]),
        ('"two\nlines",x\n', [["two\nlines", "x"]]),
        ("\\N,\\Na,\\\\N,\n", [[None, "Na", "\\N", ""]]),
        ("a\\,b\\\nc,d\n", [["a,b\nc", "d"]]),
        ("end\\", [["end\n"]]),
    ],
)
def test_reading(text, rows):
    """Escapes as the guide has them, quotes as everybody else has them, lines of Windows."""
    assert parsed(text) == rows


def test_many_lines_in_one_value():
    """A quoted value may have any number of lines."""
    text = "line\n" * 20_000
    assert parsed(f'"{text}",x\n') == [[text, "x"]]


def test_a_quote_without_an_end():
    """It is an error, not the rest of the file in one value."""
    with pytest.raises(TaskFailedError, match="quote"):
        parsed('"abc\n1,2\n')


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        (None, Format()),
        ({"type": ["CSV"], "column": ["a INT", "b STRING"]}, Format(columns=("a", "b"))),
        ({"type": ["TSV"]}, Format("\t")),
        (
            {"type": ["TSV"], "columnSeparator": ["\\t"], "escapeChar": ["^"]},
            Format("\t", escape="^"),
        ),
        (
            {"type": ["Custom"], "columnSeparator": ["|"], "recordSeparator": ["\\r\\n"]},
            Format("|", "\r\n"),
        ),
    ],
)
def test_formats(fields, form):
    """What an object of the definition says of a format."""
    assert format_of(fields and Object("F", fields)) == form


def test_a_format_that_is_not_known():
    """Other formats are refused by name."""
    with pytest.raises(TaskFailedError, match="'F' is a RegEx"):
        format_of(Object("F", {"type": ["RegEx"]}))
