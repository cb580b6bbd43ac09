"""The members of a tar: a walk over its headers. v7, ustar, GNU and pax; sparse members are refused.

Not tarfile's, which keeps every member (4 kB each), stops without a word at a broken header, and takes a tar that
was cut off for a whole one.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from dqv.connectors.containers.model import Member, Refused
from dqv.connectors.containers.windows import Stream
from dqv.core.errors import ItemError

MAX_EXTENSION_BYTES = 1 << 20
"""What a pax header or a GNU long name may take; it must be held at once."""

_BLOCK = 512
_HEADER = struct.Struct("100s24x12s12s8sc100x6s82x155s12x")
_ZEROS = bytes(1 << 20)

_REGULAR = b"0\0" + b"7"
_NO_DATA = {
    b"1": "hard-link",
    b"2": "symbolic-link",
    b"3": "not-a-regular-file",
    b"4": "not-a-regular-file",
    b"6": "not-a-regular-file",
}
_KEPT = (b"path", b"size", b"mtime")
_TIME = re.compile(rb"(-?)(\d{1,11})(?:\.(\d*))?")


def walk(source: Stream) -> Iterator[Member | Refused]:
    """All members in storing order; folders without a word. A name may come twice.

    With each Member the source stands at its first byte, where it may be read or left. Whether all of its bytes
    are there has not been looked at.

    Raises:
        ItemError: "archive", a broken header; "truncated", no end mark; "too-large", see MAX_EXTENSION_BYTES.
    """
    at = 0
    everywhere: dict[bytes, bytes] = {}
    here: dict[bytes, bytes] = {}
    while True:
        block = source.read_at(at, _BLOCK)
        if len(block) < _BLOCK:
            raise ItemError("truncated", f"the tar ends at byte {at + len(block)} without its end mark")
        if _ZEROS.startswith(block):
            if here:
                raise ItemError("archive", f"byte {at}: an extended header that no member follows")
            _check_padding(source)
            return
        name, size_field, mtime_field, sum_field, kind, magic, prefix = _HEADER.unpack(block)
        _check_sum(block, sum_field, at)
        size = _number(size_field, at)
        at += _BLOCK
        if kind in b"xXgLK":
            data = _extension(source, at, size)
            if kind == b"L":
                here.setdefault(b"path", data.partition(b"\0")[0])
            elif kind != b"K":
                (everywhere if kind == b"g" else here).update(_records(data, at))
            at += _padded(size)
            continue
        path = name.partition(b"\0")[0]
        if magic == b"ustar\0" and prefix[0]:
            path = prefix.partition(b"\0")[0] + b"/" + path
        mtime_ns = _fitting(_number(mtime_field, at, negative=True) * 1_000_000_000)
        sparse = kind == b"S"
        if sparse:
            at = _behind_map(source, at, block)
        if everywhere or here:
            more = everywhere | here
            here = {}
            path = more.get(b"path") or path
            if more.get(b"size"):
                size = _decimal(more[b"size"], at)
            mtime_ns = _nanoseconds(more.get(b"mtime", b""), mtime_ns)
            sparse = sparse or b"GNU.sparse" in more
            path = more.get(b"GNU.sparse.name") or path
        if sparse:
            error = ItemError("unsupported", f"byte {at}: a sparse member; pack it without --sparse")
            yield Refused(path, "sparse", error, size)
        elif kind in _REGULAR and not (kind == b"\0" and path.endswith(b"/")):
            yield Member(path, size, size, mtime_ns, f"tar:{at}:{size}")
        elif kind in _NO_DATA:
            yield Refused(path, _NO_DATA[kind], None, 0)
            continue
        elif kind == b"5":
            continue
        elif size or kind not in (b"\0", b"D", b"V"):  # folders, their lists and the label of a volume
            # some take what they do not know for files: whatever has bytes is told
            error = ItemError("unsupported", f"byte {at}: a member of type 0x{kind.hex()}, which is not read")
            yield Refused(path, "type-of-member", error, size)
        at += _padded(size)


def _padded(size: int) -> int:
    return size + -size % _BLOCK


def _check_sum(block: bytes, field: bytes, at: int) -> None:
    # adler32 begins with the plain sum, kept under 65521: 256 bytes are always under it.
    sums = zlib.adler32(block[:256]), zlib.adler32(block[256:]), zlib.adler32(field)
    unsigned = (sums[0] & 0xFFFF) + (sums[1] & 0xFFFF) - (sums[2] & 0xFFFF) - 1 + 8 * 32
    if field[:6] != b"%06o" % unsigned and (stated := _number(field, at)) != unsigned:
        signed = unsigned - 256 * sum(
            each > 127 for each in block[:148] + block[156:]
        )  # as some old ones did
        if stated != signed:
            raise ItemError("archive", f"byte {at}: not a tar header, or a broken one; pack it again")


def _number(field: bytes, at: int, *, negative: bool = False) -> int:
    """A number of a header: octal digits, or base 256 behind a first byte of 0x80 or 0xff."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big") - (256 ** (len(field) - 1) if field[0] == 0xFF else 0)
        if value >= 0 or negative:
            return value
    else:
        digits = field.rstrip(b" \0").lstrip(b" ") or b"0"
        try:
            if digits.isdigit():
                return int(digits, 8)
        except ValueError:
            pass
    raise ItemError("archive", f"byte {at}: a header with a number that is none; pack it again")


