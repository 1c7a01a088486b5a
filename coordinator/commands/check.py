"""``coordinator check``: whether Redis is set up as it must be, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from coordinator.commands.certificate import Certificate
from coordinator.commands.inspection import inspect_all
from coordinator.config import ConfigError
from coordinator.domain.credentials import CredentialsError
from coordinator.service.coordinator import build
from coordinator.service.keyring import exposure, load
from coordinator.store.inspection import Finding
from coordinator.store.routing import connect

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.store.router import Router

FAILING_WARNINGS = ("durability", "replication")
COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


async def check(settings: Settings) -> int:
    """Print a table of findings; return 0 if all is well, 1 if anything must be mended.

    It changes nothing: it mends no setting of Redis.

    Raises:
        CoordinatorError: Redis cannot be asked.
    """
    router = connect(
        settings.redis_url,
        timeout=settings.redis_timeout,
        client_name="check",
        password_file=settings.redis_password_file,
    )
    try:
        findings = await inspect_all(router, settings, mend=False)
        if not any(found.about == "permissions" and _fails(found) for _, found in findings):
            findings += [("all", finding) for finding in await _work(router, settings)]
    finally:
        await router.close()
    findings += [("callers", finding) for finding in (*_access(settings), *_tls(settings))]
    table = Table("server", "about", "", "finding")
    for address, finding in findings:
        level = f"[{COLOURS[finding.level]}]{finding.level}[/]"
        table.add_row(address, finding.about, level, finding.sentence)
    Console().print(table)
    return int(any(_fails(finding) for _, finding in findings))


async def _work(router: Router, settings: Settings) -> list[Finding]:
    """Run scripts in every shard, through the same way as a replica does."""
    coordinator = build(settings, router)
    await coordinator.shards.refresh()
    await coordinator.health.check()
    sentence = f"Scripts run in {coordinator.shards.count} shard(s)."
    counts = await coordinator.health.counts()
    return [Finding("ok", "scripts", sentence), _alarms(counts.alarms)]


def _access(settings: Settings) -> list[Finding]:
    """Say who may call, and whether the credentials file can be used."""
    if not settings.signed:
        return [Finding("ok", "access", "Calls need no signature (COORDINATOR_AUTH).")]
    if not settings.credentials_file:
        return [Finding("error", "access", "COORDINATOR_CREDENTIALS_FILE names no file.")]
    path = Path(settings.credentials_file)
    try:
        count = len(load(path))
    except CredentialsError as error:
        return [Finding("error", "access", sentence) for sentence in str(error).split("\n")]
    found = [Finding("ok", "access", f"Calls must be signed; {path} has {count} credential(s).")]
    if sentence := exposure(path):
        found.append(Finding("warning", "access", sentence))
    return found


def _tls(settings: Settings) -> list[Finding]:
    """Say whether the certificate can be used, if there is to be one."""
    try:
        found = Certificate.of(settings)
    except ConfigError as error:
        return [Finding("error", "tls", str(error))]
    certificate = settings.tls_certificate
    return [Finding("ok", "tls", f"{certificate} fits its key.")] if found else []


def _alarms(pending: int) -> Finding:
    if not pending:
        return Finding("ok", "alarms", "No alarm waits to be delivered.")
    sentence = f"{pending} alarm(s) wait to be delivered; DescribePipelines says why (@alarmError)."
    return Finding("warning", "alarms", sentence)


def _fails(finding: Finding) -> bool:
    """An error, or work that is not as durable as it should be."""
    amiss = finding.level == "warning" and finding.about in FAILING_WARNINGS
    return amiss or finding.level == "error"
