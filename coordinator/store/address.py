"""Where Redis is: the parts of a ``COORDINATOR_REDIS_URL``.

Examples::

    redis://user:password@host:6379/0          rediss://host:6380?ssl_ca_certs=/etc/ssl/redis.pem
    unix:///run/redis.sock?db=1                redis+cluster://a:7000,b:7000,c:7000
    redis+sentinel://:password@a:26379,b:26379/mymaster/0?sentinel_password=other

Options: ``db``, ``ssl`` (true or false, for the last two), ``ssl_ca_certs``, ``ssl_certfile``,
``ssl_keyfile``, ``ssl_check_hostname`` (true or false), ``sentinel_username``,
``sentinel_password``. The TLS options count for sentinels and for the nodes of a cluster too.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from coordinator.config import URL_SCHEMES, ConfigError
from coordinator.errors import UnavailableError

PORT = 6379
SENTINEL_PORT = 26379
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
OPTIONS = ("db", "ssl", "ssl_check_hostname", *FILES, "sentinel_username", "sentinel_password")
_FILE = "the password file of Redis (COORDINATOR_REDIS_PASSWORD_FILE)"
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One server: a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path or f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """How to introduce ourselves to a server; the same for every server of a URL."""

    username: str = ""
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    """Has the password instead; it is read anew at each login, so that it can be changed."""
    db: int = 0
    client_name: str = ""
    ssl_options: dict[str, Any] = field(default_factory=dict)
    """redis-py's keyword arguments for TLS; empty without TLS."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """The same, as asyncio wants it."""

    def secret(self) -> str:
        """Return the password; empty: there is none.

        Raises:
            UnavailableError: the file cannot be read, or is empty.
        """
        if self.password_file is None:
            return self.password
        try:
            secret = self.password_file.read_text("utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UnavailableError(
                f"{_FILE} {self.password_file} cannot be read: {reason}"
            ) from None
        if not secret:
            raise UnavailableError(f"{_FILE} {self.password_file} is empty")
        return secret


@dataclass(frozen=True, slots=True)
class Location:
    """A parsed URL: `kind` is ``single``, ``sentinel`` or ``cluster``."""

    kind: str
    endpoints: tuple[Endpoint, ...]
    login: Login
    master_name: str = ""
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)


def parse(url: str, client_name: str = "", password_file: str = "") -> Location:
    """Parse the URL of a server, a group of sentinels, or a cluster.

    Args:
        url: as above.
        client_name: what CLIENT LIST shows.
        password_file: has the password, which the URL then must not have.

    Raises:
        ConfigError: the URL cannot be used; the message never shows a password.
    """
    if not url.startswith(URL_SCHEMES):
        raise ConfigError(f"The Redis URL must start with one of {', '.join(URL_SCHEMES)}.")
    try:
        parts = urlsplit(url)
        return _location(parts, _options(parts), client_name, password_file)
    except (ValueError, OSError) as error:
        raise ConfigError(f"The Redis URL cannot be used: {error}.") from None


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    if not set(options) <= set(OPTIONS):
        raise ValueError(f"it has an unknown option; there are {', '.join(OPTIONS)}")
    return options


def _location(
    parts: SplitResult, options: dict[str, str], client_name: str, password_file: str
) -> Location:
    kind = parts.scheme.partition("+")[2] or "single"
    segments = [] if parts.scheme == "unix" else parts.path.strip("/").split("/")
    master_name = segments.pop(0) if kind == "sentinel" else ""
    if kind == "sentinel" and not master_name:
        raise ValueError("a sentinel URL ends with the name of the master, as in /mymaster")
    if password_file and parts.password:
        raise ValueError("it has a password, and COORDINATOR_REDIS_PASSWORD_FILE names another")
    ssl_options = _ssl_options(parts.scheme, options)
    login = Login(
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        password_file=Path(password_file) if password_file else None,
        db=_db(options, segments, kind),
        client_name=client_name,
        ssl_options=ssl_options,
        tls=_tls(ssl_options),
    )
    return Location(
        kind,
        _endpoints(parts, kind),
        login,
        unquote(master_name),
        options.get("sentinel_username", ""),
        options.get("sentinel_password", ""),
    )


def _db(options: dict[str, str], segments: list[str], kind: str) -> int:
    text = options.get("db") or "/".join(segments) or "0"
    if not text.isascii() or not text.isdigit():
        raise ValueError(
            "the database must be a number (a / in a password is written %2F, see docs/redis.md)"
        )
    if kind == "cluster" and int(text) != 0:
        raise ValueError("a cluster has only database 0")
    return int(text)


def _endpoints(parts: SplitResult, kind: str) -> tuple[Endpoint, ...]:
    if parts.scheme == "unix":
        return (Endpoint(path=unquote(parts.path)),)
    default = SENTINEL_PORT if kind == "sentinel" else PORT
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if kind == "single" and len(hosts) > 1:
        raise ValueError("it names several hosts; use redis+cluster:// or redis+sentinel://")
    return tuple(_endpoint(host, default) for host in hosts)


def _endpoint(text: str, default: int) -> Endpoint:
    parts = urlsplit(f"//{text}")
    try:
        port = parts.port
    except ValueError:
        # The text may be half of a password that was not encoded: do not repeat it.
        raise ValueError("a port is not a number, or a password is not percent-encoded") from None
    return Endpoint(parts.hostname or "127.0.0.1", default if port is None else port)


def _ssl_options(scheme: str, options: dict[str, str]) -> dict[str, Any]:
    if scheme != "rediss" and not _boolean(options, "ssl", default=False):
        return {}
    files = {name: _file(name, options[name]) for name in FILES if name in options}
    check = _boolean(options, "ssl_check_hostname", default=True)
    return {"ssl": True, "ssl_check_hostname": check, **files}


def _file(name: str, path: str) -> str:
    """See that a file can be read: the error of OpenSSL does not say which cannot."""
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{name}={path} cannot be read: {error.strerror}") from None
    return path


def _tls(ssl_options: dict[str, Any]) -> ssl.SSLContext | None:
    if not ssl_options:
        return None
    context = ssl.create_default_context(cafile=ssl_options.get("ssl_ca_certs"))
    context.check_hostname = ssl_options["ssl_check_hostname"]
    if certificate := ssl_options.get("ssl_certfile"):
        context.load_cert_chain(certificate, ssl_options.get("ssl_keyfile"))
    return context


def _boolean(options: dict[str, str], name: str, *, default: bool) -> bool:
    text = options.get(name)
    if text is not None and text not in _BOOLEANS:
        raise ValueError(f"{name} must be true or false")
    return default if text is None else _BOOLEANS[text]
