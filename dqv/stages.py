"""What a child does: each function here is one call of the engine, `function(args, out, beat)`.

This is where storage, containers, measuring and duplicates meet; the engine that runs it knows none of
them. A function writes its tables into `out` and returns a small JSON value.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors import layout, storage
from dqv.connectors.containers.records import MANY, Broken, Facts, Record, read, row_groups
from dqv.core.errors import ItemError
from dqv.core.schema import ITEMS, READ_OBJECTS, SIDECAR, SKETCH_SLOTS, SURPLUS
from dqv.core.settings import Assurance, Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table, open_writer
from dqv.measure.fields import extract
from dqv.measure.hashing import payload_hashes
from dqv.measure.timestamps import day_in_name, parse_day
from dqv.neardup import minhash, surplus, tokens

_log = logging.getLogger(__name__)

_BATCH_TEXT = 8 * 2**20
_BATCH_ROWS = 4096

SPANNED = frozenset({"jsonl", "parquet"})
"""Formats of which a part can be read by itself."""

ONE_ITEM = frozenset({"txt", "md", "html", "xml"})
"""Formats whose objects are one item each."""


def footers(args: dict[str, Any], out: Path, beat: Beat) -> list[list[int] | None]:
    """Sizes in bytes of the row groups of large Parquet objects; None where the footer cannot be read.

    Args:
        args: `source`, `objects` (rows of the manifest as JSON).
        out: unused.
        beat: of the child.
    """
    found: list[list[int] | None] = []
    for row in args["objects"]:
        try:
            if beat.begin(row["object"]) is not None:
                found.append(None)
                continue
            with _open(args["source"], row) as file:
                found.append([size for _, size in row_groups(lambda file=file: file)])
        except (ItemError, OSError):
            found.append(None)  # it will be told when it is measured
    return found


def measure(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Measure a partition: tables `items`, `objects` and `sidecar`.

    Args:
        args: `source`, `pieces` (see `execute.partitions.Piece.as_args`), `measuring`.
        out: where the tables go.
        beat: names the item at work.
    """
    measuring = Measuring.model_validate(args["measuring"])
    with (
        Table(out, "items", ITEMS) as items,
        Table(out, "objects", READ_OBJECTS) as objects,
        Table(out, "sidecar", SIDECAR) as sidecar,
    ):
        for piece in args["pieces"]:
            _measure_piece(args["source"], piece, measuring, beat, items, objects, sidecar)


def _measure_piece(
    source: str, piece: dict[str, Any], measuring: Measuring, beat: Beat, items: Table, objects: Table, sidecar: Table
) -> None:
    """One object, or one span of it: all its rows, or one row that says why not."""
    for table in (items, objects, sidecar):
        table.begin()
    facts = Facts()
    sha256 = None
    failed: ItemError | None = None
    try:
        poison = beat.begin(piece["object"])
        if poison is not None:
            raise ItemError(*poison)
        if piece["why"] == "unreadable":
            raise ItemError("io", "cannot be listed")
        if measuring.assurance is Assurance.IDENTITY:
            raise ItemError("not-read", "assurance is identity: no content is read")
        with _open(source, piece) as file:
            if piece["read"] != "span":
                sha256 = _digest(file, beat)
                _check_unchanged(file, piece)
            if piece["read"] != "digest":
                if piece["role"] == "data":
                    _measure_items(file, piece, measuring, beat, facts, items)
                elif piece["role"] == "metadata":
                    _read_sidecar(file, piece, measuring, beat, facts, sidecar)
            _check_unchanged(file, piece)
    except (ItemError, OSError) as error:
        items.take_back()
        sidecar.take_back()
        if not isinstance(error, ItemError):
            error = ItemError("io", f"reading failed: {error.strerror or type(error).__name__}")
        if error.kind == "changed":
            sha256 = None
        if piece["role"] == "data":
            one = piece["format"] in ONE_ITEM or piece["modality"] not in (None, "text")
            single = one or error.status == "defective"
            items.add_rows([_error_row(piece, 0, error, single=single, stored_bytes=_size(piece))])
        else:
            failed = error
    items.keep()
    told = {
        "object": piece["object"],
        "sha256": sha256,
        "encoding": facts.encoding,
        "fields": sorted(facts.fields),
        "error_kind": failed.kind if failed else None,
        "error": failed.detail if failed else None,
    }
    objects.add_rows([told])
    objects.keep()
    sidecar.keep()


