"""One video: its pictures' size as displayed, duration, coded bytes, damage, and what a person must know of it.

What "it was read" means, in full mode:

1. The file's structure holds against the object's size (`video_structure`).
2. Every packet is demuxed; none is flagged corrupt (of MPEG-TS at most 1 in 1,000, or 10 if that is no more than 1 in
   50: joined recordings have one at every joint and stream), no sample lies behind the end, time does not run back by
   more than 10 s, and the packets last as long as the header says (to 2 %, at least 1 s). No coded picture is all
   zeros, and the units of H.264 and H.265 with their sizes before them reach each sample's end.
3. The key pictures at 12 places, evenly spread, decode without an error. **Damage in other pictures is not seen**;
   every key picture would take four to ten times as long as all else (700 MB), every picture sixty times. Key pictures
   that need others (H.264's gradual refresh, open groups) are reached from the first one, if it is at most 1,000
   packets before, and are left out otherwise. Some codecs hardly tell damage from a picture
   (VP8, VP9, MPEG-1 and -2, much of H.265).
   The fingerprint (`neardup.films`) is of these pictures and of the run: up to 128 pictures that are not flat, from
   the first one on, 64 at 1920 × 1080 and fewer of larger ones. It ends early where a picture does not decode.
4. Those pictures are compared, as 32 × 32 grey cells (fewer where a cell would have less than 12 pixels a side).
   Two are the same when no cell differs by more than 6 of 255: coding a still picture again, with noise and
   coarsely, changed cells by at most 6 at 640 × 360, 3 at 1280 × 720; it hides what moves in a corner of a cell.
   - `static`: all of them are the same, and so are the first 1,000 pictures decoded one by one; or one picture is all
     there is, or stands for more than 10 s on average.
   - `looped`: half of the key packets are a repetition of earlier ones (a loop made by copying, of four key pictures
     or more; of equal ones in a row the first counts, and none that equals one of the three before; three at least in
     the same order), or the places' pictures repeat with a period of 2 … 6 places while they are not all the same (a
     loop made by encoding again). The latter is seen only where the period is a multiple of a twelfth of the
     duration, to the nearest key picture, and holds at least two key pictures.
   - `bars`: at two opposite sides, lines of one and the same colour (grey levels within 16, over all pictures that
     are not of one colour altogether) make up at least 2 % of that dimension, and end at a straight edge: in half of
     the pictures and at both sides, 40 % of the next line has another level, and no more than 10 % of the lines
     between are of the bars' colour (slides on a plain ground have no bars). Where fewer than 12 key pictures are
     there and all have bars, the first 1,000 pictures decide with them.
   - `padding`: more than 10 % of the object and 1 MB are neither coded pictures of the first stream nor sound, of all
     streams together at most 288,000 bytes for every second of the pictures (two channels of 24 bit at 48 kHz);
     filler units of H.264 and H.265 are no coded pictures; or the coded pictures are larger than they would be raw,
     at 24 bit for every pixel or what the pixel format takes with its own padding. MPEG-TS and -PS may fill up a
     packet of theirs (188, 2048 bytes) for every sample.
"""

from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import partial
from io import BytesIO
from itertools import islice
from math import floor
from typing import Any, BinaryIO, NamedTuple

import av
import av.error
import numpy as np
import xxhash
from av.stream import Discard, Disposition
from PIL import Image

from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure import demux, video_structure
from dqv.measure.media import FLAGS, LOCATION_TAGS, Media, Tick, flicks, texts_of
from dqv.measure.timestamps import parse_day
from dqv.measure.video_pictures import Picture, barred, periodic, picture, same
from dqv.neardup import films
from dqv.neardup import pictures as hashing

PLACES = 12
"""Where key pictures are decoded: 12 is divided by loops of 2, 3, 4 and 6 periods."""

PICTURES = 1000
"""Decoded one by one from the first, as long as a video looks static or barred from few key pictures."""

RUN, RUN_PIXELS = 128, 64 * 1920 * 1088
"""Decoded one by one from the first for the fingerprint: so many pictures, or of so many pixels together, flat ones not
counted; with them four times as many."""

GREY_SHORT_PX, GREY_LONG_PX = 384, 1024
"""Sides of the pictures that are compared, at most: 1.5 times the frame that `neardup.pictures` compares over."""

BACK_S = (0, 1, 4, 16, 64)
"""How far before a time a demuxer is sent to find the key picture before it: it may search by decoding times."""

SEEK_PACKETS = 2000
"""How many packets may lie between where a demuxer goes and the key packet that was asked for."""

HINT_BYTES = 4096
"""Of the first picture, where only the header is read."""

