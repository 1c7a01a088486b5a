"""The rules that Lua sources keep, and that their documentation says what they do."""

from __future__ import annotations

import re
import shutil
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from tables import fields, rows

from coordinator.commands import lua_check
from coordinator.store import keys, source
from coordinator.store.refusals import REFUSALS

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = source.names()
LIBS = sorted(path.stem for path in (source.root() / "lib").glob("*.lua"))
MOST_LINES = 80
DEFINITION = re.compile(r"^local function (\w+)\(", re.MULTILINE)
REFUSAL = re.compile(r"error_reply\('([A-Z_]+)")
# What Redis 7.0 and Valkey 7.2 both have; a further command is added here knowingly.
COMMON = {
    *("DEL", "EXISTS", "EXPIRE", "PERSIST", "PEXPIRE", "UNLINK", "GET", "SET", "TIME"),
    *(
        "HDEL",
        "HGET",
        "HGETALL",
        "HKEYS",
        "PTTL",
        "PTTL",
        "HINCRBY",
        "HLEN",
        "HMGET",
        "HSET",
        "SADD",
        "SREM",
    ),
    *("ZADD", "ZCARD", "ZINCRBY", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZREM", "ZSCORE"),
    "SPUBLISH",
    "HEXISTS",
    "HSETNX",
    "SCARD",
    "SPOP",
    "SRANDMEMBER",
    "ZCOUNT",
    "ZRANK",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "ZUNIONSTORE",
    "INFO",
}


def path_of(name: str) -> Path:
    """Return the file of a script, or of a lib."""
    return source.root() / (f"{name}.lua" if name in SCRIPTS else f"lib/{name}.lua")


def code_of(name: str) -> str:
    """Return the source without comments."""
    return re.sub(r"--.*", "", path_of(name).read_text())


def listed(name: str, directive: str) -> list[str]:
    """Return what a file names behind ``@include`` or ``@keys``."""
    found = re.findall(rf"^-- @{directive} (.+)$", path_of(name).read_text(), re.MULTILINE)
    return list(chain.from_iterable(line.split() for line in found))


@cache
def definitions() -> dict[str, str]:
    """Return in which lib each function is."""
    found = {name: lib for lib in LIBS for name in DEFINITION.findall(code_of(lib))}
    assert len(found) == sum(len(DEFINITION.findall(code_of(lib))) for lib in LIBS), "twice"
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_header(name: str) -> None:
    """Each script says in its header what it is for, takes one key and `base`, what it returns."""
    loaded = source.load(name)
    assert loaded.purpose.endswith((".", ")", ":")) or len(loaded.purpose) > 20
    assert loaded.keys == ("shard_key",)
    assert loaded.argv[0] == "base"
    assert "\n-- RETURNS\n" in path_of(name).read_text()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), "a script is called verb_noun"


@pytest.mark.parametrize("name", [*SCRIPTS, *LIBS])
def test_names_only(name: str) -> None:
    """A body uses the names of its header, never KEYS or ARGV by number, and spells no key."""
    code = code_of(name)
    assert not re.search(r"\b(KEYS|ARGV)\b", code)
    assert "coord:" not in code
    assert not re.search(r"base \.\.", code)


