"""Images of every format: what is measured, and what is found of damage."""

import contextlib
import io
import random
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from dqv.connectors.containers.model import Watched
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure import image, image_structure
from dqv.measure.media import Media

WIDTH_PX, HEIGHT_PX, FRAMES = 48, 32, 3


def measured(data: bytes, *, full: bool = True, limits: Limits | None = None) -> Media:
    return image.measure(io.BytesIO(data), len(data), limits or Limits(), lambda: None, full=full)


def refused(data: bytes, *, full: bool = True, limits: Limits | None = None) -> ItemError:
    with pytest.raises(ItemError) as caught:
        measured(data, full=full, limits=limits)
    return caught.value


def picture(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX, seed: int = 0) -> Image.Image:
    noise = random.Random(seed).randbytes(width_px * height_px * 3)
    coarse = Image.frombytes("RGB", (width_px, height_px), noise)
    return coarse.resize((8, 8)).resize((width_px, height_px), Image.Resampling.BICUBIC)


def coded(source: Image.Image, codec: str, *more: Image.Image, **options: object) -> bytes:
    image._register()
    out = io.BytesIO()
    if more:
        options |= {"save_all": True, "append_images": [each.copy() for each in more]}
    source.copy().save(out, codec, **options)  # a copy, for saving leaves its settings on a picture
    return out.getvalue()


@cache
def samples() -> dict[str, bytes]:
    one, more = picture(), [picture(seed=seed) for seed in range(1, FRAMES)]
    see_through = one.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(one.size))
    return {
        "jpeg": coded(one, "JPEG"),
        "jpeg-progressive": coded(one, "JPEG", progressive=True),
        "jpeg-restart": coded(one, "JPEG", restart_marker_rows=1),
        "jpeg-411": coded(one, "JPEG", subsampling="4:1:1"),
        "jpeg-rgb": coded(one, "JPEG", keep_rgb=True),
        "jpeg-grey": coded(one.convert("L"), "JPEG"),
        "jpeg-cmyk": coded(one.convert("CMYK"), "JPEG"),
        "jpeg-mpo": coded(one, "MPO", *more),
        "png": coded(one, "PNG"),
        "png-animated": coded(one, "PNG", *more),
        "png-16": coded(Image.new("I;16", one.size, 500), "PNG"),
        "webp": coded(one, "WEBP"),
        "webp-lossless": coded(one, "WEBP", lossless=True),
        "webp-alpha": coded(see_through, "WEBP"),
        "webp-lossless-alpha": coded(see_through, "WEBP", lossless=True),
        "webp-animated": coded(one, "WEBP", *more),
        "tiff": coded(one, "TIFF"),
        "tiff-lzw": coded(one, "TIFF", compression="tiff_lzw"),
        "tiff-deflate": coded(one, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-jpeg": coded(one, "TIFF", compression="jpeg"),
        "tiff-fax": coded(one.convert("1"), "TIFF", compression="group4"),
        "tiff-big": coded(one, "TIFF", big_tiff=True),
        "tiff-pages": coded(one, "TIFF", *more),
        "tiff-float": coded(one.convert("F"), "TIFF"),
        "bmp": coded(one, "BMP"),
        "bmp-dib": coded(one, "DIB"),
        "bmp-palette": coded(one.convert("P"), "BMP"),
        "gif": coded(one, "GIF"),
        "gif-animated": coded(one, "GIF", *more),
        "heif": coded(one, "HEIF"),
        "heif-alpha": coded(see_through, "HEIF"),
        "heif-several": coded(one, "HEIF", *more),
        "avif": coded(one, "AVIF"),
        "avif-alpha": coded(see_through, "AVIF"),
        "avif-animated": coded(one, "AVIF", *more),
    }


NAMES = tuple(samples())
STILL = ("jpeg", "png", "webp", "tiff", "bmp", "gif", "heif", "avif")
WITH_EXIF = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "heif": "HEIF", "avif": "AVIF"}


def exif(orientation: int | None = None, **dates: str) -> bytes:
    """Of tags `t306=…` in the first directory and `t36867=…` in the inner one."""
    tags = Image.Exif()
    if orientation is not None:
        tags[274] = orientation
    for name, value in dates.items():
        tag = int(name[1:])
        (tags if tag == 306 else tags.get_ifd(34665))[tag] = value
    return tags.tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.fixture(autouse=True)
def nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """What libtiff writes to the standard error stream quotes the data."""
    yield
    assert capfd.readouterr().err == ""


# --- what is measured ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_format_is_told_by_content_and_the_header_alone_says_the_same(name: str) -> None:
    data = samples()[name]
    full, header = measured(data), measured(data, full=False)
    assert full.modality == header.modality == "image"
    assert full.codec == header.codec == name.partition("-")[0]
    assert (full.width_px, full.height_px) == (header.width_px, header.height_px) == (WIDTH_PX, HEIGHT_PX)
    with Image.open(io.BytesIO(data)) as opened:
        assert full.mode == header.mode == opened.mode
    several = name.endswith(("animated", "pages", "several"))
    assert full.frames == (FRAMES if several else 1)
    assert header.frames == (None if full.codec == "gif" else full.frames)
    assert full.decoded
    assert not header.decoded
    assert header.payload_bytes == len(data)
    assert header.xxh3_128 is None
    assert header.normalised is None
    assert full.xxh3_128 is not None
    assert len(full.xxh3_128) == 16
    assert full.normalised is not None
    assert len(full.normalised) == 16
    assert full.flags == header.flags == ()