def _size(piece: dict[str, Any]) -> int | None:
    """Bytes as stored that the piece stands for; None when not even that is known."""
    if piece["why"] == "unreadable":
        return None
    start, stop = piece["span"]
    if piece["read"] == "span":
        return int(piece["work"]) if piece["format"] == "parquet" else stop - start
    return int(piece["size_bytes"])


def _open(source: str, piece: dict[str, Any]) -> BinaryIO:
    path = piece["path"].encode("latin-1")
    return storage.open_object(source, path, piece["size_bytes"], piece["mtime_ns"], piece["identity"])


def _check_unchanged(file: BinaryIO, piece: dict[str, Any]) -> None:
    storage.check_unchanged(file, piece["size_bytes"], piece["mtime_ns"], piece["identity"])


def _digest(file: BinaryIO, beat: Beat) -> bytes:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
        beat.tick()
    file.seek(0)
    return digest.digest()


def _measure_items(
    file: BinaryIO, piece: dict[str, Any], measuring: Measuring, beat: Beat, facts: Facts, items: Table
) -> None:
    form = piece["format"]
    if form not in layout.READABLE:
        raise ItemError("unsupported", f"format {form} is not read by this version")
    if piece["size_bytes"] == 0:
        raise ItemError("empty", "the file has no bytes")
    rows = _TextRows(piece, measuring, items)
    for record in _records(file, piece, measuring, beat, facts):
        rows.skipped(beat)
        if isinstance(record, Broken):
            rows.broken(record)
        else:
            rows.add(record.place, record.value, record.stored_bytes)
    rows.skipped(beat)
    rows.flush()


def _records(
    file: BinaryIO, piece: dict[str, Any], measuring: Measuring, beat: Beat, facts: Facts
) -> Iterator[Record | Broken]:
    start, stop = piece["span"]
    return read(
        lambda: storage.view(file),
        piece["format"],
        limits=measuring.limits,
        beat=beat,
        facts=facts,
        text_field=measuring.text_field,
        span=(start, stop) if piece["read"] == "span" else None,
        compression=piece["compression"],
    )


def _error_row(
    piece: dict[str, Any], place: int, error: ItemError, *, single: bool, stored_bytes: int | None
) -> dict[str, Any]:
    return {
        "object": piece["object"],
        "place": place,
        "modality": piece["modality"],
        "format": piece["format"],
        "status": error.status,
        "error_kind": error.kind,
        "error": error.detail,
        "single": single,
        "stored_bytes": stored_bytes,
    }


class _TextRows:
    """Gathers the records of one object into batches and measures them over Arrow buffers."""

    def __init__(self, piece: dict[str, Any], measuring: Measuring, items: Table) -> None:
        self._piece = piece
        self._measuring = measuring
        self._items = items
        self._date_name = day_in_name(piece["path"].encode("latin-1"))
        self._held_text = 0
        self._texts: list[str] = []
        self._columns: dict[str, list[Any]] = {name: [] for name in _GATHERED}

    def add(self, place: int, value: object, stored_bytes: int) -> None:
        """One record."""
        record = extract(value, self._measuring.text_field, self._measuring.date_field)
        if not record.text or record.text.isspace():
            error = ItemError("empty", "the record holds no text")
            self.broken(Broken(place, error, stored_bytes, single=True))
            return
        date_record, refused_date = _day(record.date)
        date_modified, refused_modified = _day(record.modified)
        self._texts.append(record.text)
        values = (
            place, stored_bytes, record.payload_bytes, record.text_bytes, date_record, date_modified,
            refused_date or refused_modified,
        )  # fmt: skip
        for name, each in zip(_GATHERED, values, strict=True):
            self._columns[name].append(each)
        self._held_text += len(record.text)
        if self._held_text > _BATCH_TEXT or len(self._texts) >= _BATCH_ROWS:
            self.flush()

    def broken(self, record: Broken) -> None:
        """A record that cannot be read: one row."""
        self.flush()
        row = _error_row(
            self._piece, record.place, record.error, single=record.single, stored_bytes=record.stored_bytes
        )
        self._items.add_rows([row])

    def skipped(self, beat: Beat) -> None:
        """Rows of the items that were left out because they had killed a child."""
        for place, kind, detail in beat.skipped:
            # how long it is was never learnt; it is no more than what was being read
            single = self._piece["format"] not in ("parquet", "arrow") or not place & MANY
            self.broken(Broken(place, ItemError(kind, detail), _size(self._piece) or 0, single=single))
        beat.skipped.clear()

    def flush(self) -> None:
        """Measure what was gathered."""
        if not self._texts:
            return
        texts = pa.array(self._texts, pa.large_string())
        data, offsets = _buffers(texts)
        counts, normal, sketches = minhash.sketch(data, offsets)
        none = counts == 0
        n = len(texts)
        columns: dict[str, Any] = {
            **self._columns,
            "object": np.full(n, self._piece["object"]),
            "modality": [self._piece["modality"]] * n,
            "format": [self._piece["format"]] * n,
            "status": ["measured"] * n,
            "single": [True] * n,
            "date_name": [self._date_name] * n,
            "tokens": counts,
            "xxh3_128": payload_hashes(texts),
            "normalised": _fixed(normal, none),
            "sketch": _fixed(sketches, none),
        }
        arrays = [
            columns[field.name]
            if isinstance(columns.get(field.name), pa.Array)
            else pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.nulls(n, field.type)
            for field in ITEMS
        ]
        self._items.add(pa.RecordBatch.from_arrays(arrays, schema=ITEMS))
        self._texts = []
        self._columns = {name: [] for name in _GATHERED}
        self._held_text = 0


