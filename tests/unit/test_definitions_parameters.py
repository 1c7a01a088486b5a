"""Parameters: how they are declared, checked and given values."""

from __future__ import annotations

import pytest

from coordinator.domain.definitions import (
    Definition,
    ParameterAttribute,
    ParameterObject,
    ParameterValue,
)
from coordinator.domain.parameters import resolve
from coordinator.domain.secrets import masked_definition, restored
from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError


def declared(object_id, **attributes):
    """A parameter; a list repeats an attribute."""
    pairs = [
        ParameterAttribute(key, each)
        for key, value in attributes.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return ParameterObject(object_id, tuple(pairs))


def given(**values):
    """Values of parameters; a list repeats an id."""
    return [
        ParameterValue(object_id, each)
        for object_id, value in values.items()
        for each in (value if isinstance(value, list) else [value])
    ]


@pytest.mark.parametrize(
    ("stored", "activation", "values"),
    [
        ({}, {}, ["d"]),
        ({"myA": "s"}, {}, ["s"]),
        ({}, {"myA": "a"}, ["a"]),
        ({"myA": ["s", "t"]}, {"myA": "a"}, ["a"]),
        ({"myA": "s"}, {"myA": ["b", "a"]}, ["b", "a"]),
        ({"myA": ""}, {}, [""]),
    ],
)
def test_a_parameter_has_the_values_given_last(stored, activation, values):
    """Values of the activation replace stored ones as a whole, and those the default."""
    parameters = [declared("myA", default="d", isArray="true")]
    assert resolve(parameters, given(**stored), given(**activation)) == {"myA": values}


def test_values_are_passed_on_as_they_are_named():
    """Undeclared and secret parameters keep their ids; an optional one without value is empty."""
    parameters = [declared("*mySecret"), declared("myB", optional="true")]
    values = given(**{"*mySecret": "s", "other": ["x", "y"]})
    assert resolve(parameters, values, []) == {
        "*mySecret": ["s"],
        "myB": [],
        "other": ["x", "y"],
    }


ODD = {
    "integer": ({"type": "Integer"}, "1.5", "must be a whole number"),
    "double": ({"type": "double"}, "much", "must be a number, such as '0.25'"),
    "allowed": ({"allowedValues": ["a", "b"]}, "c", "must be 'a' or 'b'"),
    "several": ({}, ["a", "b"], "has 2 values, but is not declared with isArray"),
    "one of": ({"isArray": "true", "type": "Integer"}, ["1", "x"], "must be a whole number"),
}
FINE = {
    "integer": ({"type": "INTEGER"}, "-15"),
    "double": ({"type": "Double"}, "1e3"),
    "allowed": ({"allowedValues": ["a", "b"]}, "b"),
    "several": ({"isArray": "True"}, ["a", "b"]),
    "key": ({"type": "AWS::S3::ObjectKey"}, "folder/file"),
    "expression": ({"type": "Integer"}, "#{1 + 1}"),
    "left empty": ({"type": "Integer", "optional": "true"}, ""),
}


@pytest.mark.parametrize(("attributes", "value", "words"), ODD.values(), ids=ODD)
def test_a_value_that_does_not_fit_is_refused(attributes, value, words):
    """It is an error when it is put, and once more when it comes with the activation."""
    parameters = [declared("myA", **attributes)]
    found = validate([], parameters=parameters, values=given(myA=value))
    assert found == ({"myA": [f"The value {words}."]}, {})
    with pytest.raises(InvalidRequestError) as refused:
        resolve(parameters, [], given(myA=value))
    assert str(refused.value) == f"Parameter 'myA' {words}."


@pytest.mark.parametrize(("attributes", "value"), FINE.values(), ids=FINE)
def test_a_value_that_fits_is_taken(attributes, value):
    """Types are known in any case; what has an expression is not looked at."""
    parameters = [declared("myA", **attributes)]
    assert validate([], parameters=parameters, values=given(myA=value)) == ({}, {})
    assert resolve(parameters, given(myA=value), [])["myA"] in (value, [value])


def test_everything_that_lacks_a_value_is_named():
    """One sentence tells all that the activation must be given."""
    parameters = [declared("myA"), declared("myB", default="b"), declared("*myC")]
    with pytest.raises(InvalidRequestError) as refused:
        resolve(parameters, [], [])
    assert str(refused.value) == (
        "Parameters 'myA', '*myC' need a value: give it in parameterValues."
    )
    with pytest.raises(InvalidRequestError, match="Parameter 'myA' needs a value: give"):
        resolve(parameters, given(**{"*myC": "c"}), [])


def test_all_values_that_do_not_fit_are_named():
    """A sentence tells of each of them."""
    parameters = [declared("myA", type="Integer"), declared("myB", allowedValues="b")]
    with pytest.raises(InvalidRequestError) as refused:
        resolve(parameters, given(myA="x", myB="y"), [])
    assert str(refused.value) == (
        "Parameter 'myA' must be a whole number; parameter 'myB' must be 'b'."
    )


@pytest.mark.parametrize(
    ("parameters", "errors"),
    [
        ([declared("myA", type="string", default="x")], {}),
        ([declared("*myA", default="x")], {}),
        (
            [declared("input", default="x")],
            {"input": ["The name of a parameter must begin with 'my', such as 'myInput'."]},
        ),
        (
            [declared("myA", default="x"), declared("myA", default="y")],
            {"myA": ["The parameter is declared 2 times."]},
        ),
        (
            [declared("myA", type="Date", default="x")],
            {"myA": ["'type' must be 'String', 'Integer', 'Double' or 'AWS::S3::ObjectKey'."]},
        ),
        (
            [declared("myA", type=["String", "Integer"], default="x")],
            {"myA": ["'type' is given 2 times."]},
        ),
        (
            [declared("myA", optional="maybe", default="x")],
            {"myA": ["'optional' must be 'true' or 'false'."]},
        ),
        (
            [declared("myA", type="Integer", default="x")],
            {"myA": ["'default' must be a whole num"]},
        ),
        ([declared("myA", default="x", allowedValues=["y"])], {"myA": ["'default' must be 'y'."]}),
        ([declared("myA", default="y", allowedValues=["y"])], {}),
    ],
)
def test_declarations_that_cannot_work_are_errors(parameters, errors):
    """Each is told on the parameter's id."""
    found = validate([], parameters=parameters).errors
    assert found.keys() == errors.keys()
    for object_id, (sentence,) in errors.items():
        assert [each.startswith(sentence) for each in found[object_id]] == [True]


@pytest.mark.parametrize(
    ("parameters", "values", "warnings"),
    [
        ([declared("myA")], {"myA": "x"}, {}),
        ([declared("myA", optional="true")], {}, {}),
        ([declared("myA")], {}, {"myA": ["The parameter needs a value at activation."]}),
        (
            [declared("myAge", default="1")],
            {"myAges": "x"},
            {
                "myAges": [
                    "A value is given for a parameter that is not declared: did you mean 'myAge'?"
                ]
            },
        ),
        (
            [declared("myA", defualt="x", optional="true")],
            {},
            {"myA": ["'defualt' is not an attribute of parameters: did you mean 'default'?"]},
        ),
        ([declared("myA", default="x", watermark="w", helpText="h", myComment="c")], {}, {}),
    ],
)
def test_declarations_that_look_wrong_are_warnings(parameters, values, warnings):
    """What a later activation can mend, or nobody reads, keeps nothing from running."""
    assert validate([], parameters=parameters, values=given(**values)) == ({}, warnings)


def test_the_allowed_values_of_a_secret_are_not_told():
    """Neither an activation nor a validation lists what every answer masks."""
    parameters = [declared("*myKey", allowedValues=["hunter2", "swordfish"])]
    wrong = given(**{"*myKey": "x"})
    with pytest.raises(InvalidRequestError, match="must be one of its allowedValues"):
        resolve(parameters, [], wrong)
    errors = validate([], parameters=parameters, values=wrong).errors["*myKey"]
    assert errors == ["The value must be one of its allowedValues."]


def test_a_mask_stands_for_what_is_in_its_place():
    """Also where a parameter is declared twice, which is reported and stored all the same."""
    twice = tuple(declared("*myA", default=[text, f"{text}2"]) for text in "xy")
    definition = Definition(parameter_objects=twice)
    assert restored(masked_definition(definition), definition) == definition
