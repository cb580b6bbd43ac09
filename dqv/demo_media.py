"""Small images, recordings and videos for the demo and the conformance cases, seeded.

Nothing here uses dqv's measuring code, so what is planted is an independent witness of what dqv finds.
"""

import io
import struct
import zlib
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image

Pixels = npt.NDArray[np.uint8]

_TAKEN, _OFFSET, _EXIF = 0x9003, 0x9011, 0x8769
_ORIENTATION = 0x0112


def scene(seed: int, width: int, height: int) -> Pixels:
    """A picture of soft shapes: (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 7, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def image(
    form: str,
    seed: int,
    width: int,
    height: int,
    *,
    day: date | str | None = None,
    offset: str | None = None,
    orientation: int = 1,
) -> bytes:
    """A picture as JPEG, PNG or WebP.

    Args:
        form: JPEG, PNG or WEBP.
        seed: another one gives another picture.
        width: as stored, before any rotation.
        height: idem.
        day: EXIF DateTimeOriginal: a day, or the tag's own text; None: no date.
        offset: EXIF OffsetTimeOriginal.
        orientation: of EXIF, 1 to 8.
    """
    exif = _exif(day, offset, orientation)
    sink = io.BytesIO()
    picture = Image.fromarray(scene(seed, width, height))
    picture.save(sink, form, quality=60, **({"exif": exif} if len(exif) else {}))
    return sink.getvalue()


def _exif(day: date | str | None, offset: str | None, orientation: int) -> Image.Exif:
    exif = Image.Exif()
    if orientation != 1:
        exif[_ORIENTATION] = orientation
    if day is not None:
        inner = {_TAKEN: f"{day:%Y:%m:%d} 12:00:00" if isinstance(day, date) else day}
        exif[_EXIF] = inner | ({_OFFSET: offset} if offset else {})
    return exif


def plain(
    form: str,
    seed: int,
    width: int = 1024,
    height: int = 768,
    *,
    size_bytes: int | None = None,
    day: date | str | None = None,
    offset: str | None = None,
    orientation: int = 1,
) -> bytes:
    """A picture of very few bytes: black but for one white pixel.

    Args:
        form: PNG (one bit a pixel: some 180 bytes at 1024 × 768), WEBP (lossless), JPEG (grey: some 10 kB) and others.
        seed: the place of the white pixel in the first row: other seeds give other pictures.
        width: as stored, before any rotation.
        height: idem.
        size_bytes: of a PNG or JPEG: filled up to exactly so many.
        day: as of `image`.
        offset: idem.
        orientation: idem.
    """
    picture = Image.new("1", (width, height))
    picture.putpixel((seed % width, 0), 1)
    if form not in ("PNG", "BMP", "TIFF", "GIF"):
        picture = picture.convert("L" if form == "JPEG" else "RGB")
    exif = _exif(day, offset, orientation)
    options: dict[str, Any] = {"exif": exif} if len(exif) else {}
    if form == "JPEG":
        options["quality"] = 5
    if form == "WEBP":
        options["lossless"] = True
    sink = io.BytesIO()
    picture.save(sink, form, **options)
    return sink.getvalue() if size_bytes is None else enlarged(sink.getvalue(), size_bytes)


def enlarged(picture: bytes, size_bytes: int, seed: int = 0) -> bytes:
    """A PNG or JPEG with text in it that no picture needs (a `tEXt` chunk, COM segments), of exactly so many bytes.

    The text of a JPEG is made of one letter that the seed tells.

    Raises:
        ValueError: it has more bytes already, or too few are left for a text.
    """
    left = size_bytes - len(picture)
    least = 14 if picture.startswith(b"\x89PNG") else 4
    if left < 0 or 0 < left < least:
        raise ValueError(f"{len(picture)} bytes cannot become {size_bytes}")
    if not left:
        return picture
    if least == 14:
        body = b"tEXta\0" + b"." * (left - least)
        crc = struct.pack(">I", zlib.crc32(body))
        return picture[:-12] + struct.pack(">I", len(body) - 4) + body + crc + picture[-12:]
    segments = []
    while left:
        take = min(left, 65_537)
        take -= least if 0 < left - take < least else 0
        segments.append(b"\xff\xfe" + struct.pack(">H", take - 2) + bytes([97 + seed % 26]) * (take - 4))
        left -= take
    return picture[:2] + b"".join(segments) + picture[2:]


def tone(seed: int, samples: int, rate: int, channels: int = 1) -> npt.NDArray[np.float32]:
    """A few sines over a little noise: (samples, channels), well above silence."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples)[:, None] / rate
    parts = [np.sin(2 * np.pi * rng.uniform(80, rate / 5, channels) * time + each) for each in range(3)]
    noise = rng.normal(0, 0.02, (samples, channels))
    return (0.2 * sum(parts) + noise).astype(np.float32)


