"""The rows that describe items, gathered over objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dqv.core.schema import DESCRIPTIONS
from dqv.measure.descriptions import Description, Descriptions, as_columns
from dqv.stages.gathered import Gathered

_Row = tuple[int, int, str, Description, bool | None]


class DescriptionRows(Gathered[_Row]):
    """The rows of `schema.DESCRIPTIONS` of a partition."""

    def add(self, place: int, modality: str, found: Description | None, dated: bool | None) -> None:
        """One item of the piece at work; without a description there is nothing to write."""
        if found is not None:
            self._gather((self._piece["object"], place, modality, found, dated))

    def add_columns(
        self, places: Sequence[int], modality: str, found: Descriptions, dated: Sequence[bool | None]
    ) -> None:
        """Many items of the piece at work."""
        if not found.there.any():
            return
        count, there = len(places), found.there
        self._write_all()
        batch = _batch(
            np.full(count, self._piece["object"]),
            places,
            _repeated(modality, count),
            found.columns,
            pa.array(dated, pa.bool_()),
        )
        self._table.add(batch if there.all() else batch.filter(pa.array(there)))

    def _write(self, entries: Sequence[_Row]) -> None:
        objects, places, modalities, found, dated = zip(*entries, strict=True)
        self._table.add(_batch(objects, places, modalities, as_columns(found), pa.array(dated, pa.bool_())))


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
