"""Run all benchmarks and write their figures into benchmarks/README.md, between the markers.

`python -m benchmarks.run MODULE…` runs some of them, and only prints.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import (
    audio_check,
    audio_near,
    image_check,
    image_scale,
    images_near,
    text_curves,
    text_kernel,
    text_peers,
    text_scale,
    video_check,
)

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


Part = tuple[str, Callable[[Path], str]]

PARTS: dict[str, Part] = {
    "text_scale": ("Text, the whole check", lambda folder: text_scale.as_markdown(*text_scale.measure(folder))),
    "text_kernel": ("Text, tokens to sketches", lambda _: text_kernel.as_markdown(text_kernel.measure())),
    "text_peers": ("Text, near-duplicates beside peers", lambda _: text_peers.as_markdown(*text_peers.measure())),
    "text_curves": ("Text, growth", lambda _: text_curves.as_markdown(text_curves.measure())),
    "image_check": ("Images, one at a time", lambda folder: image_check.as_markdown(image_check.measure(folder))),
    "image_scale": ("Images, the whole check", lambda folder: image_scale.as_markdown(*image_scale.measure(folder))),
    "images_near": ("Images, near-duplicates", lambda _: images_near.as_markdown(images_near.measure())),
    "audio_check": ("Audio", lambda folder: audio_check.as_markdown(audio_check.measure(folder))),
    "audio_near": ("Audio, near-duplicates", lambda folder: audio_near.as_markdown(audio_near.measure(folder))),
    "video_check": ("Video", lambda folder: video_check.as_markdown(video_check.measure(folder))),
}  # fmt: skip


def main() -> None:
    """Measure and write."""
    tables = ""
    with tempfile.TemporaryDirectory() as name:
        for module in sys.argv[1:] or PARTS:
            title, work = PARTS[module]
            began = time.monotonic()
            tables += f"### {title}\n\n{work(Path(name))}\n"
            print(f"{module}: {time.monotonic() - began:.0f} s", flush=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    head = (
        f"{date.today().isoformat()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}\n\n"
    )
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    print(head + tables)
    if len(sys.argv) == 1:
        README.write_text(before + BEGIN + head + tables + END + after, "utf-8")


if __name__ == "__main__":
    main()
