"""Operators, texts and names of expressions, and where their faults are."""

from __future__ import annotations

import pytest
from definitions import thing
from evaluating import problem, text

from coordinator.domain.expressions import has_expression, parse

NO_OPERAND = ": '}' cannot stand here: write a field, a number, a text in quotes or a function"
MOVED = ": a DateTime is moved by functions: write plusDays(…, 1) or minusHours(…, 2)"
NO_NUMBER = ": '*' needs numbers, not a reference: name one of its fields after a dot"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2", "3"),
        ("1 - 2", "-1"),
        ("1 * 2", "2"),
        ("1 / 2", "0"),
        ("1.0 / 2", "0.5"),
        ("2 ^ 2", "4.0"),
        ('"hel" + "lo"', "hello"),
        ("7 / -2", "-3"),
        ("-7 / -2", "3"),
        ("7 / 2 * 2", "6"),
        ("1 - 2 - 3", "-4"),
        ("2 * 3 + 4 * 5", "26"),
        ("2 * (3 + 4) * 5", "70"),
        ("2 ^ 3 ^ 2", "512.0"),
        ("-2 ^ 2", "-4.0"),
        ("(-2) ^ 2", "4.0"),
        ("2 ^ -1", "0.5"),
        ("2 ^ -1 ^ 2", "0.5"),
        ("4 ^ .5 * 2", "4.0"),
        ("--3", "3"),
        ("2--3", "5"),
        ("- - -3", "-3"),
        ("1 + 2 + 'a' + 1 + 2", "3a12"),
        ("'n = ' + 0.50", "n = 0.5"),
        ("'at ' + makeDate(2011,5,24)", "at 2011-05-24T00:00:00"),
        ("'3' * '4'", "12"),
        ("'3' + 4", "34"),
        (" \t\n1\r ", "1"),
        (str(2**63 - 1), str(2**63 - 1)),
    ],
)
def test_operators_bind_as_in_mathematics(expression, result):
    """Powers bind to the right and tightest, whole numbers divide to whole ones, texts join."""
    assert text(f"#{{{expression}}}") == result


@pytest.mark.parametrize(
    ("literal", "meaning"),
    [
        ("''", ""),
        ('""', ""),
        ("'it''s'", "it's"),
        ("''''", "'"),
        ('"a""b"', 'a"b'),
        ("'a\"\"b'", 'a""b'),
        ("\"it''s\"", "it''s"),
        (r"'it\'s'", "it's"),
        (r'"a\"b"', 'a"b'),
        (r"'a\\b'", "a\\b"),
        (r"'\d+\n'", r"\d+\n"),
        ("'a } b { c'", "a } b { c"),
        ("'#{a}'", "#{a}"),
        ("'two\nlines'", "two\nlines"),
    ],
)
def test_a_text_stands_in_quotes(literal, meaning):
    """A quote is doubled or escaped; braces and expressions inside mean nothing."""
    assert text(f"<#{{{literal}}}>") == f"<{meaning}>"


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("", ""),
        ("no expression } { # $ {}", "no expression } { # $ {}"),
        ("#{1}", "1"),
        ("a#{1}b#{2}", "a1b2"),
        ("#{1}#{2}}", "12}"),
        ("##{1}", "#1"),
        ("${#{1}}", "${1}"),
    ],
)
def test_what_is_no_expression_stays(template, result):
    """Only what stands between ``#{`` and ``}`` is evaluated."""
    assert text(template) == result


@pytest.mark.parametrize(
    "call", ["format({0}, 'yyyy')", "{0}.format('yyyy')", "({0}).format('yyyy')"]
)
def test_a_function_can_follow_a_dot(call):
    """The guide writes both format(date, pattern) and date.format(pattern)."""
    assert text(f"#{{{call.format('@scheduledStartTime')}}}") == "2012"


def test_functions_follow_each_other():
    """A function can be called on what another gave."""
    assert text("#{plusDays(myDateTime, 7).midnight().format('dd.HH')}") == "31.00"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("abc #{foo", "5: '#{' is not closed: write '}' after the expression"),
        ("#{1} #{", "6: '#{' is not closed: write '}' after the expression"),
        ("a #{'b} c", "5: the text that begins here is not closed: write ' after it"),
        ('#{"}', '3: the text that begins here is not closed: write " after it'),
        ("#{}", "3: there is nothing between '#{' and '}': write a field's name"),
        ("#{1 & 2}", "5: '&' means nothing in an expression: put text in quotes"),
        ("#{a#{b}}", "4: '#' means nothing in an expression: put text in quotes"),
        ("#{1 2}", "5: '2' cannot stand here: an operator or '}' must come next"),
        ("#{'a' 'b'}", "7: a text cannot stand here: an operator or '}' must come next"),
        ("#{(1}", "5: '}' cannot stand here: an operator, ',' or ')' must come next"),
        ("#{day(1, }", "10" + NO_OPERAND),
        ("#{1 +}", "6" + NO_OPERAND),
        ("#{node.*}", "9" + NO_OPERAND),
        ("#{(1).a}", "8: 'a' cannot stand here: only references have fields"),
        ("#{1 / 0}", "5: a number is divided by zero"),
        ("#{1.0 / 0.0}", "7: a number is divided by zero"),
        ("#{0 ^ -1}", "5: this power is not a number"),
        ("#{(-1) ^ .5}", "8: this power is not a number"),
        ("#{'a' * 2}", "7: the text is not a number: write one such as 3 or 0.5"),
        ("#{-'a'}", "3: the text is not a number: write one such as 3 or 0.5"),
        ("#{-@scheduledStartTime}", "3: a DateTime is not a number"),
        ("#{1 + @scheduledStartTime}", "5" + MOVED),
        ("#{myDateTime - 1}", "14" + MOVED),
        ("#{parent * 2}", "10" + NO_NUMBER),
    ],
)
def test_a_fault_is_told_with_its_place(template, sentence):
    """A message names the character, counted from 1 in the whole text, and what is wrong there."""
    assert problem(template) == f"at character {sentence}"


def test_names_are_those_of_every_part():
    """Chains of fields are found wherever they stand, each once."""
    template = parse(
        "#{@scheduledStartTime}/#{myInput.directoryPath + -(node.name)}/#{2 * *mySecret}"
        "/#{format(plusDays(@scheduledStartTime, db.*password), 'y')}/#{input.name.format('y')}"
    )
    assert set(template.names()) == {
        ("@scheduledStartTime",),
        ("myInput", "directoryPath"),
        ("node", "name"),
        ("*mySecret",),
        ("db", "*password"),
        ("input", "name"),
    }
    assert len(template.names()) == 6


def test_has_expression_looks_no_further_than_the_opening():
    """A text that has to be parsed is told from one that need not be."""
    assert has_expression("a #{ b")
    assert not has_expression("a # { b }")


def test_names_may_be_of_any_alphabet():
    """A field's name is made of letters, digits and underscores."""
    assert text("#{my_größe2}", thing("a", my_größe2="3")) == "3"
