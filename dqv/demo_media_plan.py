"""The images, sounds and videos of the demo: what is planted, and what is therefore true.

Nothing here uses dqv's measuring code. A number of a file is what it was made with; only the bytes that a codec
chose are counted, in what it wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

import numpy as np

from dqv.demo_days import FUTURE, REFERENCE, WINDOW, age, old, recent
from dqv.demo_media import (
    coded_bytes,
    grainy,
    image,
    lossless_copy,
    movie,
    padded,
    same_serial,
    sound,
    tone,
)

MODALITIES = ("image", "audio", "video")

_FLOOR_PX = {"image": (768, 1024), "video": (720, 720)}
_HD_PX = (720, 1280)


@dataclass(frozen=True)
class Medium:
    """One image, recording or video, and what is known of it.

    Attributes:
        what: for people: why it is there.
        payload_bytes: the coded bytes.
        day: of the strongest evidence; null where it is undated, or where that evidence cannot be a date.
        source: where its date stands: embedded, sidecar or name.
        width_px: as displayed; idem the height; null of sound.
        seconds: samples ÷ rate of sound; frames ÷ rate of a video.
        silent_s: of it.
        flag: what a person must know of it: padding, static, bars; else empty.
        defective: it does not decode.
        original: the earlier file that it repeats.
        how: exact (the coded bytes are equal) or content (what is decoded is).
    """

    modality: str
    file: str
    data: bytes
    what: str
    payload_bytes: int
    day: date | None
    source: str
    width_px: int | None = None
    height_px: int | None = None
    seconds: Fraction = Fraction(0)
    silent_s: Fraction = Fraction(0)
    flag: str = ""
    defective: bool = False
    original: str = ""
    how: str = ""

    @property
    def short_px(self) -> int:
        """The short side."""
        return min(self.width_px or 0, self.height_px or 0)

    @property
    def long_px(self) -> int:
        """The long side."""
        return max(self.width_px or 0, self.height_px or 0)


# What is planted ---------------------------------------------------------------------------------------


class Dated(NamedTuple):
    """When an item shall be from, and where that stands: embedded, sidecar or name."""

    age: str
    source: str = "embedded"


RECENT, OLD, UNDATED = Dated("recent"), Dated("old"), Dated("undated")
RECENT_LISTED, OLD_LISTED = Dated("recent", "sidecar"), Dated("old", "sidecar")
RECENT_NAMED, OLD_NAMED = Dated("recent", "name"), Dated("old", "name")


class Picture(NamedTuple):
    """An image to be made: its size as stored, and what is special about it.

    `twist`: truncated; trailing (bytes behind its end); exact, redated or lossless (copies of the one before); future
    or zero (EXIF dates that cannot be); abroad (EXIF in another zone: the window's first day here); contradicted (EXIF
    says recent, the stronger sidecar old).
    """

    form: str
    width: int
    height: int
    dated: Dated
    twist: str = ""
    orientation: int = 1


class Sound(NamedTuple):
    """A recording to be made; `silent_ms` of quiet at its end, the tone before it.

    MP3 is mono: the bytes of LAME's stereo are not the same every time.

    `twist`: truncated; exact or flac (copies of the one before).
    """

    form: str
    rate: int
    tone_ms: int
    dated: Dated
    twist: str = ""
    silent_ms: int = 0
    channels: int = 1


class Movie(NamedTuple):
    """A video to be made.

    `twist`: rotated, static, bars, padding, grainy, truncated; exact or redated (copies of the one before).
    """

    width: int
    height: int
    dated: Dated
    twist: str = ""


class Plan(NamedTuple):
    """What a dataset shall hold of each modality, in canonical order."""

    seed: int
    pictures: Sequence[Picture]
    sounds: Sequence[Sound]
    movies: Sequence[Movie]


FLAWED = Plan(
    seed=6500,
    pictures=(
        Picture("JPEG", 1024, 768, RECENT),
        Picture("JPEG", 1024, 768, RECENT, "redated"),
        Picture("JPEG", 1200, 900, RECENT_LISTED),
        Picture("JPEG", 1200, 900, RECENT_NAMED, "exact"),
        Picture("PNG", 1024, 768, OLD),
        Picture("PNG", 1024, 768, OLD_LISTED, "lossless"),
        Picture("JPEG", 1023, 768, RECENT),
        Picture("JPEG", 1024, 767, OLD_NAMED),
        Picture("WEBP", 1023, 768, UNDATED),
        Picture("JPEG", 1024, 768, RECENT, orientation=6),
        Picture("JPEG", 1600, 760, OLD, orientation=8),
        Picture("JPEG", 640, 480, RECENT_NAMED),
        Picture("PNG", 320, 240, OLD),
        Picture("WEBP", 800, 600, OLD_LISTED),
        Picture("JPEG", 1280, 960, RECENT, "truncated"),
        Picture("PNG", 1024, 768, OLD, "truncated"),
        Picture("JPEG", 1024, 768, RECENT, "trailing"),
        Picture("JPEG", 1024, 768, UNDATED, "future"),
        Picture("JPEG", 1024, 768, UNDATED, "zero"),
        Picture("JPEG", 1024, 768, RECENT, "abroad"),
        Picture("JPEG", 1024, 768, OLD_LISTED, "contradicted"),
        Picture("WEBP", 1024, 768, RECENT),
        Picture("WEBP", 1100, 800, OLD),
        Picture("WEBP", 1024, 768, UNDATED),
        Picture("PNG", 1024, 768, RECENT),
        Picture("PNG", 1024, 768, RECENT_NAMED),
        Picture("PNG", 1024, 768, RECENT_LISTED),
        Picture("JPEG", 768, 1024, RECENT),
        Picture("JPEG", 900, 1200, UNDATED),
        Picture("JPEG", 1300, 1000, OLD),
    ),
    sounds=(
        Sound("WAV", 16000, 2000, RECENT),
        Sound("FLAC", 16000, 2000, RECENT, "flac"),
        Sound("WAV", 8000, 1500, OLD_LISTED),
        Sound("WAV", 8000, 1500, OLD_NAMED, "exact"),
        Sound("FLAC", 44100, 1000, OLD, channels=2),
        Sound("FLAC", 16000, 1000, UNDATED, silent_ms=1200),
        Sound("WAV", 22050, 600, UNDATED, silent_ms=400),
        Sound("WAV", 16000, 0, OLD_NAMED, silent_ms=500),
        Sound("MP3", 44100, 2500, OLD),
        Sound("MP3", 16000, 1234, RECENT_LISTED),
        Sound("MP3", 48000, 700, RECENT),
        Sound("OGG", 44100, 1700, OLD),
        Sound("OGG", 16000, 3000, UNDATED),
        Sound("OGG", 48000, 900, RECENT_NAMED, channels=2),
        Sound("WAV", 16000, 3000, RECENT, "truncated"),
        Sound("WAV", 44100, 510, RECENT_LISTED),
    ),
    movies=(
        Movie(1280, 720, RECENT),
        Movie(1280, 720, RECENT_LISTED, "exact"),
        Movie(1280, 720, OLD),
        Movie(1280, 720, RECENT, "redated"),
        Movie(1280, 719, RECENT),
        Movie(854, 480, OLD_NAMED),
        Movie(1280, 720, RECENT_NAMED, "rotated"),
        Movie(1280, 704, OLD, "rotated"),
        Movie(1280, 720, RECENT, "bars"),
        Movie(1280, 544, UNDATED),
        Movie(1280, 720, OLD_LISTED, "static"),
        Movie(1280, 720, UNDATED, "padding"),
        Movie(960, 720, RECENT),
        Movie(1280, 720, RECENT, "truncated"),
    ),
)

CLEAN = Plan(
    seed=800,
    pictures=(
        Picture("JPEG", 1024, 768, RECENT),
        Picture("JPEG", 768, 1024, RECENT),
        Picture("JPEG", 1024, 768, RECENT, orientation=6),
        Picture("WEBP", 1280, 960, RECENT_LISTED),
        Picture("WEBP", 1024, 768, RECENT),
        Picture("PNG", 1024, 768, RECENT_NAMED),
        Picture("JPEG", 1200, 900, OLD),
        Picture("JPEG", 1100, 800, UNDATED),
    ),
    sounds=(
        Sound("WAV", 16000, 1000, RECENT),
        Sound("FLAC", 44100, 1000, RECENT, channels=2),
        Sound("MP3", 44100, 1500, RECENT_LISTED),
        Sound("OGG", 48000, 1500, RECENT),
        Sound("WAV", 8000, 1000, RECENT_NAMED),
        Sound("FLAC", 16000, 500, OLD),
    ),
    movies=(
        Movie(1280, 720, RECENT, "grainy"),
        Movie(1280, 720, RECENT, "grainy"),
        Movie(1280, 720, OLD, "grainy"),
        Movie(1920, 1080, RECENT_NAMED),
        Movie(720, 1280, RECENT_LISTED),
    ),
)


def build(plan: Plan) -> list[Medium]:
    """Every image, recording and video of a plan, in canonical order within each modality."""
    random = Random(plan.seed)
    media: list[Medium] = []
    for number, picture in enumerate(plan.pictures):
        media.append(_picture(random, plan.seed, number, picture, media))
    for number, recording in enumerate(plan.sounds):
        media.append(_sound(random, plan.seed, number, recording, media))
    for number, video in enumerate(plan.movies):
        media.append(_movie(random, plan.seed, number, video, media))
    return media


def _day(random: Random, wanted: Dated) -> date | None:
    return {"recent": recent, "old": old}[wanted.age](random) if wanted.age != "undated" else None


def _file(folder: str, number: int, suffix: str, day: date | None, source: str) -> str:
    stamp = f"-{day:%Y%m%d}" if day is not None and source == "name" else ""
    return f"{folder}/{number:04d}{stamp}.{suffix}"


def _picture(random: Random, seed: int, number: int, plan: Picture, before: list[Medium]) -> Medium:
    form, width, height, dated, twist, orientation = plan
    day = _day(random, dated)
    written: date | str | None = day if dated.source == "embedded" else None
    offset = None
    if twist == "abroad":
        written, offset, day = "2021:06:29 20:00:00", "+00:00", WINDOW
    elif twist == "zero":
        written = "0000:00:00 00:00:00"
    elif twist == "future":
        written = FUTURE
    elif twist == "contradicted":
        written = recent(random)
    copied = twist in ("exact", "redated", "lossless")
    if twist == "exact":
        data = before[-1].data
    elif twist == "lossless":
        form, data = "WEBP", lossless_copy(before[-1].data)
    else:
        data = image(
            form, seed + number - copied, width, height, day=written, offset=offset, orientation=orientation
        )
    payload = len(data)
    if twist == "trailing":
        data += bytes(5000)
    elif twist == "truncated":
        data = data[: payload * 2 // 3]
    if orientation >= 5:
        width, height = height, width
    return Medium(
        "image",
        _file("images", number, {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[form], day, dated.source),
        data,
        twist,
        payload,
        day,
        dated.source,
        width,
        height,
        defective=twist == "truncated",
        original=before[-1].file if copied else "",
        how="exact" if twist == "exact" else "content" if copied else "",
    )


def _sound(random: Random, seed: int, number: int, plan: Sound, before: list[Medium]) -> Medium:
    day = _day(random, plan.dated)
    if day is not None and plan.form == "MP3" and plan.dated.source == "embedded":
        day = day.replace(month=1, day=1)  # ID3v1 holds no more than the year, which counts as its first day
    copied = plan.twist in ("exact", "flac")
    loud, quiet = (plan.rate * each // 1000 for each in (plan.tone_ms, plan.silent_ms))
    wave = tone(seed + number - copied, loud, plan.rate, plan.channels)
    hum = tone(seed + number, quiet, plan.rate, plan.channels) / np.float32(4000)  # some −70 dBFS
    written = day if plan.dated.source == "embedded" else None
    data = sound(plan.form, np.concatenate([wave, hum]), plan.rate, day=written)
    if plan.form == "OGG":
        data = same_serial(data)
    if plan.twist == "exact":
        data = before[-1].data
    elif plan.twist == "truncated":
        data = data[: len(data) * 2 // 3]  # its header claims all of them
    return Medium(
        "audio",
        _file("sounds", number, plan.form.lower(), day, plan.dated.source),
        data,
        plan.twist,
        len(data),
        day,
        plan.dated.source,
        seconds=Fraction(loud + quiet, plan.rate),
        silent_s=Fraction(quiet, plan.rate),
        defective=plan.twist == "truncated",
        original=before[-1].file if copied else "",
        how={"exact": "exact", "flac": "content"}.get(plan.twist, ""),
    )


_FPS = 8


def _movie(random: Random, seed: int, number: int, plan: Movie, before: list[Medium]) -> Medium:
    width, height, dated, twist = plan
    day = _day(random, dated)
    written = day if dated.source == "embedded" else None
    copied = twist in ("exact", "redated")
    frames = 12
    if twist == "exact":
        data = before[-1].data
    elif twist == "grainy" and written is not None:
        frames = 8  # hold as many bytes as are needed
        data = grainy(seed + number, width, height, frames=frames, fps=_FPS, day=written)
    else:
        data = movie(
            seed + number - copied,
            width,
            height,
            frames=frames,
            fps=_FPS,
            day=written,
            rotation=90 if twist == "rotated" else 0,
            bar_px=88 if twist == "bars" else 0,
            moving=twist != "static",
        )
    coded = coded_bytes(data)
    if twist == "padding":
        data = padded(data, 1_200_000)
    elif twist == "truncated":
        data = data[: len(data) * 2 // 3]
    if twist == "rotated":
        width, height = height, width
    return Medium(
        "video",
        _file("videos", number, "mp4", day, dated.source),
        data,
        twist,
        coded,
        day,
        dated.source,
        width,
        height,
        Fraction(frames, _FPS),
        flag=twist if twist in ("static", "bars", "padding") else "",
        defective=twist == "truncated",
        original=before[-1].file if copied else "",
        how="exact" if copied else "",  # a video is its coded samples, whatever stands beside them
    )


# What is true ------------------------------------------------------------------------------------------


def facts(media: Sequence[Medium], modality: str) -> dict[str, Any]:
    """What is true of one modality, as truth.json has it; seconds are fractions in words ("3/2")."""
    every = [each for each in media if each.modality == modality]
    items = [each for each in every if not each.defective]
    surplus = [each for each in items if each.how]
    unit = "seconds" if modality == "audio" else "bytes"

    def add(chosen: Sequence[Medium]) -> int | str:
        return str(sum(map(_seconds, chosen))) if modality == "audio" else sum(map(_bytes, chosen))

    found: dict[str, Any] = {
        "items": len(items),
        "defective": len(every) - len(items),
        "payload_bytes": sum(map(_bytes, items)),
        "stored_bytes": sum(len(each.data) for each in items),
    }
    if modality == "audio":
        found |= {"seconds": add(items), "silent_seconds": str(sum(each.silent_s for each in items))}
    else:
        found |= _sizes(items, modality)
    for name in ("recent", "old", "undated"):
        chosen = [each for each in items if age(each.day) == name]
        found |= {f"{name}_items": len(chosen), f"{name}_{unit}": add(chosen)}
    young = [each for each in items if age(each.day) == "recent"]
    found |= {
        f"recent_by_name_{unit}": add([each for each in young if each.source == "name"]),
        f"recent_by_calendar_year_{unit}": add(
            [each for each in young if each.day and each.day.year > REFERENCE.year - 5]
        ),
        "surplus_items": len(surplus),
        "surplus_exact": sum(each.how == "exact" for each in surplus),
        f"surplus_{unit}": add(surplus),
        "members": len(surplus) + len({each.original for each in surplus}),
        "each": [_one(each) for each in every],
    }
    return found


def _bytes(item: Medium) -> int:
    return item.payload_bytes


def _seconds(item: Medium) -> Fraction:
    return item.seconds


def _sizes(items: Sequence[Medium], modality: str) -> dict[str, Any]:
    """Who meets which floor, by the readings' names."""
    short, long = _FLOOR_PX[modality]
    met = [each for each in items if each.short_px >= short and each.long_px >= long]
    found: dict[str, Any] = {"at_floor_items": len(met), "at_floor_bytes": sum(map(_bytes, met))}
    sides = [(each.width_px or 0, each.height_px or 0) for each in items]
    if modality == "image":
        found |= {
            "upright_items": sum(width >= short and height >= long for width, height in sides),
            "pixels_items": sum(width * height >= short * long for width, height in sides),
        }
    else:
        hd_short, hd_long = _HD_PX
        found |= {
            "height_items": sum(height >= short for _, height in sides),
            "hd_items": sum(each.short_px >= hd_short and each.long_px >= hd_long for each in items),
            "letterboxed_items": sum(each.short_px >= hd_short or each.long_px >= hd_long for each in items),
            "flagged": {
                flag: sum(each.flag == flag for each in items) for flag in ("bars", "padding", "static")
            },
        }
    return found


def _one(item: Medium) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": item.file,
        "what": item.what or None,
        "payload_bytes": item.payload_bytes,
        "day": item.day.isoformat() if item.day else None,
        "source": item.source if item.day else None,
        "original_name": item.original or None,
        "how": item.how or None,
    }
    if item.modality != "audio":
        values |= {"width_px": item.width_px, "height_px": item.height_px}
    if item.modality != "image":
        values |= {"seconds": str(item.seconds)}
    if item.modality == "audio":
        values |= {"silent_seconds": str(item.silent_s)}
    if item.defective:
        values |= {"defective": True, "payload_bytes": None}
    return {name: value for name, value in values.items() if value is not None}
