"""Metadata: what the rule adds to the text stage, and Great Expectations over ten million items.

Records of made-up text, about 1.1 kB, have identifier, licence, source, language, version and date. The share is taken within one
`dqv check` with one worker: the text stage is all from measuring to the joined rows; what the rule adds is what measuring takes longer
for it (one partition measured with and without in turns, CPU time of one core, median), and the stages, joins and queries that it alone has.
Great Expectations takes seconds to start whatever the size, so the share is given at several sizes.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import orjson
import polars as pl

from dqv import metadata, pipeline
from dqv.core.location import as_args, located
from dqv.core.policy import load_policy
from dqv.core.settings import Measuring, Settings
from dqv.engine import Engine, list_source
from dqv.execute import partitions
from dqv.stages import expectations, measure, rows

SIZES = (250_000_000, 1_000_000_000)
ITEMS = 10_000_000
ROUNDS = 5
SHARE = 0.10
"""Of the text stage, that all checks but privacy may add together."""

_CHILD = (
    "import sys, json, time, resource; from pathlib import Path; from benchmarks.metadata import Still; "
    "from dqv.stages import expectations; out, args = json.loads(sys.argv[1]); began = time.monotonic(); "
    "expectations.check(args, Path(out), Still()); "
    "print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


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


@dataclass
class Clock:
    """A progress that notes when stages begin."""

    began: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str, work: int) -> None:
        """A stage begins."""
        self.began.setdefault(name, time.monotonic())

    def advance(self, work: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Row:
    """One size.

    Attributes:
        text_s: of the text stage, measuring with descriptions in it.
        describing_s: what of it describing items takes.
        own_s: what only the rule has.
    """

    input_bytes: int
    items: int
    text_s: float
    describing_s: float
    own_s: float

    @property
    def share(self) -> float:
        """What the rule adds to a text stage without it."""
        return (self.own_s + self.describing_s) / (self.text_s - self.describing_s)


def _write(path: Path, size: int) -> int:
    """Records of about so many bytes; how many."""
    rng = np.random.default_rng(7)
    latin = np.array(["".join(map(chr, each)) for each in rng.integers(97, 123, (50_000, 6))])
    han = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 3000)])
    number = written = 0
    with path.open("wb") as file:
        while written < size:
            words = latin[rng.integers(0, latin.size, int(rng.integers(40, 220)))]
            text = " ".join(words) + "".join(han[rng.integers(0, han.size, int(rng.integers(0, 120)))])
            record = {
                "id": f"record-{number:09d}", "text": text, "license": "cc-by-4.0", "source": f"site-{number % 97}",
                "language": "zh", "version": "1.0", "original_time": f"2025-{number % 12 + 1:02d}-01",
            }  # fmt: skip
            written += file.write(orjson.dumps(record) + b"\n")
            number += 1
    return number


def _describing(source: Path) -> float:
    """What describing adds to measuring a partition, as a share: the median of turns."""
    with tempfile.TemporaryDirectory() as name:
        listing = list_source([located(str(source))], Path(name) / "listing.parquet")
        (row,) = (row for batch in listing.batches() for row in batch.to_pylist())
    piece = {**partitions.piece(row), "read": "span", "span": [0, partitions.TARGET_BYTES]}
    args = {
        "source": as_args([located(str(source))]), "raw": None, "pieces": [piece],
        "measuring": Measuring().model_dump(mode="json"),
    }  # fmt: skip
    describe = rows.describe_columns
    with_it, without = [], []
    for number in range(ROUNDS + 1):
        for found, how in ((without, lambda _: None), (with_it, describe)):
            with tempfile.TemporaryDirectory() as out, mock.patch.object(rows, "describe_columns", new=how):
                began = time.process_time()
                measure.measure(args, Path(out), Still())  # type: ignore[arg-type]
                if number:  # the first compiles
                    found.append(time.process_time() - began)
    return statistics.median(one / other - 1 for one, other in zip(with_it, without, strict=True))


@contextmanager
def _timed(places: list[tuple[Any, str]]) -> Iterator[list[float]]:
    """How long functions take together."""
    total = [0.0]

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*args, **more)
            finally:
                total[0] += time.monotonic() - began

        return call

    with ExitStack() as stack:
        for place, name in places:
            stack.enter_context(mock.patch.object(place, name, wrapped(getattr(place, name))))
        yield total


def _row(folder: Path, size: int) -> Row:
    source = folder / f"metadata-{size}"
    source.mkdir()
    items = _write(source / "a.jsonl", size)
    clock = Clock()
    own = [(Engine, "describe"), (Engine, "expectations"), (metadata, "joined"), (metadata, "gathered")]
    with tempfile.TemporaryDirectory() as out, _timed(own) as took:
        ends: list[float] = []
        described = Engine.describe

        def describe(*args: Any) -> Any:
            ends.append(time.monotonic())
            return described(*args)

        with mock.patch.object(Engine, "describe", describe):
            pipeline.check(Settings(source=str(source), out=Path(out) / "out", workers=1), clock)
    text = ends[0] - clock.began["measure"]
    stages = list(clock.began)
    after = clock.began[stages[stages.index("measure") + 1]]
    share = _describing(source)
    measuring = after - clock.began["measure"]
    return Row(size, items, text, measuring * share / (1 + share), took[0])


def _expected(folder: Path) -> tuple[float, int]:
    """Seconds and peak bytes of a process that holds ITEMS items to the policy's expectations."""
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
    command = [sys.executable, "-c", _CHILD, orjson.dumps([str(out), args]).decode()]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    found = (
        pl.read_parquet(out / "expectations-0.parquet").filter(~pl.col("met")).select("rule", "unexpected")
    )
    if found.rows() != [("unique:id", 2), ("dated", 1)]:
        raise RuntimeError(f"not what was planted: {found.rows()}")
    return float(told[0]), int(told[1]) * 1024


def measure_all(folder: Path) -> tuple[list[Row], float, int]:
    """All figures."""
    shares = [_row(folder, size) for size in SIZES]
    return shares, *_expected(folder)


def as_markdown(shares: list[Row], seconds: float, peak: int) -> str:
    """The tables of benchmarks/README.md."""
    lines = [
        "| JSONL | items | text stage s | of it describing items s | stages of the rule alone s | the rule adds |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.input_bytes / 1e6:.0f} MB | {row.items:,} | {row.text_s:.1f} | {row.describing_s:.2f} | {row.own_s:.1f} | "
        f"{row.share:.1%} |"
        for row in shares
    ]
    if len(shares) > 1:
        first, last = shares[0], shares[-1]
        own = (last.own_s + last.describing_s - first.own_s - first.describing_s) / (
            last.text_s - first.text_s
        )
        lines += [
            "",
            f"Per byte, without what does not grow (start of Great Expectations): {own:.1%} of the text stage; "
            f"all checks but privacy may take {SHARE:.0%} together.",
        ]
    lines += [
        "",
        f"{ITEMS:,} items, policy's suite in SQLite and Great Expectations: {seconds:.0f} s, peak {peak / 1e6:.0f} MB.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    SIZES = tuple(map(int, sys.argv[1:])) or SIZES
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(*measure_all(Path(name))))
