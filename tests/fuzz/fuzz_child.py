"""One target under atheris: ``fuzz_child.py NAME [corpus folders] [-options of libFuzzer]``."""

from __future__ import annotations

import sys

import atheris
from fuzz_targets import target_named


def main() -> None:
    """Run until libFuzzer's limits are reached, or a finding ends the process."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["coordinator"]):
        examine = target_named(name).load()
    atheris.Setup(sys.argv, examine)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
