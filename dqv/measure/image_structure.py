"""What the structure of an image's file says: where the picture ends, its frames, what stands beside it.

Every walk is bounded, and refuses what ends before it says it does.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import xxhash

from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure import exif
from dqv.measure.exif import At
from dqv.measure.structure import truncated

HEADER_BLOCK_BYTES = 16 * 1024
"""What is asked for at a time in header mode: most JPEG headers without a thumbnail end within it."""

MAX_FRAMES = 20_000
"""More frames than that are an attack: tiny ones cost time that no limit of pixels sees."""

MAX_SEGMENTS, MAX_SCANS = 4096, 500
"""Of one JPEG: the first fill 256 MB; libjpeg goes over the whole picture at each scan, and encoders use about ten."""

MAX_BLOCKS = 2_000_000
"""Chunks of one PNG, sub-blocks of one GIF: twice what 256 MB of full blocks of GIF have, and walked in seconds."""

MAX_ENTRIES = 1_000_000
"""Of one TIFF, tags and strips together: directories can lie on top of each other."""

WIDE_SAMPLE_BYTES = 8
"""Of a sample in Pillow's modes of 32 bits, which also stand for 64-bit numbers."""

_READ_BYTES = 1 << 22  # the stream ticks at each
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_TAIL_REVERSED = re.compile(rb"(?:[\xd0-\xd7]?\xff)*")  # fill bytes and restart markers behind the last code
_FILL = re.compile(rb"\xff+(?=\xff)")  # no code holds two such bytes
_ADOBE_BYTES = _SCAN_HEAD_BYTES = 16
_TABLES_BYTES = 4 * (5 + 128) + 8 * (5 + 16 + 256)  # all that one scan can use
_UNCODED_ITEM = re.compile(
    rb"infe(?:\x02...(?P<short>..)|\x03...(?P<long>....))..(?:Exif|mime|grid|iovl|tmap)", re.DOTALL
)
_VALUE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_BOXES = (b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"udta", b"moof", b"mfra")
_NO_DECODER = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "Windows icon"),
    (b"icns", "Apple icon"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"\x01\xda", "SGI"),
    (b"DDS ", "DirectDraw surface"),
    (b"qoif", "QOI"),
    (b"II\xbc\x01", "JPEG XR"),
)


