"""Whatever a text holds, it costs little and fails in one way."""

from __future__ import annotations

import time

import pytest
from definitions import thing
from evaluating import DATED, problem, scope, text
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.expressions import (
    MAX_DEPTH,
    MAX_RESULT,
    Budget,
    ExpressionError,
    evaluate,
    evaluate_values,
    parse,
)

SIGNS = st.sampled_from(
    [
        *("#{", "}", "''", "a", "myList", "day(", "format(", "1", "9^9", "2.5", "'y'", "input"),
        *("@scheduledStartTime", "myDateTime", "parent", "plusDays(", "inTimeZone("),
        *"+-*/^(),.{}#@'\"\\ ",
    ]
)
ANY = thing("a", myList=["1", "2"], myDateTime="2011-05-24T17:10:00", input="a", a="#{a}")


def doubling(levels, end):
    """Fields of which each names the next twice."""
    fields = {f"f{n}": f"#{{f{n + 1}}}#{{f{n + 1}}}" for n in range(levels)}
    return thing("a", **fields, **{f"f{levels}": end})


def chained(levels):
    """Fields of which each names the next."""
    fields = {f"f{n}": f"#{{f{n + 1}}}" for n in range(levels)}
    return thing("a", **fields, **{f"f{levels}": "x"})


@given(st.text())
def test_a_text_without_an_opening_comes_back(template):
    """Only ``#{`` means anything."""
    template = template.replace("#{", "")
    assert text(template) == template


@given(st.lists(SIGNS).map("".join), st.booleans())
def test_any_text_is_evaluated_or_refused(template, inside):
    """Nothing but an ExpressionError comes of any text."""
    template = f"#{{{template}}}" if inside else template
    try:
        evaluated = evaluate_values(parse(template), scope(ANY), Budget(10_000))
    except ExpressionError as error:
        place = error.position
    else:
        place = len(evaluated)
    assert place >= 1


@pytest.mark.parametrize(
    "template",
    [
        "#{" + "(" * 1_000_000 + "1" + ")" * 1_000_000 + "}",
        "#{" + "-" * 1_000_000 + "1}",
        "#{" + "day(" * 30_000 + "1" + ")" * 30_000 + "}",
        "#{" + "day(" * 200 + "1" + ")" * 200 + "}",
        "#{1" + ".day()" * 1000 + "}",
        "#{" + "^".join("1" * 1000) + "}",
        "#{" + "1^-" * 200 + "1}",
        "#{1}" * 60_000,
        "#{'" + "''" * 1_000_000,
        "#{'" + "\\'" * 1_000_000,
        "#{" + " " * 1_000_000,
        "#{" + "a" * 1_000_000,
        "#{" + "1" * 1_000_000 + "}",
        "#{" + "a." * 49_999 + "a}",
    ],
)
def test_a_monstrous_text_is_refused_at_once(template):
    """Neither length nor depth makes parsing slow or breaks it."""
    start = time.process_time()
    assert problem(template)
    assert time.process_time() - start < 2


def test_twenty_megabytes_of_plain_text():
    """The longest text that the API takes is no work if it has no expression."""
    template = "x" * 20_971_520
    start = time.process_time()
    assert text(template) is template
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("({})", "1"),
        ("-({})", "1"),
        ("plusDays({}, 1)", "myDateTime"),
        ("{}.midnight()", "myDateTime"),
        ("midnight(({}))", "myDateTime"),
        ("('' + {}).minusDays(1)", "myDateTime"),
    ],
)
def test_depth_is_bounded_under_a_deep_caller(form, start):
    """The deepest expressions fit on what a web server leaves of Python's stack."""

    def under(frames, work):
        return under(frames - 1, work) if frames else work()

    expression = start
    while (deeper := form.format(expression)).count("(") < MAX_DEPTH // 2:
        expression = deeper
    assert under(300, lambda: text(f"#{{{expression}}}"))
    for _ in range(MAX_DEPTH):
        expression = form.format(expression)
    assert under(300, lambda: problem(f"#{{{expression}}}"))


def test_long_expressions_are_not_deep():
    """A sum of thousands of numbers is one level."""
    assert text("#{" + "+".join("1" * 10_000) + "}") == "10000"
    assert text("#{" + "*".join("1" * 10_000) + "}") == "1"


def test_fields_nest_with_a_bound():
    """Fields may lead to each other far, but not without end."""
    assert text("#{f0}", chained(40)) == "x"
    assert "nested deeper than 100 levels" in problem("#{f0}", chained(60))
    nested = thing("a", f="#{" + "(" * 99 + "1" + ")" * 99 + "}")
    assert "nested deeper than 100 levels" in problem("#{f}", nested)


@pytest.mark.parametrize(
    ("template", "item", "sentence"),
    [
        ("#{f0}", doubling(45, "x"), "takes too much work"),
        ("#{f0}", doubling(45, "x" * 10_000), "longer than|too much"),
        ("#{f + f + f + f}", thing("a", f=["1"] * 200), "takes too much work"),
        ("#{f}#{f}#{f}#{f}", thing("a", f=["1"] * 200), "takes too much work"),
        ("#{f}" * 2000, thing("a", f="x" * 10_000), "the result is longer"),
        ("#{" + "+".join("f" * 3000) + "}", thing("a", f="x" * 10_000), "longer than|too much"),
        ("#{f}", thing("a", f=["#{g}"] * 2000, g=["1"] * 2000), "takes too much work"),
        ("#{9^9^9^9}", DATED, "the number is too large"),
        ("#{9999999999 * 9999999999}", DATED, "the number is too large"),
        ("#{-9223372036854775807 - 2}", DATED, "the number is too large"),
        ("#{9223372036854775808}", DATED, "the number is too large"),
        ("#{1" + "0" * 500 + "}", DATED, "the number is too long"),
        ("#{10 ^ 308 * 10}", DATED, "the number is too large"),
        ("#{'" + "x" * 6_000_000 + "' + '" + "x" * 6_000_000 + "'}", DATED, "longer than"),
        ("#{'" + "x" * (MAX_RESULT + 1) + "'}", DATED, "longer than"),
    ],
    ids=range(15),
)
def test_bombs_are_stopped(template, item, sentence):
    """Work, lists, texts and numbers that grow out of little are bounded."""
    start = time.process_time()
    with pytest.raises(ExpressionError, match=sentence):
        evaluate_values(parse(template), scope(item), Budget(200_000))
    assert time.process_time() - start < 5


def test_one_budget_bounds_several_evaluations():
    """A caller can bound the work for a whole object."""
    budget = Budget(5)
    evaluate(parse("#{1 + 1}"), scope(), budget)
    with pytest.raises(ExpressionError, match="takes too much work"):
        evaluate(parse("#{1 + 1}"), scope(), budget)
