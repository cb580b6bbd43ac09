"""What a recording's file says of its own length and order, read without decoding.

Decoders hide what is missing: libsndfile shortens half a WAV in silence, FFmpeg skips an Ogg page whose checksum is
wrong. So every container is walked by itself; what claims more than is there raises "truncated", naming both lengths.

| container | walked | claims nothing |
|---|---|---|
| WAV, RF64, AVI; AIFF; CAF | all chunks, and the size of the whole | 0, 0xFFFFFFFF; in WAV also 0x7FFFFFFF, 0x80000000; in CAF −1 |
| MP4, M4A, MOV; ASF | top-level boxes; top-level objects, and the size of the file in the header | size 0; broadcast |
| WebM, Matroska | segment and its elements (what is in a cluster, only where the cluster has no size) | unknown sizes |
| Ogg | every page: CRC, sequence, the flag at the end of each stream | - |
| FLV; MPEG program and transport streams | every tag; every packet; whole packets of 188 bytes | - |
| MP3; ADTS; AMR | every frame, up to tags; Xing's and VBRI's counts of frames and bytes | a count of 0 |
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numba
import numpy as np

from dqv.core.errors import ItemError
from dqv.measure.media import Tick
from dqv.measure.structure import ebml_element, read_at, truncated

BLOCK_BYTES = 1 << 20
MOST_TAGS = 1000
"""Tags between the frames of one MP3: of files joined."""
MOST_CHANNELS = 1024
MOST_CHUNKS = 1_000_000
"""Chunks, boxes or elements of one file; ten hours of a stream in pieces of a second have a tenth of it."""

Part = tuple[bytes, int, int]
"""Name, where its body begins, bytes of its body."""

_MAGIC = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"caff", "caf"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (0, b"#!AMR", "amr"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (4, b"free", "mp4"),
    (0, b"FLV\x01", "flv"),
    (0, b"\0\0\x01\xba", "mpeg"),
)
_FOREIGN = (
    b"wvpk",
    b"MAC ",
    b"MPCK",
    b"MP+",
    b"DSD ",
    b"TTA1",
    b".snd",
    b"riff",
    b"MThd",
    b"#!SILK",
    b"\x02#!SILK",
)
"""WavPack, Monkey's Audio, Musepack, DSD, TTA, Sun AU, Wave64, MIDI, Silk: sound that cannot be decoded here."""

_UNKNOWN_32 = (0, 0xFFFFFFFF)
_UNKNOWN_WAV = (*_UNKNOWN_32, 0x7FFFFFFF, 0x80000000)
"""What writers into a pipe leave in WAV (sox: 0x7FFFFFFF, its data's size so that it fits)."""

_NAME = re.compile(rb"[ -~]{4}")


def sniff(file: BinaryIO) -> tuple[str, int]:
    """The container that the content shows, and where it begins: behind ID3v2 tags.

    Raises:
        ItemError: "unsupported" for known sound without decoder here, "audio" for anything else.
    """
    begin = after_id3(file)
    head = read_at(file, begin, 12)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:] in (b"WAVE", b"AVI "):
        return "wav" if head[8:] == b"WAVE" else "avi", begin
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return "aiff", begin
    for at, magic, kind in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return kind, begin
    if head.startswith(_FOREIGN):
        raise ItemError("unsupported", "a known format of sound without a decoder here")
    if head[:1] == b"G" and read_at(file, begin + 188, 1) == b"G":
        return "mpegts", begin
    while head and not head.strip(b"\0"):  # padding in front of MPEG frames
        begin += len(head)
        head = read_at(file, begin, 4096)
    begin += len(head) - len(head.lstrip(b"\0"))
    head = read_at(file, begin, 2)
    if len(head) == 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "adts" if head[1] & 0xF6 == 0xF0 else "mp3", begin
    raise ItemError("audio", f"nothing known begins at byte {begin}: no header and no frame of a recording")


