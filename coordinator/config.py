"""Settings, read once from ``COORDINATOR_*`` environment variables.

All durations are seconds and may be fractions. Nothing is read at import; an invalid value stops
the start with one sentence per variable (`ConfigError`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path  # noqa: TC003 - pydantic resolves the annotation at run time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from coordinator.rates import Rate, parse_rates

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "COORDINATOR_"
Seconds = Annotated[float, Field(ge=0.001, le=31_536_000, allow_inf_nan=False)]
ALARM_URL = re.compile(r"https?://[^/?#\s@]+([/?#]\S*)?", re.IGNORECASE)
REGION = re.compile(r"[a-z0-9-]{1,64}")
URL_SCHEMES = ("redis://", "rediss://", "unix://", "redis+sentinel://", "redis+cluster://")


class ConfigError(ValueError):
    """A setting has a value that the coordinator cannot use."""


class Settings(BaseSettings):
    """Every setting, with its default; the environment variable is ``COORDINATOR_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    redis_url: str = Field("", description="where Redis is; empty starts an embedded Valkey")
    redis_password_file: str = Field("", description="file with the password of Redis")
    redis_timeout: Seconds = Field(1.5, description="how long an answer of Redis may take")
    data_dir: Path = Field(".coordinator", validate_default=True, description="embedded data")
    durability: str = Field("everysec", description="everysec, always, or replicas:N")
    ack_timeout: Seconds = Field(120, description="from the hand-out to the first report")
    progress_timeout: Seconds = Field(
        900, description="between two reports, unless the object says"
    )
    stale_after: Seconds = Field(
        300, description="silence after which metrics show a lease as stale; it is not taken"
    )
    poll_wait: Annotated[float, Field(ge=0, le=90)] = Field(20, description="how long a poll waits")
    drain_delay: Annotated[float, Field(ge=0, le=60)] = Field(
        1, description="from SIGTERM, when /readyz says no, to the end of listening"
    )
    outage_threshold: Annotated[float, Field(ge=0.5, le=31_536_000)] = Field(
        10, description="a gap in due work that counts as an outage; the loop sleeps up to 0.2 s"
    )
    outage_grace: Seconds = Field(120, description="time to report after an outage")
    max_lost_leases: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="leases lost or given up in a row before FAILED"
    )
    maximum_retries: Annotated[int, Field(ge=0, le=1000)] = Field(
        2, description="retries of an object that names none"
    )
    retry_delay: Annotated[float, Field(ge=0, le=31_536_000)] = Field(
        600, description="delay before a retry of an object that names none"
    )
    failure_mode: Literal["none", "cascade"] = Field(
        "none", description="failureAndRerunMode of an object that names none"
    )
    active_intervals: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="unfinished intervals of a schedule whose activities name no number"
    )
    backfill_guard: Literal["off", "warn", "refuse"] = Field(
        "warn", description="what is done of a schedule that begins more than a day ago"
    )
    max_body: Annotated[int, Field(ge=65536, le=64 << 20)] = Field(
        24 << 20, description="largest request body, bytes; an expression may have 20 MiB"
    )
    max_headers: Annotated[int, Field(ge=8192, le=1 << 20)] = Field(
        65536, description="largest head of a request, bytes"
    )
    max_inflight: Annotated[int, Field(ge=1 << 20, le=1 << 36)] = Field(
        256 << 20, description="bytes of request bodies that a replica holds at a time"
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10_000, description="open connections of a replica; idle ones make room"
    )
    request_timeout: Seconds = Field(30, description="how long a request may take to be sent")
    max_polls: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        5000, description="polls under way at a time, of an account on a replica; 0: any number"
    )
    max_pending: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        0, description="unfinished instances of an account in each shard; 0: any number"
    )
    rates: Annotated[dict[str, Rate], NoDecode] = Field(
        default_factory=dict, description="calls a second, by operation; aws: those of AWS"
    )
    resource_groups: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Type=group,… for objects with runsOn"
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host names accepted besides loopback ones"
    )
    history_days: Annotated[float, Field(ge=1 / 24, le=3650)] = Field(
        30, description="how long a deleted pipeline is remembered, and an alarm tried"
    )
    alarm_url: str = Field("", description="where alarms are posted whose topic is no URL")
    metrics_groups: Annotated[int, Field(ge=1, le=1000)] = Field(
        50, description="worker groups that metrics name; the rest are added up as other"
    )
    auth: Literal["", "sigv4", "none"] = Field(
        "", description="who may call; empty: sigv4 with a credentials file, else none on loopback"
    )
    credentials_file: str = Field("", description="access keys, their accounts and roles (TOML)")
    region: str = Field("", description="region that calls must be signed for; empty: any")
    tls_certificate: str = Field("", description="certificate chain of the service (PEM)")
    tls_key: str = Field("", description="its private key (PEM, not encrypted)")
    admin_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="port of /metrics and health for the inside network; empty: none"
    )
    admin_host: str = Field("", description="address of the admin port; empty: that of the API")
    audit: Literal["off", "changes", "all"] = Field(
        "changes",
        description="calls that the log tells of: off; changes, and refusals; all",
    )
    log_format: Literal["console", "json"] = Field("console", description="how log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged; the audit trail is apart"
    )

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if value and not value.startswith(URL_SCHEMES):
            raise ValueError(f"must start with one of {', '.join(URL_SCHEMES)}")
        return value

    @field_validator("admin_port", mode="before")
    @classmethod
    def _or_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("alarm_url")
    @classmethod
    def _postable(cls, value: str) -> str:
        if value and not ALARM_URL.fullmatch(value):
            raise ValueError("must be an http:// or https:// URL")
        return value

    @field_validator("region")
    @classmethod
    def _a_region(cls, value: str) -> str:
        if value and not REGION.fullmatch(value):
            raise ValueError("must be letters in lower case, digits and hyphens, as in us-east-1")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("durability")
    @classmethod
    def _known_durability(cls, value: str) -> str:
        if not re.fullmatch(r"everysec|always|replicas:[1-9]", value):
            raise ValueError("must be everysec, always, or replicas:N with N from 1 to 9")
        return value

    @field_validator("resource_groups", mode="before")
    @classmethod
    def _parse_pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [item.split("=", 1) for item in value.split(",") if item.strip()]
        if any(len(pair) != 2 or not pair[0].strip() or not pair[1].strip() for pair in pairs):  # noqa: PLR2004
            raise ValueError("must look like Ec2Resource=etl,EmrCluster=big")
        return {key.strip(): group.strip() for key, group in pairs}

    @field_validator("rates", mode="before")
    @classmethod
    def _parse_rates(cls, value: object) -> object:
        return parse_rates(value) if isinstance(value, str) else value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _parse_hosts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(host.strip().lower() for host in value.split(",") if host.strip())

    @property
    def signed(self) -> bool:
        """Whether calls must be signed."""
        return self.auth == "sigv4" or (self.auth == "" and bool(self.credentials_file))


def load(**overrides: object) -> Settings:
    """Read the settings from the environment; `overrides` win.

    Raises:
        ConfigError: a value is invalid; the message has one sentence per variable.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        raise ConfigError("\n".join(_sentences(error))) from error


def unknown(variables: Iterable[str]) -> list[str]:
    """Return a sentence for each name of a variable that looks like a setting and is none."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    found = sorted(n for n in variables if n.startswith(PREFIX) and n not in known)
    return [
        f"{name} is no setting and is ignored; the nearest is "
        f"{get_close_matches(name, known, n=1, cutoff=0)[0]}."
        for name in found
    ]


def _sentences(error: ValidationError) -> list[str]:
    found = [(str(item["loc"][0]), item["msg"], item["input"]) for item in error.errors()]
    return [
        f"{PREFIX}{name.upper()}: {fault.removeprefix('Value error, ')}{_shown(name, value)}."
        for name, fault, value in found
    ]


def _shown(name: str, value: object) -> str:
    """Quote a value, unless it may hold a password."""
    secret = name == "redis_url" or (name == "alarm_url" and "://" in str(value))
    return "" if secret else f" (it is {value!r})"