def sound(form: str, wave: npt.NDArray[np.float32], rate: int, *, day: date | str | None = None) -> bytes:
    """Samples as WAV, FLAC, MP3 or OGG (Vorbis), with a tag of their day."""
    sink = io.BytesIO()
    with soundfile.SoundFile(sink, "w", rate, wave.shape[1], format=form) as file:
        if day is not None:
            file.date = str(day)
        file.write(np.rint(np.clip(wave, -1, 1) * 32767).astype(np.int16))  # the same samples in WAV and FLAC
    return sink.getvalue()


def movie(
    seed: int,
    width: int,
    height: int,
    *,
    frames: int = 24,
    fps: int = 8,
    day: date | str | None = None,
    rotation: int = 0,
    bar_px: int = 0,
    moving: bool = True,
    aspect: Fraction = Fraction(1),
) -> bytes:
    """A video of H.264 in MP4: a scene that drifts.

    Args:
        seed: another one gives another video.
        width: as stored, before any rotation.
        height: idem; an odd one is coded without subsampling.
        frames: so many pictures.
        fps: pictures a second.
        day: creation_time: a day (at noon in UTC), or the tag's own text.
        rotation: 0 or 90 degrees, in the track's matrix.
        bar_px: height of a black bar above and below, inside the picture.
        moving: false: one picture all along.
        aspect: width of a pixel to its height.
    """
    sink = io.BytesIO()
    wide = scene(seed, width + 4 * frames, height)
    with av.open(sink, "w", format="mp4") as container:
        if day is not None:
            container.metadata["creation_time"] = _moment(day)
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = width, height
        stream.codec_context.sample_aspect_ratio = aspect
        stream.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "30", "g": "4"}
        stream.codec_context.thread_count = 1
        for number in range(frames):
            shift = 4 * number if moving else 0
            picture = wide[:, shift : shift + width].copy()
            if bar_px:
                picture[:bar_px] = picture[-bar_px:] = 0
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return rotated(sink.getvalue(), height) if rotation == 90 else sink.getvalue()


def _moment(day: date | str) -> str:
    return f"{day}T12:00:00Z" if isinstance(day, date) else day


def clip(
    seed: int,
    sizes: Sequence[int],
    width: int = 1280,
    height: int = 720,
    *,
    day: date | str | None = None,
    bar_px: int = 0,
    period: int = 0,
    sound_bytes: int = 0,
    form: str = "mov",
) -> bytes:
    """A video of motion JPEG whose coded bytes are known: plain grey pictures, one a second.

    Args:
        seed: another one gives another video.
        sizes: bytes of each picture.
        width: in pixels.
        height: idem.
        day: as of `movie`.
        bar_px: idem.
        period: after so many the pictures come again; 0: they do not; 1: one picture all along.
        sound_bytes: of a sound track beside the pictures: 16-bit samples at 8000 Hz.
        form: of the container, as FFmpeg names it: mov, mp4, matroska, avi.
    """
    sink = io.BytesIO()
    exact = {"fflags": "+bitexact"}  # else Matroska gets random numbers
    with av.open(sink, "w", format=form, options=exact) as container:
        if day is not None:
            container.metadata["creation_time"] = _moment(day)
        stream: Any = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        track: Any = container.add_stream("pcm_s16le", rate=8000, layout="mono") if sound_bytes else None
        for number, size in enumerate(sizes):
            level = 40 + (seed * 37 + (number % period if period else number) * 29) % 200
            picture = _grey(level, width, height, bar_px)
            _mux(container, stream, enlarged(picture, size, seed), number, 1)
        if track is not None:
            _mux(container, track, Random(seed).randbytes(sound_bytes), 0, sound_bytes // 2)
    return sink.getvalue()


@lru_cache(maxsize=256)
def _grey(level: int, width: int, height: int, bar_px: int) -> bytes:
    """A JPEG of one grey, some 5 kB at 720p."""
    picture = Image.new("RGB", (width, height))
    picture.paste((level, level, level), (0, bar_px, width, height - bar_px))
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=5, optimize=True)
    return sink.getvalue()


