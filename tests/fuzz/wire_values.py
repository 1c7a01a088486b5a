"""Requests out of the wire's own types, whole and then damaged."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from msgspec import inspect

MOST_TEXT, MOST_ITEMS = 12, 3
# XML 1.0 without its rarest: what a string of a request may hold.
CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"
)
NAMES = [
    *("taskId", "fields", "key", "stringValue", "refValue", "pipelineId", "pipelineObjects", "id"),
    *("name", "type", "operator", "selectors", "taskStatus", "tags", "limit", "startTimestamp"),
]
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "\x00", "\ufffe", "\x1f", "#{", "*****", "FINISHED", "-0", "x" * 10_241]),
)
ANY_BYTES = st.binary(max_size=4)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def requests(operation):
    """Requests that an operation takes, as JSON values."""
    return values(inspect.type_info(operation.input))


def values(kind):
    """JSON values of one of msgspec's types."""
    return _MAKERS[type(kind)](kind)


def _objects(kind):
    required = {f.encode_name: values(f.type) for f in kind.fields if f.required}
    optional = {f.encode_name: values(f.type) for f in kind.fields if not f.required}
    if kind.cls.__name__ == "Field":  # exactly one of its two values
        texts = {name: _never_null(kind, name) for name in optional}
        return st.one_of(*(st.fixed_dictionaries(required | {n: v}) for n, v in texts.items()))
    return st.fixed_dictionaries(required, optional=optional)


def _never_null(kind, name):
    (field,) = [f for f in kind.fields if f.encode_name == name]
    return values(next(t for t in field.type.types if isinstance(t, inspect.StrType)))


def _items(kind):
    most = min(kind.max_length or MOST_ITEMS, MOST_ITEMS)
    return st.lists(values(kind.item_type), max_size=most)


def _text(kind):
    most = min(kind.max_length or MOST_TEXT, MOST_TEXT)
    return st.text(CHARACTERS, min_size=kind.min_length or 0, max_size=most)


_MAKERS = {
    inspect.StructType: _objects,
    inspect.UnionType: lambda kind: st.one_of(*map(values, kind.types)),
    inspect.VarTupleType: _items,
    inspect.LiteralType: lambda kind: st.sampled_from(kind.values),
    inspect.StrType: _text,
    inspect.IntType: lambda kind: st.integers(kind.ge, kind.le),
    inspect.FloatType: lambda kind: st.floats(kind.ge, kind.le) | st.integers(0, int(kind.le)),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.NoneType: lambda _: st.none(),
}


@st.composite
def damaged(draw, whole):
    """A JSON value of `whole` in which something was replaced, taken away or added."""
    tree = [draw(whole)]
    place, key = draw(st.sampled_from(list(_places(tree))))
    action = draw(st.sampled_from(["replace", "remove", "add"]))
    if action == "replace":
        place[key] = draw(JUNK)
    elif action == "remove" and len(tree) + (place is not tree) > 1:
        del place[key]
    elif isinstance(place, dict):
        place[draw(st.sampled_from(NAMES))] = draw(JUNK)
    else:
        place.append(draw(JUNK))
    return tree[0]


def _places(node):
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


@st.composite
def edited(draw, whole, pieces=ANY_BYTES):
    """Bytes of `whole` with up to three cuts, each filled with one of `pieces`."""
    text = draw(whole)
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 8)))
        text = text[:begin] + draw(pieces) + text[end:]
    return text


def as_json(value):
    """JSON as clients write it."""
    return json.dumps(value).encode()
