"""Parts of archives as files, never copied: what can only be read forward, and what can be sought in."""

import io
import os
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from dqv.core.errors import ItemError

_SKIP_BYTES = 1 << 20


class Readable(Protocol):
    """Something to read from: all that is asked for, and less at its end alone."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""


class Stream(io.RawIOBase):
    """Bytes that come one after the other. `read` gives less than asked for at the end alone.

    Its parts read through it and move it on, so only the one opened last can be read.

    Attributes:
        at: bytes read or skipped so far.
        size_bytes: None where only the end will tell.

    Reading raises ItemError: "truncated" where the bytes end before `size_bytes`; "archive" where the last byte
    is read and the sum of all is not `crc32`; what the source raises, again and again.
    """

    def __init__(
        self,
        inner: Readable,
        size_bytes: int | None,
        on_read: Callable[[int], None],
        crc32: int | None = None,
    ) -> None:
        self.at = 0
        self.size_bytes = size_bytes
        self._inner = inner
        self._start = inner.at if isinstance(inner, Stream) else 0
        self._on_read = on_read
        self._crc32 = crc32
        self._sum = self._summed_bytes = 0
        self._failed: ItemError | OSError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        if self._failed is not None:
            raise self._failed.with_traceback(None)
        if self.size_bytes is not None:
            left = max(0, self.size_bytes - self.at)
            size = left if size is None or size < 0 or size > left else size
            if not size and self.at:
                return b""
        elif size is None:
            size = -1
        try:
            data = self._fetch(size)
            if len(data) < size and self.size_bytes is not None:
                raise ItemError("truncated", f"ends at byte {self.at + len(data)} of {self.size_bytes}")
            if self._crc32 is not None:
                self._verify(data)
        except (ItemError, OSError) as error:
            self._failed = error
            raise
        self.at += len(data)
        self._on_read(len(data))
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any buffer in typeshed
        """The next bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """All that is left."""
        return self.read(-1)

    def reach(self, offset: int) -> None:
        """Go on to a place.

        Raises:
            ItemError: "truncated", there are not so many bytes.
            ValueError: it lies behind.
        """
        if offset < self.at:
            raise ValueError(f"a stream at byte {self.at} does not go back to {offset}")
        while self.at < offset:
            if not self.read(min(_SKIP_BYTES, offset - self.at)):
                raise ItemError("truncated", f"ends at byte {self.at}, before byte {offset}")

    def read_at(self, offset: int, size: int) -> bytes:
        """Bytes from a place on."""
        self.reach(offset)
        return self.read(size)

    def part(self, offset: int, size_bytes: int, crc32: int | None = None) -> "Stream":
        """The bytes of a member, as a stream of its own."""
        self.reach(offset)
        return Stream(self, size_bytes, _nothing, crc32)  # this one already tells of what is read

    def buffered(self) -> io.BufferedReader:
        """A file that can be read in small pieces."""
        size = _SKIP_BYTES // 4 if self.size_bytes is None else self.size_bytes
        return io.BufferedReader(self, max(1, min(size, _SKIP_BYTES // 4)))

    def _fetch(self, size: int) -> bytes:
        if isinstance(self._inner, Stream) and self._inner.at != self._start + self.at:
            raise ValueError("another member of the same stream was opened meanwhile")
        return self._inner.read(size)

    def _verify(self, data: bytes) -> None:
        end = self.at + len(data)
        if self.at <= self._summed_bytes <= end:
            new = data if self.at == self._summed_bytes else data[self._summed_bytes - self.at :]
            self._sum = zlib.crc32(new, self._sum)
            self._summed_bytes = end
            if end == self.size_bytes and self._sum != self._crc32:
                raise ItemError("archive", f"the checksum of a member's {end} bytes is wrong; pack it again")


class Window(Stream):
    """Bytes [start, start + size_bytes) of a file that can be sought in; any number may share the file."""

    def __init__(
        self,
        file: BinaryIO,
        start: int,
        size_bytes: int,
        on_read: Callable[[int], None],
        crc32: int | None = None,
    ) -> None:
        super().__init__(file, size_bytes, on_read, crc32)
        self.size_bytes: int = size_bytes
        self._file = file
        self._start = start

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise OSError("negative position")
        self.at = base + offset
        return self.at

    def tell(self) -> int:
        """As files do."""
        return self.at

    def reach(self, offset: int) -> None:
        """Go to a place, forward or back.

        Raises:
            ItemError: "truncated", there are not so many bytes.
        """
        if offset > self.size_bytes:
            raise ItemError("truncated", f"ends at byte {self.size_bytes}, before byte {offset}")
        self.at = offset

    def part(self, offset: int, size_bytes: int, crc32: int | None = None) -> "Window":
        """The bytes of a member, as a window of its own."""
        self.reach(offset + size_bytes)
        return Window(self._file, self._start + offset, size_bytes, self._on_read, crc32)

    def _fetch(self, size: int) -> bytes:
        self._file.seek(self._start + self.at)
        return self._file.read(size)


def _nothing(_: int) -> None:
    pass
