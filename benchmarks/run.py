"""Run all benchmarks and write their figures into benchmarks/README.md, between the markers."""

import os
import platform
import tempfile
from datetime import date
from pathlib import Path

from benchmarks import audio_check, image_check, image_scale, text_kernel, text_scale, video_check

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def main() -> None:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = "\n".join(
            f"### {title}\n\n{table}"
            for title, table in (
                ("Text, the whole check", text_scale.as_markdown(*text_scale.measure(folder))),
                ("Text, tokens to sketches", text_kernel.as_markdown(text_kernel.measure())),
                ("Images, one at a time", image_check.as_markdown(image_check.measure(folder))),
                ("Images, the whole check", image_scale.as_markdown(*image_scale.measure(folder))),
                ("Audio", audio_check.as_markdown(audio_check.measure(folder))),
                ("Video", video_check.as_markdown(video_check.measure(folder))),
            )
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    head = (
        f"{date.today().isoformat()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}\n\n"
    )
    text = README.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + BEGIN + head + tables + END + after, "utf-8")
    print(head + tables)


if __name__ == "__main__":
    main()
