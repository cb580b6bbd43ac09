"""Evidence: the rows behind a finding, as Parquet beside the report."""

from pathlib import Path

import polars as pl

from dqv.core.files import sha256_file
from dqv.reports.model import EvidenceRef

MOST_ROWS = 1_000_000
"""A file holds at most so many rows; `total` always says how many there are."""


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
