import io
import struct
import tempfile
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from dqv.connectors.containers.model import Watched
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.core.units import FLICKS_PER_SECOND
from dqv.measure import demux, video, video_structure
from dqv.measure.media import Media
from dqv.neardup import films, pictures

Draw = Callable[[int, int, int], np.ndarray]

LIMITS = Limits()
FAST = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}
CONTAINERS = {
    "mp4-h264": ("mp4", "libx264", "aac", "h264"),
    "mp4-h265": ("mp4", "libx265", "aac", "hevc"),
    "mov-mpeg4": ("mov", "mpeg4", "aac", "mpeg4"),
    "m4v-h264": ("ipod", "libx264", None, "h264"),
    "3gp-h264": ("3gp", "libx264", "aac", "h264"),
    "mkv-h264": ("matroska", "libx264", "aac", "h264"),
    "mkv-h265": ("matroska", "libx265", "libopus", "hevc"),
    "webm-vp9": ("webm", "libvpx-vp9", "libopus", "vp9"),
    "webm-vp8": ("webm", "libvpx", None, "vp8"),
    "avi-mpeg4": ("avi", "mpeg4", "libmp3lame", "mpeg4"),
    "avi-h264": ("avi", "libx264", None, "h264"),
    "avi-mjpeg": ("avi", "mjpeg", None, "mjpeg"),
    "ts-h264": ("mpegts", "libx264", "aac", "h264"),
    "ts-mpeg2": ("mpegts", "mpeg2video", "mp2", "mpeg2video"),
    "ps-mpeg1": ("mpeg", "mpeg1video", "mp2", "mpeg1video"),
    "vob-mpeg2": ("vob", "mpeg2video", "mp2", "mpeg2video"),
    "flv-h264": ("flv", "libx264", "aac", "h264"),
    "flv-flv1": ("flv", "flv", "libmp3lame", "flv1"),
    "wmv-wmv2": ("asf", "wmv2", None, "wmv2"),
    "asf-msmpeg4": ("asf", "msmpeg4", None, "msmpeg4v3"),
}
SHARP = st.sampled_from(sorted(CONTAINERS))


@pytest.fixture(autouse=True)
def _no_machine_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVT_LOG", "0")


