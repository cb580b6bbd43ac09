"""Duplicates, stage by stage.

Of text: candidates, shingle sets of the unsettled, kept and surplus. Of images, audio and video: what is equal, byte
for byte or once decoded.
"""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors.containers.records import Broken, Facts
from dqv.connectors.storage import Reads
from dqv.core.errors import ItemError
from dqv.core.schema import SKETCH_SLOTS, SURPLUS
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table, open_writer
from dqv.measure.fields import extract
from dqv.neardup import sketch, surplus, tokens
from dqv.stages.measure import check_unchanged, open_piece, records
from dqv.stages.rows import buffers

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _TextItems:
    """Every measured text item in canonical order; an item's number here is its id.

    Attributes:
        object: (n,) of the manifest.
        place: (n,) in the object.
        first: (n,) id of the first item with the same payload, itself included.
        has_sketch: (n,).
    """

    object: Any
    place: Any
    first: Any
    has_sketch: Any

    @classmethod
    def read(cls, parts: list[str], beat: Beat) -> "_TextItems":
        """From all `items` tables: 33 bytes an item, and twice that while equal payloads are told."""
        objects, places, sketched, hashes = [], [], [], []
        for path in parts:
            file = pq.ParquetFile(path)
            names = ["object", "place", "status", "modality", "xxh3_128", "normalised"]
            for batch in file.iter_batches(1 << 16, columns=names):
                table = _measured_text(pa.table(batch))
                objects.append(table["object"].to_numpy())
                places.append(table["place"].to_numpy())
                sketched.append(table["normalised"].is_valid().to_numpy())
                hashes.append(_fixed_rows(table["xxh3_128"], np.uint64))
                beat.tick()
        if not objects:
            none = np.empty(0, np.int64)
            return cls(none, none, none, np.empty(0, np.bool_))
        return cls(np.concatenate(objects), np.concatenate(places), surplus.firsts(np.concatenate(hashes)),
                   np.concatenate(sketched))  # fmt: skip

    def where(self, number: int) -> tuple[int, int]:
        """Object and place of an id."""
        return int(self.object[number]), int(self.place[number])


def _measured_text(table: pa.Table) -> pa.Table:
    return table.filter(pc.and_(pc.equal(table["status"], "measured"), pc.equal(table["modality"], "text")))