BLINKING_KEYS = 3
HELD_S = 10
BACKWARDS_S = 10
SHORTER_SHARE, SHORTER_S = Fraction(2, 100), Fraction(1)
PADDING_SHARE, PADDING_BYTES = 0.1, 1_000_000
RAW_BITS = 24
STUFFING = {"mpegts": 188, "mpegps": 2048}
SOUND_BYTES_S = 2 * 48_000 * 3
FILLER = {"h264": 12, "hevc": 38}
NEVER_ZEROS = ("h264", "hevc", "mpeg4", "vp8", "vp9", "av1", "mjpeg", "mpeg1video", "mpeg2video")
"""The codecs whose every picture begins with a header that is not zero."""
CORRUPT_SHARE, CORRUPT_FEW, CORRUPT_FEW_SHARE = 1000, 10, 50
REREAD, REREAD_BYTES = 8, 64 * 2**20
"""Sample tables may point at a byte many times; reading more than this often, beyond 64 MiB, is a bomb."""

ASPECTS = (Fraction(1, 2), Fraction(2))
"""A sample aspect ratio outside is taken for none."""

DATE_TAGS = ("com.apple.quicktime.creationdate", "creation_time", "date")
STATED = ("mp4", "matroska", "avi", "flv", "asf")
"""The families whose headers state a duration; of the others FFmpeg makes a guess."""

OF_THE_WHOLE = ("flv", "asf")
"""Those of them that state it of all streams together."""


class OnlySound(Exception):
    """There are no moving pictures, but there is sound."""


