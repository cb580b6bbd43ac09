"""The manifest: every name in the source, numbered in the order of its path bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dqv.core.files import digest_of
from dqv.core.schema import OBJECTS


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in the source, as listed and classified (columns of `core.schema.OBJECTS`)."""

    path: bytes
    size_bytes: int
    mtime_ns: int
    identity: str
    role: str
    why: str
    modality: str | None
    format: str | None
    compression: str | None


def build(entries: Iterable[Entry]) -> pa.Table:
    """Sort by path bytes and number.

    A second name of a data file is ignored, so that a file is never its own duplicate.

    Returns:
        A table of `OBJECTS`; the same names in any order give the same table.
    """
    ordered = sorted(entries, key=lambda entry: entry.path)
    seen: set[str] = set()
    columns: dict[str, list[Any]] = {name: [] for name in OBJECTS.names}
    for number, entry in enumerate(ordered):
        role, why, modality = entry.role, entry.why, entry.modality
        if role == "data" and entry.identity[:1].isdigit():  # of a file; equal ETags are of equal content
            if entry.identity in seen:
                role, why, modality = "ignored", "hard-link", None
            seen.add(entry.identity)
        for name, value in zip(
            OBJECTS.names,
            (number, entry.path, entry.size_bytes, entry.mtime_ns, entry.identity, role, why, modality,
             entry.format, entry.compression),
            strict=True,
        ):  # fmt: skip
            columns[name].append(value)
    return pa.table(columns, OBJECTS)


def digest(manifest: pa.Table) -> str:
    """Hex sha256 of what tells this listing from another: names, sizes, times, identities."""
    columns = manifest.select(["path", "size_bytes", "mtime_ns", "identity"]).to_pydict()
    return digest_of([[path.decode("latin-1"), *rest] for path, *rest in zip(*columns.values(), strict=True)])


def write(manifest: pa.Table, hashes: dict[int, bytes], path: Path) -> None:
    """Write manifest.parquet: path, size_bytes, sha256, role, sorted by path bytes."""
    sha256 = pa.array([hashes.get(number) for number in manifest["object"].to_pylist()], pa.binary(32))
    table = manifest.select(["path", "size_bytes", "role", "why", "modality", "format"])
    table = table.add_column(2, "sha256", sha256)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def rows(manifest: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a manifest as mappings, a batch at a time in memory."""
    for batch in manifest.to_batches(max_chunksize=8192):
        yield from batch.to_pylist()
