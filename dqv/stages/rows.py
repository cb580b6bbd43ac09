"""Item rows, gathered over objects into batches and measured there, over Arrow buffers."""

import os
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dqv.connectors.containers.records import MANY, Columns, Embedded
from dqv.core.errors import ItemError
from dqv.core.policy import NearText
from dqv.core.schema import ITEMS, PARAGRAPHS, with_slots
from dqv.core.settings import Measuring
from dqv.core.units import FLICKS_PER_SECOND
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure.descriptions import describe, describe_columns
from dqv.measure.fields import Extract, as_strings, extract, extract_columns
from dqv.measure.hashing import payload_hashes
from dqv.measure.media import Media
from dqv.measure.timestamps import day_in_name, parse_day
from dqv.neardup import paragraphs, sketch, tokens
from dqv.stages.descriptions import DescriptionRows
from dqv.stages.gathered import Gathered
from dqv.stages.privacy import PersonalRows

_PARAGRAPHS = 4096
"""So many are sketched at a time."""

_Entry = tuple[tuple[Any, ...], str | Media]
"""What is known of an item without its content (`_GATHERED`), and its text or what was measured of it."""

HOLDS_MEDIA = frozenset({"parquet", "arrow"})
"""Formats of records that may hold images, recordings and videos: unread, they can be of any modality."""

_GATHERED = (
    "object", "place", "modality", "format", "status", "error_kind", "error", "single", "stored_bytes",
    "payload_bytes", "text_bytes", "date_record", "date_modified", "date_name", "date_refused",
)  # fmt: skip

_OF_MEDIA = (
    "codec", "mode", "width_px", "height_px", "frames", "frame_rate", "duration_flicks", "silent_flicks",
    "sample_rate_hz", "channels", "decoded", "fingerprint",
)  # fmt: skip
"""Columns that are attributes of `Media` by the same name."""


