"""Sorting more rows than memory should hold: sorted runs on disk, merged a block of each at a time."""

import bisect
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

RUN_BYTES = 64 * 2**20
"""Rows are held up to this size, then sorted and written as a run."""

_BLOCKS = 64
"""Of a run; merging holds one block of every run, 1 MB each."""


class Sorter:
    """Rows that are added in any order and given back sorted, in bounded memory.

    Used as a context; the runs lie in a folder of its own, which is deleted at the end.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, keys: Sequence[str], run_bytes: int = RUN_BYTES
    ) -> None:
        """Nothing is written before there is more than one run.

        Args:
            folder: for the runs; what an earlier one left there is deleted.
            schema: of the rows.
            keys: columns without nulls, binary, text or whole numbers, in ascending order of bytes and numbers.
            run_bytes: what is held before it is written.
        """
        self._folder = folder
        self._schema = schema
        self._keys = keys
        self._run_bytes = run_bytes
        self._held: list[pa.Table] = []
        self._held_bytes = 0
        self._runs: list[Path] = []
        shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> "Sorter":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, rows: pa.Table) -> None:
        """Add rows.

        Raises:
            OSError: a run cannot be written.
        """
        self._held.append(rows)
        self._held_bytes += rows.nbytes
        if self._held_bytes > self._run_bytes:
            self._spill()

    def sorted(self) -> Iterator[pa.Table]:
        """All rows in order, some at a time; none may be added afterwards."""
        if not self._runs:
            yield self._sort(self._held)
            return
        self._spill()
        runs = [_Run(path, self._keys) for path in self._runs]
        while runs := [run for run in runs if run.rows.num_rows or run.advance()]:
            # behind the last row of a block, its run may have rows that come before those of others
            ends = [run.key(run.rows.num_rows - 1) for run in runs if run.has_more]
            taken = [run.take(min(ends) if ends else None) for run in runs]
            yield self._sort([pa.Table.from_batches(taken, self._schema)])

    def _sort(self, tables: list[pa.Table]) -> pa.Table:
        rows = pa.concat_tables([self._schema.empty_table(), *tables])
        return rows.sort_by([(key, "ascending") for key in self._keys])

    def _spill(self) -> None:
        rows = self._sort(self._held)
        self._held, self._held_bytes = [], 0
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{len(self._runs)}.arrow"
        with ipc.new_file(path, self._schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(rows.combine_chunks(), max_chunksize=-(-max(1, rows.num_rows) // _BLOCKS))
        self._runs.append(path)


class _Run:
    """A sorted run, read a block at a time."""

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self._file = ipc.open_file(pa.OSFile(str(path)))
        self._keys = keys
        self._next = 0
        self.rows: pa.RecordBatch = pa.RecordBatch.from_pylist([], self._file.schema)

    @property
    def has_more(self) -> bool:
        """Whether there are blocks behind this one."""
        return self._next < int(self._file.num_record_batches)

    def advance(self) -> bool:
        """Go on to the next block; False where there is none."""
        if not self.has_more:
            return False
        self.rows = self._file.get_batch(self._next)
        self._next += 1
        return True

    def key(self, row: int) -> tuple[Any, ...]:
        """The key of a row of the block."""
        return tuple(self.rows[name][row].as_py() for name in self._keys)

    def take(self, end: tuple[Any, ...] | None) -> pa.RecordBatch:
        """The block's rows up to a key, that one included, or all; they are gone from it."""
        count = self.rows.num_rows
        cut = count if end is None else bisect.bisect_right(range(count), end, key=self.key)
        taken, self.rows = self.rows.slice(0, cut), self.rows.slice(cut)
        return taken