def after_id3(file: BinaryIO) -> int:
    """Where ID3v2 tags at the beginning end; there may be several."""
    at = 0
    while (head := read_at(file, at, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at


def _parts(
    file: BinaryIO,
    at: int,
    size_bytes: int,
    least: int,
    parse: Callable[[bytes], tuple[bytes, int, int | None]],
) -> Iterator[Part]:
    """Chunks one behind another.

    Args:
        file: seekable.
        at: where the first one begins.
        size_bytes: of the object.
        least: bytes of the shortest header; fewer left over at the end are ignored.
        parse: from 24 bytes to name, bytes of the header, bytes of the body (None: to the end of the object).

    Raises:
        ItemError: "truncated".
    """
    for _ in range(MOST_CHUNKS):
        if at + least > size_bytes:
            return
        name, header, body = parse(read_at(file, at, 24).ljust(24, b"\0"))
        if body is None:
            body = max(0, size_bytes - at - header)
        if body < 0:
            raise ItemError("audio", f"the part at byte {at} is shorter than its own header")
        if at + header + body > size_bytes:
            raise truncated(f"the part at byte {at}", size_bytes, at + header + body)
        yield name, at + header, body
        at += header + body
    raise ItemError("audio", f"more than {MOST_CHUNKS} parts before byte {at}")


def riff(file: BinaryIO, size_bytes: int) -> tuple[str, bool]:
    """Walk RIFF, RIFX or RF64, WAVE or AVI.

    Returns:
        The date of origination in `bext` (empty: none), and whether the data's size is left open by a 0, which libsndfile takes
        for no data.

    Raises:
        ItemError: "truncated".
    """
    head = read_at(file, 0, 12)
    order = ">" if head[:4] == b"RIFX" else "<"
    wide = head[:4] in (b"RF64", b"BW64")
    whole = struct.unpack_from(f"{order}I", head, 4)[0]
    wide_data, date, is_open, at_data = 0, "", False, 0

    def parse(head: bytes) -> tuple[bytes, int, int | None]:
        name, length = struct.unpack_from(f"{order}4sI", head)
        fits = whole in _UNKNOWN_WAV[1:] and length in (whole - 36, whole - 44, whole)
        if name == b"data" and (length in _UNKNOWN_WAV[1:] or fits or (wide and wide_data)):
            return name, 8, wide_data or None
        return name, 8, length

    position = 12
    while position + 8 <= size_bytes:
        # Chunks begin at even places; the last one's padding may be missing, and what is not a name is no chunk.
        if at_data and _NAME.fullmatch(read_at(file, position, 4)) is None:
            break
        name, at, length = next(_parts(file, position, size_bytes, 8, parse))
        if name == b"ds64" and wide and length >= 16:
            whole, wide_data = struct.unpack("<QQ", read_at(file, at, 16))
        elif name == b"bext" and length >= 330:
            date = read_at(file, at + 320, 10).decode("latin-1").strip("\0 ")
        elif name == b"data":
            at_data = at_data or at
            if length == 0 and at < size_bytes and (whole in _UNKNOWN_WAV or whole + 8 <= at):
                is_open = True
                break
        position = at + length + (length & 1)
        if whole not in _UNKNOWN_WAV and position >= whole + 8 and head[8:] == b"WAVE":
            break  # what stands behind the RIFF is none of its chunks
    # Some writers count the first eight bytes; then all chunks must be whole.
    is_file_size = whole == size_bytes and position in (size_bytes, size_bytes + 1)
    if whole not in _UNKNOWN_WAV and whole + 8 > size_bytes + 1 and not is_file_size:
        raise truncated("the RIFF header", size_bytes, whole + 8)
    return date, is_open


def _iff_chunk(head: bytes) -> tuple[bytes, int, int | None]:
    """Parse a chunk of AIFF for `_parts`."""
    name, length = struct.unpack_from(">4sI", head)
    return name, 8, None if name == b"SSND" and length in _UNKNOWN_32 else length + (length & 1)


def iff(file: BinaryIO, size_bytes: int) -> None:
    """Walk AIFF or AIFF-C.

    Raises:
        ItemError: "truncated".
    """
    whole = struct.unpack(">I", read_at(file, 4, 4))[0]

    end = size_bytes if whole in _UNKNOWN_32 else whole + 8
    if end > size_bytes + 1:
        raise truncated("the FORM header", size_bytes, end)
    for _, at, length in _parts(file, 12, size_bytes + (size_bytes & 1), 8, _iff_chunk):
        if at + length >= end:
            break  # what stands behind the FORM is none of its chunks


def caf(file: BinaryIO, size_bytes: int) -> None:
    """Walk a CAF.

    Raises:
        ItemError: "truncated".
    """

    def parse(head: bytes) -> tuple[bytes, int, int | None]:
        name, length = struct.unpack_from(">4sq", head)
        return name, 12, None if name == b"data" and length == -1 else length

    for _ in _parts(file, 8, size_bytes, 12, parse):
        pass


def mp4(file: BinaryIO, size_bytes: int) -> None:
    """Walk the top-level boxes.

    Raises:
        ItemError: "truncated".
    """
    names, end = set(), 0
    for name, at, length in _parts(file, 0, size_bytes, 8, _box):
        names.add(name)
        end = at + length
    if end < size_bytes:
        raise truncated(f"the box at byte {end}", size_bytes, end + 8)
    if b"moov" not in names:
        raise ItemError(
            "truncated", f"no moov box in the {size_bytes} bytes of the object, which claims to be a movie"
        )


def _box(head: bytes) -> tuple[bytes, int, int | None]:
    """Parse a box of MP4 for `_parts`."""
    length, name, large = struct.unpack_from(">I4sQ", head)
    if length == 1:
        return name, 16, large - 16
    return name, 8, length - 8 if length else None


def _boxes(file: BinaryIO, at: int, end: int, *path: bytes) -> Iterator[tuple[int, int]]:
    """Where the bodies of the boxes at this path begin and end."""
    for name, begin, length in _parts(file, at, end, 8, _box):
        if name == path[0]:
            if path[1:]:
                yield from _boxes(file, begin, begin + length, *path[1:])
            else:
                yield begin, begin + length


def channels(file: BinaryIO, kind: str, size_bytes: int) -> int:
    """Of the first sound track in MP4, of CAF or AIFF, as the header counts them; codecs may know better.

    Raises:
        ItemError: "unsupported" where it does not stand in its usual place.
    """
    found = 0
    if kind == "caf":
        found = int.from_bytes(read_at(file, 44, 4))
    elif kind == "aiff":
        for name, at, _ in _parts(file, 12, size_bytes, 8, _iff_chunk):
            if name == b"COMM":
                found = int.from_bytes(read_at(file, at, 2))
                break
    else:
        for track in _boxes(file, 0, size_bytes, b"moov", b"trak"):
            for at, _ in _boxes(file, *track, b"mdia", b"minf", b"stbl", b"stsd"):
                entry = read_at(file, at + 8, 52).ljust(52, b"\0")
                is_sound = any(
                    read_at(file, begin + 8, 4) == b"soun"
                    for begin, _ in _boxes(file, *track, b"mdia", b"hdlr")
                )
                if is_sound and not found:
                    found = int.from_bytes(entry[48:52] if entry[17] == 2 else entry[24:26])
    if not 1 <= found <= MOST_CHANNELS:
        raise ItemError("unsupported", f"{found} channels in the {kind} header")
    return found


def asf(file: BinaryIO, size_bytes: int) -> None:
    """Walk the top-level objects of ASF (WMA), and compare the size in its header.

    Raises:
        ItemError: "truncated".
    """

    def parse(head: bytes) -> tuple[bytes, int, int | None]:
        length = struct.unpack_from("<Q", head, 16)[0]
        return head[:16], 24, length - 24 if length else None

    for _, at, length in _parts(file, 0, size_bytes, 24, parse):
        if at != 24:
            continue
        header = read_at(file, at, min(length, BLOCK_BYTES))
        found = header.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))  # its file properties
        if found < 0 or found + 92 > len(header):
            continue
        claimed, flags = struct.unpack_from("<Q40xI", header, found + 40)
        if not flags & 1 and claimed > size_bytes:
            raise truncated("the ASF header", size_bytes, claimed)


