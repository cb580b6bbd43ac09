"""One image: size, date and hashes; decoded to the end, or its header only.

| format | whole means, before every frame is decoded |
|---|---|
| JPEG, MPO | segments up to the end marker, every bit of every coefficient; of an MPO the first picture |
| PNG, APNG | every chunk with its checksum, up to IEND |
| WebP | the RIFF chunk and those in it |
| GIF | blocks up to the trailer |
| BMP | uncompressed pixels, else the size field |
| TIFF | directories, values of tags, as many strips or tiles as every page needs |
| HEIF, AVIF | the outer boxes |

JPEG is decoded by libjpeg-turbo at 1/8 scale, which still reads every code, and must give it nothing to complain of;
the others by Pillow, in full. Only PNG protects its bytes: in any other format damage can give another picture that
decodes.
"""

import io
import logging
import os
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import simplejpeg
import xxhash
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure import exif
from dqv.measure.image_structure import (
    STRUCTURES,
    WIDE_SAMPLE_BYTES,
    Found,
    Source,
    check_frames,
    check_pixels,
    jpeg,
    kind_of,
    webp,
    without_pictures,
)
from dqv.measure.media import MOST_TEXTS, Media, Tick, texts_of
from dqv.neardup import pictures

SMALL_BESIDE_BYTES, BESIDE_SHARE = 65_536, 5
"""Previews, profiles and notes of most photos stay below; what stands beside the picture is a question when it is more,
and more than a fifth of the object, and counts no more as payload."""

SMALL_SURPLUS_BYTES = 1_000_000
"""What a coding may take beyond its pixels."""

SAMPLE_BYTES = 2
"""A sample's most, as Pillow shows 16-bit colours as 8-bit ones; also twice what noise takes in an 8-bit coding."""

FINGERPRINT_PX, COMPARED_PX = 64, 256
"""The least shorter side of what a fingerprint is made of, and of what is compared."""

Grey = npt.NDArray[np.uint8]

_BAND_PIXELS = 1 << 22
_AS_RGBA = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX"})
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    AttributeError,
    AssertionError,
    struct.error,
    zlib.error,
)
"""What Pillow and its plugins were seen to raise for broken data."""

PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = (
    64 << 20
)  # Pillow's own refuse long XMP and profiles
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it logs may quote the data


def measure(file: BinaryIO, size_bytes: int, limits: Limits, tick: Tick, *, full: bool) -> Media:
    """Measure an image, whatever its name says.

    Args:
        file: seekable, anywhere; stays open.
        size_bytes: the object's.
        limits: `image_pixels` for all frames together (Pillow's own bound, 358 million in one frame, stays above it);
            `document_bytes` for what is held: all of it when `full`.
        tick: called for each frame.
        full: decode all of it; False: read its header only, and of a GIF no number of frames.

    Raises:
        ItemError: "empty", "image", "truncated", "bomb", "unsupported" or "too-large".
        OSError: of the stream itself.
    """
    source = Source(file, size_bytes)
    kind = kind_of(source)
    if full:
        source.hold(limits)
        tick()
    found = _jpeg(source, limits) if kind == "jpeg" else _other(source, kind, limits, tick)
    tags = exif.read(found.exif) if found.exif is not None else {}
    width, height = found.width_px, found.height_px
    # Pillow has turned TIFF's size already, and Pillow-heif the picture.
    if tags.get(exif.ORIENTATION) in (5, 6, 7, 8) and kind not in ("tiff", "heif"):
        width, height = height, width
    fingerprint = None
    if found.grey is not None:
        turn = tags.get(exif.ORIENTATION) if kind not in ("tiff", "heif") else None
        fingerprint = pictures.fingerprint_bytes(_turned(found.grey, turn))
        if pictures.flat_of(np.frombuffer(fingerprint, np.uint8)[None])[0]:
            fingerprint = None
    day, refused = exif.day(tags, found.text_date)
    return Media(
        modality="image",
        codec=found.codec,
        mode=found.mode,
        payload_bytes=found.end - found.beside * _much_beside(found) if full else size_bytes,
        width_px=width,
        height_px=height,
        frames=found.frames,
        day=day,
        day_refused=refused,
        located=found.exif is not None and exif.has_place(found.exif, tags),
        texts=(*exif.texts(tags), *found.texts)[:MOST_TEXTS],
        flags=("padding",) if full and _is_padded(found) else (),
        xxh3_128=xxhash.xxh3_128_digest(memoryview(source.held)[: found.end]) if source.held else None,
        normalised=found.normalised,
        fingerprint=fingerprint,
        decoded=full,
    )