def _fixed_rows(column: Any, kind: Any) -> Any:
    """A column of fixed-size binaries without nulls as (n, k) numbers."""
    chunk = column.combine_chunks()
    width = chunk.type.byte_width
    data = np.frombuffer(chunk.buffers()[1], np.uint8)[
        chunk.offset * width : (chunk.offset + len(chunk)) * width
    ]
    return data.view(kind).reshape(len(chunk), width // np.dtype(kind).itemsize)


def _sketches(parts: list[str], keep: Any, beat: Beat) -> Iterator[Any]:
    """The sketches of the text items whose flag is set, a batch at a time."""
    at = 0
    for path in parts:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(8192, columns=["status", "modality", "sketch"]):
            column = _measured_text(pa.table(batch))["sketch"]
            wanted = np.flatnonzero(keep[at : at + len(column)])
            at += len(column)
            yield _fixed_rows(column.take(wanted), np.uint32)
            beat.tick()


def _crowd(items: _TextItems, parts: list[str], beat: Beat) -> tuple[Any, Any, Any]:
    """The items that share a bucket with another: their buckets, sketches and ids, in canonical order."""
    keep = (items.first == np.arange(items.first.size)) & items.has_sketch
    keys = [sketch.band_keys(block) for block in _sketches(parts, keep, beat)]
    bucket = surplus.buckets(np.concatenate(keys)) if keys else np.empty((0, sketch.BANDS), np.int32)
    ids = np.flatnonzero(keep)
    crowded = (bucket >= 0).any(axis=1)
    keep[ids[~crowded]] = False
    blocks = list(_sketches(parts, keep, beat))
    sketches = np.concatenate(blocks) if blocks else np.empty((0, SKETCH_SLOTS), np.uint32)
    return bucket[crowded], sketches, ids[crowded].astype(np.int64)


def candidates(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """The text items whose sketches do not settle whether they are near-duplicates: table `wanted`.

    Args:
        args: `parts`: paths of all `items` tables in canonical order.
        out: gets `wanted-0.parquet`: object and place of those whose shingle sets are needed.
        beat: of the child.

    Returns:
        How many.
    """
    items = _TextItems.read(args["parts"], beat)
    bucket, sketches, ids = _crowd(items, args["parts"], beat)
    wanted = ids[surplus.decide(bucket, sketches, None, beat.tick).wanted]
    table = pa.table({"object": items.object[wanted], "place": items.place[wanted]})
    pq.write_table(table, out / "wanted-0.parquet")
    return int(wanted.size)


def shingles(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The shingle sets of the wanted items of a partition, recomputed from the documents: table `shingles`.

    An object that cannot be read again, or has changed, gives no sets; its pairs stay unverified.

    Args:
        args: `source`, `pieces`, `measuring` as for `measure`; `wanted`: path of the table.
        out: where the table goes.
        beat: names the item at work.
    """
    measuring = Measuring.model_validate(args["measuring"])
    numbers = [piece["object"] for piece in args["pieces"]]
    wanted: dict[int, set[int]] = {}
    for batch in pq.ParquetFile(args["wanted"]).iter_batches(1 << 16):
        table = pa.table(batch).filter(pc.is_in(batch["object"], pa.array(numbers)))
        for number, place in zip(table["object"].to_pylist(), table["place"].to_pylist(), strict=True):
            wanted.setdefault(number, set()).add(place)
    schema = pa.schema(
        [("object", pa.int64()), ("place", pa.int64()), ("shingles", pa.large_list(pa.uint64()))]
    )
    with Table(out, "shingles", schema) as rows:
        for piece in args["pieces"]:
            rows.begin()
            if beat.begin(piece["object"]) is not None:
                continue
            try:
                _add_shingles(
                    args["source"], piece, wanted.get(piece["object"], set()), measuring, beat, rows
                )
            except (ItemError, OSError) as error:
                rows.take_back()
                _log.warning("object %d cannot be read again: %s", piece["object"], type(error).__name__)
            rows.keep()


def _add_shingles(
    source: str, piece: dict[str, Any], places: set[int], measuring: Measuring, beat: Beat, rows: Table
) -> None:
    with open_piece(source, piece) as file:
        for record in records(file, piece, measuring, beat, Facts(), Reads()):
            if record.place not in places or isinstance(record, Broken):
                continue
            text = extract(record.value, measuring.text_field, measuring.date_field).text
            values, _ = tokens.shingle_sets(*buffers(pa.array([text], pa.large_string())))
            rows.add_rows([{"object": piece["object"], "place": record.place, "shingles": values}])
        check_unchanged(file, piece)


def decide(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, int]:
    """Kept and surplus among the items: table `surplus`.

    Args:
        args: `parts`: all `items` tables; `shingles`: all tables of `shingles`, in canonical order.
        out: where the table goes.
        beat: of the child.

    Returns:
        `unverified`: pairs that could matter and whose shingle sets were not to be had again.
    """
    items = _TextItems.read(args["parts"], beat)
    bucket, sketches, ids = _crowd(items, args["parts"], beat)
    with tempfile.TemporaryFile(dir=out) as flat:
        sets = _sets(items, ids, args["shingles"], flat, beat)
        decision = surplus.decide(bucket, sketches, sets, beat.tick)
    fate: dict[int, _Fate] = {}
    for row in np.flatnonzero(decision.original >= 0).tolist():
        original = int(ids[decision.original[row]])
        if decision.of[row] >= 0:
            fate[int(ids[row])] = (original, int(decision.shared[row]), int(decision.of[row]), "exact")
        else:
            fate[int(ids[row])] = (original, int(decision.agree[row]), SKETCH_SLOTS, "estimate")
    _write_surplus([*_text_surplus(items, fate), *_media_surplus(args["parts"], beat)], out)
    return {"unverified": decision.unverified}


def _sets(items: _TextItems, ids: Any, paths: list[str], flat: IO[bytes], beat: Beat) -> tuple[Any, Any, Any]:
    """All shingle sets as one array on disk, in the order of the ids: memory holds what is in use."""
    sizes = np.zeros(ids.size, np.int64)
    lost = np.ones(ids.size, np.bool_)
    order = np.lexsort((items.place[ids], items.object[ids]))
    keys = {(int(items.object[ids[row]]), int(items.place[ids[row]])): int(row) for row in order}
    last = -1
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(64):
            numbers, places, sets = (batch.column(name) for name in batch.schema.names)
            for number, place, values in zip(numbers.to_pylist(), places.to_pylist(), sets, strict=True):
                row = keys[number, place]
                if row <= last:
                    raise AssertionError("shingle sets are not in canonical order")
                last = row
                flat.write(values.values.to_numpy().tobytes())
                sizes[row], lost[row] = len(values.values), False
            beat.tick()
    flat.flush()
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    values = np.memmap(flat, np.uint64, "r") if ends[-1] else np.empty(0, np.uint64)
    return np.asarray(values), ends, lost


_Fate = tuple[int, int, int, str]
"""Id of the original, shared, of, how verified."""


_Surplus = tuple[int, int, int, int, int | None, int | None, str]
"""A row of `SURPLUS`."""


def _text_surplus(items: _TextItems, fate: dict[int, _Fate]) -> Iterator[_Surplus]:
    for number in np.flatnonzero(items.first != np.arange(items.first.size)).tolist():
        first = int(items.first[number])
        fate[number] = fate.get(first, (first, -1, -1, "payload"))
    for number, (original, shared, of, verified) in fate.items():
        numbers = (None, None) if verified == "payload" else (shared, of)
        yield (*items.where(number), *items.where(original), *numbers, verified)


def _media_surplus(parts: list[str], beat: Beat) -> Iterator[_Surplus]:
    """Images, recordings and videos that equal an earlier one of their modality; 48 bytes an item."""
    held: dict[str, list[Any]] = {}
    for path in parts:
        file = pq.ParquetFile(path)
        names = ["object", "place", "status", "modality", "xxh3_128", "normalised"]
        for batch in file.iter_batches(1 << 16, columns=names):
            table = pa.table(batch)
            table = table.filter(
                pc.and_(pc.equal(table["status"], "measured"), pc.is_valid(table["xxh3_128"]))
            )
            for modality in ("audio", "image", "video"):
                mine = table.filter(pc.equal(table["modality"], modality))
                if mine.num_rows:
                    held.setdefault(modality, []).append(
                        (
                            mine["object"].to_numpy(),
                            mine["place"].to_numpy(),
                            _fixed_rows(mine["xxh3_128"], np.uint64),
                            _fixed_rows(pc.coalesce(mine["normalised"], mine["xxh3_128"]), np.uint64),
                        )
                    )
            beat.tick()
    for blocks in held.values():
        objects, places, payload, content = (np.concatenate(each) for each in zip(*blocks, strict=True))
        first = surplus.firsts(content)
        for number in np.flatnonzero(first != np.arange(first.size)).tolist():
            original = int(first[number])
            same = bool((payload[number] == payload[original]).all())
            where = (int(objects[number]), int(places[number]), int(objects[original]), int(places[original]))
            yield (*where, None, None, "payload" if same else "content")


def _write_surplus(rows: list[_Surplus], out: Path) -> None:
    columns = list(zip(*sorted(rows), strict=True)) if rows else [()] * len(SURPLUS)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SURPLUS, strict=True)]
    with open_writer(out / "surplus-0.parquet", SURPLUS) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=SURPLUS))
