"""Pages of docs/ whose programs and commands tests run as they stand, but for their ports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from servers import _die_with_parent
from waiting import wait_until

DOCS = Path(__file__).parents[1] / "docs"
ENDPOINT = "http://127.0.0.1:8080"
SERVING = re.compile(r"on (http://127\.0\.0\.1:\d+)")
COORDINATOR = [sys.executable, "-m", "coordinator.cli"]


def page(name):
    """The text of a page."""
    return (DOCS / name).read_text()


def run_bash(script, directory, environment):
    """Run commands as they stand, in a directory; return what they print, if they succeed."""
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def blocks(text, language):
    """The blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def programs(*texts):
    """The programs, by the file's name that is their first line."""
    named = [block for text in texts for block in blocks(text, "python")]
    return {block.splitlines()[0].removeprefix("# "): block for block in named}


class Workplace:
    """A directory in which processes run; they find modules there, and nothing of AWS is set."""

    def __init__(self, directory):
        self.directory = directory
        self.url = ""
        self._started = []

    def path(self, name):
        """A file of it."""
        return self.directory / name

    def read(self, name):
        """What a file of it says."""
        return self.path(name).read_text()

    def start(self, *arguments, log="log", **more):
        """Start a process; what it writes goes to the file `log`."""
        with self.path(log).open("wb") as output:
            process = subprocess.Popen(
                arguments,
                cwd=self.directory,
                env=self.environment(**more),
                stdout=output,
                stderr=output,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            )
        self._started.append(process)
        return process

    def serve(self, **more):
        """Start a coordinator, and return its URL."""
        self.start(*COORDINATOR, "serve", "--port", "0", log="serve", **more)
        self.url = wait_until(lambda: SERVING.findall(self.read("serve")), 30)[0]
        return self.url

    def write(self, named):
        """Write programs, which ask for the coordinator here."""
        for name, text in named.items():
            self.path(name).write_text(text.replace(ENDPOINT, self.url))

    def environment(self, **more):
        """What processes get; it leads to the coordinator's command too."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COORDINATOR_"))}
        modules = os.pathsep.join([str(self.directory), *filter(None, sys.path)])
        commands = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
        return {**kept, "PYTHONPATH": modules, "PYTHONUNBUFFERED": "1", "PATH": commands, **more}

    def close(self):
        """Kill what still runs."""
        for process in reversed(self._started):
            process.kill()
            process.wait()
        shutil.rmtree(self.path(".coordinator"), ignore_errors=True)


def in_api_form(**fields):
    """An object as the API has it, of one as the guide's JSON has it."""
    name = fields.pop("id")
    flat = [
        {"key": key, "refValue": each["ref"]}
        if isinstance(each, dict)
        else {"key": key, "stringValue": each}
        for key, value in fields.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return {"id": name, "name": name, "fields": flat}


def described(client, pipeline):
    """The fields of every instance."""
    ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    found = client.describe_objects(pipelineId=pipeline, objectIds=ids)["pipelineObjects"]
    return [
        {field["key"]: field.get("stringValue", field.get("refValue")) for field in one["fields"]}
        for one in found
    ]


def ended(client, pipeline):
    """Wait for the end of every instance, and return their fields by component."""
    ends = {"FINISHED", "FAILED", "CASCADE_FAILED", "CANCELED"}

    def look():
        found = described(client, pipeline)
        return found if all(one["@status"] in ends for one in found) else None

    return {one["@componentParent"]: one for one in wait_until(look, 40)}
