"""The claims that a video file's own structure makes, held against the object's size, without decoding anything.

A demuxer is built to play what there is: half a file plays, and its header says the whole. So the structure is
walked here, in bounded work whatever the bytes say:

| family | what is walked | what it shows |
|---|---|---|
| MP4, MOV, 3GP | top-level boxes; the `moov` box held in memory: sample tables, rotation | boxes and samples beyond the end |
| MKV, WebM | EBML header, segment, its elements as long as their sizes are known; rotation | segment or cluster beyond the end |
| AVI | the chain of RIFF chunks | a chunk beyond the end |
| FLV | the last tag, found from its size behind it | an incomplete last tag |
| MPEG-TS, M2TS | the packet's length | a part of a packet at the end |
| MPEG-PS | the chain of packets in the last 128 KiB | a packet beyond the end |
| ASF, WMV | top-level objects | an object beyond the end |

Not seen here: a cut on the border of TS packets, and cuts in streams that state no size (live recordings).
"""

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from dqv.core.errors import ItemError
from dqv.measure.media import Tick
from dqv.measure.structure import ebml_element, read_at, truncated

MAX_PARTS = {True: 1_000_000, False: 64}
"""Boxes or elements that are walked on the top level: in full mode, and where only the header is read."""

MOOV_BYTES = 64 * 2**20
"""A larger `moov` is left to FFmpeg."""

TRACKS_BYTES = 2**20
TAIL_BYTES = 128 * 1024
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")


@dataclass(slots=True)
class Structure:
    """What a file's structure says.

    Attributes:
        family: mp4, matroska, avi, flv, mpegts, mpegps, asf, or other.
        end: what stands behind it belongs to no part and is not given to FFmpeg, which would search it byte by byte.
        coded_bytes: the most that coded samples can take, from the sizes of `mdat` and the sample tables; None
            where a header cannot say.
        degrees: of rotation, by the stream's index.
        moov: its first byte's place and its bytes; None where there is none in memory.
    """

    family: str
    end: int
    coded_bytes: int | None = None
    degrees: dict[int, float] = field(default_factory=dict)
    moov: tuple[int, bytes] | None = None


class Window(io.RawIOBase):
    """The object up to where its structure ends; `moov`, once read, comes from memory."""

    def __init__(self, inner: BinaryIO, structure: Structure) -> None:
        self._inner = inner
        self._end = structure.end
        self._first, self._kept = structure.moov or (0, b"")
        self._at = 0

    @property
    def failed(self) -> OSError | None:
        """The stream's own error, which demux.opened raises instead of FFmpeg's."""
        return getattr(self._inner, "failed", None)

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file does; fewer bytes at the borders of what is kept."""
        left = max(0, self._end - self._at)
        size = left if size is None or size < 0 else min(size, left)
        into = self._at - self._first
        if 0 <= into < len(self._kept):
            data = self._kept[into : into + size]
        elif size:
            if into < 0 and self._kept:
                size = min(size, -into)
            self._inner.seek(self._at)
            data = self._inner.read(size)
        else:
            data = b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As a file does."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """As a file does."""
        return self._at

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True


def walk(file: BinaryIO, size_bytes: int, tick: Tick, *, full: bool) -> Structure:
    """Walk the structure of an object.

    Args:
        file: seekable; left anywhere.
        size_bytes: of the object.
        tick: called for every part.
        full: walk every top-level part; otherwise the first 64.

    Raises:
        ItemError: "truncated", where a part claims bytes behind the object's end; "video" for a size that is none.
    """
    head = read_at(file, 0, 600)
    limit = MAX_PARTS[full]
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"):
        return _boxes_of_file(file, size_bytes, limit, tick)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(file, size_bytes, limit, tick)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return _avi(file, size_bytes, limit, tick)
    if head[:3] == b"FLV":
        return _flv(file, size_bytes)
    if head[:16] == _ASF_HEADER:
        return _asf(file, size_bytes, limit, tick)
    if head[:4] == b"\0\0\1\xba":
        return _program_stream(file, size_bytes)
    for packet, first in ((188, 0), (192, 4), (204, 0)):
        marks = head[first::packet]
        if len(marks) >= 2 and set(marks) == {0x47}:
            if size_bytes % packet:
                last = size_bytes - size_bytes % packet
                raise truncated(f"the packet at byte {last}", size_bytes, last + packet)
            return Structure("mpegts", size_bytes)
    return Structure("other", size_bytes)


# -- MP4 ----------------------------------------------------------------------------------------------------------


def _boxes_of_file(file: BinaryIO, size_bytes: int, limit: int, tick: Tick) -> Structure:
    """ISO 14496-12, 4.2: boxes one behind the other."""
    found = Structure("mp4", size_bytes)
    place = media = 0
    fragmented = False
    for _ in range(limit):
        if size_bytes - place < 8:
            break
        tick()
        head = read_at(file, place, 16)
        kind = head[4:8]
        if (not kind.isalnum() and kind != b"url ") or len(head) < 8:
            break  # no box: bytes behind the last one
        size, own = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, own = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = size_bytes - place
        if size < own:
            raise ItemError("video", f"a box at byte {place} claims {size} bytes, fewer than its own header")
        if size > size_bytes - place:
            raise truncated(f"the box at byte {place}", size_bytes, place + size)
        if kind == b"mdat":
            media += size - own
        elif kind == b"moof":
            fragmented = True
        elif kind == b"moov" and found.moov is None and size <= MOOV_BYTES:
            found.moov = (place, read_at(file, place, size))
        place += size
    else:
        media = size_bytes  # not walked to the end: no bound
    found.coded_bytes = min(media, size_bytes)
    if found.moov is not None:
        samples = _tracks(found, size_bytes)
        if samples and not fragmented:
            found.coded_bytes = min(found.coded_bytes, samples)
    return found


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: kind, first byte of the content, end. Stops where none can be."""
    while end - start >= 8:
        size, own = int.from_bytes(data[start : start + 4], "big"), 8
        if size == 1:
            size, own = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if not own <= size <= end - start:
            return
        yield data[start + 4 : start + 8], start + own, start + size
        start += size


