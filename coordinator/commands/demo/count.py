"""Count the lines and functions of Python code; what the demo's tasks run.

``python -I -S count.py count OUT PATH…`` counts the files under the paths, and
``python -I -S count.py add OUT FOLDER`` adds up what others wrote into a folder. It stands alone,
so that it starts without site-packages.
"""

import ast
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

NAMES = ("files", "lines", "functions")
TESTS = {"test", "tests", "idle_test"}
Counts = dict[str, int]


def main() -> None:
    """Do as the arguments say."""
    job, out, *paths = sys.argv[1:]
    if job == "count":
        found = total(count_file(file) for path in paths for file in files_of(Path(path)))
    else:
        found = total(read(file) for file in sorted(Path(paths[0]).glob("*.json")))
    write(Path(out), found)


def files_of(path: Path) -> Iterator[Path]:
    """Yield the Python files of a package, or a module's only one; test suites are left out."""
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*.py")):
        if not TESTS.intersection(file.relative_to(path).parts[:-1]):
            yield file


def count_file(path: Path) -> Counts:
    """Count one file.

    Raises:
        SyntaxError: it is not Python, or of another version.
    """
    code = path.read_bytes()
    functions = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(ast.parse(code))
    )
    return {"files": 1, "lines": len(code.splitlines()), "functions": functions}


def total(counts: Iterable[Counts]) -> Counts:
    """Add up counts."""
    found = dict.fromkeys(NAMES, 0)
    for one in counts:
        for name in NAMES:
            found[name] += one[name]
    return found


def read(path: Path) -> Counts:
    """Read what `write` wrote."""
    return {name: int(value) for name, value in json.loads(path.read_text("utf-8")).items()}


def write(path: Path, counts: Counts) -> None:
    """Write the whole file or nothing: whoever dies in between leaves no half result."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(counts), "utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main()