@pytest.mark.parametrize("name", [*SCRIPTS, *LIBS])
def test_length(name: str) -> None:
    """A body is at most eighty lines of code."""
    lines = [line for line in code_of(name).splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize("name", [*SCRIPTS, *LIBS])
def test_includes(name: str) -> None:
    """A file includes the libs that it uses itself, each once, and no other."""
    code = code_of(name)
    own = set(DEFINITION.findall(code))
    words = set(re.findall(r"\b\w+\b", code)) - own
    used = {f"lib/{lib}" for function, lib in definitions().items() if function in words}
    assert sorted(listed(name, "include")) == sorted(used)


@pytest.mark.parametrize("name", [*SCRIPTS, *LIBS])
def test_keys(name: str) -> None:
    """A file lists the keys that it names itself, each once, and no other."""
    used = set(re.findall(r"\b(\w+)_key\(", code_of(name)))
    assert sorted(listed(name, "keys")) == sorted(used)
    assert used <= keys.KEYS.keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_errors(name: str) -> None:
    """The header lists exactly the codes that the expanded script can refuse with."""
    loaded = source.load(name)
    assert set(loaded.errors) == set(REFUSAL.findall(loaded.text))
    assert len(set(loaded.errors)) == len(loaded.errors)


def test_codes() -> None:
    """Scripts, exceptions and the table of the README know the same codes."""
    raised = {code for name in SCRIPTS for code in source.load(name).errors}
    assert raised == REFUSALS.keys()
    table = rows("Refusals")
    assert {row[0] for row in table} == raised
    for code, _, scripts in table:
        raisers = {name for name in SCRIPTS if code in source.load(name).errors}
        assert set(scripts.split(", ")) == raisers, code


def test_codes_are_not_those_of_redis() -> None:
    """No code can be taken for an error of Redis itself."""
    for code in REFUSALS:
        assert "_" in code


def test_key_table() -> None:
    """The key table of the README is the one that both sides use."""
    table = [tuple(row[:3]) for row in rows("Keys")]
    assert table == [(key.template, key.kind, key.holds) for key in keys.KEYS.values()]


def test_owners() -> None:
    """Each script that the README names as an owner of a key can spell that key."""
    movers = set(chain.from_iterable(row[2].split(", ") for row in rows("States of an instance")))
    for template, _, _, owners in rows("Keys"):
        name = template.partition(":")[0]
        named = set(owners.split(", ")) - {"nothing", "movers"}
        assert named <= set(SCRIPTS), f"{name}: {named - set(SCRIPTS)}"
        some = movers if "movers" in owners else set()
        spelling = {s for s in SCRIPTS if f"function {name}_key(" in source.load(s).text}
        assert named <= spelling, f"{name}: {named - spelling}"
        assert not some or some & spelling, name
        assert owners != "nothing" or not spelling, name


def test_transitions() -> None:
    """The table of transitions names just the scripts that can change a state."""
    table = rows("States of an instance")
    states = {"none", "blocked", "ready", "leased", "delayed", "terminal"}
    assert {state for row in table for state in row[:2]} == states | {"gone", "any"}
    scripts = set(chain.from_iterable(row[2].split(", ") for row in table))
    changing = {name for name in SCRIPTS if "set_state(" in source.load(name).text}
    assert scripts == changing


@pytest.mark.parametrize("kind", ["instance", "pipeline", "alarm"])
def test_documented_fields_exist(kind: str) -> None:
    """Each field that the README explains is in a script (`check_invariants` does the converse)."""
    every = " ".join(code_of(name) for name in [*SCRIPTS, *LIBS])
    assert not [field for field in fields(kind) if not re.search(rf"\b{field}", every)]


@pytest.mark.parametrize("name", [*SCRIPTS, *LIBS])
def test_common_subset(name: str) -> None:
    """Scripts call only commands that every supported server has, and spell them in capitals."""
    called = re.findall(r"redis\.p?call\(\s*'([^']+)'", code_of(name))
    assert set(called) <= COMMON
    chosen = re.findall(r"redis\.p?call\(\s*([^'\s][^,]*),", code_of(name))
    assert not chosen


def test_every_lib_is_used() -> None:
    """No lib lies about that nothing includes."""
    included = {lib for name in [*SCRIPTS, *LIBS] for lib in listed(name, "include")}
    assert included == {f"lib/{lib}" for lib in LIBS}


def test_luacheck(request: pytest.FixtureRequest) -> None:
    """The expanded scripts pass luacheck."""
    if shutil.which("luacheck") is None:
        pytest.skip("luacheck is not installed (Debian package lua-check)")
    assert request.node is not None
    assert lua_check.main() == 0
