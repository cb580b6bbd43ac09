import io
import random
import struct
import subprocess
import sys
import tracemalloc
import wave
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, cast, get_args

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.containers.model import Watched
from dqv.core.errors import ItemError
from dqv.core.registration import RawSound
from dqv.core.settings import Limits
from dqv.core.units import FLICKS_PER_SECOND
from dqv.measure import audio, audio_structure
from dqv.measure.audio import HoldsPictures, measure
from dqv.measure.media import Media, flicks

LIMITS = Limits()
NAMES = ("wav", "flac", "mp3", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff", "caf", "wma", "amr", "mp4", "mov",
         "mkv", "webm", "flv", "avi", "ts", "mpg")  # fmt: skip

Int16 = npt.NDArray[np.int16]


def of(data: bytes, format: str = "x", full: bool = True, raw: RawSound | None = None) -> Media:
    return measure(io.BytesIO(data), len(data), LIMITS, lambda: None, format=format, full=full, raw=raw)


def samples_of(media: Media) -> float:
    assert media.duration_flicks is not None
    assert media.sample_rate_hz is not None
    return media.duration_flicks * media.sample_rate_hz / FLICKS_PER_SECOND


def error_of(data: bytes, format: str = "x", full: bool = True) -> ItemError:
    with pytest.raises(ItemError) as caught:
        of(data, format, full)
    return caught.value


def noise(count: int, channels: int = 1, loudness: float = 4000) -> Int16:
    """A tone in noise: what an encoder meets in sound, and nothing that it could leave out."""
    drawn = np.random.default_rng(1).normal(0, loudness / 20, (count, channels))
    tone = np.sin(np.arange(count) / 20)[:, None] * loudness
    return cast(Int16, (tone + drawn).astype(np.int16))


def by_soundfile(samples: Any, rate: int, format: str, subtype: str = "PCM_16", **more: Any) -> bytes:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate, samples.shape[1], subtype, format=format) as file:
        for name, value in more.items():
            setattr(file, name, value)
        file.write(samples)
    return out.getvalue()


def by_ffmpeg(
    samples: Int16,
    rate: int,
    container: str,
    codec: str,
    tags: dict[str, str] | None = None,
    picture: str | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """Encode; `picture` adds a stream of pictures: "cover" or "moving"."""
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options or {}) as file:
        file.metadata.update(tags or {})
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        sound: Any = file.add_stream(cast(Any, codec), rate=rate, layout=layout)
        if codec != "libopencore_amrnb":
            sound.bit_rate = 96_000
        shown: Any = None
        if picture:
            shown = file.add_stream("mjpeg" if picture == "cover" else "mpeg4", rate=10)
            shown.width = shown.height = 32
            shown.pix_fmt = "yuvj420p" if picture == "cover" else "yuv420p"
            if picture == "cover":
                shown.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.reshape(1, -1)), "s16", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        packets = [*sound.encode(frame), *sound.encode(None)]
        if shown is not None:
            for number in range(1 if picture == "cover" else 10):
                image = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * number, np.uint8), "rgb24")
                image = image.reformat(format=shown.pix_fmt)
                image.pts = number
                file.mux(shown.encode(image))
            file.mux(shown.encode(None))
        file.mux(packets)
    return out.getvalue()


# What each kind of file measures: made of 1 s and 123 samples; how many more its encoder leaves at the ends, as system
# FFmpeg counts them too. AAC fills its last frame (and ADTS has no way to say what its first one is worth), AMR idem.
# libsndfile counts the padding of an odd AIFF that it writes as a sample.
RATE, COUNT = 48_000, 48_123
MADE: dict[str, tuple[Callable[[], bytes], str, str, int, int, int]] = {
    "wav": (lambda: by_soundfile(noise(COUNT, 2), RATE, "WAV"), "pcm_s16le", "PCM_16", RATE, 2, COUNT),
    "wav-24": (lambda: by_soundfile(noise(COUNT), RATE, "WAV", "PCM_24"), "pcm_s24le", "PCM_24", RATE, 1, COUNT),
    "wav-float": (lambda: by_soundfile(noise(COUNT), RATE, "WAV", "FLOAT"), "pcm_f32le", "FLOAT", RATE, 1, COUNT),
    "wav-u8": (lambda: by_soundfile(noise(COUNT), RATE, "WAV", "PCM_U8"), "pcm_u8", "PCM_U8", RATE, 1, COUNT),
    "wav-alaw": (lambda: by_soundfile(noise(COUNT), RATE, "WAV", "ALAW"), "pcm_alaw", "ALAW", RATE, 1, COUNT),
    "wavex": (lambda: by_soundfile(noise(COUNT), RATE, "WAVEX"), "pcm_s16le", "PCM_16", RATE, 1, COUNT),
    "rf64": (lambda: by_soundfile(noise(COUNT), RATE, "RF64"), "pcm_s16le", "PCM_16", RATE, 1, COUNT),
    "aiff": (lambda: by_soundfile(noise(COUNT, 2), RATE, "AIFF"), "pcm_s16be", "PCM_16", RATE, 2, COUNT),
    "aiff-odd": (lambda: by_soundfile(noise(COUNT), RATE, "AIFF", "PCM_S8"), "pcm_s8", "PCM_S8", RATE, 1, COUNT + 1),
    "caf": (lambda: by_soundfile(noise(COUNT), RATE, "CAF"), "pcm_s16be", "PCM_16", RATE, 1, COUNT),
    "caf-alac": (lambda: by_soundfile(noise(COUNT), RATE, "CAF", "ALAC_16"), "alac", "ALAC_16", RATE, 1, COUNT),
    "flac": (lambda: by_soundfile(noise(COUNT, 2), RATE, "FLAC"), "flac", "s16", RATE, 2, COUNT),
    "vorbis": (lambda: by_soundfile(noise(COUNT), RATE, "OGG", "VORBIS"), "vorbis", "fltp", RATE, 1, COUNT),
    "oga-flac": (lambda: by_ffmpeg(noise(COUNT), RATE, "ogg", "flac"), "flac", "s16", RATE, 1, COUNT),
    "mp3": (lambda: by_ffmpeg(noise(COUNT, 2), RATE, "mp3", "libmp3lame"), "mp3", "fltp", RATE, 2, COUNT),
    "opus": (lambda: by_ffmpeg(noise(COUNT, 2), RATE, "ogg", "libopus"), "opus", "fltp", RATE, 2, COUNT),
    "m4a": (lambda: by_ffmpeg(noise(COUNT, 2), RATE, "ipod", "aac"), "aac", "fltp", RATE, 2, 47 * 1024),
    "m4a-alac": (lambda: by_ffmpeg(noise(COUNT), RATE, "ipod", "alac"), "alac", "s32p", RATE, 1, COUNT),
    "aac": (lambda: by_ffmpeg(noise(COUNT), RATE, "adts", "aac"), "aac", "fltp", RATE, 1, 48 * 1024),
    "wma": (lambda: by_ffmpeg(noise(COUNT), RATE, "asf", "wmav2"), "wmav2", "fltp", RATE, 1, 47_104),
    "amr": (lambda: by_ffmpeg(noise(8123), 8000, "amr", "libopencore_amrnb"), "amrnb", "fltp", 8000, 1, 52 * 160),
    "mp4": (lambda: by_ffmpeg(noise(COUNT), RATE, "mp4", "aac"), "aac", "fltp", RATE, 1, 47 * 1024),
    "mov": (lambda: by_ffmpeg(noise(COUNT), RATE, "mov", "pcm_s16le"), "pcm_s16le", "s16", RATE, 1, COUNT),
    "webm": (lambda: by_ffmpeg(noise(COUNT), RATE, "webm", "libopus"), "opus", "fltp", RATE, 1, COUNT),
    "mkv": (lambda: by_ffmpeg(noise(COUNT), RATE, "matroska", "flac"), "flac", "s16", RATE, 1, COUNT),
    "flv": (lambda: by_ffmpeg(noise(44_100), 44_100, "flv", "aac"), "aac", "fltp", 44_100, 1, 45 * 1024),
    "avi": (lambda: by_ffmpeg(noise(COUNT), RATE, "avi", "mp2"), "mp2", "s16p", RATE, 1, 42 * 1152),
    "ts": (lambda: by_ffmpeg(noise(COUNT), RATE, "mpegts", "aac"), "aac", "fltp", RATE, 1, 48 * 1024),
    "mpg": (lambda: by_ffmpeg(noise(COUNT), RATE, "mpeg", "mp2"), "mp2", "s16p", RATE, 1, 42 * 1152),
}  # fmt: skip
NO_DURATION = {"aac", "amr", "flv", "ts", "mpg"}


