"""Images, audio and video through the stages: told by content, hashed, dated, never counted when damaged."""

import hashlib
import io
import re
import tarfile
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import xxhash
from PIL import Image

from dqv import demo_media
from dqv.connectors import layout
from dqv.core.location import as_args, located
from dqv.core.settings import Limits, Measuring
from dqv.core.units import FLICKS_PER_SECOND
from dqv.measure import audio
from dqv.measure import witness as ffmpeg
from dqv.measure.media import Media
from dqv.stages import excerpts, witness
from tests.measure.test_image import SOUND
from tests.stages.calls import ask, beat, measure, pieces, surplus

DAY = date(2024, 5, 6)
RATE = 8000


def jpeg(seed: int = 1, **options: Any) -> bytes:
    return demo_media.image("JPEG", seed, 320, 240, **options)


def wave(seed: int = 1) -> Any:
    return demo_media.tone(seed, RATE, RATE)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def rows(source: Path, out: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Rows by name of the object."""
    items, _, _ = measure(source, out, **options)
    names = [piece["path"] for piece in pieces(source)]
    return {names[row["object"]]: row for row in items}


def test_each_modality_fills_its_columns(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes(jpeg(day=DAY, orientation=6))
    (source / "b.flac").write_bytes(demo_media.sound("FLAC", wave(), RATE, day=DAY))
    (source / "c.mp4").write_bytes(demo_media.movie(1, 320, 180, frames=8, fps=4, day=DAY))
    found = rows(source, tmp_path / "out")
    picture, sound, video = found["a.jpg"], found["b.flac"], found["c.mp4"]
    assert [row["modality"] for row in found.values()] == ["image", "audio", "video"]
    assert {row["status"] for row in found.values()} == {"measured"}
    assert {str(row["date_embedded"]) for row in found.values()} == {"2024-05-06"}
    assert all(row["decoded"] and len(row["xxh3_128"]) == 16 for row in found.values())
    assert sound["xxh3_128"] == xxhash.xxh3_128_digest((source / "b.flac").read_bytes())
    assert all(row["tokens"] is None and row["sketch"] is None for row in found.values())
    assert (picture["width_px"], picture["height_px"], picture["codec"], picture["mode"]) == (
        240,
        320,
        "jpeg",
        "RGB",
    )
    assert picture["bytes_per_megapixel"] == picture["payload_bytes"] * 10**6 // (320 * 240)
    assert (sound["duration_flicks"], sound["sample_rate_hz"], sound["channels"]) == (
        FLICKS_PER_SECOND,
        RATE,
        1,
    )
    assert sound["bytes_per_second"] == sound["payload_bytes"]
    assert (video["width_px"], video["height_px"], video["frames"], video["codec"]) == (320, 180, 8, "h264")
    assert video["duration_flicks"] == 2 * FLICKS_PER_SECOND
    assert video["bytes_per_second"] == video["payload_bytes"] // 2
    assert video["bytes_per_megapixel"] == video["payload_bytes"] * 10**6 // (320 * 180 * 8)


def test_the_content_tells_what_an_object_is(source: Path, tmp_path: Path) -> None:
    """Sound alone in a container of videos is audio; pictures in one of sound are a video; a PNG by the name of JPEG is one."""
    import av

    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave().T), format="fltp", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (source / "a.mp4").write_bytes(sink.getvalue())
    (source / "b.m4a").write_bytes(demo_media.movie(1, 64, 48, frames=4))
    (source / "c.jpg").write_bytes(demo_media.image("PNG", 1, 64, 48))
    found = rows(source, tmp_path / "out")
    assert [row["modality"] for row in found.values()] == ["audio", "video", "image"]
    assert [row["codec"] for row in found.values()] == ["aac", "h264", "png"]


def test_raw_sound_is_read_as_the_registration_declares_it(source: Path, tmp_path: Path) -> None:
    (source / "a.pcm").write_bytes(bytes(range(256)) * 125)  # 32,000 bytes
    declared = {"sample_rate_hz": 8000, "channels": 2, "encoding": "pcm_s16le"}
    assert rows(source, tmp_path / "without")["a.pcm"]["error_kind"] == "unsupported"
    found = rows(source, tmp_path / "with", raw=declared)["a.pcm"]
    assert (found["status"], found["duration_flicks"]) == ("measured", FLICKS_PER_SECOND)


def test_what_is_cut_in_half_is_defective_and_its_neighbours_are_not(source: Path, tmp_path: Path) -> None:
    whole = {
        "jpg": jpeg(), "png": demo_media.image("PNG", 1, 64, 48), "webp": demo_media.image("WEBP", 1, 320, 240),
        "wav": demo_media.sound("WAV", wave(), RATE), "flac": demo_media.sound("FLAC", wave(), RATE),
        "mp3": demo_media.sound("MP3", wave(), RATE), "ogg": demo_media.sound("OGG", wave(), RATE),
        "mp4": demo_media.movie(1, 320, 180, frames=8),
    }  # fmt: skip
    for suffix, content in whole.items():
        (source / f"half.{suffix}").write_bytes(content[: len(content) // 2])
        (source / f"whole.{suffix}").write_bytes(content)
    found = rows(source, tmp_path / "out")
    assert {name for name, row in found.items() if row["status"] == "measured"} == {
        f"whole.{each}" for each in whole
    }
    assert {row["status"] for name, row in found.items() if name.startswith("half")} == {"defective"}
    assert all(row["payload_bytes"] is None for name, row in found.items() if name.startswith("half"))


def test_an_absurd_date_is_refused_and_said(source: Path, tmp_path: Path) -> None:
    (source / "a_20240506.jpg").write_bytes(jpeg(day="0000:00:00 00:00:00"))
    row = rows(source, tmp_path / "out")["a_20240506.jpg"]
    assert (row["date_embedded"], row["embedded_refused"]) == (None, True)
    assert str(row["date_name"]) == "2024-05-06"


@pytest.mark.parametrize(("pixels", "kind"), [(320 * 240, None), (320 * 240 - 1, "bomb")])
def test_an_image_over_the_limit_is_a_bomb(
    source: Path, tmp_path: Path, pixels: int, kind: str | None
) -> None:
    (source / "a.jpg").write_bytes(jpeg())
    row = rows(source, tmp_path / "out", limits=Limits(image_pixels=pixels))["a.jpg"]
    assert row["error_kind"] == kind


def test_identity_reads_headers_alone_and_says_what_was_read(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes(demo_media.image("JPEG", 1, 4000, 3000, day=DAY, orientation=6))
    (source / "b.wav").write_bytes(demo_media.sound("WAV", demo_media.tone(1, RATE * 60, RATE), RATE))
    (source / "c.mp4").write_bytes(demo_media.padded(demo_media.movie(1, 320, 180, frames=8), 2_000_000))
    items, told, _ = measure(source, tmp_path / "out", assurance="identity")
    assert [row["status"] for row in items] == ["measured"] * 3
    assert [(row["width_px"], row["height_px"]) for row in items] == [(3000, 4000), (None, None), (320, 180)]
    assert [row["duration_flicks"] for row in items[1:]] == [60 * FLICKS_PER_SECOND, FLICKS_PER_SECOND]
    for row, each in zip(items, told, strict=True):
        assert (row["decoded"], row["xxh3_128"], each["sha256"]) == (False, None, None)
        assert 0 < each["bytes_read"] < 300_000
        assert 0 < each["requests"] < 20
    assert items[2]["payload_bytes"] < 200_000


def test_full_reads_every_byte_and_counts_it(source: Path, tmp_path: Path) -> None:
    content = jpeg()
    (source / "a.jpg").write_bytes(content)
    _, (told,), _ = measure(source, tmp_path / "out")
    assert told["sha256"] == hashlib.sha256(content).digest()
    assert told["bytes_read"] >= 2 * len(content)  # digest and decoding


@pytest.mark.parametrize(("seconds", "kind"), [(366 * 86_400, None), (366 * 86_400 + 1, "audio")])
def test_nothing_is_longer_than_a_year(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, kind: str | None
) -> None:
    """Broken times must neither add up nor overflow."""
    real = audio.measure

    def long(*args: Any, **options: Any) -> Media:
        return replace(real(*args, **options), duration_flicks=seconds * FLICKS_PER_SECOND)

    monkeypatch.setattr(audio, "measure", long)
    (source / "a.wav").write_bytes(demo_media.sound("WAV", wave(), RATE))
    assert rows(source, tmp_path / "out")["a.wav"]["error_kind"] == kind


def test_poisoned_media_is_one_unread_row(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes(jpeg())
    (source / "b.jpg").write_bytes(jpeg(2))
    items, _, _ = measure(source, tmp_path / "out", poison=[[0, 0, "hang", "h"]])
    assert [(row["status"], row["error_kind"], row["single"]) for row in items] == [
        ("unread", "hang", True),
        ("measured", None, True),
    ]


def decide(source: Path, tmp_path: Path) -> list[tuple[str, str, str]]:
    names = [piece["path"] for piece in pieces(source)]
    return [
        (names[row["object"]], names[row["original_object"]], row["verified"])
        for row in surplus(source, tmp_path / "out")
    ]


def test_equal_media_is_surplus_byte_for_byte_or_once_decoded(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes(jpeg())
    (source / "b.jpg").write_bytes(jpeg())
    (source / "c.jpg").write_bytes(jpeg(day=DAY))  # other EXIF
    (source / "d.jpg").write_bytes(jpeg(2))
    for name, form in (("e.wav", "WAV"), ("f.flac", "FLAC")):
        (source / name).write_bytes(demo_media.sound(form, wave(), RATE))
    movie = demo_media.movie(1, 64, 48, frames=4)
    (source / "g.mp4").write_bytes(movie)
    (source / "h.mp4").write_bytes(demo_media.padded(movie, 1000))
    (source / "i.txt").write_text("the same text in two files")
    (source / "j.txt").write_text("the same text in two files")
    assert decide(source, tmp_path) == [
        ("b.jpg", "a.jpg", "payload"),
        ("c.jpg", "a.jpg", "content"),
        ("f.flac", "e.wav", "content"),
        ("h.mp4", "g.mp4", "payload"),
        ("j.txt", "i.txt", "payload"),
    ]


def test_no_row_is_there_twice(source: Path, tmp_path: Path) -> None:
    for number in range(4):
        (source / f"{number}.jpg").write_bytes(jpeg())
    assert decide(source, tmp_path) == [(f"{number}.jpg", "0.jpg", "payload") for number in (1, 2, 3)]


def test_the_sample_is_drawn_by_the_data_and_the_seed(source: Path, tmp_path: Path) -> None:
    for number in range(40):
        (source / f"{number:02d}.wav").write_bytes(
            demo_media.sound("WAV", demo_media.tone(number, 80, RATE), RATE)
        )
    measure(source, tmp_path / "out")
    items = sorted((tmp_path / "out").glob("items-*.parquet"))
    drawn = [[row["object"] for row in witness.sample(items, seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(set(each)) for each in drawn] == [witness.SAMPLE] * 3
    assert drawn[0] == sorted(drawn[0])


def test_without_ffmpeg_nothing_is_asked(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.wav").write_bytes(demo_media.sound("WAV", wave(), RATE))
    monkeypatch.setenv("PATH", "")
    version, (row,) = ask(source, tmp_path)
    assert version is None
    assert (row["field"], row["theirs"], row["agrees"]) == ("answer", "not installed", None)


S = FLICKS_PER_SECOND
SMALL = {"width_px": 640, "height_px": 480, "duration_s": Fraction(1)}


@pytest.mark.parametrize(
    ("modality", "ours", "theirs", "differ"),
    [
        ("video", {}, {}, set()),
        ("video", {"width_px": 641}, {}, set()),
        ("video", {"width_px": 639}, {}, set()),
        ("video", {"width_px": 642}, {}, {"width_px"}),
        ("video", {"height_px": 481}, {}, set()),
        ("video", {"height_px": 478}, {}, {"height_px"}),
        ("video", {}, {"duration_s": Fraction(5, 4)}, set()),
        ("video", {}, {"duration_s": Fraction(5, 4) + Fraction(1, 1000)}, {"duration_s"}),
        ("video", {}, {"duration_s": Fraction(3, 4)}, set()),
        ("video", {}, {"duration_s": Fraction(3, 4) - Fraction(1, 1000)}, {"duration_s"}),
        ("video", {"duration_flicks": 100 * S}, {"duration_s": Fraction(101)}, set()),
        ("video", {"duration_flicks": 100 * S}, {"duration_s": Fraction(101001, 1000)}, {"duration_s"}),
        ("video", {}, {"duration_s": None}, set()),
        ("video", {}, {"decodes": False}, {"decodes"}),
        ("audio", {}, {}, set()),
        ("audio", {"sample_rate_hz": 8001}, {}, {"sample_rate_hz"}),
        ("audio", {"channels": 2}, {}, {"channels"}),
        ("audio", {"duration_flicks": 7000 * S}, {"duration_s": Fraction(600)}, set()),  # no more is decoded
        ("audio", {"duration_flicks": 7000 * S}, {"duration_s": Fraction(593)}, {"duration_s"}),
        ("audio", {"duration_flicks": 7000 * S}, {"duration_s": Fraction(594)}, set()),
    ],
)
def test_a_witness_may_differ_so_much_and_no_more(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    modality: str,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    differ: set[str],
) -> None:
    (source / "a.wav").write_bytes(demo_media.sound("WAV", wave(), RATE))
    facts = (
        SMALL if modality == "video" else {"sample_rate_hz": 8000, "channels": 1, "duration_s": Fraction(1)}
    )
    said = ffmpeg.Testimony(**{"decodes": True, **facts, **theirs})
    monkeypatch.setattr(ffmpeg, "testify", lambda *_: said)
    monkeypatch.setattr(ffmpeg, "version", lambda: "0")
    mine = {
        "modality": modality,
        "duration_flicks": S,
        **{k: v for k, v in facts.items() if k != "duration_s"},
    }
    _, found = ask(source, tmp_path, **{**mine, **ours})
    assert {row["field"] for row in found if row["agrees"] is False} == differ
    assert all(row["agrees"] is not None for row in found)


def test_no_answer_in_time_is_neither_agreement_nor_disagreement(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.wav").write_bytes(demo_media.sound("WAV", wave(), RATE))

    def late(*_: Any) -> ffmpeg.Testimony:
        raise ffmpeg.NoAnswerError

    monkeypatch.setattr(ffmpeg, "testify", late)
    monkeypatch.setattr(ffmpeg, "version", lambda: "0")
    _, (row,) = ask(source, tmp_path)
    assert (row["field"], row["theirs"], row["agrees"]) == ("answer", "NoAnswerError", None)


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_random_bytes_are_nothing_under_any_suffix(source: Path, tmp_path: Path, size: int) -> None:
    for suffix in layout.MEDIA_SUFFIXES:
        (source / f"a.{suffix}").write_bytes(np.random.default_rng(65).bytes(size))
    found = rows(source, tmp_path / "out")
    assert len(found) == len(layout.MEDIA_SUFFIXES) > 30
    assert {row["status"] for name, row in found.items() if not name.endswith(".pcm")} == {"defective"}
    assert {row["payload_bytes"] for row in found.values()} == {None}


@pytest.mark.realdata
def test_no_bad_image_counts(realdata: Path, tmp_path: Path) -> None:
    items, _, _ = measure(realdata / "bad" / "image", tmp_path / "out")
    names = {piece["object"]: Path(piece["path"]).name for piece in pieces(realdata / "bad" / "image")}
    pictures = [row for row in items if row["modality"] == "image"]
    assert len(pictures) > 20
    assert {names[row["object"]] for row in pictures if row["status"] == "measured"} <= SOUND
    refused = {row["error_kind"] for row in pictures if row["status"] != "measured"}
    assert refused <= {"image", "truncated", "bomb", "unsupported", "empty"}


def test_excerpts_are_small_and_upright_and_hold_no_metadata(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes(jpeg(day=DAY, orientation=6))
    (source / "b.mp4").write_bytes(demo_media.movie(1, 320, 180, frames=4, rotation=90))
    (source / "c.jpg").write_bytes(b"no image")
    (tmp_path / "out").mkdir()
    found = []
    for modality, chosen in (("image", [0, 2]), ("video", [1])):
        args = {
            "source": as_args([located(str(source))]),
            "pieces": [pieces(source)[number] for number in chosen],
            "places": [0] * len(chosen),
            "modality": modality,
            "measuring": Measuring().model_dump(mode="json"),
        }
        (tmp_path / "out" / modality).mkdir()
        excerpts.make(args, tmp_path / "out" / modality, beat())
        found += pq.read_table(tmp_path / "out" / modality / "excerpts-0.parquet").to_pylist()
    assert [row["object"] for row in found] == [0, 1]
    for row in found:
        assert sum(map(len, row["pictures"])) <= excerpts.MOST_BYTES
        picture = Image.open(io.BytesIO(row["pictures"][0]))
        assert max(picture.size) <= excerpts.SIDE_PX
        assert picture.height > picture.width
        assert not dict(picture.getexif())


def test_a_text_is_masked_before_it_is_cut(source: Path, tmp_path: Path) -> None:
    number = "13812345678"
    secret = f"手机 {number}，" * 30
    (source / "a.txt").write_text("电话：" + secret, "utf-8")
    (source / "b.jsonl").write_text('{"text": "one"}\n{"text": "电话 13912345678 <script>"}\n', "utf-8")
    (source / "c.txt").write_text("x" * (1 << 20) + "y")
    (tmp_path / "out").mkdir()
    places = [0, 16, 0]
    args = {
        "source": as_args([located(str(source))]), "pieces": pieces(source), "places": places, "modality": "text",
        "measuring": Measuring().model_dump(mode="json"),
    }  # fmt: skip
    excerpts.make(args, tmp_path / "out", beat())
    a, b = pq.read_table(tmp_path / "out" / "excerpts-0.parquet").to_pylist()
    assert [a["object"], b["object"]] == [0, 1]
    assert len(a["text"]) == excerpts.TEXT_CHARACTERS
    assert not re.search(r"\d{3}", a["text"] + b["text"])
    assert b["text"].startswith("电话 [")
    assert b["text"].endswith("<script>")


def test_a_waveform_is_as_loud_as_the_recording(source: Path, tmp_path: Path) -> None:
    second = np.sin(np.arange(8000) * 0.3)
    soundfile.write(
        source / "a.wav", np.concatenate([second * 0.2, second * 0.8, second * 0]), 8000, subtype="PCM_16"
    )
    (source / "b.wav").write_bytes(b"RIFF no sound")
    (tmp_path / "out").mkdir()
    args = {
        "source": as_args([located(str(source))]), "pieces": pieces(source), "places": [0, 0], "modality": "audio",
        "measuring": Measuring().model_dump(mode="json"),
    }  # fmt: skip
    excerpts.make(args, tmp_path / "out", beat())
    (row,) = pq.read_table(tmp_path / "out" / "excerpts-0.parquet").to_pylist()
    wave = row["wave"]
    assert (row["object"], row["pictures"], len(wave)) == (0, [], 150)
    assert set(wave[:50]) == {20}
    assert set(wave[51:100]) == {80}
    assert set(wave[101:]) == {0}


@pytest.mark.realdata
def test_real_digits_are_measured_and_none_is_a_copy(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "audio_digits"
    items, _, _ = measure(folder, tmp_path / "out")
    sounds = [row for row in items if row["modality"] == "audio"]
    assert [row["status"] for row in sounds] == ["measured"] * 600
    frames = sum(soundfile.info(path).frames for path in sorted(folder.glob("*.wav")))
    assert sum(row["duration_flicks"] for row in sounds) == frames * FLICKS_PER_SECOND // 8000
    assert len({row["xxh3_128"] for row in sounds}) == len({row["normalised"] for row in sounds}) == 600


@pytest.mark.realdata
def test_real_pictures_have_the_size_that_pillow_says(realdata: Path, tmp_path: Path) -> None:
    folder = realdata / "images_pdq"
    items, _, _ = measure(folder, tmp_path / "out")
    paths = {piece["object"]: folder / piece["path"] for piece in pieces(folder)}
    pictures = [row for row in items if row["modality"] == "image"]
    assert len(pictures) == 27
    for row in pictures:
        with Image.open(paths[row["object"]]) as picture:
            assert (row["width_px"], row["height_px"]) == picture.size


@pytest.mark.realdata
def test_members_of_webdataset_shards_unpacked_are_measured(
    realdata: Path, source: Path, tmp_path: Path
) -> None:
    with tarfile.open(realdata / "webdataset" / "sample.tgz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None and member.name.endswith(".png"):
                (source / member.name).write_bytes(content.read())
    found = rows(source, tmp_path / "out")
    assert len(found) == 90
    for name, row in found.items():
        with Image.open(source / name) as picture:
            assert row["status"] == "measured", (name, row["error"])
            assert sorted((row["width_px"], row["height_px"])) == sorted(picture.size)
