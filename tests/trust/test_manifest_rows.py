import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import TrustError
from dqv.trust import merkle
from dqv.trust.manifest import Binder, Bound, bound, counts, objects, rows, shown

SHA = hashlib.sha256(b"x").digest()
TYPES = {"path": pa.binary(), "size_bytes": pa.int64(), "sha256": pa.binary(32), "role": pa.string()}


def write(
    path: Path,
    *values: tuple[Any, ...],
    types: dict[str, pa.DataType] = TYPES,
    row_group_size: int | None = None,
) -> Path:
    columns = list(zip(*values, strict=True)) or [()] * len(types)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
    pq.write_table(pa.table(arrays, names=list(types)), path, row_group_size=row_group_size)
    return path


def root(name: str, leaves: list[tuple[bytes, int, bytes]]) -> str:
    tree = merkle.Tree(merkle.HASHES[name])
    tree.extend([merkle.leaf_record(*leaf) for leaf in leaves])
    return tree.root().hex()


def test_bound_is_what_is_not_ignored(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.parquet",
        (b".git", 1, None, "ignored"),
        (b"a", 2, SHA, "data"),
        (b"\xff", 0, SHA, "other"),
    )
    leaves = [(b"a", 2, SHA), (b"\xff", 0, SHA)]
    assert bound(path) == Bound(root("sha256", leaves), root("sm3", leaves), 2, 2)


def test_nothing_is_bound_if_one_object_was_not_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.parquet", (b"a", 2, SHA, "data"), (b"b", 2, None, "data"), (b"c", 2, SHA, "data")
    )
    assert bound(path) is None
    assert list(objects(path)) == [(None, 6)]


def test_no_objects_have_the_root_of_nothing(tmp_path: Path) -> None:
    found = bound(write(tmp_path / "m.parquet"))
    assert found is not None
    assert (found.root_sha256, found.objects) == (hashlib.sha256(b"").hexdigest(), 0)


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=5), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32)
        ),
        unique_by=lambda leaf: leaf[0],
        max_size=12,
    ),
    st.sets(st.integers(0, 11)),
    st.integers(1, 12),
)
def test_records_are_those_of_the_tree(
    tmp_path_factory: pytest.TempPathFactory,
    leaves: list[tuple[bytes, int, bytes]],
    ignored: set[int],
    group: int,
) -> None:
    path, rows_ = tmp_path_factory.mktemp("m") / "m.parquet", sorted(leaves)
    write(
        path,
        *((*leaf, "ignored" if number in ignored else "data") for number, leaf in enumerate(rows_)),
        row_group_size=group,
    )
    kept = [leaf for number, leaf in enumerate(rows_) if number not in ignored]
    found = [record for records, _ in objects(path) for record in records or []]
    assert found == [merkle.leaf_record(*leaf) for leaf in kept]
    assert sum(size for _, size in objects(path)) == sum(size for _, size, _ in kept)
    assert sum(counts(path)) == len(kept)
    binder, first = Binder(), 0  # as the tasks do, a row group each
    for number, count in enumerate(counts(path)):
        for records, size in objects(path, [number]):
            trees = {
                name: merkle.subtrees(records or [], first, digest) for name, digest in merkle.HASHES.items()
            }
            binder.add(trees, size)
        first += count
    assert binder.bound() == bound(path)
    assert binder.bound().root_sm3 == root("sm3", kept)


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
