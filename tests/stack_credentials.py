"""What deploy/compose/make_credentials.py makes, and a Redis that has it."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import redis
from replicas import Pair
from servers import Server

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "redis/coordinator.acl"
FILES = {
    "coordinator/credentials.toml",
    "coordinator/redis-password",
    "grafana/admin-password",
    "operator/credentials",
    "redis/password",
    "redis/users.acl",
    "runner/credentials",
}
# Who is not root gives files to nobody else; else it is what the container runs.
PROGRAM = """
import os, sys
from pathlib import Path
import make_credentials
if os.getuid():
    make_credentials.USERS = dict.fromkeys(make_credentials.USERS, os.getuid())
make_credentials.main(Path(sys.argv[1]), Path(sys.argv[2]))
"""


class Secrets:
    """The volumes of the credentials, as folders of `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FILES:
            (root / name).parent.mkdir(exist_ok=True)

    def make(self, rules: Path = RULES) -> str:
        """Run it; return what it says."""
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, self.root, rules],
            env=os.environ | {"PYTHONPATH": str(DEPLOY / "compose")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    def texts(self) -> dict[str, str]:
        """Return all files, by where they are."""
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_text() for path in paths}

    def pair(self, role: str) -> Pair:
        """Return the access key that a role's user has."""
        parser = configparser.ConfigParser()
        parser.read(self.root / role / "credentials")
        found = parser["default"]
        return Pair(found["aws_access_key_id"], found["aws_secret_access_key"])

    def password(self, user: str) -> str:
        """Return the password of a user of Redis."""
        place = {"coordinator": "coordinator/redis-password", "admin": "redis/password"}[user]
        return (self.root / place).read_text()


class StackRedis(Server):
    """Debian's Redis with container.conf, whose folders are elsewhere; it has no port."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("redis7")
        self.secrets = secrets

    @property
    def url(self) -> str:
        """Where it is, for the coordinator, which has the password in a file."""
        return f"unix://coordinator@{self.socket}"

    def command_line(self) -> list[str]:
        """Return the command that `start` runs."""
        places = {
            "/etc/redis/": f"{DEPLOY}/redis/",
            "/secrets/": f"{self.secrets.root}/redis/",
            "dir /data": f"dir {self.directory}",
        }
        text = (DEPLOY / "redis/container.conf").read_text()
        for shipped, ours in places.items():
            assert shipped in text
            text = text.replace(shipped, ours)
        path = self.directory / "container.conf"
        path.write_text(text)
        return [str(self.binary), str(path), "--port", "0", "--unixsocket", str(self.socket)]

    def client(self, user: str = "admin") -> redis.Redis:
        """Return a new client that is logged in; close it."""
        password = self.secrets.password(user)
        return redis.Redis(unix_socket_path=str(self.socket), username=user, password=password)
