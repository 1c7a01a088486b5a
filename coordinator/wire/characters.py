"""Which characters the API's strings may hold: those of XML 1.0.

Source: the `pattern` of the model's strings. JSON itself keeps bare control characters out, so a
string can hold a forbidden one only through a backslash escape, or as U+FFFE and U+FFFF in UTF-8. A
body without such an escape and without those two (nearly all of them) is known to be clean without
looking at its strings.
"""

from __future__ import annotations

import re

import msgspec

REPLACEMENT = "\ufffd"

# Looking for one byte by its number is several times as fast as for a bytes object.
_BACKSLASH = ord("\\")
_LEAD_OF_NONCHARACTERS = "\ufffe".encode()[0]

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# What a forbidden character looks like in JSON. It may find one too many, behind two backslashes.
_SUSPECT = re.compile(rb"\\(?:[bf]|u(?:00[01]|[fF]{3}[eEfF]))|\xef\xbf[\xbe\xbf]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair: fine
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|.(?:\\[^u])*+)",  # with those right behind it: a call for each would take seconds
    re.DOTALL,
)

# The model sets no pattern for tags and errorMessage. A handle with such a character is simply
# unknown, and a result must not be lost for a character in its texts, which are cleaned instead.
UNCHECKED_MEMBERS = frozenset({"tags", "taskId", "errorId", "errorMessage", "errorStackTrace"})


def may_hold_forbidden(body: bytes) -> bool:
    """Whether a string of this JSON text can hold a forbidden character at all."""
    if _BACKSLASH not in body and _LEAD_OF_NONCHARACTERS not in body:
        return False
    return _SUSPECT.search(body) is not None


def forbidden_member(request: msgspec.Struct) -> str | None:
    """The path of the first member that holds a forbidden character, such as ``fields[0].key``."""
    members: dict[str, object] = msgspec.to_builtins(request)
    waiting: list[tuple[str, object]] = [
        (k, v) for k, v in reversed(members.items()) if k not in UNCHECKED_MEMBERS
    ]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if _FORBIDDEN.search(value):
                return path
        elif isinstance(value, dict):
            waiting.extend((f"{path}.{k}", v) for k, v in reversed(value.items()))
        elif isinstance(value, (list, tuple)):
            waiting.extend((f"{path}[{i}]", value[i]) for i in reversed(range(len(value))))
    return None


def cleaned(text: str | None, limit: int) -> str | None:
    """The first `limit` characters of `text`, forbidden ones replaced by U+FFFD."""
    if text is None:
        return None
    return _FORBIDDEN.sub(REPLACEMENT, text[:limit])


def without_lone_surrogates(body: bytes) -> bytes:
    r"""The JSON text with each ``\uD800``-like escape that lacks its other half made U+FFFD."""
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match["lone"] else match[0], body)
