"""Podman as the engine of docker-compose, with storage and a socket of its own.

Needs root, and Debian's podman, buildah, runc, netavark and aardvark-dns. Nothing that another
podman of the machine has is seen or touched.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from servers import _die_with_parent
from waiting import wait_until

START_SECONDS = 30
STOP_SECONDS = 30
# Many sandboxes forbid raising limits, so that each container must ask for what it may have.
LIMITS = ["nofile=1024:1024", "nproc=4096:4096"]


class Engine:
    """A podman of its own.

    Args:
        cache: folder of its images, which stay there for the next time.
    """

    def __init__(self, cache: Path) -> None:
        self.storage = cache / "storage"
        self.directory = Path(tempfile.mkdtemp(prefix="deploy-"))
        self.socket = self.directory / "podman.sock"
        self.log = self.directory / "podman.log"
        self._service: subprocess.Popen[bytes] | None = None
        self._configure()

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which podman, buildah and docker-compose find this engine."""
        return {
            **os.environ,
            "CONTAINERS_CONF": str(self.directory / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf"),
            "DOCKER_HOST": f"unix://{self.socket}",
        }

    def start(self) -> None:
        """Start the service and wait until it listens.

        What a run that was killed has left is taken away.
        """
        self._clear()
        command = ["podman", "system", "service", "--time", "0", f"unix://{self.socket}"]
        with self.log.open("ab") as log:
            self._service = subprocess.Popen(
                command,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads here
            )
        wait_until(self.socket.exists, START_SECONDS)

    def close(self) -> None:
        """Remove what is left of containers and volumes, and stop the service."""
        self._clear()
        if self._service is not None:
            self._service.terminate()
            self._service.wait(STOP_SECONDS)

    def _clear(self) -> None:
        """Remove all containers and volumes; images stay."""
        with suppress(subprocess.CalledProcessError):
            self.run("podman", "rm", "--all", "--force", "--time", "0")
            self.run("podman", "volume", "rm", "--all", "--force")

    def run(self, *command: str, stdin: IO[bytes] | None = None) -> str:
        """Run a command of this engine; return what it wrote, without a newline at its end.

        Raises:
            subprocess.CalledProcessError: it failed; what it wrote to stderr is a note of it.
        """
        done = subprocess.run(
            command, env=self.environment, stdin=stdin, capture_output=True, check=False
        )
        try:
            done.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(done.stderr.decode(errors="replace")[-3000:])
            raise
        return done.stdout.decode(errors="replace").strip()

    def has_image(self, name: str) -> bool:
        """Tell whether there is an image of this name."""
        with suppress(subprocess.CalledProcessError):
            self.run("podman", "image", "exists", name)
            return True
        return False

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what podman knows of a container."""
        (found,) = json.loads(self.run("podman", "container", "inspect", container))
        return dict(found)

    def _configure(self) -> None:
        """Write its configuration: runc, since crun wants cgroups of one version only."""
        self._write(
            "containers.conf",
            f"[containers]\ndefault_ulimits = {json.dumps(LIMITS)}\n[engine]\n"
            'runtime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'[network]\nnetwork_config_dir = "{self.directory}/networks"\n',
        )
        self._write(
            "storage.conf",
            f'[storage]\ngraphroot = "{self.storage}"\nrunroot = "{self.directory}/run"\n',
        )

    def _write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)
