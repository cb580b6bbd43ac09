"""Evidence: the rows behind a finding, as Parquet beside the report."""

from pathlib import Path

import polars as pl

from dqv.core.files import sha256_file
from dqv.reports.model import EvidenceRef

MOST_ROWS = 1_000_000
"""A file holds at most so many rows; `total` always says how many there are."""


def write(frame: pl.LazyFrame, out: Path, name: str) -> EvidenceRef:
    """Write evidence/NAME.parquet.

    Args:
        frame: rows in canonical order.
        out: the out folder.
        name: rule, or `defective`, `unread`.

    Returns:
        What the report says of the file; the same rows give the same bytes.
    """
    rows = frame.head(MOST_ROWS).collect()
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