@pytest.fixture(scope="module")
def made() -> Callable[[str], bytes]:
    kept: dict[str, bytes] = {}

    def get(name: str) -> bytes:
        if name not in kept:
            kept[name] = MADE[name][0]()
        return kept[name]

    return get


@pytest.mark.parametrize("name", MADE)
def test_every_format_is_measured_to_the_sample(name: str, made: Callable[[str], bytes]) -> None:
    data = made(name)
    _, codec, mode, rate, channels, count = MADE[name]
    media = of(data)
    assert (media.modality, media.codec, media.mode) == ("audio", codec, mode)
    assert (media.sample_rate_hz, media.channels) == (rate, channels)
    assert media.duration_flicks == flicks(Fraction(count, rate))
    assert media.decoded
    assert media.payload_bytes == len(data)
    assert media.xxh3_128 is None  # its caller reads the whole object anyhow
    assert media.normalised is not None
    assert len(media.normalised) == 16
    assert (media.width_px, media.height_px, media.frames, media.frame_rate) == (None, None, None, None)


@pytest.mark.parametrize("name", MADE)
def test_the_header_alone_says_the_same_or_nothing(name: str, made: Callable[[str], bytes]) -> None:
    _, codec, _, rate, channels, count = MADE[name]
    media = of(made(name), full=False)
    assert not media.decoded
    assert (media.xxh3_128, media.normalised, media.silent_flicks) == (None, None, None)
    assert (media.codec, media.sample_rate_hz, media.channels) == (codec, rate, channels)
    if name in NO_DURATION:
        assert media.duration_flicks is None
    else:
        assert media.duration_flicks is not None
        assert abs(samples_of(media) - count) <= rate / 20


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("part", ["half", "9/10", "-10"])
def test_a_recording_cut_short_never_counts(name: str, part: str, made: Callable[[str], bytes]) -> None:
    data = made(name)
    if name == "mpg":  # ends with 2048 bytes of one pack; cut inside a packet that says how long it is
        data = data[: len(data) // 2 + 7] if part == "half" else data[: len(data) * 9 // 10 + 7]
    else:
        data = data[: {"half": len(data) // 2, "9/10": len(data) * 9 // 10, "-10": len(data) - 10}[part]]
        if name == "ts" and len(data) % 188 == 0:
            data = data[:-1]  # between two packets nothing tells
    error = error_of(data)
    assert error.kind in ("truncated", "audio")


@pytest.mark.parametrize(
    "name", ["wav", "aiff", "caf", "mp3", "m4a", "mov", "webm", "mkv", "wma", "avi", "ts"]
)
def test_half_a_file_shows_in_its_header_alone(name: str, made: Callable[[str], bytes]) -> None:
    data = made(name)
    half = data[: len(data) // 2 + 1]
    error = error_of(half, full=False)
    assert error.kind == "truncated"
    assert str(len(half)) in error.detail


@pytest.mark.parametrize("name", ["flac", "vorbis", "opus", "oga-flac"])
def test_every_flipped_bit_is_found_where_checksums_are(name: str, made: Callable[[str], bytes]) -> None:
    data, draw = made(name), random.Random(7)
    first = data.index(b"\xff\xf8") if name == "flac" else 0  # STREAMINFO's MD5 is not compared
    for _ in range(25):
        broken = bytearray(data)
        broken[draw.randrange(first, len(data))] ^= 1 << draw.randrange(8)
        assert error_of(bytes(broken)).kind in ("audio", "truncated", "unsupported")


@pytest.mark.parametrize("name", ["mp3", "aac", "amr", "m4a"])
def test_a_destroyed_stretch_is_found_where_frames_are(name: str, made: Callable[[str], bytes]) -> None:
    data = bytearray(made(name))
    middle = len(data) // 2
    data[middle : middle + 2000 if name != "amr" else middle + 60] = bytes(2000 if name != "amr" else 60)
    if name == "amr":
        data[middle : middle + 60] = b"\xff" * 60
    assert error_of(bytes(data)).kind in ("audio", "truncated")


@pytest.mark.parametrize("name", MADE)
def test_flipped_bits_never_raise_anything_else(name: str, made: Callable[[str], bytes]) -> None:
    data, draw = made(name), random.Random(name)
    for at in [draw.randrange(min(400, len(data))) for _ in range(6)] + [draw.randrange(len(data))]:
        broken = bytearray(data)
        broken[at] ^= 1 << draw.randrange(8)
        for full in (True, False):
            with suppress(ItemError, HoldsPictures):
                of(bytes(broken), full=full)


@pytest.mark.parametrize("name", ["wav", "rf64", "aiff", "caf", "flac"])
def test_headers_that_point_anywhere_never_raise_anything_else(
    name: str, made: Callable[[str], bytes]
) -> None:
    data = made(name)
    for at in range(4, 64):
        for wrong in (
            b"\0\0\0\0",
            b"\xff\xff\xff\xff",
            b"\x7f\xff\xff\xff",
            b"\xff\xff\xff\x7f",
            b"\0\0\0\x01",
        ):
            with suppress(ItemError):
                of(data[:at] + wrong + data[at + 4 :], full=False)


def test_no_bytes_are_empty() -> None:
    for name in NAMES:
        assert error_of(b"", name).kind == "empty"


@pytest.mark.parametrize("name", NAMES)
def test_random_bytes_are_no_recording_under_any_name(name: str) -> None:
    draw = random.Random(name)
    for size in (1, 3, 11, 500, 20_000):
        for full in (True, False):
            assert error_of(draw.randbytes(size), name, full).kind in ("audio", "truncated")
    assert error_of(bytes(5000), name).kind == "audio"


def test_frames_by_chance_do_not_make_random_bytes_a_recording() -> None:
    draw = random.Random(5)
    for start in (b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\x64", b"OggS", b"fLaC", b"caff",
                  b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b"\x1aE\xdf\xa3", b"#!AMR\n", b"\0\0\0\x18ftypM4A ",
                  bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), b"FLV\x01", b"\0\0\x01\xba"):  # fmt: skip
        for full in (True, False):
            try:
                media = of(start + draw.randbytes(3000), full=full)
            except ItemError:
                continue
            assert not full
            assert media.duration_flicks is None


@pytest.mark.parametrize("start", [b"wvpk", b"MAC ", b"#!SILK_V3", b"\x02#!SILK_V3", b"DSD "])
def test_known_sound_without_decoder_is_unsupported(start: bytes) -> None:
    assert error_of(start + bytes(500)).kind == "unsupported"


def test_the_content_decides_not_the_name(made: Callable[[str], bytes]) -> None:
    assert of(made("mp3"), "wav") == of(made("mp3"), "mp3")
    assert of(made("wav"), "mp3").codec == "pcm_s16le"


# Headers of WAV, AIFF, CAF that lie.


def wav(data_bytes: int, claimed: int | None = None, whole: int | None = None, rate: int = 8000) -> bytes:
    body = noise(data_bytes // 2 + 1).tobytes()[:data_bytes]
    claimed = data_bytes if claimed is None else claimed
    whole = 36 + data_bytes if whole is None else whole
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", whole)
        + b"WAVEfmt \x10\0\0\0"
        + form
        + b"data"
        + struct.pack("<I", claimed)
        + body
    )


def test_a_wav_that_claims_one_byte_more_is_truncated_and_both_lengths_are_said() -> None:
    assert samples_of(of(wav(2000))) == 1000
    error = error_of(wav(2000, 2001, 2037))
    assert error.kind == "truncated"
    assert "2045" in error.detail
    assert "2044" in error.detail
    assert error_of(wav(2000, 2001)).kind == "truncated"
    assert (
        error_of(wav(2000, whole=2038)).kind == "truncated"
    )  # one byte may be the padding that writers forget


@pytest.mark.parametrize("full", [True, False])
def test_a_riff_size_that_is_the_files_is_accepted_with_whole_chunks(full: bool) -> None:
    assert samples_of(of(wav(2000, whole=2044), full=full)) == 1000
    assert error_of(wav(2000, 2001, 2044), full=full).kind == "truncated"
    assert error_of(wav(2000, whole=2045), full=full).kind == "truncated"


@pytest.mark.parametrize("full", [True, False])
def test_sizes_that_sox_leaves_open_in_a_pipe_claim_nothing(full: bool) -> None:
    for whole in (0x7FFFFFFF, 0x80000000):
        media = of(wav(2000, whole - 36, whole), full=full)
        assert samples_of(media) == 1000


def test_a_block_codec_in_wav_may_end_a_little_before_its_count() -> None:
    data = bytearray(by_soundfile(noise(8000), 8000, "WAV", "MS_ADPCM"))
    at = data.index(b"fact") + 8
    assert samples_of(of(bytes(data))) >= 8000
    struct.pack_into("<I", data, at, 12_000)
    assert samples_of(of(bytes(data))) >= 8000


@pytest.mark.parametrize("full", [True, False])
def test_a_data_chunk_that_lies_upward_adds_no_hours(full: bool) -> None:
    assert error_of(wav(2000, 0x7FFFF000, 0x7FFFF024), full=full).kind == "truncated"


@pytest.mark.parametrize("open_size", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_what_a_streaming_writer_leaves_claims_nothing(open_size: int) -> None:
    for whole in (0, 0xFFFFFFFF, 36):
        if open_size or whole in (0, 36):
            assert samples_of(of(wav(2000, open_size, whole))) == 1000
    assert of(wav(2000, open_size, open_size)).normalised == of(wav(2000)).normalised


def test_an_open_size_in_a_header_alone_reaches_to_the_end() -> None:
    for open_size in (0, 0xFFFFFFFF):
        assert samples_of(of(wav(2000, open_size, open_size), full=False)) == 1000


def test_only_what_the_header_covers_is_decoded() -> None:
    assert samples_of(of(wav(2000, 200, 236))) == 100
    assert samples_of(of(wav(2000, 200))) == 100
    assert samples_of(of(wav(2000) + b"\xfe" * 999)) == 1000


def test_a_header_without_samples_is_empty(made: Callable[[str], bytes]) -> None:
    assert error_of(wav(0)).kind == "empty"
    assert error_of(wav(0), full=False).kind == "empty"
    assert error_of(by_soundfile(noise(0), RATE, "FLAC")).kind in ("empty", "audio", "truncated")


def test_rf64_claims_by_its_ds64(made: Callable[[str], bytes]) -> None:
    data = bytearray(made("rf64"))
    at = data.index(b"ds64") + 8
    size = struct.unpack_from("<Q", data, at + 8)[0]
    struct.pack_into("<Q", data, at + 8, size + 2)
    assert error_of(bytes(data)).kind == "truncated"


def test_the_wave_module_writes_what_is_read() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((2, 3, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(6 * 441))
    media = of(out.getvalue())
    assert (samples_of(media), media.codec) == (441, "pcm_s24le")


def test_a_caf_of_unknown_size_claims_nothing(made: Callable[[str], bytes]) -> None:
    data = bytearray(made("caf"))
    at = data.index(b"data") + 4
    size = struct.unpack_from(">q", data, at)[0]
    struct.pack_into(">q", data, at, -1)
    assert samples_of(of(bytes(data[: at + 8 + size]))) == COUNT
    struct.pack_into(">q", data, at, size + 1)
    assert error_of(bytes(data[: at + 8 + size])).kind == "truncated"


def test_an_aiff_that_claims_more_samples_is_truncated(made: Callable[[str], bytes]) -> None:
    data = bytearray(made("aiff"))
    struct.pack_into(">I", data, data.index(b"SSND") + 4, len(data))
    assert error_of(bytes(data)).kind == "truncated"


# Compressed formats: totals that lie, ends that are missing.


def with_total(flac: bytes, total: int) -> bytes:
    data = bytearray(flac)
    word = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    data[18:26] = word.to_bytes(8, "big")
    return bytes(data)


def test_a_flac_that_claims_one_sample_more_is_defective(made: Callable[[str], bytes]) -> None:
    assert error_of(with_total(made("flac"), COUNT + 1)).kind in ("audio", "truncated")


def test_a_flac_that_claims_fewer_samples_is_defective(made: Callable[[str], bytes]) -> None:
    for total in (1, 1000, COUNT - 1):
        assert error_of(with_total(made("flac"), total)).kind == "audio"


def flac_frames(data: bytes) -> list[bytes]:
    """The metadata, then every frame (of the fixed size that libsndfile writes, below 128 of them)."""
    starts, number = [0], 0
    while (
        at := data.find(b"\xff\xf8" + data[data.index(b"\xff\xf8") + 2 :][:2] + bytes([number]), starts[-1])
    ) >= 0:
        starts, number = [*starts, at], number + 1
        if number == -(-COUNT // 4096) - 1:  # the last one is shorter and says so
            starts.append(data.rindex(b"\xff\xf8"))
            break
    return [data[at:end] for at, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def test_a_flac_needs_every_frame_once_and_in_order(made: Callable[[str], bytes]) -> None:
    meta, *frames = flac_frames(made("flac"))
    assert len(frames) == 12
    for number in range(len(frames)):
        for total in (COUNT, 0):
            if (
                number < 10 or total
            ):  # without a total, FFmpeg does not see that one of the last two is missing
                data = with_total(meta + b"".join(frames[:number] + frames[number + 1 :]), total)
                assert error_of(data).kind in ("audio", "truncated"), (number, total)
    for order in ((0, 1, 1, 2), (0, 2, 1, 3), (0, 1, 0, 1)):
        assert error_of(with_total(meta + b"".join(frames[n] for n in order), 0)).kind == "audio"


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), b"TAG" + b" " * 125, bytes(5000)])
def test_a_tag_or_zeros_behind_a_flac_are_no_damage(behind: bytes, made: Callable[[str], bytes]) -> None:
    for total in (COUNT, 0):
        assert samples_of(of(with_total(made("flac"), total) + behind)) == COUNT


def test_a_flac_without_a_total_counts_what_is_decoded(made: Callable[[str], bytes]) -> None:
    streamed = with_total(made("flac"), 0)
    media = of(streamed)
    assert samples_of(media) == COUNT
    assert media.normalised == of(made("flac")).normalised
    assert of(streamed, full=False).duration_flicks is None
    broken = bytearray(streamed)
    broken[len(broken) // 2] ^= 4
    assert error_of(bytes(broken)).kind == "audio"


def test_an_mp3_without_frames_that_its_xing_header_counts_is_truncated(made: Callable[[str], bytes]) -> None:
    data = bytearray(made("mp3"))
    at = data.index(b"Xing" if b"Xing" in data else b"Info") + 8
    frames, size = struct.unpack_from(">II", data, at)
    struct.pack_into(">I", data, at, frames + 2)
    assert "frames" in error_of(bytes(data)).detail
    struct.pack_into(">II", data, at, frames, size + 1)
    assert "Xing" in error_of(bytes(data)).detail


def test_an_mp3_without_a_xing_header_has_no_duration_before_it_is_decoded(
    made: Callable[[str], bytes],
) -> None:
    data = by_ffmpeg(
        noise(COUNT), RATE, "mp3", "libmp3lame", options={"write_xing": "0", "id3v2_version": "0"}
    )
    assert of(data, full=False).duration_flicks is None
    assert samples_of(of(data)) % 1152 == 0
    assert error_of(data[:-10]).kind == "truncated"


def test_tags_and_padding_around_an_mp3_are_no_damage(made: Callable[[str], bytes]) -> None:
    plain = made("mp3")
    mp3 = plain[audio_structure.after_id3(io.BytesIO(plain)) :]
    id3v1 = b"TAG" + bytes(125)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0x80000000) + bytes(8)
    ape = ape[:20] + struct.pack("<I", 0xA0000000) + ape[24:] + ape
    for data in (mp3, mp3 + id3v1, mp3 + ape + id3v1, mp3 + bytes(700), mp3 + bytes(50) + id3v1):
        assert samples_of(of(data)) == COUNT
    padded = b"ID3\x04\0\0\0\0\0\x14" + bytes(20 + 33) + mp3  # FFmpeg finds no Xing header behind padding
    assert samples_of(of(padded)) >= COUNT
    assert error_of(mp3 + id3v1[:-10]).kind == "truncated"
    assert error_of(mp3 + b"something else").kind == "audio"


def test_older_tags_behind_an_mp3_are_stepped_over(made: Callable[[str], bytes]) -> None:
    mp3 = made("mp3")
    id3v1 = b"TAG" + bytes(125)
    lyrics = b"LYRICSBEGIN" + b"la la" * 100 + b"LYRICSEND"
    enhanced = b"TAG+" + b"x" * 223
    for tags in (lyrics + id3v1, enhanced + id3v1, lyrics + enhanced + id3v1):
        assert samples_of(of(mp3 + tags)) == COUNT
        assert error_of(mp3[:-10] + tags).kind in ("truncated", "audio")
    assert error_of(mp3 + lyrics[:-3] + id3v1).kind == "truncated"


def test_mp3s_joined_with_their_tags_between_are_one_recording(made: Callable[[str], bytes]) -> None:
    mp3 = made("mp3")
    assert mp3.startswith(b"ID3")
    joined = samples_of(of(mp3 + mp3 + mp3))
    assert (
        3 * COUNT <= joined <= 3 * (COUNT + 3 * 1152)
    )  # delays and padding of the later ones are frames like any
    assert samples_of(of(mp3 + b"TAG" + bytes(125) + mp3)) >= 2 * COUNT
    assert error_of(mp3 + mp3[:-10]).kind == "truncated"
    assert error_of(mp3 + b"ID3\x04\0\0\0\0\x7f\x7f" + bytes(10)).kind == "truncated"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_channels_that_change_on_the_way_are_unsupported_not_a_crash(order: tuple[int, int]) -> None:
    options = {"write_xing": "0", "id3v2_version": "0"}
    parts = [by_ffmpeg(noise(COUNT, each), RATE, "mp3", "libmp3lame", options=options) for each in order]
    assert error_of(b"".join(parts)).kind == "unsupported"


def test_a_rate_that_changes_on_the_way_is_no_one_recording() -> None:
    options = {"write_xing": "0", "id3v2_version": "0"}
    parts = [by_ffmpeg(noise(COUNT), each, "mp3", "libmp3lame", options=options) for each in (48_000, 44_100)]
    assert error_of(b"".join(parts)).kind in ("audio", "unsupported")


def test_id3_in_front_of_flac_and_adts_is_skipped(made: Callable[[str], bytes]) -> None:
    tag = b"ID3\x04\0\0\0\0\0\x14" + bytes(20)
    assert samples_of(of(tag + made("flac"))) == COUNT
    assert samples_of(of(tag + made("aac"))) == 48 * 1024
    assert error_of(tag + made("wav")).kind == "audio"


def pages(data: bytes) -> list[bytes]:
    starts = [at for at in range(len(data)) if data.startswith(b"OggS\0", at)]
    return [data[at:end] for at, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def test_an_ogg_needs_all_pages_and_its_last_one(made: Callable[[str], bytes]) -> None:
    for name in ("vorbis", "opus"):
        parts = pages(made(name))
        assert len(parts) > 3
        assert error_of(b"".join(parts[:-1])).kind == "truncated"
        assert "missing" in error_of(b"".join(parts[:2] + parts[3:])).detail


def test_two_ogg_streams_one_behind_the_other_are_one_recording(made: Callable[[str], bytes]) -> None:
    assert samples_of(of(made("opus") + made("opus"))) >= 2 * COUNT


def ogg_crc_by_definition(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc >> 31 else 0)
    return crc


@given(st.binary(max_size=300))
def test_ogg_checksum_is_the_definitions(page: bytes) -> None:
    assert audio_structure.ogg_crc(page) == ogg_crc_by_definition(page)


def test_a_webm_without_sizes_is_walked_into_its_clusters(made: Callable[[str], bytes]) -> None:
    live = by_ffmpeg(noise(COUNT), RATE, "webm", "libopus", options={"live": "1"})
    assert samples_of(of(live)) >= COUNT
    assert error_of(live[: len(live) // 2]).kind in ("truncated", "audio")


def test_a_movie_whose_index_is_missing_is_truncated(made: Callable[[str], bytes]) -> None:
    data = made("m4a")
    assert error_of(data[: data.index(b"moov") - 4]).kind == "truncated"


def test_a_fragmented_movie_is_measured_and_its_half_refused() -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}
    data = by_ffmpeg(noise(COUNT), RATE, "mp4", "aac", options=options)
    assert samples_of(of(data)) >= COUNT
    assert error_of(data[: len(data) // 2]).kind == "truncated"


# The same bytes again.

STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def with_boxes(data: bytes, bodies: dict[tuple[bytes, ...], bytes], path: tuple[bytes, ...] = ()) -> bytes:
    """A movie whose boxes at these paths have other bodies; those of the children of `moov` are walked."""
    out = b""
    while data:
        size, name = struct.unpack_from(">I4s", data)
        here = (*path, name)
        body = bodies.get(here, data[8:size])
        if here == STBL[: len(here)]:
            body = with_boxes(data[8:size], bodies, here)
        out += struct.pack(">I4s", len(body) + 8, name) + body
        data = data[size:]
    return out


def body_of(data: bytes, name: bytes) -> bytes:
    at = data.index(name) - 4
    return data[at + 8 : at + struct.unpack_from(">I", data, at)[0]]


def repeated(data: bytes, times: int, step: int = 0) -> bytes:
    """A movie of PCM, one chunk of a second, whose table names that chunk again, `step` bytes further each time."""
    first = struct.unpack_from(">I", body_of(data, b"stco"), 8)[0] + max(0, -step * (times - 1))
    tables = {
        b"stco": struct.pack(f">{2 + times}I", 0, times, *(first + n * step for n in range(times))),
        b"stsc": struct.pack(">5I", 0, 1, 1, 1000, 1),
        b"stsz": struct.pack(">3I", 0, 2, 1000 * times),
        b"stts": struct.pack(">4I", 0, 1, 1000 * times, 1),
    }
    bodies: dict[tuple[bytes, ...], bytes] = {(*STBL, name): body for name, body in tables.items()}
    return with_boxes(data, {**bodies, (b"moov", b"trak", b"edts"): b""})


def test_a_chunk_named_again_in_a_movies_table_sounds_once(made: Callable[[str], bytes]) -> None:
    for step, times in ((0, 2), (0, 5000), (1998, 2), (-1998, 2), (2, 500)):
        error = error_of(repeated(made("mov"), times, step))
        assert (error.kind, "played twice" in error.detail) == ("audio", True), (step, times)


@pytest.mark.parametrize("step", [2000, 4000, -2000, -3000])
def test_chunks_may_stand_in_any_order_and_apart(step: int, made: Callable[[str], bytes]) -> None:
    data = made("mov")
    assert samples_of(of(repeated(data, 10, step))) == 10_000
    shuffled = repeated(data, 4, 2000)
    table = body_of(shuffled, b"stco")
    places = struct.unpack_from(">4I", table, 8)
    turned = table[:8] + struct.pack(">4I", *(places[n] for n in (2, 0, 3, 1)))
    assert samples_of(of(shuffled.replace(table, turned))) == 4000


def test_an_edit_list_that_plays_a_stretch_again_adds_no_hours(made: Callable[[str], bytes]) -> None:
    data = made("m4a")
    edit = struct.pack(">IiI", 1000, 1024, 1 << 16)
    bodies: dict[tuple[bytes, ...], bytes] = {}
    bodies[b"moov", b"trak", b"edts"] = struct.pack(">I4sII", 1216, b"elst", 0, 100) + edit * 100
    assert "played twice" in error_of(with_boxes(data, bodies)).detail


@pytest.mark.parametrize(("again", "refused"), [(0, False), (1, False), (2, True)])
def test_one_byte_in_a_hundred_may_be_read_twice(again: int, refused: bool) -> None:
    """Where a recording was split, the packet at the seam belongs to both edits."""

    def packet(at: int) -> Any:
        return SimpleNamespace(pos=at * 10, size=10, is_discard=False)

    read = audio._Read("mp4", 1000)
    for at in range(20):
        read.add(packet(at))
    for _ in range(again - refused):
        read.add(packet(7))
    if refused:
        with pytest.raises(ItemError, match="played twice"):
            read.add(packet(8))


# What cannot be.


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "mov"])
def test_what_sounds_longer_than_a_year_is_stopped(
    name: str, made: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "MOST_S", 2)
    assert samples_of(of(made(name))) == COUNT
    monkeypatch.setattr(audio, "MOST_S", 1)
    assert "longer than" in error_of(made(name)).detail


@pytest.mark.parametrize("format", ["WAV", "AIFF", "CAF", "FLAC"])
@pytest.mark.parametrize("full", [True, False])
def test_no_recording_has_a_rate_below_4000_hz(format: str, full: bool) -> None:
    error = error_of(by_soundfile(noise(100), 3999, format), full=full)
    assert (error.kind, error.detail[:25]) == ("audio", "a sample rate of 3999 Hz:")
    assert samples_of(of(by_soundfile(noise(100), 4000, format), full=full)) == 100


SPEAKERS = """
import io, sys
from tests.measure.test_audio import laid_out, of
data = laid_out(*sys.argv[1:])
for _ in range(60):
    for full in (True, False):
        media = of(data, full=full)
        assert media.channels == 8, media
        assert media.duration_flicks == 705_600_000 * 2048 // 48_000, media
"""


def laid_out(container: str, codec: str) -> bytes:
    """Eight channels whose speakers the container names one by one."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        sound: Any = file.add_stream(cast(Any, codec), rate=48_000, layout="7.1")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048 * 8), np.int16), "s16", "7.1")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        file.mux([*sound.encode(frame), *sound.encode(None)])
    if container == "mov":  # FFmpeg writes a mask; other writers name every speaker
        data = out.getvalue()
        chan = struct.pack(">4I", 0, 0, 0, 8) + b"".join(
            struct.pack(">2I3f", label, 0, 0, 0, 0) for label in (1, 2, 3, 4, 5, 6, 33, 34)
        )
        old = body_of(data, b"stsd")
        at = old.index(b"chan") - 4
        size = struct.unpack_from(">I", old, at)[0]
        entry = old[8:at] + struct.pack(">I4s", len(chan) + 8, b"chan") + chan + old[at + size :]
        entry = struct.pack(">I", len(entry)) + entry[4:]
        return with_boxes(data, {(*STBL, b"stsd"): old[:8] + entry})
    return out.getvalue()


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mov", "pcm_s16le"), ("mov", "pcm_s24le"), ("mp4", "pcm_s16le"), ("aiff", "pcm_s16be")],
)
def test_speakers_named_one_by_one_crash_nothing(container: str, codec: str) -> None:
    """In a process of its own: PyAV frees such a layout twice when it is asked for."""
    done = subprocess.run(
        [sys.executable, "-c", SPEAKERS, container, codec], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


# Silence.


def silent_by_definition(block: npt.NDArray[np.float32], window: int) -> int:
    parts = [block[at : at + window] for at in range(0, len(block), window)]
    return sum(len(part) for part in parts if np.all(np.ptp(part, axis=0) < 2 * audio.SILENT_LEVEL))


@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0009, -0.0009, 0.0011, 0.5, 0.5009]), min_size=2, max_size=120),
    st.integers(1, 2),
    st.integers(1, 9),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_silence_is_the_definitions_however_the_stream_is_cut(
    values: list[float], channels: int, window: int, cuts: list[int]
) -> None:
    block = np.array(values[: len(values) // channels * channels], np.float32).reshape(-1, channels)
    state, low, high = np.zeros(3, np.int64), np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for part in np.split(block, sorted(min(cut, len(block)) for cut in cuts)):
        audio.silence(part, window, audio.SILENT_LEVEL, state, low, high)
    assert state[0] + (0 if state[2] else state[1]) == silent_by_definition(block, window)


@pytest.mark.parametrize(("level", "silent"), [(0.000999, True), (0.001, False), (0.001001, False)])
@pytest.mark.parametrize("offset", [0, 0.25, -1])
def test_the_level_of_silence_is_60_dbfs_and_itself_not_silent(
    level: float, silent: bool, offset: float
) -> None:
    """Around whatever constant: a constant is no sound."""
    samples = np.zeros((8000, 2), np.float32)
    samples[:, 1] = np.float32(level)
    samples[::2, 1] *= -1
    if level != 0.001 or offset == 0:  # float32 has no 0.251
        samples += np.float32(offset)
    media = of(by_soundfile(samples, 8000, "WAV", "FLOAT"))
    assert media.silent_flicks == (FLICKS_PER_SECOND if silent else 0)


def test_windows_last_20_ms_and_one_loud_sample_ends_the_silence_of_one() -> None:
    samples = np.zeros((8000 + 40, 1), np.int16)  # 50 windows and a quarter
    samples[4000, 0] = 66  # of 32768: just above 2 × −60 dBFS from the others
    samples[100, 0] = 65
    media = of(by_soundfile(samples, 8000, "FLAC"))
    assert media.silent_flicks == flicks(Fraction(8040 - 160, 8000))


def test_more_than_half_of_silence_is_flagged() -> None:
    for windows, flags in ((50, ()), (51, ("silent",))):
        samples = noise(16_000)
        samples[: windows * 160] = 7
        assert of(by_soundfile(samples, 8000, "WAV")).flags == flags
    assert of(by_soundfile(samples, 8000, "WAV"), full=False).flags == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 47_000])
def test_samples_that_are_no_numbers_are_no_sound(value: float, at: int) -> None:
    samples = noise(COUNT).astype(np.float32) / 32768
    samples[at] = value
    wav = by_soundfile(samples, RATE, "WAV", "FLOAT")
    at_size = wav.index(b"data") + 4
    left_open = wav[:4] + bytes(4) + wav[8:at_size] + bytes(4) + wav[at_size + 4 :]
    for data in (wav, left_open):  # by libsndfile and by FFmpeg
        error = error_of(data)
        assert (error.kind, error.detail[:26]) == ("audio", "a sample that is no number"), error.detail


# Hashes.


def test_equal_samples_are_equal_in_every_lossless_format() -> None:
    samples = noise(5000, 2)
    files = [by_soundfile(samples, RATE, each) for each in ("WAV", "FLAC", "AIFF", "CAF", "RF64")]
    files.append(by_ffmpeg(samples, RATE, "mov", "pcm_s16le"))
    files.append(by_ffmpeg(samples, RATE, "ipod", "alac"))
    files.append(by_ffmpeg(samples, RATE, "ogg", "flac"))
    files.append(by_soundfile(samples, RATE, "WAV", "PCM_24"))
    found = [of(each) for each in files]
    assert len({each.normalised for each in found}) == 1


def test_another_rate_layout_or_sample_is_another_recording() -> None:
    samples = noise(5000, 2)
    other = samples.copy()
    other[-1, -1] ^= 1
    files = [by_soundfile(samples, 48_000, "WAV"), by_soundfile(samples, 44_100, "WAV"),
             by_soundfile(samples.reshape(-1, 1), 48_000, "WAV"), by_soundfile(other, 48_000, "WAV")]  # fmt: skip
    assert len({of(each).normalised for each in files}) == 4


def test_unsigned_bytes_are_in_one_scale_in_both_decoders() -> None:
    samples = noise(5000)
    assert of(by_soundfile(samples, RATE, "WAV", "PCM_U8")).normalised == (
        of(by_ffmpeg((samples >> 8 << 8).astype(np.int16), RATE, "matroska", "pcm_u8")).normalised
    )


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize(
    ("name", "one"), [("u8", 2.0**-7), ("s16", 2.0**-15), ("s32", 2.0**-31), ("flt", 1.0), ("dbl", 1.0)]
)
def test_all_sample_formats_become_the_same_floats(name: str, one: float, layout: str) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    values = np.arange(channels * 5).reshape(5, channels) - 7
    dtype = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}[name]
    stored = (values + (128 if name == "u8" else 0)).astype(dtype)
    packed = av.AudioFrame.from_ndarray(stored.reshape(1, -1), name, layout)
    planar = av.AudioFrame.from_ndarray(np.ascontiguousarray(stored.T), f"{name}p", layout)
    for frame in (packed, planar):
        found = audio._floats(frame)
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert (found == (values * one).astype(np.float32)).all()


# Dates.


@pytest.mark.parametrize("name", ["WAV", "FLAC", "OGG"])
def test_tags_of_libsndfile_date_a_recording(name: str) -> None:
    subtype = "VORBIS" if name == "OGG" else "PCM_16"
    data = by_soundfile(noise(3000), RATE, name, subtype, date="2021-05-06")
    for full in (True, False):
        assert (of(data, full=full).day, of(data, full=full).day_refused) == (date(2021, 5, 6), False)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("ipod", "aac"), ("ogg", "libopus"), ("webm", "libopus")]
)
def test_tags_of_ffmpeg_date_a_recording(container: str, codec: str) -> None:
    assert of(by_ffmpeg(noise(3000), RATE, container, codec, {"date": "2021-05-06"})).day == date(2021, 5, 6)


@pytest.mark.parametrize("name", ["WAV", "FLAC", "OGG"])
def test_what_people_wrote_into_tags_is_kept(name: str) -> None:
    subtype = "VORBIS" if name == "OGG" else "PCM_16"
    data = by_soundfile(noise(3000), RATE, name, subtype, artist="a@b.cn", comment="电话" + "a" * 2000)
    for full in (True, False):
        assert dict(of(data, full=full).texts) == {"artist": "a@b.cn", "comment": "电话" + "a" * 998}


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "libmp3lame"), ("ipod", "aac"), ("ogg", "libopus"), ("webm", "libopus")]
)
def test_what_people_wrote_into_tags_of_ffmpeg_is_kept(container: str, codec: str) -> None:
    data = by_ffmpeg(noise(3000), RATE, container, codec, {"title": "13812345678", "encoder": "no@one.cn"})
    assert of(data).texts == (("title", "13812345678"),)


def test_creation_time_comes_before_date() -> None:
    tags = {"creation_time": "2022-01-01T20:00:00Z", "date": "2020"}
    assert of(by_ffmpeg(noise(3000), RATE, "mov", "alac", tags)).day == date(2022, 1, 2)  # in Asia/Shanghai


def bext(text: str) -> bytes:
    chunk = bytes(320) + text.encode().ljust(10, b"\0") + bytes(272)
    plain = by_soundfile(noise(1000), 8000, "WAV", date="2019")
    body = plain[12:] + b"bext" + struct.pack("<I", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


@pytest.mark.parametrize("text", ["2020-02-03", "2020:02:03", "2020_02_03", "2020 02 03"])
def test_origination_date_comes_first_however_it_is_parted(text: str) -> None:
    assert of(bext(text)).day == date(2020, 2, 3)


def test_an_empty_origination_date_says_nothing() -> None:
    for text in ("", "0000-00-00", "0000:00:00"):
        assert (of(bext(text)).day, of(bext(text)).day_refused) == (date(2019, 1, 1), False)


@pytest.mark.parametrize(
    "text", ["0000-00-00", "0000-01-01", "9999-12-31", "1969-12-31", "yesterday", "2101"]
)
def test_absurd_dates_are_refused(text: str) -> None:
    media = of(by_soundfile(noise(3000), RATE, "FLAC", date=text))
    assert (media.day, media.day_refused) == (None, True)


def test_no_date_is_neither_a_day_nor_refused(made: Callable[[str], bytes]) -> None:
    assert (of(made("flac")).day, of(made("flac")).day_refused) == (None, False)


@pytest.mark.parametrize("count", [1, 100, 575, 800, 3000, 9000, 200_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_ogg_ends_where_its_last_page_says(count: int, channels: int) -> None:
    """Also where all stands in one page, of which FFmpeg decodes whole blocks."""
    out = io.BytesIO()
    soundfile.write(out, noise(count, channels), 8000, format="OGG")
    assert samples_of(of(out.getvalue())) == count
    out.seek(0)
    assert soundfile.info(out).frames == count


@pytest.mark.parametrize("count", [720, 2880, 20_000])
def test_a_tag_behind_a_short_mp3_makes_it_no_longer(count: int) -> None:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 8000, 1, format="MP3") as file:
        file.date = "2024"  # libsndfile writes it as ID3v1, behind the sound or before its last frame
        file.write(noise(count, 1))
    assert b"TAG" in out.getvalue()
    assert samples_of(of(out.getvalue())) == count


# Raw samples.


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_raw_samples_are_what_is_declared(encoding: str) -> None:
    subtype, endian, sample_bytes = audio.ENCODINGS[encoding]
    out = io.BytesIO()
    soundfile.write(out, noise(800, 2), 16_000, subtype, endian, format="RAW")
    raw = RawSound.model_validate({"sample_rate_hz": 16_000, "channels": 2, "encoding": encoding})
    media = of(out.getvalue(), "pcm", raw=raw)
    assert (media.codec, media.sample_rate_hz, media.channels) == (encoding, 16_000, 2)
    assert samples_of(media) == 800
    assert samples_of(of(out.getvalue(), "pcm", full=False, raw=raw)) == 800
    with pytest.raises(ItemError, match="truncated"):
        of(out.getvalue()[:-1], "pcm", raw=raw)
    assert len(out.getvalue()) == 1600 * sample_bytes


def test_raw_samples_without_a_declaration_are_unsupported() -> None:
    assert error_of(bytes(1000), "pcm").kind == "unsupported"


@pytest.mark.parametrize(
    "raw", [(3999, 1, "pcm_s16le"), (8000, 0, "pcm_s16le"), (8000, 1025, "pcm_s16le"), (8000, 1, "s16")]
)
def test_a_declaration_must_be_possible(raw: tuple[int, int, str]) -> None:
    with pytest.raises(ValueError, match=r"sample_rate_hz|channels|encoding"):
        RawSound.model_validate(dict(zip(("sample_rate_hz", "channels", "encoding"), raw, strict=True)))
    RawSound(sample_rate_hz=audio.LEAST_HZ, channels=1024, encoding="pcm_u8")


def test_every_encoding_that_can_be_declared_is_read() -> None:
    assert set(audio.ENCODINGS) == set(get_args(RawSound.model_fields["encoding"].annotation))


# Pictures.


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("mp4", "aac"), ("flac", "flac")])
def test_a_cover_leaves_a_recording_a_recording(container: str, codec: str) -> None:
    media = of(by_ffmpeg(noise(COUNT), RATE, container, codec, picture="cover"))
    assert (media.modality, media.width_px) == ("audio", None)
    assert abs(samples_of(media) - COUNT) < 1024


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mov", "flv"])
@pytest.mark.parametrize("full", [True, False])
def test_moving_pictures_are_for_another_to_measure(container: str, full: bool) -> None:
    if container == "flv":
        data = by_ffmpeg(noise(44_100), 44_100, container, "aac", picture=None)
        assert of(data, full=full).modality == "audio"
        return
    data = by_ffmpeg(noise(COUNT), RATE, container, "aac" if container != "avi" else "mp2", picture="moving")
    with pytest.raises(HoldsPictures):
        of(data, full=full)


# Streams, memory, time.


class Failing(io.BytesIO):
    def __init__(self, data: bytes, after: int) -> None:
        super().__init__(data)
        self.after = after

    def read(self, size: int | None = -1, /) -> bytes:
        self.after -= 1
        if self.after < 0:
            raise OSError(5, "the disk")
        return super().read(size)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "opus", "m4a", "webm", "amr"])
def test_the_streams_own_error_comes_out_as_it_is(name: str, made: Callable[[str], bytes]) -> None:
    data = made(name)
    for after in range(0, 40, 3):
        stream = Watched(Failing(data, after), lambda: None)
        came_out: OSError | None = None
        try:
            measure(cast(BinaryIO, stream), len(data), LIMITS, lambda: None, format=name, full=True)
        except OSError as error:
            came_out = error
        assert (came_out is None) == (stream.failed is None)
        if came_out is not None:
            assert came_out.errno == 5
            assert not isinstance(came_out, av.error.FFmpegError)


def test_the_stream_stays_open_and_may_stand_anywhere(made: Callable[[str], bytes]) -> None:
    for name in ("wav", "mp3", "m4a"):
        stream = io.BytesIO(made(name))
        stream.seek(100)
        measure(stream, len(made(name)), LIMITS, lambda: None, format=name, full=True)
        assert not stream.closed


@pytest.mark.parametrize("name", ["flac", "opus"])
def test_an_hour_of_silence_is_measured_in_little_memory_with_ticks(name: str) -> None:
    second = np.zeros((48_000, 1), np.int16)
    out = io.BytesIO()
    if name == "flac":
        with soundfile.SoundFile(out, "w", 48_000, 1, "PCM_16", format="FLAC") as file:
            for _ in range(3600):
                file.write(second)
        data = out.getvalue()
    else:  # an hour of pages of the same packet would need their own muxer: ten minutes
        data = by_ffmpeg(np.zeros((48_000 * 600, 1), np.int16), 48_000, "ogg", "libopus")
    seconds = 3600 if name == "flac" else 600
    ticks = [0]

    def tick() -> None:
        ticks[0] += 1

    tracemalloc.start()
    media = measure(io.BytesIO(data), len(data), LIMITS, tick, format=name, full=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert media.duration_flicks == seconds * FLICKS_PER_SECOND
    assert media.silent_flicks == media.duration_flicks
    assert peak < 8_000_000  # the decoded samples are 691 MB in the hour
    assert ticks[0] >= seconds / 3


# Real data.


# Samples per channel: `ffmpeg -i X -f s16le -` of Debian 5.1, counted, and PyAV 18.1 agree on each. The recording has
# 541,184 at 44.1 kHz. More are what encoders put in front and behind and the container does not take back: AIFF was
# made from another copy; ADTS AAC has no way to say it; M4A fills its last frame; Opus is at 48 kHz and was made from
# 541,191 samples; the A-law copy is at 8 kHz.
ONE_RECORDING = {
    "lena-alaw.caf": ("pcm_alaw", 8000, 1, 98_174),
    "lena-vorbis.webm": ("vorbis", 44_100, 1, 541_184),
    "lena.aac": ("aac", 44_100, 1, 543_744),
    "lena.aiff": ("pcm_s16be", 44_100, 1, 542_144),
    "lena.caf": ("pcm_s16le", 44_100, 1, 541_184),
    "lena.flac": ("flac", 44_100, 1, 541_184),
    "lena.m4a": ("aac", 44_100, 2, 541_696),
    "lena.mp3": ("mp3", 44_100, 1, 541_184),
    "lena.ogg": ("vorbis", 44_100, 1, 541_184),
    "lena.opus": ("opus", 48_000, 1, 589_044),
    "lena.wav": ("pcm_s16le", 44_100, 1, 541_184),
    "lena.webm": ("opus", 48_000, 1, 589_044),
}


@pytest.mark.realdata
def test_one_recording_in_twelve_encodings(realdata: Path) -> None:
    found = {}
    for name, expected in ONE_RECORDING.items():
        media = of((realdata / "audio_one_recording" / name).read_bytes(), name.rpartition(".")[2])
        assert (media.codec, media.sample_rate_hz, media.channels, samples_of(media)) == expected, name
        found[name] = media
    assert found["lena.wav"].normalised == found["lena.caf"].normalised
    assert found["lena.wav"].day == date(2014, 1, 1)


@pytest.mark.realdata
def test_six_hundred_digits_are_measured_and_all_different(realdata: Path) -> None:
    paths = sorted((realdata / "audio_digits").glob("*.wav"))
    hashes = set()
    for path in paths:
        with path.open("rb") as file:
            media = measure(file, path.stat().st_size, LIMITS, lambda: None, format="wav", full=True)
        assert samples_of(media) == soundfile.info(path).frames
        hashes.add(media.normalised)
    assert len(hashes) == len(paths) == 600