def moving(number: int, width: int, height: int) -> np.ndarray:
    """Soft shapes that wander; no two pictures of a clip are alike."""
    rng = np.random.default_rng(3)
    shapes = Image.fromarray(rng.integers(0, 255, (6, 8, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.roll(np.asarray(shapes), (number, 3 * number + number * number // 7), (0, 1))


def still(number: int, width: int, height: int) -> np.ndarray:
    return moving(0, width, height)


@cache
def clip(
    container: str = "mp4",
    codec: str = "libx264",
    sound: str | None = None,
    *,
    frames: int = 30,
    size: tuple[int, int] = (64, 48),
    rate: int = 25,
    gop: int = 10,
    pixels: str = "yuv420p",
    draw: Draw = moving,
    degrees: float | None = None,
    aspect: Fraction | None = None,
    tags: tuple[tuple[str, str], ...] = (),
    options: tuple[tuple[str, str], ...] = (),
) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=dict(options)) as target:
        target.metadata.update(dict(tags))
        stream: Any = target.add_stream(codec, rate=rate, options=FAST.get(codec, {}))
        stream.width, stream.height = size
        stream.pix_fmt, stream.gop_size = pixels, gop
        stream.codec_context.thread_count = 1
        if degrees is not None:
            stream.set_display_rotation(degrees)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        rate_hz = 44100 if sound == "libmp3lame" else 48000
        heard: Any = target.add_stream(sound, rate=rate_hz, layout="stereo") if sound else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(number, *size), "rgb24").reformat(format=pixels)
            frame.pts = number
            target.mux(stream.encode(frame))
            if heard is not None:
                target.mux(heard.encode(tone(number, rate_hz // rate, rate_hz)))
        target.mux(stream.encode(None))
        if heard is not None:
            target.mux(heard.encode(None))
    return out.getvalue()


def tone(number: int, samples: int, rate_hz: int) -> Any:
    wave = 8000 * np.sin(2 * np.pi * 440 * (np.arange(samples) + number * samples) / rate_hz)
    frame = av.AudioFrame.from_ndarray(
        np.repeat(wave.astype(np.int16), 2)[None], format="s16", layout="stereo"
    )
    frame.sample_rate, frame.pts = rate_hz, number * samples
    return frame


def container_of(name: str, frames: int = 30) -> bytes:
    container, codec, sound, _ = CONTAINERS[name]
    return clip(container, codec, sound, frames=frames, pixels="yuvj420p" if codec == "mjpeg" else "yuv420p")


def remuxed(data: bytes, container: str, times: int = 1, options: dict[str, str] | None = None) -> bytes:
    """The same packets in a new container, `times` over."""
    with (
        tempfile.TemporaryDirectory() as folder,  # FFmpeg opens it a second time to move the index to the front
        av.open(io.BytesIO(data), "r") as given,
    ):
        path = Path(folder) / "out"
        with av.open(str(path), "w", format=container, options=options or {}) as target:
            _repeat(given, target, times)
        return path.read_bytes()


def _repeat(given: Any, target: Any, times: int) -> None:
    streams = {each.index: target.add_stream_from_template(each) for each in given.streams}
    packets = [
        (
            bytes(each),
            each.pts,
            each.dts,
            each.duration,
            each.time_base,
            each.is_keyframe,
            each.stream_index,
        )
        for each in given.demux()
        if each.size
    ]
    period = Fraction(given.duration or 0, av.time_base) + Fraction(1, 5)  # longer than any stream
    for turn in range(times):
        for content, pts, dts, duration, base, key, index in packets:
            packet = av.Packet(content)
            shift = round(turn * period / base)
            assert pts is not None
            assert dts is not None
            packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
            packet.time_base, packet.is_keyframe = base, key
            packet.stream = streams[index]
            target.mux(packet)


def measured(data: bytes, full: bool = True, limits: Limits = LIMITS) -> Media:
    return video.measure(io.BytesIO(data), len(data), limits, lambda: None, full=full)


def refused(data: bytes, full: bool = True) -> ItemError:
    with pytest.raises(ItemError) as caught:
        measured(data, full)
    return caught.value


def seconds(media: Media) -> float:
    assert media.duration_flicks is not None
    return media.duration_flicks / FLICKS_PER_SECOND


def box(data: bytes, kind: bytes, nth: int = 0) -> int:
    """Where the content of a box begins."""
    at = -1
    for _ in range(nth + 1):
        at = data.index(kind, at + 1)
    return at + 4


# -- what is measured ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(CONTAINERS))
@pytest.mark.parametrize("full", [True, False])
def test_every_container_and_codec_is_measured(name: str, full: bool) -> None:
    _, _, sound, codec = CONTAINERS[name]
    data = container_of(name)
    media = measured(data, full)
    assert (media.modality, media.codec, media.width_px, media.height_px) == ("video", codec, 64, 48)
    assert media.mode == ("yuvj420p" if codec == "mjpeg" else "yuv420p")
    assert media.frame_rate == "25/1"
    assert media.sample_rate_hz == ((44100 if sound == "libmp3lame" else 48000) if sound else None)
    assert media.channels is None  # of sound beside pictures
    assert (media.flags, media.decoded, media.normalised) == ((), full, None)
    assert 0 < media.payload_bytes <= len(data)
    if full:
        assert media.frames == 30
        assert seconds(media) == pytest.approx(1.2, abs=0.041)  # AVI counts a frame that was dropped
        assert media.xxh3_128 is not None
        assert len(media.xxh3_128) == 16
    else:
        assert media.xxh3_128 is None
        assert seconds(media) == pytest.approx(1.2, abs=0.5)  # of MPEG-PS FFmpeg guesses


def test_av1_is_named_after_the_codec_and_not_the_decoder() -> None:
    assert measured(clip("mp4", "libsvtav1", frames=4)).codec == "av1"
    assert measured(clip("mp4", "libsvtav1", frames=4), full=False).codec == "av1"


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("size", "pixels"), [((1280, 720), "yuv420p"), ((1277, 719), "yuv444p"), ((854, 480), "yuv420p")]
)
def test_size_is_the_pictures_own(size: tuple[int, int], pixels: str, full: bool) -> None:
    media = measured(clip(frames=2, size=size, pixels=pixels), full)
    assert (media.width_px, media.height_px, media.mode) == (*size, pixels)


def test_the_codec_s_cropping_is_respected() -> None:
    media = measured(clip(frames=2, size=(1920, 1080)))  # coded as 1088 lines
    assert (media.width_px, media.height_px) == (1920, 1080)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("container", ["mp4", "mov", "matroska"])
@pytest.mark.parametrize(
    ("degrees", "size"), [(90, (48, 64)), (-90, (48, 64)), (180, (64, 48)), (0, (64, 48))]
)
def test_rotation_turns_the_size(container: str, degrees: float, size: tuple[int, int], full: bool) -> None:
    media = measured(clip(container, degrees=degrees, frames=3), full)
    assert (media.width_px, media.height_px) == size


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("aspect", "width"),
    [
        (Fraction(4, 3), 85),
        (Fraction(8, 9), 57),
        (Fraction(2), 128),
        (Fraction(1, 2), 32),
        (Fraction(14), 64),
        (Fraction(1, 3), 64),
    ],
)
def test_samples_that_are_not_square_change_the_width(aspect: Fraction, width: int, full: bool) -> None:
    media = measured(clip(frames=3, aspect=aspect), full)
    assert (media.width_px, media.height_px) == (width, 48)


@pytest.mark.parametrize("full", [True, False])
def test_an_aspect_that_only_the_codec_states_counts(full: bool) -> None:
    media = measured(clip("flv", frames=3, aspect=Fraction(4, 3)), full)
    assert media.width_px == 85
    data = clip("mp4", frames=3, aspect=Fraction(4, 3))
    at = data.index(b"pasp")
    assert measured(data[:at] + b"free" + data[at + 4 :], full).width_px == 85


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("full", [True, False])
def test_ten_bits_are_told(codec: str, full: bool) -> None:
    assert measured(clip(codec=codec, frames=3, pixels="yuv420p10le"), full).mode == "yuv420p10le"


def test_frame_rate_is_a_fraction() -> None:
    assert measured(remuxed(clip(rate=30, frames=10), "matroska")).frame_rate == "30/1"


def test_a_header_that_lies_about_the_rate_is_corrected() -> None:
    data = bytearray(clip("matroska", frames=30))
    at = data.index(bytes.fromhex("23e383")) + 4  # DefaultDuration
    wide = data[at - 1] & 0x7F
    data[at : at + wide] = (10_000_000).to_bytes(wide, "big")  # "100 a second"
    assert measured(bytes(data)).frame_rate != "100/1"


def test_the_duration_is_the_packets_and_not_the_header_s() -> None:
    data = bytearray(clip("matroska", frames=50))
    at = data.index(bytes.fromhex("4489")) + 3  # Duration
    data[at : at + 8] = struct.pack(">d", 2900.0)  # 0.9 s more than there is: within what is tolerated
    assert seconds(measured(bytes(data))) == pytest.approx(2.0)
    assert seconds(measured(bytes(data), full=False)) == pytest.approx(2.9)


@pytest.mark.parametrize(("frames", "rate", "limit_s"), [(75, 25, 4.0), (100, 1, 102.040)])
def test_a_header_may_state_a_second_or_two_percent_more_than_there_is(
    frames: int, rate: int, limit_s: float
) -> None:
    data = bytearray(clip("matroska", frames=frames, rate=rate))
    at = data.index(bytes.fromhex("4489")) + 3
    for stated, refuses in ((limit_s - 0.05, False), (limit_s, False), (limit_s + 0.05, True)):
        data[at : at + 8] = struct.pack(">d", stated * 1000)
        if refuses:
            assert refused(bytes(data)).kind == "truncated"
        else:
            measured(bytes(data))


def test_payload_is_the_coded_samples_alone() -> None:
    data = container_of("mp4-h264")
    with av.open(io.BytesIO(data), "r") as container:
        coded = sum(each.size for each in container.demux())
    assert measured(data).payload_bytes == measured(data, full=False).payload_bytes == coded


def test_the_hash_is_of_the_samples_not_of_the_container() -> None:
    data = container_of("mp4-h264")
    moved = remuxed(data, "mp4", options={"movflags": "faststart"})
    padded = data + struct.pack(">I4s", 5008, b"free") + bytes(5000)
    tagged = clip("mp4", "libx264", "aac", tags=(("title", "another"),))
    others = {measured(each).xxh3_128 for each in (moved, padded, tagged, data)}
    assert len(others) == 1
    assert measured(clip("mp4", "libx264", "aac", frames=29)).xxh3_128 not in others


# -- dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("full", [True, False])
def test_the_day_is_the_container_s_in_shanghai(container: str, full: bool) -> None:
    data = clip(container, frames=2, tags=(("creation_time", "2023-05-01T20:00:00.000000Z"),))
    media = measured(data, full)
    assert (media.day, media.day_refused) == (date(2023, 5, 2), False)


@pytest.mark.parametrize(
    ("container", "name"), [("mp4", "comment"), ("matroska", "ARTIST"), ("mov", "com.apple.quicktime.author")]
)
@pytest.mark.parametrize("full", [True, False])
def test_what_people_wrote_into_tags_is_kept(container: str, name: str, full: bool) -> None:
    options = (("movflags", "use_metadata_tags"),) if container == "mov" else ()
    data = clip(container, frames=2, tags=((name, "13812345678"),), options=options)
    assert measured(data, full).texts == ((name.lower().rpartition(".")[2], "13812345678"),)


def test_a_camera_s_own_date_decides() -> None:
    tags = (
        ("creation_time", "2023-05-01T20:00:00.000000Z"),
        ("com.apple.quicktime.creationdate", "2022-01-02T03:04:05+0800"),
    )
    data = clip("mov", frames=2, tags=tags, options=(("movflags", "use_metadata_tags"),))
    assert measured(data).day == date(2022, 1, 2)


@pytest.mark.parametrize("words", ["2150-01-01", "yesterday", "0000-00-00"])
def test_an_absurd_date_is_refused(words: str) -> None:
    media = measured(clip("matroska", frames=2, tags=(("date", words),)))
    assert (media.day, media.day_refused) == (None, True)


def test_no_date_is_no_date() -> None:
    media = measured(clip(frames=2))
    assert (media.day, media.day_refused) == (None, False)


# -- what is sound though it looks odd ----------------------------------------------------------------------------


@pytest.mark.parametrize("gop", [10, 1000])
def test_pictures_before_the_edit_are_not_displayed(gop: int) -> None:
    data = bytearray(clip(frames=50, gop=gop))
    at = box(bytes(data), b"elst") + 8
    data[at : at + 8] = struct.pack(">Ii", 1400, 15 * 512)  # 1.4 s, from picture 15 on
    media = measured(bytes(data))
    assert (media.frames, media.frame_rate) == (35, "25/1")
    assert seconds(media) == pytest.approx(1.4)


@pytest.mark.parametrize("container", ["mp4", "mpegts", "matroska"])
@pytest.mark.parametrize("words", ["intra-refresh=1", "open-gop=1:bframes=2", "interlaced=1"])
def test_key_pictures_that_need_others_are_no_damage(
    container: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        FAST, "libx264", {"preset": "ultrafast", "x264-params": f"{words}:keyint=12:min-keyint=12"}
    )
    media = measured(clip.__wrapped__(container, frames=60, size=(160, 128)))
    assert (media.frames, media.flags) == (60, ())


@pytest.mark.parametrize("container", ["mp4", "mpegts", "matroska"])
@pytest.mark.parametrize("frames", [20, 60])
def test_several_slices_a_picture_are_no_damage(
    container: str, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAST, "libx264", {"preset": "veryfast", "x264-params": "slices=4:sliced-threads=1"})
    media = measured(clip.__wrapped__(container, frames=frames, size=(320, 240)))
    assert (media.frames, media.flags) == (frames, ())


@pytest.mark.parametrize("full", [True, False])
def test_eight_channels_of_a_mov_do_not_end_the_process(full: bool) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as target:
        stream: Any = target.add_stream("libx264", rate=25, options=FAST["libx264"])
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        heard: Any = target.add_stream("pcm_s16le", rate=48000, layout="7.1")
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(moving(number, 64, 48), "rgb24")
            frame.pts = number
            target.mux(stream.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 8 * 1920), np.int16), format="s16", layout="7.1")
            sound.sample_rate, sound.pts = 48000, number * 1920
            target.mux(heard.encode(sound))
        target.mux(stream.encode(None) + heard.encode(None))
    data = bytearray(out.getvalue())
    at = box(bytes(data), b"chan") + 4
    data[at : at + 8] = bytes.fromhex("0080000800000000")  # an order of channels that FFmpeg has no name for
    for _ in range(20):
        media = measured(bytes(data), full)
        assert (media.codec, media.sample_rate_hz) == ("h264", 48000)


@pytest.mark.parametrize("container", ["mp4", "matroska", "flv"])
def test_pictures_that_begin_after_the_sound_are_sound(container: str) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream("libx264", rate=25, options=FAST["libx264"])
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        heard: Any = target.add_stream("aac", rate=48000, layout="stereo")
        for number in range(150):
            target.mux(heard.encode(tone(number, 1920, 48000)))
            if number >= 75:  # three seconds late
                frame = av.VideoFrame.from_ndarray(moving(number, 64, 48), "rgb24")
                frame.pts = number
                target.mux(stream.encode(frame))
        target.mux(stream.encode(None) + heard.encode(None))
    media = measured(out.getvalue())
    assert (media.frames, media.frame_rate) == (75, "25/1")
    assert seconds(media) == pytest.approx(3.0, abs=0.03)


@pytest.mark.parametrize(
    ("container", "codec", "sound"),
    [("mp4", "mpeg4", "aac"), ("matroska", "mpeg4", "aac"), ("flv", "flv", "aac"), ("asf", "wmv2", "wmav2")],
)
def test_sound_that_outlasts_the_pictures_is_sound(container: str, codec: str, sound: str) -> None:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        heard: Any = target.add_stream(sound, rate=44100, layout="stereo")
        heard.bit_rate = 128_000  # WMA asks for one
        for number in range(150):
            target.mux(heard.encode(tone(number, 1764, 44100)))
            if number < 75:
                frame = av.VideoFrame.from_ndarray(moving(number, 64, 48), "rgb24")
                frame.pts = number
                target.mux(stream.encode(frame))
        target.mux(stream.encode(None) + heard.encode(None))
    media = measured(out.getvalue())
    assert media.frames == 75
    assert seconds(media) == pytest.approx(3.0, abs=0.04)


def test_a_recording_that_begins_in_the_middle_is_sound() -> None:
    data = clip("mpegts", "mpeg2video", frames=60)
    assert measured(data[188 * 60 :]).codec == "mpeg2video"


@pytest.mark.parametrize("full", [True, False])
def test_fragments_are_measured_and_half_of_them_are_not_the_whole(full: bool) -> None:
    data = remuxed(container_of("mp4-h264"), "mp4", options={"movflags": "frag_keyframe+empty_moov"})
    media = measured(data, full)
    assert (media.codec, media.width_px, media.flags) == ("h264", 64, ())
    if full:
        assert media.frames == 30
        assert seconds(media) == pytest.approx(
            1.2, abs=0.03
        )  # the last sample lasts as long as the sound's start
    assert refused(data[: len(data) // 2], full).kind == "truncated"


# -- only sound ---------------------------------------------------------------------------------------------------


def recording(container: str, codec: str, cover: bool = False) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        heard: Any = target.add_stream(codec, rate=48000, layout="stereo")
        if cover:
            picture: Any = target.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(moving(0, 64, 48), "rgb24").reformat(format="yuvj420p")
            frame.pts = 0
            packets = picture.encode(frame) + picture.encode(None)
        for number in range(25):
            target.mux(heard.encode(tone(number, 1920, 48000)))
        if cover:
            target.mux(packets)
        target.mux(heard.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("container", "codec", "cover"),
    [("mp4", "aac", False), ("matroska", "aac", False), ("webm", "libopus", False), ("mp4", "aac", True)],
)
def test_sound_without_moving_pictures_is_for_the_caller(
    container: str, codec: str, cover: bool, full: bool
) -> None:
    with pytest.raises(video.OnlySound):
        measured(recording(container, codec, cover), full)
    with pytest.raises(video.OnlySound):
        video.key_frames(io.BytesIO(recording(container, codec, cover)), LIMITS, 64, 1)


# -- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(CONTAINERS))
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("left", [0.5, 0.9, -10])
def test_a_part_is_not_the_whole(name: str, left: float, full: bool) -> None:
    data = container_of(name)
    part = data[: int(len(data) * left) + 37 if left > 0 else int(left)]  # + 37: on no border of packets
    assert refused(part, full).kind == "truncated"


def test_a_cut_is_found_wherever_it_is() -> None:
    data = remuxed(container_of("mp4-h264", 10), "mp4", options={"movflags": "faststart"})
    for size in range(1, len(data), 97):
        refused(data[:size])


@pytest.mark.parametrize("full", [True, False])
def test_a_cut_between_boxes_shows_in_the_sample_table(full: bool) -> None:
    data = remuxed(container_of("mp4-h264"), "mp4", options={"movflags": "faststart"})
    head = data[: data.index(b"mdat") - 4]
    error = refused(head, full)
    assert error.kind == "truncated"
    assert "sample" in error.detail


def test_a_sample_that_claims_more_than_the_object_is_refused() -> None:
    data = bytearray(clip(frames=10))
    at = box(bytes(data), b"stsz") + 12 + 9 * 4
    data[at : at + 4] = (1_000_000).to_bytes(4, "big")
    assert refused(bytes(data)).kind == "truncated"


def test_half_a_live_recording_shows_in_its_last_packet() -> None:
    data = bytearray(clip("matroska", frames=100))
    at = data.index(bytes.fromhex("18538067")) + 4
    data[at : at + 8] = b"\x01" + b"\xff" * 7  # a segment of unknown size
    clusters = [n for n in range(len(data)) if data[n : n + 4] == bytes.fromhex("1f43b675")]
    assert clusters
    for cluster in clusters:
        wide = 9 - data[cluster + 4].bit_length()
        data[cluster + 4 : cluster + 4 + wide] = (((1 << 7 * wide) - 1) | (1 << 7 * wide)).to_bytes(
            wide, "big"
        )
    error = refused(bytes(data[: len(data) // 2]))
    assert (error.kind, "states 4.00 s" in error.detail) == ("truncated", True)


@pytest.mark.parametrize(("name", "packet"), [("ts-mpeg2", 188), ("ps-mpeg1", 2048)])
def test_a_cut_on_the_border_of_stream_packets_is_not_seen(name: str, packet: int) -> None:
    data = container_of(name, 60)
    measured(data[: len(data) // 2 // packet * packet])


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_packet_of_a_stream_is_no_lost_stream(lost: int) -> None:
    """Of 120 pictures, each in packets of its own, two may be corrupt."""
    data = clip("mpegts", frames=120, gop=10, size=(160, 128))
    with av.open(io.BytesIO(data), "r") as container:
        places = [each.pos or 0 for each in container.demux(video=0) if each.size and not each.is_keyframe]
    for at in sorted(places[5 : 5 + 10 * lost : 10], reverse=True):
        data = data[: at + 188] + data[at + 376 :]  # the second packet of a picture
    if lost > 2:
        assert "corrupt" in refused(data).detail
    else:
        assert measured(data).frames == 120


def test_time_that_runs_back_is_damage() -> None:
    piece = clip("mpegts", frames=15, rate=1)
    error = refused(piece + piece)
    assert (error.kind, "runs back" in error.detail) == ("video", True)


def test_a_key_picture_with_damage_does_not_pass() -> None:
    data = bytearray(clip(frames=30, size=(320, 240)))
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        key = [each for each in container.demux(video=0) if each.is_keyframe][1]
        assert key.pos is not None
        middle = key.pos + key.size // 2
    data[middle : middle + 40] = bytes(range(200, 240))
    assert refused(bytes(data)).kind == "video"
    measured(bytes(data), full=False)  # a header says nothing of it


@pytest.mark.parametrize("container", ["mp4", "matroska"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_a_picture_of_nothing_but_zeros_is_damage(container: str, codec: str) -> None:
    data = clip(container, codec, size=(160, 128))
    assert measured(changed(data, container, lambda number, content: content)).flags == ()
    error = refused(changed(data, container, lambda n, content: bytes(len(content)) if n == 4 else content))
    assert (error.kind, "zeros" in error.detail) == ("video", True)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("change", [1, 246])
def test_units_that_do_not_reach_the_sample_s_end_are_damage(codec: str, change: int) -> None:
    def longer(number: int, content: bytes) -> bytes:
        return content[:3] + bytes([(content[3] + change) % 256]) + content[4:] if number == 4 else content

    error = refused(changed(clip("mp4", codec), "mp4", longer))
    assert (error.kind, "units" in error.detail) == ("video", True)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("data", [bytes(range(256)) * 40, bytes(5000), b"\xff" * 5000, b"RIFF\x10\0\0\0AVI "])
def test_random_bytes_are_no_video(data: bytes, full: bool) -> None:
    assert refused(data, full).kind in ("video", "truncated")


def test_no_bytes_are_empty() -> None:
    assert refused(b"").kind == "empty"


@pytest.mark.parametrize("fragment", [b"ftyp", b"moov"])
def test_a_box_smaller_than_its_header_is_damage(fragment: bytes) -> None:
    assert refused(struct.pack(">I4s", 4, fragment) + bytes(100)).kind == "video"


def test_boxes_without_end_are_walked_in_bounded_work() -> None:
    data = struct.pack(">I4s", 8, b"free") * 200_000
    ticks: list[int] = []
    with pytest.raises(ItemError):
        video.measure(io.BytesIO(data), len(data), LIMITS, lambda: ticks.append(1), full=False)
    assert len(ticks) < 200


def test_pictures_over_the_limit_are_a_bomb() -> None:
    tight = LIMITS.model_copy(update={"image_pixels": 64 * 48 - 1})
    with pytest.raises(ItemError, match="bomb"):
        measured(clip(frames=2), limits=tight)
    measured(clip(frames=2), limits=LIMITS.model_copy(update={"image_pixels": 64 * 48}))


@hypothesis_settings(max_examples=60)
@given(
    SHARP,
    st.lists(st.tuples(st.floats(0, 0.999999), st.integers(0, 255)), min_size=1, max_size=20),
    st.booleans(),
)
def test_changed_bytes_give_a_measurement_or_an_item_error(
    name: str, changes: list[tuple[float, int]], full: bool
) -> None:
    data = bytearray(container_of(name))
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        media = measured(bytes(data), full)
    except (ItemError, video.OnlySound, MemoryError):
        return
    assert 0 <= media.payload_bytes <= len(data)


@hypothesis_settings(max_examples=40)
@given(SHARP, st.integers(0, 400), st.binary(min_size=1, max_size=64))
def test_a_changed_header_gives_a_measurement_or_an_item_error(name: str, place: int, value: bytes) -> None:
    data = bytearray(container_of(name))
    data[place : place + len(value)] = value
    for full in (True, False):
        try:
            measured(bytes(data), full)
        except (ItemError, video.OnlySound, MemoryError):
            continue


@pytest.mark.parametrize(("name", "least"), [("mp4-h264", 0.05), ("ts-h264", 0.05), ("flv-h264", 0.03)])
def test_a_share_of_single_flipped_bits_is_found(name: str, least: float) -> None:
    data = container_of(name)
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(60):
        changed = bytearray(data)
        changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        try:
            measured(bytes(changed))
        except (ItemError, video.OnlySound, MemoryError):
            found += 1
    assert least <= found / 60 <= 0.5


def test_the_stream_s_own_error_is_the_stream_s() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 20_000:
                raise OSError("the disk is gone")
            return super().read(size)

    data = container_of("mp4-h264")
    for full in (True, False):
        with pytest.raises(OSError, match="the disk is gone"):
            video.measure(Watched(Broken(data), lambda: None), len(data), LIMITS, lambda: None, full=full)  # type: ignore[arg-type]


def test_the_file_stays_open_and_may_stand_anywhere() -> None:
    data = container_of("webm-vp9")
    file = io.BytesIO(data)
    file.seek(77)
    video.measure(file, len(data), LIMITS, lambda: None, full=True)
    file.seek(55)
    video.key_frames(file, LIMITS, 32, 3)
    assert not file.closed


# -- padding ------------------------------------------------------------------------------------------------------


class Counting(io.FileIO):
    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self.read_bytes += len(data)
        return data


def sparse(path: Path, before: bytes, size: int, after: bytes) -> Path:
    """`before`, a `free` box of `size` bytes that takes no room on the disk, `after`."""
    with path.open("wb") as file:
        file.write(before + struct.pack(">I4sQ", 1, b"free", size))
        file.seek(len(before) + size)
        file.write(after)
        file.truncate(len(before) + size + len(after))
    return path


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_eight_gigabytes_of_nothing_are_padding_and_not_read(tmp_path: Path, place: str, full: bool) -> None:
    data = container_of("mp4-h264")
    media, moov = data.index(b"mdat") - 4, data.index(b"moov") - 4
    if place == "between":
        path = sparse(tmp_path / "a", data[:moov], 8 << 30, data[moov:])
    elif place == "after":
        path = sparse(tmp_path / "a", data, 8 << 30, b"")
    else:
        size, moved = 3_900_000_000, bytearray(data)  # what an stco can still point behind
        for track in (0, 1):
            at = box(data, b"stco", track)
            for number in range(int.from_bytes(data[at + 4 : at + 8], "big")):
                entry = slice(at + 8 + 4 * number, at + 12 + 4 * number)
                moved[entry] = (int.from_bytes(data[entry], "big") + size).to_bytes(4, "big")
        path = sparse(tmp_path / "a", bytes(moved[:media]), size, bytes(moved[media:]))
    with Counting(path) as file:
        found = video.measure(file, path.stat().st_size, LIMITS, lambda: None, full=full)
    assert found.payload_bytes == measured(data).payload_bytes
    assert found.flags == ("padding",)
    assert file.read_bytes < 2_000_000


def test_padding_begins_over_a_megabyte_and_a_tenth() -> None:
    data = container_of("mp4-h264")
    other = len(data) - measured(data).payload_bytes
    for extra, flags in ((-1, ()), (0, ()), (1, ("padding",))):
        size = 1_000_000 - other + extra
        assert measured(data + struct.pack(">I4s", size, b"free") + bytes(size - 8)).flags == flags


def test_what_fills_up_stream_packets_is_no_padding() -> None:
    """Pictures of a few bytes take a packet of 188 each."""
    data = clip("mpegts", frames=6500, gop=250, draw=blinking)
    media = measured(data)
    assert len(data) - media.payload_bytes > 1_000_000
    assert "padding" not in media.flags


def blinking(number: int, width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 90 * (number // 50 % 3), np.uint8)


def test_raw_pictures_of_32_bit_are_no_padding() -> None:
    assert measured(clip("avi", "rawvideo", pixels="bgra", frames=5)).flags == ()


@pytest.mark.parametrize(("more", "flags"), [(-1, ()), (0, ()), (1, ("padding",))])
def test_more_bytes_than_24_bit_a_pixel_are_padding(more: int, flags: tuple[str, ...]) -> None:
    data = clip("matroska", "mjpeg", pixels="yuvj420p", frames=3)
    out = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as given, av.open(out, "w", format="matroska") as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        left = 64 * 48 * 3 * 3 + more
        packets = [each for each in given.demux() if each.size]
        for number, packet in enumerate(packets):
            size = left // (3 - number)
            padded = av.Packet(bytes(packet).ljust(size, b"\0"))
            padded.pts, padded.dts, padded.time_base = packet.pts, packet.dts, packet.time_base
            padded.is_keyframe, padded.stream = True, stream
            target.mux(padded)
            left -= size
    assert measured(out.getvalue()).flags == flags


def two_tracks(codec: str, pixels: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as target:
        streams: list[Any] = [target.add_stream(codec, rate=1) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number in range(6):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(moving(number, 64, 48), "rgb24").reformat(format=pixels)
                frame.pts = number
                target.mux(stream.encode(frame))
    return out.getvalue()


def test_samples_that_share_their_bytes_count_them_once() -> None:
    data = bytearray(two_tracks("rawvideo", "rgb24"))
    assert measured(bytes(data)).payload_bytes == 6 * 64 * 48 * 3
    at = box(bytes(data), b"stco")
    count = int.from_bytes(data[at + 4 : at + 8], "big")
    data[at + 8 : at + 8 + 4 * count] = data[at + 8 : at + 12] * count
    assert measured(bytes(data)).payload_bytes == 6 // count * 64 * 48 * 3


def test_a_second_track_of_pictures_lies_beside_the_first() -> None:
    data = two_tracks("mjpeg", "yuvj420p")
    with av.open(io.BytesIO(data), "r") as container:
        first = sum(each.size for each in container.demux(video=0))
    assert measured(data).payload_bytes == first


def changed(data: bytes, container: str, change: Callable[[int, bytes], bytes]) -> bytes:
    """The first stream in a new container, its packets given to `change` with their numbers."""
    out = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as given, av.open(out, "w", format=container) as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(each for each in given.demux(video=0) if each.size):
            other = av.Packet(change(number, bytes(packet)))
            other.pts, other.dts, other.duration = packet.pts, packet.dts, packet.duration
            other.time_base, other.is_keyframe, other.stream = packet.time_base, packet.is_keyframe, stream
            target.mux(other)
    return out.getvalue()


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize(("codec", "head"), [("libx264", b"\x0c"), ("libx265", b"\x4c\1")])
def test_filler_units_are_no_pictures(container: str, codec: str, head: bytes) -> None:
    marked = container == "mpegts"
    data = clip("mpegts" if marked else "mp4", codec)
    plain = measured(changed(data, container, lambda number, content: content))

    def filled(number: int, content: bytes) -> bytes:
        filler = head + b"\xff" * 50_000 + b"\x80"
        return content + (b"\0\0\0\1" if marked else len(filler).to_bytes(4, "big")) + filler

    media = measured(changed(data, container, filled))
    assert media.payload_bytes == pytest.approx(plain.payload_bytes, abs=30)  # a zero before each start code
    assert (plain.flags, media.flags) == ((), ("padding",))


def sounding(channels: str, rate_hz: int, codec: str = "pcm_s32le") -> bytes:
    """Four seconds of pictures and silence without compression."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as target:
        stream: Any = target.add_stream("libx264", rate=25, options=FAST["libx264"])
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        heard: Any = target.add_stream(codec, rate=rate_hz, layout=channels)
        count, step = heard.layout.nb_channels, rate_hz // 25
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(moving(number, 64, 48), "rgb24")
            frame.pts = number
            target.mux(stream.encode(frame))
            silence = np.zeros((1, count * step), np.int32)
            sound = av.AudioFrame.from_ndarray(silence, format="s32", layout=channels)
            sound.sample_rate, sound.pts = rate_hz, number * step
            target.mux(heard.encode(sound))
        target.mux(stream.encode(None) + heard.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("channels", "rate_hz", "counted", "flags"),
    [("mono", 48000, 192_000, ()), ("stereo", 48000, 288_000, ()), ("7.1", 96000, 288_000, ("padding",))],
)
def test_sound_counts_up_to_two_channels_of_24_bit(
    channels: str, rate_hz: int, counted: int, flags: tuple[str, ...]
) -> None:
    data = sounding(channels, rate_hz)
    with av.open(io.BytesIO(data), "r") as container:
        pictures = sum(each.size for each in container.demux(video=0))
    media = measured(data)
    assert (media.payload_bytes, media.flags) == (pictures + 4 * counted, flags)


def test_samples_that_are_read_over_and_over_are_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "REREAD_BYTES", 0)
    monkeypatch.setattr(video, "REREAD", 0)
    assert refused(clip(frames=5)).kind == "bomb"


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12),
    st.integers(0, 50),
)
def test_covered_counts_each_byte_once(pieces: list[tuple[int, int]], end: int) -> None:
    slow = len({byte for place, size in pieces for byte in range(place, place + size) if byte < end})
    places, sizes = (np.array([each[n] for each in pieces], np.int64) for n in (0, 1))
    assert video_structure.covered(places, sizes, end) == slow


# -- static, looped, bars -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4", "libvpx-vp9"])
@pytest.mark.parametrize("gop", [10, 1000])
def test_one_picture_all_along_is_static(codec: str, gop: int) -> None:
    data = clip("matroska", codec, draw=still, frames=30, gop=gop, size=(320, 240))
    assert measured(data).flags == ("static",)


def test_one_picture_is_static_however_long() -> None:
    assert measured(clip(frames=1)).flags == ("static",)
    assert measured(clip(frames=1, rate=1)).flags == ("static",)


def test_a_picture_that_stands_for_more_than_ten_seconds_is_static() -> None:
    data = bytearray(clip(frames=4, gop=1, codec="mpeg4", container="mov"))
    at = box(bytes(data), b"stts") + 4
    assert data[at : at + 4] == b"\0\0\0\1"
    edits = box(bytes(data), b"edts") - 4
    data[edits : edits + 4] = b"free"  # they would leave only what was there before
    base = 12800
    for each_s, flags in ((10, ()), (10.001, ("static",))):
        data[at + 8 : at + 12] = round(each_s * base).to_bytes(4, "big")
        assert measured(bytes(data)).flags == flags


def lit(level: int) -> Draw:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.full((height, width, 3), 100, np.uint8)
        picture[:48, :48] = 0
        picture[48:96, 48:96] = 100 + (level if number > 3 else 0)
        return picture

    return draw


@pytest.mark.parametrize(("levels", "flags"), [(5, ("static",)), (6, ("static",)), (7, ())])
def test_a_difference_of_six_grey_levels_is_none(levels: int, flags: tuple[str, ...]) -> None:
    data = clip("matroska", "ffv1", draw=lit(levels), frames=6, gop=1, pixels="gray", size=(384, 384))
    assert measured(data).flags == flags


def test_a_video_whose_key_pictures_are_alike_may_still_move() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return moving(number % 10, width, height)

    assert "static" not in measured(clip(draw=draw, frames=30, gop=10)).flags


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
def test_a_loop_by_copying_is_seen(container: str) -> None:
    once = clip(container, frames=20, gop=5)
    assert measured(once).flags == ()
    for times in (2, 3, 5, 7):
        assert measured(remuxed(once, container, times)).flags == ("looped",)


@pytest.mark.parametrize("periods", [2, 3, 4, 6])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_loop_by_encoding_again_is_seen(periods: int, codec: str) -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return moving(number % (60 // periods), width, height)

    data = clip("matroska", codec, draw=draw, frames=60, gop=5, size=(320, 240))
    assert measured(data).flags == ("looped",)


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_slides_and_what_blinks_are_no_loop(codec: str) -> None:
    """x264 numbers instantaneous pictures 0 and 1 by turns; a cursor is there and gone."""

    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = moving(20 * (number // 35), width, height).copy()
        if codec == "mjpeg":
            picture[100:120, 100:120] = 255 * (number // 3 % 2)
        return picture

    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    data = clip("mov", codec, draw=draw, frames=105, gop=5, size=(320, 240), pixels=pixels)
    assert measured(data).flags == ()


def test_a_thing_that_comes_back_once_is_no_loop() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return moving(0 if number < 20 or number >= 40 else number, width, height)

    assert measured(clip("matroska", draw=draw, frames=60, gop=5)).flags == ()


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_a_sound_moving_picture_has_no_flags(name: str) -> None:
    assert measured(container_of(name, 60)).flags == ()


def framed(top: int, side: int, level: int = 16) -> Draw:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.full((height, width, 3), level, np.uint8)
        inside = moving(number, width - 2 * side, height - 2 * top)
        picture[top : height - top, side : width - side] = inside
        return picture

    return draw


@pytest.mark.parametrize(
    ("top", "side", "level"), [(60, 0, 16), (0, 40, 16), (60, 40, 16), (60, 0, 235), (60, 0, 120)]
)
@pytest.mark.parametrize("gop", [2, 100])
def test_constant_borders_at_opposite_sides_are_bars(top: int, side: int, level: int, gop: int) -> None:
    data = clip(draw=framed(top, side, level), frames=24, size=(320, 240), gop=gop)
    assert measured(data).flags == ("bars",)


@pytest.mark.parametrize(("lines", "flags"), [(5, ()), (6, ("bars",)), (7, ("bars",))])
def test_bars_begin_at_two_percent(lines: int, flags: tuple[str, ...]) -> None:
    data = clip("matroska", "ffv1", draw=framed(lines, 0), frames=6, size=(400, 300), gop=1, pixels="yuv444p")
    assert measured(data).flags == flags


def test_a_wide_picture_has_no_bars() -> None:
    media = measured(clip(frames=3, size=(1280, 544)))
    assert (media.width_px, media.height_px, media.flags) == (1280, 544, ())


def test_a_black_beginning_is_no_bar() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return np.zeros((height, width, 3), np.uint8) if number < 10 else moving(number, width, height)

    assert measured(clip(draw=draw, frames=30, gop=5)).flags == ()


def test_a_title_on_a_plain_ground_has_no_bars() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.full((height, width, 3), 40, np.uint8)
        picture[100:110, 20 + 5 * number : 60 + 5 * number] = 230
        return picture

    assert measured(clip(draw=draw, frames=24, size=(320, 240), gop=2)).flags == ()


def test_a_headline_and_a_foot_on_a_plain_ground_are_no_bars() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.full((height, width, 3), 255, np.uint8)
        picture[30:60, 5 : width - 5] = picture[200:230, 5 : width - 5] = 30 + 10 * (number // 4)
        return picture

    assert measured(clip(draw=draw, frames=24, size=(320, 240), gop=2)).flags == ()


@pytest.mark.parametrize("lower", [60, 100])
def test_slides_on_a_plain_ground_have_no_bars(lower: int) -> None:
    """Some have a wide headline, one of them a wide foot as well."""

    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.full((height, width, 3), 255, np.uint8)
        picture[30:lower, 20 : width - 20] = 30 + 10 * (number // 4)
        picture[150 : 160 + 10 * (number // 4), 40:120] = 60
        if number >= 20:
            picture[200:230, 20 : width - 20] = 60
        return picture

    assert measured(clip(draw=draw, frames=24, size=(320, 240), gop=2)).flags == ()


# -- the header ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_a_header_of_seven_hundred_megabytes_takes_less_than_one_of_reading(
    tmp_path: Path, first: bool
) -> None:
    data = remuxed(container_of("mp4-h264"), "mp4", 900, {"movflags": "faststart"} if first else {})
    moov = data.index(b"moov") - 4
    free = 700_000_000 - len(data)
    if first:
        path = sparse(tmp_path / "a", data, free, b"")
    else:
        path = sparse(tmp_path / "a", data[:moov], free, data[moov:])
    with Counting(path) as file:
        media = video.measure(file, path.stat().st_size, LIMITS, lambda: None, full=False)
    assert media.frames == 27_000
    assert file.read_bytes < 1_000_000


# -- key frames ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "aspect", "size"),
    [(None, None, (32, 24)), (90, None, (24, 32)), (None, Fraction(2), (32, 12))],
)
def test_a_key_frame_is_as_displayed(
    degrees: float | None, aspect: Fraction | None, size: tuple[int, int]
) -> None:
    (jpeg,) = video.key_frames(io.BytesIO(clip(frames=3, degrees=degrees, aspect=aspect)), LIMITS, 32, 3)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", size)


def test_a_key_frame_is_turned_the_right_way() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        picture = np.zeros((height, width, 3), np.uint8)
        picture[: height // 2] = 255
        return picture

    (jpeg,) = video.key_frames(io.BytesIO(clip(frames=2, draw=draw, degrees=90)), LIMITS, 64, 3)
    with Image.open(io.BytesIO(jpeg)) as image:  # counter-clockwise: what was at the top is at the left
        grey = np.asarray(image.convert("L"))
    assert grey[:, : grey.shape[1] // 2].mean() > 200
    assert grey[:, grey.shape[1] // 2 :].mean() < 50


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "avi"])
def test_key_frames_come_from_all_of_a_video(container: str) -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return np.full((height, width, 3), 40 + 80 * (number // 10), np.uint8)

    made = video.key_frames(io.BytesIO(clip(container, frames=30, gop=10, draw=draw)), LIMITS, 32, 3)
    greys = [np.asarray(Image.open(io.BytesIO(each)).convert("L")).mean() for each in made]
    assert len(made) >= 2
    assert greys == sorted(greys)
    assert greys[0] == pytest.approx(40, abs=6)
    assert greys[-1] >= 115


def test_a_key_frame_of_damage_is_an_item_error() -> None:
    with pytest.raises(ItemError):
        video.key_frames(io.BytesIO(bytes(3000)), LIMITS, 64, 3)


# -- near-duplicates ----------------------------------------------------------------------------------------------


def panned(number: int, width: int, height: int) -> np.ndarray:
    """Soft shapes under a window that moves; another aspect shows the same."""
    shapes = np.random.default_rng(5).integers(0, 255, (9, 80, 3), np.uint8)
    wide = Image.fromarray(shapes)
    left = 0.15 * number
    return np.asarray(wide.resize((width, height), Image.Resampling.BICUBIC, (left, 0, left + 12, 9)))


def turned(number: int, width: int, height: int) -> np.ndarray:
    """The same, as it is stored when it is displayed a quarter turn counter-clockwise."""
    return np.rot90(panned(number, height, width), -1)


def film(data: bytes) -> films.Film:
    made = measured(data).fingerprint
    assert made is not None
    return films.unpacked(made)


def compared(a: bytes, b: bytes) -> films.Match:
    ours, theirs = measured(a).fingerprint, measured(b).fingerprint
    assert ours is not None
    assert theirs is not None
    return video.compare(ours, io.BytesIO(a), theirs, io.BytesIO(b), LIMITS, lambda: None)


def test_a_fingerprint_holds_the_first_pictures_and_the_key_pictures_of_the_places() -> None:
    found = film(clip(frames=400, size=(96, 72), gop=25, draw=panned))
    assert (found.first_ms, found.last_ms, found.keys, found.gap_ms) == (0, 16_000, 16, 1000)
    keys = {max(0, 1000 * (16 * place // 12)) for place in range(12)}
    assert found.times_ms.tolist() == sorted({*range(0, 40 * video.RUN, 40)} | keys)


def test_a_header_alone_has_no_fingerprint() -> None:
    assert measured(clip(), full=False).fingerprint is None


def test_flat_pictures_are_not_in_the_fingerprint_and_do_not_use_up_the_run() -> None:
    def draw(number: int, width: int, height: int) -> np.ndarray:
        return panned(number, width, height) if number >= 100 else np.zeros((height, width, 3), np.uint8)

    times = film(clip(frames=300, size=(96, 72), gop=1000, draw=draw)).times_ms
    assert times.tolist() == [40 * number for number in range(100, 100 + video.RUN)]
    assert measured(clip(frames=300, size=(96, 72), draw=lambda n, w, h: draw(0, w, h))).fingerprint is None


def test_the_run_is_bounded_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "RUN_PIXELS", 20 * 96 * 72)
    assert film(clip(frames=60, size=(96, 72), gop=1000, draw=panned)).times_ms.size == 20


def test_one_picture_has_no_fingerprint() -> None:
    assert measured(clip(frames=1, draw=panned)).fingerprint is None
    assert measured(clip(frames=2, draw=panned)).fingerprint is not None


def test_the_fingerprint_is_of_the_pictures_as_displayed() -> None:
    upright = film(clip(frames=20, size=(128, 96), draw=panned))
    other = film(clip(frames=20, size=(96, 128), draw=turned, degrees=90))
    assert upright.times_ms.tolist() == other.times_ms.tolist()
    bits = np.bitwise_count(upright.hashes ^ other.hashes)
    assert bits.max() <= pictures.MOST_BITS


def test_damage_in_the_run_ends_it() -> None:
    data = bytearray(clip(frames=30, size=(320, 240), gop=1000, draw=panned))
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        packet = [each for each in container.demux(video=0) if each.size][12]
        assert packet.pos is not None
        middle = packet.pos + packet.size // 2
    data[middle : middle + 40] = bytes(range(200, 240))
    whole = film(clip(frames=30, size=(320, 240), gop=1000, draw=panned))
    assert whole.times_ms.size == 30
    assert film(bytes(data)).times_ms.size <= 12


@pytest.mark.parametrize(
    ("container", "size"),
    [(name, (320, 240)) for name in ("mp4", "matroska", "mpegts", "avi", "flv", "webm")]
    + [("mp4", (160, 120))],
)
def test_another_container_size_and_key_frames_are_found(container: str, size: tuple[int, int]) -> None:
    codec = "libvpx-vp9" if container == "webm" else "libx264"
    original = clip(frames=150, size=(320, 240), gop=1000, draw=panned)
    match = compared(original, clip(container, codec, frames=150, size=size, gop=12, draw=panned))
    assert match.is_verified
    assert abs(match.offset_ms) <= 2000  # MPEG-TS begins later


@pytest.mark.parametrize("gops", [(1000, 1000), (12, 1000), (1000, 50), (48, 50)])
def test_a_cut_beginning_is_found(gops: tuple[int, int]) -> None:
    def late(number: int, width: int, height: int) -> np.ndarray:
        return panned(number + 33, width, height)

    whole = clip(frames=150, size=(160, 120), gop=gops[0], draw=panned)
    match = compared(whole, clip(frames=117, size=(160, 120), gop=gops[1], draw=late))
    assert match.is_verified
    assert match.offset_ms == -33 * 40


def test_a_turned_copy_is_found() -> None:
    upright = clip(frames=60, size=(160, 120), draw=panned)
    assert compared(upright, clip(frames=60, size=(120, 160), draw=turned, degrees=90)).is_verified


def test_moments_of_any_time_are_the_pictures_on_display() -> None:
    data = clip(frames=100, size=(64, 48), gop=30, draw=panned)
    with demux.opened(io.BytesIO(data), "video") as container:
        moments = video._Moments(container, container.streams.video[0], LIMITS, lambda: None, 1200)

        def times(first_ms: int, last_ms: int) -> list[int]:
            return [each.time_ms for each in moments.pictures(first_ms, last_ms)]

        assert times(1000, 1080) == [1000, 1040, 1080]
        assert times(1019, 1050) == [1000, 1040]
        assert times(2999, 2999) == [2960]
        assert times(-500, 10) == [0]
        assert times(1201, 1201) == [1200]
        assert times(3900, 9000) == [3880, 3920, 3960]
        assert times(9000, 9100) == [3960]
        assert next(moments.pictures(40, 200)).time_ms == 40
        assert times(80, 80) == [80]


def test_a_moment_is_given_upright_and_small() -> None:
    data = clip(frames=3, size=(1600, 900), draw=turned, degrees=90)
    with demux.opened(io.BytesIO(data), "video") as container:
        moments = video._Moments(container, container.streams.video[0], LIMITS, lambda: None, 120)
        shown = next(moments.pictures(0, 0))
    assert shown.cells.shape == (64, 64)
    assert shown.grey().shape == (683, 384)


def test_damage_at_the_moments_of_a_copy_finds_nothing_wrong() -> None:
    whole = clip(frames=150, size=(160, 120), gop=50, draw=panned)
    made = measured(whole).fingerprint
    assert made is not None
    with av.open(io.BytesIO(whole), "r") as container:
        spans = [(each.pos, each.size) for each in container.demux(video=0) if each.size]
    damaged = bytearray(whole)
    for place, size in spans:
        assert place is not None
        damaged[place + 4 : place + size] = bytes(size - 4)
    match = video.compare(made, io.BytesIO(whole), made, io.BytesIO(bytes(damaged)), LIMITS, lambda: None)
    assert (match.frames, match.is_verified) == (0, False)
    with pytest.raises(ItemError):
        video.compare(
            made, io.BytesIO(whole), made, io.BytesIO(whole[: len(whole) // 2]), LIMITS, lambda: None
        )


@pytest.mark.realdata
@pytest.mark.slow
def test_of_the_real_videos_none_is_found_in_another_family(realdata: Path) -> None:
    found, names = [], []
    for path in sorted((realdata / "video_tmk").glob("*.mp4")):
        data = path.read_bytes()
        names.append((path.name.split("-")[0], path))
        found.append(measured(data).fingerprint)
    verified = set()
    for a, b in films.candidates(found).pairs.tolist():
        ours, theirs = found[a], found[b]
        assert ours is not None
        assert theirs is not None
        with names[a][1].open("rb") as one, names[b][1].open("rb") as other:
            if video.compare(ours, one, theirs, other, LIMITS, lambda: None).is_verified:
                verified.add((a, b))
    assert all(names[a][0] == names[b][0] for a, b in verified)
    assert verified


# -- real videos --------------------------------------------------------------------------------------------------

BARS, PLAIN = ("bars",), ()
REAL = [
    ("video_tmk/chair-19-sd-bar.mp4", "h264", (480, 720), 564, "30/1", 18.8, BARS),
    ("video_tmk/chair-20-sd-bar.mp4", "h264", (480, 720), 614, "30/1", 20.466666, BARS),
    ("video_tmk/chair-22-sd-grey-bar.mp4", "h264", (480, 720), 673, "30/1", 22.433333, BARS),
    ("video_tmk/chair-22-sd-sepia-bar.mp4", "h264", (480, 720), 673, "30/1", 22.433333, BARS),
    ("video_tmk/chair-22-with-large-logo-bar.mp4", "h264", (480, 720), 673, "30/1", 22.433333, BARS),
    ("video_tmk/chair-22-with-small-logo-bar.mp4", "h264", (480, 720), 673, "30/1", 22.433333, BARS),
    ("video_tmk/chair-orig-22-sd-bar.mp4", "h264", (480, 720), 673, "30/1", 22.433333, BARS),
    ("video_tmk/doorknob-hd-no-bar.mp4", "h264", (1280, 720), 120, "30/1", 4.0, PLAIN),
    ("video_tmk/pattern-hd-no-bar.mp4", "h264", (720, 1280), 206, "30/1", 6.866666, PLAIN),
    ("video_tmk/pattern-longer-no-bar.mp4", "h264", (720, 1280), 235, "30/1", 7.833333, PLAIN),
    ("video_tmk/pattern-sd-grey-bar.mp4", "h264", (480, 720), 206, "30/1", 6.866666, BARS),
    ("video_tmk/pattern-sd-with-large-logo-bar.mp4", "h264", (480, 720), 206, "30/1", 6.866666, BARS),
    ("video_tmk/pattern-sd-with-small-logo-bar.mp4", "h264", (480, 720), 206, "30/1", 6.866666, BARS),
    ("video_tmk/test-padded-dimensions.mp4", "h264", (1080, 1080), 150, "30/1", 5.0, BARS),
    ("video_codecs/av1_video.mkv", "av1", (640, 360), 125, "25/1", 5.0, PLAIN),
    ("video_codecs/bt709_full_range.mp4", "h264", (1280, 720), 30, "30/1", 1.0, PLAIN),
    ("video_codecs/h264_10bits.mp4", "h264", (200, 200), 30, "30/1", 1.0, PLAIN),
    ("video_codecs/h265_10bits.mp4", "hevc", (200, 200), 30, "30/1", 1.0, PLAIN),
    ("video_codecs/h265_video.mp4", "hevc", (128, 128), 10, "10/1", 1.0, PLAIN),
    ("video_codecs/nasa_13013.mp4", "h264", (320, 180), 325, "25/1", 13.0, PLAIN),
]


@pytest.mark.realdata
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(("name", "codec", "size", "frames", "rate", "length_s", "flags"), REAL)
def test_real_videos_are_what_ffprobe_says(
    realdata: Path,
    name: str,
    codec: str,
    size: tuple[int, int],
    frames: int,
    rate: str,
    length_s: float,
    flags: tuple[str, ...],
    full: bool,
) -> None:
    path = realdata / name
    with path.open("rb") as file:
        media = video.measure(file, path.stat().st_size, LIMITS, lambda: None, full=full)
    assert (media.codec, (media.width_px, media.height_px), media.frame_rate) == (codec, size, rate)
    assert media.frames == frames or (not full and name.endswith(".mkv") and media.frames is None)
    assert seconds(media) == pytest.approx(length_s, abs=1e-5)
    assert media.flags == (flags if full else ())


@pytest.mark.realdata
def test_the_names_of_the_real_videos_are_all_here(realdata: Path) -> None:
    there = {f"{path.parent.name}/{path.name}" for path in realdata.glob("video_*/*.m*")}
    assert there == {each[0] for each in REAL}
