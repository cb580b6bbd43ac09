"""The manifest: every name in the source, numbered in the order of its path bytes, on disk.

`listing.parquet` in the run folder holds it, in row groups of `ROW_GROUP_ROWS` names, so that the rows of a range of
numbers are read without the others.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.core.schema import OBJECTS
from dqv.execute.sorting import RUN_BYTES, Sorter

ROW_GROUP_ROWS = 16 * 1024

_ENTRIES = pa.schema([field for field in OBJECTS if field.name != "object"])
_VALUES = attrgetter(*_ENTRIES.names)
_BATCH = 8192


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
    container: int | None = None
    locator: str | None = None
    sample: bytes | None = None
    refused_kind: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Listing:
    """A listing on disk.

    Attributes:
        path: of the Parquet file; rows of `core.schema.OBJECTS`.
        first: number of the first name.
        names: how many there are.
        digest: hex sha256 over all rows.
        counts: (role, modality) → names.
    """

    path: Path
    first: int
    names: int
    digest: str
    counts: Mapping[tuple[str, str | None], int]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order, a row group at a time; of these columns alone, where given."""
        return between(self.path, self.first, self.first + self.names, columns)

    def holds(self, number: int) -> bool:
        """Whether an object is of this listing."""
        return self.first <= number < self.first + self.names

    def rows(self, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The rows of a few names, by number."""
        found: dict[int, dict[str, Any]] = {}
        groups = itertools.groupby(sorted(numbers), lambda number: (number - self.first) // ROW_GROUP_ROWS)
        for _, wanted in groups:
            mine = list(wanted)
            for rows in between(self.path, mine[0], mine[-1] + 1):  # of one row group
                chosen = [rows.slice(number - mine[0], 1).to_pylist()[0] for number in mine]
                found |= {row["object"]: row for row in with_outer(self.path, chosen)}
        return found


def between(path: Path, first: int, stop: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a listing from one number to before another, at most a row group at a time."""
    with pq.ParquetFile(path) as file:
        if first >= stop:
            return
        begin = file.metadata.row_group(0).column(0).statistics.min
        for group in range((first - begin) // ROW_GROUP_ROWS, (stop - 1 - begin) // ROW_GROUP_ROWS + 1):
            at = begin + group * ROW_GROUP_ROWS
            here = max(first, at)
            yield file.read_row_group(group, columns).slice(here - at, min(stop, at + ROW_GROUP_ROWS) - here)


def with_outer(path: Path, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of a listing; a member of an archive has the archive's as `outer`."""
    outer: dict[str, Any] = {}
    for row in rows:
        number = row["container"]
        if number is not None and outer.get("object") != number:
            (outer,) = (each for part in between(path, number, number + 1) for each in part.to_pylist())
        yield row if number is None else {**row, "outer": outer}


def expanded(listing: Listing, members: Iterable[pa.Table], path: Path) -> Listing:
    """A listing in which behind every archive its members stand, numbered anew.

    Args:
        listing: as it was written.
        members: rows as a listing's without their numbers, `container` in that of the listing, ascending.
        path: of the new listing.

    Raises:
        OSError: it cannot be written.
    """
    return _number(_with_members(listing, iter(members)), path, listing.first)


def _with_members(listing: Listing, members: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows in their new order; members name the new number of their archive."""
    held, number = next(members, None), listing.first
    for rows in listing.batches():
        begin, archives = (
            rows["object"][0].as_py(),
            rows.filter(pc.equal(rows["role"], "container"))["object"],
        )
        at, rows = 0, rows.select(_ENTRIES.names)
        for archive in archives.to_pylist():
            stop = archive - begin + 1
            yield rows.slice(at, stop - at)
            number += stop - at
            at, outer = stop, number - 1
            while held is not None:
                mine = pc.sum(pc.equal(held["container"], archive)).as_py() or 0
                if mine:
                    part = held.slice(0, mine)
                    column = pa.array([outer] * mine, pa.int64())
                    yield part.set_column(_ENTRIES.get_field_index("container"), "container", column)
                    number += mine
                held = held.slice(mine) if mine < held.num_rows else next(members, None)
                if held is not None and held.num_rows and held["container"][0].as_py() != archive:
                    break
        yield rows.slice(at)
        number += rows.num_rows - at


def write(entries: Iterable[Entry], path: Path, first: int = 0, run_bytes: int = RUN_BYTES) -> Listing:
    """Sort by path bytes, number, and write; the same names in any order give the same file.

    A second name of a data file is ignored, so that a file is never its own duplicate.

    Args:
        entries: in any order.
        path: of the listing; sorting takes room beside it.
        first: number of the first name.
        run_bytes: as for `Sorter`.

    Raises:
        OSError: it cannot be written.
    """
    by_path = Sorter(path.with_suffix(".paths"), _ENTRIES, ("path",), run_bytes)
    by_file = Sorter(path.with_suffix(".files"), _ENTRIES, ("identity", "path"), run_bytes)
    with by_path, by_file:
        entries = iter(entries)
        while held := list(itertools.islice(entries, _BATCH)):
            columns = zip(*map(_VALUES, held), strict=True)
            rows = pa.table(
                [pa.array(each, field.type) for each, field in zip(columns, _ENTRIES, strict=True)], _ENTRIES
            )
            is_file = pc.match_substring_regex(rows["identity"], "^[0-9]")  # equal ETags are of equal content
            may_repeat = pc.and_(pc.is_in(rows["role"], pa.array(["data", "container"])), is_file)
            by_file.add(rows.filter(may_repeat))
            by_path.add(rows.filter(pc.invert(may_repeat)))
        last = None
        for rows in by_file.sorted():
            if rows.num_rows:
                identities = rows["identity"].combine_chunks()
                before = pa.concat_arrays([pa.array([last], pa.string()), identities[:-1]])
                by_path.add(_second_names(rows, pc.equal(identities, before).fill_null(False)))
                last = identities[-1].as_py()
        return _number(by_path.sorted(), path, first)


def _second_names(rows: pa.Table, mask: pa.BooleanArray) -> pa.Table:
    """The rows; where the mask holds, they are ignored."""
    for name, value in (("role", "ignored"), ("why", "hard-link"), ("modality", None)):
        at = rows.schema.get_field_index(name)
        column = pc.if_else(mask, pa.scalar(value, pa.string()), rows[name])
        rows = rows.set_column(at, rows.schema.field(at), column)
    return rows


def _number(blocks: Iterator[pa.Table], path: Path, first: int) -> Listing:
    """Write sorted rows with their numbers, in row groups of even size; and what they come to."""
    digest, counts, number = hashlib.sha256(), Counter[tuple[str, str | None]](), first
    with pq.ParquetWriter(path, OBJECTS, compression="zstd", write_statistics=["object"]) as writer:
        for rows in _even(blocks):
            numbers = pa.array(np.arange(number, number + rows.num_rows))
            rows = rows.add_column(0, OBJECTS.field("object"), numbers)
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
            number += rows.num_rows
            digest.update(b"".join(lines(rows)))
            kinds = rows.group_by(["role", "modality"]).aggregate([([], "count_all")]).to_pylist()
            counts.update({(kind["role"], kind["modality"]): kind["count_all"] for kind in kinds})
    return Listing(path, first, number - first, digest.hexdigest(), counts)


def _even(blocks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, `ROW_GROUP_ROWS` at a time."""
    held = _ENTRIES.empty_table()
    for block in blocks:
        held = pa.concat_tables([held, block])
        while held.num_rows >= ROW_GROUP_ROWS:
            yield held.slice(0, ROW_GROUP_ROWS)
            held = held.slice(ROW_GROUP_ROWS)
    if held.num_rows:
        yield held


def lines(rows: pa.Table) -> list[bytes]:
    """Each row but its number as bytes; no two sequences of rows give the same bytes one behind the other."""
    columns = []
    for field in _ENTRIES:
        column = rows[field.name]
        if field.name in (
            "path",
            "identity",
            "sample",
            "refused",
        ):  # what others chose: they say how long they are
            columns.append(pc.binary_length(column).cast(pa.string()).cast(pa.binary()))
        columns.append(
            (column if pa.types.is_binary(field.type) else column.cast(pa.string())).cast(pa.binary())
        )
    joined = pc.binary_join_element_wise(*columns, b"", b"\0", null_handling="replace", null_replacement=b"")
    return list(joined.to_pylist())


_FINAL = pa.schema(
    [
        *(OBJECTS.field(name) for name in ("path", "size_bytes")),
        ("sha256", pa.binary(32)),  # null where the object was not read to its end
        *(OBJECTS.field(name) for name in ("role", "why", "modality", "format")),
    ]
)


def write_final(objects: Path, path: Path) -> None:
    """Write manifest.parquet, rows of `_FINAL`, sorted by path bytes.

    Args:
        objects: a Parquet file with these columns, in that order of rows.
        path: of manifest.parquet.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with pq.ParquetFile(objects) as file, pq.ParquetWriter(temporary, _FINAL, compression="zstd") as writer:
        for batch in file.iter_batches(1 << 16, columns=[*_FINAL.names, "container"]):
            rows = pa.table(batch)
            rows = rows.filter(pc.is_null(rows["container"])).select(
                _FINAL.names
            )  # an archive binds its members
            sha256 = rows["sha256"].cast(pa.binary()).cast(pa.binary(32))
            writer.write_table(rows.set_column(2, "sha256", sha256).cast(_FINAL))
    temporary.replace(path)
