"""The command ``coordinator``: every part of the product, put together."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from coordinator import __version__, config
from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from coordinator.config import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coordinator")
def cli() -> None:
    """A self-hosted task coordinator that speaks the AWS Data Pipeline API.

    Settings come from COORDINATOR_* environment variables; README.md lists them.
    """


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes behind the address; about one for each core.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API, on the Redis of COORDINATOR_REDIS_URL.

    Where that is not set an embedded Valkey is started.
    """
    from coordinator.commands.serve import serve as run  # noqa: PLC0415 - starts faster

    settings = config.load()
    _log_to_stderr(settings)
    _warn_of_unknown()
    run(settings, host, port, workers)


@cli.command()
@click.option("--endpoint", required=True, help="URL of the coordinator.")
@click.option("--worker-group", required=True, help="Worker group to take tasks of.")
@click.option("--tasks", default=2, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--region",
    default="us-east-1",
    show_default=True,
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    show_envvar=True,
    help="Region to sign for.",
)
@click.option(
    "--profile",
    default=None,
    help="Profile of AWS's configuration files whose key signs, instead of the environment's.",
)
@click.option(
    "--grace", default=30.0, show_default=True, help="Seconds for running tasks after SIGTERM."
)
@click.option("--runner-id", default=None, help="Name in the identity instead of the host's.")
@click.option(
    "--handlers",
    multiple=True,
    metavar="MODULE",
    help="Python module with handlers of yours; may be given several times.",
)
def runner(
    endpoint: str,
    worker_group: str,
    tasks: int,
    region: str,
    profile: str | None,
    grace: float,
    runner_id: str | None,
    handlers: tuple[str, ...],
) -> None:
    """Run the tasks of a worker group on this machine."""
    from coordinator.runner.app import RunnerOptions, run  # noqa: PLC0415 - needs no server parts

    options = RunnerOptions(
        endpoint=endpoint,
        worker_group=worker_group,
        tasks=tasks,
        region=region,
        profile=profile,
        grace=grace,
        runner_id=runner_id,
        handlers=handlers,
    )
    sys.exit(run(options))


@cli.command()
@click.option(
    "--modules",
    default=None,
    type=click.IntRange(min=1),
    metavar="N",
    help="Count only the first N packages and modules.",
)
def demo(modules: int | None) -> None:
    """Run the main job with two of its processes killed.

    On an embedded server two replicas and three runners count Python's standard library. It ends
    with tables, stops everything, and exits 0 if the result is what one process counts by itself.
    """
    try:
        from coordinator.commands.demo.app import run  # noqa: PLC0415 - needs boto3
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error}: the demo needs the extra 'runner'.") from error
    sys.exit(run(modules))


@cli.command()
def check() -> None:
    """Say in words whether all is set up as it must be.

    Looks at Redis, the credentials file and the certificate; exits 1 if anything must be mended.
    """
    from coordinator.commands.check import check as run  # noqa: PLC0415 - starts faster

    settings = _with_redis()
    _log_to_stderr(settings)
    _warn_of_unknown()
    sys.exit(asyncio.run(run(settings)))


@cli.group()
def shards() -> None:
    """Show or raise the number of shards."""


@shards.command()
@click.argument("count", type=click.IntRange(1, 1_000_000))
def grow(count: int) -> None:
    """Raise the number of shards to COUNT, for new pipelines."""
    from coordinator.commands.shards import grow as run  # noqa: PLC0415 - starts faster

    asyncio.run(run(_with_redis(), count))


@shards.command()
def show() -> None:
    """Show how many shards there are."""
    from coordinator.commands.shards import show as run  # noqa: PLC0415 - starts faster

    asyncio.run(run(_with_redis()))


@cli.group()
def credentials() -> None:
    """Make access keys for the credentials file."""


@credentials.command("new")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(("runner", "viewer", "operator")),
    help="What it may do; may be given several times.",
)
@click.option(
    "--worker-group",
    "groups",
    multiple=True,
    metavar="GLOB",
    help="Worker group of a runner, in which * stands for any text; may be given several times.",
)
@click.option("--account", default="local", show_default=True, help="Whose pipelines it works on.")
@click.option("--comment", default="", help="A note for whoever reads the file.")
def credentials_new(
    roles: tuple[str, ...], groups: tuple[str, ...], account: str, comment: str
) -> None:
    """Print a fresh access key, as an entry of the credentials file.

    Nothing is written: append it to the file that COORDINATOR_CREDENTIALS_FILE names, and give the
    pair to whoever is to use it.
    """
    from coordinator.commands.credentials import new  # noqa: PLC0415 - starts faster

    click.echo(new(roles, groups, account, comment), nl=False)


@cli.group()
def lua() -> None:
    """Look at the scripts as Redis gets them."""


@lua.command("show")
@click.argument("name")
def lua_show(name: str) -> None:
    """Print a script with what it includes, as Redis numbers its lines."""
    from coordinator.store import source  # noqa: PLC0415 - starts faster

    if name not in source.names():
        raise click.BadParameter(f"there are: {', '.join(source.names())}")
    for number, line in enumerate(source.load(name).text.splitlines(), 1):
        click.echo(f"{number:4} {line}")


@cli.group()
def bench() -> None:
    """Measure what calls cost, as ratios within one run."""


@bench.command()
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    help="Length of each measurement.",
)
@click.option("--signed", is_flag=True, help="Measure a replica that checks signatures, too.")
def reports(rounds: int, seconds: float, *, signed: bool) -> None:
    """CPU of one ReportTaskProgress against uvicorn's floor."""
    from coordinator.commands.bench.reports import bench_reports  # noqa: PLC0415 - starts faster

    bench_reports(rounds, seconds, signed=signed)


def _with_redis() -> Settings:
    settings = config.load()
    if not settings.redis_url:
        raise click.UsageError(
            "COORDINATOR_REDIS_URL is not set. An embedded server is looked after by "
            "`coordinator serve` alone."
        )
    return settings


def _warn_of_unknown() -> None:
    for sentence in config.unknown(os.environ):
        logging.getLogger("coordinator").warning("%s", sentence)


def _log_to_stderr(settings: Settings) -> None:
    from coordinator.commands.logs import log_to_stderr  # noqa: PLC0415 - starts faster

    log_to_stderr(settings)


def main() -> None:
    """Run the command line; what a user can mend ends as a sentence, not as a traceback."""
    try:
        cli()
    except Exception as error:
        from coordinator.embedded.errors import EmbeddedError  # noqa: PLC0415 - starts faster

        if not isinstance(error, (CoordinatorError, config.ConfigError, EmbeddedError)):
            raise
        click.echo(f"coordinator: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
