"""The users of deploy/redis/coordinator.acl with passwords, for servers that have them."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import redis

DEPLOY = Path(__file__).parents[1] / "deploy" / "redis"
RULES = DEPLOY / "coordinator.acl"
PASSWORD = "p@ss of/the:coordinator"
LOGIN = "coordinator:p%40ss%20of%2Fthe%3Acoordinator@"  # in a URL
ADMIN = {"username": "admin", "password": "admin"}
denied: list[str] = []  # what any server that was closed has denied to the coordinator


def with_passwords(rules: str) -> str:
    """Return the rules with passwords."""
    hashed = sha256(PASSWORD.encode()).hexdigest()
    text = rules.replace("user coordinator on", f"user coordinator on #{hashed}")
    return text.replace("user admin on", f"user admin on >{ADMIN['password']}")


def options(folder: Path, rules: str = "") -> list[str]:
    """Write the file of users; return the options of a server that has it and redis.conf."""
    path = folder / "users.acl"
    if not path.exists():
        path.write_text(with_passwords(rules or RULES.read_text()))
    return [str(DEPLOY / "redis.conf"), "--aclfile", str(path)]


def note_denied(client: redis.Redis) -> None:
    """Remember what a server has denied, in words; one that does not answer has nothing to say."""
    with suppress(redis.RedisError), client:
        denied.extend(
            f"{row['username']}: {row['reason']} {row['object']} ({row['context']})"
            for row in client.acl_log()
        )
