"""Recordings: the header per file beside ffprobe, and the full check beside the bare decoder and ffmpeg.

Two minutes of a seeded, music-like sound in stereo, 44.1 kHz (Opus 48), in every format. What is compared runs in
turns, in seconds of CPU (of child processes too), so that a busy machine does not decide; medians. Bare decoder: opens the file and decodes all of
it, as the check's own decoder does, and looks at nothing. The hashes of the whole object are not part of it: they are
made once for every object, of whatever kind.
"""

import io
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import soundfile

from dqv.core.settings import Limits
from dqv.measure import audio, demux

SECONDS = 120
ROUNDS, PROCESS_ROUNDS, HEADER_ROUNDS = 9, 5, 60

LIBSNDFILE = {"wav": "PCM_16", "aiff": "PCM_16", "caf": "PCM_16", "flac": "PCM_16"}
FFMPEG = {
    "mp3": ("mp3", "libmp3lame"),
    "opus": ("ogg", "libopus"),
    "m4a": ("ipod", "aac"),
    "alac.m4a": ("ipod", "alac"),
    "aac": ("adts", "aac"),
    "wma": ("asf", "wmav2"),
    "webm": ("webm", "libopus"),
}
"""Suffix → container and encoder."""


@dataclass(frozen=True)
class Row:
    """One format; seconds of CPU; None where the program is absent.

    Attributes:
        ratio: the check over the bare decoder, the median of every round's.
        header_bare_s: soundfile.info where libsndfile decodes, else opening with PyAV.
    """

    name: str
    size_bytes: int
    header_s: float
    header_bare_s: float
    ffprobe_s: float | None
    check_s: float
    bare_s: float
    ratio: float
    ffmpeg_s: float | None


