"""Evidence files are whole, and the same rows give the same bytes."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from dqv.reports import evidence

NAMES = pl.LazyFrame({"object": list(range(100)), "name": [f"f{n}" for n in range(100)]})


def test_all_rows_are_written_in_order_however_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pl.LazyFrame({"place": list(range(1000)), "original_object": [n % 100 for n in range(1000)]})
    whole = evidence.write(frame, tmp_path, "recency", NAMES)
    assert (whole.rows, whole.total) == (1000, 1000)
    monkeypatch.setattr(evidence, "_BATCH_ROWS", 300)
    cut = evidence.write(frame, tmp_path, "recency", NAMES)
    assert (cut.rows, cut.total) == (1000, 1000)
    rows = pl.read_parquet(tmp_path / "evidence" / "recency.parquet")
    assert rows["place"].to_list() == list(range(1000))
    assert rows["original_name"].to_list() == [f"f{n % 100}" for n in range(1000)]
    assert rows.columns == ["place", "original_object", "original_name"]


def test_row_groups_do_not_depend_on_how_the_rows_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "_BATCH_ROWS", 8)
    monkeypatch.setattr(evidence, "_ROW_GROUP_ROWS", 4)
    parts = [pl.LazyFrame({"n": list(range(at, at + 3))}) for at in range(0, 30, 3)]
    digests = {
        evidence.write(frame, tmp_path, "recency", NAMES).digest
        for frame in (
            pl.concat(parts),
            pl.LazyFrame({"n": list(range(30))}),
            pl.concat([*parts]).filter(pl.col("n") >= 0),
        )
    }
    assert len(digests) == 1
    file = pq.ParquetFile(tmp_path / "evidence/recency.parquet")
    assert [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)] == [
        4,
        4,
        4,
        4,
        4,
        4,
        4,
        2,
    ]


def test_no_rows_keep_their_columns(tmp_path: Path) -> None:
    frame = pl.LazyFrame(schema={"place": pl.Int64, "original_object": pl.Int64})
    assert evidence.write(frame, tmp_path, "recency", NAMES).rows == 0
    assert pl.read_parquet(tmp_path / "evidence/recency.parquet").columns == [
        "place",
        "original_object",
        "original_name",
    ]