_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675


def ebml(file: BinaryIO, size_bytes: int, deep: bool) -> None:
    """Walk the elements of WebM or Matroska.

    Args:
        file: seekable.
        size_bytes: of the object.
        deep: into the segment too, whose elements may stand far apart.

    Raises:
        ItemError: "truncated", "audio".
    """
    at = 0
    for _ in range(MOST_CHUNKS):
        head = read_at(file, at, 12)
        if not head:
            return
        element = ebml_element(head)
        if element is None:
            raise ItemError("audio", f"no element of EBML at byte {at}")
        name, body, header = element
        if name == _SEGMENT or (name == _CLUSTER and body is None):
            if body is not None and at + header + body > size_bytes:
                raise truncated("the segment", size_bytes, at + header + body)
            if not deep:
                return
            at += header
            continue
        if body is None:
            raise ItemError("audio", f"an element without a size at byte {at}")
        if at + header + body > size_bytes:
            raise truncated(f"the element at byte {at}", size_bytes, at + header + body)
        at += header + body
    raise ItemError("audio", f"more than {MOST_CHUNKS} elements before byte {at}")


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_crc(page: bytes) -> int:
    """The checksum of a page whose own checksum is zeroed.

    Ogg's CRC is zlib's with the bits of every byte the other way round and without inversion: reversed in, reversed
    out, zlib does it ten times faster than a table.
    """
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")


