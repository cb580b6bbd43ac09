"""report.html and report.pdf of the demo's report: seconds from the start of a process to the file, and what they weigh.

Beside them Chromium printing the same page to PDF, where it is installed, with all its processes. A figure is the median of
the rounds; CPU seconds are what a busy machine does not change.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROUNDS = 3
_MAKE = """
import sys
from pathlib import Path
from dqv.reports import html, pdf
from dqv.reports.model import Report
report, envelope, out, lang = sys.argv[1:]
read = Report.model_validate_json(Path(report).read_bytes())
made = (
    html.render(read, lang).encode() if out.endswith(".html")
    else pdf.render(read, lang, ("report.dsse.json", Path(envelope).read_bytes()))
)
Path(out).write_bytes(made)
"""


def demo(folder: Path) -> Path:
    """The folder of the demo's report: 23 findings, four modalities, signed."""
    subprocess.run([sys.executable, "-m", "dqv", "demo", "--out", folder, "--quiet"], check=True)
    return folder / "report"


def measure(report: Path) -> list[tuple[str, str, float, float, int]]:
    """Way, language, seconds by the wall and of CPU, and bytes of the file.

    Args:
        report: an out folder with report.json and report.dsse.json.
    """
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for lang in ("zh", "en"):
            for kind in ("html", "pdf"):
                out = Path(name) / f"{lang}.{kind}"
                args = [
                    sys.executable,
                    "-c",
                    _MAKE,
                    report / "report.json",
                    report / "report.dsse.json",
                    out,
                    lang,
                ]
                rows.append((f"report.{kind}", lang, *_seconds(args), out.stat().st_size))
            browser = shutil.which("chromium")
            if browser is not None:
                printed = Path(name) / f"{lang}-printed.pdf"
                args = [
                    browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={name}/browser",
                    f"--print-to-pdf={printed}", (Path(name) / f"{lang}.html").as_uri(),
                ]  # fmt: skip
                rows.append(("Chromium printing report.html", lang, *_seconds(args), printed.stat().st_size))
    return rows


def _seconds(args: Sequence[object]) -> tuple[float, float]:
    wall, cpu = [], []
    for _ in range(ROUNDS):
        began, before = time.monotonic(), _cpu()
        subprocess.run([str(each) for each in args], check=True, capture_output=True)
        wall.append(time.monotonic() - began)
        cpu.append(_cpu() - before)
    return statistics.median(wall), statistics.median(cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def as_markdown(rows: Sequence[tuple[str, str, float, float, int]]) -> str:
    """The figures as a table."""
    lines = ["| file | language | s | CPU s | kB |", "|---|---|---|---|---|"]
    lines += [
        f"| {way} | {lang} | {wall:.2f} | {cpu:.2f} | {size / 1000:.0f} |"
        for way, lang, wall, cpu, size in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(measure(Path(sys.argv[1]))))
