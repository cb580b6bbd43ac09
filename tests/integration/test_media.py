"""Images, audio and video with a real FFmpeg, a real browser and files that only a disk can hold."""

import json
import os
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from dqv import demo_media
from dqv.core.settings import Measuring, Settings
from dqv.core.units import FLICKS_PER_SECOND
from dqv.measure import witness as ffmpeg
from dqv.pipeline import check
from dqv.reports.model import Report
from tests.integration.test_browser import chromium
from tests.stages.calls import ask, measure, pieces

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset of images, audio and video."""
    folder = tmp_path_factory.mktemp("media") / "dataset"
    folder.mkdir()
    (folder / "README.md").write_text("# pictures and sound\n\nmade up")
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(demo_media.image("JPEG", number, 1023, 768))
        wave = demo_media.tone(number, 16000 * 30, 16000)
        (folder / f"{number}.wav").write_bytes(demo_media.sound("WAV", wave, 16000))
        (folder / f"{number}.mp4").write_bytes(demo_media.movie(number, 640, 480, rotation=90 * (number % 2)))
    return folder


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["audio_one_recording", "video_codecs", "video_tmk"])
def test_every_real_file_is_as_ffmpeg_says(realdata: Path, tmp_path: Path, folder: str) -> None:
    items, _, _ = measure(realdata / folder, tmp_path / "out")
    paths = {piece["object"]: realdata / folder / piece["path"] for piece in pieces(realdata / folder)}
    asked = 0
    for row in items:
        if row["modality"] not in ("audio", "video"):
            continue
        name = paths[row["object"]].name
        assert row["status"] == "measured", name
        said = ffmpeg.testify(os.fspath(paths[row["object"]]), row["modality"], lambda: None)
        assert said.decodes, name
        assert said.duration_s is not None
        seconds = row["duration_flicks"] / FLICKS_PER_SECOND
        assert abs(seconds - float(said.duration_s)) < 0.06, (name, seconds, float(said.duration_s))
        if row["modality"] == "video":
            assert (row["width_px"], row["height_px"]) == (said.width_px, said.height_px), name
        else:
            assert (row["sample_rate_hz"], row["channels"]) == (said.sample_rate_hz, said.channels), name
        asked += 1
    assert asked == {"audio_one_recording": 12, "video_codecs": 6, "video_tmk": 14}[folder]


def test_the_witness_agrees_with_what_was_measured(media: Path, tmp_path: Path) -> None:
    version, rows = ask(media, tmp_path)
    assert version == ffmpeg.version() is not None
    assert len({row["object"] for row in rows}) == 6
    assert [row for row in rows if not row["agrees"]] == []
    assert {row["field"] for row in rows} == {
        "decodes", "duration_s", "width_px", "height_px", "sample_rate_hz", "channels",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("width_px", 642),
        ("height_px", 1),
        ("duration_flicks", 9 * FLICKS_PER_SECOND),
        ("sample_rate_hz", 8000),
        ("channels", 2),
    ],
)
def test_what_differs_is_told(media: Path, tmp_path: Path, fact: str, value: int) -> None:
    _, rows = ask(media, tmp_path, **{fact: value})
    told = "duration_s" if fact == "duration_flicks" else fact
    assert {row["field"] for row in rows if not row["agrees"]} == {told}


def test_a_size_left_open_and_streams_one_behind_the_other_are_no_disagreement(tmp_path: Path) -> None:
    """FFmpeg complains of both, and decodes all."""
    source = tmp_path / "source"
    source.mkdir()
    tone = ["-f", "lavfi", "-i", "sine=d=3"]
    piped = subprocess.run(
        ["ffmpeg", "-v", "error", *tone, "-f", "wav", "pipe:1"], check=True, capture_output=True
    )
    (source / "a.wav").write_bytes(piped.stdout)
    making = ["ffmpeg", "-v", "error", *tone, "-c:a", "libopus", "-f", "ogg", "pipe:1"]
    opus = subprocess.run(making, check=True, capture_output=True).stdout
    (source / "b.opus").write_bytes(opus + opus)
    _, rows = ask(source, tmp_path)
    assert len({row["object"] for row in rows}) == 2
    assert [row for row in rows if not row["agrees"]] == []


def test_half_a_recording_is_a_disagreement(media: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.wav"
    half.write_bytes((media / "0.wav").read_bytes()[: 44 + 16000 * 15 * 2])
    said = ffmpeg.testify(os.fspath(half), "audio", lambda: None)
    assert said.duration_s is not None
    assert abs(said.duration_s - 15) < ffmpeg.TOLERANCE_S  # and not 30, which its header says


def test_what_ffmpeg_cannot_decode_is_a_disagreement(tmp_path: Path) -> None:
    broken = tmp_path / "x.mp4"
    broken.write_bytes(b"no video")
    assert ffmpeg.testify(os.fspath(broken), "video", lambda: None) == ffmpeg.Testimony(decodes=False)


PLAYLISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile {}\n",
)


@pytest.mark.parametrize("playlist", PLAYLISTS)
@pytest.mark.parametrize("suffix", ["ts", "mpg", "m3u8"])
def test_a_playlist_makes_the_witness_open_nothing(
    tmp_path: Path, small: Path, playlist: str, suffix: str
) -> None:
    """Not even one in front of what dqv takes for a video."""
    for behind in (b"", (small / "late.ts").read_bytes()):
        trap = tmp_path / f"trap.{suffix}"
        trap.write_bytes(playlist.format(small / "secret.ts").encode() + behind)
        said = ffmpeg.testify(os.fspath(trap), "video", lambda: None)
        assert said.width_px in (None, 320)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of pictures under seven of sound, in every container; `late`: the pictures begin after three."""
    folder = tmp_path_factory.mktemp("small")
    for suffix, pictures, sound in CONTAINERS:
        for name, offset in (("long", "0"), ("late", "3")):
            making = [
                "ffmpeg", "-v", "error", "-itsoffset", offset, "-f", "lavfi", "-i", "testsrc=s=320x240:d=4:r=10",
                "-f", "lavfi", "-i", "sine=d=7:r=44100", "-c:v", pictures, "-c:a", sound,
                os.fspath(folder / f"{name}.{suffix}"),
            ]  # fmt: skip
            subprocess.run(making, check=True)
    secret = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=160x120:d=4:r=10",
        os.fspath(folder / "secret.ts"),
    ]
    subprocess.run(secret, check=True)
    return folder


