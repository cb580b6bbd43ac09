"""Members of archives as objects of a storage: opened where they are, many of them through one open archive."""

import io
from collections.abc import Callable
from typing import Any, cast

from dqv.connectors.containers.archives import Opener
from dqv.connectors.objects import BLOCK_BYTES, Reads, Store, Stored
from dqv.core.settings import Limits


class _Forwarded(Reads):
    """Counts for whoever reads now."""

    def __init__(self) -> None:
        super().__init__()
        self.to = Reads()

    def add(self, size: int) -> None:
        """As `Reads`."""
        self.to.add(size)


class Archive:
    """An open archive; what is read of it counts for the member that is open."""

    def __init__(self, stored: Stored, limits: Limits, tick: Callable[[], None], block_bytes: int) -> None:
        self.stored = stored
        self._limits = limits
        self._reads = _Forwarded()
        self._opener = Opener(lambda: stored.view(self._reads, block_bytes), limits, tick)

    def view(self, locator: str, reads: Reads, *, streams: bool) -> io.BufferedReader:
        """A look at a member from its start, that can be sought in unless it streams."""
        self._reads.to = reads
        if streams:
            found = self._opener.open(locator)
        else:
            found = self._opener.seekable(locator, self._limits.document_bytes)
        return cast(io.BufferedReader, found)

    def close(self) -> None:
        """Let the archive go."""
        self._opener.close()
        self.stored.close()


class OpenMember(Stored):
    """A member of an open archive."""

    def __init__(self, archive: Archive, locator: str, size_bytes: int, *, streams: bool) -> None:
        self._archive = archive
        self._locator = locator
        self._size = size_bytes
        self._streams = streams

    @property
    def size_bytes(self) -> int:
        """As the archive says."""
        return self._size

    def view(self, reads: Reads, block_bytes: int = BLOCK_BYTES) -> io.BufferedReader:
        """As `Stored`; what can be sought in is held, or stored as it is."""
        return self._archive.view(self._locator, reads, streams=self._streams)

    def check_unchanged(self) -> None:
        """As the archive is."""
        self._archive.stored.check_unchanged()

    def close(self) -> None:
        """The archive stays open for the next one."""


_MOST_OPEN = 2
_open: dict[tuple[Any, ...], Archive] = {}


def open_member(
    store: Store, outer: tuple[bytes, int, int, str], locator: str, size_bytes: int, limits: Limits,
    tick: Callable[[], None], block_bytes: int, *, streams: bool,
) -> Stored:  # fmt: skip
    """Open a member; the archive stays open for the next one.

    Args:
        store: where the archive is.
        outer: path, size, time and identity of the archive, as for `Store.open`.
        locator: of the member.
        size_bytes: idem.
        limits: `document_bytes` is held at most, of a member that is compressed.
        tick: called at every read; an archive that was opened for another is opened anew.
        block_bytes: as for `Stored.view`.
        streams: it is read from the front to the end, and may be larger than what is held.

    Raises:
        ItemError: as `Store.open`.
    """
    key = (store, outer, tick, block_bytes)
    archive = _open.pop(key, None) or Archive(store.open(*outer), limits, tick, block_bytes)
    _open[key] = archive  # the last of them is the one used last
    while len(_open) > _MOST_OPEN:
        _open.pop(next(iter(_open))).close()
    return OpenMember(archive, locator, size_bytes, streams=streams and size_bytes > limits.document_bytes)


def close_archives() -> None:
    """Let all archives go."""
    while _open:
        _open.popitem()[1].close()
