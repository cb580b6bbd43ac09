"""What the structure of an image's file says: where the picture ends, its frames, what stands beside it.

Every walk is bounded, and refuses what ends before it says it does.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

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

MAX_ENTRIES = 1_000_000
"""Of one TIFF, tags and strips together: directories can lie on top of each other."""

WIDE_SAMPLE_BYTES = 8
"""Of a sample in Pillow's modes of 32 bits, which also stand for 64-bit numbers."""

_READ_BYTES = 1 << 22  # the stream ticks at each
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
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
        text_date: PNG's text.
        normalised: a JPEG's.
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
    text_date: str | None = None
    normalised: bytes | None = None


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


def jpeg(source: Source, limits: Limits) -> Found:
    """Walk the segments; where the object is held, hash all but metadata."""
    frame: tuple[int, int, int, int] | None = None
    block, scans, beside, end = None, 0, 0, 0
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
        scans += marker == 0xDA
        if scans > MAX_SCANS:
            raise ItemError("bomb", f"more than {MAX_SCANS} scans")
        if source.held is not None:
            # Without Adobe's segment the colours would be others; all else of APPn and COM is metadata.
            if (0xE0 <= marker <= 0xEF or marker == 0xFE) and not (
                marker == 0xEE and source.at(start + 4, 5) == b"Adobe"
            ):
                beside += end - start
            else:
                kept.update(memoryview(source.held)[start:end])
    if frame is None or not scans:
        raise ItemError("image", "no frame header before the first scan")
    width, height, components, _ = frame
    found = Found("jpeg", {1: "L", 3: "RGB", 4: "CMYK"}[components], width, height, end, beside, exif=block)
    if source.held is not None:
        found.pixels, found.normalised = width * height, kept.digest()
    return found