@pytest.mark.parametrize("codec", STILL)
def test_header_mode_reads_a_small_part(codec: str) -> None:
    noise = Image.frombytes("RGB", (512, 512), random.Random(1).randbytes(512 * 512 * 3))
    data = coded(noise, WITH_EXIF.get(codec, codec.upper()))

    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            block = super().read(size)
            self.count += len(block)
            return block

    file = Counting(data)
    image.measure(file, len(data), Limits(), lambda: None, full=False)
    assert file.count <= 3 * image_structure.HEADER_BLOCK_BYTES < len(data)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("codec", WITH_EXIF)
def test_size_is_that_of_the_picture_upright(codec: str, orientation: int, full: bool) -> None:
    data = coded(picture(), WITH_EXIF[codec], exif=exif(orientation))
    found = measured(data, full=full)
    with Image.open(io.BytesIO(data)) as opened:
        assert (found.width_px, found.height_px) == ImageOps.exif_transpose(opened).size
    assert (found.width_px == HEIGHT_PX) == (orientation >= 5)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("codec", WITH_EXIF)
@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ({}, None),
        ({"t36867": "2021:03:04 23:30:00"}, date(2021, 3, 4)),
        ({"t36867": "2021:03:04 23:30:00", "t36881": "+00:00"}, date(2021, 3, 5)),
        ({"t36867": "2021:03:04 23:30:00", "t36881": "+0000"}, date(2021, 3, 5)),
        ({"t36867": "2021:03:04 24:00:00"}, date(2021, 3, 4)),
        ({"t36867": "2021:03:04 23:59:60", "t36881": "+00:00"}, date(2021, 3, 4)),
        ({"t36867": "2021:03:04 02:30:00", "t36881": "+09:00"}, date(2021, 3, 4)),
        ({"t36867": "2021:03:04 00:30:00", "t36881": "+09:00"}, date(2021, 3, 3)),
        ({"t36868": "2020:01:02 03:04:05", "t306": "2022:01:02 03:04:05"}, date(2020, 1, 2)),
        ({"t306": "2022:01:02 03:04:05"}, date(2022, 1, 2)),
        ({"t36867": "2021:03:04 23:30:00", "t36882": "-12:00"}, date(2021, 3, 4)),  # of the other date
        ({"t36867": "2021:03:04 23:30:00", "t36881": "   :  "}, date(2021, 3, 4)),
        ({"t36867": "2021:03:04"}, date(2021, 3, 4)),
        ({"t36867": "    :  :     :  :  ", "t306": "2022:01:02 03:04:05"}, date(2022, 1, 2)),
        ({"t36867": " ", "t36868": "    :  :     :  :  "}, None),
        ({"t36867": "0000:00:00 00:00:00", "t306": "2022:01:02 03:04:05"}, date(2022, 1, 2)),
        ({"t36867": "2021:3:4 1:30:00", "t36881": "+09:00"}, date(2021, 3, 4)),
        ({"t36867": "2021:3:4"}, date(2021, 3, 4)),
    ],
)
def test_first_date_that_says_something_counts(
    codec: str, dates: dict[str, str], day: date | None, full: bool
) -> None:
    found = measured(coded(picture(), WITH_EXIF[codec], exif=exif(1, **dates)), full=full)
    assert (found.day, found.day_refused) == (day, False)


@pytest.mark.parametrize(
    "written",
    [
        "0000:01:01 00:00:00",
        "1969:12:31 12:00:00",
        "2101:01:01 12:00:00",
        "2021:02:30 12:00:00",
        "2021:13:01 12:00:00",
        "yesterday",
    ],
)
def test_refused_date_is_not_mended_by_a_weaker_one(written: str) -> None:
    data = coded(picture(), "JPEG", exif=exif(1, t36867=written, t306="2022:01:02 03:04:05"))
    for full in (True, False):
        found = measured(data, full=full)
        assert (found.day, found.day_refused) == (None, True)


def placed(latitude: tuple[float, ...] | None, longitude: tuple[float, ...] | None) -> bytes:
    """An EXIF block with a place, and what stands there without one."""
    tags = Image.Exif()
    gps = tags.get_ifd(34853)
    gps[1], gps[3] = "N", "E"
    for tag, angle in ((2, latitude), (4, longitude)):
        if angle is not None:
            gps[tag] = angle
    return tags.tobytes()


@pytest.mark.parametrize("codec", WITH_EXIF)
@pytest.mark.parametrize(
    ("latitude", "longitude", "located"),
    [
        ((30.0, 45.0, 12.5), (120.0, 45.0, 0.0), True),
        ((0.0, 0.0, 0.0), (120.0, 45.0, 0.0), True),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), False),  # unset
        (None, (120.0, 45.0, 0.0), False),
        ((30.0, 45.0, 12.5), None, False),
        ((30.0, 45.0), (120.0, 45.0), False),
    ],
)
def test_a_place_is_latitude_and_longitude(
    codec: str, latitude: tuple[float, ...] | None, longitude: tuple[float, ...] | None, located: bool
) -> None:
    data = coded(picture(), WITH_EXIF[codec], exif=placed(latitude, longitude))
    for full in (True, False):
        assert measured(data, full=full).located is located


def test_a_picture_without_exif_has_no_place() -> None:
    assert measured(coded(picture(), "JPEG")).located is False