@dataclass(slots=True)
class _Scan:
    """What the packets say.

    Attributes:
        frames: pictures that are displayed.
        first: when the first of them is displayed, in seconds.
        last: when the last of them ends.
        all_first: as `first`, of all streams together.
        all_last: as `last`, idem.
    """

    frames: int = 0
    first: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    all_first: Fraction = Fraction(0)
    all_last: Fraction = Fraction(0)
    picture_bytes: int = 0
    coded_bytes: int = 0
    key_times: "array[int]" = field(default_factory=lambda: array("q"))
    key_seeks: "array[int]" = field(default_factory=lambda: array("q"))
    key_alone: "array[int]" = field(default_factory=lambda: array("B"))
    key_hashes: "array[int]" = field(default_factory=lambda: array("Q"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    digest: bytes = b""

    def add(self, key: "_Key", content: int) -> None:
        """Remember a key packet and the hash of what it holds."""
        self.key_times.append(key.time)
        self.key_seeks.append(key.seek)
        self.key_alone.append(key.alone)
        self.key_hashes.append(content)


class _Key(NamedTuple):
    """A key packet.

    Attributes:
        time: when it is displayed, in the stream's unit.
        seek: what to seek for to reach it, idem.
        alone: its picture needs no other. H.264's gradual refresh marks pictures that do.
    """

    time: int
    seek: int
    alone: bool


@dataclass(frozen=True, slots=True)
class _Sampled:
    """What the decoded pictures say."""

    pictures: list[Picture]
    flags: set[str]
    fingerprint: bytes | None


def measure(file: BinaryIO, size_bytes: int, limits: Limits, tick: Tick, *, full: bool) -> Media:
    """Measure one video.

    With square pixels the width is the coded width × the sample aspect ratio, rounded to the nearest pixel, half up;
    the height stays; then both are turned by quarters. A ratio outside 1/2 … 2 is not believed: then the coded size
    counts. Cropping is the codec's; a container's (`clap`) is not
    applied. `channels` stays None: asking PyAV 18 for the layout of a MOV's 7.1 channels ends the process.

    Args:
        file: seekable; read from its beginning, never closed.
        size_bytes: of the object.
        limits: `image_pixels` bounds a picture.
        tick: called for every few packets and every picture.
        full: read and hash every packet, decode sampled pictures. Otherwise only headers are read: then
            `payload_bytes` is an upper bound (for MP4 what `mdat` boxes and sample tables claim, for the others the
            object's size), rotation inside of the coded pictures (H.264 SEI) is not seen, and damage only as far
            as the structure shows it.

    Raises:
        OnlySound: no moving pictures, but sound.
        ItemError: "empty", "truncated", "video", "unsupported", "bomb" (larger pictures than the limit, or samples
            that are read over and over).
        OSError: of the stream itself.
        MemoryError: what the data asks for cannot be had.
    """
    if not size_bytes:
        raise ItemError("empty", "0 bytes")
    structure = video_structure.walk(file, size_bytes, tick, full=full)
    window: Any = video_structure.Window(file, structure)
    if not full and structure.family in ("mp4", "matroska"):
        # Where haste leaves something unknown, or finds fault, the ordinary way decides.
        with suppress(ItemError), demux.opened(window, "video", hasty=True) as container:
            stream = _pictures(container, limits)
            _hint(container, stream, limits)
            if stream.codec_context.pix_fmt and stream.average_rate:
                return _media(container, stream, structure, size_bytes, None, None)
    with demux.opened(window, "video") as container:
        stream = _pictures(container, limits)
        scan = sampled = None
        if full:
            scan = _scan(container, stream, structure, size_bytes, tick)
            sampled = _sample(container, stream, scan, limits, tick)
        return _media(container, stream, structure, size_bytes, scan, sampled)


def key_frames(file: BinaryIO, limits: Limits, side_px: int, most: int) -> list[bytes]:
    """The first key picture and those nearest before evenly spaced moments, as displayed; each once.

    Args:
        file: seekable.
        limits: of one item.
        side_px: of the long side, at most.
        most: pictures; those behind the first are left out where they cannot be had.

    Returns:
        JPEGs without metadata, at least one.

    Raises:
        OnlySound: no moving pictures, but sound.
        ItemError: as `measure`.
        OSError: of the stream itself.
    """
    with demux.opened(file, "video") as container:
        stream = _pictures(container, limits)
        _prepare(stream, limits)
        aspect, seconds = _aspect(stream), _header_seconds(container, stream)
        found: dict[int | None, bytes] = {}
        for each in range(most if seconds is not None else 1):
            try:
                if each and seconds is not None:
                    at = (stream.start_time or 0) + round(seconds * each / most / stream.time_base)
                    container.seek(at, stream=stream)
                frame = next(_decoded(_from_key(container, stream, None, lambda: None), stream), None)
                if frame is not None and frame.pts not in found:
                    found[frame.pts] = _small(frame, aspect, side_px)
            except (ItemError, av.error.FFmpegError):
                if not found:
                    raise
                break
        if not found:
            raise ItemError("video", "no picture comes from the first key packet")
        return list(found.values())


_TURNS = {
    1: Image.Transpose.ROTATE_90,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_270,
}


def _small(frame: Any, aspect: Fraction, side_px: int) -> bytes:
    width, height = _displayed(frame.width, frame.height, aspect, 0)
    scale = min(1.0, side_px / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Scaled by FFmpeg before it is RGB: a large picture is never held a second time.
    image = Image.fromarray(frame.reformat(*size, format="rgb24", threads=1).to_ndarray())
    turn = _TURNS.get(_quarters(frame.rotation))
    image = image if turn is None else image.transpose(turn)
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


# -- headers ------------------------------------------------------------------------------------------------------


def _pictures(container: Any, limits: Limits) -> Any:
    """The stream of moving pictures, known to have a decoder and a size within the limit."""
    stream = demux.pictures(container)
    if stream is None:
        if container.streams.audio:
            raise OnlySound
        raise ItemError("video", "neither moving pictures nor sound")
    context = stream.codec_context
    if context is None:
        raise ItemError("unsupported", "no decoder for the pictures' codec")
    if context.width <= 0 or context.height <= 0:
        raise ItemError("video", "the pictures have no size")
    if context.width * context.height > limits.image_pixels:
        raise ItemError(
            "bomb", f"pictures of {context.width} × {context.height} pixels, over {limits.image_pixels}"
        )
    if not stream.time_base:
        raise ItemError("video", "the pictures have no unit of time")
    return stream


def _hint(container: Any, stream: Any, limits: Limits) -> None:
    """Give the decoder the beginning of the first picture: it takes size, pixel format and aspect from it.

    H.264 says some of that only where a picture begins; decoding a whole one takes five times as long as all else.
    """
    context = stream.codec_context
    _prepare(stream, limits)
    packet = next(demux.packets(container, stream), None)
    if packet is None:
        return
    data = bytearray(memoryview(packet)[:HINT_BYTES])
    head = context.extradata or b""
    if context.name == "h264" and head[:1] == b"\1" and len(head) > 4:  # units with their sizes before them
        wide, at = (head[4] & 3) + 1, 0
        while at + wide < len(data):
            rest = len(data) - at - wide
            at += wide + int.from_bytes(data[at : at + wide], "big")
            if at > len(data):
                data[-rest - wide : len(data) - rest] = rest.to_bytes(wide, "big")
    with suppress(av.error.InvalidDataError):  # it is half a picture
        context.decode(av.Packet(bytes(data)))


def _aspect(stream: Any) -> Fraction:
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect and ASPECTS[0] <= aspect <= ASPECTS[1] else Fraction(1)


def _quarters(degrees: float) -> int:
    """Quarter turns, counter-clockwise, of a rotation to the nearest."""
    return round(degrees / 90) % 4


def _displayed(width: int, height: int, aspect: Fraction, degrees: float) -> tuple[int, int]:
    wide = max(1, floor(width * aspect + Fraction(1, 2)))
    return (height, wide) if _quarters(degrees) % 2 else (wide, height)


def _header_seconds(container: Any, stream: Any) -> Fraction | None:
    if stream.duration is not None and stream.duration > 0:
        return Fraction(stream.duration * stream.time_base)
    if container.duration is not None and container.duration > 0:
        return Fraction(container.duration, av.time_base)
    return None


def _day(container: Any, stream: Any) -> tuple[date | None, bool]:
    """The first date that says something decides; whether it was refused."""
    tags = [{key.lower(): value for key, value in each.metadata.items()} for each in (container, stream)]
    for name in DATE_TAGS:
        for each in tags:
            try:
                day = parse_day(each.get(name))
            except ValueError:
                return None, True
            if day is not None:
                return day, False
    return None, False


def _media(
    container: Any,
    stream: Any,
    structure: video_structure.Structure,
    size_bytes: int,
    scan: _Scan | None,
    sampled: _Sampled | None,
) -> Media:
    """The record, from the header and, in full mode, what was found."""
    context = stream.codec_context
    rate = stream.average_rate
    aspect = _aspect(stream)
    frames: int | None = stream.frames or None
    seconds = _header_seconds(container, stream)
    coded = structure.coded_bytes if structure.coded_bytes is not None else size_bytes
    degrees = structure.degrees.get(stream.index, 0)
    width, height = _displayed(context.width, context.height, aspect, degrees)
    area = context.width * context.height
    flags: set[str] = set()
    picture_bytes = 0
    if scan is not None and sampled is not None:
        pictures, flags = sampled.pictures, sampled.flags
        smallest = min(pictures, key=lambda each: each.width_px * each.height_px)
        width, height = _displayed(smallest.width_px, smallest.height_px, aspect, smallest.degrees)
        area = smallest.width_px * smallest.height_px
        frames, coded, picture_bytes = scan.frames, scan.coded_bytes, scan.picture_bytes
        seconds = scan.last - scan.first
        if seconds > 0 and (not rate or abs(rate * seconds - frames) > max(2, frames * SHORTER_SHARE)):
            rate = (frames / seconds).limit_denominator(1001)
        if frames == 1 or seconds > HELD_S * frames:
            flags.add("static")
    beside = size_bytes - coded
    if scan is not None:
        beside -= STUFFING.get(structure.family, 0) * len(scan.sizes)
    raw_bits = max(RAW_BITS, context.format.padded_bits_per_pixel if context.pix_fmt else 0)
    if beside > max(PADDING_SHARE * size_bytes, PADDING_BYTES) or (
        frames and picture_bytes * 8 > raw_bits * area * frames
    ):
        flags.add("padding")
    sound = next(iter(container.streams.audio), None)
    heard = sound.codec_context if sound is not None else None
    day, refused = _day(container, stream)
    return Media(
        modality="video",
        codec=context.codec.canonical_name,
        mode=context.pix_fmt,
        payload_bytes=coded,
        width_px=width,
        height_px=height,
        frames=frames,
        frame_rate=f"{rate.numerator}/{rate.denominator}" if rate else None,
        duration_flicks=None if seconds is None else flicks(seconds),
        sample_rate_hz=(heard.sample_rate or None) if heard is not None else None,
        day=day,
        day_refused=refused,
        located=any(
            not LOCATION_TAGS.isdisjoint(map(str.lower, each.metadata)) for each in (container, stream)
        ),
        texts=texts_of(container.metadata, stream.metadata),
        flags=tuple(flag for flag in FLAGS if flag in flags),
        xxh3_128=scan.digest if scan is not None else None,
        fingerprint=sampled.fingerprint if sampled is not None else None,
        decoded=scan is not None,
    )


# -- packets ------------------------------------------------------------------------------------------------------


def _scan(
    container: Any, stream: Any, structure: video_structure.Structure, size_bytes: int, tick: Tick
) -> _Scan:
    """Demux everything: count, hash, and hold what the packets say against the header.

    The digest is xxh3_128 over the sorted xxh3_128 digests of the coded samples of each stream of pictures or
    sound, so that neither padding nor another interleaving or order of tracks hides a copy.
    """
    scan = _Scan()
    hashers: dict[int, Any] = {}
    coded_streams = {
        each.index
        for each in container.streams
        if each.type in ("video", "audio") and not each.disposition & Disposition.attached_pic
    }
    index = stream.index
    heard = {each.index for each in container.streams.audio}
    expected = _indexed(stream, size_bytes) if structure.family == "mp4" else 0
    lasting = Fraction(1) / stream.average_rate / stream.time_base if stream.average_rate else Fraction(0)
    pictures = filler = sound = total = coded = count = corrupt = 0
    hidden: _Key | None = None
    codec = stream.codec_context.codec.canonical_name
    units = _Units(codec, stream.codec_context.extradata or b"") if codec in ("h264", "hevc") else None
    ends: dict[int, list[int]] = {}
    decoded_at = None
    for count, packet in enumerate(demux.packets(container)):
        if not count % 16:
            tick()
        size, number = packet.size, packet.stream_index
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None and not packet.is_discard:
            end = time + (packet.duration or (round(lasting) if number == index else 0))
            span = ends.get(number)
            if span is None:
                ends[number] = [time, end]
            else:
                span[0], span[1] = min(span[0], time), max(span[1], end)
        if number not in coded_streams:
            continue
        if packet.is_corrupt:
            corrupt += 1
            if structure.family != "mpegts":
                raise ItemError("video", f"FFmpeg finds packet {count} corrupt, at byte {_where(packet)}")
        total += size
        if total > REREAD * size_bytes + REREAD_BYTES:
            raise ItemError(
                "bomb", f"sample tables claim more than {total} bytes of an object of {size_bytes}"
            )
        hasher = hashers.get(number)
        if hasher is None:
            hasher = hashers[number] = xxhash.xxh3_128()
        hasher.update(packet)
        if number != index and number not in heard:
            continue
        scan.places.append(-1 if packet.pos is None else packet.pos)
        scan.sizes.append(size)
        if number != index:
            sound += size
            continue
        pictures += size
        coded += 1
        if codec in NEVER_ZEROS and size > 16 and not any(memoryview(packet)[:16]) and not any(bytes(packet)):
            raise ItemError("video", f"picture {coded}, at byte {_where(packet)}, is nothing but zeros")
        held = units.of(packet) if units is not None else []
        if held is None:
            raise ItemError("video", f"the units of picture {coded}, at byte {_where(packet)}, miss its end")
        filler += sum(wide for kind, wide in held if kind == FILLER[codec])
        scan.frames += not packet.is_discard
        if packet.dts is not None:
            if decoded_at is not None and (decoded_at - packet.dts) * stream.time_base > BACKWARDS_S:
                raise ItemError("video", f"time runs back by more than {BACKWARDS_S} s at picture {coded}")
            decoded_at = packet.dts
        if packet.is_keyframe and time is not None:
            # Matroska is searched by the time of display, all others by that of decoding.
            seek = time if structure.family == "matroska" or packet.dts is None else packet.dts
            # In H.264 only a unit of type 5 refreshes at once.
            key = _Key(time, seek, codec != "h264" or any(kind == 5 for kind, _ in held))
            if packet.is_discard:  # before the edit begins: decoded, never displayed
                hidden = hidden or key
            else:
                scan.add(key, xxhash.xxh3_64_intdigest(packet))
    if corrupt > max(count // CORRUPT_SHARE, min(CORRUPT_FEW, count // CORRUPT_FEW_SHARE)):
        raise ItemError("video", f"FFmpeg finds {corrupt} of {count + 1} packets corrupt")
    if hidden is not None and not scan.key_times:
        scan.add(hidden, 0)
    if not scan.frames:
        raise ItemError("truncated" if expected else "empty", f"no coded picture in {size_bytes} bytes")
    if coded < expected:
        raise ItemError("truncated", f"{coded} pictures, where the sample table claims {expected}")
    spans = {
        n: (a * base, b * base) for n, (a, b) in ends.items() if (base := container.streams[n].time_base)
    }
    scan.first, scan.last = spans.get(index, (Fraction(0), Fraction(0)))
    if spans:
        scan.all_first, scan.all_last = min(a for a, _ in spans.values()), max(b for _, b in spans.values())
    _hold_duration(container, stream, structure, scan)
    scan.coded_bytes = min(pictures + sound, size_bytes)
    if structure.family in ("mp4", "avi"):  # tables may point many times at the same bytes
        places, sizes = np.frombuffer(scan.places, np.int64), np.frombuffer(scan.sizes, np.int64)
        known = places >= 0
        unknown = int(sizes[~known].sum())
        scan.coded_bytes = min(
            video_structure.covered(places[known], sizes[known], size_bytes) + unknown, size_bytes
        )
    beside = filler + max(0, sound - int(SOUND_BYTES_S * (scan.last - scan.first)))
    scan.coded_bytes = max(0, scan.coded_bytes - beside)
    scan.picture_bytes = min(pictures - filler, scan.coded_bytes)
    digests = sorted(each.digest() for each in hashers.values())
    scan.digest = xxhash.xxh3_128_digest(b"".join(digests))
    return scan


class _Units:
    """Splits packets of H.264 or H.265 into their units (NAL)."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._h264 = codec == "h264"
        place = 4 if self._h264 else 21
        framed = extradata[:1] == b"\1" and len(extradata) > place
        self._wide = (extradata[place] & 3) + 1 if framed else 0

    def kind(self, first: int) -> int:
        """The type of a unit, from the first byte of its header."""
        return first & 31 if self._h264 else first >> 1 & 63

    def of(self, packet: Any) -> list[tuple[int, int]] | None:
        """Type and bytes of each unit; None where sizes stand before them and do not reach the packet's end.

        Fewer bytes than a size takes may be left over, as FFmpeg has it.
        """
        if not self._wide:
            return self._marked(bytes(packet))
        data, wide, at = memoryview(packet), self._wide, 0
        found = []
        while at + wide < len(data):
            size = wide + int.from_bytes(data[at : at + wide], "big")
            if size > len(data) - at:
                return None
            if size > wide:
                found.append((self.kind(data[at + wide]), size))
            at += size
        return found

    def _marked(self, data: bytes) -> list[tuple[int, int]]:
        """Units with start codes before them."""
        found = []
        at = data.find(b"\0\0\1")
        while 0 <= at < len(data) - 3:
            stop = data.find(b"\0\0\1", at + 3)
            found.append((self.kind(data[at + 3]), (len(data) if stop < 0 else stop) - at))
            at = stop
        return found


def _where(packet: Any) -> str:
    return "?" if packet.pos is None else str(packet.pos)


def _indexed(stream: Any, size_bytes: int) -> int:
    """How many samples the table of an MP4 has.

    Raises:
        ItemError: "truncated", when one lies behind the object's end.
    """
    entries = stream.index_entries
    for number, entry in enumerate(entries):
        if entry.pos + entry.size > size_bytes:
            raise ItemError(
                "truncated",
                f"sample {number} at byte {entry.pos} claims {entry.size} bytes, behind the object's {size_bytes}",
            )
    return len(entries)


def _hold_duration(container: Any, stream: Any, structure: video_structure.Structure, scan: _Scan) -> None:
    """Hold the duration that the header states against the packets'."""
    if structure.family not in STATED:
        return
    if stream.duration is not None and structure.family not in OF_THE_WHOLE:
        stated, first, last = Fraction(stream.duration * stream.time_base), scan.first, scan.last
    elif container.duration is not None:
        stated, first, last = Fraction(container.duration, av.time_base), scan.all_first, scan.all_last
    else:
        return
    found = max(last, last - first)  # from zero or from the first packet: a late start is no missing end
    if stated - found > max(SHORTER_S, stated * SHORTER_SHARE):
        raise ItemError(
            "truncated", f"the header states {float(stated):.2f} s, the packets last {float(found):.2f} s"
        )


# -- pictures -----------------------------------------------------------------------------------------------------


def _prepare(stream: Any, limits: Limits) -> None:
    """A decoder that reports damage, in one thread, with a bound on pixels."""
    context = stream.codec_context
    context.thread_count = 1
    context.options = {"err_detect": "explode", "max_pixels": str(limits.image_pixels)}
    for other in stream.container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def _from_key(container: Any, stream: Any, key: _Key | None, tick: Tick) -> Iterator[Any]:
    """Packets from a key packet on (None: the first one from here); nothing where it is not found again."""
    if key is not None:
        container.seek(key.seek, stream=stream)
    found = False
    for number, packet in enumerate(demux.packets(container, stream)):
        tick()
        stamp = packet.pts if packet.pts is not None else packet.dts
        if not found:
            found = packet.is_keyframe and (key is None or stamp == key.time)
            if not found and number >= SEEK_PACKETS:
                return
            shown = stamp if key is None else key.time
        if found and (
            shown is None or stamp is None or stamp >= shown
        ):  # leading pictures need what was before
            yield packet


def _decoded(packets: Iterator[Any], stream: Any) -> Iterator[Any]:
    """Frames of the packets, in the order of display; the decoder starts and ends empty.

    Raises:
        ItemError: "video" for a picture with damage.
    """
    context = stream.codec_context
    packet = None
    if context.is_open:
        context.flush_buffers()
    try:
        for packet in packets:
            yield from _sound(context.decode(packet), packet)
        if packet is not None:
            yield from _sound(context.decode(None), packet)
    except av.error.InvalidDataError as error:
        raise _damaged(packet) from error


def _sound(frames: list[Any], packet: Any) -> Iterator[Any]:
    for frame in frames:
        if frame.is_corrupt:
            raise _damaged(packet)
        yield frame


def _damaged(packet: Any) -> ItemError:
    return ItemError("video", f"the picture at {_time(packet.pts, packet)} s does not decode without damage")


def _time(stamp: int | None, of: Any) -> str:
    return "?" if stamp is None else f"{float(stamp * of.time_base):.2f}"


def _key_frame(container: Any, stream: Any, key: _Key, first: _Key, tick: Tick) -> Any | None:
    """The frame of one key packet; None where it cannot be had.

    That is where the demuxer does not find the packet again, or its picture needs others and lies more than 1,000
    packets behind the first key picture.
    """
    try:
        packets = list(islice(_from_key(container, stream, key, tick), 1))
        if not packets:
            return None
        frame = next(_decoded(iter(packets), stream), None)
        if frame is None:  # it begins a gradual refresh, or the edit begins later
            frame = next(_decoded(islice(_from_key(container, stream, key, tick), PICTURES), stream), None)
        if frame is not None:
            return frame
        if key.alone:
            raise ItemError("video", f"no picture comes from the key packet at {_time(key.time, stream)} s")
    except ItemError:
        if key.alone:
            raise
    if key == first or not first.alone:
        return None
    for frame in _decoded(islice(_from_key(container, stream, first, tick), PICTURES), stream):
        if frame.pts is not None and frame.pts >= key.time:
            return frame
    return None


def _sample(container: Any, stream: Any, scan: _Scan, limits: Limits, tick: Tick) -> _Sampled:
    """Decode the key pictures at the places, and the run."""
    if not scan.key_times:
        raise ItemError("video", f"none of {scan.frames} pictures is a key picture")
    _prepare(stream, limits)
    times, order = np.unique(np.frombuffer(scan.key_times, np.int64), return_index=True)
    keys = [_Key(scan.key_times[i], scan.key_seeks[i], bool(scan.key_alone[i])) for i in order.tolist()]
    ticks = [
        int((scan.first + (scan.last - scan.first) * i / PLACES) / stream.time_base) for i in range(PLACES)
    ]
    wanted = np.maximum(np.searchsorted(times, ticks, "right") - 1, 0)
    found: dict[int, Picture] = {}
    hashed: dict[int, tuple[np.uint64, bool]] = {}
    for key in dict.fromkeys(wanted.tolist()):
        frame = _key_frame(container, stream, keys[key], keys[0], tick)
        if frame is not None:
            found[key] = picture(frame)
            _hash(frame, stream, hashed)
    pictures = list(found.values())
    if not pictures:
        raise ItemError("video", f"none of {len(times)} key packets is found again where it was")
    static = all(same(pictures[0], each) for each in pictures)
    bars = barred(pictures)
    if static or (bars and len(pictures) < PLACES):
        static, bars = _one_by_one(container, stream, pictures, keys[0], tick, static, bars)
    flags = {name for name, holds in (("static", static), ("bars", bars)) if holds}
    if not static and (_repeated(scan) or periodic([(key, found.get(key)) for key in wanted.tolist()])):
        flags.add("looped")
    _hash_run(container, stream, keys[0], tick, hashed)
    first_ms, last_ms = floor(scan.first * 1000), floor(scan.last * 1000)
    displayed = {time: value for time, value in hashed.items() if first_ms <= time <= last_ms}
    return _Sampled(pictures, flags, films.packed(first_ms, last_ms, len(keys), displayed))


def _time_ms(frame: Any, stream: Any) -> int:
    """When a frame is displayed, rounded down."""
    base = stream.time_base
    return int(frame.pts * base.numerator * 1000 // base.denominator)


def _cells(frame: Any) -> hashing.U8:
    """What is hashed of a frame, upright."""
    grey = frame.reformat(films.CELLS, films.CELLS, "gray", interpolation="AREA", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(grey, _quarters(frame.rotation)))


def _grey(frame: Any) -> hashing.U8:
    """A frame as `neardup.pictures.same` takes it: upright, at most 384 px on its short and 1024 px on its long side."""
    sides = frame.width, frame.height
    scale = min(1.0, GREY_SHORT_PX / min(sides), GREY_LONG_PX / max(sides))
    width, height = (max(1, round(side * scale)) for side in sides)
    grey = frame.reformat(width, height, "gray", interpolation="AREA", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(grey, _quarters(frame.rotation)))


def _hash(frame: Any, stream: Any, into: dict[int, tuple[np.uint64, bool]]) -> bool:
    """Enter a frame's hash under its time; returns whether it is flat."""
    value, flat = hashing.fingerprint(_cells(frame))
    if frame.pts is not None:
        into[_time_ms(frame, stream)] = value, flat
    return flat


def _hash_run(
    container: Any, stream: Any, first: _Key, tick: Tick, into: dict[int, tuple[np.uint64, bool]]
) -> None:
    """Enter the pictures of the run; what does not decode ends it."""
    told = told_pixels = pixels = 0
    with suppress(ItemError):
        frames = _decoded(_from_key(container, stream, first, tick), stream)
        for frame in islice(frames, 4 * RUN):
            area = frame.width * frame.height
            pixels += area
            if not _hash(frame, stream, into):
                told += 1
                told_pixels += area
            if told >= RUN or told_pixels >= RUN_PIXELS or pixels >= 4 * RUN_PIXELS:
                break


# -- moments ------------------------------------------------------------------------------------------------------


def compare(
    a: bytes, file_a: BinaryIO, b: bytes, file_b: BinaryIO, limits: Limits, tick: Tick
) -> films.Match:
    """Compare two videos whose fingerprints proposed it, by pictures of the same moments.

    Args:
        a: fingerprint of the first.
        file_a: the first, seekable; never closed.
        b: idem, of the second.
        file_b: idem.
        limits: `image_pixels` bounds a picture.
        tick: called for every few packets and every picture.

    Raises:
        OnlySound: one has no moving pictures any more.
        ItemError: as `measure`; what is damaged between its moments fails these alone.
        OSError: of the streams themselves.
    """
    with demux.opened(file_a, "video") as one, demux.opened(file_b, "video") as other:
        sources = [
            _Moments(container, _pictures(container, limits), limits, tick, films.unpacked(each).gap_ms)
            for container, each in ((one, a), (other, b))
        ]
        return films.verify(a, b, *sources)


class _Moments:
    """The pictures of a video at any time, as `films.verify` asks for them.

    Args:
        container: open.
        stream: of the pictures.
        limits: as in `compare`.
        tick: idem.
        gap_ms: between key pictures: as long as the next time is no farther away, decoding goes on.
    """

    def __init__(self, container: Any, stream: Any, limits: Limits, tick: Tick, gap_ms: int) -> None:
        self._container, self._stream, self._tick, self._gap_ms = container, stream, tick, gap_ms
        self._frames: Iterator[Any] = iter(())
        self._next: Any = None
        _prepare(stream, limits)

    def pictures(self, first_ms: int, last_ms: int) -> Iterator[films.Shown]:
        """The pictures on display from the first to the last time; of at most 2,000 that are decoded."""
        if self._next is None or not 0 <= first_ms - _time_ms(self._next, self._stream) <= self._gap_ms:
            self._seek(first_ms)
        for _ in range(2 * PICTURES):
            frame = self._next
            if frame is None or _time_ms(frame, self._stream) > last_ms:
                return
            self._next = self._decode()
            if self._next is None or _time_ms(self._next, self._stream) > first_ms:
                yield films.Shown(_time_ms(frame, self._stream), _cells(frame), partial(_grey, frame))

    def _decode(self) -> Any | None:
        """The next frame that has a time; None at the end and behind damage."""
        with suppress(ItemError):
            return next((frame for frame in self._frames if frame.pts is not None), None)
        return None

    def _seek(self, time_ms: int) -> None:
        """Stand at a picture that is displayed at this time or before, or at the first one."""
        base = self._stream.time_base
        for back_s in (*BACK_S, None):
            start = self._stream.start_time or 0
            time = start if back_s is None else int(Fraction(time_ms - 1000 * back_s, 1000) / base)
            self._container.seek(min(time, start) if back_s is None else time, stream=self._stream)
            self._frames = _decoded(_from_key(self._container, self._stream, None, self._tick), self._stream)
            self._next = self._decode()
            if self._next is not None and _time_ms(self._next, self._stream) <= time_ms:
                return


def _one_by_one(
    container: Any, stream: Any, pictures: list[Picture], first: _Key, tick: Tick, static: bool, bars: bool
) -> tuple[bool, bool]:
    """Go on decoding from the first key picture until neither flag holds any more."""
    frames = _decoded(_from_key(container, stream, first, tick), stream)
    seen = list(pictures)
    with suppress(
        *(() if first.alone else (ItemError,))
    ):  # what came before the first key picture is missing
        for number, frame in enumerate(islice(frames, PICTURES)):
            if static:
                static = same(pictures[0], picture(frame))
            if bars and number % 10 == 9:
                seen.append(picture(frame))
                bars = barred(seen)
            if not static and not bars:
                break
    return static, bars


def _repeated(scan: _Scan) -> bool:
    """Whether half of the key packets come a second time, three or more in the same order.

    Runs count once, and what is among the three runs before not at all.
    Encoders code a picture that stands in two ways by turns, and what blinks gives the same two pictures.
    """
    hashes = np.frombuffer(scan.key_hashes, np.uint64)
    runs = hashes[np.append(True, hashes[1:] != hashes[:-1])]
    fresh = np.ones(len(runs), np.bool_)
    for back in range(1, BLINKING_KEYS + 1):
        fresh[back:] &= runs[back:] != runs[:-back]
    kept = runs[fresh]
    threes = np.stack([kept[:-2], kept[1:-1], kept[2:]], axis=1)
    again = np.ones(len(threes), np.bool_)
    again[np.unique(threes, axis=0, return_index=True)[1]] = False
    repeated = np.convolve(again, np.ones(3)) > 0 if len(threes) else again
    return len(repeated) > 0 and 2 * int(np.count_nonzero(repeated)) >= len(kept)