class Source:
    """The object, in blocks as they are asked for, or held as a whole; also the file that Pillow reads headers from.

    Seeking never reaches the stream, so that no offset in the data can make it fail.

    Attributes:
        held: all of it, once `hold` was called.
        failed: the stream's own error.
    """

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.held: bytes | None = None
        self.failed: OSError | None = None
        self._file, self._at = file, 0
        self._start, self._block = 0, b""

    def hold(self, limits: Limits) -> bytes:
        """Read all of it."""
        if self.size_bytes > limits.document_bytes:
            raise ItemError(
                "too-large", f"an image of more than {limits.document_bytes} bytes must be held at once"
            )
        self.held = self._block = self._read(0, self.size_bytes)
        self.size_bytes, self._start = len(self.held), 0
        return self.held

    def at(self, start: int, size: int) -> bytes:
        """Bytes of it; fewer at its end."""
        size = max(0, min(size, self.size_bytes - start))
        skip = start - self._start
        if skip < 0 or skip + size > len(self._block):
            if self.held is not None or not size:
                return b""
            self._block = self._read(start, max(size, HEADER_BLOCK_BYTES))
            self._start, skip = start, 0
        return self._block[skip : skip + size]

    def _read(self, start: int, size: int) -> bytes:
        blocks = []
        try:
            self._file.seek(start)
            while size and (block := self._file.read(min(size, _READ_BYTES))):
                blocks.append(block)
                size -= len(block)
        except OSError as error:
            self.failed = error
            raise
        return b"".join(blocks)

    def read(self, size: int = -1) -> bytes:
        """For Pillow."""
        data = self.at(self._at, self.size_bytes if size < 0 else size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """For Pillow."""
        self._at = max(0, offset + (0, self._at, self.size_bytes)[whence])
        return self._at

    def tell(self) -> int:
        """For Pillow."""
        return self._at


@dataclass
class Found:
    """What the structure of the object says.

    Attributes:
        end: of the coded image, in bytes from the start.
        beside: bytes before `end` that are no picture.
        frames: None where only decoding tells.
        pixels: of all frames, as far as known.
        exif: how to read its EXIF block, if any.
        texts: what people wrote beside it (of a PNG's texts), as of `Media`.
        text_date: PNG's text.
        normalised: a JPEG's.
        grey: (h, w) uint8: the first frame, reduced, as it lies; None where it was not decoded or has no grey.
    """

    codec: str
    mode: str
    width_px: int
    height_px: int
    end: int
    beside: int = 0
    frames: int | None = 1
    pixels: int = 0
    exif: At | None = None
    texts: tuple[tuple[str, str], ...] = ()
    text_date: str | None = None
    normalised: bytes | None = None
    grey: Any = None


def kind_of(source: Source) -> str:
    """The format, by its first bytes."""
    if source.size_bytes == 0:
        raise ItemError("empty", "no bytes")
    head = source.at(0, 32)
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "tiff"
    if head[4:8] == b"ftyp":
        brands = source.at(8, max(0, min(int.from_bytes(head[:4]), 256) - 8))
        if head[8:12] in (b"avif", b"avis") or (head[8:11] in (b"mif", b"msf") and b"avi" in brands):
            return "avif"
        if head[8:11] in (b"hei", b"hev", b"mif", b"msf"):
            return "heif"
    if head.startswith(b"BM"):
        return "bmp"
    if int.from_bytes(head[:4], "little") in (12, 40, 52, 56, 64, 108, 124) and len(head) > 16:
        return "dib"
    for start, name in _NO_DECODER:
        if head.startswith(start):
            raise ItemError("unsupported", f"no decoder here for {name}")
    raise ItemError("image", "the first bytes are those of no image format")


def check_pixels(pixels: int, limits: Limits) -> None:
    """Refuse too many pixels, all frames together."""
    if pixels > limits.image_pixels:
        raise ItemError("bomb", f"{pixels} pixels, all frames together; the limit is {limits.image_pixels}")


def check_frames(frames: int) -> None:
    """Refuse too many frames."""
    if frames > MAX_FRAMES:
        raise ItemError("bomb", f"{frames} frames; the limit is {MAX_FRAMES}")


def _segments(source: Source) -> Iterator[tuple[int, int, int]]:
    """A JPEG's segments: marker, first byte, byte behind; a scan's data belong to its header.

    The last one is the end marker; where the object is not held, the first scan's header.
    """
    place = 2
    for _ in range(MAX_SEGMENTS):
        head = source.at(place, 4)
        if head[:2] == b"\xff\xff":  # any number of fill bytes
            run = source.at(place, 64 * 1024)
            place += max(1, len(run) - len(run.lstrip(b"\xff")) - 1)
            continue
        if len(head) < 2:
            raise ItemError(
                "truncated", f"the object ends at byte {source.size_bytes}, before the end marker"
            )
        marker = head[1]
        if head[0] != 0xFF or marker == 0 or 0xD0 <= marker <= 0xD8:
            raise ItemError("image", f"no marker of a segment at byte {place}")
        if marker == 0xD9:
            yield marker, place, place + 2
            return
        length = int.from_bytes(head[2:])
        end = place + 2 + length
        if len(head) < 4 or end > source.size_bytes:
            raise truncated(f"the segment at byte {place}", source.size_bytes)
        if length < 2:
            raise ItemError("image", f"a segment shorter than its length field at byte {place}")
        if marker == 0xDA and source.held is not None:
            found = _END_OF_SCAN.search(source.held, end)
            if found is None:
                raise ItemError(
                    "truncated", f"the scan at byte {place} goes on to the object's end, without a marker"
                )
            end = found.start()
        yield marker, place, end
        if marker == 0xDA and source.held is None:
            return
        place = end
    raise ItemError("bomb", f"more than {MAX_SEGMENTS} segments")


def _coded_scan(data: bytes, start: int, end: int) -> bytes | memoryview:
    """A scan without fill bytes, and without restart markers behind its last code."""
    while run := len(_TAIL_REVERSED.match(data[max(start, end - 65536) : end][::-1])[0]):  # type: ignore[index]
        end -= run
    if data.find(b"\xff\xff", start, end) < 0:
        return memoryview(data)[start:end]
    return _FILL.sub(b"", data[start:end])


def _note(head: bytes, missing: dict[int, bytearray]) -> None:
    """Note what a scan holds.

    Args:
        head: the scan's, from its marker on (ISO 10918-1, B.2.3).
        missing: component → for each coefficient its low bits not yet there; 255: none is.
    """
    count = head[4]
    first, last, bits = (*head[5 + 2 * count : 8 + 2 * count], 0, 0, 0)[:3]
    for number in head[5 : 5 + 2 * count : 2]:
        if number in missing:
            held = len(missing[number][first : last + 1])
            missing[number][first : first + held] = bytes([bits & 15]) * held


def jpeg(source: Source, limits: Limits) -> Found:
    """Walk the segments; where the object is held, hash all but metadata and fill bytes."""
    frame: tuple[int, int, int, int] | None = None
    block, scans, coded, tables, end = None, 0, 2, 0, 0
    missing: dict[int, bytearray] = {}
    kept = xxhash.xxh3_128(b"\xff\xd8")
    for marker, start, end in _segments(source):
        if marker == 0xE1 and block is None and source.at(start + 4, 6) == b"Exif\0\0":
            block = exif.within(source.at(start + 10, end - start - 10))
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if frame is not None or end - start < 10:
                raise ItemError("image", f"a second or short frame header at byte {start}")
            precision, height, width, components = struct.unpack(">BHHB", source.at(start + 4, 6))
            frame = (width, height, components, precision)
            if marker not in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA) or precision != 8 or components not in (1, 3, 4):
                raise ItemError(
                    "unsupported", f"a JPEG of {precision} bits, {components} components, coding {marker:#x}"
                )
            if not width or not height:
                raise ItemError("image", f"no width or height in the frame header at byte {start}")
            check_pixels(width * height, limits)
            missing = {
                number: bytearray(b"\xff" * 64) for number in source.at(start + 10, 3 * components)[::3]
            }
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            raise ItemError("bomb", f"more than {MAX_SCANS} scans")
        if source.held is None:
            continue
        part: bytes | memoryview
        if marker == 0xDA:
            part, tables = _coded_scan(source.held, start, end), 0
            _note(source.at(start, _SCAN_HEAD_BYTES), missing)
            coded += len(part)
        elif 0xC0 <= marker <= 0xCF or marker in (0xD9, 0xDB, 0xDD):
            part = memoryview(source.held)[start:end]
            coded += max(0, min(len(part), _TABLES_BYTES - tables))
            tables += len(part)
        elif marker == 0xEE and source.at(start + 4, 5) == b"Adobe":  # without it the colours would be others
            part = memoryview(source.held)[start : min(end, start + _ADOBE_BYTES)]
            coded += len(part)
        else:  # metadata
            continue
        kept.update(part)
    if frame is None or not scans:
        raise ItemError("image", "no frame header before the first scan")
    width, height, components, _ = frame
    found = Found(
        "jpeg", {1: "L", 3: "RGB", 4: "CMYK"}[components], width, height, end, end - coded, exif=block
    )
    if source.held is not None:
        if any(map(any, missing.values())):
            raise ItemError("truncated", "the scans do not hold every bit of every coefficient")
        found.pixels, found.normalised = width * height, kept.digest()
    return found


