"""Write the dashboards' JSON from their code; with `--check` say whether it is what that makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboards import groups, leases, pipelines, redis_http
from dashboards.pages import make
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parent / "json"
PAGES = (leases.PAGE, groups.PAGE, pipelines.PAGE, redis_http.PAGE)


def texts() -> dict[str, str]:
    """Return what each file must hold, by its name."""
    return {
        f"{page.uid}.json": json.dumps(
            make(page).build(), cls=JSONEncoder, indent=1, sort_keys=True
        )
        + "\n"
        for page in PAGES
    }


def stale(made: dict[str, str]) -> list[str]:
    """Return the names of files that are not as made: missing, different, or made by nothing."""
    found = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    return sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))


def main(arguments: list[str]) -> int:
    """Do what is asked; return 1 if a check finds a difference."""
    made = texts()
    if arguments == ["--check"]:
        different = stale(made)
        for name in different:
            sys.stderr.write(
                f"deploy/grafana/json/{name} is not what the code makes: make dashboards\n"
            )
        return int(bool(different))
    FOLDER.mkdir(exist_ok=True)
    for name in stale(made):
        (FOLDER / name).unlink(missing_ok=True)
        if name in made:
            (FOLDER / name).write_text(made[name])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
