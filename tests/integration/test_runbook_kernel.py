"""What deploy/runbook.md says of the kernel is what Redis and Valkey look at."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from servers import binary

RUNBOOK = Path(__file__).parents[2] / "deploy/runbook.md"
# Names of the checks by the settings that they are about.
CHECKS = {
    "vm.overcommit_memory": "overcommit",
    "/sys/kernel/mm/transparent_hugepage/enabled": "THP",
}


def shown():
    """Return the settings of the section's table, with their values."""
    section = RUNBOOK.read_text().partition("### Kernel of the host")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE)
    return {setting: re.findall(r"`(\w+)`", values) for setting, values in rows}


def verdict(setting):
    """Return what must be said of the value that this machine's kernel has."""
    path = Path("/proc/sys") / setting.replace(".", "/") if setting[0] != "/" else Path(setting)
    if not path.exists():  # a kernel without huge pages
        return "skipped"
    text = path.read_text()
    (value,) = re.findall(r"\[(\w+)\]", text) or [text.strip()]
    return "OK" if value in shown()[setting] else "WARNING"


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
@pytest.mark.parametrize("setting", CHECKS)
def test_a_server_warns_where_the_table_says_so(kind, setting):
    """Its own check is content with a value of the table, and with no other."""
    command = [binary(kind), "--check-system"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    (found,) = re.findall(rf"^\[{CHECKS[setting]}\]\.\.\.(\w+)", said, re.MULTILINE)
    assert found == verdict(setting)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_a_server_keeps_huge_pages_from_itself(new_server, kind):
    """As the table says, without a line in its configuration."""
    with new_server(kind).client() as client:
        assert client.config_get("disable-thp") == {"disable-thp": "yes"}


def test_the_table_has_what_is_checked():
    """These settings and no others."""
    assert shown().keys() == CHECKS.keys()
