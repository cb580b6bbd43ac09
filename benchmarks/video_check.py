"""The header of small and large videos beside ffprobe, and the full check beside decoding.

Large files hold the same packets many times. Runs are interleaved and medians are quoted: one contended machine
disturbs all rivals alike. A rival that is not installed is a row that says so.
"""

import io
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from dqv.core.settings import Limits
from dqv.measure import demux, video

LARGE_BYTES = 700_000_000
ROUNDS = 9


@dataclass(frozen=True)
class Row:
    """One way of doing one thing to one file.

    Attributes:
        seconds: median of the rounds; None where the rival is not installed.
        video_s: how long the video plays.
        read_bytes: what was read of the file, and in how many calls; None where it was not counted.
    """

    task: str
    name: str
    way: str
    size_bytes: int
    video_s: float
    seconds: float | None
    read_bytes: int | None = None
    reads: int | None = None


class Counting(io.FileIO):
    """A file that counts what is read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bytes = self.calls = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file does."""
        data = super().read(-1 if size is None else size) or b""
        self.bytes += len(data)
        self.calls += 1
        return data


def make(path: Path, codec: str, options: dict[str, str], width: int, height: int, seconds: int) -> None:
    """Encode soft shapes that wander under a little noise, as a camera has it, with sound."""
    rng = np.random.default_rng(7)
    shapes = Image.fromarray(rng.integers(0, 255, (height // 40, width // 40, 3), np.uint8))
    ground = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    noise = rng.integers(-6, 7, (height, width, 3), np.int16)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", 50
        stream.codec_context.thread_count = 1
        sound: Any = out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48000, layout="mono")
        for number in range(seconds * 25):
            picture = np.roll(ground, (number, 3 * number), (0, 1)) + np.roll(noise, 7 * number, 0)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
            heard = av.AudioFrame.from_ndarray(
                rng.integers(-900, 900, (1, 1920), np.int16), format="s16", layout="mono"
            )
            heard.sample_rate, heard.pts = 48000, number * 1920
            out.mux(sound.encode(heard))
        out.mux(stream.encode(None))
        out.mux(sound.encode(None))


def repeated(source: Path, target: Path, size_bytes: int, options: dict[str, str]) -> None:
    """Write the packets of a file again and again until there are so many bytes."""
    with av.open(str(source)) as given, av.open(str(target), "w", options=options) as out:
        streams = {each.index: out.add_stream_from_template(each) for each in given.streams}
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
        times = -(-size_bytes // sum(len(each[0]) for each in packets))
        for turn in range(times):
            for data, pts, dts, duration, base, key, index in packets:
                packet = av.Packet(data)
                shift = round(turn * period / base)
                packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
                packet.time_base, packet.is_keyframe, packet.stream = base, key, streams[index]
                out.mux(packet)


def ours(path: Path, full: bool) -> Counting:
    """Measure, and return the file that counted."""
    with Counting(path) as file:
        video.measure(file, path.stat().st_size, Limits(), lambda: None, full=full)
    return file


def all_keys(path: Path) -> None:
    """Decode every key picture."""
    with path.open("rb") as file, demux.opened(file, "video") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in demux.packets(container, stream):
            if packet.is_keyframe:
                stream.codec_context.decode(packet)
                stream.codec_context.decode(None)
                stream.codec_context.flush_buffers()


def run(*command: str) -> Callable[[], object] | None:
    """Run a program; None where it is not installed."""
    if shutil.which(command[0]) is None:
        return None
    return lambda: subprocess.run(command, check=True, capture_output=True)


def probe(path: Path) -> Callable[[], object] | None:
    """The probe of ffmpeg-python; None where it or ffprobe is missing."""
    try:
        import ffmpeg
    except ImportError:
        return None
    return (lambda: ffmpeg.probe(str(path))) if shutil.which("ffprobe") else None


def timed(task: str, path: Path, ways: dict[str, Callable[[], object] | None], rounds: int) -> list[Row]:
    """Time the ways in turn, round after round; the first round warms up."""
    size = path.stat().st_size
    with av.open(str(path)) as container:
        length = (container.duration or 0) / av.time_base
    spent: dict[str, list[float]] = {way: [] for way in ways}
    last: dict[str, Any] = {}
    for number in range(rounds + 1):
        for way, call in ways.items():
            if call is not None:
                began = time.perf_counter()
                last[way] = call()
                if number or rounds == 1:
                    spent[way].append(time.perf_counter() - began)
    rows = []
    for way, seconds in spent.items():
        found = last.get(way)
        counted = (found.bytes, found.calls) if isinstance(found, Counting) else (None, None)
        median = statistics.median(seconds) if seconds else None
        rows.append(Row(task, path.name, way, size, length, median, *counted))
    return rows


def measure(folder: Path) -> list[Row]:
    """Make the files, and time them."""
    fast = {"preset": "ultrafast"}
    small = folder / "small, moov last.mp4"
    make(small, "libx264", fast | {"crf": "21"}, 1920, 1080, 8)
    h265 = folder / "small, H.265.mp4"
    make(h265, "libx265", fast | {"x265-params": "log-level=none:pools=1:frame-threads=1"}, 1280, 720, 4)
    vp9 = folder / "small, VP9.webm"
    make(vp9, "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, 1280, 720, 4)
    large = [folder / "large, moov first.mp4", folder / "large, moov last.mp4", folder / "large, H.264.mkv"]
    for path in large:
        repeated(small, path, LARGE_BYTES, {"movflags": "faststart"} if "first" in path.name else {})
    rows: list[Row] = []
    for path in (small, h265, vp9, *large):
        rows += timed(
            "header",
            path,
            {
                "dqv": lambda path=path: ours(path, False),  # type: ignore[misc]
                "ffprobe": run(
                    "ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)
                ),
                "ffmpeg-python": probe(path),
            },
            ROUNDS,
        )
    for path in (small, h265, vp9):
        rows += timed("full", path, _full(path, decode=True), 3)
    for path in large[1:]:
        rows += timed("full", path, _full(path, decode=False), 1)
    return rows


def _full(path: Path, decode: bool) -> dict[str, Callable[[], object] | None]:
    ways: dict[str, Callable[[], object] | None] = {
        "dqv": lambda: ours(path, True),
        "all key pictures": lambda: all_keys(path),
    }
    if decode:
        ways["ffmpeg -f null"] = run(
            "ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"
        )
    return ways


def as_markdown(rows: list[Row]) -> str:
    """The tables of benchmarks/README.md; ratios are to dqv on the same file."""
    lines = [
        "| task | file | MB | way | ms | × real time | × dqv's time | read MB | read calls |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    base = {(row.task, row.name): row.seconds for row in rows if row.way == "dqv"}
    for row in rows:
        begin = f"| {row.task} | {row.name} | {row.size_bytes / 1e6:.1f} | {row.way} |"
        if row.seconds is None:
            lines.append(f"{begin} not installed | | | | |")
            continue
        ratio = row.seconds / (base[row.task, row.name] or row.seconds)
        read = "" if row.read_bytes is None else f"{row.read_bytes / 1e6:.2f}"
        lines.append(
            f"{begin} {row.seconds * 1e3:.1f} | {row.video_s / row.seconds:,.0f} | {ratio:.1f} | {read} | "
            f"{'' if row.reads is None else row.reads} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure(Path(name))))
