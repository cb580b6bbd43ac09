"""The cases of images, audio and video.

The usual dataset of a modality reaches its scale exactly: 10 images of 300 bytes, 2880 samples of sound at 8000 Hz
(0.36 s), one video of two pictures with 400 kB each. It has a README and a metadata file without dates, and declares
this modality alone. Such small items hold nothing by which near-duplicates are told, so several different ones are a
`review`.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from PIL import Image

from conformance.case import (
    NOT_DECLARED,
    README,
    REGISTRATION,
    USUAL_FILES,
    Case,
    Files,
    jsonl,
    records,
)
from dqv import demo_media
from dqv.core.settings import Limits
from dqv.core.units import decimal_string

Number = int | Fraction
Count = Number | tuple[Number, Number]
"""A numerator, or a numerator and its denominator."""

SCALES = {"audio": "0.1 s", "image": "1 B", "video": "1 B"}  # as declared: anything covers it
RULES = {
    modality: [f"{family}.{modality}" for family in ("scale", "resolution", "duplicates")]
    for modality in ("image", "video")
} | {"audio": ["scale.audio", "duplicates.audio"]}

RATE_HZ = 8000
NEW, OLD = "2026-01-15", "2015-01-01"
EXIF_NEW, EXIF_OLD = "2026:01:15 12:00:00", "2015:01:01 12:00:00"
_METADATA = b"file_name,author\nnone.png,A\n"


def cases() -> Iterator[Case]:
    """Every case of images, audio and video."""
    for modality in SCALES:
        yield from _presence(modality)
    for family in (
        _image_scale, _image_resolution, _image_duplicates, _image_near, _image_dates, _image_unread,
        _audio_scale, _audio_formats, _audio_raw, _audio_duplicates, _audio_dates,
        _video_scale, _video_flags, _video_resolution, _video_duplicates, _video_dates,
    ):  # fmt: skip
        yield from family()


def _case(
    modality: str,
    name: str,
    files: Files,
    numbers: Mapping[str, Count],
    *,
    readings: Mapping[str, Mapping[str, tuple[str, Number]]] | None = None,
    declared: Mapping[str, Any] | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    assurance: str = "full",
    **changed: Any,
) -> Case:
    """A dataset of one modality; families of rules stand for its rules.

    Args:
        modality: the only one that is declared.
        name: `<family>-<verdict>-<what>`, of the case.
        files: beside README and metadata file.
        numbers: family → numerator and denominator.
        readings: family → reading → verdict and numerator.
        declared: more of what the registration says of the modality.
        limits: of one item.
        assurance: full or identity.
        changed: family → verdict, where it is not pass (for duplicates: review).
    """

    def rule(family: str) -> str:
        return (
            family
            if family in ("recency", "metadata", "registration", "updates", "privacy")
            else f"{family}.{modality}"
        )

    family, verdict, what = name.split("-", 2)
    text = dict.fromkeys(("scale.text", "duplicates.text"), "not_applicable")
    usual = dict.fromkeys(RULES[modality], "pass") | {rule("duplicates"): "review"}
    own = {rule(each): found for each, found in {**changed, family: verdict}.items()}
    if assurance == "identity":  # documents are not read
        own["documentation"] = "indeterminate"
    modalities = {modality: {"scale": SCALES[modality], **(declared or {})}}
    return Case(
        f"{rule(family)}-{verdict}-{what}",
        {"README.md": README, "metadata.csv": _METADATA, **files},
        {**text, **usual, **own},
        {rule(each): _shown(count) for each, count in numbers.items()},
        {**REGISTRATION, "modalities": modalities},
        limits=limits,
        assurance=assurance,
        readings={
            rule(each): {reading: (said, _decimal(number)) for reading, (said, number) in found.items()}
            for each, found in (readings or {}).items()
        },
    )


def _decimal(value: Number) -> str:
    return decimal_string(value, 12)


def _shown(count: Count) -> tuple[str, str | None]:
    return (_decimal(count[0]), _decimal(count[1])) if isinstance(count, tuple) else (_decimal(count), None)


UNKNOWN: Mapping[str, Any] = dict.fromkeys(("resolution", "duplicates", "recency"), "indeterminate")
"""What cannot be told where nothing was measured, or something unread could be anything."""


# What is there, and what is declared --------------------------------------------------------------------


def _presence(modality: str) -> Iterator[Case]:
    """Declared and absent, present and undeclared, perhaps in an archive."""
    rules, scale = RULES[modality], f"scale.{modality}"
    modalities = {**REGISTRATION["modalities"], modality: {"scale": SCALES[modality]}}
    declared = {**REGISTRATION, "modalities": modalities}
    unknown = {**dict.fromkeys(rules, "indeterminate"), "recency": "indeterminate"}
    yield Case(
        f"{scale}-fail-declared-and-absent",
        USUAL_FILES,
        {**unknown, scale: "fail", "registration": "review"},
        registration=declared,
    )
    small = {"image": _png(), "audio": _wav(2880), "video": _clip(80_000)}[modality]
    suffix = {"image": "png", "audio": "wav", "video": "mov"}[modality]
    files = {**USUAL_FILES, f"file.{suffix}": small}
    yield Case(f"{scale}-review-undeclared", files, dict.fromkeys(rules, "review"))
    # An archive may hold anything, a thousand times its bytes; of sound a second takes 500 bytes.
    for size, verdict, what in {
        "image": ((2, "fail", "archive-could-not-reach-it"), (3, "indeterminate", "archive-could-just-reach-it")),
        "audio": ((1, "indeterminate", "archive-not-read"),),
        "video": ((800, "indeterminate", "archive-could-just-reach-it"),),
    }[modality]:  # fmt: skip
        files = {**USUAL_FILES, "more.rar": b"x" * size}
        changed = {**unknown, "duplicates.text": "indeterminate", scale: verdict}
        yield Case(f"{scale}-{verdict}-{what}", files, changed, registration=declared)


# Images -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _png(seed: int = 0, size: int = 300, day: str | None = EXIF_NEW) -> bytes:
    """An image of so many bytes, 1024 × 768."""
    return demo_media.plain("PNG", seed, size_bytes=size, day=day)


def _pngs(*sizes: int, day: str | None = EXIF_NEW, seed: int = 0) -> dict[str, bytes]:
    return {f"pic-{seed + n:02d}.png": _png(seed + n, size, day) for n, size in enumerate(sizes)}


def _of_size(width: int, height: int, form: str = "PNG", seed: int = 0, orientation: int = 1) -> bytes:
    """An image that reaches the scale alone, of another size as it is stored."""
    size = {"PNG": 3000, "JPEG": 15_000, "WEBP": None}[form]
    return demo_media.plain(form, seed, width, height, size_bytes=size, day=EXIF_NEW, orientation=orientation)


@lru_cache
def _three(*days: str | None) -> dict[str, bytes]:
    """JPEG, PNG and WebP: EXIF dates of each, or one for all; behind a second space the offset."""
    files = {}
    for seed, (form, name) in enumerate((("JPEG", "a-{}.jpg"), ("PNG", "b-{}.png"), ("WEBP", "c-{}.webp"))):
        moment, offset = days[seed % len(days)], None
        if moment is not None and moment.count(" ") == 2:
            moment, _, offset = moment.rpartition(" ")
        files[name] = demo_media.plain(form, seed, day=moment, offset=offset)
    return files


def _named(files: Files, what: str = "x") -> dict[str, bytes]:
    return {name.format(what): content for name, content in files.items()}


def _cut(files: Files) -> dict[str, bytes]:
    """What is left of files whose end is missing."""
    return {f"cut-{name}": content[: len(content) * 2 // 3] for name, content in files.items()}


def _image_scale() -> Iterator[Case]:
    for name, last in (
        ("scale-pass-at-limit", 300),
        ("scale-fail-one-byte-less", 299),
    ):
        size = 2700 + last
        numbers: dict[str, Count] = {
            "scale": size,
            "resolution": (10, 10),
            "duplicates": (0, 10),
            "recency": (size, size),
        }
        yield _case("image", name, _pngs(*[300] * 9, last), numbers)
    files = _pngs(*[300] * 10)
    told = b"tEXtAuthor\0tel 13812345678"
    chunk = struct.pack(">I", len(told) - 4) + told + struct.pack(">I", zlib.crc32(told))
    written = {**files, "pic-03.png": files["pic-03.png"][:33] + chunk + files["pic-03.png"][33:]}
    yield _case("image", "privacy-review-text-of-a-picture", written, {"privacy": (1, 10)}, privacy="review")
    files = _pngs(*[300] * 9, 299)
    behind = {**files, "pic-00.png": files["pic-00.png"] + bytes(100)}
    yield _case("image", "scale-fail-bytes-behind-the-end", behind, {"scale": 2999},
                readings={"scale": {"stored": ("pass", 3099)}})  # fmt: skip
    cut = _cut(_named(_three(EXIF_NEW)))
    yield _case("image", "scale-review-truncated-do-not-count", {**_pngs(*[300] * 10), **cut},
                {"scale": 3000, "resolution": (10, 10), "duplicates": (0, 10), "recency": (3000, 3000)},
                resolution="review", recency="review")  # fmt: skip
    yield _case("image", "scale-fail-truncated-do-not-count", {**files, **cut}, {"scale": 2999},
                resolution="review", recency="review")  # fmt: skip
    # More than 64 kB and a fifth of the object beside the picture count no more.
    bare = len(demo_media.plain("PNG", 50))
    for verdict, beside, what in (
        ("pass", 65_536, "little-beside-the-picture"),
        ("fail", 65_537, "much-beside-the-picture"),
    ):
        padded = {"pic-20260115.png": _png(50, bare + beside, None)}
        numbers = {"scale": bare + beside if verdict == "pass" else bare, "duplicates": (0, 1)}
        yield _case("image", f"scale-{verdict}-{what}", padded, numbers, duplicates="pass")
    # Without a registration, what holds a hundredth of the payload decides.
    for verdict, size, what in (
        ("fail", 150, "a-hundredth-decides"),
        ("review", 151, "less-than-a-hundredth-does-not"),
    ):
        text = [*records(131), *records(1, size, seed=131)]
        picture = {"pic-20260115.png": _png(0, 200, None)}
        changed = {
            **NOT_DECLARED,
            **dict.fromkeys(RULES["image"], "review" if verdict == "review" else "pass"),
        }
        numbers_ = {"scale.image": ("200", None), "scale.text": (str(131 * 150 + size), None)}
        yield Case(f"scale.image-{verdict}-{what}", {**jsonl(text), **picture},
                   {**changed, "scale.image": verdict}, numbers_, None)  # fmt: skip


def _image_resolution() -> Iterator[Case]:
    def one(name: str, picture: bytes, upright: str, pixels: str = "pass", **changed: Any) -> Case:
        meets = int("-pass-" in name)
        readings = {
            "upright": (upright, int(upright == "pass")),
            "pixels": (pixels, int(pixels == "pass")),
        }
        return _case("image", name, {"pic.png": picture}, {"resolution": (meets, 1)}, duplicates="pass",
                     readings={"resolution": readings}, **changed)  # fmt: skip

    yield one("resolution-pass-upright-at-floor", _of_size(768, 1024), "pass")
    yield one("resolution-pass-lying-at-floor", _of_size(1024, 768), "fail")
    pair = {"a.png": _of_size(767, 1024), "b.png": _of_size(768, 1023, seed=1)}
    yield _case("image", "resolution-fail-one-pixel-narrower-or-lower", pair, {"resolution": (0, 2)},
                readings={"resolution": {"pixels": ("fail", 0), "most": ("fail", 0)}})  # fmt: skip
    yield one("resolution-fail-as-many-pixels", _of_size(512, 1536), "fail")
    turned = {
        "a.jpg": _of_size(768, 1024, "JPEG", 0, 6),
        "b.png": _of_size(768, 1024, "PNG", 1, 8),
        "c.webp": _of_size(768, 1024, "WEBP", 2, 5),
    }
    yield _case("image", "resolution-pass-turned-by-exif", turned, {"resolution": (3, 3), "duplicates": (0, 3)},
                readings={"resolution": {"upright": ("fail", 0)}})  # fmt: skip
    below = {
        "a.jpg": _of_size(767, 1024, "JPEG", 0),
        "b.png": _of_size(1024, 767, "PNG", 1),
        "c.webp": _of_size(1023, 768, "WEBP", 2, 8),
    }
    yield _case("image", "resolution-fail-one-of-four-at-floor", {**below, "d.jpg": _of_size(768, 1024, "JPEG", 3, 3)},
                {"resolution": (1, 4)}, readings={"resolution": {"upright": ("fail", 1), "most": ("fail", 1)}})  # fmt: skip
    for size, verdict in ((3000, "pass"), (2999, "fail")):
        files = {"good.png": _png(0, size), "small.png": _of_size(767, 1024, seed=1)}
        yield _case("image", f"resolution-fail-half-at-floor-with-{size}-bytes", files, {"resolution": (1, 2)},
                    readings={"resolution": {"most": ("pass", 1), "part-alone": (verdict, size)},
                              "scale": {"at-floor": (verdict, size)}})  # fmt: skip
    others = {f"pic.{form.lower()}": demo_media.plain(form, 0) for form in ("BMP", "TIFF", "GIF", "AVIF")}
    named = {**others, "really-png.jpg": _png(1)}
    yield _case("image", "resolution-pass-other-formats", _dated(named), {"resolution": (5, 5), "duplicates": (2, 5)},
                duplicates="fail")  # fmt: skip
    nothing = _cut(_named(_three(EXIF_NEW)))
    yield _case("image", "resolution-indeterminate-all-defective", nothing, {"scale": 0, "duplicates": (0, 0)},
                scale="fail", duplicates="indeterminate", recency="indeterminate", registration="review", updates="review")  # fmt: skip


def _dated(files: Files) -> dict[str, bytes]:
    """The same in a folder whose name has a date."""
    return {f"{NEW}/{name}": content for name, content in files.items()}


def _image_duplicates() -> Iterator[Case]:
    pictures = _pngs(*[300] * 20)
    for name, count, copies in (
        ("duplicates-review-at-five-percent", 20, 1),
        ("duplicates-fail-one-of-nineteen", 19, 1),
    ):
        files = {**dict(list(pictures.items())[: count - copies])}
        files |= {f"copy-{n}.png": pictures[f"pic-{n:02d}.png"] for n in range(copies)}
        yield _case("image", name, files, {"duplicates": (copies, count), "scale": count * 300},
                    readings={"scale": {"after-duplicates": ("pass", (count - copies) * 300)}})  # fmt: skip
    dated = {f"{n}.jpg": demo_media.plain("JPEG", 1, day=f"2026:01:0{n} 12:00:00") for n in (1, 2)}
    yield _case("image", "duplicates-fail-same-picture-with-other-exif", dated, {"duplicates": (1, 2)},
                readings={"duplicates": {"exact": ("pass", 0), "normalised": ("fail", 1)}})  # fmt: skip
    forms = {f"pic.{form.lower()}": demo_media.plain(form, 1) for form in ("PNG", "BMP", "WEBP")}
    yield _case("image", "duplicates-fail-same-pixels-in-other-formats", _dated(forms), {"duplicates": (2, 3)},
                readings={"duplicates": {"exact": ("pass", 0), "normalised": ("fail", 2)}})  # fmt: skip


def _image_near() -> Iterator[Case]:
    """Pictures with something in them; a copy is another size, brighter, coded coarsely.

    Two copies in forty are at the ceiling; three are not, but for a person to look at, unless equal ones exceed it too.
    """
    for near, equal, verdict, what in (
        (2, 0, "pass", "seen-at-five-percent"),
        (3, 0, "review", "seen-over-five-percent"),
        (1, 2, "fail", "seen-and-equal-over-five-percent"),
        (3, 3, "fail", "equal-over-five-percent-and-seen"),
    ):
        count = 40 - near - equal
        files = {f"{n:02d}.jpg": seen(n) for n in range(count)}
        files |= {f"x-{n:02d}.jpg": copied(seen(n)) for n in range(near)}
        files |= {f"y-{n:02d}.jpg": files[f"{n:02d}.jpg"] for n in range(equal)}
        yield _case("image", f"duplicates-{verdict}-{what}", files, {"duplicates": (near + equal, 40)},
                    readings={"duplicates": {"exact": ("fail" if equal > 2 else "pass", equal)}})  # fmt: skip
    files = {f"{n:02d}.jpg": seen(n) for n in range(38)}
    turned = {
        "x.jpg": copied(seen(0), Image.Transpose.ROTATE_90),
        "y.jpg": copied(seen(1), Image.Transpose.FLIP_LEFT_RIGHT),
    }
    yield _case("image", "duplicates-pass-mirrored-and-rotated", files | turned, {"duplicates": (0, 40)},
                readings={"duplicates": {"turned": ("pass", 2)}})  # fmt: skip
    scene = {f"{n:02d}.jpg": seen(0, part=n) for n in range(12)}
    yield _case("image", "duplicates-pass-one-scene-with-other-parts", scene, {"duplicates": (0, 12)})


@lru_cache(maxsize=64)
def seen(seed: int, part: int | None = None) -> bytes:
    """Soft shapes under fine ones, 1024 × 768; a part is a small square somewhere on them."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (6, 8), np.uint8)).resize(
        (1024, 768), Image.Resampling.BICUBIC
    )
    fine = Image.fromarray(rng.integers(0, 256, (48, 64), np.uint8)).resize(
        (1024, 768), Image.Resampling.BICUBIC
    )
    picture = Image.blend(soft, fine, 0.3)
    if part is not None:
        at = 60 + 70 * part
        picture.paste(255 * (part % 2), (at, 300, at + 40, 340))
    sink = io.BytesIO()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = EXIF_NEW
    picture.save(sink, "JPEG", quality=85, exif=exif)
    return sink.getvalue()