def ogg(file: BinaryIO, size_bytes: int, tick: Tick) -> None:
    """Walk all pages.

    Raises:
        ItemError: "truncated" for a page cut short or a stream without its end, "audio" for damage.
    """
    file.seek(0)
    at, data = 0, b""
    following: dict[int, int] = {}  # of every stream that has not ended, the next page's number
    while True:
        if len(data) < 27 + 255 + 255 * 255 and (block := file.read(BLOCK_BYTES)):
            data += block
            tick()
            continue
        done = 0
        while len(data) - done >= 27 + 255 + 255 * 255 or (len(data) > done and not block):
            done += _ogg_page(memoryview(data)[done:], at + done, size_bytes, following)
        at, data = at + done, data[done:]
        if not block and not data:
            break
    if following:
        raise ItemError("truncated", f"the stream claims to go on: no page ends it within {size_bytes} bytes")


def _ogg_page(data: memoryview, at: int, size_bytes: int, following: dict[int, int]) -> int:
    """Check one page; returns its length."""
    if bytes(data[:4]) != b"OggS":
        raise ItemError("audio", f"no page of Ogg at byte {at}")
    length = 27
    if len(data) >= 27 and len(data) >= 27 + data[26]:
        length += data[26] + sum(data[27 : 27 + data[26]])
    if len(data) < length or len(data) < 27 + data[26]:
        raise truncated(f"the page at byte {at}", size_bytes, at + length)
    flags, serial, number, crc = data[5], *struct.unpack_from("<III", data, 14)
    if ogg_crc(bytes(data[:22]) + b"\0\0\0\0" + bytes(data[26:length])) != crc:
        raise ItemError("audio", f"the checksum of the page at byte {at} is wrong")
    if flags & 2:
        following[serial] = number
    if following.get(serial) != number:
        raise ItemError("audio", f"pages are missing before byte {at}, or none may follow")
    following[serial] = (number + 1) & 0xFFFFFFFF
    if flags & 4:
        del following[serial]
    return length


# Frames one behind another: MP3 (and MP1, MP2), ADTS, AMR.

