import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqv.connectors.local import Folder
from dqv.connectors.objects import Listed, Reads
from dqv.core.errors import ItemError, SourceError


def listed(folder: Path) -> dict[bytes, Listed]:
    return {each.path: each for each in Folder(str(folder)).listed()}


def opened(folder: Path, each: Listed) -> bytes:
    with Folder(str(folder)).open(each.path, each.size_bytes, each.mtime_ns, each.identity) as file:
        return file.view(Reads()).read()


def test_files_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_bytes(b"x")
    found = listed(tmp_path)
    assert list(found) == [b"a/b/c.txt"]
    assert opened(tmp_path, found[b"a/b/c.txt"]) == b"x"


def test_a_folder_that_contains_itself_by_a_link_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert {path: each.kind for path, each in listed(tmp_path).items()} == {b"a.txt": "file", b"loop": "link"}


def test_fifos_sockets_and_links_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.txt"))
        (tmp_path / "link.txt").symlink_to("/etc/hostname")
        kinds = {path: each.kind for path, each in listed(tmp_path).items()}
    assert kinds == {b"fifo.txt": "special", b"socket.txt": "special", b"link.txt": "link"}


def test_names_that_are_not_utf8_are_bytes(tmp_path: Path) -> None:
    name = b"\xb2\xe2\xca\xd4\n.txt"
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
        file.write(b"x")
    found = listed(tmp_path)
    assert list(found) == [name]
    assert opened(tmp_path, found[name]) == b"x"


def test_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SourceError, match="there is no folder"):
        list(Folder(str(tmp_path / "none")).listed())
    with pytest.raises(SourceError, match="not a folder"):
        list(Folder(str(tmp_path / "file")).listed())


def test_a_folder_inside_that_cannot_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def closed(path: bytes) -> object:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert listed(tmp_path)[b"closed"].kind == "unreadable"


def test_the_root_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: bytes) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(SourceError, match="check its rights"):
        list(Folder(str(tmp_path)).listed())


@pytest.mark.parametrize("change", ["content", "gone", "link", "fifo", "folder"])
def test_another_file_under_the_same_name_is_not_opened(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x")
    each = listed(tmp_path)[b"a.txt"]
    if change == "content":
        path.write_bytes(b"xy")
    else:
        path.unlink()
    if change == "link":
        path.symlink_to("/etc/hostname")
    elif change == "fifo":
        os.mkfifo(path)
    elif change == "folder":
        path.mkdir()
    with pytest.raises(ItemError) as caught:
        opened(tmp_path, each)
    assert caught.value.kind == "changed"


def test_a_folder_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "source" / "a", tmp_path / "outside"
    inside.mkdir(parents=True)
    (inside / "x.txt").write_bytes(b"x")
    each = listed(tmp_path / "source")[b"a/x.txt"]
    inside.rename(outside)
    inside.symlink_to(outside)
    with pytest.raises(ItemError) as caught:
        opened(tmp_path / "source", each)
    assert caught.value.kind == "changed"


def test_descriptors_are_not_left_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_bytes(b"x")
    each = listed(tmp_path)[b"a/x.txt"]
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    opened(tmp_path, each)
    with pytest.raises(ItemError):
        Folder(str(tmp_path)).open(b"a/none.txt", 1, 1, "1:1")
    with pytest.raises(ItemError):
        Folder(str(tmp_path)).open(b"a/x.txt", 9, 1, "1:1")
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_a_view_has_a_position_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    each = listed(tmp_path)[b"x"]
    with Folder(str(tmp_path)).open(each.path, each.size_bytes, each.mtime_ns, each.identity) as file:
        one, other = file.view(Reads()), file.view(Reads())
        one.seek(5)
        assert other.read(3) == b"012"
        other.seek(-2, os.SEEK_END)
        assert other.read() == b"89"
        assert one.read() == b"56789"


def test_every_request_to_the_storage_is_counted(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789" * 10)
    reads, each = Reads(), listed(tmp_path)[b"x"]
    with Folder(str(tmp_path)).open(each.path, each.size_bytes, each.mtime_ns, each.identity) as file:
        view = file.view(reads, block_bytes=16)
        assert view.read(3) == b"012"
        assert (reads.requests, reads.bytes) == (1, 16)
        view.read(3)
        assert (reads.requests, reads.bytes) == (1, 16)
        view.seek(-4, os.SEEK_END)
        assert view.read(4) == b"6789"
        assert (reads.requests, reads.bytes) == (2, 20)


@pytest.mark.parametrize("year", [2200, 2400])
def test_a_time_that_64_bits_do_not_hold_is_none(tmp_path: Path, year: int) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"x")
    seconds = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    os.utime(file, (seconds, seconds))
    if int(file.stat().st_mtime) != seconds:
        pytest.skip("the file system does not hold such a time")
    each = listed(tmp_path)[b"a.txt"]
    assert each.mtime_ns == (seconds * 10**9 if year < 2262 else 0)
    assert opened(tmp_path, each) == b"x"
