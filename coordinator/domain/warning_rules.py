"""Rules about what will run but hardly as meant. Each yields the id of an object and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.view import DefinitionView

# Source: the developer guide's pipeline object reference.
KNOWN_TYPES = frozenset(
    {
        "CopyActivity",
        "EmrActivity",
        "HadoopActivity",
        "HiveActivity",
        "HiveCopyActivity",
        "PigActivity",
        "RedshiftCopyActivity",
        "ShellCommandActivity",
        "SqlActivity",
        "Ec2Resource",
        "EmrCluster",
        "HttpProxy",
        "EmrConfiguration",
        "Property",
        "DynamoDBDataNode",
        "MySqlDataNode",
        "RedshiftDataNode",
        "S3DataNode",
        "SqlDataNode",
        "DynamoDBDataExists",
        "DynamoDBTableExists",
        "Exists",
        "S3KeyExists",
        "S3PrefixNotEmpty",
        "ShellCommandPrecondition",
        "JdbcDatabase",
        "RdsDatabase",
        "RedshiftDatabase",
        "CSV",
        "Custom",
        "DynamoDBDataFormat",
        "DynamoDBExportDataFormat",
        "RegEx",
        "TSV",
        "Schedule",
        "SnsAlarm",
        "Terminate",
    }
)
WITHOUT_EFFECT = frozenset(
    {
        "failureAndRerunMode",
        "lateAfterTimeout",
        "maxActiveInstances",
        "onFail",
        "onLateAction",
        "onSuccess",
    }
)


def unknown_types(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A type that nobody knows is probably misspelt."""
    for item in view.written.values():
        for kind in item.strings("type"):
            if kind not in KNOWN_TYPES:
                yield item.id, f"'{kind}' is not a type of AWS Data Pipeline."


def missing_types(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An object without a type does nothing, unless others inherit from it."""
    parents = {ref for item in view.written.values() for ref in item.refs("parent")}
    for object_id, kind in view.types.items():
        if not kind and object_id != DEFAULT_ID and object_id not in parents:
            yield object_id, "The object has no 'type'."


def fields_without_effect(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What this version overlooks is said, once for each key."""
    for item in view.written.values():
        for key in dict.fromkeys(field.key for field in item.fields):
            if key in WITHOUT_EFFECT:
                yield item.id, f"'{key}' has no effect in this version."


def unevaluated_expressions(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An expression stays as it is written; in what runs that is an error (``field_rules.py``)."""
    for item in view.written.values():
        key = item.expression_key()
        if key is not None and not view.is_activity(item.id):
            yield item.id, f"'{key}' has an expression, which this version does not evaluate."


WARNING_RULES = (unknown_types, missing_types, fields_without_effect, unevaluated_expressions)
