from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.execute.sorting import Sorter

SCHEMA = pa.schema([("key", pa.binary()), ("number", pa.int64()), ("text", pa.string())])
ROWS = st.lists(st.tuples(st.binary(max_size=3), st.integers(-5, 5), st.text(max_size=2)), max_size=80)


def table(rows: list[tuple[bytes, int, str]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


@given(ROWS, st.integers(1, 10), st.integers(0, 2000))
def test_rows_come_back_sorted_whatever_fits_into_memory(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[bytes, int, str]], step: int, run_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("sort") / "runs"
    with Sorter(folder, SCHEMA, ("text", "key", "number"), run_bytes) as sorter:
        for first in range(0, len(rows), step):
            sorter.add(table(rows[first : first + step]))
        found = [tuple(row.values()) for block in sorter.sorted() for row in block.to_pylist()]
    assert found == sorted(rows, key=lambda row: (row[2], row[0], row[1]))
    assert not folder.exists()


def test_merging_holds_a_block_of_every_run(tmp_path: Path) -> None:
    with Sorter(tmp_path / "runs", SCHEMA, ("number",), 100_000) as sorter:
        for first in range(20):
            sorter.add(table([(b"x" * 100, number * 20 + first, "") for number in range(1000)]))
        assert len(list((tmp_path / "runs").iterdir())) > 15
        blocks = list(sorter.sorted())
    assert [row for block in blocks for row in block["number"].to_pylist()] == list(range(20_000))
    assert max(block.num_rows for block in blocks) < 20_000 // 32


def test_what_a_killed_run_left_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "0.arrow").write_bytes(b"cut off")
    with Sorter(tmp_path / "runs", SCHEMA, ("number",), 0) as sorter:
        sorter.add(table([(b"a", 2, "")]))
        sorter.add(table([(b"a", 1, "")]))
        assert [row["number"] for block in sorter.sorted() for row in block.to_pylist()] == [1, 2]
