"""Reading documents beside the libraries that were not chosen: CPU time of one core, the documents in memory's cache.

Each peer has a process of its own in an environment of their own; all take turns over the same file, round after round,
and a figure is the median of the rounds.
"""

import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.packages import environment
from benchmarks.text_curves import beat
from dqv.connectors.containers.records import Facts, read, singly
from dqv.core.settings import Limits

ROUNDS = 3
PACKAGES = [
    "openpyxl==3.1.5",
    "python-calamine==0.9.1",
    "python-docx==1.2.0",
    "pypdf==7.1.1",
    "reportlab==5.1.0",
]
PEERS = {
    "a.docx": ["python-docx"],
    "a.xlsx": ["openpyxl", "python-calamine"],
    "english.pdf": ["pypdf"],
    "chinese.pdf": ["pypdf"],
}


@dataclass(frozen=True)
class Row:
    """One way to read one document.

    Attributes:
        text_mb: of the document, as dqv reads it.
        mb_per_s: of that text, a CPU second.
        ratio: of dqv's to these.
    """

    name: str
    stored_mb: float
    text_mb: float
    way: str
    mb_per_s: float
    ratio: float


def _text_bytes(path: Path) -> int:
    """The bytes of all text of a document."""
    form = path.suffix.removeprefix(".")
    found = singly(read(partial(path.open, "rb"), form, limits=Limits(), beat=beat(), facts=Facts()))
    values = (getattr(record, "value", "") for record in found)
    return sum(
        len("".join(value.values()).encode() if isinstance(value, dict) else value.encode())
        for value in values
    )


def _ours(path: Path) -> float:
    began = time.process_time()
    _text_bytes(path)
    return time.process_time() - began


def measure(folder: Path) -> list[Row]:
    """All rows."""
    asked = [
        str(environment("documents", PACKAGES)),
        str(Path(__file__).with_name("documents_peer.py")),
    ]
    subprocess.run([*asked, "make", str(folder)], check=True)
    rows = []
    for name, peers in PEERS.items():
        path = folder / name
        size = _text_bytes(path) / 1e6
        seconds: dict[str, list[float]] = {way: [] for way in ("dqv", *peers)}
        for _ in range(ROUNDS):
            seconds["dqv"].append(_ours(path))
            for peer in peers:
                told = subprocess.run([*asked, peer, str(path)], check=True, capture_output=True, text=True)
                seconds[peer].append(float(told.stdout))
        medians = {way: statistics.median(each) for way, each in seconds.items()}
        stored = path.stat().st_size / 1e6
        rows += [
            Row(name, stored, size, way, size / each, each / medians["dqv"]) for way, each in medians.items()
        ]
    return rows


def as_markdown(rows: list[Row]) -> str:
    """The table of benchmarks/README.md."""
    lines = [
        "| document | stored | text | way | MB of text/CPU s | dqv against it |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.stored_mb:.1f} MB | {row.text_mb:.1f} MB | {row.way} | {row.mb_per_s:.2f} | {row.ratio:.2f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder_name:
        print(as_markdown(measure(Path(folder_name))))
