import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqv.core.errors import TrustError
from dqv.trust import merkle
from dqv.trust.manifest import manifest_root, manifest_rows, rows, shown

SHA = hashlib.sha256(b"x").digest()
TYPES = {"path": pa.binary(), "size_bytes": pa.int64(), "sha256": pa.binary(32), "role": pa.string()}


def write(path: Path, *values: tuple[Any, ...], types: dict[str, pa.DataType] = TYPES) -> Path:
    columns = list(zip(*values, strict=True)) or [()] * len(types)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
    pq.write_table(pa.table(arrays, names=list(types)), path)
    return path


def test_root_is_over_the_rows_that_are_not_ignored(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.parquet",
        (b".git", 1, None, "ignored"),
        (b"a", 2, SHA, "data"),
        (b"\xff", 0, SHA, "other"),
    )
    bound = [(b"a", 2, SHA), (b"\xff", 0, SHA)]
    assert list(manifest_rows(path)) == bound
    assert manifest_root(path) == merkle.root(merkle.leaf_record(*row) for row in bound).hex()


def test_root_is_null_if_one_object_was_not_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.parquet", (b"a", 2, SHA, "data"), (b"b", 2, None, "data"), (b"c", 2, SHA, "data")
    )
    assert manifest_root(path) is None
    assert list(manifest_rows(path))[1] == (b"b", 2, None)


def test_no_objects_have_the_root_of_nothing(tmp_path: Path) -> None:
    assert manifest_root(write(tmp_path / "m.parquet")) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([(b"b", 1, SHA, "data"), (b"a", 1, SHA, "data")], "not sorted"),
        ([(b"a", 1, SHA, "data"), (b"a", 1, SHA, "data")], "not sorted"),
        ([(b"a", -1, SHA, "data")], "size_bytes"),
        ([(b"a", None, SHA, "data")], "size_bytes"),
        ([(b"", 1, SHA, "data")], "path"),
        ([(None, 1, SHA, "data")], "path"),
        ([(b"a", 1, SHA, None)], "role"),
    ],
)
def test_rows_that_cannot_be_are_refused(tmp_path: Path, values: list[tuple[Any, ...]], said: str) -> None:
    with pytest.raises(TrustError, match=said):
        list(rows(write(tmp_path / "m.parquet", *values)))


def test_a_short_digest_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.parquet", (b"a", 1, b"short", "data"), types=TYPES | {"sha256": pa.binary()})
    with pytest.raises(TrustError, match="not 32 bytes"):
        list(rows(path))


@pytest.mark.parametrize("column", list(TYPES))
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    write(tmp_path / "m.parquet", (b"a", 1, SHA, "data"))
    pq.write_table(pq.read_table(tmp_path / "m.parquet").drop_columns([column]), tmp_path / "m.parquet")
    with pytest.raises(TrustError, match=f"no column {column}"):
        list(rows(tmp_path / "m.parquet"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1", None])
def test_what_is_not_parquet_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "m.parquet").write_bytes(content)
    with pytest.raises(TrustError, match="cannot be read"):
        list(rows(tmp_path / "m.parquet"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("数据/a b.txt".encode(), "数据/a b.txt"),
        (b"\xff", r"\xff"),
        (b"a\nb\x1b[31m\x7f", r"a\nb\x1b[31m\x7f"),
        ("\u202e".encode(), r"\u202e"),
    ],
)
def test_a_path_is_shown_without_harm(path: bytes, text: str) -> None:
    assert shown(path) == text