def _mux(container: Any, stream: Any, data: bytes, pts: int, duration: int) -> None:
    """Write one packet that no encoder made."""
    packet = av.Packet(data)
    packet.stream, packet.is_keyframe = stream, True
    packet.time_base = Fraction(1, 8000 if stream.type == "audio" else 1)
    packet.pts = packet.dts = pts
    packet.duration = duration
    container.mux(packet)


def soundtrack(wave: npt.NDArray[np.float32], rate: int) -> bytes:
    """A MOV that holds nothing but sound: 16-bit samples of one channel."""
    sink = io.BytesIO()
    data = (wave[:, 0] * 32767).astype("<i2").tobytes()
    with av.open(sink, "w", format="mov") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        packet = av.Packet(data)
        packet.stream, packet.time_base = stream, Fraction(1, rate)
        packet.pts = packet.dts = 0
        packet.duration = len(wave)
        container.mux(packet)
    return sink.getvalue()


def recoded(mp4: bytes, fourcc: bytes = b"qzqz") -> bytes:
    """An MP4 of H.264 whose sample entry names a codec that nobody knows."""
    at = mp4.rindex(b"avc1")
    return mp4[:at] + fourcc + mp4[at + 4 :]


def rotated(mp4: bytes, height: int) -> bytes:
    """An MP4 whose first track is turned by a quarter: its `tkhd` matrix says so (ISO/IEC 14496-12, 8.3.2)."""
    at = mp4.index(b"tkhd") + 4 + 40
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, height << 16, 0, 1 << 30)
    return mp4[:at] + quarter + mp4[at + 36 :]


def padded(mp4: bytes, size: int) -> bytes:
    """An MP4 with a `free` box of that many bytes behind it."""
    return mp4 + struct.pack(">I4s", size, b"free") + bytes(size - 8)


def noise(seed: int, size: int) -> bytes:
    """So many random bytes."""
    return Random(seed).randbytes(size)


def grainy(seed: int, width: int, height: int, *, frames: int = 8, fps: int = 8, day: date) -> bytes:
    """A video of H.264 in MP4 that holds many bytes: a scene that drifts under noise, every picture a key picture.

    Args:
        seed: another one gives another video.
        width: as stored; even.
        height: idem.
        frames: so many pictures, of some 450 kB each at 1280 × 720.
        fps: pictures a second.
        day: creation_time, at noon in UTC.
    """
    sink = io.BytesIO()
    rng = np.random.default_rng(seed)
    wide = scene(seed, width + 4 * frames, height).astype(np.int16)
    with av.open(sink, "w", format="mp4") as container:
        container.metadata["creation_time"] = f"{day}T12:00:00Z"
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "qp": "28", "g": "1"}
        stream.codec_context.thread_count = 1
        for number in range(frames):
            grain = rng.integers(-60, 61, (height, width, 1), np.int16)
            picture = np.clip(wide[:, 4 * number : 4 * number + width] + grain, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def lossless_copy(image: bytes) -> bytes:
    """The same pixels as lossless WebP, without metadata."""
    sink = io.BytesIO()
    with Image.open(io.BytesIO(image)) as picture:
        Image.fromarray(np.asarray(picture)).save(sink, "WEBP", lossless=True, quality=0)
    return sink.getvalue()


def coded_bytes(mp4: bytes) -> int:
    """What an MP4 as written here holds in its `mdat` boxes: its coded samples, nothing else."""
    at = found = 0
    while at < len(mp4):
        size, name = struct.unpack_from(">I4s", mp4, at)
        found += size - 8 if name == b"mdat" else 0
        at += size
    return found


def same_serial(ogg: bytes, serial: int = 1) -> bytes:
    """An Ogg stream with a serial number that is always the same: libsndfile draws it from the clock.

    The pages' checksums follow (RFC 3533, section 6).
    """
    pages, at = b"", 0
    while at < len(ogg):
        segments = ogg[at + 26]
        size = 27 + segments + sum(ogg[at + 27 : at + 27 + segments])
        page = bytearray(ogg[at : at + size])
        page[14:18], page[22:26] = struct.pack("<I", serial), bytes(4)
        page[22:26] = struct.pack("<I", _ogg_checksum(page))
        pages += page
        at += size
    return pages


def _ogg_checksum(page: bytearray) -> int:
    """CRC-32 of 0x04C11DB7, neither reflected nor inverted."""
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _OGG_CRC[value >> 24 ^ byte]
    return value


def _ogg_crc(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


_OGG_CRC = [_ogg_crc(byte) for byte in range(256)]
