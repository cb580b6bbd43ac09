"""What every storage gives: names as they are listed, and objects that are opened as they were listed."""

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

BLOCK_BYTES = 1 << 20
"""What is asked for at a time where all of an object is read."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One name found.

    Attributes:
        path: relative to the source, as bytes, "/" between parts.
        kind: file, link, special (FIFO, socket, device) or unreadable (a folder that cannot be listed).
        mtime_ns: since 1970 UTC; 0 where the storage does not tell.
        identity: of a local file "device:inode", the same for two names of one file; else "etag:…", "version:…" or
            whatever else tells that it is still the same bytes; empty where nothing does.
    """

    path: bytes
    kind: str
    size_bytes: int
    mtime_ns: int
    identity: str


def time_of(mtime_ns: int) -> int:
    """A storage time as a listing holds it; 0 for one outside 1677 … 2262, which 64 bits have no room for."""
    return mtime_ns if -(1 << 63) <= mtime_ns < 1 << 63 else 0


@dataclass(slots=True)
class Reads:
    """What was asked of the storage, and what came."""

    requests: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """One request that gave so many bytes."""
        self.requests += 1
        self.bytes += size


class Stored(ABC):
    """An object of a storage, opened as it was listed."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """As it is now."""

    @abstractmethod
    def view(self, reads: Reads, block_bytes: int = BLOCK_BYTES) -> io.BufferedReader:
        """A look at it, with a position of its own, from the start; closing that leaves the object open.

        A name that is opened again may be another object by then; an open object is always itself. Reading raises
        ItemError, "changed", where it is no longer what was listed, and OSError.

        Args:
            reads: every request is counted there.
            block_bytes: what a request asks for at least; under BLOCK_BYTES only few places are going to be read.
        """

    @abstractmethod
    def check_unchanged(self) -> None:
        """It is still the one that was listed; asked before and after reading.

        Raises:
            ItemError: "changed".
        """

    @abstractmethod
    def close(self) -> None:
        """Let it go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ranged(Stored):
    """An object that a storage gives in ranges."""

    @abstractmethod
    def read(self, start: int, size: int, reads: Reads, *, whole: bool) -> bytes:
        """At most `size` bytes from `start`; none at the end.

        Args:
            start: of the first byte.
            size: at most.
            reads: where a request is counted.
            whole: most of the object is going to be read, in order; else a few places of it.

        Raises:
            ItemError: "changed", it is no longer what was listed.
            OSError: it cannot be read.
        """

    def view(self, reads: Reads, block_bytes: int = BLOCK_BYTES) -> io.BufferedReader:
        """As `Stored`."""
        return io.BufferedReader(_View(self, reads, whole=block_bytes >= BLOCK_BYTES), block_bytes)


class InMemory(Stored):
    """What stands inside of another object, and is held as a whole."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size_bytes(self) -> int:
        """Of the content."""
        return len(self._data)

    def view(self, reads: Reads, block_bytes: int = BLOCK_BYTES) -> io.BufferedReader:
        """As `Stored`; nothing is asked of a storage."""
        return io.BufferedReader(io.BytesIO(self._data))

    def check_unchanged(self) -> None:
        """Nobody else has it."""

    def close(self) -> None:
        """Nothing to let go."""


class Store(Protocol):
    """Where objects are."""

    def listed(self) -> Iterator[Listed]:
        """Every name, in no particular order.

        Raises:
            SourceError: it cannot be listed.
        """

    def open(self, path: bytes, size_bytes: int, mtime_ns: int, identity: str) -> Stored:
        """Open what was listed, and nothing else.

        Raises:
            ItemError: "changed", or "io" where it cannot be opened.
        """

    def expect(self, objects: Sequence[tuple[bytes, int, int, str]]) -> None:
        """These are opened next, in this order, and read whole: they may be fetched ahead.

        Args:
            objects: path, size, time and identity as for `open`.
        """


class _View(io.RawIOBase):
    def __init__(self, stored: Ranged, reads: Reads, *, whole: bool) -> None:
        self._stored = stored
        self._reads = reads
        self._whole = whole
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence)
        if base is None:
            base = self._stored.size_bytes
        if base + offset < 0:
            raise OSError("negative position")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        block = self._stored.read(self._position, len(buffer), self._reads, whole=self._whole)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
