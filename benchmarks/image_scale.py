"""The whole check over many small images: time and memory over 50,000, 100,000 and 200,000 JPEGs.

As `text_scale`: every row is one `dqv check` in processes of its own. The peer in the same run is Pillow alone, one
process that opens and decodes each file and writes nothing down: the floor under any check of images.
"""

import io
import shutil
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.text_scale import Row, run_check

COUNTS = (50_000, 100_000, 200_000)


def write_images(folder: Path, count: int) -> int:
    """Write `count` different JPEGs of 96 × 64 pixels, a thousand to a folder; returns their bytes."""
    rng = np.random.default_rng(65_2025)
    coarse = rng.integers(0, 256, (count, 4, 6, 3), np.uint8)
    size = 0
    for number in range(count):
        sub = folder / f"{number // 1000:04d}"
        if number % 1000 == 0:
            sub.mkdir(parents=True)
        sink = io.BytesIO()
        picture = Image.fromarray(coarse[number]).resize((96, 64), Image.Resampling.BILINEAR)
        exif = Image.Exif()
        exif[306] = f"20{number % 12 + 14:02d}:05:0{number % 9 + 1} 12:00:00"
        picture.save(sink, "JPEG", quality=70, exif=exif)
        (sub / f"{number}.jpg").write_bytes(sink.getvalue())
        size += len(sink.getvalue())
    return size


def measure(folder: Path) -> tuple[list[Row], float]:
    """All rows, and the seconds that Pillow alone takes for the largest count."""
    rows, floor = [], 0.0
    for count in COUNTS:
        source = folder / f"images-{count}"
        size = write_images(source, count)
        for workers in (1, 2) if count == COUNTS[-1] else (1,):
            seconds, worker, client = run_check(source, workers)
            rows.append(Row(f"{count:,} small images", size, count, workers, seconds, worker, client))
        if count == COUNTS[-1]:
            began = time.monotonic()
            for path in sorted(source.rglob("*.jpg")):
                with Image.open(path) as picture:
                    picture.load()
            floor = time.monotonic() - began
        shutil.rmtree(source)
    return rows, floor


def as_markdown(rows: list[Row], floor: float) -> str:
    """The tables of benchmarks/README.md."""
    lines = [
        "| input | workers | wall s | images/s | worker with child, peak MB | client, peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} ({row.input_bytes / 1e6:.0f} MB) | {row.workers} | {row.seconds:.1f} | "
            f"{row.items / row.seconds:.0f} | {row.worker_bytes / 1e6:.0f} | {row.client_bytes / 1e6:.0f} |"
        )
    found = {(row.items, row.workers): row.seconds for row in rows}
    first, middle, last = COUNTS
    lines += [
        "",
        "| ratio of wall times | |",
        "|---|---|",
        f"| {middle:,} against {first:,} images, one worker (linear: 2) | {found[middle, 1] / found[first, 1]:.2f} |",
        f"| {last:,} against {middle:,} images, one worker (linear: 2) | {found[last, 1] / found[middle, 1]:.2f} |",
        f"| {last:,} images, one worker against two | {found[last, 1] / found[last, 2]:.2f} |",
        f"| {last:,} images: dqv check with one worker against Pillow alone | {found[last, 1] / floor:.2f} |",
    ]
    return "\n".join(lines) + "\n"
