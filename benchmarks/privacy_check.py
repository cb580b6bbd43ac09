"""What the search for personal values adds to the stage that measures texts: CPU time of one process, in the same run.

Each row measures the same text twice and by turns, with the search and without it; without means that `PersonalRows` is told
nothing (`unsearched.py`). Also how fast the first pass over the bytes is, beside a regular expression of Polars (Rust) for numbers alone.
"""

import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.privacy_truth import made
from benchmarks.unsearched import without_search
from dqv.core.location import Location, as_args
from dqv.core.settings import Measuring
from dqv.engine import list_source
from dqv.execute import partitions
from dqv.execute.child import HEARTBEAT, Beat
from dqv.measure.privacy import find
from dqv.neardup.tokens import buffers
from dqv.stages import measure as measuring

SIZE_BYTES = 60_000_000
REPEATS = 3
SHARE = 0.25
"""That the search may add to the stage."""

_WORDS = [
    "the",
    "pump",
    "of",
    "hall",
    "two",
    "was",
    "checked",
    "and",
    "found",
    "to",
    "be",
    "in",
    "order",
    "by",
    "the",
    "operator",
    "in",
    "charge",
    "of",
    "it",
    "while",
    "data",
    "about",
    "temperature",
    "pressure",
    "and",
    "flow",
    "were",
    "written",
    "down",
    "for",
    "the",
    "report",
    "that",
    "goes",
    "to",
    "the",
    "office",
    "every",
    "week",
]
_CHINESE = "设备运行数据由平台统一采集并经质量检查后入库供模型训练使用每条记录均注明来源时间与标注方法其中异常样本单独列出以便复核"


def _prose(random: Random, size: int) -> str:
    """Chinese and English by turns, with a number here and there."""
    parts, length = [], 0
    while length < size:
        if random.random() < 0.5:
            part = " ".join(random.choices(_WORDS, k=random.randint(5, 15)))
        else:
            start = random.randrange(len(_CHINESE) - 20)
            part = _CHINESE[start : start + random.randint(8, 20)]
        if random.random() < 0.1:
            part += f" {random.randint(1, 10 ** random.randint(1, 6))}"
        parts.append(part)
        length += len(part.encode()) + 2
    return "，".join(parts)


def _records(kind: str) -> Iterator[dict[str, Any]]:
    random, size, number = Random(7), 0, 0
    values = [each.text for each in made(2000) if each.values]
    while size < SIZE_BYTES:
        if kind == "logs":
            text = "\n".join(
                f"2026-06-{random.randint(1, 30):02} 12:{random.randint(10, 59)}:07.{random.randint(100, 999)} 192.168.1.{random.randint(1, 255)} "
                f"GET /item/{random.randint(1, 10**6)} 200 {random.randint(100, 99999)} {random.random():.6f}"
                for _ in range(14)
            )
        else:
            text = _prose(random, 1500)
            if kind == "each" or number % 100 == 0:
                text += random.choice(values)
        size += len(text.encode())
        yield {"id": number, "text": text, "original_time": f"202{number % 6}-01-02", "source": "hall"}
        number += 1


def _write(folder: Path, kind: str, form: str) -> Path:
    folder.mkdir()
    rows = list(_records(kind))
    if form == "jsonl":
        (folder / "data.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), folder / "data.parquet", row_group_size=4096)
    return folder


@dataclass(frozen=True)
class Row:
    """One text; CPU seconds, the median."""

    name: str
    without_s: float
    with_s: float

    @property
    def added(self) -> float:
        """By the search, of the stage without it."""
        return self.with_s / self.without_s - 1


def _timed(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _row(folder: Path, name: str, kind: str, form: str) -> Row:
    source = _write(folder / f"{kind}-{form}", kind, form)
    listing = list_source([Location(url=os.fspath(source))], folder / f"{kind}-{form}.listing")
    pieces = [partitions.piece(row) for batch in listing.batches() for row in batch.to_pylist()]
    args = {"source": as_args([Location(url=os.fspath(source))]), "measuring": Measuring().model_dump(mode="json"), "pieces": pieces, "raw": None}  # fmt: skip
    beat = Beat(mmap.mmap(-1, HEARTBEAT.size), [], 600)
    seconds: dict[bool, list[float]] = {True: [], False: []}

    for turn in range(REPEATS + 1):
        for searched in (True, False):
            out = folder / f"out-{kind}-{form}-{turn}-{searched}"
            out.mkdir()
            stage = measuring.measure if searched else without_search
            taken = _timed(lambda out=out, stage=stage: stage(args, out, beat))  # type: ignore[misc]
            if turn:  # the first loads what it needs
                seconds[searched].append(taken)
    return Row(name, median(seconds[False]), median(seconds[True]))


def measure(folder: Path) -> tuple[list[Row], list[tuple[str, float]]]:
    """The rows, and megabytes a second of the passes over bytes."""
    rows = [
        _row(folder, "prose, JSON Lines; a value in one record of a hundred", "prose", "jsonl"),
        _row(folder, "the same as Parquet", "prose", "parquet"),
        _row(folder, "prose, JSON Lines; values in each record of 1.5 kB", "each", "jsonl"),
        _row(folder, "logs, JSON Lines: every third character a digit", "logs", "jsonl"),
    ]
    texts = pa.array([row["text"] for row in _records("prose")], pa.large_string())
    size = buffers(texts)[0].size / 1e6
    series = pl.Series(texts)
    numbers = r"[1-9]\d{16}[\dXx]|1[3-9]\d{9}|62\d{14,17}"
    speeds = []
    for name, work in (
        ("dqv, all kinds", lambda: find(texts, [""] * len(texts))),
        (
            "Polars `str.contains`, three kinds of numbers, whether there is one",
            lambda: series.str.contains(numbers),
        ),
        ("Polars `str.extract_all`, the same, what there is", lambda: series.str.extract_all(numbers)),
    ):
        work()
        speeds.append((name, size / median(_timed(work) for _ in range(REPEATS))))
    return rows, speeds


def as_markdown(rows: list[Row], speeds: list[tuple[str, float]]) -> str:
    """The tables of benchmarks/README.md."""
    lines = ["| text | stage without, CPU s | with | added |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.without_s:.2f} | {row.with_s:.2f} | {row.added:.1%} |" for row in rows]
    own = speeds[0][1]
    lines += ["", "| search | MB/CPU s | dqv against it |", "|---|---|---|"]
    lines += [f"| {name} | {speed:,.0f} | {own / speed:.2f} |" for name, speed in speeds]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder_name:
        print(as_markdown(*measure(Path(folder_name))))
