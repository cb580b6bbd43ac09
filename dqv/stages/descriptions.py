"""The rows that describe items: gathered over objects, as `rows.ItemRows` does with the items themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dqv.core.schema import DESCRIPTIONS
from dqv.execute.parts import Table
from dqv.measure.descriptions import Description, Descriptions, as_columns

_BATCH_ROWS = 4096

_Row = tuple[int, int, str, Description, bool | None]


class DescriptionRows:
    """The rows of `schema.DESCRIPTIONS` of a partition, in canonical order; those of the piece at work can be taken back."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._object = 0
        self._rows: list[_Row] = []
        self._mark = 0  # rows gathered before it are of earlier objects
        table.begin()

    def begin(self, piece: dict[str, Any]) -> None:
        """The rows that follow are of this piece."""
        if len(self._rows) >= _BATCH_ROWS:
            self.end()
        self._table.keep()
        self._table.begin()
        self._mark = len(self._rows)
        self._object = piece["object"]

    def end(self) -> None:
        """All rows so far stay, and are written."""
        self._write(len(self._rows))

    def take_back(self) -> None:
        """Forget the rows of the piece at work."""
        del self._rows[self._mark :]
        self._table.take_back()

    def add(self, place: int, modality: str, found: Description | None, dated: bool | None) -> None:
        """One item of the piece at work; without a description there is nothing to write."""
        if found is None:
            return
        self._rows.append((self._object, place, modality, found, dated))
        if len(self._rows) - self._mark >= _BATCH_ROWS:
            self._write_earlier()
            self._write(len(self._rows))

    def add_columns(
        self, places: Sequence[int], modality: str, found: Descriptions, dated: Sequence[bool | None]
    ) -> None:
        """Many items of the piece at work."""
        if not found.there.any():
            return
        count, there = len(places), found.there
        self._write_earlier()
        self._write(len(self._rows))
        batch = _batch(
            np.full(count, self._object),
            places,
            _repeated(modality, count),
            found.columns,
            pa.array(dated, pa.bool_()),
        )
        self._table.add(batch if there.all() else batch.filter(pa.array(there)))

    def _write_earlier(self) -> None:
        """Write the rows of earlier pieces: they stay, whatever becomes of the one at work."""
        if self._mark:
            self._write(self._mark)
            self._table.keep()
            self._table.begin()

    def _write(self, count: int) -> None:
        """Write the first `count` rows gathered."""
        if count:
            objects, places, modalities, found, dated = zip(*self._rows[:count], strict=True)
            self._table.add(
                _batch(objects, places, modalities, as_columns(found), pa.array(dated, pa.bool_()))
            )
            del self._rows[:count]
        self._mark = max(0, self._mark - count)


def _batch(
    objects: Any, places: Any, modalities: Any, columns: Mapping[str, Any], dated: pa.Array
) -> pa.RecordBatch:
    told = {**columns, "object": objects, "place": places, "modality": modalities, "dated": dated}
    arrays = []
    for column in DESCRIPTIONS:
        values = told.get(column.name)
        if values is None:
            arrays.append(pa.nulls(len(dated), column.type))
        else:
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=DESCRIPTIONS)


def _repeated(word: str, count: int) -> pa.StringArray:
    return pa.repeat(pa.scalar(word, pa.string()), count)
