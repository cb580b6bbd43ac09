"""Run all benchmarks and write their figures into benchmarks/README.md, between the markers.

`python -m benchmarks.run MODULE…` runs some of them; the others keep their figures.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path

from benchmarks import (
    audio_check,
    audio_near,
    binding,
    clauses,
    documents,
    image_check,
    image_hash_peers,
    image_scale,
    images_near,
    metadata,
    objects_scale,
    pages,
    privacy_check,
    storage_check,
    text_curves,
    text_kernel,
    text_peers,
    text_scale,
    video_check,
    video_near,
)

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


Part = tuple[str, Callable[[Path], str]]

PARTS: dict[str, Part] = {
    "objects_scale": ("Many objects", lambda folder: objects_scale.as_markdown(objects_scale.measure(folder))),
    "binding": ("Binding", lambda folder: binding.as_markdown(binding.measure(folder))),
    "text_scale": ("Text, the whole check", lambda folder: text_scale.as_markdown(*text_scale.measure(folder))),
    "text_kernel": ("Text, tokens to sketches", lambda _: text_kernel.as_markdown(text_kernel.measure())),
    "text_peers": ("Text, near-duplicates beside peers", lambda _: text_peers.as_markdown(*text_peers.measure())),
    "text_curves": ("Text, growth", lambda _: text_curves.as_markdown(text_curves.measure())),
    "clauses": ("Clauses that are words", lambda folder: clauses.as_markdown(clauses.measure_all(folder))),
    "documents": ("Documents, beside peers", lambda folder: documents.as_markdown(documents.measure(folder))),
    "metadata": ("Metadata", lambda folder: metadata.as_markdown(*metadata.measure(folder))),
    "privacy_check": ("Personal values", lambda folder: privacy_check.as_markdown(*privacy_check.measure(folder))),
    "pages": ("Report, its pages", lambda folder: pages.as_markdown(pages.measure(pages.demo(folder / "demo")))),
    "storage_check": ("Storage", lambda folder: storage_check.as_markdown(storage_check.measure(folder))),
    "image_check": ("Images, one at a time", lambda folder: image_check.as_markdown(image_check.measure(folder))),
    "image_scale": ("Images, the whole check", lambda folder: image_scale.as_markdown(*image_scale.measure(folder))),
    "images_near": ("Images, near-duplicates", lambda _: _printed(images_near.main)),
    "image_hash_peers": (
        "Images, beside peers", lambda folder: image_hash_peers.as_markdown(image_hash_peers.measure(folder))
    ),
    "audio_check": ("Audio", lambda folder: audio_check.as_markdown(audio_check.measure(folder))),
    "audio_near": ("Audio, near-duplicates", lambda folder: audio_near.as_markdown(audio_near.measure(folder))),
    "video_check": ("Video", lambda folder: video_check.as_markdown(video_check.measure(folder))),
    "video_near": ("Video, near-duplicates", lambda _: f"{video_near.tables(list(video_near.corpus([])))}\n\n{video_near.speed()}"),
}  # fmt: skip


def _printed(work: Callable[[], None]) -> str:
    """What a function prints."""
    with redirect_stdout(StringIO()) as out:
        work()
    return out.getvalue()


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{date.today().isoformat()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def _put(title: str, section: str) -> None:
    """Write the figures of one part; the others keep theirs."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    figures, _, after = rest.partition(END)
    sections = dict(part.split("\n", 1) for part in figures.split("### ")[1:])
    sections[title] = section
    tables = [f"### {title}\n{sections[title]}" for title, _ in PARTS.values() if title in sections]
    README.write_text(before + BEGIN + "".join(tables) + END + after, "utf-8")


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as name:
        for module in sys.argv[1:] or PARTS:
            title, work = PARTS[module]
            began = time.monotonic()
            section = f"\n{_machine()}\n\n{work(Path(name))}\n"
            _put(title, section)
            print(f"### {title}\n{section}{module}: {time.monotonic() - began:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