@pytest.mark.parametrize("codec", WITH_EXIF)
def test_what_people_wrote_into_exif_is_kept(codec: str) -> None:
    tags = Image.Exif()
    tags[0x010E], tags[0x013B], tags[0x9C9D] = (
        "tel 13812345678",
        "wang.wu@corp.cn",
        "张三".encode("utf-16-le") + b"\0\0",
    )
    tags.get_ifd(34665)[0x9286] = b"ASCII\0\0\0call 13912345678"
    data = coded(picture(), WITH_EXIF[codec], exif=tags.tobytes())
    for full in (True, False):
        assert dict(measured(data, full=full).texts) == {
            "ImageDescription": "tel 13812345678", "Artist": "wang.wu@corp.cn", "XPAuthor": "张三", "UserComment": "call 13912345678",
        }  # fmt: skip


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_a_comment_of_exif_may_be_unicode_in_either_order(order: str) -> None:
    tags = Image.Exif()
    tags.get_ifd(34665)[0x9286] = b"UNICODE\0" + "电话 13912345678".encode(order)
    found = measured(coded(picture(), "JPEG", exif=tags.tobytes()))
    assert found.texts == (("UserComment", "电话 13912345678"),)


def test_long_texts_of_exif_are_cut() -> None:
    tags = Image.Exif()
    tags[0x010E], tags[0x013B] = "a" * 60_000, ""
    found = measured(coded(picture(), "JPEG", exif=tags.tobytes()))
    assert found.texts == (("ImageDescription", "a" * 1000),)


def test_texts_of_a_png_are_kept() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "a@b.cn")
    text.add_itxt("Comment", "电话")
    text.add_text("Software", "c@d.cn")
    assert measured(coded(picture(), "PNG", pnginfo=text)).texts == (
        ("author", "a@b.cn"),
        ("comment", "电话"),
    )


def test_unset_clock_alone_is_refused() -> None:
    for full in (True, False):
        found = measured(coded(picture(), "JPEG", exif=exif(1, t36867="0000:00:00 00:00:00")), full=full)
        assert (found.day, found.day_refused) == (None, True)


def test_date_after_today_stands_for_others_to_judge() -> None:
    found = measured(coded(picture(), "JPEG", exif=exif(1, t36867="2099:01:01 00:00:00")))
    assert (found.day, found.day_refused) == (date(2099, 1, 1), False)


def test_png_text_says_when_but_its_time_of_change_does_not() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Creation Time", "2021-03-04T23:30:00+00:00")
    text.add(b"tIME", struct.pack(">HBBBBB", 2005, 6, 7, 8, 9, 10))
    assert measured(coded(picture(), "PNG", pnginfo=text)).day == date(2021, 3, 5)
    with_exif = coded(picture(), "PNG", pnginfo=text, exif=exif(1, t306="2020:01:01 00:00:00"))
    assert measured(with_exif).day == date(2020, 1, 1)
    text = PngImagePlugin.PngInfo()
    text.add_text("exif", "no block of bytes")
    assert measured(coded(picture(), "PNG", pnginfo=text)).day is None


@pytest.mark.parametrize("written", ["2021:03:04 10:00:00", "Thu Mar  4 10:00:00 2021", "2021-03-03 24:00"])
def test_png_text_is_read_in_every_usual_way_of_writing(written: str) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Creation Time", written)
    assert measured(coded(picture(), "PNG", pnginfo=text)).day == date(2021, 3, 4)