def _angle(data: bytes, matrix: int) -> float:
    a, b = struct.unpack_from(">ii", data, matrix)
    return math.degrees(math.atan2(b, a))


def _tracks(found: Structure, size_bytes: int) -> int:
    """Fill `degrees`; returns the bytes that the sample tables of pictures and sound claim."""
    assert found.moov is not None
    data = found.moov[1]
    samples = index = 0
    turned = 0.0
    for moov, moov_at, moov_end in _boxes(data, 0, len(data)):
        if moov != b"moov":
            break
        for kind, at, end in _boxes(data, moov_at, moov_end):
            version = data[at] if at < end else 0
            if kind == b"mvhd" and end - at >= (84 if version == 1 else 72):
                turned = _angle(data, at + (48 if version == 1 else 36))
            elif kind == b"trak":
                samples += _track(found, at, end, index, turned, size_bytes)
                index += 1
    return samples


def _track(found: Structure, at: int, end: int, index: int, turned: float, size_bytes: int) -> int:
    assert found.moov is not None
    data = found.moov[1]
    handler, samples = b"", 0
    for kind, start, stop in _inside(data, at, end, (b"mdia", b"minf", b"stbl")):
        version = data[start] if start < stop else 0
        if kind == b"tkhd" and stop - start >= (96 if version == 1 else 84):
            found.degrees[index] = turned + _angle(data, start + (52 if version == 1 else 40))
        elif kind == b"hdlr" and not handler:
            handler = data[start + 8 : start + 12]
        elif kind == b"stsz" and stop - start >= 12:
            each, count = struct.unpack_from(">II", data, start + 4)
            sizes = np.frombuffer(data, ">u4", min(count, (stop - start - 12) // 4), start + 12)
            samples = each * count if each else int(sizes.sum(dtype=np.int64))
        elif kind in (b"stco", b"co64") and stop - start >= 8:
            width = 4 if kind == b"stco" else 8
            count = min(int.from_bytes(data[start + 4 : start + 8], "big"), (stop - start - 8) // width)
            places = np.frombuffer(data, f">u{width}", count, start + 8)
            if handler in (b"vide", b"soun") and count and int(places.max()) >= size_bytes:
                raise ItemError(
                    "truncated",
                    f"the sample table of track {index} points at byte {int(places.max())}, "
                    f"behind the object's {size_bytes} bytes",
                )
    return samples if handler in (b"vide", b"soun") else 0


def _inside(data: bytes, start: int, end: int, into: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places, and those in boxes of these kinds (one inside the other: bounded depth)."""
    for kind, at, stop in _boxes(data, start, end):
        if into and kind == into[0]:
            yield from _inside(data, at, stop, into[1:])
        else:
            yield kind, at, stop


# -- Matroska -----------------------------------------------------------------------------------------------------

_SEGMENT, _CLUSTER, _TRACKS = 0x18538067, 0x1F43B675, 0x1654AE6B
_TRACK, _VIDEO, _PROJECTION, _ROLL = 0xAE, 0xE0, 0x7670, 0x7675


def _matroska(file: BinaryIO, size_bytes: int, limit: int, tick: Tick) -> Structure:
    """RFC 9559: an EBML header, then a segment of elements."""
    found = Structure("matroska", size_bytes)
    place, end, whole = 0, size_bytes, False
    for _ in range(limit):
        if place >= end:
            break
        tick()
        element = ebml_element(read_at(file, place, 12))
        if element is None:
            break
        identity, size, own = element
        if size is None and identity != _SEGMENT:
            break
        if size is not None and size > size_bytes - place - own:
            raise truncated(f"the element at byte {place}", size_bytes, place + own + size)
        if identity == _SEGMENT:
            whole = size is not None
            if size is not None:
                end = found.end = place + own + size
            place += own
            continue
        if identity == _CLUSTER and whole:
            break  # the segment's own size holds, so what it holds is there
        if identity == _TRACKS and size is not None and size <= TRACKS_BYTES:
            _rolls(read_at(file, place + own, size), found)
        place += own + (size or 0)
    return found


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while (element := ebml_element(data, at)) is not None and element[1] is not None:
        identity, size, start = element
        at = start + (size or 0)
        yield identity, data[start:at]


def _rolls(tracks: bytes, found: Structure) -> None:
    entries = [body for identity, body in _children(tracks) if identity == _TRACK]
    for index, entry in enumerate(entries):
        bodies = [entry]
        for wanted in (_VIDEO, _PROJECTION, _ROLL):
            bodies = [inner for body in bodies for identity, inner in _children(body) if identity == wanted]
        if bodies and len(bodies[0]) in (4, 8):
            roll = struct.unpack(">f" if len(bodies[0]) == 4 else ">d", bodies[0])[0]
            if math.isfinite(roll):
                found.degrees[index] = roll


# -- the others ---------------------------------------------------------------------------------------------------


def _avi(file: BinaryIO, size_bytes: int, limit: int, tick: Tick) -> Structure:
    place = 0
    for _ in range(limit):
        tick()
        head = read_at(file, place, 8)
        if head[:4] != b"RIFF" or len(head) < 8:
            break
        size = int.from_bytes(head[4:8], "little")
        if size in (0, 2**32 - 1):  # never finished, or more than the field holds
            break
        if size > size_bytes - place - 8:
            raise truncated(f"the RIFF chunk at byte {place}", size_bytes, place + 8 + size)
        place += 8 + size + size % 2
    return Structure("avi", size_bytes)


def _flv(file: BinaryIO, size_bytes: int) -> Structure:
    """Adobe's FLV, annex E: behind every tag its size stands again."""
    last = int.from_bytes(read_at(file, max(0, size_bytes - 4), 4), "big")
    place = size_bytes - 4 - last
    head = read_at(file, place, 11) if place >= 9 and last >= 11 else b""
    if len(head) < 11 or head[0] & 0x1F not in (8, 9, 18) or int.from_bytes(head[1:4], "big") + 11 != last:
        raise ItemError("truncated", f"no complete tag ends at the object's {size_bytes} bytes")
    return Structure("flv", size_bytes)


def _asf(file: BinaryIO, size_bytes: int, limit: int, tick: Tick) -> Structure:
    place = 0
    for _ in range(limit):
        tick()
        head = read_at(file, place, 24)
        size = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or size < 24:  # the end, or a broadcast that states none
            break
        if size > size_bytes - place:
            raise truncated(f"the object at byte {place}", size_bytes, place + size)
        place += size
    return Structure("asf", size_bytes)


def _program_stream(file: BinaryIO, size_bytes: int) -> Structure:
    """ISO 13818-1, 2.5: packs and packets; a chain from a pack in the last bytes must end with the object."""
    first = max(0, size_bytes - TAIL_BYTES)
    tail = read_at(file, first, TAIL_BYTES)
    at = -1
    while (at := tail.find(b"\0\0\1\xba", at + 1)) >= 0:
        stop = _packs(tail, at)
        if stop is not None:
            if stop > len(tail):
                raise truncated(f"the packet at byte {first + at}", size_bytes)
            break
    return Structure("mpegps", size_bytes)


def _packs(tail: bytes, at: int) -> int | None:
    """Where the chain of packs from `at` ends; None where it breaks: that was no pack."""
    while at < len(tail):
        code = tail[at : at + 4]
        if len(code) < 4:
            return len(tail) + 1 if code == b"\0\0\1\0"[: len(code)] else None
        if code == b"\0\0\1\xb9":
            return len(tail)
        if code == b"\0\0\1\xba":
            second = tail[at + 4 : at + 14]
            if second and second[0] >> 6 == 1:
                at += 14 + (second[9] & 7 if len(second) == 10 else 0)
            else:
                at += 12
        elif code[:3] == b"\0\0\1" and code[3] > 0xBA:
            at += 6 + int.from_bytes(tail[at + 4 : at + 6], "big")
        else:
            return None
    return at


def covered(places: np.ndarray, sizes: np.ndarray, end: int) -> int:
    """How many bytes of [0, end) lie in at least one of the intervals [place, place + size)."""
    starts = np.clip(places, 0, end)
    stops = np.clip(places + sizes, 0, end)
    order = np.argsort(starts, kind="stable")
    starts, stops = starts[order], stops[order]
    reached = np.maximum.accumulate(stops)
    begins = np.maximum(starts[1:], reached[:-1])
    more = int(np.maximum(reached[1:] - begins, 0).sum()) if len(starts) > 1 else 0
    return (int(stops[0] - starts[0]) if len(starts) else 0) + more
