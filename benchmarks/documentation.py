"""What the rule `documentation` adds to the text stage: CPU time of one process, in the same run.

The text stage is measuring alone, without duplicates. Of documentation: reading the documents (a card, and a manual of
many pages in HTML), and the check, with a statement of every kind, so that all of its queries over the items are asked.
"""

import mmap
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from dqv.checks.documentation import documentation
from dqv.checks.engine import Case, Documents, summarise
from dqv.core.location import Location, as_args
from dqv.core.policy import load_policy
from dqv.core.schema import ASPECTS, DOCUMENTS, ITEMS, STATEMENTS
from dqv.core.settings import Measuring
from dqv.engine import list_source, scan
from dqv.execute import partitions
from dqv.execute.child import HEARTBEAT, Beat
from dqv.stages import documents
from dqv.stages import measure as measuring

SIZES_MB = (50, 200)
PAGES = 200
_CARD = """# Card
## Size
The dataset contains {rows} records in total, {mb} MB, 12 hours, {rows} images.
## Format
JSONL, CSV
## Modality
text, audio
## Data collection
Time span: 2020 to 2025. Resolution of 1920 x 1080.
## License
MIT
"""


@dataclass(frozen=True)
class Row:
    """One size of text.

    Attributes:
        text_s: CPU seconds of measuring.
        read_s: of reading the documents.
        check_s: of the check.
    """

    text_mb: float
    items: int
    text_s: float
    read_s: float
    check_s: float

    @property
    def share(self) -> float:
        """Of documentation in the text stage."""
        return (self.read_s + self.check_s) / self.text_s


def _make(folder: Path, megabytes: int) -> int:
    """The dataset; returns how many records it has."""
    random, rows, size = Random(7), 0, 0
    words = ["".join(random.choices("abcdefghijklmnop", k=6)) for _ in range(20_000)]
    with (folder / "data.jsonl").open("w") as file:
        while size < megabytes * 10**6:
            text = " ".join(random.choices(words, k=200))
            size += file.write(
                f'{{"id": {rows}, "text": "{text}", "original_time": "202{rows % 6}-01-02"}}\n'
            )
            rows += 1
    (folder / "README.md").write_text(_CARD.format(rows=rows, mb=megabytes))
    (folder / "docs").mkdir()
    page = (
        "<h2>Processing {n}</h2>"
        + "<p>"
        + " ".join(random.choices(words, k=400))
        + ", 12 records each</p>" * 3
    )
    (folder / "docs" / "readme.html").write_text("\n".join(page.format(n=n) for n in range(PAGES)))
    return rows


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def _row(folder: Path, megabytes: int) -> Row:
    source = folder / str(megabytes)
    source.mkdir()
    rows = _make(source, megabytes)
    where = [Location(url=os.fspath(source))]
    listing = list_source(where, folder / f"{megabytes}.parquet")
    pieces = [partitions.piece(row) for batch in listing.batches() for row in batch.to_pylist()]
    common = {"source": as_args(where), "measuring": Measuring().model_dump(mode="json")}
    beat = Beat(mmap.mmap(-1, HEARTBEAT.size), [], 600)
    out = {name: folder / f"{megabytes}-{name}" for name in ("measure", "documents")}
    for path in out.values():
        path.mkdir()
    data = [piece for piece in pieces if piece["role"] == "data"]
    described = [piece for piece in pieces if piece["role"] == "documentation"]
    text_s, _ = _timed(
        lambda: measuring.measure({**common, "pieces": data, "raw": None}, out["measure"], beat)
    )
    read_s, _ = _timed(lambda: documents.read({**common, "pieces": described}, out["documents"], beat))

    def table(name: str, schema: Any) -> pl.DataFrame:
        return scan(sorted(out["documents"].glob(f"{name}-*.parquet")), schema).drop("id").collect()

    unknown = [pl.lit(None, pl.Date).alias(name) for name in ("date_sidecar", "date_sidecar_modified")]
    joined = scan(sorted(out["measure"].glob("items-*.parquet")), ITEMS).with_columns(
        *unknown, name=pl.lit("data.jsonl"), compression=pl.lit(None, pl.String)
    )
    joined.sink_parquet(folder / f"{megabytes}-items.parquet")
    items = pl.scan_parquet(folder / f"{megabytes}-items.parquet")
    objects = pl.scan_parquet(listing.path).with_columns(
        name=pl.col("path").cast(pl.String), texts=pl.when(pl.col("role") == "data").then(rows)
    )
    policy = load_policy("jiaxing-2025-65")
    case = Case(
        policy, None, date(2026, 6, 30), items, objects, ("text",), summarise(items, policy),
        documents=Documents(table("documents", DOCUMENTS), table("aspects", ASPECTS), table("statements", STATEMENTS)),
    )  # fmt: skip
    check_s, found = _timed(lambda: documentation(case))
    assert found.evidence is not None
    return Row(megabytes, rows, text_s, read_s, check_s)


def measure(folder: Path) -> list[Row]:
    """All rows; a first, small one, of which nothing is told, loads the libraries."""
    _row(folder, 1)
    return [_row(folder, megabytes) for megabytes in SIZES_MB]


def as_markdown(rows: list[Row]) -> str:
    """The table of benchmarks/README.md."""
    lines = [
        "| text | items | text stage, CPU s | documents, CPU s | check, CPU s | added |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.text_mb:.0f} MB | {row.items:,} | {row.text_s:.2f} | {row.read_s:.2f} | {row.check_s:.2f} | {row.share:.1%} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder_name:
        print(as_markdown(measure(Path(folder_name))))
