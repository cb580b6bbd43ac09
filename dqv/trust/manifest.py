"""What manifest.parquet binds: rows in path-byte order, their Merkle root, and how to show a path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from dqv.core.errors import TrustError
from dqv.trust import merkle

IGNORED = "ignored"
"""The role of names that are listed and not part of the dataset: never hashed, never in the root."""

_COLUMNS = ["path", "size_bytes", "sha256", "role"]


class Row(NamedTuple):
    """One name of the manifest.

    Attributes:
        sha256: 32 bytes; null where the object was not read to its end.
    """

    path: bytes
    size_bytes: int
    sha256: bytes | None
    role: str


def rows(source: Path | BinaryIO) -> Iterator[Row]:
    """Stream all rows, the ignored ones too.

    Raises:
        TrustError: not Parquet, a column missing, a value of the wrong kind, or paths that do not
            ascend strictly.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    last: bytes | None = None
    try:
        with pq.ParquetFile(source) as file:
            missing = [name for name in _COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise TrustError(f"manifest.parquet has no column {', '.join(missing)}")
            for batch in file.iter_batches(columns=_COLUMNS):
                for values in zip(*(batch.column(name).to_pylist() for name in _COLUMNS), strict=True):
                    row = _row(values)
                    if last is not None and row.path <= last:
                        raise TrustError(
                            "manifest.parquet is not sorted by path, each once: "
                            f"{shown(row.path)} follows {shown(last)}"
                        )
                    last = row.path
                    yield row
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        raise TrustError(f"manifest.parquet cannot be read: {error}") from error


def manifest_rows(path: Path) -> Iterator[tuple[bytes, int, bytes | None]]:
    """Stream path, size in bytes and sha256 of every row that is not ignored, in path-byte order.

    Raises:
        TrustError: as `rows`.
    """
    return ((row.path, row.size_bytes, row.sha256) for row in rows(path) if row.role != IGNORED)


def manifest_root(source: Path | BinaryIO) -> str | None:
    """Hex Merkle root over the rows that are not ignored; null if any of them has no sha256.

    Raises:
        TrustError: as `rows`.
    """
    complete = True

    def leaves() -> Iterator[bytes]:
        nonlocal complete
        for row in rows(source):
            if row.role == IGNORED:
                continue
            if row.sha256 is None:
                complete = False
                return
            yield merkle.leaf_record(row.path, row.size_bytes, row.sha256)

    root = merkle.root(leaves()).hex()
    return root if complete else None


def shown(path: bytes) -> str:
    """A path for people: bytes that are not UTF-8, control and bidi characters become escapes."""
    text = path.decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _row(values: tuple[Any, ...]) -> Row:
    path, size, sha256, role = values
    if not isinstance(path, bytes) or not path:
        raise TrustError("manifest.parquet has a path that is not bytes, or empty")
    if not isinstance(size, int) or size < 0:
        raise TrustError(f"manifest.parquet has no size_bytes for {shown(path)}")
    if sha256 is not None and (not isinstance(sha256, bytes) or len(sha256) != 32):
        raise TrustError(f"manifest.parquet has a sha256 that is not 32 bytes for {shown(path)}")
    if not isinstance(role, str):
        raise TrustError(f"manifest.parquet has no role for {shown(path)}")
    return Row(path, size, sha256, role)
