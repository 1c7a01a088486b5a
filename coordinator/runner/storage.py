"""Files at S3 URIs and at local paths, fetched and stored without ever being held in memory."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from coordinator.runner import aws
from coordinator.runner.errors import CanceledError, TaskFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Check = Callable[[], None]

S3 = "s3://"
FILE = "file://"
ERROR_ID = "StagingFailed"
ONE_PART = 8 << 20  # bytes; boto3 sends larger files in several
# Of a HEAD, which has no body to say more; and from services that say more all the same.
NO_SUCH_KEY = {"404", "NoSuchKey", "NotFound"}


def nothing() -> None:
    """Check nothing: a transfer that goes on whatever happens to the task."""


def is_s3(uri: str) -> bool:
    """Whether it names something in S3."""
    return uri.startswith(S3)


def local_path(uri: str) -> Path:
    """Return the path that is meant by a path or a file URI.

    Raises:
        TaskFailedError: it is of another scheme.
    """
    path = uri.removeprefix(FILE)
    if "://" in path:
        raise TaskFailedError(ERROR_ID, f"Neither a local path nor an s3:// URI: {uri!r}.")
    return Path(path)


def child_of(uri: str, name: str) -> str:
    """Return the URI of a file in a directory."""
    return f"{uri.rstrip('/')}/{name}"


def name_of(uri: str) -> str:
    """Return the last part of a URI."""
    return uri.rstrip("/").rpartition("/")[2]


def fetch(uri: str, target: Path, check: Check = nothing) -> None:
    """Copy what a URI names to a local file; `check` may raise to break it off.

    Raises:
        TaskFailedError: it cannot be read.
    """
    with _failures(uri, "read"):
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_s3(uri):
            bucket, key = _split(uri)
            aws.client("s3").download_file(bucket, key, str(target), Callback=lambda _: check())
        else:
            shutil.copyfile(local_path(uri), target)


def store(source: Path, uri: str, check: Check = nothing) -> None:
    """Copy a local file to a URI, where it appears as a whole.

    Raises:
        TaskFailedError: it cannot be written.
    """
    check()
    with _failures(uri, "written"):
        if is_s3(uri):
            bucket, key = _split(uri)
            in_parts = source.stat().st_size > ONE_PART
            told = (lambda _: check()) if in_parts else None  # else it is as good as done by then
            aws.client("s3").upload_file(str(source), bucket, key, Callback=told)
        else:
            _replace(source, local_path(uri))


def copy(source: str, target: str, check: Check = nothing) -> None:
    """Copy from URI to URI; within S3 the service does it.

    Raises:
        TaskFailedError: one cannot be read, or the other not be written.
    """
    if is_s3(source) and is_s3(target):
        (bucket, key), (to_bucket, to_key) = _split(source), _split(target)
        with _failures(f"{source} to {target}", "copied"):
            where = {"Bucket": bucket, "Key": key}
            aws.client("s3").copy(where, to_bucket, to_key, Callback=lambda _: check())
    elif is_s3(source):
        with tempfile.TemporaryDirectory() as directory:
            fetch(source, Path(directory) / "file", check)
            store(Path(directory) / "file", target, check)
    else:
        store(local_path(source), target, check)


def has_file(uri: str) -> bool:
    """Whether there is a file, an empty one too.

    Raises:
        TaskFailedError: it cannot be told, as without permission or a bucket.
    """
    with _failures(uri, "looked for"):
        if is_s3(uri):
            return _has_object(*_split(uri))
        mode = _mode(local_path(uri))
        return mode is not None and not stat.S_ISDIR(mode)


def has_directory(uri: str) -> bool:
    """Whether there is a directory; in S3: anything in one.

    Raises:
        TaskFailedError: it cannot be told.
    """
    if is_s3(uri):
        return has_prefix(f"{uri.rstrip('/')}/")
    with _failures(uri, "looked for"):
        mode = _mode(local_path(uri))
        return mode is not None and stat.S_ISDIR(mode)


def has_prefix(uri: str) -> bool:
    """Whether there is any object in S3 whose URI begins so.

    Raises:
        TaskFailedError: it cannot be told.
    """
    with _failures(uri, "looked for"):
        return _has_prefix(*_split(uri))


def names_in(uri: str) -> Iterator[str]:
    """Yield the names of the files in a directory and those below it, relative to it, sorted.

    Raises:
        TaskFailedError: it cannot be listed.
    """
    with _failures(uri, "listed"):
        yield from _s3_names(uri) if is_s3(uri) else _local_names(local_path(uri))


def fetch_tree(uri: str, target: Path, check: Check = nothing) -> None:
    """Copy everything in a directory to a local one."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names_in(uri):
        check()
        fetch(child_of(uri, name), target / name, check)


def store_tree(source: Path, uri: str, check: Check = nothing) -> None:
    """Copy everything in a local directory to a URI."""
    for name in _local_names(source):
        check()
        store(source / name, child_of(uri, name), check)


@contextlib.contextmanager
def open_to_read(uri: str, check: Check = nothing) -> Iterator[IO[bytes]]:
    """Open what a URI names; S3's by way of a temporary file."""
    if not is_s3(uri):
        with _failures(uri, "read"), local_path(uri).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryDirectory() as directory:
        fetch(uri, Path(directory) / "file", check)
        with (Path(directory) / "file").open("rb") as file:
            yield file


@contextlib.contextmanager
def open_to_write(uri: str, check: Check = nothing) -> Iterator[IO[bytes]]:
    """Open a file that is stored at a URI when the block ends without an exception."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        with path.open("wb") as file:
            yield file
        store(path, uri, check)


def _replace(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _local_names(directory: Path) -> Iterator[str]:
    if not directory.is_dir():
        raise NotADirectoryError(f"there is no directory {directory}")
    found = [
        (Path(parent) / name).relative_to(directory).as_posix()
        for parent, _, names in os.walk(directory)
        for name in names
    ]
    yield from sorted(found)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _has_object(bucket: str, key: str) -> bool:
    try:
        aws.client("s3").head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if aws.code_of(error) not in NO_SUCH_KEY:
            raise
        _has_prefix(bucket, key)  # which raises if it is the bucket that is not there
        return False
    return True


def _has_prefix(bucket: str, prefix: str) -> bool:
    pages = aws.client("s3").get_paginator("list_objects_v2")
    wanted = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": 1}
    return any(page.get("Contents") for page in pages.paginate(**wanted))


def _s3_names(uri: str) -> Iterator[str]:
    bucket, key = _split(uri)
    prefix = f"{key.rstrip('/')}/" if key else ""
    for page in (
        aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    ):
        for found in page.get("Contents", []):
            name = found["Key"].removeprefix(prefix)
            if ".." in PurePosixPath(name).parts or name.startswith("/"):
                raise ValueError(f"the key {found['Key']!r} would lead out of its directory")
            if name and not name.endswith("/"):  # consoles make empty objects for directories
                yield name


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix(S3).partition("/")
    return bucket, key


@contextlib.contextmanager
def _failures(uri: str, what: str) -> Iterator[None]:
    try:
        yield
    except (TaskFailedError, CanceledError):
        raise
    except Exception as error:
        raise TaskFailedError(ERROR_ID, f"Cannot be {what}: {uri}: {error}") from error