def copied(picture: bytes, turn: Image.Transpose | None = None) -> bytes:
    """A picture larger, paler and coded coarsely."""
    image = Image.open(io.BytesIO(picture))
    exif = image.getexif()
    other = image.resize((1280, 960)).point(lambda grey: grey * 0.95 + 10)
    sink = io.BytesIO()
    (other if turn is None else other.transpose(turn)).save(sink, "JPEG", quality=50, exif=exif)
    return sink.getvalue()


def _image_dates() -> Iterator[Case]:
    def case(name: str, files: Files, recent: int, size: int = 3000, **changed: Any) -> Case:
        return _case("image", name, files, {"recency": (recent, size)}, **changed)

    old = [300] * 4
    yield case("recency-pass-half-of-the-images",
               {**_pngs(*[300] * 5), **_pngs(300, *old, day=EXIF_OLD, seed=10)}, 1500)  # fmt: skip
    yield case("recency-fail-images-one-byte-less",
               {**_pngs(*[300] * 4, 299), **_pngs(301, *old, day=EXIF_OLD, seed=10)}, 1499)  # fmt: skip
    undated = _pngs(300, day=None, seed=20)
    yield case("recency-review-half-with-the-undated-image",
               {**_pngs(*[300] * 4), **_pngs(300, *old, day=EXIF_OLD, seed=10), **undated}, 1200)  # fmt: skip
    undated = _pngs(299, day=None, seed=20)
    yield case("recency-fail-with-the-undated-image",
               {**_pngs(*[300] * 4), **_pngs(301, *old, day=EXIF_OLD, seed=10), **undated}, 1200)  # fmt: skip

    def three(name: str, *days: str | None, what: str = "x", sidecar: str = "") -> Case:
        files = _named(_three(*days), what)
        size = sum(map(len, files.values()))
        if sidecar:
            rows = "".join(f"{each},{sidecar}\n" for each in files)
            files["metadata.csv"] = f"file_name,date\n{rows}".encode()
        late = not name.startswith("pass") or "first-day" in name  # for half a year's cadence
        return case(f"recency-{name}", files, size if name.startswith("pass") else 0, size,
                    updates="review" if late else "attested")  # fmt: skip

    yield three("review-images-without-any-date", None)
    yield three("pass-image-name", None, what=NEW)
    yield three("fail-exif-outweighs-name", EXIF_OLD, what=NEW)
    yield three("pass-sidecar-outweighs-exif", EXIF_OLD, sidecar=NEW)
    yield three("fail-sidecar-outweighs-exif", EXIF_NEW, sidecar=OLD)
    late, zeros = "2099:01:01 12:00:00", "0000:00:00 00:00:00"
    yield three("review-exif-after-the-reference-date-is-not-mended-by-the-name", late, what=NEW)
    yield three("review-exif-of-zeros-is-not-mended-by-the-name", zeros, what=NEW)
    # The window begins at midnight in Shanghai; without an offset the day counts as it stands.
    yield three("pass-exif-on-the-first-day-in-shanghai", "2021:06:29 16:00:00 +00:00",
                "2021:06:29 09:00:00 -07:00", "2021:06:30 00:00:00")  # fmt: skip
    yield three("fail-exif-a-second-before-it-in-shanghai", "2021:06:29 15:59:59 +00:00",
                "2021:06:30 00:59:59 +09:00", "2021:06:29 23:59:59")  # fmt: skip
    both = {**jsonl(records()), **_pngs(*[300] * 10, day=EXIF_OLD)}
    modalities = {**REGISTRATION["modalities"], "image": {"scale": "3 kB"}}
    yield Case(
        "recency-fail-the-worst-modality-decides",
        both,
        {"scale.image": "pass", "resolution.image": "pass", "duplicates.image": "review", "recency": "fail"},
        {"recency": ("0", "3000"), "scale.text": ("3000", None), "scale.image": ("3000", None)},
        {**REGISTRATION, "modalities": modalities},
    )