def grey(file: BinaryIO, limits: Limits) -> Grey | None:
    """The first frame, upright, for comparing it with another picture.

    Returns:
        (h, w), the shorter side 256 to 511 pixels where the picture has as many; None in colours that have no grey.

    Raises:
        ItemError: as `measure` does.
        OSError: of the stream itself.
    """
    source = Source(file, file.seek(0, io.SEEK_END))
    kind = kind_of(source)
    shown: Grey | None
    if kind == "jpeg":
        data = source.hold(limits)
        found = jpeg(source, limits)
        block, shown = found.exif, _jpeg_grey(data, found, COMPARED_PX)
    else:
        with _first_frame(source, kind, limits) as image:
            block = _block(image, source, kind)
            _load(image, kind)
            shown = _reduced(image, COMPARED_PX)
    turn = (
        exif.read(block).get(exif.ORIENTATION) if block is not None and kind not in ("tiff", "heif") else None
    )
    return None if shown is None else _turned(shown, turn)


def thumbnail(file: BinaryIO, limits: Limits, side_px: int) -> bytes:
    """The first frame as a JPEG without metadata, upright, at most `side_px` on its long side.

    Raises:
        ItemError: as `measure` does.
        OSError: of the stream itself.
    """
    source = Source(file, file.seek(0, io.SEEK_END))
    kind = kind_of(source)
    with _first_frame(source, kind, limits) as image:
        block = _block(image, source, kind) if kind != "tiff" else None
        image.draft("RGB", (side_px, side_px))
        _load(image, kind)
        if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
            image.thumbnail((side_px, side_px))  # first, for there may be no room for copies of all of it
        small = _displayable(image)
        small.thumbnail((side_px, side_px))
        turn = None
        if block is not None:
            turn = exif.read(block).get(exif.ORIENTATION)
        if isinstance(turn, int) and turn in _TURNS:
            small = small.transpose(_TURNS[turn])
        small.info.clear()
        out = io.BytesIO()
        small.save(out, "JPEG", quality=75)
        return out.getvalue()


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def _first_frame(source: Source, kind: str, limits: Limits) -> Iterator[Image.Image]:
    """The first frame, opened within the limits; it is decoded by who loads it."""
    data = source.hold(limits)
    if kind == "webp":  # its decoder makes room before Pillow could say how much
        check_pixels(webp(source, limits).pixels, limits)
    with _decoding(source, "the first frame"), _opened(io.BytesIO(data), kind) as image:
        check_pixels(image.width * image.height, limits)
        yield image


def _turned(shown: Grey, orientation: object) -> Grey:
    """A picture upright, as EXIF says how it lies."""
    if orientation in (5, 6, 7, 8):
        shown = shown.T
    if orientation in (2, 3, 6, 7):
        shown = shown[:, ::-1]
    if orientation in (3, 4, 7, 8):
        shown = shown[::-1]
    return np.ascontiguousarray(shown)