def _png(source: Source, limits: Limits) -> Found | None:
    """Check every chunk; nothing where the object is not held."""
    if source.held is None:
        return None
    data, place, beside, frames = memoryview(source.held), 8, 0, 0
    while True:
        length, name = int.from_bytes(data[place : place + 4]), bytes(data[place + 4 : place + 8])
        end = place + 12 + length
        if end > len(data):
            raise truncated(f"the chunk at byte {place}", source.size_bytes)
        if zlib.crc32(data[place + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise ItemError("image", f"the chunk at byte {place} does not agree with its checksum")
        frames += name == b"fcTL"
        check_frames(frames)
        if name[:1].islower() and name != b"fdAT":
            beside += end - place
        place = end
        if name == b"IEND":
            return Found("png", "", 0, 0, end, beside)


def webp(source: Source, limits: Limits) -> Found:
    """Walk the chunks; read their first bytes only."""
    end = 8 + int.from_bytes(source.at(4, 4), "little")
    if end > source.size_bytes:
        raise truncated(f"the RIFF chunk at byte {0}", source.size_bytes)
    found = Found("webp", "RGB", 0, 0, end, frames=0)
    place, extended, images = 12, False, 0
    while place + 8 <= end:
        name, length = source.at(place, 4), int.from_bytes(source.at(place + 4, 4), "little")
        body, behind = place + 8, place + 8 + length + length % 2
        if body + length > end:
            raise truncated(f"the chunk at byte {place}", source.size_bytes)
        if name == b"VP8X":
            extended, head = True, source.at(body, 10).ljust(10, b"\0")
            found.mode = "RGBA" if head[0] & 0x10 else "RGB"
            found.width_px = 1 + int.from_bytes(head[4:7], "little")
            found.height_px = 1 + int.from_bytes(head[7:10], "little")
        elif name in (b"VP8 ", b"VP8L"):
            images += 1
            if not extended:
                _webp_size(found, name, source.at(body, 10).ljust(10, b"\0"))
        elif name == b"ANMF":
            found.frames = (found.frames or 0) + 1
            check_frames(found.frames)
        else:
            if name == b"EXIF" and found.exif is None:
                found.exif = exif.within(exif.without_mark(source.at(body, length)))
            found.beside += 0 if name in (b"ALPH", b"ANIM") else behind - place
        place = behind
    if not images and not found.frames:
        raise ItemError("image", "no picture among the chunks")
    found.frames = found.frames or 1
    found.pixels = found.frames * found.width_px * found.height_px
    check_pixels(found.pixels, limits)
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
    """Walk the blocks to the trailer."""
    data = source.at(0, source.size_bytes)

    def behind_table(place: int, flags: int) -> int:
        return place + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    try:
        width, height = struct.unpack_from("<HH", data, 6)
        check_pixels(width * height, limits)
        place, frames, beside = behind_table(13, data[10]), 0, 0
        while data[place] != 0x3B:
            start = place
            if data[place] == 0x2C:
                left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, place + 1)
                width, height = max(width, left + wide), max(height, top + high)
                frames += 1
                place = behind_table(place + 10, flags) + 1
            elif data[place] == 0x21:
                place += 2
            else:
                raise ItemError("image", f"no block begins at byte {place}")
            while size := data[place]:
                place += 1 + size
            place += 1
            beside += place - start if data[start] == 0x21 else 0
            check_frames(frames)
    except (IndexError, struct.error):
        raise ItemError(
            "truncated", f"the object ends at byte {source.size_bytes}, before the trailer"
        ) from None
    check_pixels(frames * width * height, limits)
    return Found("gif", "", 0, 0, place + 1, beside, frames)


def _bmp(source: Source, limits: Limits) -> Found:
    """Compare the sizes in the header with the object's."""
    head = source.at(0, 34)
    claimed, start = int.from_bytes(head[2:6], "little"), int.from_bytes(head[10:14], "little")
    need = start
    if len(head) == 34 and head[14] != 12 and head[30] in (0, 3):  # not compressed
        width, height = struct.unpack_from("<Ii", head, 18)
        check_pixels(width * abs(height), limits)
        need += (width * int.from_bytes(head[28:30], "little") + 31) // 32 * 4 * abs(height)
    if max(claimed, need) > source.size_bytes:
        raise truncated(f"the picture at byte {start}", source.size_bytes)
    # Some writers leave the field empty or wrong.
    return Found("bmp", "", 0, 0, claimed if claimed >= max(need, 26) else source.size_bytes)


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

    place, pages = number(8 if word == "Q" else 4, word), set[int]()
    pixels = coded = entries = inflated = 0
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
            if tag in (256, 257) or (source.held is not None and tag in (259, 266, 273, 279, 324, 325)):
                entries += size
                if form in _INTEGERS and entries <= MAX_ENTRIES:
                    data = value[:size_bytes] if where == start else source.at(where, size_bytes)
                    values[tag] = struct.unpack(f"{order}{size}{_INTEGERS[form]}", data)
        pixels += (values.get(256) or (0,))[0] * (values.get(257) or (0,))[0]
        check_pixels(pixels, limits)
        deflated = values.get(259) in ((8,), (32946,)) and values.get(266, (1,)) == (1,)
        for offsets, counts in ((273, 279), (324, 325)):
            for first, size in zip(values.get(offsets, ()), values.get(counts, ()), strict=False):
                if first + size > source.size_bytes:
                    raise truncated(f"the strip or tile at byte {first}", source.size_bytes)
                coded += size
                if deflated:
                    inflated += size + _inflated(source.at(first, size), first)
                    if inflated > limits.image_pixels * WIDE_SAMPLE_BYTES:
                        raise ItemError("bomb", f"{inflated} bytes inflated from strips and tiles")
        place = number(start + count * entry_bytes, word)
    return Found("", "", 0, 0, source.size_bytes, max(0, source.size_bytes - coded), len(pages))


def _inflated(data: bytes, place: int) -> int:
    """Bytes of one strip, inflated to its checksum: libtiff stops at the last pixel, before it."""
    engine, size = zlib.decompressobj(), 0
    try:
        for start in range(0, len(data), _READ_BYTES):
            piece, more = data[start : start + _READ_BYTES], True
            while more and not engine.eof:
                block = len(engine.decompress(piece, _READ_BYTES))
                size, piece, more = size + block, engine.unconsumed_tail, block == _READ_BYTES
    except zlib.error as error:
        raise ItemError("image", f"the deflated strip or tile at byte {place} is damaged") from error
    return size


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
    """Add up the boxes that hold no picture."""
    beside = behind = 0
    for name, start, end in _boxes(source):
        behind = end
        if name not in _BOXES[:4]:
            beside += end - start
    return Found("", "", 0, 0, behind, beside)


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
            for first, size in _uncoded_items(sparse[start:end]):
                part = source.at(first, size)
                sparse[first : first + len(part)] = part
    return bytes(sparse)


def _uncoded_items(meta: bytearray) -> Iterator[tuple[int, int]]:
    """Where EXIF, XMP and the plans of tiled pictures stand: first byte, length (ISO 14496-12, 8.11.3)."""
    wanted = {int.from_bytes(each["short"] or each["long"]) for each in _UNCODED_ITEM.finditer(meta)}
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
            if item in wanted and not method:
                yield base + first, min(size, HEADER_BLOCK_BYTES * 4)
