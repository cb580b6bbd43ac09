"""Near-duplicates of text, stage by stage: candidates, shingle sets of the unsettled, kept and surplus."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors.containers.records import Broken, Facts
from dqv.core.errors import ItemError
from dqv.core.schema import SKETCH_SLOTS, SURPLUS
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import open_writer
from dqv.measure.fields import extract
from dqv.neardup import minhash, surplus, tokens
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
    keys = [minhash.band_keys(block) for block in _sketches(parts, keep, beat)]
    bucket = surplus.buckets(np.concatenate(keys)) if keys else np.empty((0, minhash.BANDS), np.int32)
    ids = np.flatnonzero(keep)
    crowded = (bucket >= 0).any(axis=1)
    keep[ids[~crowded]] = False
    blocks = list(_sketches(parts, keep, beat))
    sketches = np.concatenate(blocks) if blocks else np.empty((0, SKETCH_SLOTS), np.uint32)
    return bucket[crowded], sketches, ids[crowded].astype(np.int64)


def candidates(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, list[int]]:
    """The pairs of text items whose sketches do not settle whether they are near-duplicates.

    Args:
        args: `parts`: paths of all `items` tables in canonical order.
        out: gets `pairs-0.parquet`: later and earlier id.
        beat: of the child.

    Returns:
        `wanted`: object → places whose shingle sets the pairs need.
    """
    items = _TextItems.read(args["parts"], beat)
    bucket, sketches, ids = _crowd(items, args["parts"], beat)
    _, _, later, earlier = surplus.decide(bucket, sketches, ids, None)
    order = np.lexsort((earlier, later))
    pairs = pa.table({"later": later[order], "earlier": earlier[order]})
    pq.write_table(pairs, out / "pairs-0.parquet")
    wanted: dict[str, list[int]] = {}
    for needed in np.unique(np.concatenate([later, earlier])):
        number, place = items.where(needed)
        wanted.setdefault(str(number), []).append(place)
    return wanted


def shingles(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The shingle sets of some items of a partition, recomputed from the documents: table `shingles`.

    An object that cannot be read again, or has changed, gives no sets; its pairs stay unverified.

    Args:
        args: `source`, `pieces`, `measuring` as for `measure`; `wanted`: object → places.
        out: where the table goes.
        beat: names the item at work.
    """
    measuring = Measuring.model_validate(args["measuring"])
    schema = pa.schema(
        [("object", pa.int64()), ("place", pa.int64()), ("shingles", pa.large_list(pa.uint64()))]
    )
    with open_writer(out / "shingles-0.parquet", schema) as writer:
        for piece in args["pieces"]:
            places = set(args["wanted"][str(piece["object"])])
            if beat.begin(piece["object"]) is not None:
                continue
            try:
                for row in list(_shingle_rows(args["source"], piece, places, measuring, beat)):
                    writer.write_batch(pa.RecordBatch.from_pylist([row], schema))
            except (ItemError, OSError) as error:
                _log.warning("object %d cannot be read again: %s", piece["object"], type(error).__name__)


def _shingle_rows(
    source: str, piece: dict[str, Any], places: set[int], measuring: Measuring, beat: Beat
) -> Iterator[dict[str, Any]]:
    with open_piece(source, piece) as file:
        for record in records(file, piece, measuring, beat, Facts()):
            if record.place not in places or isinstance(record, Broken):
                continue
            text = extract(record.value, measuring.text_field, measuring.date_field).text
            values, _ = tokens.shingle_sets(*buffers(pa.array([text], pa.large_string())))
            yield {"object": piece["object"], "place": record.place, "shingles": values}
        check_unchanged(file, piece)


def decide(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, int]:
    """Kept and surplus among the text items: table `surplus`.

    Args:
        args: `parts`: all `items` tables; `pairs`: from `candidates`; `shingles`: from `shingles`.
        out: where the table goes.
        beat: of the child.

    Returns:
        `exact`: pairs whose Jaccard similarity was computed; `unverified`: pairs where it could not be.
    """
    items = _TextItems.read(args["parts"], beat)
    bucket, sketches, ids = _crowd(items, args["parts"], beat)
    shared, of = _exact(items, args, beat)
    pairs = pq.read_table(args["pairs"])
    later, earlier = pairs["later"].to_numpy(), pairs["earlier"].to_numpy()
    near = (of > 0) & surplus.settle(shared, of)
    original, agree, asked, _ = surplus.decide(bucket, sketches, ids, (later, earlier, near))
    if asked.size:
        raise AssertionError("the second pass asked for pairs that the first had not found")
    exact = {(a, b): (s, n) for a, b, s, n in zip(later, earlier, shared, of, strict=True)}
    fate: dict[int, tuple[int, int, int, str]] = {}
    for row in np.flatnonzero(original >= 0):
        pair = (ids[row], ids[original[row]])
        if pair in exact:
            fate[int(pair[0])] = (int(pair[1]), int(exact[pair][0]), int(exact[pair][1]), "exact")
        else:
            fate[int(pair[0])] = (int(pair[1]), int(agree[row]), SKETCH_SLOTS, "estimate")
    _write_surplus(items, fate, out)
    return {"exact": int((of > 0).sum()), "unverified": int((of == 0).sum())}


def _exact(items: _TextItems, args: dict[str, Any], beat: Beat) -> tuple[Any, Any]:
    """Intersection and union of the shingle sets of every pair; 0 and 0 where a set is not to be had."""
    pairs = pq.read_table(args["pairs"]).to_pydict()
    sets: dict[tuple[int, int], Any] = {}
    for path in args["shingles"]:
        for batch in pq.ParquetFile(path).iter_batches(64):
            for number, place, values in zip(
                *(batch.column(name) for name in batch.schema.names), strict=True
            ):
                sets[number.as_py(), place.as_py()] = values.values.to_numpy()
            beat.tick()
    shared, of = [], []
    for later, earlier in zip(pairs["later"], pairs["earlier"], strict=True):
        a, b = sets.get(items.where(later)), sets.get(items.where(earlier))
        if a is None or b is None:
            shared.append(0)
            of.append(0)
            continue
        both = tokens.intersection(a, b)
        shared.append(both)
        of.append(a.size + b.size - both)
    return np.array(shared, np.int64), np.array(of, np.int64)


def _write_surplus(items: _TextItems, fate: dict[int, tuple[int, int, int, str]], out: Path) -> None:
    for number in np.flatnonzero(items.first != np.arange(items.first.size)).tolist():
        first = int(items.first[number])
        fate[number] = fate.get(first, (first, -1, -1, "payload"))
    rows = []
    for number in sorted(fate):
        original, shared, of, verified = fate[number]
        numbers = (None, None) if verified == "payload" else (shared, of)
        rows.append((*items.where(number), *items.where(original), *numbers, verified))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SURPLUS)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SURPLUS, strict=True)]
    with open_writer(out / "surplus-0.parquet", SURPLUS) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=SURPLUS))
