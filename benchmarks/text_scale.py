"""The text stage as a whole: time and memory over 0.25, 0.5 and 1 GB of JSONL, and 100,000 small files.

Each row is one `dqv check` in processes of its own; memory is the peak resident size of a worker with its
child, watched from outside twenty times a second. The peer in the same run is polars, which only reads the
same file: no tool does what the check does, and reading is the floor under all of them.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psutil

from benchmarks import text_corpus

SIZES = (250_000_000, 500_000_000, 1_000_000_000)


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        seconds: wall time of the whole command, start of the cluster included.
        worker_bytes: peak of the largest worker with its child.
        client_bytes: peak of the client.
    """

    name: str
    input_bytes: int
    items: int
    workers: int
    seconds: float
    worker_bytes: int
    client_bytes: int


def run_check(source: Path, workers: int) -> tuple[float, int, int]:
    """Time one check; returns seconds, peak bytes of a worker with its child, peak bytes of the client."""
    with tempfile.TemporaryDirectory() as out:
        args = [
            sys.executable,
            "-m",
            "dqv",
            "check",
            str(source),
            "--out",
            f"{out}/out",
            "--quiet",
            "--workers",
            str(workers),
        ]
        began = time.monotonic()
        process = subprocess.Popen(args)
        worker = client = 0
        while process.poll() is None:
            now = sizes(process.pid)
            worker, client = max(worker, now[0]), max(client, now[1])
            time.sleep(0.05)
        seconds = time.monotonic() - began
        if process.returncode not in (0, 1):
            raise RuntimeError(f"dqv check ended with {process.returncode}")
        return seconds, worker, client


def sizes(pid: int) -> tuple[int, int]:
    """Resident bytes of the largest worker with its child, and of the client."""
    groups: dict[int, int] = defaultdict(int)
    client = 0
    try:
        root = psutil.Process(pid)
        client = root.memory_info().rss
        for process in root.children(recursive=True):
            line = " ".join(process.cmdline())
            rss = process.memory_info().rss
            if "dqv.execute.child" in line:
                groups[process.ppid()] += rss
            elif "spawn_main" in line:
                groups[process.pid] += rss
    except psutil.NoSuchProcess:
        pass
    return max(groups.values(), default=0), client


def measure(folder: Path) -> tuple[list[Row], list[tuple[str, float]]]:
    """All rows, and the seconds that polars takes to read the same files."""
    rows, floors = [], []
    corpora = text_corpus.build()
    warm = folder / "warm"
    text_corpus.write_files(warm, corpora[SIZES[0]], 2000)
    run_check(warm, 1)  # kernels are compiled once, into their cache
    for size in SIZES:
        source = folder / f"jsonl-{size}"
        source.mkdir()
        path = Path(shutil.copy(corpora[size].path, source))
        name, items = f"JSONL {size / 1e9:g} GB", corpora[size].documents
        for workers in (1, 2):
            rows.append(Row(name, path.stat().st_size, items, workers, *run_check(source, workers)))
        began = time.monotonic()
        pl.read_ndjson(path).height  # noqa: B018  reading is all it does
        floors.append((name, time.monotonic() - began))
        shutil.rmtree(source)
    for count in (25_000, 50_000, 100_000):
        source = folder / f"files-{count}"
        text_corpus.write_files(source, corpora[SIZES[0]], count)
        size = sum(path.stat().st_size for path in source.rglob("*.txt"))
        rows.append(Row(f"{count:,} small files", size, count, 1, *run_check(source, 1)))
        if count == 100_000:
            rows.append(Row(f"{count:,} small files", size, count, 2, *run_check(source, 2)))
        shutil.rmtree(source)
    return rows, floors


def as_markdown(rows: list[Row], floors: list[tuple[str, float]]) -> str:
    """The tables of benchmarks/README.md."""
    lines = [
        "| input | items | workers | wall s | MB/s | worker with child, peak MB | client, peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} ({row.input_bytes / 1e6:.0f} MB) | {row.items:,} | {row.workers} | {row.seconds:.1f} | "
            f"{row.input_bytes / 1e6 / row.seconds:.0f} | {row.worker_bytes / 1e6:.0f} | {row.client_bytes / 1e6:.0f} |"
        )
    found = {(row.name, row.workers): row.seconds for row in rows}
    ratios = [
        ("JSONL, 1 GB against 0.5 GB, one worker (linear: 2)", ("JSONL 1 GB", 1), ("JSONL 0.5 GB", 1)),
        ("JSONL, 0.5 GB against 0.25 GB, one worker (linear: 2)", ("JSONL 0.5 GB", 1), ("JSONL 0.25 GB", 1)),
        ("JSONL, 1 GB against 0.25 GB, one worker (linear: 4)", ("JSONL 1 GB", 1), ("JSONL 0.25 GB", 1)),
        (
            "files, 100,000 against 25,000, one worker (linear: 4)",
            ("100,000 small files", 1),
            ("25,000 small files", 1),
        ),
        ("JSONL 1 GB, one worker against two", ("JSONL 1 GB", 1), ("JSONL 1 GB", 2)),
        ("100,000 files, one worker against two", ("100,000 small files", 1), ("100,000 small files", 2)),
    ]
    lines += ["", "| ratio of wall times | |", "|---|---|"]
    lines += [f"| {name} | {found[a] / found[b]:.2f} |" for name, a, b in ratios]
    lines += [
        f"| {name}: dqv check with two workers against polars only reading it | {found[name, 2] / seconds:.1f} |"
        for name, seconds in floors
    ]
    return "\n".join(lines) + "\n"