def _image_unread() -> Iterator[Case]:
    """Images over the limit of bytes are unread: each may hold ten times its bytes."""
    limits = Limits(document_bytes=272)
    for good, verdict, what in (
        (270, "indeterminate", "unread-could-just-reach-it"),
        (269, "fail", "unread-could-not-reach-it"),
    ):
        files = _pngs(good, 273)
        numbers: dict[str, Count] = {
            "scale": good,
            "resolution": (1, 1),
            "duplicates": (0, 1),
            "recency": (good, good),
        }
        yield _case("image", f"scale-{verdict}-{what}", files, numbers, limits=limits, **UNKNOWN)
    # Nineteen different images and one more: between none and one of twenty.
    for count, verdict, what in (
        (19, "review", "unread-could-not-change-it"),
        (18, "indeterminate", "unread-could-change-it"),
    ):
        files = _pngs(*[270] * count, 273)
        yield _case("image", f"duplicates-{verdict}-{what}", files, {"duplicates": (0, count)}, limits=limits,
                    resolution="indeterminate")  # fmt: skip
    small = demo_media.plain("PNG", 0, 767, 1024, day=EXIF_NEW)
    yield _case("image", "resolution-fail-unread-could-not-change-it",
                {"a.png": small, "b.png": small, "c.png": _png(2, 400)},
                {"resolution": (0, 2), "duplicates": (1, 2)}, limits=limits,
                scale="indeterminate", duplicates="fail", recency="indeterminate")  # fmt: skip
    # 3240 bytes, all recent, and as many unread that could be old: half.
    for size, verdict, what in (
        (324, "pass", "unread-image-could-not-change-it"),
        (325, "indeterminate", "unread-image-could-change-it"),
    ):
        files = _pngs(*[270] * 12, size)
        yield _case("image", f"recency-{verdict}-{what}", files, {"recency": (3240, 3240)}, limits=limits,
                    resolution="indeterminate", duplicates="indeterminate")  # fmt: skip
    # Headers alone are no ground for a pass; nothing is hashed.
    yield _case("image", "scale-review-headers-alone", _pngs(*[300] * 10), {"scale": 3000},
                assurance="identity", resolution="review", duplicates="indeterminate", recency="review")  # fmt: skip