def _reduced(image: Image.Image, side_px: int) -> Grey | None:
    """The greys of a frame, its sides divided by a whole number: (h, w).

    The shorter side stays at least `side_px` long where it is, unless the longer one is four times that.
    None in colours that have no grey.
    """
    factor = max(1, min(image.size) // side_px, max(image.size) // (4 * side_px))
    rows = max(factor, _BAND_PIXELS // image.width // factor * factor)
    extrema = image.getextrema() if _is_wide(image) else None
    parts = []
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        band = image if rows >= image.height else image.crop((0, top, image.width, bottom))
        try:
            parts.append(np.asarray(_displayable(band, extrema).convert("L").reduce(factor)))
        except ValueError:  # as of LAB
            return None
    return np.concatenate(parts)


def _is_wide(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _displayable(image: Image.Image, extrema: Any = None) -> Image.Image:
    """In RGB: on white where it is transparent, numbers stretched over the range of grey (or from these extrema)."""
    if _is_wide(image):
        image = image.convert("F")
        low, high = extrema or image.getextrema()
        scale = 255 / (high - low) if high > low else 0.0  # type: ignore[operator]  # one band: two numbers
        return image.point(lambda value: value * scale - low * scale).convert("RGB")  # type: ignore[operator]
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


@cache
def _register() -> None:
    """Make Pillow's decoders of HEIF and AVIF ready: one thread each, as workers are processes."""
    import pillow_heif
    from PIL import AvifImagePlugin

    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def _opened(stream: Any, kind: str) -> Image.Image:
    if kind in ("heif", "avif"):
        _register()
    return Image.open(stream, formats=(kind.upper(),))


@contextmanager
def _decoding(source: Source, what: str) -> Iterator[None]:
    """Pillow's errors as ours, without its words: they may quote the data; its warnings not at all."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; pixels are counted here
            yield
    except Image.DecompressionBombError as error:
        raise ItemError("bomb", f"{what} has more pixels than Pillow allows") from error
    except _DECODER_ERRORS as error:
        if source.failed is not None:
            raise source.failed from None
        raise ItemError("image", f"{what} does not decode: {type(error).__name__}") from error


def _much_beside(found: Found) -> bool:
    return found.beside > max(SMALL_BESIDE_BYTES, found.end // BESIDE_SHARE)


def _is_padded(found: Found) -> bool:
    """Whether much stands beside the picture, or more bytes in it than its pixels can need."""
    if found.mode in ("I", "F"):
        raw = found.pixels * WIDE_SAMPLE_BYTES
    else:
        raw = found.pixels * SAMPLE_BYTES * Image.getmodebands(found.mode)
    return _much_beside(found) or found.end > raw + SMALL_SURPLUS_BYTES


def _jpeg(source: Source, limits: Limits) -> Found:
    """Its structure, then libjpeg-turbo; a laxer decoder never saves what that one refuses."""
    found = jpeg(source, limits)
    if source.held is not None:
        found.grey = _jpeg_grey(source.held, found, FINGERPRINT_PX)  # every code is read all the same
    return found


def _jpeg_grey(data: bytes, found: Found, side_px: int) -> Grey:
    """The greys, decoded at a scale of n/8 at which neither side is shorter than this, if it is not so already.

    Raises:
        ItemError: "image", "unsupported".
    """
    least = min(side_px, found.width_px, found.height_px)
    try:
        shown: Grey = simplejpeg.decode_jpeg(data, "GRAY", min_height=least, min_width=least, strict=True)[
            :, :, 0
        ]
    except (ValueError, RuntimeError, TypeError) as error:
        if "upported" in str(error) and "arker" not in str(error):
            raise ItemError("unsupported", "libjpeg-turbo does not decode this kind of JPEG") from error
        raise ItemError("image", "libjpeg-turbo finds the coded data damaged") from error
    return shown


def _other(source: Source, kind: str, limits: Limits, tick: Tick) -> Found:
    """All but JPEG: its structure, then Pillow."""
    full = source.held is not None
    shape = STRUCTURES[kind](source, limits) if kind in STRUCTURES and (full or kind != "gif") else None
    if kind == "webp" and shape is not None and not full:
        return shape  # Pillow would read all of it
    with _decoding(source, "the header"):
        try:
            image = _opened(_stream(source, kind, limits), kind)
        except UnidentifiedImageError as error:
            if kind == "tiff" and shape is not None:  # float, or more bands than colours have
                raise ItemError("unsupported", "a TIFF whose pixels no decoder here knows") from error
            if kind not in ("heif", "avif") or full:
                raise
            image = _opened(io.BytesIO(source.hold(limits)), kind)  # what is asked for stands elsewhere
            source.held = None
    with image:
        check_pixels(image.width * image.height, limits)
        found = shape or Found("", "", 0, 0, source.size_bytes)
        found.codec = "bmp" if kind == "dib" else kind
        found.mode = image.mode
        if not found.width_px:
            found.width_px, found.height_px = _shown(image, kind)
        found.frames = _frames(image, shape, kind, limits)
        if full:
            _decode(image, found, source, kind, limits, tick)
        found.exif = _block(image, source, kind) or found.exif
        text = image.info.get("Creation Time")
        found.text_date = text if isinstance(text, str) else None
        found.texts = texts_of({key: each for key, each in image.info.items() if isinstance(key, str)})
    return found


def _block(image: Any, source: Source, kind: str) -> exif.At | None:
    """How to read the EXIF block of what is open, if there is one."""
    if kind == "tiff":
        return source.at
    block = image.info.get("exif")  # any text can stand there in a PNG
    return exif.within(exif.without_mark(block)) if isinstance(block, bytes) else None


def _shown(image: Any, kind: str) -> tuple[int, int]:
    """The size; of a GIF's first frame, for the screen can be larger than all that is shown on it."""
    if kind == "gif":
        left, top, right, bottom = image.tile[0][1]
        return right - left, bottom - top
    width, height = image.size
    return width, height


def _stream(source: Source, kind: str, limits: Limits) -> Any:
    """What Pillow reads."""
    if source.held is not None:
        return io.BytesIO(source.held)
    return io.BytesIO(without_pictures(source, limits)) if kind in ("heif", "avif") else source


def _frames(image: Any, shape: Found | None, kind: str, limits: Limits) -> int | None:
    """How many; None of a GIF whose blocks were not walked."""
    if kind == "gif" or (kind == "tiff" and shape is not None):
        return shape.frames if shape is not None else None
    frames = int(getattr(image, "n_frames", 1))
    check_frames(frames)
    if kind != "heif":  # whose pictures differ in size
        check_pixels(frames * image.width * image.height, limits)
    return frames


def _decode(image: Any, found: Found, source: Source, kind: str, limits: Limits, tick: Tick) -> None:
    """Decode all frames; their pixels are hashed in bands, for there may be no room for two copies."""
    digest, pixels = xxhash.xxh3_128(), 0
    for number in range(found.frames or 1):
        tick()
        with _decoding(source, f"frame {number}"):
            image.seek(number)
            pixels += image.width * image.height
            check_pixels(pixels, limits)
            _load(image, kind)
            if not number:
                found.grey = _reduced(image, FINGERPRINT_PX)
            _add_pixels(digest, image)
    found.pixels, found.normalised = pixels, digest.digest()


def _load(image: Any, kind: str) -> None:
    """Decode one frame.

    libtiff goes on after broken lines of a fax and only says so on the standard error stream: it is listened to, and
    what it says of the data goes nowhere.
    """
    if kind != "tiff":
        image.load()
        return
    with tempfile.TemporaryFile() as words:
        stderr = os.dup(2)
        os.dup2(words.fileno(), 2)
        try:
            image.load()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        words.seek(0)
        if b"Decode: " in words.read(64 * 1024):
            raise ValueError("libtiff finds the coded data damaged")


def _add_pixels(digest: Any, image: Image.Image) -> None:
    """Add size and pixels; all with 8 bits a sample as RGBA, so that the same picture with a palette is the same."""
    (width, height), as_rgba = image.size, image.mode in _AS_RGBA
    digest.update(f"{'RGBA' if as_rgba else image.mode} {width} {height}\n".encode())
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        band = image if rows >= height else image.crop((0, top, width, min(height, top + rows)))
        digest.update((band.convert("RGBA") if as_rgba and band.mode != "RGBA" else band).tobytes())
