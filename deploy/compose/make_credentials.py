"""Make the credentials of the stack at its first start, each where only its user can read it.

The argument is a folder with a folder for each user, volumes in docker-compose.yml. What is there
stays: to make something anew, remove it. Access keys are added to `credentials.toml`, which may
have entries of yours.
"""

from __future__ import annotations

import os
import secrets
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

from coordinator.commands.credentials import new

USERS = {"coordinator": 10001, "runner": 10001, "operator": 10001, "redis": 999, "grafana": 472}
RULES = Path("/etc/redis/coordinator.acl")
PASSWORD_BYTES = 32


def main(root: Path, rules: Path) -> None:
    """Make what is missing; `rules` are the users of Redis, without passwords."""
    make_redis(root, rules.read_text())
    if not (root / "coordinator/credentials.toml").exists():
        for role in ("operator", "runner"):
            (root / role / "credentials").unlink(missing_ok=True)
    make_key(root, "operator")
    make_key(root, "runner", groups=["*"])
    if not (root / "grafana/admin-password").exists():
        write(root, "grafana/admin-password", secrets.token_urlsafe(PASSWORD_BYTES))


def make_redis(root: Path, rules: str) -> None:
    """Give the users of Redis their passwords, which the file of users has by hash only.

    Whoever uses a password has it before Redis knows it, so that a half-done start is repeated.
    """
    if (root / "redis/users.acl").exists() and (root / "coordinator/redis-password").exists():
        return
    for user, place in (("coordinator", "coordinator/redis-password"), ("admin", "redis/password")):
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        write(root, place, password)
        known = sha256(password.encode()).hexdigest()
        rules = rules.replace(f"user {user} on ", f"user {user} on #{known} ")
    write(root, "redis/users.acl", rules)


def make_key(root: Path, role: str, groups: list[str] | None = None) -> None:
    """Make an access key: an entry for the coordinator, and a file of AWS's shape for its user."""
    if (root / role / "credentials").exists():
        return
    entry = new([role], groups or [], "local", f"{role} of the stack")
    (made,) = tomllib.loads(entry)["credential"]
    known = root / "coordinator/credentials.toml"
    before = known.read_text() if known.exists() else ""
    entry = entry.partition("# For its user")[0]
    write(root, "coordinator/credentials.toml", f"{before}{entry}\n")
    names = ("access_key_id", "secret_access_key")
    lines = ["[default]", *(f"aws_{name} = {made[name]}" for name in names), ""]
    write(root, f"{role}/credentials", "\n".join(lines))


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