def test_long_compressed_text_and_profile_of_a_png_are_read_and_bounded() -> None:
    png = samples()["png"]
    for name, head in ((b"zTXt", b"x\0\0"), (b"iCCP", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0")):
        for size, fits in ((3_000_000, True), (70_000_000, False)):
            data = png[:33] + chunk(name, head + zlib.compress(bytes(size))) + png[33:]
            if fits:
                assert measured(data).normalised == measured(png).normalised
            else:
                assert refused(data).kind == "image"


@pytest.mark.parametrize("order", ["<", ">"])
def test_broken_exif_is_no_date_and_no_error(order: str) -> None:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    loop = mark + struct.pack(order + "I", 8) + struct.pack(order + "HHHII", 1, 34665, 4, 1, 8)
    far = mark + struct.pack(order + "I", 8) + struct.pack(order + "HHHII", 1, 36867, 2, 20, 2**32 - 1)
    many = mark + struct.pack(order + "I", 8) + b"\xff\xff"
    for block in (b"", mark, mark + b"\xff" * 4, loop, far, many, b"nonsense" * 8):
        body = b"Exif\0\0" + block
        data = samples()["jpeg"]
        segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        found = measured(data[:2] + segment + data[2:])
        assert (found.day, found.day_refused, found.width_px) == (None, False, WIDTH_PX)


# --- payload and hashes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith("tiff") and name != "bmp-dib"]
)
def test_what_stands_behind_adds_nothing_and_is_no_question(name: str) -> None:
    data = samples()[name]
    clean = measured(data)
    for behind in (b"behind it " * 10, random.Random(0).randbytes(2_000_000)):
        assert measured(data + behind) == clean
    assert clean.payload_bytes == len(data) or name == "jpeg-mpo"


def stuffed(sample: str, where: str, junk: bytes) -> bytes:
    """A sample with other bytes among its own."""
    data, name = samples()[sample], f"{sample.partition('-')[0]} {where}"
    segment = b"\xff\xec\xff\xff" + bytes(65533)
    at_end = data.index(b"IEND") - 4 if data.startswith(b"\x89PNG") else len(data) - 2
    riff = data[12:]
    match name:
        case "jpeg metadata":
            return data[:2] + segment * (len(junk) // len(segment)) + data[2:]
        case "jpeg fill":
            return data[:2] + b"\xff" * len(junk) + data[2:]
        case "jpeg fill-behind-scan":
            return data[:at_end] + b"\xff" * len(junk) + data[at_end:]
        case "jpeg restarts-behind-scan":
            return data[:at_end] + b"\xff\xd0" * (len(junk) // 2) + data[at_end:]
        case "jpeg tables":
            place = data.index(b"\xff\xdb")
            return data[:place] + data[place : place + 69] * (len(junk) // 69) + data[place:]
        case "png chunk":
            return data[:33] + chunk(b"prVt", junk) + data[33:]
        case "png palettes":
            return data[:33] + chunk(b"PLTE", junk[:768]) * (len(junk) // 768) + data[33:]
        case "png behind-stream":
            return data[:at_end] + chunk(b"IDAT", junk) + data[at_end:]
        case "webp JUNK" | "webp ALPH":
            size = struct.pack("<II", WIDTH_PX - 1, HEIGHT_PX - 1)
            riff = b"VP8X" + struct.pack("<II", 10, 0) + size[:3] + size[4:7] + riff
            riff += where.ljust(4).encode() + struct.pack("<I", len(junk)) + junk
        case "webp in-frame":
            place = riff.rindex(b"ANMF")
            riff = (
                riff[:place] + b"ANMF" + struct.pack("<I", len(riff) - place + len(junk)) + riff[place + 8 :]
            )
            riff += b"JUNK" + struct.pack("<I", len(junk)) + junk
        case "gif comment" | "gif behind-codes":
            blocks = b"".join(b"\xff" + junk[at : at + 255] for at in range(0, len(junk) // 255 * 255, 255))
            before = data[:-1] + b"\x21\xfe" if where == "comment" else data[:-2]
            return before + blocks + b"\0;"
        case "bmp gap":
            sizes = struct.pack("<I4xI", len(data) + len(junk), 54 + len(junk))
            return data[:2] + sizes + data[14:54] + junk + data[54:]
        case "heif box" | "avif box":
            return data + struct.pack(">I", len(junk) + 8) + b"mdat" + junk
        case _:
            raise ValueError(name)
    return b"RIFF" + struct.pack("<I", len(riff) + 4) + b"WEBP" + riff


@pytest.mark.parametrize(
    "name",
    [
        "jpeg metadata", "jpeg fill", "jpeg fill-behind-scan", "jpeg-restart restarts-behind-scan", "jpeg tables",
        "jpeg-progressive fill", "png chunk", "png palettes", "png behind-stream",
        "png-animated behind-stream", "webp JUNK", "webp ALPH",
        "webp-animated in-frame", "gif comment", "gif behind-codes", "bmp gap", "heif box", "avif box",
    ],
)  # fmt: skip
def test_what_stands_beside_the_picture_is_no_payload_and_flagged_when_much(name: str) -> None:
    sample, where = name.split()
    kind = sample.partition("-")[0]
    clean = measured(samples()[sample])
    few, much = (
        measured(stuffed(sample, where, random.Random(0).randbytes(size))) for size in (8_000, 200_000)
    )
    assert (few.flags, much.flags) == ((), ("padding",))
    assert much.normalised == clean.normalised or where == "tables"  # which could be others
    spare = {"gif": 8_000, "jpeg": 3_000, "png": 1_000}.get(kind, 100)  # what a picture could need
    assert much.payload_bytes <= clean.payload_bytes + spare


def test_data_hidden_in_the_coded_picture_is_flagged_and_noise_is_not() -> None:
    webp = samples()["webp"]
    riff = b"WEBPVP8 " + struct.pack("<I", len(webp) - 20 + 1_100_000) + webp[20:] + bytes(1_100_000)
    assert measured(b"RIFF" + struct.pack("<I", len(riff)) + riff).flags == ("padding",)
    noise = Image.frombytes("RGB", (1000, 1000), random.Random(0).randbytes(3_000_000))
    for codec, options in (("PNG", {}), ("JPEG", {"quality": 100, "subsampling": 0}), ("BMP", {})):
        assert measured(coded(noise, codec, **options)).flags == ()


def test_copy_with_other_exif_is_the_same_picture_and_other_bytes() -> None:
    for codec, options in (("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        one = measured(coded(picture(), codec, exif=exif(1, t306="2020:01:01 00:00:00"), **options))
        other = measured(coded(picture(), codec, exif=exif(1, t36867="2021:01:01 00:00:00"), **options))
        assert one.normalised == other.normalised
        assert one.xxh3_128 != other.xxh3_128


def test_segment_that_changes_the_colours_is_part_of_the_picture() -> None:
    cmyk = samples()["jpeg-cmyk"]
    place = cmyk.index(b"Adobe") + 11
    turned = cmyk[:place] + b"\2" + cmyk[place + 1 :]
    assert measured(turned).normalised != measured(cmyk).normalised


def test_same_pixels_are_the_same_picture_in_any_lossless_coding() -> None:
    palette = picture().quantize(200)
    forms = [
        coded(palette, "PNG"),
        coded(palette.convert("RGB"), "PNG"),
        coded(palette.convert("RGBA"), "PNG", compress_level=0),
        coded(palette, "GIF"),
        coded(palette.convert("RGB"), "BMP"),
        coded(palette.convert("RGB"), "TIFF", compression="tiff_lzw"),
        coded(palette.convert("RGB"), "WEBP", lossless=True),
    ]
    assert len({measured(form).normalised for form in forms}) == 1
    assert measured(forms[0]).normalised != measured(coded(picture(seed=9), "PNG")).normalised


def test_pixels_are_hashed_alike_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: measured(samples()[name]).normalised for name in ("png", "gif", "png-16")}
    monkeypatch.setattr(image, "_BAND_PIXELS", WIDTH_PX * 5)
    assert whole == {name: measured(samples()[name]).normalised for name in whole}


def test_frames_count_for_sameness() -> None:
    assert measured(samples()["png-animated"]).normalised != measured(samples()["png"]).normalised


# --- damage ----------------------------------------------------------------------------------------------------

PADDED_AT_THE_END = {"tiff-pages"}
"""Their writer fills up to a multiple of 16 bytes, which nothing refers to."""


@pytest.mark.parametrize("name", [name for name in NAMES if name != "jpeg-mpo"])
def test_truncated_anywhere_is_defective(name: str) -> None:
    data = samples()[name]
    cuts = {len(data) * share // 100 for share in (1, 10, 25, 50, 75, 90, 99)} | {len(data) - 1}
    for cut in sorted(cuts - {0, len(data) - 1 if name in PADDED_AT_THE_END else 0}):
        error = refused(data[:cut])
        assert error.status == "defective", (name, cut)
        assert error.kind == "truncated" or cut < 32 or name == "bmp-dib", (name, cut, error)


def test_of_an_mpo_the_first_picture_counts() -> None:
    data = samples()["jpeg-mpo"]
    first = measured(data).payload_bytes
    assert first < len(data)
    assert measured(data[:first]).normalised == measured(data).normalised
    assert refused(data[: first - 1]).kind == "truncated"


def test_progressive_jpeg_cut_between_scans_is_truncated() -> None:
    data = samples()["jpeg-progressive"]
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    assert len(scans) > 3
    for place in scans[1:]:
        assert refused(data[:place] + b"\xff\xd9").kind == "truncated"
    noise = Image.frombytes("RGB", (64, 64), random.Random(0).randbytes(64 * 64 * 3))
    for mode in ("L", "RGB", "CMYK"):
        for quality in (1, 50, 100):
            assert measured(coded(noise.convert(mode), "JPEG", progressive=True, quality=quality)).decoded
            assert measured(coded(Image.new(mode, (64, 64)), "JPEG", progressive=True)).decoded


def tiff_with(tags: dict[int, tuple[int, ...]], body: bytes) -> bytes:
    """One page of 48 × 32 grey pixels whose strips begin at byte 8, with other tags."""
    tags = {256: (WIDTH_PX,), 257: (HEIGHT_PX,), 258: (8,), 259: (1,), 262: (1,), 277: (1,)} | tags
    start = 8 + len(body)
    far = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, each in sorted(tags.items()):
        packed = struct.pack(f"<{len(each)}I", *each)
        where = packed if len(each) == 1 else struct.pack("<I", far + len(values))
        entries += struct.pack("<HHI", tag, 4, len(each)) + where
        values += packed if len(each) > 1 else b""
    return (
        b"II*\0"
        + struct.pack("<I", start)
        + body
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
        + values
    )


ROWS = random.Random(0).randbytes(WIDTH_PX * HEIGHT_PX)


def test_tiff_has_the_strips_that_its_height_needs() -> None:
    half = len(ROWS) // 2
    two = {278: (16,), 273: (8, 8 + half), 279: (half, half)}
    assert measured(tiff_with(two, ROWS)).decoded
    assert refused(tiff_with(two | {273: (8,), 279: (half,)}, ROWS)).kind == "truncated"
    assert refused(tiff_with(two | {273: (8, 8)}, ROWS)).kind == "image"
    assert refused(tiff_with({278: (32,), 273: (8,), 279: (half,)}, b"")).kind == "truncated"


def test_what_no_pixel_of_a_tiff_needs_is_no_payload() -> None:
    size, junk = len(ROWS), random.Random(1).randbytes(100_000)
    unused = tiff_with({278: (32,), 273: (8, 8 + size), 279: (size, len(junk))}, ROWS + junk)
    packed = zlib.compress(ROWS)
    behind = tiff_with({259: (8,), 278: (32,), 273: (8,), 279: (len(packed) + len(junk),)}, packed + junk)
    for data, payload in ((unused, size), (behind, len(packed))):
        found = measured(data)
        assert (found.payload_bytes, found.flags) == (payload, ("padding",))


def test_canvas_larger_than_its_frames_is_no_size() -> None:
    for full in (True, False):
        found = measured(gif_of(500, 400), full=full)
        assert (found.width_px, found.height_px) == (WIDTH_PX, HEIGHT_PX)
    data = samples()["webp-animated"]
    place = data.index(b"VP8X") + 12
    large = data[:place] + (499).to_bytes(3, "little") + (399).to_bytes(3, "little") + data[place + 6 :]
    for full in (True, False):
        found = measured(large, full=full)
        assert (found.width_px, found.height_px) == (WIDTH_PX, HEIGHT_PX)


def test_bmp_whose_pixels_are_all_there_is_whole_whatever_its_size_field_says() -> None:
    data = samples()["bmp"]
    for claimed in (0, len(data) - 2, len(data) + 2):
        found = measured(data[:2] + struct.pack("<I", claimed) + data[6:])
        assert found.payload_bytes == len(data)


def test_png_without_its_end_is_truncated() -> None:
    assert refused(samples()["png"][:-12]).kind == "truncated"


def flipped(data: bytes, seed: int) -> bytes:
    chosen = random.Random(seed)
    place, bit = chosen.randrange(len(data)), chosen.randrange(8)
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


FOUND = {"png": 1.0, "png-animated": 1.0, "png-16": 1.0, "tiff-deflate": 0.9, "tiff-fax": 0.3}
FOUND |= {"jpeg": 0.02, "jpeg-progressive": 0.05}
"""The least share of flipped bits that is found, all bytes of the object alike: only checksums make it sure."""


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bit_is_found_or_gives_another_picture_and_never_breaks_out(name: str) -> None:
    data, found, flips = samples()[name], 0, 40
    clean = measured(data)
    for seed in range(flips):
        try:
            once, again = (measured(flipped(data, seed)) for _ in range(2))
        except ItemError:
            found += 1
            continue
        assert once == again
        assert once.xxh3_128 != clean.xxh3_128 or name == "jpeg-mpo"
        if once.normalised == clean.normalised:  # only metadata was hit
            assert (once.mode, once.frames) == (clean.mode, clean.frames)
            assert {once.width_px, once.height_px} == {clean.width_px, clean.height_px}
    assert found >= FOUND.get(name, 0) * flips


def test_no_flipped_bit_of_a_png_is_missed() -> None:
    data = coded(picture(9, 7), "PNG")
    for place in range(len(data)):
        for bit in range(8):
            refused(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])


@pytest.mark.parametrize(
    "codec", ["jpeg", "jpeg-progressive", "jpeg-restart", "jpeg-411", "jpeg-cmyk", "jpeg-grey"]
)
def test_small_scale_finds_the_damage_that_full_decoding_finds(codec: str) -> None:
    import simplejpeg

    data = samples()[codec]
    start = data.index(b"\xff\xda") + 14
    colours = {"jpeg-cmyk": "CMYK", "jpeg-grey": "GRAY"}.get(codec, "RGB")
    for seed in range(150):
        damaged = data[:start] + flipped(data[start:], seed)
        try:
            simplejpeg.decode_jpeg(damaged, colours, strict=True)
        except ValueError:
            refused(damaged)


# --- bombs and limits ------------------------------------------------------------------------------------------


def jpeg_of(width_px: int, height_px: int) -> bytes:
    data = samples()["jpeg"]
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height_px, width_px) + data[place + 4 :]


def png_of(width_px: int, height_px: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def webp_of(width_px: int, height_px: int) -> bytes:
    data = samples()["webp-alpha"]
    place = data.index(b"VP8X") + 12
    size = (width_px - 1).to_bytes(3, "little") + (height_px - 1).to_bytes(3, "little")
    return data[:place] + size + data[place + 6 :]


def tiff_of(width_px: int, height_px: int) -> bytes:
    data = bytearray(samples()["tiff"])
    start = struct.unpack_from("<I", data, 4)[0]
    for place in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        tag = struct.unpack_from("<H", data, place)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", data, place + 2, 4, 1, width_px if tag == 256 else height_px)
    return bytes(data)


def bmp_of(width_px: int, height_px: int) -> bytes:
    data = samples()["bmp"]
    return data[:18] + struct.pack("<ii", width_px, height_px) + data[26:]


def gif_of(width_px: int, height_px: int) -> bytes:
    data = samples()["gif"]
    return data[:6] + struct.pack("<HH", width_px, height_px) + data[10:]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        jpeg_of(65535, 65535),
        jpeg_of(65535, 65535)[:700],
        jpeg_of(15000, 15000),  # between once and twice Pillow's limit
        png_of(40000, 40000),
        png_of(15000, 15000),
        webp_of(16384, 16384),
        tiff_of(40000, 40000),
        tiff_of(15000, 15000),
        bmp_of(40000, 40000),
        gif_of(65535, 65535),
        gif_of(15000, 15000),
    ],
    ids=lambda data: f"{data[:4]!r}{len(data)}",
)
def test_absurd_size_is_a_bomb_before_anything_is_decoded(data: bytes, full: bool) -> None:
    assert refused(data, full=full).kind == "bomb"


@pytest.mark.parametrize("name", NAMES)
def test_limit_of_pixels_counts_all_frames_and_is_inclusive(name: str) -> None:
    data = samples()[name]
    frames = measured(data).frames or 1
    pixels = WIDTH_PX * HEIGHT_PX * frames
    assert measured(data, limits=Limits(image_pixels=pixels + 1)).decoded
    assert measured(data, limits=Limits(image_pixels=pixels)).decoded
    assert refused(data, limits=Limits(image_pixels=pixels - 1)).kind == "bomb"
    if name not in ("gif-animated", "heif-several"):  # where the header does not say
        assert refused(data, full=False, limits=Limits(image_pixels=pixels - 1)).kind == "bomb"


def test_deflated_strips_of_a_tiff_are_bounded() -> None:
    strip = zlib.compress(bytes(30_000_000), 9)
    tags = [(256, 4, 1, 4), (257, 4, 1, 4), (259, 3, 1, 8), (273, 4, 1, 122), (279, 4, 1, len(strip))]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    data = data.ljust(122, b"\0") + strip
    assert refused(data, limits=Limits(image_pixels=1000)).kind == "bomb"


def test_animated_gif_bomb_is_refused_before_decoding() -> None:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", 10000, 10000, 0x80, 0, 0) + bytes(6)
    assert refused(head + frame * 2 + b";").kind == "bomb"
    tiny = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    assert refused(tiny + frame * (image_structure.MAX_FRAMES + 1) + b";").kind == "bomb"
    assert measured(tiny + frame * 50 + b";").frames == 50


def test_endless_directories_segments_and_scans_are_bounded() -> None:
    jpeg = samples()["jpeg"]
    assert refused(jpeg[:2] + b"\xff\xfe\0\2" * image_structure.MAX_SEGMENTS + jpeg[2:]).kind == "bomb"
    scan, end = jpeg.index(b"\xff\xda"), jpeg.index(b"\xff\xd9")
    assert refused(jpeg[:scan] + jpeg[scan:end] * (image_structure.MAX_SCANS + 1) + jpeg[end:]).kind == "bomb"
    pages = b"II*\0" + struct.pack("<I", 8)
    for number in range(image_structure.MAX_FRAMES + 1):
        pages += struct.pack("<HI", 0, 8 + 6 * (number + 1))
    assert refused(pages + bytes(6)).kind == "bomb"


def test_fill_bytes_of_a_jpeg_are_skipped_at_once() -> None:
    jpeg = samples()["jpeg"]
    assert measured(jpeg[:2] + b"\xff" * 3_000_000 + jpeg[2:]).width_px == WIDTH_PX


def test_object_beyond_what_may_be_held_is_too_large() -> None:
    data = samples()["png"]
    assert measured(data, limits=Limits(document_bytes=len(data))).decoded
    assert refused(data, limits=Limits(document_bytes=len(data) - 1)).kind == "too-large"
    assert measured(data, full=False, limits=Limits(document_bytes=len(data) - 1)).width_px == WIDTH_PX


# --- odd input -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", STILL)
def test_one_pixel_is_an_image(codec: str) -> None:
    found = measured(coded(Image.new("RGB", (1, 1), "red"), WITH_EXIF.get(codec, codec.upper())))
    assert (found.width_px, found.height_px, found.codec) == (1, 1, codec)


@pytest.mark.parametrize("full", [True, False])
def test_nothing_is_empty_and_anything_else_no_image(full: bool) -> None:
    assert refused(b"", full=full).kind == "empty"
    assert refused(b"x", full=full).kind == "image"
    assert refused(bytes(100), full=full).kind == "image"
    assert refused(b"\0\0\0\x18ftypmp42" + bytes(100), full=full).kind == "image"


@pytest.mark.parametrize("head", [head for head, _ in image_structure._NO_DECODER], ids=repr)
def test_other_images_are_unsupported(head: bytes) -> None:
    assert refused(head + bytes(100)).kind == "unsupported"


def test_kinds_of_jpeg_without_a_decoder_are_unsupported() -> None:
    data = samples()["jpeg"]
    place = data.index(b"\xff\xc0")
    lossless = data[: place + 1] + b"\xc3" + data[place + 2 :]
    twelve_bits = data[: place + 4] + b"\x0c" + data[place + 5 :]
    for each in (lossless, twelve_bits):
        for full in (True, False):
            assert refused(each, full=full).kind == "unsupported"


def test_details_quote_nothing_of_the_data() -> None:
    secret = b"SECRET-VALUE"
    for data in (b"\x89PNG\r\n\x1a\n" + secret * 9, b"II*\0" + secret * 9, secret, b"GIF89a" + secret * 9):
        for full in (True, False):
            assert "SECRET" not in str(refused(data, full=full))


def test_streams_own_error_is_passed_on_and_the_stream_stays_open() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "no such luck")

    for wrapped in (False, True):
        for full in (True, False):
            for name in STILL:
                inner = Failing(samples()[name])
                file = cast(BinaryIO, Watched(inner, lambda: None)) if wrapped else inner
                with pytest.raises(OSError, match="no such luck"):
                    image.measure(file, len(samples()[name]), Limits(), lambda: None, full=full)
                assert not inner.closed


def test_stream_is_read_from_its_start_wherever_it_stands_and_stays_open(tmp_path: Path) -> None:
    for name in STILL:
        path = tmp_path / "picture.txt"  # a name says nothing
        path.write_bytes(samples()[name])
        with path.open("rb") as file:
            for full in (True, False):
                file.seek(7)
                found = image.measure(file, path.stat().st_size, Limits(), lambda: None, full=full)
                assert found.codec == name
            assert not file.closed


def test_every_frame_is_a_sign_of_life() -> None:
    for name in ("png-animated", "webp-animated", "tiff-pages", "gif-animated", "avif-animated"):
        ticks: list[int] = []
        data = samples()[name]
        image.measure(io.BytesIO(data), len(data), Limits(), lambda seen=ticks: seen.append(1), full=True)  # type: ignore[misc]
        assert len(ticks) >= FRAMES


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_an_item_error(data: bytes) -> None:
    for full in (True, False):
        with pytest.raises(ItemError):
            measured(data, full=full)


@given(st.sampled_from(NAMES), st.data())
def test_mutated_images_end_in_a_measure_or_an_item_error(name: str, drawn: st.DataObject) -> None:
    data = bytearray(samples()[name])
    for _ in range(drawn.draw(st.integers(1, 4))):
        # Headers are where structure can lie; the rest is as good as noise.
        place = drawn.draw(st.integers(0, min(len(data), 600) - 1) | st.integers(0, len(data) - 1))
        data[place : place + drawn.draw(st.integers(0, 4))] = drawn.draw(st.binary(max_size=4))
        if not data:
            return
    for full in (True, False):
        with contextlib.suppress(ItemError):
            assert measured(bytes(data), full=full).modality == "image"
    with contextlib.suppress(ItemError):
        image.thumbnail(io.BytesIO(bytes(data)), Limits(), 16)


# --- thumbnails ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_thumbnail_is_a_small_jpeg_without_metadata(name: str) -> None:
    small = image.thumbnail(io.BytesIO(samples()[name]), Limits(), 24)
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (24, 16)
        assert opened.mode == "RGB"
        assert not opened.getexif()
        assert "comment" not in opened.info


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("codec", WITH_EXIF)
def test_thumbnail_is_upright(codec: str, orientation: int) -> None:
    # Each corner has its own colour; sizes that 4:2:0 codings keep.
    corners = Image.new("RGB", (2, 2))
    corners.putdata([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])
    data = coded(
        corners.resize((128, 64), Image.Resampling.NEAREST), WITH_EXIF[codec], exif=exif(orientation)
    )
    with (
        Image.open(io.BytesIO(image.thumbnail(io.BytesIO(data), Limits(), 64))) as small,
        Image.open(io.BytesIO(data)) as large,
    ):
        upright = ImageOps.exif_transpose(large).convert("RGB").resize(small.size)
        width, height = small.size
        for place in ((4, 4), (width - 5, 4), (4, height - 5), (width - 5, height - 5)):
            pair = zip(
                cast(tuple[int, ...], small.getpixel(place)),
                cast(tuple[int, ...], upright.getpixel(place)),
                strict=True,
            )
            assert all(abs(one - other) < 60 for one, other in pair)


def test_thumbnail_refuses_what_measuring_refuses() -> None:
    for data in (b"", b"x" * 50, png_of(40000, 40000), webp_of(16384, 16384), samples()["png"][:200]):
        with pytest.raises(ItemError):
            image.thumbnail(io.BytesIO(data), Limits(), 64)


# --- real data -------------------------------------------------------------------------------------------------

SOUND = {"broken_exif_dpi.jpg", "truncated_exif_dpi.jpg"}
"""Only their EXIF is broken; the coded pictures are whole, as strict decoding at full size shows too."""


def pillow_loads(path: Path, load: Callable[[Path], None]) -> bool:
    try:
        load(path)
    except Exception:  # noqa: BLE001  whatever Pillow raises
        return False
    return True


def load_all(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as opened:
            opened.load()


@pytest.mark.realdata
def test_bad_images_are_refused(realdata: Path) -> None:
    accepted = set()
    paths = [path for path in sorted((realdata / "bad" / "image").iterdir()) if path.suffix != ".Pillow"]
    assert len(paths) > 30
    for path in paths:
        for full in (True, False):
            try:
                measured(path.read_bytes(), full=full)
                accepted |= {path.name} if full else set()
            except ItemError:
                pass
    assert accepted == SOUND
    assert all(pillow_loads(realdata / "bad" / "image" / name, load_all) for name in accepted)


@pytest.mark.realdata
def test_real_photos_have_the_size_that_pillow_shows(realdata: Path) -> None:
    paths = sorted((realdata / "images_pdq").rglob("*.jpg"))
    assert len(paths) > 20
    for path in paths:
        with Image.open(path) as opened:
            size = ImageOps.exif_transpose(opened).size
        with path.open("rb") as file:
            for full in (True, False):
                found = image.measure(file, path.stat().st_size, Limits(), lambda: None, full=full)
                assert (found.width_px, found.height_px) == size
                assert found.flags == ()


@pytest.mark.realdata
def test_real_photos_cut_short_are_refused(realdata: Path) -> None:
    for path in sorted((realdata / "images_pdq").rglob("*.jpg")):
        data = path.read_bytes()
        for share in (50, 90, 99):
            assert refused(data[: len(data) * share // 100]).kind == "truncated"


@pytest.mark.parametrize("layout", ["float", "bands"])
def test_a_tiff_that_no_decoder_here_knows_is_not_called_broken(layout: str) -> None:
    """Scientific pictures: three bands of 32-bit floats, or five bands of 16 bits."""
    bands, bits, sample = (3, 32, 3) if layout == "float" else (5, 16, 1)
    pixels = bytes(8 * 8 * bands * bits // 8)
    tags = [
        (256, 4, 1, 8), (257, 4, 1, 8), (258, 3, bands, 0), (259, 3, 1, 1), (262, 3, 1, 2 if bands == 3 else 1),
        (273, 4, 1, 0), (277, 3, 1, bands), (278, 4, 1, 8), (279, 4, 1, len(pixels)), (339, 3, bands, 1),
    ]  # fmt: skip
    behind = 8 + 2 + 12 * len(tags) + 4
    bits_at, form_at, at = behind, behind + 2 * bands, behind + 4 * bands
    places = {258: bits_at, 339: form_at, 273: at}
    entries = b"".join(struct.pack("<HHII", tag, kind, n, places.get(tag, v)) for tag, kind, n, v in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    values = struct.pack(f"<{bands}H", *[bits] * bands) + struct.pack(f"<{bands}H", *[sample] * bands)
    assert refused(head + values + pixels).kind == "unsupported"


@pytest.mark.parametrize(("spare", "kind"), [(0, None), (-1, "bomb")])
@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_too_many_blocks_are_a_bomb(
    form: str, spare: int, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They cost time that no limit of bytes or pixels sees."""
    out = io.BytesIO()
    Image.new("P", (64, 64)).save(out, form)
    data = out.getvalue()
    many = 50
    if form == "PNG":
        empty = struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt"))
        blocks = data.count(b"IHDR") + data.count(b"PLTE") + data.count(b"IDAT") + 1 + many
        data = data.replace(data[-12:], empty * many + data[-12:])
    else:
        blocks = many + 1  # and the one with the pixels
        comment = b"\x21\xfe" + b"\x01x" * many + b"\0"
        data = data[:-1] + comment + b";"
    monkeypatch.setattr(image_structure, "MAX_BLOCKS", blocks + spare)
    if kind is None:
        assert measured(data).codec == form.lower()
    else:
        assert refused(data).kind == kind