class ItemRows(Gathered[_Entry]):
    """The rows of `schema.ITEMS` of a partition; with them those of paragraphs, descriptions and personal values."""

    def __init__(
        self, items: Table, parts: Table, descriptions: Table, personal: PersonalRows, measuring: Measuring
    ) -> None:
        super().__init__(items)
        self._paragraphs = parts
        self._descriptions = DescriptionRows(descriptions)
        self._personal = personal
        self._measuring = measuring
        self._date_name: Any = None
        parts.begin()

    def begin(self, piece: Mapping[str, Any]) -> None:
        """The rows that follow are of this piece."""
        super().begin(piece)
        self._paragraphs.keep()
        self._paragraphs.begin()
        self._descriptions.begin(piece)
        self._personal.begin(piece)
        self._date_name = day_in_name(piece["path"].encode("latin-1"))

    def end(self) -> None:
        """All rows so far stay, and are written."""
        super().end()
        self._descriptions.end()
        self._personal.end()

    def take_back(self) -> None:
        """Forget the rows of the piece at work."""
        super().take_back()
        self._paragraphs.take_back()
        self._descriptions.take_back()
        self._personal.take_back()

    def add(self, place: int, value: object, stored_bytes: int) -> None:
        """One record of the piece at work."""
        record = extract(value, self._measuring.text_field, self._measuring.date_field)
        if not record.text or record.text.isspace():
            error = ItemError("empty", "the record holds no text")
            self.add_error(place, error, single=True, stored_bytes=stored_bytes)
            return
        piece = self._piece
        date_record, date_modified, refused = _dates(record)
        row = (
            piece["object"], place, piece["modality"], piece["format"], "measured", None, None, True, stored_bytes,
            record.payload_bytes, record.text_bytes, date_record, date_modified, self._date_name, refused,
        )  # fmt: skip
        self._gather((row, record.text))
        self._personal.add(place, value)
        self._descriptions.add(
            place, piece["modality"], describe(value), dated(date_record, date_modified, refused)
        )
        if record.text_bytes > self._measuring.long_text_bytes:
            self._add_paragraphs(place, record.text)

    def add_columns(self, columns: Columns) -> bool:
        """Many records of the piece at work; False, and nothing done, where they must be added one by one."""
        if self._measuring.text_field is not None or self._measuring.date_field is not None:
            return False
        values = {
            name: column if (told := as_strings(column)) is None else told
            for name, column in columns.values.items()
        }
        found = extract_columns(values)
        if found is None:
            return False
        piece, count = self._piece, len(found.text)
        dates, modified = _days(found.date), _days(found.modified)
        sizes = np.diff(tokens.buffers(found.text)[1])
        told = {
            "object": np.full(count, piece["object"]),
            "place": columns.places,
            "modality": _repeated(piece["modality"], count),
            "format": _repeated(piece["format"], count),
            "status": _repeated("measured", count),
            "single": np.ones(count, np.bool_),
            "stored_bytes": columns.stored_bytes,
            "payload_bytes": found.payload_bytes,
            "text_bytes": sizes,
            "date_record": [each for each, _ in dates],
            "date_modified": [each for each, _ in modified],
            "date_name": [self._date_name] * count,
            "date_refused": [one or other for (_, one), (_, other) in zip(dates, modified, strict=True)],
        }
        self._write_all()
        self._table.add(
            _as_batch(
                told | _of_text(found.text, self._measuring.near_text), count, self._measuring.near_text
            )
        )
        self._personal.add_columns(columns.places, values)
        described = describe_columns(values)
        if described is not None:
            of_dates = list(map(dated, *(told[name] for name in _DATES)))
            self._descriptions.add_columns(columns.places, piece["modality"], described, of_dates)
        for row in np.flatnonzero(sizes > self._measuring.long_text_bytes).tolist():
            self._add_paragraphs(columns.places[row], found.text[row].as_py())
        return True

    def _add_paragraphs(self, place: int, text: str) -> None:
        data, ends = tokens.buffers(pa.array([text], pa.large_string()))
        near = self._measuring.near_text
        cuts = paragraphs.cut(data, int(ends[0]), int(ends[1]), simplified=near.simplified)
        for first in range(0, cuts.size - 1, _PARAGRAPHS):
            mine = cuts[first : first + _PARAGRAPHS + 1]
            count = mine.size - 1
            texts = pa.LargeStringArray.from_buffers(count, pa.py_buffer(mine), pa.py_buffer(data))
            counts, normal, sketches = sketch.sketch(data, mine, near.slots, simplified=near.simplified)
            columns = {
                "object": [self._piece["object"]] * count,
                "place": [place] * count,
                "modality": ["text"] * count,
                "status": ["measured"] * count,
                "part": mine[:-1] - cuts[0],
                "text_bytes": np.diff(mine),
                "xxh3_128": payload_hashes(texts),
                "normalised": _fixed(normal, counts == 0),
                "sketch": _fixed(sketches, counts == 0),
            }
            schema = with_slots(PARAGRAPHS, near.slots)
            arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names]
            self._paragraphs.add(pa.RecordBatch.from_arrays(arrays, schema=schema))

    def add_media(self, found: Media) -> None:
        """The one image, recording or video of the piece at work."""
        piece = self._piece
        row = (
            piece["object"], 0, found.modality, piece["format"], "measured", None, None, True, stored_size(piece),
            found.payload_bytes, None, None, None, self._date_name, False,
        )  # fmt: skip
        self._gather((row, found))
        self._personal.add_texts(0, found.texts)
        if found.located:
            self._personal.add_located(0)

    def add_embedded(self, item: Embedded, found: Media, format: str) -> None:
        """An image, recording or video in a record of the piece at work."""
        date_record, date_modified, refused = _dates(
            extract(item.fields, self._measuring.text_field, self._measuring.date_field)
        )
        date_name = day_in_name(os.fsencode(item.name)) or self._date_name
        row = (
            self._piece["object"], item.place, found.modality, format, "measured", None, None, True, len(item.data),
            found.payload_bytes, None, date_record, date_modified, date_name, refused,
        )  # fmt: skip
        self._gather((row, found))
        self._personal.add(item.place, item.fields)
        self._personal.add_texts(item.place, found.texts)
        if found.located:
            self._personal.add_located(item.place)
        self._descriptions.add(
            item.place, found.modality, describe(item.fields), dated(date_record, date_modified, refused)
        )

    def add_error(
        self,
        place: int,
        error: ItemError,
        *,
        single: bool,
        stored_bytes: int | None,
        modality: str | None = None,
    ) -> None:
        """One row for what could not be measured; `modality` of it, where it is not the object's."""
        piece = self._piece
        if modality is None and not (error.status == "unread" and piece["format"] in HOLDS_MEDIA):
            modality = piece["modality"]
        row = (
            piece["object"], place, modality, piece["format"], error.status, error.kind, error.detail,
            single, stored_bytes, None, None, None, None, None, None,
        )  # fmt: skip
        self._gather((row, ""))

    def add_skipped(self, beat: Beat) -> None:
        """Rows of the items that were left out because they had killed a child."""
        for place, kind, detail in beat.skipped:
            # how long it is was never learnt; it is no more than what was being read
            single = self._piece["format"] not in HOLDS_MEDIA or not place & MANY
            size = stored_size(self._piece)
            self.add_error(place, ItemError(kind, detail), single=single, stored_bytes=size)
        beat.skipped.clear()

    def _size(self, entry: _Entry) -> int:
        content = entry[1]
        return len(content) if isinstance(content, str) else len(content.fingerprint or b"")

    def _write(self, entries: Sequence[_Entry]) -> None:
        rows, contents = zip(*entries, strict=True)
        self._table.add(_batch(rows, contents, self._measuring.near_text))