# Audio --------------------------------------------------------------------------------------------------


def _hours(samples: int) -> Fraction:
    return Fraction(samples, RATE_HZ * 3600)


@lru_cache(maxsize=256)
def _sound(
    form: str, samples: int, seed: int = 0, day: str | None = NEW, channels: int = 1, rest: int = 0
) -> bytes:
    """So many samples at 8000 Hz, the last `rest` of them silent."""
    wave = demo_media.tone(seed, samples, RATE_HZ, channels)
    wave[samples - rest :] = 0
    sound = demo_media.sound(form, wave, RATE_HZ, day=day)
    return demo_media.same_serial(sound) if form == "OGG" else sound


def _wav(samples: int, seed: int = 0, day: str | None = NEW) -> bytes:
    return _sound("WAV", samples, seed, day)


@lru_cache(maxsize=64)
def _tune(form: str, seed: int, day: str | None = NEW) -> bytes:
    """Twenty short tones, 2 s."""
    notes = [demo_media.tone(1000 * seed + n, RATE_HZ // 10, RATE_HZ) for n in range(20)]
    return demo_media.sound(form, np.concatenate(notes), RATE_HZ, day=day)


def _audio_scale() -> Iterator[Case]:
    for name, samples in (
        ("scale-pass-at-limit", 2880),
        ("scale-fail-one-sample-less", 2879),
    ):
        numbers: dict[str, Count] = {
            "scale": _hours(samples),
            "duplicates": (0, 1),
            "recency": (_hours(samples), _hours(samples)),
        }
        yield _case("audio", name, {"a.wav": _wav(samples)}, numbers, duplicates="pass")
    yield _case("audio", "scale-fail-two-channels-are-not-twice-as-long", {"a.wav": _sound("WAV", 1440, channels=2)},
                {"scale": _hours(1440)}, duplicates="pass")  # fmt: skip
    yield _case("audio", "scale-pass-silence-counts", {"a.wav": _sound("WAV", 2880, rest=1440)}, {"scale": _hours(2880)},
                duplicates="pass", readings={"scale": {"without-silence": ("fail", _hours(1440))}})  # fmt: skip
    forms = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG"}
    cut = _cut({f"{n}.{form}": _sound(name, 8000, 10 + n) for n, (form, name) in enumerate(forms.items())})
    yield _case("audio", "scale-review-truncated-do-not-count", {"a.wav": _wav(2880), **cut},
                {"scale": _hours(2880), "duplicates": (0, 1)}, duplicates="review", recency="review")  # fmt: skip
    yield _case("audio", "scale-review-headers-alone", {"a.wav": _wav(2880)}, {"scale": _hours(2880)},
                assurance="identity", duplicates="indeterminate", recency="review")  # fmt: skip


def _audio_formats() -> Iterator[Case]:
    for last, verdict, what in (
        (960, "pass", "at-limit-in-three-formats"),
        (959, "fail", "one-sample-less-in-three-formats"),
    ):
        files = {
            "a.wav": _wav(960),
            "b.flac": _sound("FLAC", 960, 1),
            f"c-{NEW}.mp3": _sound("MP3", last, 2, None),
        }
        yield _case(
            "audio", f"scale-{verdict}-{what}", files, {"scale": _hours(1920 + last), "duplicates": (0, 3)}
        )
    # The last page of an Ogg stream says where the sound ends (Vorbis I, A.2), as does LAME's tag of an MP3.
    for name, form, samples in (
        ("pass-at-limit-in-one-page-of-ogg", "ogg", 2880),
        ("fail-one-sample-less-in-one-page-of-ogg", "ogg", 2879),
        ("fail-one-sample-less-in-mp3-with-a-tag", "mp3", 2879),
    ):
        files = {f"a.{form}": _sound(form.upper(), samples)}
        yield _case("audio", f"scale-{name}", files, {"scale": _hours(samples)}, duplicates="pass")
    wave = demo_media.tone(0, 2880, RATE_HZ)
    movie = {f"{NEW}.mov": demo_media.soundtrack(wave, RATE_HZ)}
    yield _case(
        "audio", "scale-pass-sound-in-a-container-of-video", movie, {"scale": _hours(2880)}, duplicates="pass"
    )


def _audio_raw() -> Iterator[Case]:
    """Samples without a header: as the registration declares them, else unread."""
    noise = demo_media.noise(0, 5760)

    def raw(name: str, size: int, seconds: Fraction, encoding: str) -> Case:
        layout = {"sample_rate_hz": RATE_HZ, "channels": 1, "encoding": encoding}
        return _case("audio", name, {f"{NEW}.pcm": noise[:size]}, {"scale": seconds / 3600}, duplicates="pass",
                     declared={"raw": layout})  # fmt: skip

    limit = Fraction(36, 100)
    yield raw("scale-pass-raw-at-limit", 5760, limit, "pcm_s16le")
    yield raw("scale-fail-raw-one-sample-less", 5758, Fraction(2879, RATE_HZ), "pcm_s16le")
    yield raw("scale-pass-raw-mu-law", 2880, limit, "pcm_mulaw")
    layout = {"sample_rate_hz": RATE_HZ, "channels": 1, "encoding": "pcm_s16le"}
    yield _case("audio", "scale-fail-raw-ends-within-a-sample", {f"{NEW}.pcm": noise[:5759]}, {"scale": 0},
                declared={"raw": layout}, duplicates="indeterminate", recency="indeterminate", registration="review",
                updates="review")  # fmt: skip
    # A byte of it may be ten, and 500 bytes a second: a fiftieth of a second, 160 samples.
    for samples, verdict, what in (
        (2720, "indeterminate", "undeclared-raw-could-just-reach-it"),
        (2719, "fail", "undeclared-raw-could-not-reach-it"),
    ):
        files = {"a.wav": _wav(samples), "b.pcm": b"x"}
        yield _case("audio", f"scale-{verdict}-{what}", files, {"scale": _hours(samples), "duplicates": (0, 1)},
                    duplicates="indeterminate")  # fmt: skip
    yield _case("audio", "scale-pass-undeclared-raw-can-only-add", {"a.wav": _wav(2880), "b.pcm": b"x"},
                {"scale": _hours(2880)}, duplicates="indeterminate")  # fmt: skip


def _audio_duplicates() -> Iterator[Case]:
    clips = {f"{n:02d}.wav": _wav(160, n) for n in range(20)}
    for name, count in (("duplicates-review-at-five-percent", 20), ("duplicates-fail-one-of-nineteen", 19)):
        files = {**dict(list(clips.items())[: count - 1]), "copy.wav": clips["00.wav"]}
        yield _case("audio", name, files, {"duplicates": (1, count), "scale": _hours(160 * count)},
                    readings={"scale": {"after-duplicates": ("pass", _hours(160 * (count - 1)))}})  # fmt: skip
    samples_in = {"a.wav": _wav(2880), "b.flac": _sound("FLAC", 2880), "c.wav": _wav(2880, 0, "2026-02-01")}
    yield _case("audio", "duplicates-fail-same-samples-in-other-bytes", samples_in, {"duplicates": (2, 3)},
                readings={"duplicates": {"exact": ("pass", 0), "normalised": ("fail", 2)}})  # fmt: skip
    # Long enough to be heard: 2 s each. A copy in MP3 sounds the same; two in forty are at the ceiling, three are not,
    # but for a person to look at, unless equal ones exceed it too.
    for near, equal, verdict, what in (
        (2, 0, "pass", "heard-at-five-percent"),
        (3, 0, "review", "heard-over-five-percent"),
        (1, 2, "fail", "heard-and-equal-over-five-percent"),
        (3, 3, "fail", "equal-over-five-percent-and-heard"),
    ):
        count = 40 - near - equal
        files = {f"{n:02d}.wav": _tune("WAV", n) for n in range(count)}
        files |= {f"x-{n:02d}-{NEW}.mp3": _tune("MP3", n, None) for n in range(near)}
        files |= {f"y-{n:02d}.wav": files[f"{n:02d}.wav"] for n in range(equal)}
        yield _case("audio", f"duplicates-{verdict}-{what}", files, {"duplicates": (near + equal, 40)},
                    readings={"duplicates": {"exact": ("fail" if equal > 2 else "pass", equal)}})  # fmt: skip
    silent = {f"{n:02d}.wav": _tune("WAV", n) for n in range(19)} | {
        "z.wav": _sound("WAV", 16_000, 99, rest=15_900)
    }
    for more, verdict in ((0, "pass"), (1, "review")):
        files = silent | {f"z{n}.wav": _sound("WAV", 15_000, n, rest=14_900) for n in range(more)}
        yield _case("audio", f"duplicates-{verdict}-{1 + more}-silent-of-{20 + more}", files,
                    {"duplicates": (0, 20 + more)})  # fmt: skip
    twice = {"a.wav": _wav(2880), "b.wav": _wav(2880), "c.pcm": b"x"}
    yield _case("audio", "duplicates-fail-unread-could-not-change-it", twice, {"duplicates": (1, 2)})


def _audio_dates() -> Iterator[Case]:
    for recent, verdict, what in (
        (1440, "pass", "half-of-the-hours"),
        (1439, "fail", "hours-one-sample-less"),
    ):
        # far more bytes are old: hours count, not bytes
        files = {"a.flac": _sound("FLAC", recent), "b.wav": _sound("WAV", 2880 - recent, 1, OLD, 8)}
        yield _case("audio", f"recency-{verdict}-{what}", files, {"recency": (_hours(recent), _hours(2880))})
    forms = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG"}
    for day, name, verdict in ((NEW, "tags", "pass"), (OLD, "tags-outweigh-name", "fail")):
        files = {
            f"{form}-{NEW}.{form}": _sound(kind, 44_100, n, day)
            for n, (form, kind) in enumerate(forms.items())
        }
        whole = _hours(4 * 44_100)
        yield _case("audio", f"recency-{verdict}-{name}", files,
                    {"recency": (whole if day == NEW else 0, whole)}, duplicates="pass",
                    updates="attested" if day == NEW else "review")  # fmt: skip
    yield _case("audio", "recency-review-audio-without-any-date", {"a.wav": _wav(2880, 0, None)},
                {"recency": (0, _hours(2880))}, duplicates="pass", updates="review")  # fmt: skip
    yield _case("audio", "recency-review-tag-of-zeros-is-not-mended-by-the-name",
                {f"{NEW}.wav": _wav(2880, 0, "0000-00-00")}, {"recency": (0, _hours(2880))}, duplicates="pass",
                updates="review")  # fmt: skip


# Video --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def _clip(
    size: int, seed: int = 0, day: str | None = f"{NEW}T12:00:00Z", pictures: int = 2, **more: Any
) -> bytes:
    """A video whose coded pictures have so many bytes, of 1280 × 720."""
    sizes = [size // pictures] * (pictures - 1)
    return demo_media.clip(seed, [*sizes, size - sum(sizes)], day=day, **more)


@lru_cache(maxsize=64)
def _movie(width: int = 1280, height: int = 720, seed: int = 0, **more: Any) -> bytes:
    """A video of H.264, far below the scale."""
    return demo_media.movie(seed, width, height, frames=3, day=f"{NEW}T12:00:00Z", **more)


def _video_scale() -> Iterator[Case]:
    for name, size in (
        ("scale-pass-at-limit", 800_000),
        ("scale-fail-one-byte-less", 799_999),
    ):
        numbers: dict[str, Count] = {
            "scale": size,
            "resolution": (1, 1),
            "duplicates": (0, 1),
            "recency": (size, size),
        }
        yield _case("video", name, {"a.mov": _clip(size)}, numbers, duplicates="pass")
    files = {"a.mov": _clip(799_000, sound_bytes=1000)}
    yield _case("video", "scale-pass-sound-counts", files, {"scale": 800_000}, duplicates="pass")
    padded = demo_media.padded(_clip(799_999), 1000)
    yield _case("video", "scale-fail-padding-does-not-count", {"a.mp4": padded}, {"scale": 799_999}, duplicates="pass",
                readings={"scale": {"stored": ("pass", len(padded))}})  # fmt: skip
    cut = _cut({"b.mp4": _movie(seed=1), "c.mov": _clip(80_000, 2)})
    yield _case("video", "scale-review-truncated-do-not-count", {"a.mov": _clip(800_000), **cut},
                {"scale": 800_000, "resolution": (1, 1), "duplicates": (0, 1)}, resolution="review",
                duplicates="review", recency="review")  # fmt: skip
    yield _case("video", "scale-review-headers-alone", {"a.mov": _clip(800_000)}, {"scale": 800_000},
                assurance="identity", resolution="review", duplicates="indeterminate", recency="review")  # fmt: skip
    # A codec that nobody knows: ten times its bytes.
    unknown = demo_media.recoded(_movie(64, 48))
    least = 800_000 - 10 * len(unknown)
    for size, verdict, what in (
        (least, "indeterminate", "unknown-codec-could-just-reach-it"),
        (least - 1, "fail", "unknown-codec-could-not-reach-it"),
    ):
        yield _case("video", f"scale-{verdict}-{what}", {"a.mov": _clip(size), "b.mp4": unknown},
                    {"scale": size, "resolution": (1, 1), "duplicates": (0, 1), "recency": (size, size)},
                    resolution="indeterminate", duplicates="indeterminate")  # fmt: skip


def _video_flags() -> Iterator[Case]:
    """What is flagged does not make the scale alone."""

    def flagged(name: str, files: Files, size: int, **changed: Any) -> Case:
        numbers: dict[str, Count] = {"scale": size, "resolution": (len(files), len(files))}
        return _case("video", name, files, numbers, **changed)

    static = _clip(800_000, period=1)
    yield flagged("scale-review-static", {"a.mov": static}, 800_000, duplicates="pass")
    yield flagged("scale-pass-without-the-static", {"a.mov": static, "b.mov": _clip(800_000, 1)}, 1_600_000)
    yield flagged(
        "scale-review-byte-less-without-the-static", {"a.mov": static, "b.mov": _clip(799_999, 1)}, 1_599_999
    )
    looped = _clip(800_000, pictures=4, period=2)
    yield flagged("scale-review-looped", {"a.mov": looped}, 800_000, duplicates="pass")
    yield flagged("scale-review-bars", {"a.mov": _clip(800_000, bar_px=90)}, 800_000, duplicates="pass")
    plain = _clip(800_000)
    for verdict, beside, what in (
        ("pass", 10**6, "a-megabyte-beside-the-pictures"),
        ("review", 10**6 + 1, "more-than-a-megabyte-beside-the-pictures"),
    ):
        padded = demo_media.padded(plain, beside - (len(plain) - 800_000))
        yield flagged(f"scale-{verdict}-{what}", {"a.mov": padded}, 800_000, duplicates="pass")


def _video_resolution() -> Iterator[Case]:
    def one(name: str, movie: Callable[[], bytes], height: str, hd: str, boxed: str) -> Case:
        meets = int(name.startswith("pass-"))
        readings = {
            reading: (said, int(said == "pass"))
            for reading, said in (("height", height), ("hd", hd), ("letterboxed", boxed))
        }
        return _case("video", f"resolution-{name}", {"a.mp4": movie()}, {"resolution": (meets, 1), "duplicates": (0, 1)},
                     readings={"resolution": readings}, scale="fail", duplicates="pass")  # fmt: skip

    yield one("pass-720p", _movie, "pass", "pass", "pass")
    yield one("fail-719p", lambda: _movie(1280, 719), "fail", "fail", "pass")
    yield one("pass-four-to-three", lambda: _movie(960, 720), "pass", "fail", "pass")
    yield one("pass-turned-by-its-matrix", lambda: _movie(rotation=90), "pass", "pass", "pass")
    yield one("fail-turned-by-its-matrix", lambda: _movie(1280, 600, rotation=90), "pass", "fail", "pass")
    yield one("pass-wide-pixels", lambda: _movie(960, 720, aspect=Fraction(4, 3)), "pass", "pass", "pass")
    yield one("fail-narrow-pixels", lambda: _movie(aspect=Fraction(1, 2)), "pass", "fail", "fail")
    yield one("pass-bars-inside", lambda: _movie(bar_px=88), "pass", "pass", "pass")
    yield one("fail-bars-cut-off", lambda: _movie(1280, 544), "fail", "fail", "pass")
    both = {"a.mov": _clip(800_000), "b.mp4": _movie(854, 480)}
    yield _case("video", "resolution-fail-half-at-floor", both, {"resolution": (1, 2), "duplicates": (0, 2)},
                readings={"resolution": {"most": ("pass", 1), "part-alone": ("pass", 800_000)},
                          "scale": {"at-floor": ("pass", 800_000)}})  # fmt: skip
    unknown = demo_media.recoded(_movie(64, 48))
    yield _case("video", "resolution-fail-unknown-codec-could-not-change-it",
                {"a.mp4": _movie(854, 480), "b.mp4": unknown},
                {"resolution": (0, 1)}, scale="fail", duplicates="indeterminate", recency="indeterminate")  # fmt: skip
    yield _case("video", "resolution-indeterminate-all-defective", _cut({"b.mp4": _movie()}), {"scale": 0},
                scale="fail", duplicates="indeterminate", recency="indeterminate", registration="review", updates="review")  # fmt: skip


def _video_duplicates() -> Iterator[Case]:
    clips = {f"{n:02d}.mov": _clip(45_000, n) for n in range(20)}
    for name, count in (("duplicates-review-at-five-percent", 20), ("duplicates-fail-one-of-nineteen", 19)):
        files = {**dict(list(clips.items())[: count - 1]), "copy.mov": clips["00.mov"]}
        yield _case("video", name, files, {"duplicates": (1, count), "scale": 45_000 * count},
                    readings={"scale": {"after-duplicates": ("pass", 45_000 * (count - 1))}})  # fmt: skip
    plain = _clip(800_000)
    other = _clip(800_000, day="2026-02-01T12:00:00Z")
    same = {
        "a.mov": plain,
        "b.mp4": demo_media.padded(plain, 1000),
        "c.mov": other,
        "d.mkv": _clip(800_000, form="matroska"),
        "e.avi": _clip(800_000, form="avi"),
    }
    yield _case("video", "duplicates-fail-same-pictures-in-other-bytes", same, {"duplicates": (4, 5), "scale": 4_000_000},
                readings={"duplicates": {"exact": ("fail", 4)}, "scale": {"after-duplicates": ("pass", 800_000)}})  # fmt: skip
    # Videos in which there is something to see: one is another's copy, larger and coded again.
    seen_ = {f"{n}.mp4": demo_media.movie(n, 1280, 720, day=f"{NEW}T12:00:00Z") for n in range(2)}
    yield _case("video", "duplicates-pass-different-videos", seen_, {"duplicates": (0, 2)}, scale="fail")
    again = {"x.mp4": _coded_again(seen_["0.mp4"])}
    yield _case("video", "duplicates-review-seen-alone", seen_ | again, {"duplicates": (1, 3)},
                readings={"duplicates": {"exact": ("pass", 0)}}, scale="fail")  # fmt: skip
    unknown = demo_media.recoded(_movie(64, 48))
    yield _case("video", "duplicates-fail-unread-could-not-change-it",
                {"a.mov": plain, "b.mov": plain, "c.mp4": unknown}, {"duplicates": (1, 2)},
                resolution="indeterminate")  # fmt: skip


def _coded_again(movie: bytes) -> bytes:
    """A video at 1600 × 900 in MPEG-4 part 2, with other key pictures; it keeps its date."""
    sink = io.BytesIO()
    source: Any = av.open(io.BytesIO(movie))
    with source, av.open(sink, "w", format="mp4") as container:
        container.metadata["creation_time"] = source.metadata["creation_time"]
        stream: Any = container.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 1600, 900, "yuv420p", 7
        for frame in source.decode(video=0):
            container.mux(stream.encode(frame.reformat(1600, 900, "yuv420p")))
        container.mux(stream.encode(None))
    return sink.getvalue()


def _video_dates() -> Iterator[Case]:
    old = f"{OLD}T12:00:00Z"
    for size, verdict, what in (
        (400_000, "pass", "half-of-the-video"),
        (399_999, "fail", "video-one-byte-less"),
    ):
        files = {"a.mov": _clip(size), "b.mov": _clip(800_000 - size, 1, old)}
        yield _case("video", f"recency-{verdict}-{what}", files, {"recency": (size, 800_000)})

    def one(name: str, day: str | None, file: str = "a.mov", sidecar: str = "") -> Case:
        files = {file: _clip(800_000, day=day)}
        if sidecar:
            files["metadata.csv"] = f"file_name,date\n{file},{sidecar}\n".encode()
        return _case("video", f"recency-{name}", files, {"recency": (800_000 * name.startswith("pass"), 800_000)},
                     duplicates="pass", updates="review" if not name.startswith("pass") or "first-day" in name else "attested")  # fmt: skip

    yield one("pass-container-on-the-first-day-in-shanghai", "2021-06-29T16:00:00Z")
    yield one("fail-container-a-second-before-it-in-shanghai", "2021-06-29T15:59:59Z")
    yield one("fail-container-outweighs-name", old, f"{NEW}.mov")
    yield one("pass-sidecar-outweighs-container", old, sidecar=NEW)
    yield one("review-video-without-any-date", None)
    yield one(
        "review-container-after-the-reference-date-is-not-mended-by-the-name",
        "2035-01-01T00:00:00Z",
        f"{NEW}.mov",
    )