class _Inflating:
    """Follows a deflate stream to its end, or to the last byte that its picture needs.

    Args:
        need_bytes: of pixels; what the stream holds beyond them is no picture.
    """

    def __init__(self, need_bytes: int) -> None:
        self._engine = zlib.decompressobj(-15)  # Pillow looks at no checksum either
        self._left, self._head, self._trailer = need_bytes + 1, 2, 4

    def surplus(self, data: memoryview) -> int:
        """How many of the stream's next bytes stand behind its end."""
        place = min(self._head, len(data))
        self._head -= place
        while place < len(data) and self._left > 0 and not self._engine.eof:
            piece = bytes(data[place : place + HEADER_BLOCK_BYTES])
            place += len(piece)
            try:
                self._left -= len(self._engine.decompress(piece, min(self._left, 1 << 30)))
            except zlib.error:  # whether there is a picture all the same, the decoder says
                self._left = 0
            else:
                place -= len(self._engine.unused_data or self._engine.unconsumed_tail)
        trailer = min(self._trailer, len(data) - place)
        self._trailer -= trailer
        return len(data) - place - trailer


_WEBP_BYTES = {b"VP8X": 10, b"ANIM": 6, b"VP8 ": None, b"ALPH": None}
_GIF_SPARE_BYTES = 4096  # of a frame, for its palette and for codes that are no pixels
_PALETTE_BYTES = 3 * 256
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def _png(source: Source, limits: Limits) -> Found | None:
    """Check every chunk, and where the pixels end; nothing where the object is not held."""
    if source.held is None:
        return None
    data, place, beside, frames, animated = memoryview(source.held), 8, 0, 0, 0
    pixel_bits, rows_more, seen = 0, 1, set[bytes]()
    stream = _Inflating(0)

    def inflating(start: int) -> _Inflating:
        width, height = struct.unpack_from(">II", data, start)
        return _Inflating(height * (rows_more + (width * pixel_bits + 7) // 8))

    for _ in range(MAX_BLOCKS):
        length, name = int.from_bytes(data[place : place + 4]), bytes(data[place + 4 : place + 8])
        body, end = place + 8, place + 12 + length
        if end > len(data):
            raise truncated(f"the chunk at byte {place}", source.size_bytes)
        if zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ItemError("image", f"the chunk at byte {place} does not agree with its checksum")
        frames += name == b"fcTL"
        check_frames(frames)
        if name == b"IHDR" and length == 13 and name not in seen:
            pixel_bits = data[body + 8] * _CHANNELS.get(data[body + 9], 4)
            rows_more = 9 if data[body + 12] else 1  # interlaced: at most two rows for one, each rounded up
            stream = inflating(body)
        elif name == b"acTL" and length == 8 and name not in seen:
            animated = int.from_bytes(data[body : body + 4])
        elif name == b"fcTL" and length == 26 and frames <= animated:
            stream = inflating(body + 4) if b"IDAT" in seen else stream
        elif name == b"IDAT":
            beside += stream.surplus(data[body : end - 4]) if length else 12
        elif name == b"fdAT" and length >= 4 and frames <= animated:
            beside += stream.surplus(data[body + 4 : end - 4])
        elif name in (b"PLTE", b"tRNS", b"IEND") and name not in seen:
            beside += max(0, length - _PALETTE_BYTES)
        else:
            beside += end - place
        seen.add(name)
        place = end
        if name == b"IEND":
            return Found("png", "", 0, 0, end, beside)
    raise ItemError("bomb", f"more than {MAX_BLOCKS} chunks")


def _chunks(source: Source, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """A WebP's chunks: name, first byte of the content, its length."""
    while place + 8 <= end:
        name, length = source.at(place, 4), int.from_bytes(source.at(place + 4, 4), "little")
        if place + 8 + length > end:
            raise truncated(f"the chunk at byte {place}", source.size_bytes)
        yield name, place + 8, length
        place += 8 + length + length % 2


def _needed(name: bytes, length: int, seen: set[bytes]) -> int:
    """Bytes of a WebP's chunk that its picture needs: of each kind the first one, and no opacity behind the colours."""
    kind = b"VP8 " if name == b"VP8L" else name
    if kind not in _WEBP_BYTES or kind in seen or (kind == b"ALPH" and b"VP8 " in seen):
        return 0
    seen.add(kind)
    length = min(length, _WEBP_BYTES[kind] or length)
    return 8 + length + length % 2


def webp(source: Source, limits: Limits) -> Found:
    """Walk the chunks; read their first bytes only.

    The size is that of the largest frame: the canvas can be larger than all that is shown on it.
    """
    end = 8 + int.from_bytes(source.at(4, 4), "little")
    if end > source.size_bytes:
        raise truncated(f"the RIFF chunk at byte {0}", source.size_bytes)
    found, seen, frames = Found("webp", "RGB", 0, 0, end), set[bytes](), list[tuple[int, int]]()
    still, coded = 0, 12
    for name, body, length in _chunks(source, 12, end):
        need = _needed(name, length, seen)
        if name == b"VP8X":
            head = source.at(body, 10).ljust(10, b"\0")
            found.mode = "RGBA" if head[0] & 0x10 else "RGB"
            found.width_px = 1 + int.from_bytes(head[4:7], "little")
            found.height_px = 1 + int.from_bytes(head[7:10], "little")
        elif name in (b"VP8 ", b"VP8L") and not found.width_px:
            _webp_size(found, name, source.at(body, 10).ljust(10, b"\0"))
        elif name == b"ANMF":
            frame, inner = Found("", "", 0, 0, 0), set[bytes]()
            for part, place, size in _chunks(source, body + 16, body + length):
                if part in (b"VP8 ", b"VP8L") and not frame.width_px:
                    _webp_size(frame, part, source.at(place, 10).ljust(10, b"\0"))
                coded += _needed(part, size, inner)
            coded += 24
            frames.append((frame.width_px, frame.height_px))
            check_frames(len(frames))
        elif name == b"EXIF" and found.exif is None:
            found.exif = exif.within(exif.without_mark(source.at(body, length)))
        if name in (b"VP8 ", b"VP8L", b"ALPH"):
            still += need
        else:
            coded += need
    if b"VP8 " not in seen and not frames:
        raise ItemError("image", "no picture among the chunks")
    found.frames = len(frames) or 1
    found.pixels = found.frames * found.width_px * found.height_px
    check_pixels(found.pixels, limits)
    if frames:
        found.width_px, found.height_px = max(frames, key=lambda size: size[0] * size[1])
    found.beside = end - coded - (0 if frames else still)
    return found


def _webp_size(found: Found, name: bytes, head: bytes) -> None:
    if name == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        found.width_px, found.height_px = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        found.mode = "RGBA" if bits >> 28 & 1 else "RGB"
    else:
        found.width_px = int.from_bytes(head[6:8], "little") & 0x3FFF
        found.height_px = int.from_bytes(head[8:10], "little") & 0x3FFF


def _gif(source: Source, limits: Limits) -> Found:
    """Walk the blocks to the trailer; the size is that of the largest frame, for the screen can lie."""
    data = source.at(0, source.size_bytes)

    def behind_table(place: int, flags: int) -> int:
        return place + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    try:
        width, height = struct.unpack_from("<HH", data, 6)
        check_pixels(width * height, limits)
        place, frames, beside, blocks, largest = behind_table(13, data[10]), 0, 0, 0, (0, 0)
        while data[place] != 0x3B:
            start = place
            if data[place] == 0x2C:
                left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, place + 1)
                width, height = max(width, left + wide), max(height, top + high)
                largest = max(largest, (wide, high), key=lambda size: size[0] * size[1])
                frames += 1
                need = _GIF_SPARE_BYTES + wide * high * 3 // 2  # 12 bits for each pixel
                place = behind_table(place + 10, flags) + 1
            elif data[place] == 0x21:
                need = 0
                place += 2
            else:
                raise ItemError("image", f"no block begins at byte {place}")
            while size := data[place]:
                place += 1 + size
                blocks += 1
                if blocks > MAX_BLOCKS:
                    raise ItemError("bomb", f"more than {MAX_BLOCKS} sub-blocks")
            place += 1
            beside += max(0, place - start - need)
            check_frames(frames)
    except (IndexError, struct.error):
        raise ItemError(
            "truncated", f"the object ends at byte {source.size_bytes}, before the trailer"
        ) from None
    check_pixels(frames * width * height, limits)
    return Found("gif", "", *largest, place + 1, beside, frames)


def _bmp(source: Source, limits: Limits) -> Found:
    """Compare the sizes in the header with the object's: what the pixels need, or where coded the size field."""
    head = source.at(0, 34).ljust(34, b"\0")
    end, start = int.from_bytes(head[2:6], "little"), int.from_bytes(head[10:14], "little")
    header_bytes = int.from_bytes(head[14:18], "little")
    width, height, bits = struct.unpack_from("<HH2xH" if header_bytes == 12 else "<ii2xH", head, 18)
    check_pixels(width * abs(height), limits)
    need = (width * bits + 31) // 32 * 4 * abs(height)
    if header_bytes == 12 or head[30] in (0, 3):  # not coded; some writers leave the field empty or wrong
        end = start + need
    elif end < max(start, 26):
        end = source.size_bytes
    if end > source.size_bytes:
        raise truncated(f"the picture at byte {start}", source.size_bytes)
    # Between headers and pixels there may be masks and a palette.
    beside = max(0, start - 14 - header_bytes - 12 - (4 << bits if bits <= 8 else 0))
    return Found("bmp", "", 0, 0, end, beside)


def _tiff(source: Source, limits: Limits) -> Found:
    """Walk the pages' directories; where the object is held, look at their strips and tiles too (BigTIFF likewise)."""
    head = source.at(0, 4)
    order = "<" if head.startswith(b"II") else ">"
    word, short, entry = ("Q", "Q", "HHQ8s") if b"+" in head else ("I", "H", "HHI4s")
    entry_bytes = struct.calcsize("=" + entry)

    def number(place: int, form: str) -> int:
        data = source.at(place, struct.calcsize(form))
        if len(data) < struct.calcsize(form):
            raise truncated(f"the directory at byte {place}", source.size_bytes)
        return int(struct.unpack(order + form, data)[0])

    place, pages, ranges = number(8 if word == "Q" else 4, word), set[int](), set[tuple[int, int]]()
    pixels = entries = inflated = 0
    while place and place not in pages:
        pages.add(place)
        check_frames(len(pages))
        start = place + struct.calcsize(short)
        count = number(place, short)
        entries += count
        if start + count * entry_bytes > source.size_bytes:
            raise truncated(f"the directory at byte {place}", source.size_bytes)
        if entries > MAX_ENTRIES:
            raise ItemError("bomb", f"more than {MAX_ENTRIES} entries in directories")
        values: dict[int, tuple[int, ...]] = {}
        for tag, form, size, value in struct.iter_unpack(
            order + entry, source.at(start, count * entry_bytes)
        ):
            size_bytes, where = size * _VALUE_BYTES.get(form, 1), start
            if size_bytes > len(value):
                where = struct.unpack(order + word, value)[0]
                if where + size_bytes > source.size_bytes:
                    raise truncated(f"the value of a tag at byte {where}", source.size_bytes)
            if tag in (256, 257) or (source.held is not None and tag in _LAYOUT):
                entries += size
                if form in _INTEGERS and entries <= MAX_ENTRIES:
                    data = value[:size_bytes] if where == start else source.at(where, size_bytes)
                    values[tag] = struct.unpack(f"{order}{size}{_INTEGERS[form]}", data)
        pixels += (values.get(256) or (0,))[0] * (values.get(257) or (0,))[0]
        check_pixels(pixels, limits)
        deflated = values.get(259) in ((8,), (32946,)) and values.get(266, (1,)) == (1,)
        for first, size in _parts(values, place, source.size_bytes):
            if first + size > source.size_bytes:
                raise truncated(f"the strip or tile at byte {first}", source.size_bytes)
            if deflated:
                more, behind = _inflated(source.at(first, size), first)
                inflated += size + more
                size -= behind
                if inflated > limits.image_pixels * WIDE_SAMPLE_BYTES:
                    raise ItemError("bomb", f"{inflated} bytes inflated from strips and tiles")
            ranges.add((first, first + size))
        place = number(start + count * entry_bytes, word)
    return Found("", "", 0, 0, source.size_bytes, source.size_bytes - _covered(ranges), len(pages))


_LAYOUT = (258, 259, 262, 266, 273, 277, 278, 279, 284, 322, 323, 324, 325)


def _parts(values: dict[int, tuple[int, ...]], place: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """The strips or tiles that a TIFF's page needs: first byte, length."""

    def value(tag: int, default: int) -> int:
        return (values.get(tag) or (default,))[0]

    width, height = value(256, 0), value(257, 0)
    tiled = 324 in values
    offsets, counts = (values.get(tag, ()) for tag in ((324, 325) if tiled else (273, 279)))
    if not offsets:
        return
    wide, high = (value(322, width), value(323, height)) if tiled else (width, value(278, height))
    wide, high = max(1, wide), max(1, min(high, height) if not tiled else high)
    samples = value(277, 1)
    planes = samples if value(284, 1) == 2 else 1
    need = -(-width // wide) * -(-height // high) * planes
    if value(259, 1) == 6:  # JPEG of old, which needs no more than its own mark
        need = len(offsets)
    if len(offsets) < need:
        raise ItemError(
            "truncated", f"{len(offsets)} strips or tiles of {need}, in the directory at byte {place}"
        )
    if need > 1 and len(set(offsets[:need])) == 1:
        raise ItemError(
            "image", f"all {need} strips or tiles are the same bytes, in the directory at byte {place}"
        )
    row_bytes = (wide * value(258, 1) * samples // planes + 7) // 8
    for number, (first, size) in enumerate(zip(offsets[:need], counts or (0,) * need, strict=False)):
        if value(259, 1) == 1 and value(262, 0) != 6:  # neither coded nor with fewer colours than pixels
            rows = high if tiled else min(high, height - number % -(-height // high) * high)
            size = rows * row_bytes
        yield first, size


def _covered(ranges: set[tuple[int, int]]) -> int:
    """How many bytes the ranges hold, each counted once."""
    total = behind = 0
    for start, end in sorted(ranges):
        total += max(0, end - max(start, behind))
        behind = max(behind, end)
    return total


def _inflated(data: bytes, place: int) -> tuple[int, int]:
    """Bytes of one strip, inflated to its checksum (libtiff stops at the last pixel, before it); and those behind."""
    engine, size, behind = zlib.decompressobj(), 0, 0
    try:
        for start in range(0, len(data), _READ_BYTES):
            piece, more = data[start : start + _READ_BYTES], True
            if engine.eof:
                behind += len(piece)
            while more and not engine.eof:
                block = len(engine.decompress(piece, _READ_BYTES))
                size, piece, more = size + block, engine.unconsumed_tail, block == _READ_BYTES
                behind = len(engine.unused_data)
    except zlib.error as error:
        raise ItemError("image", f"the deflated strip or tile at byte {place} is damaged") from error
    return size, behind


def _boxes(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """The outer boxes of a HEIF: type, first byte, byte behind; up to what is no box, behind the picture."""
    place, pictures = 0, False
    for _ in range(MAX_SEGMENTS):
        head = source.at(place, 16)
        size, name = int.from_bytes(head[:4]), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:])
        end = place + size if size else source.size_bytes
        if len(head) < 8 or end < place + 8 or end > source.size_bytes:
            if pictures and name not in _BOXES:
                return
            raise truncated(f"the box at byte {place}", source.size_bytes)
        yield name, place, end
        pictures = pictures or name == b"mdat"
        place = end
        if place == source.size_bytes and pictures:
            return
    raise ItemError("bomb", f"more than {MAX_SEGMENTS} boxes")


def _heif(source: Source, limits: Limits) -> Found:
    """Add up what holds coded pictures: the extents of items, and the samples of a sequence."""
    behind = held = samples = 0
    ranges = set[tuple[int, int]]()
    for name, start, end in _boxes(source):
        behind = end
        held += end - start if name in (b"meta", b"mdat") else 0
        if name == b"meta":
            meta = source.at(start, end - start)
            uncoded = _uncoded(meta)
            for item, inside, first, size in _extents(meta):
                if item not in uncoded:
                    first += start + meta.find(b"idat") + 4 if inside else 0
                    ranges.add((first, min(source.size_bytes, first + size) if size else source.size_bytes))
        elif name == b"moov":
            samples += _sample_bytes(source.at(start, end - start))
    return Found("", "", 0, 0, behind, behind - min(held, _covered(ranges) + samples))


def _sample_bytes(moov: bytes) -> int:
    """The samples of all tracks of a sequence (ISO 14496-12, 8.7.3)."""
    total = 0
    for table in re.finditer(rb"stsz....(....)(....)", moov, re.DOTALL):
        size, count = int.from_bytes(table[1]), int.from_bytes(table[2])
        entries = moov[table.end() : table.end() + 4 * count]
        sizes = struct.unpack(f">{len(entries) // 4}I", entries[: len(entries) // 4 * 4])
        total += size * count if size else sum(sizes)
    return total


STRUCTURES: dict[str, Callable[[Source, Limits], Found | None]] = {
    "png": _png,
    "webp": webp,
    "gif": _gif,
    "bmp": _bmp,
    "tiff": _tiff,
    "heif": _heif,
    "avif": _heif,
}


def without_pictures(source: Source, limits: Limits) -> bytes:
    """A HEIF with zeros for its coded pictures: the decoders want all of it at once, even for its header."""
    if source.size_bytes > limits.document_bytes:
        raise ItemError("too-large", f"more than {limits.document_bytes} bytes must be held at once")
    sparse = bytearray(source.size_bytes)
    for name, start, end in _boxes(source):
        end = min(end, start + 32) if name == b"mdat" else end
        sparse[start:end] = source.at(start, end - start)
        if name == b"meta":
            for first, size in _uncoded_items(bytes(sparse[start:end])):
                part = source.at(first, size)
                sparse[first : first + len(part)] = part
    return bytes(sparse)


def _uncoded(meta: bytes) -> set[int]:
    """The numbers of a HEIF's items that are EXIF, XMP or the plan of a tiled picture."""
    return {int.from_bytes(each["short"] or each["long"]) for each in _UNCODED_ITEM.finditer(meta)}


def _uncoded_items(meta: bytes) -> Iterator[tuple[int, int]]:
    """Where they stand: first byte, length."""
    wanted = _uncoded(meta)
    for item, method, first, size in _extents(meta):
        if item in wanted and not method:
            yield first, min(size, HEADER_BLOCK_BYTES * 4)


def _extents(meta: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Where the items of a HEIF stand: number, method (0: in the file), first byte, length (ISO 14496-12, 8.11.3)."""
    table = io.BytesIO(meta[meta.find(b"iloc") + 4 :] if b"iloc" in meta else b"")

    def number(size: int) -> int:
        return int.from_bytes(table.read(size))

    version, _ = number(1), number(3)
    sizes, more = number(1), number(1)
    for _ in range(number(4 if version == 2 else 2) if version < 3 else 0):
        item = number(4 if version == 2 else 2)
        method = number(2) if version else 0
        number(2)
        base = number(more >> 4)
        extents = number(2)
        if table.tell() >= len(meta):
            return
        for _ in range(extents):
            number(more & 15 if version else 0)
            first, size = number(sizes >> 4), number(sizes & 15)
            yield item, method, base + first, size
