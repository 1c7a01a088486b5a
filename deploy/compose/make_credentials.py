"""Make the credentials of the stack at its first start, each where only its user can read it.

The argument is a folder with a folder for each user, volumes in docker-compose.yml. What is there
stays: to make something anew, remove it. Users of Redis follow the rules that are shipped, and
`credentials.toml` may have entries of yours.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

from coordinator.commands.credentials import new

USERS = {"coordinator": 10001, "runner": 10001, "operator": 10001, "redis": 999, "grafana": 472}
RULES = Path("/etc/redis/coordinator.acl")
PASSWORD_BYTES = 32
ENTRY = re.compile(r"^(?=\[\[credential\]\])", re.MULTILINE)


def main(root: Path, rules: Path) -> None:
    """Make what is missing; `rules` are the users of Redis, without passwords."""
    make_redis(root, rules.read_text())
    make_key(root, "operator")
    make_key(root, "runner", groups=["*"])
    password(root, "grafana/admin-password")


def make_redis(root: Path, rules: str) -> None:
    """Give the users of Redis their passwords, which the file of users has by hash only.

    Whoever uses a password has it before Redis knows it, so that a half-done start is completed.
    """
    for user, place in (("coordinator", "coordinator/redis-password"), ("admin", "redis/password")):
        known = sha256(password(root, place).encode()).hexdigest()
        rules = rules.replace(f"user {user} on ", f"user {user} on #{known} ")
    if read(root, "redis/users.acl") != rules:
        write(root, "redis/users.acl", rules)


def make_key(root: Path, role: str, groups: list[str] | None = None) -> None:
    """Make an access key: an entry for the coordinator, and a file of AWS's shape for its user.

    A key that its user has lost counts no longer.
    """
    known = read(root, "coordinator/credentials.toml")
    given = re.search(
        r"^aws_access_key_id = (\w+)$", read(root, f"{role}/credentials"), re.MULTILINE
    )
    if given and given[1] in known:
        return
    comment = f"{role} of the stack"
    entry = new([role], groups or [], "local", comment).partition("# For its user")[0]
    (made,) = tomllib.loads(entry)["credential"]
    others = [one for one in ENTRY.split(known) if f'comment = "{comment}"' not in one]
    write(root, "coordinator/credentials.toml", "".join([*others, entry, "\n"]))
    names = ("access_key_id", "secret_access_key")
    lines = ["[default]", *(f"aws_{name} = {made[name]}" for name in names), ""]
    write(root, f"{role}/credentials", "\n".join(lines))


def password(root: Path, place: str) -> str:
    """Return the password of a file, a new one where there is none."""
    found = read(root, place)
    if not found:
        found = secrets.token_urlsafe(PASSWORD_BYTES)
        write(root, place, found)
    return found


def read(root: Path, place: str) -> str:
    """Return a file's text, which is empty where there is none."""
    path = root / place
    return path.read_text() if path.exists() else ""


def write(root: Path, place: str, text: str) -> None:
    """Put a file in place at once, readable by the user of its folder alone."""
    path = root / place
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        owner = USERS[path.parent.name]
        os.fchown(handle, owner, owner)
    draft.replace(path)
    print("made", path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), RULES)
