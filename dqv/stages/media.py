"""One image, recording or video: told by its content, measured by the module for it."""

from dataclasses import replace
from typing import Any, BinaryIO, cast

from dqv.connectors.containers.model import Watched
from dqv.connectors.storage import BLOCK_BYTES, Reads, Stored
from dqv.core.errors import ItemError
from dqv.core.registration import RawSound
from dqv.core.settings import Assurance, Limits, Measuring
from dqv.core.units import FLICKS_PER_SECOND
from dqv.measure import audio, image, video
from dqv.measure.media import MOST_S, Media, Tick

MEDIA = frozenset({"image", "audio", "video"})
"""The modalities whose objects are one item each, in a format of their own."""

HEADER_BLOCK_BYTES = 16 * 1024
"""What is asked for at a time where only headers are read: most end well within it."""


def opened(file: Stored, reads: Reads, tick: Tick, *, full: bool) -> BinaryIO:
    """An open object as a decoder gets it: it ticks, counts what is asked for, and tells its own errors apart."""
    block = BLOCK_BYTES if full else HEADER_BLOCK_BYTES
    return cast(BinaryIO, Watched(file.view(reads, block), tick))


def measure_media(
    file: Stored,
    piece: dict[str, Any],
    measuring: Measuring,
    raw: RawSound | None,
    tick: Tick,
    reads: Reads,
    xxh3_128: bytes | None,
) -> Media:
    """Measure the one item of an object whose name says image, audio or video.

    A name decides only which module looks first: sound alone in a container of videos is audio, moving pictures
    in one of sound are a video.

    Args:
        file: the open object.
        piece: its row of the manifest.
        measuring: under `identity` only headers are read.
        raw: how sound without a header is laid out.
        tick: called while work goes on.
        reads: counts what is read.
        xxh3_128: of the whole object, which is the payload of a recording; None where it was not read.

    Raises:
        ItemError: it cannot be measured.
        OSError: of reading.
    """
    full = measuring.assurance is Assurance.FULL
    with opened(file, reads, tick, full=full) as stream:
        found = _told(stream, piece, measuring.limits, raw, tick, full=full)
    if (found.duration_flicks or 0) > MOST_S * FLICKS_PER_SECOND:
        raise ItemError(found.modality, "a duration of more than a year: its times are broken")
    return replace(found, xxh3_128=xxh3_128) if found.modality == "audio" else found


def _told(
    stream: BinaryIO, piece: dict[str, Any], limits: Limits, raw: RawSound | None, tick: Tick, *, full: bool
) -> Media:
    size, form = piece["size_bytes"], piece["format"]
    if piece["modality"] == "image":
        return image.measure(stream, size, limits, tick, full=full)
    if piece["modality"] == "video":
        try:
            return video.measure(stream, size, limits, tick, full=full)
        except video.OnlySound:
            return audio.measure(stream, size, limits, tick, format=form, full=full)
    try:
        return audio.measure(stream, size, limits, tick, format=form, full=full, raw=raw)
    except audio.HoldsPictures:
        return video.measure(stream, size, limits, tick, full=full)
