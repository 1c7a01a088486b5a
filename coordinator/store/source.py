"""Reading the Lua sources: the parsed header, includes, and the expanded text that Redis gets.

A script's header says what it takes, and the loader turns that into local variables, so that a
body uses names only::

    --- One sentence.
    -- FLAGS allow-oom                     (optional: flags of Redis for the script)
    -- KEYS
    --   1 meta_key   HASH  the shard's clock
    -- ARGV
    --   1 base       string  start of the shard's keys
    --   2 now        int     …
    --   3 ...        list    the rest, bound as `rest`
    -- RETURNS        (prose)
    -- ERRORS
    --   CODE  when
    -- @include lib/now_ms
    -- @keys instance lease
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from coordinator.store import keys

SECTION = re.compile(r"^-- (FLAGS|KEYS|ARGV|RETURNS|ERRORS)\b ?(.*)$")
ENTRY = re.compile(r"^--   (\S+)\s+(\S+)\s*(.*)$")
WORD = re.compile(r"\w+")
# A function, or variables, of a lib: those that are not inside of another.
TOP_LEVEL = re.compile(r"^local (function (\w+)\(|(\w+(?:, \w+)*) =)", re.MULTILINE)
DIRECTIVE = re.compile(r"^-- @(include|keys) (.+)$")


@dataclass(frozen=True, slots=True)
class Source:
    """One Lua script: its interface, and the text for Redis."""

    name: str
    purpose: str
    keys: tuple[str, ...]
    argv: tuple[str, ...]
    errors: tuple[str, ...]
    text: str
    rest: bool


@dataclass(slots=True)
class _Header:
    purpose: str = ""
    flags: str = ""
    keys: list[tuple[str, str]] = field(default_factory=list)
    argv: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def root() -> Path:
    """The folder of the Lua sources: inside the wheel, or beside the package in a checkout."""
    packaged = Path(str(files("coordinator"))) / "lua"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "lua"


def names() -> list[str]:
    """The names of all scripts."""
    return sorted(path.stem for path in root().glob("*.lua"))


@cache
def load(name: str) -> Source:
    """Read and expand one script.

    Raises:
        ValueError: the header, an include or a key name is wrong.
    """
    text = (root() / f"{name}.lua").read_text("utf-8")
    header = _parse(name, text)
    parts: dict[str, str] = {}
    key_names: dict[str, None] = {}
    _collect(text, parts, key_names, (name,))
    argv = [entry for entry in header.argv if entry[0] != "..."]
    rest = len(argv) != len(header.argv)
    lines = [
        f"#!lua flags={header.flags}" if header.flags else "#!lua",
        *(keys.lua_function(key) for key in key_names),
        *(_closed(lib, parts, text) for lib in parts),
        *(f"local {entry} = KEYS[{i}]" for i, (entry, _) in enumerate(header.keys, 1)),
        *(_bind(i, *entry) for i, entry in enumerate(argv, 1)),
        *([f"local rest = {{unpack(ARGV, {len(argv) + 1})}}"] if rest else []),
        text,
    ]
    return Source(
        name=name,
        purpose=header.purpose,
        keys=tuple(entry for entry, _ in header.keys),
        argv=tuple(entry for entry, _ in argv),
        errors=tuple(header.errors),
        text="\n".join(lines),
        rest=rest,
    )


def _closed(lib: str, parts: dict[str, str], script: str) -> str:
    """Keep to a lib what only it uses: a Lua function may have 200 local variables, and no more."""
    others = "\n".join([script, *(body for name, body in parts.items() if name != lib)])
    used = set(WORD.findall(others))
    shared: list[str] = []

    def share(match: re.Match[str]) -> str:
        names = re.split(r",\s*", match[2] or match[3])
        if used.isdisjoint(names):
            return match[0]
        shared.extend(names)
        return f"function {match[2]}(" if match[2] else f"{match[3]} ="

    body = TOP_LEVEL.sub(share, parts[lib])
    head = f"local {', '.join(shared)}\n" if shared else ""
    return f"{head}do\n{body}end"


def _bind(position: int, name: str, kind: str) -> str:
    value = f"ARGV[{position}]"
    return f"local {name} = {f'tonumber({value})' if kind == 'int' else value}"


def _parse(name: str, text: str) -> _Header:
    header, section = _Header(), ""
    for line in text.splitlines():
        if line.startswith("--- "):
            header.purpose = line[4:]
        elif match := SECTION.match(line):
            section = match[1]
            if section == "FLAGS":
                header.flags = match[2].strip()
        elif not line.startswith("--"):
            break
        elif (match := ENTRY.match(line)) and section in {"KEYS", "ARGV", "ERRORS"}:
            _add_entry(name, header, section, match)
    if not header.purpose or not header.keys:
        raise ValueError(f"lua/{name}.lua: the header needs a purpose and at least one key")
    return header


def _add_entry(name: str, header: _Header, section: str, match: re.Match[str]) -> None:
    if section == "ERRORS":
        header.errors.append(match[1])
        return
    entries = header.keys if section == "KEYS" else header.argv
    if match[1] != str(len(entries) + 1):
        raise ValueError(f"lua/{name}.lua: {section} entry {match[1]} is out of order")
    local, kind = match[2], match[3].split()[0]
    entries.append((local, kind))


def _collect(
    text: str, parts: dict[str, str], key_names: dict[str, None], trail: tuple[str, ...]
) -> None:
    """Depth first, each file once: what a lib needs stands before it."""
    for line in text.splitlines():
        if not (match := DIRECTIVE.match(line)):
            continue
        if match[1] == "keys":
            key_names.update(dict.fromkeys(match[2].split()))
            continue
        for lib in match[2].split():
            if lib in trail:
                raise ValueError(f"lua: {' -> '.join([*trail, lib])} includes itself")
            if lib not in parts:
                body = (root() / f"{lib}.lua").read_text("utf-8")
                _collect(body, parts, key_names, (*trail, lib))
                parts[lib] = body