def _sound(rate_hz: int) -> npt.NDArray[np.int16]:
    """(n, 2): chords that change every half second, with noise that swells."""
    rng = np.random.default_rng(65_2025)
    t = np.arange(rate_hz // 2) / rate_hz
    parts = []
    for number in range(SECONDS * 2):
        tones = 110 * 2 ** (rng.integers(0, 40, 6) / 12)
        chord = np.sin(2 * np.pi * tones[:, None] * t).sum(0) * np.exp(-3 * t)
        noise = rng.normal(0, 0.05 + 0.2 * (number % 8) / 8, (2, t.size))
        parts.append((chord + noise).T)
    sound = np.concatenate(parts)
    return cast(npt.NDArray[np.int16], (sound / np.abs(sound).max() * 30_000).astype(np.int16))


def _write(folder: Path) -> list[Path]:
    paths = []
    sounds = {rate_hz: _sound(rate_hz) for rate_hz in (44_100, 48_000)}
    for suffix, subtype in LIBSNDFILE.items():
        paths.append(folder / f"a.{suffix}")
        soundfile.write(paths[-1], sounds[44_100], 44_100, subtype)
    paths.append(folder / "a.ogg")
    with soundfile.SoundFile(paths[-1], "w", 44_100, 2, "VORBIS") as file:
        for at in range(
            0, len(sounds[44_100]), 44_100
        ):  # libvorbis's encoder overflows the stack on long blocks
            file.write(sounds[44_100][at : at + 44_100])
    for suffix, (container, codec) in FFMPEG.items():
        paths.append(folder / f"a.{suffix}")
        rate_hz = 48_000 if codec == "libopus" else 44_100
        out = io.BytesIO()
        with av.open(out, "w", format=container) as encoded:
            stream: Any = encoded.add_stream(cast(Any, codec), rate=rate_hz, layout="stereo")
            stream.bit_rate = 128_000
            frame = av.AudioFrame.from_ndarray(sounds[rate_hz].reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            encoded.mux([*stream.encode(frame), *stream.encode(None)])
        paths[-1].write_bytes(out.getvalue())
    return paths


def _check(path: Path, full: bool) -> None:
    with path.open("rb") as file:
        audio.measure(file, path.stat().st_size, Limits(), lambda: None, format=path.suffix[1:], full=full)


def _by_sndfile(path: Path) -> bool:
    return path.suffix[1:] in LIBSNDFILE


def _bare(path: Path) -> None:
    with path.open("rb") as file:
        if _by_sndfile(path):
            with soundfile.SoundFile(file) as sound:
                block = np.empty((audio.BLOCK_SAMPLES // sound.channels, sound.channels), np.float32)
                while len(sound.read(out=block)):
                    pass
        else:
            with demux.opened(file, "audio") as container:
                for packet in container.demux(container.streams.audio[0]):
                    packet.decode()


def _bare_header(path: Path) -> None:
    with path.open("rb") as file:
        if _by_sndfile(path):
            soundfile.info(file)
        else:
            with demux.opened(file, "audio"):
                pass


def _run(args: list[str]) -> None:
    subprocess.run(args, check=True, capture_output=True)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _in_turns(works: list[Callable[[], None]], rounds: int) -> list[list[float]]:
    """Seconds of every work in every round; a round before them is not counted."""
    found: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, seconds in zip(works, found, strict=True):
            began = _cpu_s()
            work()
            if number:
                seconds.append(_cpu_s() - began)
    return found


def measure(folder: Path) -> list[Row]:
    """One row per format."""
    ffprobe, ffmpeg = shutil.which("ffprobe"), shutil.which("ffmpeg")
    rows = []
    for path in _write(folder):
        probing = [ffprobe or "", "-v", "error", "-show_format", "-show_streams", str(path)]
        decoding = [
            ffmpeg or "",
            "-v",
            "error",
            "-threads",
            "1",
            "-i",
            str(path),
            "-map",
            "0:a:0",
            "-f",
            "null",
            "-",
        ]
        headers = _in_turns([lambda: _check(path, False), lambda: _bare_header(path)], HEADER_ROUNDS)  # noqa: B023  run at once
        fulls = _in_turns([lambda: _check(path, True), lambda: _bare(path)], ROUNDS)  # noqa: B023  run at once
        probes = _in_turns([lambda: _run(probing)], PROCESS_ROUNDS) if ffprobe else None  # noqa: B023  run at once
        decodes = _in_turns([lambda: _run(decoding)], PROCESS_ROUNDS) if ffmpeg else None  # noqa: B023  run at once
        rows.append(
            Row(
                path.name[2:],
                path.stat().st_size,
                statistics.median(headers[0]),
                statistics.median(headers[1]),
                statistics.median(probes[0]) if probes else None,
                statistics.median(fulls[0]),
                statistics.median(fulls[1]),
                statistics.median(a / b for a, b in zip(*fulls, strict=True)),
                statistics.median(decodes[0]) if decodes else None,
            )
        )
    return rows


def as_markdown(rows: list[Row]) -> str:
    """The tables of benchmarks/README.md."""
    lines = [
        "| recording | header ms | soundfile or PyAV alone ms | ffprobe ms | ffprobe ÷ header |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        times = (
            "absent | absent"
            if row.ffprobe_s is None
            else f"{row.ffprobe_s * 1e3:.0f} | {row.ffprobe_s / row.header_s:.0f}"
        )
        lines.append(f"| {row.name} | {row.header_s * 1e3:.2f} | {row.header_bare_s * 1e3:.2f} | {times} |")
    lines += [
        "",
        "| recording, 2 minutes, stereo | MB | check, × real time | bare decoder, × | check ÷ bare decoder | ffmpeg -f null, × |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        peer = "absent" if row.ffmpeg_s is None else f"{SECONDS / row.ffmpeg_s:,.0f}"
        lines.append(
            f"| {row.name} | {row.size_bytes / 1e6:.1f} | {SECONDS / row.check_s:,.0f} | {SECONDS / row.bare_s:,.0f} | "
            f"{row.ratio:.2f} | {peer} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure(Path(name))))
