"""Debian's Alertmanager, with the routes that are shipped and a webhook as the receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from prometheus_server import Program

SHIPPED = Path(__file__).parents[1] / "deploy/alertmanager/alertmanager.yml"
RECEIVER = "on-call"


class Alertmanager(Program):
    """An Alertmanager that tells a webhook what `on-call` is told, at once.

    Args:
        directory: where it has its files.
        webhook: URL that notifications are posted to; without one nobody is told.
    """

    def __init__(self, directory: Path, webhook: str = "") -> None:
        path = directory / "alertmanager.yml"
        arguments = [f"--config.file={path}", f"--storage.path={directory}/alerts"]
        # Without an address for its peers it would look for a private one of this machine.
        arguments.append("--cluster.listen-address=")
        super().__init__(
            ("prometheus-alertmanager", "prometheus-alertmanager"), directory, arguments
        )
        path.write_text(yaml.safe_dump(_configuration(webhook)))

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return what it has, by the alert's name: receivers, and state."""
        return {row["labels"]["alertname"]: row for row in self.get("api/v2/alerts")}


def _configuration(webhook: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    if webhook:
        (receiver,) = (one for one in config["receivers"] if one["name"] == RECEIVER)
        receiver["webhook_configs"] = [{"url": webhook}]
    return config
