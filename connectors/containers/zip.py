"""The members of a zip: its central directory, read twice in little memory, and one member at a time.

Not zipfile's, which holds 0.7 kB a member, takes names that stand there twice and members that overlap, and sets no
bound to what comes out.
"""

import stat
import struct
import zlib
from array import array
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import xxhash

from dqv.connectors.containers.compression import refuse_bomb
from dqv.connectors.containers.model import Member, Refused
from dqv.connectors.containers.windows import Stream, Window
from dqv.core.errors import ItemError
from dqv.core.settings import Limits

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR = 0x0008
_PATCH = 0x0020
_UTF8 = 0x0800
_STORED, _DEFLATED = 0, 8
_UNIX = (3, 19)  # 19: macOS
_FULL = 0xFFFFFFFF  # the value stands in the zip64 field

_INPUT_BYTES = 1 << 16  # what is left of it is copied at each step
_MOST_LINK_BYTES = 4096  # the longest name that a link can lead to
_CHINA = timedelta(hours=8)
_FINE, _DUPLICATE, _OVERLAP = range(3)


class _Directory(NamedTuple):
    start: int
    size_bytes: int
    entries: int
    counted_mod: int  # writers without zip64 let the number of entries run over


class _Entry(NamedTuple):
    name: bytes
    flags: int
    method: int
    time: int
    date: int
    crc32: int
    stored_bytes: int
    size_bytes: int
    mode: int  # of Unix; 0 where another system made it
    disk: int
    offset: int
    shortest_bytes: int  # local header, name and data
    extras: dict[int, bytes]


def walk(source: Window, limits: Limits) -> Iterator[Member | Refused]:
    """All members in the order of the central directory; folders without a word.

    Raises:
        ItemError: "archive", no central directory, or one that breaks midway or is not as it says.
    """
    directory = _find(source)
    doubts = _doubts(source, directory)
    for entry, doubt in zip(_entries(source, directory), doubts, strict=False):  # both end at what is broken
        is_folder = entry.name.endswith(b"/")
        if is_folder and entry.size_bytes == 0 and entry.stored_bytes <= 2:  # deflated, nothing takes two
            continue
        kind = stat.S_IFMT(entry.mode)
        if is_folder or kind not in (0, stat.S_IFREG):
            is_link = kind == stat.S_IFLNK
            if entry.stored_bytes and not (is_link and entry.size_bytes <= _MOST_LINK_BYTES):
                what = f"byte {entry.offset}: bytes of what is said to be no file; pack it as one"
                yield Refused(
                    entry.name, "bytes-of-no-file", ItemError("unsupported", what), entry.stored_bytes
                )
            else:
                why = "symbolic-link" if is_link else "not-a-regular-file"
                yield Refused(entry.name, why, None, entry.stored_bytes)
            continue
        refused = _refusal(entry, doubt, limits)
        if refused is not None:
            yield Refused(entry.name, *refused, entry.stored_bytes)
            continue
        numbers = entry.offset, entry.method, entry.stored_bytes, entry.size_bytes, entry.crc32
        yield Member(
            entry.name, entry.size_bytes, entry.stored_bytes, _mtime_ns(entry),
            "zip:" + ":".join(map(str, numbers)),
        )  # fmt: skip


def member(
    source: Stream,
    numbers: list[int],
    limits: Limits,
    on_read: Callable[[int], None],
) -> Stream:
    """The bytes of a member, as it was listed: a window where it is stored plainly in one.

    Args:
        source: the zip.
        numbers: of its locator: offset, method, stored bytes, size, CRC-32.
        limits: what may come out.
        on_read: told of what comes out of what is compressed.

    Raises:
        ItemError: "archive", the local header says something else; while reading also when the data does.
    """
    offset, method, stored_bytes, size_bytes, crc32 = numbers
    head = source.read_at(offset, _LOCAL.size)
    if len(head) < _LOCAL.size:
        raise ItemError("truncated", f"byte {offset}: the zip ends in a member's header")
    signature, _, flags, method_here, _, _, crc32_here, *sizes, name_bytes, extra_bytes = _LOCAL.unpack(head)
    if _FULL in sizes:  # what comes out stands first in the zip64 field
        extras = _extras(source.read(name_bytes + extra_bytes)[name_bytes:])
        sizes = _fill(sizes[::-1], extras.get(1, b""))[::-1]
    # Where a descriptor follows the data, it has the numbers, and the header zeros or the same.
    fits = all(
        here == there or (here == 0 and flags & _DESCRIPTOR)
        for here, there in ((sizes[0], stored_bytes), (sizes[1], size_bytes), (crc32_here, crc32))
    )
    if signature != b"PK\3\4" or flags & _ENCRYPTED or method_here != method or not fits:
        raise ItemError(
            "archive", f"byte {offset}: a member's own header is not as the directory says; pack it again"
        )
    data = offset + _LOCAL.size + name_bytes + extra_bytes
    if method == _STORED:
        return source.part(data, stored_bytes, crc32)
    return _Inflated(source.part(data, stored_bytes), stored_bytes, size_bytes, crc32, limits, on_read)