_GATHERED = (
    "place", "stored_bytes", "payload_bytes", "text_bytes", "date_record", "date_modified", "date_refused",
)  # fmt: skip


def _day(value: object) -> tuple[Any, bool]:
    """A day, or none; and whether something stood there that cannot be one."""
    try:
        return parse_day(value), False
    except ValueError:
        return None, True


def _buffers(texts: pa.LargeStringArray) -> tuple[Any, Any]:
    _, offsets, data = texts.buffers()
    bytes_ = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return bytes_, np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _fixed(rows: Any, null: Any) -> pa.FixedSizeBinaryArray:
    """(n, k) numbers as n fixed-size binaries, null where told."""
    width = rows.shape[1] * rows.itemsize
    validity = pa.py_buffer(np.packbits(~null, bitorder="little").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), rows.shape[0], [validity, pa.py_buffer(np.ascontiguousarray(rows).tobytes())],
        int(null.sum()),
    )  # fmt: skip


_FILE_NAMES = ("file_name", "filename", "file", "path", "file_path", "文件名", "文件")


def _read_sidecar(
    file: BinaryIO, piece: dict[str, Any], measuring: Measuring, beat: Beat, facts: Facts, sidecar: Table
) -> None:
    """What a metadata file says of other objects: rows with a file's name and a date."""
    folder = piece["path"].encode("latin-1").rpartition(b"/")[0]
    held: list[dict[str, Any]] = []
    for record in _records(file, piece, measuring, beat, facts):
        if isinstance(record, Broken):
            raise record.error
        if not isinstance(record.value, dict):
            continue
        name = next((record.value[key] for key in _FILE_NAMES if isinstance(record.value.get(key), str)), None)
        if name is None:
            continue
        target = name.encode("utf-8", "surrogateescape")
        found = extract(record.value, None, measuring.date_field)
        row = {
            "object": piece["object"],
            "place": record.place,
            "target": folder + b"/" + target if folder else target,
            "date": _day(found.date)[0],
            "date_modified": _day(found.modified)[0],
        }
        held.append(row)
        if len(held) >= _BATCH_ROWS:
            sidecar.add_rows(held)
            held = []
    if held:
        sidecar.add_rows(held)


# Near-duplicates of text -------------------------------------------------------------------------------


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
    data = np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * width : (chunk.offset + len(chunk)) * width]
    return data.view(kind).reshape(len(chunk), -1)


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
    with _open(source, piece) as file:
        for record in _records(file, piece, measuring, beat, Facts()):
            if record.place not in places or isinstance(record, Broken):
                continue
            text = extract(record.value, measuring.text_field, measuring.date_field).text
            values, _ = tokens.shingle_sets(*_buffers(pa.array([text], pa.large_string())))
            yield {"object": piece["object"], "place": record.place, "shingles": values}
        _check_unchanged(file, piece)


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
            for number, place, values in zip(*(batch.column(name) for name in batch.schema.names), strict=True):
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
