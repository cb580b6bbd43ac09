"""Evidence: the rows behind a finding, as Parquet beside the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dqv.core.files import sha256_file
from dqv.reports.escape import shortened
from dqv.reports.model import EvidenceRef, Finding

MOST_ROWS = 1_000_000
"""A file holds at most so many rows; `total` always says how many there are."""

SHOWN_ROWS = 10
"""Of a file in report.html, which must not grow with the data."""

SHOWN_COLUMNS = 10


@dataclass(frozen=True)
class Rows:
    """The first rows of a file: where items stand and what was found of them, as text; never what they hold.

    Attributes:
        columns: those that say anything in these rows.
        rows: a text per column.
        total: rows there would be without a cap.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: int


def first_rows(out: Path, findings: Sequence[Finding]) -> Mapping[str, Rows]:
    """Rule → the first rows of its evidence."""
    found = {}
    for finding in findings:
        if finding.evidence is not None and finding.evidence.rows:
            rows = pl.read_parquet(out / finding.evidence.path, n_rows=SHOWN_ROWS, glob=False)
            said = [name for name in rows.columns if rows[name].null_count() < rows.height][:SHOWN_COLUMNS]
            shown = [[_shown(value) for value in row] for row in rows.select(said).iter_rows()]
            found[finding.rule] = Rows(said, shown, finding.evidence.total)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value)
    return shortened("" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value))


def write(frame: pl.LazyFrame, out: Path, name: str, names: pl.LazyFrame) -> EvidenceRef:
    """Write evidence/NAME.parquet.

    Args:
        frame: rows in canonical order; for `original_object`, a number, its name is written, as `original_name`.
        out: the out folder.
        name: rule, or `defective`, `unread`.
        names: `object` and `name` of all objects.

    Returns:
        What the report says of the file; the same rows give the same bytes.
    """
    rows = frame.head(MOST_ROWS).collect()
    if "original_object" in rows.columns:
        wanted = rows["original_object"].unique().implode()
        originals = names.filter(pl.col("object").is_in(wanted)).rename({"name": "original_name"}).collect()
        columns = [each.replace("original_object", "original_name") for each in rows.columns]
        rows = rows.join(
            originals, left_on="original_object", right_on="object", how="left", maintain_order="left"
        ).select(columns)
    total = rows.height
    if total == MOST_ROWS:  # there may be more
        total = int(frame.select(pl.len()).collect(engine="streaming").item())
    relative = f"evidence/{name}.parquet"
    path = out / relative
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    rows.write_parquet(temporary, compression="zstd", row_group_size=64 * 1024)
    temporary.replace(path)
    return EvidenceRef(path=relative, digest=sha256_file(path), rows=rows.height, total=total)
