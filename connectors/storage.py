"""Objects in storage: listed without following links, opened only as the regular files that were listed."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from dqv.core.errors import ItemError, SourceError


@dataclass(frozen=True, slots=True)
class Listed:
    """One name found.

    Attributes:
        path: relative to the source, as bytes, "/" between parts.
        kind: file, link, special (FIFO, socket, device) or unreadable (a folder that cannot be listed).
        identity: "device:inode", the same for two names of one file.
    """

    path: bytes
    kind: str
    size_bytes: int
    mtime_ns: int
    identity: str


def list_folder(source: str) -> Iterator[Listed]:
    """List every name under a folder, in no particular order, never following a link.

    Raises:
        SourceError: it is not there, not a folder, or cannot be listed.
    """
    root = os.fsencode(source)
    try:
        if not stat.S_ISDIR(os.stat(root).st_mode):  # noqa: PTH116  names are bytes here
            raise SourceError(f"{source} is not a folder; give the folder that holds the dataset")
        os.close(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
    except FileNotFoundError:
        raise SourceError(f"there is no folder {source}; check the name") from None
    except OSError as error:
        raise SourceError(f"{source} cannot be listed: {error.strerror}; check its rights") from error
    yield from _walk(root)


def _walk(root: bytes) -> Iterator[Listed]:
    folders = [b""]
    while folders:
        folder = folders.pop()
        try:
            entries = os.scandir(os.path.join(root, folder))  # noqa: PTH118
        except OSError:
            if not folder:
                raise SourceError(f"{os.fsdecode(root)} cannot be listed; check its rights") from None
            yield Listed(folder, "unreadable", 0, 0, "")
            continue
        with entries:
            for entry in entries:
                path = folder + b"/" + entry.name if folder else entry.name
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # gone since
                    yield Listed(path, "unreadable", 0, 0, "")
                    continue
                if stat.S_ISDIR(status.st_mode):
                    folders.append(path)
                else:
                    yield Listed(
                        path, _kind(status.st_mode), status.st_size, status.st_mtime_ns,
                        f"{status.st_dev}:{status.st_ino}",
                    )  # fmt: skip


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "special"


def open_object(source: str, path: bytes, size_bytes: int, mtime_ns: int, identity: str) -> io.BufferedReader:
    """Open the regular file that was listed, and no other.

    Every folder on the way is opened without following links, so nothing outside the source is reached
    even when names change meanwhile.

    Raises:
        ItemError: `changed` when it is not the file that was listed, `io` when it cannot be opened.
    """
    parts = path.split(b"/")
    try:
        descriptor = os.open(os.fsencode(source), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            descriptor = _step(descriptor, part, os.O_DIRECTORY)
        descriptor = _step(descriptor, parts[-1], os.O_NONBLOCK)
    except OSError as error:
        kind = "changed" if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR) else "io"
        raise ItemError(kind, f"cannot be opened: {os.strerror(error.errno or 0)}") from error
    try:
        _check(descriptor, size_bytes, mtime_ns, identity)
    except ItemError:
        os.close(descriptor)
        raise
    return io.BufferedReader(io.FileIO(descriptor), BLOCK_BYTES)


def _step(folder: int, name: bytes, flags: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    finally:
        os.close(folder)


def check_unchanged(file: BinaryIO, size_bytes: int, mtime_ns: int, identity: str) -> None:
    """The open file is still the one that was listed; asked before and after reading.

    Raises:
        ItemError: `changed`.
    """
    _check(file.fileno(), size_bytes, mtime_ns, identity)


def _check(descriptor: int, size_bytes: int, mtime_ns: int, identity: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ItemError("changed", "is no longer a regular file")
    inode = identity.partition(":")[2]  # the device's number differs from machine to machine
    if (status.st_size, status.st_mtime_ns, str(status.st_ino)) != (size_bytes, mtime_ns, inode):
        raise ItemError("changed", "size, time or identity differ from when it was listed")


@dataclass(slots=True)
class Reads:
    """What was asked of the storage, and what came."""

    requests: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """One request that gave so many bytes."""
        self.requests += 1
        self.bytes += size


class _View(io.RawIOBase):
    def __init__(self, descriptor: int, reads: Reads) -> None:
        self._descriptor = descriptor
        self._reads = reads
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if base is None:
            base = os.fstat(self._descriptor).st_size
        if base + offset < 0:
            raise OSError(errno.EINVAL, "negative position")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(block)] = block
        self._position += len(block)
        self._reads.add(len(block))
        return len(block)


BLOCK_BYTES = 1 << 20
"""What is asked for at a time where all of an object is read."""


def view(file: BinaryIO, reads: Reads, block_bytes: int = BLOCK_BYTES) -> BinaryIO:
    """Another look at an open file, with a position of its own, from the start.

    A name that is opened again may be another file by then; an open file is always itself. Closing the
    view leaves the file open.

    Args:
        file: from `open_object`.
        reads: every request is counted there.
        block_bytes: what a request asks for at least.
    """
    return io.BufferedReader(_View(file.fileno(), reads), block_bytes)