def _extension(source: Stream, at: int, size: int) -> bytes:
    if size > MAX_EXTENSION_BYTES:
        raise ItemError(
            "too-large", f"byte {at}: an extended header of more than {MAX_EXTENSION_BYTES} bytes"
        )
    data = source.read(size)
    if len(data) < size:
        raise ItemError("truncated", f"the tar ends at byte {at + len(data)} in an extended header")
    return data


def _records(data: bytes, at: int) -> dict[bytes, bytes]:
    """Of a pax header what is needed; "GNU.sparse" where any key of that kind is there."""
    found: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 20)
        stop = start + int(data[start:space]) if space > start and data[start:space].isdigit() else 0
        key, equals, value = data[space + 1 : stop - 1].partition(b"=")
        if not space < stop <= len(data) or data[stop - 1 : stop] != b"\n" or not equals:
            raise ItemError("archive", f"byte {at + start}: not a record of a pax header; pack it again")
        if key in _KEPT:
            found[key] = value
        elif key.startswith(b"GNU.sparse."):
            found[b"GNU.sparse"] = b"1"
            if key == b"GNU.sparse.name":
                found[key] = value
        start = stop
    return found


def _decimal(value: bytes, at: int) -> int:
    if len(value) > 20 or not value.isdigit():
        raise ItemError("archive", f"byte {at}: a pax header with a size that is none; pack it again")
    return int(value)


def _nanoseconds(value: bytes, otherwise: int) -> int:
    found = _TIME.fullmatch(value)
    if found is None:
        return otherwise
    sign, seconds, fraction = found.groups(b"")
    nanoseconds = int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, b"0"))
    return _fitting(-nanoseconds if sign else nanoseconds)


def _fitting(mtime_ns: int) -> int:
    return mtime_ns if -(1 << 63) <= mtime_ns < 1 << 63 else 0


def _behind_map(source: Stream, at: int, block: bytes) -> int:
    """Behind the blocks that go on with the map of a GNU sparse member."""
    more = block[482]
    while more:
        block = source.read_at(at, _BLOCK)
        if len(block) < _BLOCK:
            raise ItemError("truncated", f"the tar ends at byte {at + len(block)} in a sparse member")
        at += _BLOCK
        more = block[504]
    return at


def _check_padding(source: Stream) -> None:
    """Nothing but zeros may follow the first block of zeros: what is hidden there would not be counted."""
    while data := source.read(len(_ZEROS)):
        if not _ZEROS.startswith(data):
            raise ItemError("archive", f"before byte {source.at}: something follows the end mark of the tar")
