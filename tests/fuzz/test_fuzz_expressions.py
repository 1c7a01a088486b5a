"""Expressions out of their grammar, and damaged: worked out or refused, with bounded work."""

from __future__ import annotations

import time

from definitions import thing
from evaluating import scope
from fuzzed import fuzzed
from hypothesis import assume
from hypothesis import strategies as st
from wire_values import edited

from coordinator.domain.expressions import (
    MAX_RESULT,
    Budget,
    ExpressionError,
    evaluate,
    evaluate_values,
    parse,
)
from coordinator.domain.expressions.functions import FUNCTIONS

STEPS = 20_000
SECONDS = 5  # of the processor: no text of these lengths takes a hundredth of it
FIELDS = {
    "one": "1",
    "text": "it's",
    "several": ["1", "2", "x"],
    "when": "2011-05-24T17:10:00",
    "circle": "#{circle}",
    "deeper": "#{several}#{several}",
    "broken": "#{(",
    "*secret": "s3cret",
    "parent": "b",
}
OBJECTS = thing("a", **FIELDS), thing("b", inherited="#{one + 1}", when="2012-02-29T00:00:00")
NAMES = st.sampled_from(
    [*FIELDS, "inherited", "@scheduledStartTime", "node.when", "parent.one", "input", "nothing"]
)
NUMBERS = st.one_of(
    st.integers(0, 40).map(str),
    st.sampled_from(["9223372036854775807", "9223372036854775808", "1.5", ".5", "0.0", "9" * 400]),
)
TEXTS = st.text("ab'\"\\ \u00e9\n}#{", max_size=6).map(lambda t: "'" + t.replace("'", "''") + "'")
OPERATORS = st.sampled_from([" + ", "-", "*", "/", "^", " - -"])


def _deeper(inner):
    calls = st.builds(
        lambda name, arguments: f"{name}({', '.join(arguments)})",
        st.sampled_from(list(FUNCTIONS)),
        st.lists(inner, max_size=3),
    )
    return st.one_of(
        st.builds(lambda a, sign, b: a + sign + b, inner, OPERATORS, inner),
        inner.map("({})".format),
        inner.map("-{}".format),
        calls,
        st.builds(lambda a, call: f"({a}).{call}", inner, calls),
    )


EXPRESSIONS = st.recursive(NAMES | NUMBERS | TEXTS, _deeper, max_leaves=12)
TEMPLATES = st.lists(EXPRESSIONS.map("#{{{}}}".format) | st.text(max_size=5), max_size=4).map(
    "".join
)
PIECES = st.sampled_from(
    [*map(str.encode, ["#{", "}", "(", ")", "'", '"', "\\", ",", ".", "@", "*", "^", "0x", "\x00"])]
)


def examine_text(text):
    """Work a text out twice: the same values both times, or one error with its place."""
    began = time.process_time()
    first, second = outcome(text), outcome(text)
    assert first == second
    assert time.process_time() - began < SECONDS


def outcome(text):
    """The values of a text, or what is wrong with it."""
    try:
        found = evaluate_values(parse(text), scope(*OBJECTS, of="a"), Budget(STEPS))
    except ExpressionError as error:
        assert error.position >= 1
        assert error.inside or error.position <= len(text) + 1
        assert len(str(error)) < 2000
        return str(error)
    assert sum(len(value.text) for value in found) <= MAX_RESULT
    assert all(value.secret for value in found if "s3cret" in value.text)
    return found


def examine_bytes(data):
    """Work out bytes, as far as they are UTF-8 (for the long run)."""
    examine_text(data.decode(errors="ignore"))


@fuzzed(TEMPLATES)
def test_what_the_grammar_makes(text):
    """Is worked out, or refused for what it means; secrets are never lost sight of."""
    examine_text(text)


@fuzzed(edited(TEMPLATES.map(str.encode), PIECES).map(lambda data: data.decode(errors="ignore")))
def test_what_is_hardly_an_expression(text):
    """With a piece too many, or too few."""
    examine_text(text)


@st.composite
def sums(draw, depth=4):
    """Whole-number arithmetic, as a text and as its value."""
    if depth == 0 or draw(st.booleans()):
        number = draw(st.integers(0, 99))
        return str(number), number
    left, a = draw(sums(depth - 1))
    right, b = draw(sums(depth - 1))
    sign = draw(st.sampled_from("+-*"))
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    return f"({left}{sign}{right})", value


@fuzzed(sums())
def test_arithmetic_is_right(both):
    """As Python has it, which has no bounds."""
    text, value = both
    assume(abs(value) < 2**63)
    assert evaluate(parse(f"#{{{text}}}"), scope()).text == str(value)


@fuzzed(TEXTS)
def test_a_text_in_quotes_means_itself(literal):
    """Doubled quotes and backslashes before quotes are the only marks in it."""
    plain = literal[1:-1].replace("''", "'")
    assume("\\" not in plain)
    assert evaluate(parse(f"#{{{literal}}}"), scope()).text == plain