CONTAINERS = [
    ("mp4", "libx264", "aac"), ("mov", "libx264", "aac"), ("mkv", "libx264", "aac"), ("webm", "libvpx", "libopus"),
    ("avi", "libx264", "libmp3lame"), ("ts", "libx264", "aac"), ("flv", "libx264", "aac"),
    ("wmv", "wmv2", "wmav2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("long", each) for each, *_ in CONTAINERS]
    # AVI has no times: FFmpeg writes empty pictures for what is missing, and counts them
    + [("late", each) for each, *_ in CONTAINERS if each != "avi"],
)
def test_sound_that_is_longer_than_the_pictures_is_no_disagreement(
    small: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / f"a.{suffix}").write_bytes((small / f"{name}.{suffix}").read_bytes())
    _, rows = ask(source, tmp_path)
    assert [row for row in rows if not row["agrees"]] == []
    fields = [row["field"] for row in rows]
    assert fields == [
        "decodes",
        *(["duration_s"] if suffix not in ("flv", "wmv") else []),
        "width_px",
        "height_px",
    ]


def test_a_witness_that_takes_too_long_gives_no_answer_and_leaves_nothing_running(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    monkeypatch.setattr(ffmpeg, "PATIENCE_S", 0.0)
    with pytest.raises(ffmpeg.NoAnswerError):
        ffmpeg.testify(os.fspath(media / "0.mp4"), "video", lambda: None)
    assert {process.pid for process in psutil.Process().children(recursive=True)} == before
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


@pytest.fixture(scope="module")
def checked(media: Path, tmp_path_factory: pytest.TempPathFactory, scheduler: str) -> dict[bool, Path]:
    """Out folders, with and without excerpts."""
    folder = tmp_path_factory.mktemp("checked")
    for excerpts in (False, True):
        check(Settings(source=str(media), out=folder / str(excerpts), scheduler=scheduler, excerpts=excerpts))
    return {excerpts: folder / str(excerpts) for excerpts in (False, True)}


def test_the_report_says_what_the_witness_said(checked: dict[bool, Path]) -> None:
    report = Report.model_validate_json((checked[False] / "report.json").read_bytes())
    assert [
        (each.modality, each.status, each.sample, each.agreed, each.disagreed)
        for each in report.run.witnesses
    ] == [
        ("audio", "run", 3, 3, 0),
        ("video", "run", 3, 3, 0),
    ]
    assert report.run.witnesses[0].version == ffmpeg.version()
    rows = pl.read_parquet(checked[False] / "evidence" / "witness.parquet")
    assert rows["agrees"].all()
    assert "evidence/witness.parquet" in {each.path for each in report.evidence}


def test_excerpts_are_on_the_page_alone_and_few_and_small(checked: dict[bool, Path]) -> None:
    def without_environment(out: Path) -> Any:
        values = json.loads((out / "report.json").read_bytes())
        del values["run"]["environment"]
        return values

    assert without_environment(checked[True]) == without_environment(checked[False])
    plain, shown = ((checked[each] / "report.html").read_text("utf-8") for each in (False, True))
    assert "data:image" not in plain
    pictures = len(re.findall(r'<img src="data:image/jpeg;base64,', shown))
    assert 6 <= pictures <= 12  # three images, three videos with up to three key frames
    assert len(shown) - len(plain) < 6 * 40_000


def test_the_page_with_excerpts_loads_without_complaint(checked: dict[bool, Path]) -> None:
    done = chromium(checked[True] / "report.html", "--dump-dom")
    assert 6 <= done.stdout.count("<img src=") <= 12
    complaints = [
        line for line in done.stderr.splitlines() if "CONSOLE" in line or "Content Security Policy" in line
    ]
    assert complaints == []


def test_identity_reads_little_and_passes_nothing(media: Path, tmp_path: Path, scheduler: str) -> None:
    measuring = Measuring.model_validate({"assurance": "identity"})
    report = check(
        Settings(source=str(media), out=tmp_path / "out", scheduler=scheduler, measuring=measuring)
    )
    assert 0 < int(report.run.environment["bytes_read"]) < report.subject.size_bytes // 4
    assert 0 < int(report.run.environment["requests"]) < 100
    assert not report.run.complete
    assert report.subject.root_sha256 is None
    assert report.run.witnesses == []
    assert {name: found.undecoded_items for name, found in report.measurements.items()} == {
        "audio": 3, "image": 3, "video": 3,
    }  # fmt: skip
    measured = {finding.rule: finding.verdict.value for finding in report.findings}
    assert measured["resolution.image"] == measured["scale.video"] == "fail"
    assert measured["duplicates.image"] == "indeterminate"


def test_eight_gigabytes_of_padding_add_nothing(tmp_path: Path) -> None:
    """A sparse file: a video of three seconds, and a box of 8 GB that holds nothing."""
    source = tmp_path / "source"
    source.mkdir()
    movie = demo_media.movie(1, 640, 480)
    (source / "a.mp4").write_bytes(movie)
    size = 8 * 10**9
    with (source / "b.mp4").open("wb") as file:
        file.write(movie + struct.pack(">I4sQ", 1, b"free", size))
        file.truncate(len(movie) + size)
    items, _, _ = measure(source, tmp_path / "out")
    plain, stuffed = items
    assert stuffed["stored_bytes"] > size
    assert stuffed["payload_bytes"] == plain["payload_bytes"] < len(movie)
    assert (plain["flags"], stuffed["flags"]) == ([], ["padding"])
    assert stuffed["xxh3_128"] == plain["xxh3_128"]
