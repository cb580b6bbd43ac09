"""Archives as folders: their members listed, and opened one by one where they are; nothing is ever extracted.

A locator is the way to a member from the front of the outermost archive, a step at a time, with "/" between:
`gzip` and `zstd` stand for all that comes out, `tar:OFFSET:SIZE` and `zip:OFFSET:METHOD:STORED:SIZE:CRC32` for a
member of the archive that the steps before lead to.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, cast

import xxhash

from dqv.connectors import layout
from dqv.connectors.containers import tar, zip
from dqv.connectors.containers.compression import decompressed, refuse_bomb
from dqv.connectors.containers.model import Member, Refused, read_up_to
from dqv.connectors.containers.windows import Stream, Window
from dqv.core.errors import ItemError
from dqv.core.settings import Limits

__all__ = ["Member", "Opener", "Refused", "index"]

MAX_NAME_BYTES = 4096
"""A longer name, which no file could have, is cut and its member refused: names can be compressed a thousand times."""

_COMPRESSIONS = ("gzip", "zstd")
_READ_AHEAD_BYTES = 1 << 20
"""A decompressor has taken in at most so much of what it has not given out yet."""


def index(
    file: BinaryIO,
    format: str,
    compression: str | None,
    size_bytes: int,
    limits: Limits,
    tick: Callable[[], None],
) -> Iterator[Member | Refused]:
    """List an archive and the archives inside it, in storing order (a zip: of its directory).

    Folders are passed over; an archive inside is its members, not a member. Where an archive breaks, what was
    listed stays and one Refused stands for the rest. Of a plain tar and a zip only headers are read.

    Args:
        file: the stored bytes, buffered in blocks of some kilobytes: every header is sought for.
        format: tar or zip.
        compression: gzip, zstd or None.
        size_bytes: of the file.
        limits: `archive_members`, `archive_depth`; `expansion` bounds all that comes out, over all archives
            inside; a zip inside that is not stored plainly is held: these together up to `document_bytes`.
        tick: called at every read.

    Raises:
        OSError: of the file, untouched.
    """
    found = _Index(limits, size_bytes, tick)
    root = Window(file, 0, size_bytes, lambda _: tick())
    steps = [] if compression is None else [compression]
    yield from found.walk(
        root, steps, format, b"", size_bytes,
        locator="", depth=limits.archive_depth, hold_bytes=limits.document_bytes,
    )  # fmt: skip


class _Index:
    """One listing; counts over all archives inside."""

    def __init__(self, limits: Limits, size_bytes: int, tick: Callable[[], None]) -> None:
        self._limits = limits
        self._size_bytes = size_bytes
        self._tick = tick
        self._members = 0
        self._out_bytes = 0

    def walk(
        self,
        outer: Stream,
        steps: list[str],
        format: str,
        path: bytes,
        size_bytes: int,
        *,
        locator: str,
        depth: int,
        hold_bytes: int,
    ) -> Iterator[Member | Refused]:
        """List the archive of `size_bytes` to which the steps lead from the one outside.

        `locator` leads to `outer`; `depth` and `hold_bytes` are what is left for this one and those inside.
        """
        prefix = path + b"/" if path else b""
        is_tar, is_compressed = format == "tar", steps[-1:] in (["gzip"], ["zstd"])
        done_bytes = 0
        names: set[int] = set()
        try:
            self._expand(0)
            source = stored = outer
            for step in steps:
                stored = source
                source = _enter(source, step, self._limits, self._expand)
                locator += step + "/"
            if not is_tar and not isinstance(source, Window):
                source = self._held(source, hold_bytes)
                hold_bytes -= source.size_bytes
            for each in tar.walk(source) if is_tar else zip.walk(cast(Window, source), self._limits):
                self._count()
                end_bytes = source.at + each.stored_bytes if is_tar else done_bytes + each.stored_bytes
                kind = layout.archive_kind(os.fsdecode(each.path))
                if is_tar and isinstance(each, Member):  # a zip's list tells them all beforehand
                    name = xxhash.xxh3_64_intdigest(each.path)
                    if name in names:
                        error = ItemError("archive", "an earlier member has the same name; pack it again")
                        each = Refused(each.path, "duplicate-name", error, each.stored_bytes)
                    names.add(name)
                if len(each.path) > MAX_NAME_BYTES:
                    error = ItemError(
                        "too-large", f"a name of more than {MAX_NAME_BYTES} bytes; give it a shorter"
                    )
                    each = Refused(each.path[:MAX_NAME_BYTES], "long-name", error, each.stored_bytes)
                if is_tar and (isinstance(each, Refused) or (kind is not None and depth == 0)):
                    source.reach(end_bytes)  # of what is not there nothing is told but that it is missing
                if isinstance(each, Refused):
                    stored_bytes = min(each.stored_bytes, size_bytes) if not is_tar else each.stored_bytes
                    yield replace(each, path=prefix + each.path, stored_bytes=stored_bytes)
                elif kind is None:
                    if is_tar:
                        source.reach(end_bytes)
                    elif each.stored_bytes != each.size_bytes:
                        self._expand(each.size_bytes)
                    if locator:
                        each = replace(each, path=prefix + each.path, locator=locator + each.locator)
                    yield each
                elif depth == 0:
                    error = ItemError("unsupported", "too many archives inside each other; unpack some")
                    yield Refused(prefix + each.path, "depth", error, each.stored_bytes)
                else:
                    yield from self.walk(
                        source, [each.locator] if kind[1] is None else [each.locator, kind[1]], kind[0],
                        prefix + each.path, each.size_bytes,
                        locator=locator, depth=depth - 1, hold_bytes=hold_bytes,
                    )  # fmt: skip
                done_bytes = max(0, stored.at - _READ_AHEAD_BYTES) if is_compressed else end_bytes
        except ItemError as error:
            yield Refused(path, "broken", error, max(0, size_bytes - done_bytes))

    def _held(self, source: Stream, hold_bytes: int) -> Window:
        data = read_up_to(source.buffered(), hold_bytes, "a zip inside what is compressed")
        return Window(io.BytesIO(data), 0, len(data), lambda _: self._tick())

    def _count(self) -> None:
        self._members += 1
        if self._members > self._limits.archive_members:
            raise ItemError(
                "too-large", f"more than {self._limits.archive_members} members; split the archive"
            )

    def _expand(self, count: int) -> None:
        """So many bytes come out of what is compressed."""
        self._tick()
        self._out_bytes += count
        refuse_bomb(self._out_bytes, self._size_bytes, self._limits)


class Opener:
    """Opens the members of one archive by their locators.

    What is compressed as a whole is decompressed once for all members asked for in storing order; going back
    begins anew.
    """

    def __init__(self, view: Callable[[], BinaryIO], limits: Limits, tick: Callable[[], None]) -> None:
        """Nothing is opened yet.

        Args:
            view: gives the stored bytes, seekable and buffered; called once, closed by `close`.
            limits: `expansion`.
            tick: called at every read.
        """
        self._view = view
        self._limits = limits
        self._tick = tick
        self._file: BinaryIO | None = None
        self._root: Window | None = None
        self._held = "", b""  # locator and bytes of a member
        self._streams: list[tuple[list[str], Stream]] = []
        """The streams that the last locator went through, each inside the one before: the steps to it and it."""

    def open(self, locator: str) -> BinaryIO:
        """The bytes of a member, seekable where all archives around it store theirs plainly.

        Where they do not, opening the next member ends the reading of this one (ValueError), and to open the same
        once more is going back: `seekable` is for what is read twice. Reading raises ItemError: "archive" or
        "truncated" where it is not what was listed, "compression", "bomb".
        """
        steps = locator.split("/")
        source, done = self._nearest(steps)
        for index in range(done, len(steps)):
            source = _enter(source, steps[index], self._limits, self._on_read)
            if not source.seekable() and index + 1 < len(steps):
                self._streams.append((steps[: index + 1], source))
        return source.buffered()

    def seekable(self, locator: str, limit_bytes: int) -> BinaryIO:
        """The bytes of a member, to be sought in: as they are stored, or held in memory, where the last stays.

        So it can be asked for more than once, where `open` would have to begin anew. The whole may be read here.

        Raises:
            ItemError: "too-large", it would have to be held and is over the limit; what reading it raises.
        """
        if locator != self._held[0]:
            file = self.open(locator)
            if file.seekable():
                return file
            self._held = locator, read_up_to(file, limit_bytes, "a member that is compressed")
        return io.BytesIO(self._held[1])

    def close(self) -> None:
        """Close the file; what was opened cannot be read any more."""
        self._streams.clear()
        if self._file is not None:
            self._file.close()

    def _nearest(self, steps: list[str]) -> tuple[Stream, int]:
        """The innermost stream on the way that has not yet passed by, and how many steps lead to it."""
        while self._streams:
            before, stream = self._streams[-1]
            if steps[: len(before)] == before != steps and stream.at <= _offset(steps[len(before)]):
                return stream, len(before)
            self._streams.pop()
        if self._root is None:
            self._file = self._view()
            self._root = Window(self._file, 0, self._file.seek(0, os.SEEK_END), self._on_read)
        if steps[0] in _COMPRESSIONS:  # reads on from where it was: it needs a place of its own
            return self._root.part(0, self._root.size_bytes), 0
        return self._root, 0

    def _on_read(self, _: int) -> None:
        self._tick()


def _enter(source: Stream, step: str, limits: Limits, on_read: Callable[[int], None]) -> Stream:
    """One step of a locator; `on_read` is told of all that comes out of what is compressed."""
    name, *numbers = step.split(":")
    if name == "tar":
        offset, size = map(int, numbers)
        return source.part(offset, size)
    if name == "zip":
        return zip.member(source, [*map(int, numbers)], limits, on_read)
    return Stream(decompressed(lambda: cast(BinaryIO, source), name, limits), None, on_read)


def _offset(step: str) -> int:
    """Where a step begins to read."""
    return 0 if step in _COMPRESSIONS else int(step.split(":")[1])
