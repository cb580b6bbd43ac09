"""Evidence: the rows behind a finding, as Parquet beside the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from dqv.core.errors import TrustError
from dqv.core.files import sha256_file
from dqv.reports.escape import shortened, visible
from dqv.reports.model import EvidenceRef, Finding

_BATCH_ROWS = 1 << 20
"""So many rows are held at once, and looked up in the names."""
_ROW_GROUP_ROWS = 64 * 1024

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
    """Write evidence/NAME.parquet, all of its rows.

    Args:
        frame: rows in canonical order; beside `original_object`, a number, its name is written, as `original_name`.
        out: the out folder.
        name: rule, or `defective`, `unread`.
        names: `object` and `name` of all objects.

    Returns:
        What the report says of the file; the same rows give the same bytes.
    """
    relative = f"evidence/{name}.parquet"
    path = out / relative
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    schema = _named(pl.DataFrame(schema=frame.collect_schema()), names).to_arrow().schema
    count = 0
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for rows in _even(frame):
            writer.write_table(_named(rows, names).to_arrow(), row_group_size=_ROW_GROUP_ROWS)
            count += rows.height
    temporary.replace(path)
    return EvidenceRef(path=relative, digest=sha256_file(path), rows=count, total=count)


def _even(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """The rows, `_BATCH_ROWS` at a time, however they come: the cut into row groups must repeat."""
    held: list[pl.DataFrame] = []
    count = 0
    for batch in frame.collect_batches(chunk_size=_ROW_GROUP_ROWS, engine="streaming"):
        held.append(batch)
        count += batch.height
        while count >= _BATCH_ROWS:
            rows = pl.concat(held)
            yield rows.head(_BATCH_ROWS)
            held, count = [rows.slice(_BATCH_ROWS)], count - _BATCH_ROWS
    if count:
        yield pl.concat(held)


def _named(rows: pl.DataFrame, names: pl.LazyFrame) -> pl.DataFrame:
    """The rows with the names of their originals."""
    if "original_object" not in rows.columns:
        return rows
    wanted = rows["original_object"].unique().implode()
    originals = names.filter(pl.col("object").is_in(wanted)).rename({"name": "original_name"}).collect()
    at = rows.columns.index("original_object") + 1
    columns = [*rows.columns[:at], "original_name", *rows.columns[at:]]
    joined = rows.join(
        originals, left_on="original_object", right_on="object", how="left", maintain_order="left"
    )
    return joined.select(columns)


def scan(folder: Path, file: EvidenceRef) -> pl.LazyFrame | None:
    """The rows of an evidence file of a report; None where it is not there.

    Raises:
        TrustError: it is another than the report's, or no Parquet.
    """
    where = folder / "evidence"
    path = where / Path(file.path).name
    if file.path != f"evidence/{visible(path.name)}":
        raise TrustError(
            f"the report names evidence outside its folder, or as dqv names none: {visible(file.path)[:200]}"
        )
    if not path.exists():
        return None
    if path.is_symlink() or where.is_symlink() or not path.is_file():
        raise TrustError(f"{file.path} is no regular file")
    if sha256_file(path) != file.digest:
        raise TrustError(f"{file.path} is not the file of the report: its sha256 is another; get both anew")
    try:
        rows = pl.scan_parquet(path, glob=False)
        rows.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TrustError(f"{file.path} cannot be read as Parquet") from error
    return rows