class _Inflated(Stream):
    """What comes out of a deflated member.

    Reading raises ItemError: "archive" unless exactly `size_bytes` come out of all that is stored, "bomb".
    """

    size_bytes: int

    def __init__(
        self,
        stored: Stream,
        stored_bytes: int,
        size_bytes: int,
        crc32: int,
        limits: Limits,
        on_read: Callable[[int], None],
    ) -> None:
        super().__init__(stored, size_bytes, on_read, crc32)
        self._stored = stored
        self._stored_bytes = stored_bytes
        self._limits = limits
        self._inflater = zlib.decompressobj(wbits=-15)
        self._input = b""
        self._out_bytes = 0

    def _fetch(self, size: int) -> bytes:
        """So many bytes, less at the end; with the last byte comes the look at the end."""
        pieces = []
        while size and not self._inflater.eof:
            pieces.append(self._step(size))
            size -= len(pieces[-1])
        while self._out_bytes == self.size_bytes and not self._inflater.eof:
            self._step(1)
        if self._out_bytes >= self.size_bytes or self._inflater.eof:
            over = self._stored_bytes - self._stored.at + len(self._input) + len(self._inflater.unused_data)
            if self._out_bytes != self.size_bytes or over:
                raise ItemError(
                    "archive", f"a member holds other than the {self.size_bytes} bytes it says; pack it again"
                )
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _step(self, size: int) -> bytes:
        data = self._input or self._stored.read(_INPUT_BYTES)
        try:
            output = self._inflater.decompress(data, size)
        except zlib.error as error:
            raise ItemError("archive", f"deflate: broken data after {self._out_bytes} bytes") from error
        self._input = self._inflater.unconsumed_tail
        self._out_bytes += len(output)
        if not data and not output and not self._inflater.eof:
            raise ItemError("archive", f"deflate: ends in the middle, after {self._out_bytes} bytes")
        refuse_bomb(self._out_bytes, self._stored.at, self._limits)
        return output


def _find(source: Window) -> _Directory:
    """Where the central directory is; the end record must be the last thing in the zip."""
    tail_at = max(0, source.size_bytes - _LOCATOR64.size - _END.size - 0xFFFF)
    tail = source.read_at(tail_at, source.size_bytes - tail_at)
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            *numbers, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment == len(tail):
                break
        at = tail.rfind(b"PK\5\6", 0, at + 3)
    if at < 0:
        raise ItemError("archive", "no zip, or one that was cut off: it has no end record; copy it again")
    _, disk, directory_disk, _, entries, size, start = numbers
    stop, counted_mod = tail_at + at, 1 << 16
    if at >= _LOCATOR64.size and tail[at - _LOCATOR64.size :].startswith(b"PK\6\7"):
        locator_at = stop - _LOCATOR64.size
        _, _, stop, _ = _LOCATOR64.unpack_from(tail, at - _LOCATOR64.size)
        record = source.read_at(stop, _END64.size) if stop <= locator_at - _END64.size else b""
        if not record.startswith(b"PK\6\6"):
            raise ItemError("archive", "the zip64 end record is not where its locator says; pack it again")
        _, length, _, _, disk, directory_disk, _, entries, size, start = _END64.unpack(record)
        counted_mod = 1 << 64
        if stop + 12 + length != locator_at:
            raise ItemError("archive", "the zip64 end record is not as long as it says; pack it again")
    if disk or directory_disk:
        raise ItemError("unsupported", "a zip in several volumes; pack it into one file")
    if start + size != stop:
        raise ItemError("archive", "the central directory is not where the end record says; pack it again")
    return _Directory(start, size, entries, counted_mod)


def _entries(source: Window, directory: _Directory) -> Iterator[_Entry]:
    stream = source.part(directory.start, directory.size_bytes).buffered()
    count = 0
    left = directory.size_bytes
    while left:
        head = stream.read(_CENTRAL.size)
        if len(head) < _CENTRAL.size or not head.startswith(b"PK\1\2"):
            raise ItemError("archive", f"entry {count} of the central directory is broken; pack it again")
        (
            _, made, _, flags, method, time, date, crc32, stored, size, name_bytes, extra_bytes, comment_bytes,
            disk, _, attributes, offset,
        ) = _CENTRAL.unpack(head)  # fmt: skip
        rest_bytes = name_bytes + extra_bytes + comment_bytes
        left -= _CENTRAL.size + rest_bytes
        if left < 0:
            raise ItemError("archive", f"entry {count} of the central directory is cut off; copy it again")
        rest = stream.read(rest_bytes)
        name, extras = rest[:name_bytes], {}
        if extra_bytes:
            extras = _extras(rest[name_bytes : name_bytes + extra_bytes])
            if 1 in extras:
                size, stored, offset = _fill([size, stored, offset], extras[1])
        count += 1
        yield _Entry(
            _decoded(name, flags, extras), flags, method, time, date, crc32, stored, size,
            attributes >> 16 if made >> 8 in _UNIX else 0, disk, offset,
            _LOCAL.size + name_bytes + stored, extras,
        )  # fmt: skip
    if count % directory.counted_mod != directory.entries:
        raise ItemError(
            "archive", f"the central directory has {count} entries, not {directory.entries}; pack it again"
        )