_KBPS = np.zeros((2, 4, 16), np.int64)  # [MPEG 1 or 2][layer][index]
_KBPS[0, 1, 1:15] = range(32, 449, 32)
_KBPS[0, 2, 1:15] = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
_KBPS[0, 3, 1:15] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
_KBPS[1, 1, 1:15] = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
_KBPS[1, 2:4, 1:15] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
_HZ = np.array([44100, 48000, 32000], np.int64)
_AMR = np.array(
    [
        [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1],
        [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1],
    ],
    np.int64,
)
_MPEG, _ADTS, _AMR_NARROW, _AMR_WIDE = range(4)


@numba.njit(nogil=True, cache=True)
def _frame_bytes(data: Any, at: int, kind: int, kbps: Any, hz: Any, amr: Any) -> Any:
    """Length of the frame at `at` (0: none, −1: free format) and what may not change between frames."""
    if kind >= 2:
        head = data[at]
        return (0 if head & 0x83 else amr[kind - 2, head >> 3 & 15]), 0
    if data[at] != 0xFF:
        return 0, 0
    b, c = data[at + 1], data[at + 2]
    if kind == 1:
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        return (length if b & 0xF6 == 0xF0 and length >= 7 else 0), (b & 8) << 8 | c & 0xFC
    version, layer, rate = b >> 3 & 3, 4 - (b >> 1 & 3), c >> 2 & 3
    same = (b & 0x1E) << 8 | c & 0x0C
    if b & 0xE0 != 0xE0 or version == 1 or layer == 4 or rate == 3 or c >> 4 == 15:
        return 0, 0
    if c >> 4 == 0:
        return -1, same
    older = 0 if version == 3 else 1
    rate_hz = hz[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    bits = kbps[older, layer, c >> 4] * 1000
    padding = c >> 1 & 1
    if layer == 1:
        return (12 * bits // rate_hz + padding) * 4, same
    return (72 if older and layer == 3 else 144) * bits // rate_hz + padding, same


@numba.njit(nogil=True, cache=True)
def _walk(data: Any, kind: int, kbps: Any, hz: Any, amr: Any, state: Any) -> int:
    """Walk complete frames; returns where it stopped.

    State: frames so far, what may not change, why it stopped (0: data are used up, 1: no frame, 2: another kind of
    frame, 3: free format).
    """
    at, header = 0, 6 if kind < 2 else 1
    state[2] = 0
    while at + header <= data.size:
        length, same = _frame_bytes(data, at, kind, kbps, hz, amr)
        if length <= 0:
            state[2] = 1 if length == 0 else 3
            break
        if state[0] == 0:
            state[1] = same
        elif state[1] != same:
            state[2] = 2
            break
        if at + length > data.size:
            break
        at += length
        state[0] += 1
    return at


def frames(file: BinaryIO, begin: int, size_bytes: int, kind: str, tick: Tick) -> int:
    """Walk the frames of mp3, adts or amr; returns where the last one ends.

    Tags and zeros may stand at the end; anything else that is no frame is damage.

    Args:
        file: seekable.
        begin: of the first frame.
        size_bytes: of the object.
        kind: mp3, adts or amr.
        tick: called at every block.

    Raises:
        ItemError: "truncated", "audio", "unsupported" for MP3 of free format.
    """
    number = {"mp3": _MPEG, "adts": _ADTS, "amr": _AMR_NARROW}[kind]
    if kind == "amr":
        magic = read_at(file, 0, 9)
        if not magic.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
            raise ItemError("unsupported", "AMR of more than one channel")
        number, begin = (_AMR_NARROW, 6) if magic[5:6] == b"\n" else (_AMR_WIDE, 9)
    end = size_bytes if kind == "amr" else _before_tags(file, begin, size_bytes)
    if kind == "mp3":
        xing_bytes(file, begin, size_bytes)
    state = np.zeros(3, np.int64)
    file.seek(begin)
    at, data, tags = begin, b"", 0
    while at + len(data) < end:
        block = file.read(min(BLOCK_BYTES, end - at - len(data)))
        if not block:
            break
        data += block
        tick()
        done = _walk(np.frombuffer(data, np.uint8), number, _KBPS, _HZ, _AMR, state)
        at, data = at + done, data[done:]
        if state[2] == 1 and kind == "mp3" and tags < MOST_TAGS and (length := tag_bytes(data, end - at)):
            at, data, tags = at + length, b"", tags + 1
            state[2] = 0
            file.seek(at)
        if state[2]:
            break
    if state[2] == 3:
        raise ItemError("unsupported", f"MPEG audio of free format at byte {at}")
    if state[2]:
        _after_last(file, at, end, data, int(state[0]))
        data = b""  # padding
    if data:
        length = _frame_bytes(np.frombuffer(data.ljust(6, b"\0"), np.uint8), 0, number, _KBPS, _HZ, _AMR)[0]
        if len(data) >= 6 or number >= 2 or data.strip(b"\0"):
            raise truncated(f"the frame at byte {at}", end, at + max(length, 6))
    if kind == "mp3":
        _count(file, begin, int(state[0]), end)
    return at


def tag_bytes(data: bytes | memoryview, most: int) -> int:
    """Length of the complete ID3 tag that begins here, as where files were joined; 0: none."""
    length = 0
    if data[:3] == b"ID3" and len(data) >= 10:
        length = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]) + (10 if data[5] & 0x10 else 0)
    elif data[:3] == b"TAG":
        length = 128
    return length if length <= most else 0


