"""Our table of operations beside botocore's copy of the service model, fact by fact.

Both sides become a flat dictionary such as ``{"fields[].key:max": 256}``; what differs must be one
of the entries below, and each of those must really differ.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import msgspec
import pytest
from botocore.loaders import Loader

from coordinator.errors import InvalidRequestError
from coordinator.wire import outputs
from coordinator.wire.codec import decode, encode
from coordinator.wire.faults import FAULTS
from coordinator.wire.operations import OPERATIONS

MODEL: dict[str, Any] = Loader().load_service_model("datapipeline", "service-2")
SHAPES: dict[str, Any] = MODEL["shapes"]
ABSENT = "absent"

CHARACTERS = "as XML 1.0"
LATER_THAN_1970 = "a time has to fit the API's four-digit years"
UNKNOWN_HANDLE = "a handle with an odd character is an unknown task, not an invalid request"
NEVER_REFUSED = "a result must not be lost for the length or a character of its texts"

# operation -> fact -> (model, ours, why)
DIFFERENCES = {
    "ActivatePipeline": {
        "startTimestamp:min": (ABSENT, 0, LATER_THAN_1970),
        "startTimestamp:max": (ABSENT, 253_402_300_799, LATER_THAN_1970),
    },
    "QueryObjects": {
        "limit:min": (ABSENT, 1, "a page has at least one id"),
        "limit:max": (ABSENT, 2**31 - 1, "the model's integers have 32 bits"),
    },
    "ReportTaskProgress": {
        "fields:max": (ABSENT, 50, "the service's documented number of fields per object"),
        "taskId:pattern": (CHARACTERS, ABSENT, UNKNOWN_HANDLE),
    },
    "SetTaskStatus": {
        "taskId:pattern": (CHARACTERS, ABSENT, UNKNOWN_HANDLE),
        "errorId:max": (1024, ABSENT, NEVER_REFUSED),
        "errorId:pattern": (CHARACTERS, ABSENT, NEVER_REFUSED),
        "errorStackTrace:max": (1024, ABSENT, NEVER_REFUSED),
        "errorStackTrace:pattern": (CHARACTERS, ABSENT, NEVER_REFUSED),
    },
}
OUTPUT_DIFFERENCES = {
    "ReportTaskProgress": {
        "reason:type": (ABSENT, "string", "why a task was taken away; SDKs drop unknown members"),
    },
}
# Operations whose answers are the same shape.
SAME_ANSWER = {"ValidatePipelineDefinition": "PutPipelineDefinition"}


def model_facts(name: str, path: str = "") -> dict[str, object]:
    """The facts that the model states about a shape."""
    shape = SHAPES[name]
    facts: dict[str, object] = {}
    if shape["type"] == "structure":
        for member, target in shape["members"].items():
            where = f"{path}.{member}".lstrip(".")
            if member in shape.get("required", ()):
                facts[f"{where}:required"] = True
            facts |= model_facts(target["shape"], where)
        return facts
    facts[f"{path}:type"] = "number" if shape["type"] == "timestamp" else shape["type"]
    facts |= {f"{path}:{bound}": shape[bound] for bound in ("min", "max") if shape.get(bound)}
    if "enum" in shape:
        facts[f"{path}:enum"] = sorted(shape["enum"])
    if "pattern" in shape:
        assert shape["pattern"].startswith(r"[\u0020-\uD7FF")
        facts[f"{path}:pattern"] = CHARACTERS
    if shape["type"] == "list":
        facts |= model_facts(shape["member"]["shape"], f"{path}[]")
    if shape["type"] == "map":
        facts |= model_facts(shape["value"]["shape"], f"{path}{{}}")
    return facts


def our_facts(kind: msgspec.inspect.Type, path: str = "") -> dict[str, object]:
    """The facts that one of our types states, characters aside."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.UnionType):
        (kind,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        return our_members(kind, path)
    facts: dict[str, object] = {f"{path}:type": KINDS[type(kind)]} | our_bounds(kind, path)
    if isinstance(kind, inspect.LiteralType):
        facts[f"{path}:enum"] = sorted(kind.values)
    if isinstance(kind, (inspect.VarTupleType, inspect.ListType)):
        facts |= our_facts(kind.item_type, f"{path}[]")
    if isinstance(kind, inspect.DictType):
        facts |= our_facts(kind.value_type, f"{path}{{}}")
    return facts


def our_members(kind: msgspec.inspect.StructType, path: str) -> dict[str, object]:
    """The facts about the members of a structure of ours."""
    facts: dict[str, object] = {}
    for field in kind.fields:
        where = f"{path}.{field.encode_name}".lstrip(".")
        if field.required:
            facts[f"{where}:required"] = True
        facts |= our_facts(field.type, where)
    return facts


def our_bounds(kind: msgspec.inspect.Type, path: str) -> dict[str, object]:
    """The length or range of a type of ours."""
    found = {
        "min": getattr(kind, "min_length", getattr(kind, "ge", None)),
        "max": getattr(kind, "max_length", getattr(kind, "le", None)),
    }
    return {f"{path}:{bound}": limit for bound, limit in found.items() if limit is not None}


KINDS: dict[type[msgspec.inspect.Type], str] = {
    msgspec.inspect.StrType: "string",
    msgspec.inspect.LiteralType: "string",
    msgspec.inspect.BoolType: "boolean",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.VarTupleType: "list",
    msgspec.inspect.ListType: "list",
    msgspec.inspect.DictType: "map",
}


def sample(name: str) -> Any:
    """A valid value of a model's shape, with every member that can stand beside the others."""
    shape = SHAPES[name]
    if shape["type"] == "structure":
        members = {k: sample(v["shape"]) for k, v in shape["members"].items()}
        if name == "Field":
            del members["refValue"]
        return members
    if shape["type"] == "list":
        return [sample(shape["member"]["shape"])]
    values = {"string": shape.get("enum", ["x"])[0], "boolean": True, "integer": 7}
    return values.get(shape["type"], 1428364800.5)


def with_value(request: dict[str, Any], path: str, value: str) -> dict[str, Any]:
    """A copy of `request` whose member at `path` is `value`."""
    changed = copy.deepcopy(request)
    *before, last = re.findall(r"\w+|\[\]", path)
    place: Any = changed
    for step in before:
        place = place[0 if step == "[]" else step]
    if last == "refValue":
        place.pop("stringValue", None)
    place[0 if last == "[]" else last] = value
    return changed


def refused_for_characters(operation: str, path: str) -> bool:
    """Whether a control character in the member at `path` is why the request is refused."""
    request = with_value(sample(f"{operation}Input"), path, "\x01")
    try:
        decode(OPERATIONS[operation], json.dumps(request).encode())
    except InvalidRequestError as error:
        return "XML" in str(error)
    return False


def differences(model: dict[str, object], ours: dict[str, object]) -> dict[str, tuple[Any, Any]]:
    """The facts in which the two sides differ."""
    return {
        fact: (model.get(fact, ABSENT), ours.get(fact, ABSENT))
        for fact in model.keys() | ours.keys()
        if model.get(fact, ABSENT) != ours.get(fact, ABSENT)
    }


def declared(table: dict[str, Any], operation: str) -> dict[str, tuple[Any, Any]]:
    """The declared differences of one operation."""
    return {fact: entry[:2] for fact, entry in table.get(operation, {}).items()}


def test_the_table_has_exactly_the_models_operations():
    """Every operation of the model is in the table, and nothing else."""
    assert set(OPERATIONS) == set(MODEL["operations"])


@pytest.mark.parametrize("operation", sorted(MODEL["operations"]))
def test_requests_agree_with_the_model(operation):
    """Members, types, bounds, enums and characters of a request are the model's, or declared."""
    model = model_facts(MODEL["operations"][operation]["input"]["shape"])
    ours = our_facts(msgspec.inspect.type_info(OPERATIONS[operation].input))
    strings = [f.removesuffix(":type") for f, kind in ours.items() if kind == "string"]
    ours |= {f"{p}:pattern": CHARACTERS for p in strings if refused_for_characters(operation, p)}
    assert differences(model, ours) == declared(DIFFERENCES, operation)


@pytest.mark.parametrize("operation", sorted(MODEL["operations"]))
def test_answers_agree_with_the_model(operation):
    """An answer has the model's members, or declared ones, and requires what the model does."""
    shape = MODEL["operations"][operation].get("output", {}).get("shape")
    answer = getattr(outputs, f"{SAME_ANSWER.get(operation, operation)}Output", outputs.EmptyOutput)
    model = model_facts(shape) if shape else {}
    ours = our_facts(msgspec.inspect.type_info(answer))
    types = [{f: v for f, v in side.items() if f.endswith(":type")} for side in (model, ours)]
    assert differences(*types) == declared(OUTPUT_DIFFERENCES, operation)
    assert {f for f in model if f.endswith(":required")} <= ours.keys()


@pytest.mark.parametrize("operation", sorted(MODEL["operations"]))
def test_a_request_with_every_member_is_decoded_whole(operation):
    """Nothing of a full request is lost on the way in."""
    body = sample(f"{operation}Input")
    request = decode(OPERATIONS[operation], json.dumps(body).encode())
    assert json.loads(encode(request)) == body


# What every AWS service answers to who may not call, or too much or slowly (common errors).
COMMON_ERRORS = {
    "MissingAuthenticationToken": 403,
    "IncompleteSignature": 400,
    "UnrecognizedClientException": 400,
    "InvalidSignatureException": 400,
    "RequestExpired": 400,
    "AccessDeniedException": 400,
    "ThrottlingException": 400,
    "ServiceUnavailable": 503,
    "RequestTimeout": 408,
}


def test_the_faults_are_the_models_exceptions():
    """Each modelled exception has a class of ours: 500 for the model's faults, 400 otherwise."""
    modelled = {
        name: 500 if shape.get("fault") else 400
        for name, shape in SHAPES.items()
        if shape.get("exception")
    }
    ours = {fault.name: fault.status for fault in FAULTS.values()}
    assert {name: ours.pop(name) for name in modelled} == modelled
    assert ours == COMMON_ERRORS
