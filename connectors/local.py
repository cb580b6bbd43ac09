"""A folder: listed without following links, its files opened only as they were listed."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence

from dqv.connectors.objects import Listed, Ranged, Reads, time_of
from dqv.core.errors import ItemError, SourceError


class Folder:
    """A folder of files: a `Store`.

    Attributes:
        path: as the user gave it.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def listed(self) -> Iterator[Listed]:
        """Every name under the folder, never following a link.

        Raises:
            SourceError: it is not there, not a folder, or cannot be listed.
        """
        root = os.fsencode(self.path)
        try:
            if not stat.S_ISDIR(os.stat(root).st_mode):  # noqa: PTH116  names are bytes here
                raise SourceError(f"{self.path} is not a folder; give the folder that holds the dataset")
            os.close(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
        except FileNotFoundError:
            raise SourceError(f"there is no folder {self.path}; check the name") from None
        except OSError as error:
            raise SourceError(f"{self.path} cannot be listed: {error.strerror}; check its rights") from error
        yield from _walk(root)

    def open(self, path: bytes, size_bytes: int, mtime_ns: int, identity: str) -> "File":
        """Open the regular file that was listed, and no other.

        Every folder on the way is opened without following links, so nothing outside the source is reached
        even when names change meanwhile.

        Raises:
            ItemError: `changed` when it is not the file that was listed, `io` when it cannot be opened.
        """
        parts = path.split(b"/")
        try:
            descriptor = os.open(os.fsencode(self.path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for part in parts[:-1]:
                descriptor = _step(descriptor, part, os.O_DIRECTORY)
            descriptor = _step(descriptor, parts[-1], os.O_NONBLOCK)
        except OSError as error:
            kind = "changed" if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR) else "io"
            raise ItemError(kind, f"cannot be opened: {os.strerror(error.errno or 0)}") from error
        file = File(
            os.fsencode(self.path) + b"/" + path,
            descriptor,
            (size_bytes, mtime_ns, identity.partition(":")[2]),
        )
        try:
            file.check_unchanged()
        except ItemError:
            file.close()
            raise
        return file

    def expect(self, objects: Sequence[tuple[bytes, int, int, str]]) -> None:
        """The system reads ahead by itself."""


class File(Ranged):
    """An open file.

    Attributes:
        path: under which it was opened.
    """

    def __init__(self, path: bytes, descriptor: int, listed: tuple[int, int, str]) -> None:
        self.path = os.fsdecode(path)
        self._descriptor = descriptor
        self._listed = listed  # size, time, inode; the device's number differs from machine to machine

    @property
    def size_bytes(self) -> int:
        """As it is now."""
        return os.fstat(self._descriptor).st_size

    def read(self, start: int, size: int, reads: Reads, *, whole: bool) -> bytes:
        """As `Ranged`."""
        block = os.pread(self._descriptor, size, start)
        reads.add(len(block))
        return block

    def check_unchanged(self) -> None:
        """As `Stored`."""
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ItemError("changed", "is no longer a regular file")
        if (status.st_size, time_of(status.st_mtime_ns), str(status.st_ino)) != self._listed:
            raise ItemError("changed", "size, time or identity differ from when it was listed")

    def close(self) -> None:
        """As `Stored`."""
        os.close(self._descriptor)


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
                        path, _kind(status.st_mode), status.st_size, time_of(status.st_mtime_ns),
                        f"{status.st_dev}:{status.st_ino}",
                    )  # fmt: skip


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "special"


def _step(folder: int, name: bytes, flags: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    finally:
        os.close(folder)
