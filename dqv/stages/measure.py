"""Measure a partition: one row per item, one per object, what sidecars say."""

import hashlib
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from dqv.connectors import layout, storage
from dqv.connectors.containers.records import MANY, Broken, Facts, Record, read, row_groups
from dqv.core.errors import ItemError
from dqv.core.schema import ITEMS, READ_OBJECTS, SIDECAR
from dqv.core.settings import Assurance, Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure.fields import extract
from dqv.measure.hashing import payload_hashes
from dqv.measure.timestamps import day_in_name, parse_day
from dqv.neardup import minhash

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
            with open_piece(args["source"], row) as file:
                found.append([size for _, size in row_groups(partial(storage.view, file))])
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
    source: str,
    piece: dict[str, Any],
    measuring: Measuring,
    beat: Beat,
    items: Table,
    objects: Table,
    sidecar: Table,
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
        with open_piece(source, piece) as file:
            if piece["read"] != "span":
                sha256 = _digest(file, beat)
                check_unchanged(file, piece)
            if piece["read"] != "digest":
                if piece["role"] == "data":
                    _measure_items(file, piece, measuring, beat, facts, items)
                elif piece["role"] == "metadata":
                    _read_sidecar(file, piece, measuring, beat, facts, sidecar)
            check_unchanged(file, piece)
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


def open_piece(source: str, piece: dict[str, Any]) -> BinaryIO:
    """Open a piece's object, as it was listed; see `storage.open_object`."""
    path = piece["path"].encode("latin-1")
    return storage.open_object(source, path, piece["size_bytes"], piece["mtime_ns"], piece["identity"])


def check_unchanged(file: BinaryIO, piece: dict[str, Any]) -> None:
    """The open object is still the one that was listed; see `storage.check_unchanged`."""
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
    for record in records(file, piece, measuring, beat, facts):
        rows.skipped(beat)
        if isinstance(record, Broken):
            rows.broken(record)
        else:
            rows.add(record.place, record.value, record.stored_bytes)
    rows.skipped(beat)
    rows.flush()


def records(
    file: BinaryIO, piece: dict[str, Any], measuring: Measuring, beat: Beat, facts: Facts
) -> Iterator[Record | Broken]:
    """The records of a piece; see `containers.records.read`."""
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
        data, offsets = buffers(texts)
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


def buffers(texts: pa.LargeStringArray) -> tuple[Any, Any]:
    """The bytes of all texts, and n + 1 offsets into them, without a copy."""
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
    for record in records(file, piece, measuring, beat, facts):
        if isinstance(record, Broken):
            raise record.error
        if not isinstance(record.value, dict):
            continue
        name = next(
            (record.value[key] for key in _FILE_NAMES if isinstance(record.value.get(key), str)), None
        )
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
