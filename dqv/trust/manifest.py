"""What manifest.parquet binds: rows in path-byte order, their Merkle roots, and how to show a path."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from dqv.core.errors import TrustError
from dqv.trust import merkle

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

IGNORED = "ignored"
"""The role of names that are listed and not part of the dataset: never hashed, never in the root."""

_COLUMNS = ["path", "size_bytes", "sha256", "role"]
_BATCH = 1 << 16


class Row(NamedTuple):
    """One name of the manifest.

    Attributes:
        sha256: 32 bytes; null where the object was not read to its end.
    """

    path: bytes
    size_bytes: int
    sha256: bytes | None
    role: str


@dataclass(frozen=True)
class Bound:
    """What a report is bound to: the objects of a dataset, which are all names that are not ignored.

    Attributes:
        root_sha256: hex Merkle root over their records (`merkle.leaf_record`), with SHA-256.
        root_sm3: idem, with SM3 over the same records.
        objects: how many they are.
        size_bytes: of all of them.
    """

    root_sha256: str
    root_sm3: str
    objects: int
    size_bytes: int


class Binder:
    """Both trees over a manifest, which grow range by range."""

    def __init__(self) -> None:
        self._trees = {name: merkle.Tree(digest) for name, digest in merkle.HASHES.items()}
        self._size_bytes = 0

    @property
    def objects(self) -> int:
        """How many there are so far."""
        return self._trees["sha256"].leaves

    def add(self, subtrees: Mapping[str, Iterable[merkle.Subtree]], size_bytes: int) -> None:
        """Add the range that follows: the subtrees of each hash, and the bytes of its objects."""
        for name, tree in self._trees.items():
            tree.add(subtrees[name])
        self._size_bytes += size_bytes

    def bound(self) -> Bound:
        """What it comes to."""
        sha256, sm3 = (self._trees[name].root().hex() for name in ("sha256", "sm3"))
        return Bound(sha256, sm3, self.objects, self._size_bytes)


def bound(source: Path | BinaryIO) -> Bound | None:
    """What the rows that are not ignored come to; null if any of them has no sha256.

    Raises:
        TrustError: as `rows`.
    """
    binder = Binder()
    for records, size_bytes in objects(source):
        if records is None:
            return None
        first = binder.objects
        found = {name: merkle.subtrees(records, first, digest) for name, digest in merkle.HASHES.items()}
        binder.add(found, size_bytes)
    return binder.bound()


def objects(
    source: Path | BinaryIO, groups: Sequence[int] | None = None
) -> Iterator[tuple[list[bytes] | None, int]]:
    """Stream the records of the rows that are not ignored (`merkle.leaf_record`), some thousand at a time.

    Args:
        source: manifest.parquet.
        groups: numbers of its row groups; none: all.

    Yields:
        The records, null if one of these rows has no sha256; and the bytes of the objects.

    Raises:
        TrustError: as `rows`.
    """
    import pyarrow.compute as pc

    for batch in _batches(source, groups):
        kept = batch.filter(pc.not_equal(batch["role"], IGNORED))
        size_bytes = sum(kept["size_bytes"].to_pylist())  # Arrow's own sum has 64 bits
        yield None if kept["sha256"].null_count else _records(kept), size_bytes


def counts(source: Path | BinaryIO) -> list[int]:
    """How many rows of each row group are not ignored.

    Raises:
        TrustError: not Parquet, or without roles.
    """
    import pyarrow.compute as pc

    with _opened(source) as file:
        groups = (file.read_row_group(number, ["role"])["role"] for number in range(file.num_row_groups))
        return [pc.sum(pc.not_equal(roles, IGNORED)).as_py() or 0 for roles in groups]


def rows(source: Path | BinaryIO) -> Iterator[Row]:
    """Stream all rows, the ignored ones too.

    Raises:
        TrustError: not Parquet, a column missing, a value of the wrong kind, or paths that do not
            ascend strictly.
    """
    for batch in _batches(source):
        columns = (batch.column(name).to_pylist() for name in _COLUMNS)
        yield from map(Row._make, zip(*columns, strict=True))


def shown(path: bytes) -> str:
    """A path for people: bytes that are not UTF-8, control and bidi characters become escapes."""
    text = path.decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator["pq.ParquetFile"]:
    """The file; what Arrow says of it becomes a TrustError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as file:
            missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise TrustError(f"manifest.parquet has no column {', '.join(missing)}")
            yield file
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise TrustError(f"manifest.parquet cannot be read: {error}") from error


def _batches(source: Path | BinaryIO, groups: Sequence[int] | None = None) -> Iterator["pa.RecordBatch"]:
    """Rows with what they must have, some thousand at a time, never none."""
    import pyarrow as pa

    kinds = (pa.binary(), pa.int64(), pa.binary(), pa.string())
    schema = pa.schema(list(zip(_COLUMNS, kinds, strict=True)))
    last: bytes | None = None
    with _opened(source) as file:
        for batch in file.iter_batches(_BATCH, row_groups=groups, columns=_COLUMNS):
            if batch.num_rows:
                batch = batch.select(_COLUMNS).cast(schema)
                _check(batch, last)
                last = batch["path"][-1].as_py()
                yield batch


def _check(batch: "pa.RecordBatch", last: bytes | None) -> None:
    """Refuse rows that cannot be; `last` is the path before them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    paths = batch["path"]
    sizes, digests, roles = (batch[name] for name in _COLUMNS[1:])
    for wrong, what in (
        (pc.equal(pc.fill_null(pc.binary_length(paths), 0), 0), "a path that is not bytes, or empty"),
        (pc.less(pc.fill_null(sizes, -1), 0), "no size_bytes"),
        (pc.not_equal(pc.binary_length(digests), 32), "a sha256 that is not 32 bytes"),
        (pc.is_null(roles), "no role"),
    ):
        at = pc.index(wrong, value=True).as_py()
        if at >= 0:
            raise TrustError(f"manifest.parquet has {what} for {shown(paths[at].as_py() or b'')}")
    before = pa.concat_arrays([pa.array([last], pa.binary()), paths[:-1]])
    at = pc.index(pc.less_equal(paths, before), value=True).as_py()
    if at >= 0:
        raise TrustError(
            "manifest.parquet is not sorted by path, each once: "
            f"{shown(paths[at].as_py())} follows {shown(before[at].as_py())}"
        )


def _records(rows: "pa.RecordBatch") -> list[bytes]:
    """`merkle.leaf_record` of each row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def eight(numbers: Any) -> Any:
        content = pa.py_buffer(numbers.to_numpy().astype(">u8"))
        return pa.Array.from_buffers(pa.binary(8), len(numbers), [None, content]).cast(pa.binary())

    paths = rows["path"]
    parts = (eight(pc.binary_length(paths)), paths, eight(rows["size_bytes"]), rows["sha256"])
    records: list[bytes] = pc.binary_join_element_wise(*parts, b"").to_pylist()
    return records
