"""What is measured of one image, recording or video, whatever its format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dqv.core.units import FLICKS_PER_SECOND

FLAGS = ("padding", "static", "looped", "bars", "silent")
"""What a person must know of an item that decodes: more bytes than its pictures can need (or bytes beside them), one
picture all along, the same pictures again and again, constant borders around the picture; a recording of which more
than half is silent."""

MOST_S = 366 * 86_400
"""No recording or video is longer: what claims to be has broken times, which must neither add up nor overflow."""

LOCATION_TAGS = frozenset({"location", "location-eng", "com.apple.quicktime.location.iso6709", "xyz", "©xyz"})
"""Of containers, lower case: where a recording or video was made (ISO 6709)."""

TEXT_TAGS = frozenset(
    ["artist", "author", "comment", "composer", "contact", "copyright", "description", "performer", "publisher", "synopsis", "title"]
)  # fmt: skip
"""Of containers and pictures, lower case, without what stands before a point or behind a hyphen: what people write there."""

MOST_TEXTS, MOST_CHARACTERS = 16, 1000
"""Texts of one item that are kept to be searched, and characters of each."""

Tick = Callable[[], None]
"""Called while work goes on; its absence for a minute is taken for a hang."""


@dataclass(frozen=True, slots=True)
class Media:
    """One item, measured; None where it does not apply or was not measured.

    Attributes:
        modality: audio, image or video: what it is, whatever its name says.
        codec: what it is coded in, in the library's own short name, lower case (jpeg, png, flac, mp3, h264 …).
        mode: layout of a sample or pixel: Pillow's mode, libsndfile's subtype, FFmpeg's pixel or sample format.
        payload_bytes: the coded bytes alone: of an image without what stands behind its end, and beside it if much; of
            a recording the object's; of a video its coded pictures and sound without padding.
        width_px: as displayed: after rotation, and with square pixels.
        height_px: idem.
        frames: pictures in a video or an animated image.
        frame_rate: as a fraction, "30000/1001".
        duration_flicks: 1/705,600,000 s; decoded where `decoded`, else as the header says.
        silent_flicks: of it, the part below the level of silence.
        sample_rate_hz: of sound.
        channels: of sound.
        day: the day it was made, as the file itself says (EXIF, container, tags), in Asia/Shanghai.
        day_refused: a date stands there and cannot be one.
        located: it says where it was made: GPS in EXIF, a place in the container's tags.
        texts: what people wrote into EXIF or tags, bounded: the tag's name and its text.
        flags: of FLAGS, in that order.
        xxh3_128: of the payload; of an image also of what stands beside it, up to the picture's end.
        normalised: of what equal pictures or sound have in common: an image's coded picture without its metadata or
            its decoded pixels, a recording's decoded samples.
        fingerprint: what near-duplicates are told by, as `neardup.pictures`, `sounds` and `films` lay it out; None where
            nothing can be told of it.
        decoded: its content was decoded (all of an image or recording, sampled key frames of a video); False: only
            headers were read.
    """

    modality: str
    codec: str
    mode: str | None
    payload_bytes: int
    width_px: int | None = None
    height_px: int | None = None
    frames: int | None = None
    frame_rate: str | None = None
    duration_flicks: int | None = None
    silent_flicks: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    day: date | None = None
    day_refused: bool = False
    located: bool = False
    texts: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    xxh3_128: bytes | None = None
    normalised: bytes | None = None
    fingerprint: bytes | None = None
    decoded: bool = False


def texts_of(*tags: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The texts of TEXT_TAGS, each once."""
    texts: dict[tuple[str, str], None] = {}  # in order
    for each in tags:
        for key, text in each.items():
            name = key.lower().rpartition(".")[2].partition("-")[0]
            if isinstance(text, str) and name in TEXT_TAGS:
                texts[name, text[:MOST_CHARACTERS].encode("utf-8", "replace").decode()] = None
    return tuple(texts)[:MOST_TEXTS]


def flicks(seconds: Fraction) -> int:
    """Seconds as whole flicks, rounded down."""
    return int(seconds * FLICKS_PER_SECOND)
