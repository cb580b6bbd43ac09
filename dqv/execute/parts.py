"""Writing the tables of a part so that an object's rows are there whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dqv.core.errors import OutputError

_HELD_BYTES = 64 * 2**20
"""Rows of one object are held up to this size; a larger object gets a file of its own."""

ROW_GROUP_ROWS = 64 * 1024


class Table:
    """One table of a part: `NAME-0.parquet`, `NAME-1.parquet` … in the order of their rows.

    Rows of an object are added, then kept or taken back. A large object streams into a file of its
    own, which is deleted when it is taken back; so memory stays bounded whatever the object's size.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._folder = folder
        self._name = name
        self._schema = schema
        self._number = -1
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._mark = self._mark_bytes = 0  # rows held before it are of earlier objects
        self._own_file = False

    def begin(self) -> None:
        """The rows that follow are of the next object."""
        self._mark, self._mark_bytes = len(self._held), self._held_bytes

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows of the object at work."""
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes > _HELD_BYTES:
            if not self._own_file:
                earlier, self._held = self._held[: self._mark], self._held[self._mark :]
                self._write(earlier)
                self._open_next()
                self._own_file = True
                self._mark = self._mark_bytes = 0
            self._write_held()

    def add_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add a few rows given as mappings; missing columns are null."""
        self.add(pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=self._schema))

    def keep(self) -> None:
        """The object at work is done; its rows stay."""
        if self._own_file:
            self._write_held()
            self._close()
            self._own_file = False
        elif self._held_bytes > _HELD_BYTES // 8:
            self._write_held()

    def take_back(self) -> None:
        """Forget the rows of the object at work."""
        if self._own_file:
            self._close()
            (self._folder / f"{self._name}-{self._number}.parquet").unlink()
            self._number -= 1
            self._own_file = False
        del self._held[self._mark :]
        self._held_bytes = self._mark_bytes

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write_held()
        self._close()

    def _write_held(self) -> None:
        self._write(self._held)
        self._held, self._held_bytes = [], 0

    def _write(self, batches: list[pa.RecordBatch]) -> None:
        if batches:
            if self._writer is None:
                self._open_next()
            assert self._writer is not None
            table = pa.Table.from_batches(batches, self._schema)
            with _told_apart():
                self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)

    def _open_next(self) -> None:
        self._close()
        self._number += 1
        with _told_apart():
            self._writer = open_writer(self._folder / f"{self._name}-{self._number}.parquet", self._schema)

    def _close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with _told_apart():
                writer.close()


@contextmanager
def _told_apart() -> Iterator[None]:
    """An error of writing must not pass for one of reading an item."""
    try:
        yield
    except OSError as error:
        raise OutputError(str(error)) from error


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer whose bytes depend on the rows alone; sketches do not compress, the rest does."""
    names = schema.names
    return pq.ParquetWriter(
        path,
        schema,
        compression={name: "NONE" if name == "sketch" else "ZSTD" for name in names},
        use_dictionary=[field.name for field in schema if pa.types.is_string(field.type)],
        write_page_checksum=True,
    )
