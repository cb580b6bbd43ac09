"""An independent witness: the system's FFmpeg, through ffmpeg-python, says what a file holds.

It runs in processes of its own, under the limits of the child that starts them and a limit of time.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ffmpeg
import psutil

from dqv.measure.demux import DEMUXERS
from dqv.measure.media import Tick

PATIENCE_S = 45.0
"""A question that takes longer stays without an answer."""

MOST_AUDIO_S = 600
MOST_VIDEO_S = 10
"""So much of a recording or video is decoded."""

TOLERANCE_S, TOLERANCE_SHARE = Fraction(1, 4), Fraction(1, 100)
TOLERANCE_PX = 1
"""Durations may differ by the greater of the first two, pictures by the last a side, all else not at all."""

_ITSELF_ALONE = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
"""No playlist may make FFmpeg open another file, whatever stands before it."""


class NoAnswerError(Exception):
    """The witness did not answer in time; that says nothing of the file."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What FFmpeg says.

    Attributes:
        decodes: it was decoded without an error, as far as it was asked for.
        duration_s: of sound what was decoded, of a video what its container says of the pictures; None where it
            says how long the whole is and no more.
    """

    decodes: bool
    duration_s: Fraction | None = None
    width_px: int | None = None
    height_px: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None


def version() -> str | None:
    """Of the system's FFmpeg; None without one."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        return None
    done = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=False)
    found = re.match(r"ffmpeg version (\S+)", done.stdout)
    return found[1] if found else None


def testify(path: str, modality: str, tick: Tick) -> Testimony:
    """Ask FFmpeg to probe a file and to decode it.

    Args:
        path: absolute, so that FFmpeg takes it for nothing else.
        modality: audio or video.
        tick: called while waiting.

    Raises:
        NoAnswerError: it took too long.
    """
    try:
        found = _limited(lambda: ffmpeg.probe(path, **_ITSELF_ALONE), tick)
        streams = [each for each in found["streams"] if each["codec_type"] == modality]
        stream = next(each for each in streams if not each.get("disposition", {}).get("attached_pic"))
        progress = _limited(lambda: _decode(path, modality), tick)
        return _read(found, stream, progress, modality)
    except (ffmpeg.Error, StopIteration, KeyError, ValueError):
        return Testimony(decodes=False)


def _read(found: Any, stream: Any, progress: Mapping[str, str], modality: str) -> Testimony:
    if modality == "audio":
        rate, channels = int(stream["sample_rate"]), int(stream["channels"])
        samples = int(progress.get("total_size", "0")) // (2 * channels)
        return Testimony(samples > 0, Fraction(samples, rate), sample_rate_hz=rate, channels=channels)
    width, height = _displayed(stream)
    frames = int(progress.get("frame", "0"))
    whole = found["format"]["format_name"] == "asf"  # says of every stream how long all of them are
    return Testimony(frames > 0, None if whole else _of_pictures(stream), width, height)


def _of_pictures(stream: Any) -> Fraction | None:
    """Seconds of one stream; Matroska says in a tag when it ends."""
    if "duration" in stream:
        return Fraction(stream["duration"])
    end = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.get("tags", {}).get("DURATION", ""))
    if end is None:
        return None
    return int(end[1]) * 3600 + int(end[2]) * 60 + Fraction(end[3]) - Fraction(stream.get("start_time", "0"))


def _decode(path: str, modality: str) -> dict[str, str]:
    """Decode the beginning into nothing; what FFmpeg reports at the end of it."""
    source = ffmpeg.input(path, **_ITSELF_ALONE)
    if modality == "audio":
        options: Mapping[str, Any] = {
            "map": "0:a:0",
            "format": "s16le",
            "acodec": "pcm_s16le",
            "t": MOST_AUDIO_S,
        }
    else:
        options = {"map": "0:V:0", "format": "null", "t": MOST_VIDEO_S}
    job = source.output(os.devnull, threads=1, **options).overwrite_output()
    job = job.global_args("-nostdin", "-v", "error", "-progress", "pipe:1")
    if modality == "video":
        job = job.global_args("-xerror")  # of sound the number of samples tells, and open sizes are no error
    told, _ = ffmpeg.run(job, capture_stdout=True, capture_stderr=True)
    return dict(line.split("=", 1) for line in told.decode("ascii", "replace").splitlines() if "=" in line)


def _displayed(stream: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height after rotation, with square pixels; an aspect outside 1/2 … 2 is not believed."""
    width, height = int(stream["width"]), int(stream["height"])
    across, down = (int(each) for each in stream.get("sample_aspect_ratio", "1:1").split(":"))
    if down and Fraction(1, 2) <= Fraction(across, down) <= 2:
        width = round(Fraction(width * across, down))
    turns = [each["rotation"] for each in stream.get("side_data_list", ()) if "rotation" in each]
    turned = turns and round(float(turns[0])) % 180 == 90
    return (height, width) if turned else (width, height)


def _limited(question: Callable[[], Any], tick: Tick) -> Any:
    """Ask in a thread, for ffmpeg-python knows no limit of time; at the end of it FFmpeg is killed."""
    others = {process.pid for process in psutil.Process().children()}
    with ThreadPoolExecutor(1) as threads:
        answer: Future[Any] = threads.submit(question)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                return answer.result(timeout=0.5)
            except TimeoutError:
                tick()
        for process in psutil.Process().children():
            if process.pid not in others:
                process.kill()
        raise NoAnswerError