def _extras(data: bytes) -> dict[int, bytes]:
    """The extra fields, each once; what does not fit behind them is padding."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        key, size = struct.unpack_from("<2H", data, at)
        if at + 4 + size > len(data):
            break
        found.setdefault(key, data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _fill(values: list[int], field: bytes) -> list[int]:
    """Put what stands in the zip64 field where it is wanted."""
    at = 0
    for index, value in enumerate(values):
        if value == _FULL and at + 8 <= len(field):
            (values[index],) = struct.unpack_from("<Q", field, at)
            at += 8
    return values


def _decoded(name: bytes, flags: int, extras: dict[int, bytes]) -> bytes:
    """The name in UTF-8: as flagged, as Info-ZIP's field says, as it is, from cp936, else the bytes stored."""
    if flags & _UTF8 or name.isascii():
        return name
    field = extras.get(0x7075, b"")
    if len(field) > 5 and field[0] == 1 and int.from_bytes(field[1:5], "little") == zlib.crc32(name):
        return field[5:]
    for encoding in ("utf-8", "cp936"):
        try:
            return name.decode(encoding).encode()
        except UnicodeDecodeError:
            pass
    return name


def _doubts(source: Window, directory: _Directory) -> bytes:
    """For each entry, up to where the directory breaks, _FINE, _DUPLICATE or _OVERLAP; 24 bytes each held."""
    hashes, starts, ends = array("Q"), array("Q"), array("Q")
    last = 1 << 63
    try:
        for entry in _entries(source, directory):
            hashes.append(xxhash.xxh3_64_intdigest(entry.name))
            starts.append(min(entry.offset, last))
            ends.append(min(entry.offset + entry.shortest_bytes, last))
    except ItemError:
        pass  # the second pass comes to the same place
    if not hashes:
        return b""
    found = np.zeros(len(hashes), np.uint8)
    names, start, end = (np.frombuffer(each, np.uint64) for each in (hashes, starts, ends))
    order = np.argsort(start, kind="stable")
    reached = np.maximum.accumulate(end[order])
    found[order[1:][start[order[1:]] < reached[:-1]]] = _OVERLAP
    found[order[:-1][end[order[:-1]] > start[order[1:]]]] = _OVERLAP
    found[end > directory.start] = _OVERLAP
    order = np.argsort(names, kind="stable")
    same = names[order[1:]] == names[order[:-1]]
    found[order[1:][same]] = _DUPLICATE
    found[order[:-1][same]] = _DUPLICATE
    return found.tobytes()


def _refusal(entry: _Entry, doubt: int, limits: Limits) -> tuple[str, ItemError] | None:
    """Why a member is not read, if so."""
    at = f"byte {entry.offset}"
    if entry.flags & _ENCRYPTED:
        return "encrypted", ItemError("unsupported", f"{at}: encrypted; pack it without a password")
    if doubt == _DUPLICATE:
        return "duplicate-name", ItemError(
            "archive", f"{at}: another member has the same name; pack it again"
        )
    if doubt == _OVERLAP:
        return "overlap", ItemError("archive", f"{at}: its bytes are also something else's; pack it again")
    if entry.method not in (_STORED, _DEFLATED) or entry.flags & _PATCH or entry.disk:
        what = f"{at}: compression method {entry.method}, a patch, or in another volume; pack it with deflate"
        return "method", ItemError("unsupported", what)
    if entry.method == _STORED and entry.stored_bytes != entry.size_bytes:
        return "size", ItemError("archive", f"{at}: stored as it is, with two sizes; pack it again")
    try:
        refuse_bomb(entry.size_bytes, entry.stored_bytes, limits)
    except ItemError as error:
        return "bomb", error
    return None


def _mtime_ns(entry: _Entry) -> int:
    """The time of Info-ZIP's field, else the local one, which is taken for China's; 0 where it is none."""
    field = entry.extras.get(0x5455, b"")
    if len(field) >= 5 and field[0] & 1:
        return int.from_bytes(field[1:5], "little", signed=True) * 1_000_000_000
    date, time = entry.date, entry.time
    try:
        local = datetime(
            1980 + (date >> 9),
            date >> 5 & 15,
            date & 31,
            time >> 11,
            time >> 5 & 63,
            (time & 31) * 2,
            tzinfo=UTC,
        )
    except ValueError:
        return 0
    return int((local - _CHINA).timestamp()) * 1_000_000_000
