"""Who may call, and what: access keys with an account, roles and worker groups.

They stand in a TOML file, one ``[[credential]]`` for each::

    [[credential]]
    access_key_id = "AKETLRUNNER1"
    secret_access_key = "…"
    account = "data"            # letters, digits, - and _; "local" is that of an open service
    roles = ["runner"]          # runner, viewer, operator
    worker_groups = ["etl-*"]   # of runners; * stands for any text
    disabled = false
    comment = "etl hosts"
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from coordinator.domain.spelling import Guesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCAL: Final = "local"  # the account of an open service
RUNNER, VIEWER, OPERATOR = "runner", "viewer", "operator"
TASK_CALLS: Final = frozenset(
    {"PollForTask", "ReportTaskProgress", "ReportTaskRunnerHeartbeat", "SetTaskStatus"}
)
READS: Final = frozenset(
    {
        "DescribeObjects",
        "DescribePipelines",
        "EvaluateExpression",
        "GetPipelineDefinition",
        "ListPipelines",
        "QueryObjects",
        "ValidatePipelineDefinition",
    }
)
ROLES: Final = {RUNNER: TASK_CALLS, VIEWER: READS, OPERATOR: None}  # None: everything
MOST_CREDENTIALS, MOST_GLOBS, MOST_GROUP = 10_000, 100, 1024
_ID = re.compile(r"\w{4,128}", re.ASCII)
_SECRET = re.compile(r"[!-~]{16,128}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LISTS = ("roles", "worker_groups")
_TEXTS = ("access_key_id", "secret_access_key", "account", "comment")
_MEMBERS = (*_TEXTS, *_LISTS, "disabled")


class CredentialsError(ValueError):
    """The credentials cannot be used; the message has one sentence per line."""


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key: whose it is, and what it may do. `worker_groups` are globs; empty: any."""

    access_key: str
    secret: str = field(repr=False)
    account: str
    roles: frozenset[str]
    worker_groups: tuple[str, ...] = ()

    def may(self, operation: str) -> bool:
        """Whether one of the roles has this operation."""
        for role in self.roles:  # on the hot path: a generator would cost more than all of it
            calls = ROLES[role]
            if calls is None or operation in calls:
                return True
        return False


def roles_for(operation: str) -> list[str]:
    """The roles that may call an operation, least first."""
    return [role for role, calls in ROLES.items() if calls is None or operation in calls]


def read_credentials(text: str) -> dict[str, Credential]:
    """Read a file of credentials: those that are not disabled, by access key id.

    Raises:
        CredentialsError: what is wrong, a sentence a line, with no secret in it.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CredentialsError(f"It is not TOML: {error}.") from None
    except RecursionError:
        raise CredentialsError(
            "It is not TOML that anybody would write: nested too deep."
        ) from None
    rows = found.get("credential", [])
    problems = [
        f"It has {name!r}, which is nothing we know: each entry begins with [[credential]]."
        for name in found.keys() - {"credential"}
    ]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise CredentialsError("\n".join([*problems, "It has no [[credential]]."]))
    if len(rows) > MOST_CREDENTIALS:
        raise CredentialsError(f"It has more than {MOST_CREDENTIALS} credentials.")
    guesses = Guesses()
    for number, row in enumerate(rows, 1):
        problems += [f"Credential {number}: {problem}" for problem in _problems(row, guesses)]
    ids = Counter(str(row.get("access_key_id")) for row in rows)
    twice = sorted(one for one, times in ids.items() if times > 1)
    problems += [f"access_key_id {one!r} is there more than once." for one in twice]
    if problems:
        raise CredentialsError("\n".join(problems))
    return {row["access_key_id"]: _credential(row) for row in rows if not row.get("disabled")}


def matches(glob: str, group: str) -> bool:
    """Whether a worker group is one of those that a glob stands for (linear in both)."""
    first, *rest = glob.split("*")
    if not rest:
        return glob == group
    if not group.startswith(first):
        return False
    at, last = len(first), rest.pop()
    for part in rest:
        found = group.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(group) - len(last) >= at and group.endswith(last)


def _credential(row: Mapping[str, Any]) -> Credential:
    roles = frozenset(row["roles"])
    # An operator may do everything in its account, so that its groups do not count.
    groups = () if OPERATOR in roles else tuple(row.get("worker_groups", ()))
    return Credential(
        row["access_key_id"],
        row["secret_access_key"],
        row["account"],
        roles,
        () if "*" in groups else groups,
    )


def _problems(row: Mapping[str, Any], guesses: Guesses) -> Iterator[str]:
    for name in row.keys() - {*_MEMBERS}:
        yield f"{name!r} is no member of a credential{guesses.hint(name, _MEMBERS)}"
    kinds = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_LISTS, list), "disabled": bool}
    wrong = [name for name in _MEMBERS if name in row and type(row[name]) is not kinds[name]]
    yield from (f"{name} must be a {_SHOWN[kinds[name]]}." for name in wrong)
    if wrong:
        return
    if not _ID.fullmatch(row.get("access_key_id", "")):
        yield "access_key_id must be 4 to 128 letters, digits and underscores."
    if not _SECRET.fullmatch(row.get("secret_access_key", "")):
        yield "secret_access_key must be 16 to 128 visible ASCII characters without blanks."
    if not _ACCOUNT.fullmatch(row.get("account", "")):
        yield "account must be 1 to 64 letters, digits, hyphens and underscores."
    yield from _role_problems(row.get("roles", []), row.get("worker_groups", []))


_SHOWN = {str: "text", list: "list", bool: "boolean (true or false)"}


def _role_problems(roles: list[Any], groups: list[Any]) -> Iterator[str]:
    if not roles or not all(isinstance(role, str) and role in ROLES for role in roles):
        yield f"roles must be one or more of {', '.join(ROLES)}."
    elif RUNNER in roles and OPERATOR not in roles and not groups:
        yield 'a runner needs worker_groups, such as ["etl-*"], or ["*"] for all.'
    elif RUNNER not in roles and groups:
        yield "worker_groups are for the role runner."
    if len(groups) > MOST_GLOBS or not all(map(_is_glob, groups)):
        yield (
            f"worker_groups must be at most {MOST_GLOBS} names of 1 to {MOST_GROUP} characters, in "
            "which * stands for any text (? and [ are no wildcards, and not allowed)."
        )


def _is_glob(group: object) -> bool:
    if not isinstance(group, str) or not 1 <= len(group) <= MOST_GROUP:
        return False
    return group.isprintable() and not {"?", "["} & {*group}
