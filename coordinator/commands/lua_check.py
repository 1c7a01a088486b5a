"""Run luacheck over every script as Redis will get it: expanded, with its arguments bound."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from coordinator.store import source

LUACHECK = [
    *("luacheck", "-q", "--std", "lua51", "--no-color", "--codes"),
    *("--read-globals", "redis", "cjson", "KEYS", "ARGV"),
    *("--max-line-length", "160"),  # lua_function() writes one line a key
    # The routing key of a script, and the keys that only some users of an include need.
    *("--ignore", "211/.*_key", "--"),
]


def main() -> int:
    """Check all scripts; the exit code is luacheck's."""
    if shutil.which("luacheck") is None:
        sys.stderr.write("luacheck is missing: apt-get install lua-check (make check does it)\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for name in source.names():
            lines = source.load(name).text.split("\n", 1)
            Path(folder, f"{name}.lua").write_text(f"-- {lines[0]}\n{lines[1]}\n", "utf-8")
        return subprocess.run([*LUACHECK, folder], check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
