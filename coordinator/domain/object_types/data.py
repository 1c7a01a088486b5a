"""Data nodes, their formats and databases, and preconditions (source: see ``common.py``)."""

from __future__ import annotations

from coordinator.domain.object_types.common import (
    ANY_TYPE,
    DOUBLE,
    DURATION,
    RUN,
    STRING,
    STRINGS,
    TRIED,
    WAITING,
)
from coordinator.domain.object_types.kinds import (
    Family,
    Fields,
    ObjectType,
    Reference,
    choice,
    fields,
)

_FORMAT = Reference(Family.DATA_FORMAT, several=False)
_DATABASE = Reference(Family.DATABASE, several=False)
_TABLE: Fields = {
    "database": _DATABASE,
    **fields(STRING, "table schemaName createTableSql insertQuery selectQuery"),
    **fields(STRING, "connectionString username *password"),
}


def _node(own: Fields, required: str = "", one_of: str = "") -> ObjectType:
    groups = (tuple(one_of.split()),) if one_of else ()
    return ObjectType(Family.DATA_NODE, {**WAITING, **own}, tuple(required.split()), groups)


def _database(names: str, required: str, *groups: tuple[str, ...]) -> ObjectType:
    own = {**fields(STRING, f"{names} {required} databaseName"), "jdbcProperties": STRINGS}
    own |= fields(STRING, "*password username")
    needed = (*required.split(), "*password", "username")
    return ObjectType(Family.DATABASE, {**ANY_TYPE, **own}, needed, groups, groups)


def _format(names: str = "", required: str = "") -> ObjectType:
    own = {**ANY_TYPE, "column": STRINGS, **fields(STRING, names)}
    return ObjectType(Family.DATA_FORMAT, own, tuple(required.split()))


def _precondition(names: str = "", required: str = "", one_of: str = "") -> ObjectType:
    own = {**TRIED, "preconditionTimeout": DURATION, **fields(STRING, f"role {names}")}
    own |= {key: RUN[key] for key in ("runsOn", "workerGroup")}
    own |= {"scriptArgument": STRINGS} if one_of else {}
    groups = (tuple(one_of.split()),) if one_of else ()
    return ObjectType(Family.PRECONDITION, own, tuple(required.split()), groups, groups)


DATA_NODES = {
    "DynamoDBDataNode": _node(
        {
            "dataFormat": _FORMAT,
            **fields(DOUBLE, "readThroughputPercent writeThroughputPercent"),
            **fields(STRING, "region tableName"),
        },
        required="tableName",
    ),
    "MySqlDataNode": _node(_TABLE, required="table"),
    "RedshiftDataNode": _node(
        {
            "database": _DATABASE,
            **fields(STRING, "createTableSql schemaName tableName"),
            "primaryKeys": STRINGS,
        },
        required="database tableName",
    ),
    "S3DataNode": _node(
        {
            "compression": choice("none", "gzip"),
            "dataFormat": _FORMAT,
            **fields(STRING, "directoryPath filePath manifestFilePath"),
            "s3EncryptionType": choice("SERVER_SIDE_ENCRYPTION", "NONE"),
        },
        one_of="directoryPath filePath manifestFilePath",
    ),
    "SqlDataNode": _node(_TABLE, required="table"),
}

DATABASES = {
    "JdbcDatabase": _database("jdbcDriverJarUri", "connectionString jdbcDriverClass"),
    "RdsDatabase": _database("jdbcDriverJarUri region", "rdsInstanceId"),
    "RedshiftDatabase": _database(
        "clusterId connectionString region", "", ("clusterId", "connectionString")
    ),
}

DATA_FORMATS = {
    "CSV": _format("escapeChar"),
    "Custom": _format("columnSeparator recordSeparator", required="columnSeparator"),
    "DynamoDBDataFormat": _format(),
    "DynamoDBExportDataFormat": _format(),
    "RegEx": _format("inputRegEx outputFormat"),
    "TSV": _format("columnSeparator escapeChar recordSeparator"),
}

PRECONDITIONS = {
    "DynamoDBDataExists": _precondition("tableName", required="tableName"),
    "DynamoDBTableExists": _precondition("tableName", required="tableName"),
    "Exists": _precondition(),
    "S3KeyExists": _precondition("s3Key", required="s3Key"),
    "S3PrefixNotEmpty": _precondition("s3Prefix", required="s3Prefix"),
    "ShellCommandPrecondition": _precondition(
        "command scriptUri stdout stderr", one_of="command scriptUri"
    ),
}
