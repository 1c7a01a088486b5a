"""Fatal errors, inheritance and durations of a definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.checks import check_fatal
from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.durations import MAX_DURATION_MS, parse_duration
from coordinator.domain.inheritance import flatten
from coordinator.errors import InvalidRequestError


def thing(object_id, *fields, parent=None):
    """An object with (key, string) fields, and perhaps a parent."""
    made = [Field(key, value) for key, value in fields]
    made += [Field("parent", ref_value=parent)] if parent else []
    return PipelineObject(object_id, object_id, tuple(made))


def flat(objects, object_id):
    """The flattened fields of one object as (key, value) pairs."""
    return [(f.key, f.string_value or f.ref_value) for f in flatten(objects)[object_id]]


def naive(objects):
    """Inheritance as the guide words it, for definitions without circles."""
    by_id = {item.id: item for item in objects}

    def fields_of(item):
        own = list(item.fields)
        parent = next((f.ref_value for f in own if f.key == "parent"), None)
        if parent is None and item.id != "Default" and "Default" in by_id:
            parent = "Default"
            own.append(Field("parent", ref_value=parent))
        keys = {f.key for f in own}
        above = fields_of(by_id[parent]) if parent in by_id else []
        return own + [f for f in above if f.key not in keys]

    return {item.id: fields_of(item) for item in objects}


@st.composite
def definitions(draw):
    """Definitions in which an object's parent comes before it, or is missing."""
    ids = draw(st.lists(st.sampled_from(["Default", *"abcdef"]), unique=True, max_size=7))
    objects = []
    for position, object_id in enumerate(ids):
        pairs = draw(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("12")), max_size=4))
        choices = st.sampled_from([*ids[:position], "missing"]) | st.none()
        parent = "missing" if object_id == "Default" else draw(choices)
        objects.append(thing(object_id, *pairs, parent=parent))
    return objects


@pytest.mark.parametrize(
    ("objects", "sentence"),
    [
        ([PipelineObject("", "n", ())], "The object named 'n' has no id."),
        ([PipelineObject("o", "", ())], "Object 'o' has no name."),
        ([thing("o"), thing("o")], "The definition has more than one object 'o'."),
        ([thing("o", ("workerGroup", ""))], "Field 'workerGroup' of object 'o' is empty."),
        (
            [PipelineObject("o", "o", (Field("runsOn", ref_value=""),))],
            "Field 'runsOn' of object 'o' is empty.",
        ),
        (
            [thing("o", ("@status", "FINISHED"))],
            (
                "Field '@status' of object 'o' begins with @, "
                "which only the coordinator's own fields may."
            ),
        ),
    ],
)
def test_fatal_errors_are_refused(objects, sentence):
    """A definition that cannot be stored is refused in one sentence that names the object."""
    with pytest.raises(InvalidRequestError) as refused:
        check_fatal(objects)
    assert str(refused.value) == sentence


def test_whatever_is_not_fatal_passes():
    """Unknown references and types, circles and bad values can be stored."""
    check_fatal([thing("a", ("type", "?"), ("retryDelay", "soon"), parent="a"), thing("b")])


@pytest.mark.parametrize("values", [{}, {"string_value": "s", "ref_value": "r"}])
def test_a_field_has_exactly_one_value(values):
    """A field with both values or none cannot even be made."""
    with pytest.raises(ValueError, match="exactly one of stringValue and refValue"):
        Field("k", **values)


def test_own_keys_come_first_and_replace_inherited_ones():
    """A key of the child replaces all of the parent's fields of that key; other keys are added."""
    objects = [
        thing("base", ("x", "1"), ("x", "2"), ("y", "3")),
        thing("child", ("z", "0"), ("x", "9"), parent="base"),
    ]
    assert flat(objects, "child") == [("z", "0"), ("x", "9"), ("parent", "base"), ("y", "3")]


def test_objects_without_parent_inherit_from_default():
    """Default is the parent of those that name none, and is shown as such."""
    objects = [thing("o", ("x", "1")), thing("Default", ("x", "2"), ("y", "3"))]
    assert flat(objects, "o") == [("x", "1"), ("parent", "Default"), ("y", "3")]
    assert flat(objects, "Default") == [("x", "2"), ("y", "3")]


def test_a_parent_opts_out_of_default_unless_it_leads_there():
    """An explicit parent takes Default's place, and passes on what it has from Default itself."""
    default = thing("Default", ("y", "3"))
    outside = [default, thing("o", parent="missing")]
    inside = [default, thing("o", parent="base"), thing("base")]
    assert flat(outside, "o") == [("parent", "missing")]
    assert flat(inside, "o") == [("parent", "base"), ("y", "3")]


def test_a_circle_of_parents_ends():
    """Objects that inherit from one another are flattened all the same."""
    objects = [thing("a", ("x", "1"), parent="b"), thing("b", ("y", "2"), parent="a")]
    assert flat(objects, "a") == [("x", "1"), ("parent", "b"), ("y", "2")]


def test_a_chain_of_ten_thousand_parents_is_flattened():
    """Depth is no limit: the last child has the first parent's field."""
    chain = [thing(f"o{n}", ("x", str(n)), parent=f"o{n + 1}") for n in range(9_999)]
    assert flat([*chain, thing("o9999", ("y", "1"))], "o0") == [
        ("x", "0"),
        ("parent", "o1"),
        ("y", "1"),
    ]


def test_a_definition_that_inheritance_makes_huge_is_refused():
    """A megabyte of objects cannot become a gigabyte of fields."""
    many = [thing("Default", *((f"k{n}", "v") for n in range(2_000)))]
    many += [thing(f"o{n}") for n in range(600)]
    with pytest.raises(InvalidRequestError, match="more than a million fields"):
        flatten(many)


@given(definitions())
def test_inheritance_is_as_the_guide_words_it(objects):
    """Each object has the fields that the recursive rule gives it."""
    expected = naive(objects)
    actual = flatten(objects)
    assert actual.keys() == expected.keys()
    for object_id, fields in actual.items():
        assert sorted(map(repr, fields)) == sorted(map(repr, expected[object_id]))


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("0 seconds", 0),
        ("1 second", 1000),
        ("90 Minutes", 5_400_000),
        ("1 HOUR", 3_600_000),
        (" 2  days ", 172_800_000),
        ("1 week", 604_800_000),
        ("1098 days", MAX_DURATION_MS),
    ],
)
def test_durations_are_read(text, duration_ms):
    """A number and a unit in any case, singular or plural, are milliseconds."""
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a number and a unit"),
        ("10", "must be a number and a unit"),
        ("minutes", "must be a number and a unit"),
        ("1.5 hours", "must be a number and a unit"),
        ("-1 hours", "must be a number and a unit"),
        ("ten minutes", "must be a number and a unit"),
        ("10 minutess", "must be a number and a unit"),
        ("٣ days", "must be a number and a unit"),
        ("#{myDelay}", "must be a number and a unit"),
        ("1 month", "since a month has no fixed length"),
        ("2 Years", "since a year has no fixed length"),
        ("1099 days", "must be at most three years"),
        ("999999999999 weeks", "must be at most three years"),
        ("9" * 10_000 + " days", "must be a number and a unit"),
    ],
)
def test_other_durations_are_refused_in_words(text, words):
    """What is no duration of fixed and sane length is refused, saying what is wanted."""
    with pytest.raises(ValueError, match=words):
        parse_duration(text)