def _batch(
    rows: Sequence[tuple[Any, ...]], contents: Sequence[str | Media], near: NearText
) -> pa.RecordBatch:
    """The measured rows as a batch of `schema.items`."""
    array = pa.array([each if isinstance(each, str) else "" for each in contents], pa.large_string())
    media = [each if isinstance(each, Media) else None for each in contents]
    columns: dict[str, Any] = dict(zip(_GATHERED, zip(*rows, strict=True), strict=True))
    text = np.array([status == "measured" for status in columns["status"]]) & np.array(
        [each is None for each in media]
    )
    columns |= _of_text(array, near)
    columns["tokens"] = pc.if_else(pa.array(text), columns["tokens"], None)
    columns["xxh3_128"] = [each if ok else None for each, ok in zip(columns["xxh3_128"], text, strict=True)]
    if any(media):
        columns |= _media_columns(media)
        for name in ("xxh3_128", "normalised"):
            of_text = pa.array(columns[name], pa.binary(16)).to_pylist()
            columns[name] = [
                getattr(each, name) if each else digest for each, digest in zip(media, of_text, strict=True)
            ]
    return _as_batch(columns, len(rows), near)


def _of_text(texts: pa.LargeStringArray, near: NearText) -> dict[str, Any]:
    """The columns of `schema.items` that are measured of texts."""
    counts, normal, sketches = sketch.sketch(*tokens.buffers(texts), near.slots, simplified=near.simplified)
    return {
        "tokens": pa.array(counts, pa.int64()),
        "xxh3_128": payload_hashes(texts),
        "normalised": _fixed(normal, counts == 0),
        "sketch": _fixed(sketches, counts == 0),
    }


def _as_batch(columns: dict[str, Any], count: int, near: NearText) -> pa.RecordBatch:
    """As a batch of `schema.items`; columns that are missing are null."""
    arrays, schema = [], with_slots(ITEMS, near.slots)
    for column in schema:
        values = columns.get(column.name)
        if values is None:
            arrays.append(pa.nulls(count, column.type))
        else:
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _repeated(word: str, count: int) -> pa.StringArray:
    return pa.repeat(pa.scalar(word, pa.string()), count)


def _media_columns(media: list[Media | None]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) if each else None for each in media] for name in _OF_MEDIA
    }
    columns["comparable"] = [each and each.fingerprint is not None for each in media]
    columns["bytes_per_second"] = [each and _per_second(each) for each in media]
    columns["bytes_per_megapixel"] = [each and _per_megapixel(each) for each in media]
    columns["flags"] = [list(each.flags) if each else None for each in media]
    columns["date_embedded"] = [each.day if each else None for each in media]
    columns["embedded_refused"] = [each.day_refused if each else None for each in media]
    return columns


def _per_second(found: Media) -> int | None:
    return found.payload_bytes * FLICKS_PER_SECOND // found.duration_flicks if found.duration_flicks else None


def _per_megapixel(found: Media) -> int | None:
    pixels = (found.width_px or 0) * (found.height_px or 0) * (found.frames or 1)
    return found.payload_bytes * 10**6 // pixels if pixels else None


def stored_size(piece: Mapping[str, Any]) -> int | None:
    """Bytes as stored that a piece stands for; None when not even that is known."""
    if piece["why"] == "unreadable":
        return None
    if piece["read"] == "span":
        start, stop = piece["span"]
        return int(piece["work"]) if piece["format"] == "parquet" else int(stop - start)
    return int(piece["size_bytes"])


def day(value: object) -> tuple[Any, bool]:
    """A day, or none; and whether something stood there that cannot be one."""
    try:
        return parse_day(value), False
    except ValueError:
        return None, True


def _dates(record: Extract) -> tuple[Any, Any, bool]:
    """The days of a record and of its change, and whether one of them was refused."""
    (date, refused), (modified, refused_too) = day(record.date), day(record.modified)
    return date, modified, refused or refused_too


_DATES = ("date_record", "date_modified", "date_refused")


def dated(date: Any, modified: Any, refused: bool) -> bool | None:
    """Whether what stands in the fields of a record's dates is dates; None where nothing does."""
    return False if refused else True if date is not None or modified is not None else None


def _days(values: list[object]) -> list[tuple[Any, bool]]:
    """As `day`, of many: what occurs again is parsed once."""
    if not set(map(type, values)) <= {str, NoneType}:  # 1, 1.0 and True are equal, and are not the same
        return list(map(day, values))
    days = {value: day(value) for value in set(values)}
    return [days[value] for value in values]


def _fixed(rows: Any, null: Any) -> pa.FixedSizeBinaryArray:
    """(n, k) numbers as n fixed-size binaries, null where told."""
    width = rows.shape[1] * rows.itemsize
    validity = pa.py_buffer(np.packbits(~null, bitorder="little").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), rows.shape[0], [validity, pa.py_buffer(np.ascontiguousarray(rows).tobytes())],
        int(null.sum()),
    )  # fmt: skip
