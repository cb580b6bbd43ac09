"""Great Expectations over the metadata of ten million items, in a process of its own: time, memory, disk.

All items have identifier, licence, source, language and version; one identifier is there twice, and one date is none: both must be found.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import polars as pl

from dqv.core.policy import load_policy
from dqv.stages import expectations

ITEMS = 10_000_000


class Still:
    """A beat that nobody watches."""

    leaves_out = False

    def __init__(self) -> None:
        self.skipped: list[tuple[int, str, str]] = []

    def begin(self, number: int) -> None:
        """Nothing is left out."""

    def at(self, place: int) -> bool:
        """Always."""
        return True

    def tick(self) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""


def child() -> None:
    """What the process does: seconds, peak KiB and bytes of SQLite's file go to standard output."""
    out, args = orjson.loads(sys.argv[1])
    load, sizes = expectations._load, []

    def loaded(*given: object) -> object:
        found = load(*given)  # type: ignore[arg-type]
        sizes.append((Path(out) / "items.sqlite").stat().st_size)
        return found

    expectations._load = loaded  # type: ignore[assignment]
    began = time.monotonic()
    expectations.check(args, Path(out), Still())  # type: ignore[arg-type]
    peak = re.search(
        r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()
    )  # ru_maxrss starts at the parent's
    print(time.monotonic() - began, peak[1] if peak else 0, sizes[0])


def measure(folder: Path) -> tuple[float, int, int]:
    """Seconds, peak bytes of memory and bytes on disk of holding ITEMS items to the policy's expectations."""
    table, files, out = folder / "descriptions.parquet", folder / "files.parquet", folder / "out"
    number = pl.col("item")
    frame = pl.select(item=pl.int_range(ITEMS)).lazy()
    frame.select(
        object=number // 10**6, place=number % 10**6, modality=pl.lit("text"),
        id=pl.format("record-{}", pl.when(number == 7).then(6).otherwise(number)), licence=pl.lit("cc-by-4.0"),
        source=pl.format("site-{}", number % 97), language=pl.lit("zh"), labels=pl.lit(None, pl.List(pl.String)),
        annotation_method=pl.lit(None, pl.String), version=pl.lit("1.0"), generated=pl.lit(None, pl.String),
        types=pl.lit("ssss-s--"), problems=pl.lit(None, pl.List(pl.String)), dated=number != 11,
        licence_id=pl.lit("cc-by-4.0"), method_id=pl.lit(None, pl.String),
    ).sink_parquet(table, row_group_size=8192)  # fmt: skip
    names = expectations.FILES[1:]
    pl.DataFrame(schema=dict.fromkeys(names, pl.Boolean)).write_parquet(files)
    out.mkdir()
    args = {
        "descriptions": str(table), "files": str(files), "own": None,
        "suite": expectations.policy_suite(load_policy("jiaxing-2025-65").metadata),
    }  # fmt: skip
    command = [
        sys.executable,
        "-c",
        "from benchmarks.metadata import child; child()",
        orjson.dumps([str(out), args]).decode(),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    found = (
        pl.read_parquet(out / "expectations-0.parquet").filter(~pl.col("met")).select("rule", "unexpected")
    )
    if found.rows() != [("unique:id", 2), ("dated", 1)]:
        raise RuntimeError(f"not what was planted: {found.rows()}")
    return float(told[0]), int(told[1]) * 1024, int(told[2])


def as_markdown(seconds: float, peak: int, disk: int) -> str:
    """The line of benchmarks/README.md."""
    return (
        f"{ITEMS:,} items, the policy's suite in SQLite and Great Expectations, its start with it: {seconds:.0f} s, peak {peak / 1e6:.0f} MB, "
        f"{disk / 1e6:.1f} MB on disk.\n"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(*measure(Path(name))))