def _after_last(file: BinaryIO, at: int, end: int, data: bytes, count: int) -> None:
    """What is no frame: padding (fine), a tag cut short, or damage."""
    if data.startswith((b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")):
        raise ItemError("truncated", f"a tag at byte {at} claims more than the {end - at} bytes that follow")
    position = at
    while data and not data.strip(b"\0"):
        position += len(data)
        data = file.read(min(BLOCK_BYTES, end - position))
    if data:
        raise ItemError(
            "audio", f"neither a frame of the same kind nor a tag at byte {at}, after {count} frames"
        )


def _before_tags(file: BinaryIO, begin: int, size_bytes: int) -> int:
    """Where tags at the end begin: ID3v1 and its TAG+, APE, Lyrics3, ID3v2 with a footer, in any order."""
    end = size_bytes
    for _ in range(8):
        tail = read_at(file, max(begin, end - 128), end - max(begin, end - 128))
        if len(tail) == 128 and tail[:3] == b"TAG":
            length = 128
        elif len(tail) >= 32 and tail[-32:-24] == b"APETAGEX":
            length, flags = struct.unpack_from("<I4xI", tail, len(tail) - 20)
            length += 32 if flags >> 31 else 0
        elif tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
            length = int(tail[-15:-9]) + 15
        elif tail[-9:] == b"LYRICSEND":
            lyrics = read_at(
                file, max(begin, end - 5120), end - max(begin, end - 5120)
            )  # version 1: at most 5100
            found = lyrics.rfind(b"LYRICSBEGIN")
            length = len(lyrics) - found if found >= 0 else 0
        elif read_at(file, max(begin, end - 227), 4) == b"TAG+":
            length = 227
        elif len(tail) >= 10 and tail[-10:-7] == b"3DI":
            length = 20 + (tail[-4] << 21 | tail[-3] << 14 | tail[-2] << 7 | tail[-1])
        else:
            break
        if not 0 < length <= end - begin:
            break
        end -= length
    return end


def xing(file: BinaryIO, begin: int) -> tuple[int, int] | None:
    """Frames and bytes as Xing, Info or VBRI in the first frame of an MP3 state them (0: not stated); None: none."""
    head = read_at(file, begin, 64)
    if len(head) < 64:
        return None
    mono, older = head[3] >> 6 == 3, head[1] & 8 == 0
    at = 4 + ((9 if mono else 17) if older else (17 if mono else 32))
    if head[at : at + 4] in (b"Xing", b"Info"):
        flags, first, second = struct.unpack_from(">III", head, at + 4)
        values = [first, second] if flags & 1 else [0, first]
        return values[0], values[1] if flags & 2 else 0
    if head[36:40] == b"VBRI":
        size, count = struct.unpack_from(">II", head, 46)
        return count, size
    return None


def gapless(file: BinaryIO, begin: int) -> int | None:
    """Samples of an MP3 without the encoder's delay and padding, as LAME's part of the Xing frame states them."""
    head = read_at(file, begin, 256)
    stated = xing(file, begin)
    if stated is None or not stated[0]:
        return None
    at = max(head.find(b"Xing"), head.find(b"Info"))
    flags = int.from_bytes(head[at + 4 : at + 8])
    place = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    if head[place : place + 4] not in (b"LAME", b"Lavf", b"Lavc") or len(head) < place + 24:
        return None
    edges = int.from_bytes(head[place + 21 : place + 24])
    frame_samples = 1152 if head[1] & 8 else 576
    return max(0, stated[0] * frame_samples - (edges >> 12) - (edges & 0xFFF))


def xing_bytes(file: BinaryIO, begin: int, size_bytes: int) -> None:
    """Compare the bytes that the information frame states; some writers leave that frame itself out.

    Raises:
        ItemError: "truncated".
    """
    stated = xing(file, begin)
    if stated is not None and stated[1] > size_bytes - begin:
        raise truncated("the Xing header", size_bytes, begin + stated[1])


def _count(file: BinaryIO, begin: int, count: int, end: int) -> None:
    """Compare the frames that the information frame states; some writers count that frame itself."""
    stated = xing(file, begin)
    if stated is not None and stated[0] > count:
        raise ItemError(
            "truncated", f"the Xing header claims {stated[0]} frames and {count} stand before byte {end}"
        )


def flac_total(file: BinaryIO, begin: int) -> int:
    """Samples per channel that STREAMINFO states; 0: unknown.

    Raises:
        ItemError: "truncated", "audio".
    """
    head = read_at(file, begin, 42)
    if len(head) < 42:
        raise truncated("STREAMINFO", begin + len(head), begin + 42)
    if head[4] & 0x7F:
        raise ItemError("audio", "the first block of the FLAC is not STREAMINFO")
    return int.from_bytes(head[21:26], "big") & ((1 << 36) - 1)


def program(file: BinaryIO, size_bytes: int) -> None:
    """Walk the packs and packets of an MPEG program stream.

    Raises:
        ItemError: "truncated", "audio".
    """

    def parse(head: bytes) -> tuple[bytes, int, int | None]:
        if head[:3] != b"\0\0\x01":
            raise ItemError("audio", "no packet where the packet before it ends")
        if head[3] == 0xBA:
            return head[3:4], 0, 14 + (head[13] & 7) if head[4] >> 6 == 1 else 12
        return head[3:4], 0, 4 if head[3] == 0xB9 else 6 + int.from_bytes(head[4:6], "big")

    for _ in _parts(file, 0, size_bytes, 4, parse):
        pass


def transport(size_bytes: int) -> None:
    """The last packet of an MPEG transport stream is complete.

    Raises:
        ItemError: "truncated".
    """
    if size_bytes % 188:
        raise truncated("the last packet", size_bytes, size_bytes + 188 - size_bytes % 188)


def flv(file: BinaryIO, size_bytes: int) -> None:
    """Walk the tags.

    Raises:
        ItemError: "truncated".
    """

    def parse(head: bytes) -> tuple[bytes, int, int | None]:
        return head[:1], 11, int.from_bytes(head[1:4], "big") + 4  # its size stands behind it once more

    end = 13
    for _, at, length in _parts(file, 13, size_bytes, 11, parse):
        end = at + length
    if end != size_bytes:
        raise truncated(f"the tag at byte {end}", size_bytes, end + 11)
