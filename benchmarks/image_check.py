"""Images beside their peers: headers of 1,200 files on disk, and full checks of twelve 12-megapixel JPEGs.

All ways run in turn over the same file, round after round; a figure is the median of the rounds. The floor under
every full check is reading all entropy-coded data, which `simplejpeg 1/8` alone does: no decoder skips it.
"""

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from dqv.core.settings import Limits
from dqv.measure import image

HEADER_FILES, ROUNDS = 1200, 5
WIDTH_PX, HEIGHT_PX = 4000, 3000


@dataclass(frozen=True)
class Row:
    """One way of doing one thing.

    Attributes:
        per_s: images a second, median of the rounds.
        ratio: of dqv's images a second to these.
    """

    task: str
    way: str
    per_s: float
    ratio: float


def photo(seed: int, width_px: int, height_px: int) -> Image.Image:
    """A picture like a photo: noise at several scales, and the sensor's on top (more of it with every fourth seed)."""
    random = np.random.default_rng(seed)
    picture = np.full((height_px, width_px, 3), 128, np.float32)
    for scale_px in (8, 32, 128, 512):
        shape = (-(-height_px // scale_px) + 1, -(-width_px // scale_px) + 1, 3)
        coarse = random.normal(128, 40 / (1 + 16 / scale_px), shape).clip(0, 255).astype(np.uint8)
        wide = Image.fromarray(coarse).resize((width_px, height_px), Image.Resampling.BICUBIC)
        picture += np.asarray(wide, np.float32) - 128
    picture += random.normal(0, 1 + 2 * (seed % 4), picture.shape).astype(np.float32)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def exif(day: date) -> Image.Exif:
    """What a camera writes, dates and a maker's note."""
    tags = Image.Exif()
    for tag, value in ((271, "maker"), (272, "model"), (274, 6), (282, 72.0), (283, 72.0), (296, 2)):
        tags[tag] = value
    tags[306] = f"{day:%Y:%m:%d} 12:00:00"
    inner = tags.get_ifd(34665)
    inner.update({33434: 0.01, 33437: 2.8, 34855: 100, 36867: tags[306], 36868: tags[306], 36881: "+08:00"})
    inner.update({37386: 50.0, 37500: bytes(2000), 40961: 1, 40962: WIDTH_PX, 40963: HEIGHT_PX})
    return tags


def _coded(picture: Image.Image, quality: int, seed: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif(date(2023, 1, 1 + seed % 28)))
    return out.getvalue()


def _nothing() -> None:
    pass


def _dqv(path: Path, full: bool) -> None:
    with path.open("rb") as file:
        image.measure(file, path.stat().st_size, Limits(), _nothing, full=full)


def _pillow_header(path: Path) -> None:
    with Image.open(path) as opened:
        opened.getexif().get_ifd(34665)


def _pillow_full(path: Path) -> None:
    with Image.open(path) as opened:
        opened.load()


def _pillow_draft(path: Path) -> None:
    with Image.open(path) as opened:
        opened.draft("L", (opened.width // 8, opened.height // 8))
        opened.load()


def _interleaved(task: str, ways: dict[str, Callable[[Path], None]], groups: list[list[Path]]) -> list[Row]:
    """Time every way on every group of files, in turn."""
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        seconds = dict.fromkeys(ways, 0.0)
        for group in groups:
            for name, way in ways.items():
                began = time.perf_counter()
                for path in group:
                    way(path)
                seconds[name] += time.perf_counter() - began
        for name, total in seconds.items():
            rounds[name].append(sum(map(len, groups)) / total)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    return [Row(task, name, each, medians["dqv"] / each) for name, each in medians.items()]


def measure(folder: Path) -> list[Row]:
    """All rows."""
    small = []
    shapes = [_coded(photo(seed, 640, 480), 85, seed) for seed in range(12)]
    for number in range(HEADER_FILES):
        small.append(folder / f"{number:04}.jpg")
        small[-1].write_bytes(shapes[number % len(shapes)])
    headers = _interleaved(
        "JPEG header, date and orientation",
        {"dqv": lambda path: _dqv(path, False), "Pillow open and EXIF": _pillow_header},
        [small[at : at + 100] for at in range(0, len(small), 100)],
    )
    large = []
    for seed in range(12):
        large.append(folder / f"large-{seed}.jpg")
        large[-1].write_bytes(_coded(photo(seed, WIDTH_PX, HEIGHT_PX), (80, 90, 95)[seed % 3], seed))
    mean_mb = sum(path.stat().st_size for path in large) / len(large) / 1e6
    full = _interleaved(
        f"12 MP JPEG of {mean_mb:.1f} MB, checked to the end",
        {
            "dqv": lambda path: _dqv(path, True),
            "Pillow full decode": _pillow_full,
            "Pillow draft 1/8": _pillow_draft,
            "simplejpeg full decode": lambda path: simplejpeg.decode_jpeg(path.read_bytes()),
            "simplejpeg 1/8 grey": lambda path: simplejpeg.decode_jpeg(
                path.read_bytes(), "GRAY", min_height=1, min_width=1, min_factor=8
            ),
        },
        [[path] for path in large],
    )
    tiny = _interleaved(
        "640 × 480 JPEG, checked to the end",
        {"dqv": lambda path: _dqv(path, True), "Pillow full decode": _pillow_full},
        [small[at : at + 20] for at in range(0, 200, 20)],
    )
    return headers + full + tiny


def as_markdown(rows: list[Row]) -> str:
    """The table of benchmarks/README.md."""
    lines = ["| images | way | images/s | dqv against it |", "|---|---|---|---|"]
    lines += [f"| {row.task} | {row.way} | {row.per_s:,.0f} | {row.ratio:.2f} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure(Path(name))))
