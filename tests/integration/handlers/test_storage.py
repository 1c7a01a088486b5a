"""Files in S3, in a real server's, and local ones."""

from __future__ import annotations

import io

import pytest

from coordinator.runner import CanceledError, TaskFailedError, storage


@pytest.fixture(params=["s3", "local", "file"])
def place(request, tmp_path):
    """A directory in S3 or on this machine, by its URI."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket').uri}/some/place"
    return f"{'file://' if request.param == 'file' else ''}{tmp_path}/some/place"


def test_trees(place, tmp_path):
    """A directory with others in it goes there and back, with its empty files."""
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "b").write_bytes(b"")
    (source / "deep" / "er" / "a b+c").write_bytes(bytes(range(256)) * 1000)
    storage.store_tree(source, place)
    assert list(storage.names_in(place)) == ["b", "deep/er/a b+c"]
    storage.fetch_tree(place + "/", target)
    assert (target / "deep" / "er" / "a b+c").read_bytes() == bytes(range(256)) * 1000
    assert (target / "b").read_bytes() == b""


def test_files_appear_as_a_whole(place):
    """Nothing is stored of a file whose writing failed; else all of it."""
    uri = storage.child_of(place, "out")

    def write(text, then):
        with storage.open_to_write(uri) as file:
            file.write(text)
            then()

    with pytest.raises(ZeroDivisionError):
        write(b"half", lambda: 1 / 0)
    with pytest.raises(TaskFailedError, match="Cannot be read"), storage.open_to_read(uri):
        pass
    write(b"all of it", io.BytesIO)
    with storage.open_to_read(uri) as file:
        assert file.read() == b"all of it"


def test_copies_between_places(bucket, tmp_path):
    """From S3 to S3, to a local file and back."""
    first = bucket.put("first", "content")
    storage.copy(first, f"{bucket.uri}/second")
    storage.copy(f"{bucket.uri}/second", str(tmp_path / "third"))
    storage.copy(str(tmp_path / "third"), str(tmp_path / "fourth"))
    storage.copy(str(tmp_path / "fourth"), f"{bucket.uri}/fifth")
    assert bucket.keys() == ["fifth", "first", "second"]
    assert bucket.get("fifth") == "content"


def test_directories_are_no_prefixes(bucket, tmp_path):
    """What only begins like the directory is not in it, nor is the marker of the directory."""
    for key in ("data/", "data/a", "data-old/b", "datax"):
        bucket.put(key, "x")
    storage.fetch_tree(f"{bucket.uri}/data", tmp_path / "t")
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["a"]


def test_more_than_a_page(bucket):
    """A directory of more than a thousand objects is read to its end."""
    for number in range(1002):
        bucket.put(f"d/{number:04}", "")
    assert len(list(storage.names_in(f"{bucket.uri}/d"))) == 1002


def test_keys_that_lead_out(bucket, tmp_path):
    """A key with .. in it is refused, and nothing is written outside of the directory."""
    bucket.put("d/../../evil", "x")
    with pytest.raises(TaskFailedError, match="lead out"):
        storage.fetch_tree(f"{bucket.uri}/d", tmp_path / "a" / "b")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("size", [1000, 20_000_000])
def test_a_transfer_is_broken_off(bucket, tmp_path, size):
    """A check that raises ends a transfer, both ways."""
    uri = bucket.put("a", b"x" * size)

    def check():
        raise CanceledError("canceled")

    with pytest.raises(CanceledError):
        storage.fetch(uri, tmp_path / "a", check)
    (tmp_path / "b").write_bytes(b"x" * size)
    with pytest.raises(CanceledError):
        storage.store(tmp_path / "b", f"{bucket.uri}/b", check)
    assert bucket.keys() == ["a"]


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://no-such-bucket-here/key", "s3://no-such-bucket-here/key: "),
        ("/no/such/file", "No such file"),
        ("hdfs://host/file", "Neither a local path nor an s3:// URI: 'hdfs://host/file'"),
    ],
)
def test_what_cannot_be_read(s3, tmp_path, uri, reason):
    """The message names the URI and the reason."""
    assert s3
    with pytest.raises(TaskFailedError, match=reason) as caught:
        storage.fetch(uri, tmp_path / "a")
    assert caught.value.error_id == "StagingFailed"
