"""Measure a partition: one row per item, one per object, what sidecars say."""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xxhash

from dqv.connectors import layout
from dqv.connectors.containers.records import Broken, Chunk, Embedded, Facts, Found, read, row_groups, singly
from dqv.connectors.members import close_archives, open_member
from dqv.connectors.storage import BLOCK_BYTES, InMemory, Reads, Store, Stored, open_store
from dqv.core.errors import ItemError
from dqv.core.registration import RawSound
from dqv.core.schema import (
    DESCRIPTIONS,
    ITEMS,
    PARAGRAPHS,
    PERSONAL,
    PROBLEMS,
    READ_OBJECTS,
    SIDECAR,
    with_slots,
)
from dqv.core.settings import Assurance, Measuring
from dqv.execute.child import Beat
from dqv.execute.partitions import pieces
from dqv.execute.parts import Table
from dqv.stages.media import HEADER_BLOCK_BYTES, MEDIA, measure_media
from dqv.stages.privacy import PersonalRows
from dqv.stages.rows import ItemRows, stored_size
from dqv.stages.sidecars import Sidecars

SPANNED = frozenset({"jsonl", "parquet"})
"""Formats of which a part can be read by itself."""

_STREAMED = frozenset({"jsonl", "csv", "tsv", "json"})
"""Formats that are read from the front to the end, in bounded memory whatever their size."""

ONE_ITEM = frozenset({"txt", "md", "html", "xml", "docx", "pdf"})
"""Formats whose objects are one item each."""


def footers(args: dict[str, Any], out: Path, beat: Beat) -> list[list[int] | None]:
    """Sizes in bytes of the row groups of large Parquet objects; None where the footer cannot be read.

    Args:
        args: `source`, `pieces`: large Parquet objects.
        out: unused.
        beat: of the child.
    """
    found: list[list[int] | None] = []
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    for piece in args["pieces"]:
        try:
            if beat.begin(piece["object"]) is not None:
                found.append(None)
                continue
            with open_piece(store, piece, measuring, beat) as file:
                found.append(
                    [size for _, size in row_groups(partial(file.view, Reads(), HEADER_BLOCK_BYTES))]
                )
        except (ItemError, OSError):
            found.append(None)  # it will be told when it is measured
    return found


@dataclass(frozen=True, slots=True)
class _Work:
    """One object, or one span of it, while it is measured.

    Attributes:
        piece: see `execute.partitions.piece`.
        raw: how sound without a header is laid out, as the registration declares it.
        facts: of a text object, filled while reading.
        reads: from storage, counted while reading.
    """

    file: Stored
    piece: dict[str, Any]
    measuring: Measuring
    raw: RawSound | None
    beat: Beat
    facts: Facts
    reads: Reads


def measure(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Measure a partition: the tables that are opened below, each with its schema of `core.schema`.

    Args:
        args: `source`, what to read (see `execute.partitions.pieces`), `measuring`, `raw` (a `RawSound` or None).
        out: where the tables go.
        beat: names the item at work.
    """
    measuring = Measuring.model_validate(args["measuring"])
    raw = RawSound.model_validate(args["raw"]) if args["raw"] else None
    slots, store = measuring.near_text.slots, open_store(args["source"])
    with (
        Table(out, "items", with_slots(ITEMS, slots)) as items,
        Table(out, "paragraphs", with_slots(PARAGRAPHS, slots)) as paragraphs,
        Table(out, "descriptions", DESCRIPTIONS) as descriptions,
        Table(out, "personal", PERSONAL) as values,
        Table(out, "objects", READ_OBJECTS) as objects,
        Table(out, "sidecar", SIDECAR) as said,
        Table(out, "problems", PROBLEMS) as problems,
    ):
        personal = PersonalRows(values)
        rows, mine = ItemRows(items, paragraphs, descriptions, personal, measuring), pieces(args)
        sidecar = Sidecars(said, problems, personal, measuring)
        if measuring.assurance is Assurance.FULL:
            alone = (piece for piece in mine if piece["locator"] is None and piece["read"] == "whole")
            store.expect([_as_listed(piece) for piece in alone])
        objects.add_rows(
            [_measure_piece(store, piece, measuring, raw, beat, rows, sidecar, personal) for piece in mine]
        )
        rows.end()
    close_archives()


def _measure_piece(
    store: Store,
    piece: dict[str, Any],
    measuring: Measuring,
    raw: RawSound | None,
    beat: Beat,
    rows: ItemRows,
    sidecar: Sidecars,
    personal: PersonalRows,
) -> dict[str, Any]:
    """One object, or one span of it: all its rows, or one row that says why not; returns the object's row."""
    rows.begin(piece)
    sidecar.begin(piece)
    facts, reads = Facts(), Reads()
    sha256 = xxh3_128 = None
    failed: ItemError | None = None
    try:
        poison = beat.begin(piece["object"])
        if poison is not None:
            raise ItemError(*poison)
        if piece["why"] == "unreadable":
            raise ItemError("io", "cannot be listed")
        if piece["refused_kind"] is not None:
            raise ItemError(piece["refused_kind"], piece["refused"])
        identity = measuring.assurance is Assurance.IDENTITY
        if identity and piece["modality"] not in MEDIA and piece["role"] != "container":
            raise ItemError(
                "not-read", "assurance is identity: only headers of images, audio and video are read"
            )
        with open_piece(store, piece, measuring, beat) as file:
            work = _Work(file, piece, measuring, raw, beat, facts, reads)
            whole = piece["read"] != "span" and measuring.assurance is Assurance.FULL
            checked = piece["read"] == "digest"  # a member of a zip has a sum of all its bytes
            if whole and (piece["locator"] is None or piece["modality"] in MEDIA or checked):
                sha256, xxh3_128 = _digests(work)
                file.check_unchanged()
            if piece["read"] != "digest":
                if piece["role"] == "data":
                    _measure_items(work, rows, xxh3_128)
                elif piece["role"] == "metadata" and piece["format"] is not None:
                    sidecar.read(records(file, piece, measuring, beat, facts, reads))
            file.check_unchanged()
    except (ItemError, OSError) as error:
        rows.take_back()
        sidecar.take_back()
        if not isinstance(error, ItemError):
            error = ItemError("io", f"reading failed: {error.strerror or type(error).__name__}")
        if error.kind == "changed":
            sha256 = None
        if piece["role"] == "data":
            one = piece["refused_kind"] is None and (
                piece["format"] in ONE_ITEM or piece["modality"] in MEDIA
            )
            rows.add_error(0, error, single=one, stored_bytes=stored_size(piece))
        else:
            failed = error
    sidecar.keep()
    fields = sorted(facts.fields)
    personal.add_name()
    personal.add_fields(fields)
    return {
        "object": piece["object"],
        "sha256": sha256,
        "encoding": facts.encoding,
        "fields": fields,
        "bytes_read": reads.bytes,
        "requests": reads.requests,
        "error_kind": failed.kind if failed else None,
        "error": failed.detail if failed else None,
    }


def open_piece(store: Store, piece: dict[str, Any], measuring: Measuring, beat: Beat) -> Stored:
    """Open a piece's object, as it was listed, or a member of an archive; see `Store.open`."""
    if piece["locator"] is None:
        return store.open(*_as_listed(piece))
    block = BLOCK_BYTES if measuring.assurance is Assurance.FULL else HEADER_BLOCK_BYTES
    return open_member(
        store,
        _as_listed(piece["outer"]),
        piece["locator"],
        piece["size_bytes"],
        measuring.limits,
        beat.tick,
        block,
        streams=piece["format"] in _STREAMED,
    )


def _as_listed(piece: dict[str, Any]) -> tuple[bytes, int, int, str]:
    return piece["path"].encode("latin-1"), piece["size_bytes"], piece["mtime_ns"], piece["identity"]


def _digests(work: _Work) -> tuple[bytes | None, bytes]:
    """sha256, which binds the object, and xxh3_128, which finds its equals: in one pass over all its bytes.

    A member of an archive has no sha256: that of the archive binds it.
    """
    sha256 = hashlib.sha256() if work.piece["locator"] is None else None
    xxh3_128 = xxhash.xxh3_128()
    with work.file.view(work.reads) as stream:
        while block := stream.read(BLOCK_BYTES):
            if sha256 is not None:
                sha256.update(block)
            xxh3_128.update(block)
            work.beat.tick()
    return sha256.digest() if sha256 is not None else None, xxh3_128.digest()


def _measure_items(work: _Work, rows: ItemRows, xxh3_128: bytes | None) -> None:
    form, modality = work.piece["format"], work.piece["modality"]
    if form not in layout.READABLE and modality not in MEDIA:
        raise ItemError("unsupported", f"format {form} is not read by this version")
    if work.piece["size_bytes"] == 0:
        raise ItemError("empty", "the file has no bytes")
    if modality in MEDIA:
        if work.beat.at(0):
            rows.add_media(
                measure_media(
                    work.file, work.piece, work.measuring, work.raw, work.beat.tick, work.reads, xxh3_128
                )
            )
    else:
        for chunk in records(work.file, work.piece, work.measuring, work.beat, work.facts, work.reads):
            rows.add_skipped(work.beat)
            columns = None if isinstance(chunk, Found) else chunk.columns()
            if columns is not None and rows.add_columns(columns):
                continue
            for record in singly([chunk]):
                rows.add_skipped(work.beat)
                if isinstance(record, Broken):
                    rows.add_error(
                        record.place, record.error, single=record.single, stored_bytes=record.stored_bytes
                    )
                elif isinstance(record, Embedded):
                    _measure_embedded(work, record, rows)
                else:
                    rows.add(record.place, record.value, record.stored_bytes)
    rows.add_skipped(work.beat)


def _measure_embedded(work: _Work, item: Embedded, rows: ItemRows) -> None:
    """One image, recording or video in a record: a row, whatever becomes of it."""
    try:
        inner = embedded_piece(work.piece, item)
        digest = xxhash.xxh3_128(item.data).digest()
        content = InMemory(item.data)
        found = measure_media(content, inner, work.measuring, work.raw, work.beat.tick, Reads(), digest)
    except ItemError as error:
        known = layout.medium(item.data[:64])
        modality = known[0] if known else None
        rows.add_error(item.place, error, single=True, stored_bytes=len(item.data), modality=modality)
    else:
        rows.add_embedded(item, found, inner["format"])


def embedded_piece(piece: dict[str, Any], item: Embedded) -> dict[str, Any]:
    """An item of a record as if it were an object.

    Raises:
        ItemError: "unsupported", neither its name nor its content tells what it is; "empty".
    """
    if not item.data:
        raise ItemError("empty", "no bytes stand in the field")
    kind = layout.classify(os.fsencode(item.name), "file") if item.name else None
    told = (kind.modality, kind.format) if kind and kind.modality in MEDIA else layout.medium(item.data[:64])
    if told is None:
        raise ItemError(
            "unsupported", "what the field holds is told neither by a name nor by its first bytes"
        )
    return {
        **piece,
        "modality": told[0],
        "format": told[1],
        "size_bytes": len(item.data),
        "compression": None,
    }


def records(
    file: Stored,
    piece: dict[str, Any],
    measuring: Measuring,
    beat: Beat,
    facts: Facts,
    reads: Reads,
) -> Iterator[Chunk | Found]:
    """The records of a piece; see `containers.records.read`."""
    start, stop = piece["span"]
    return read(
        lambda: file.view(reads),
        piece["format"],
        limits=measuring.limits,
        beat=beat,
        facts=facts,
        text_field=measuring.text_field,
        span=(start, stop) if piece["read"] == "span" else None,
        compression=piece["compression"],
    )


def media_at(
    store: Store, piece: dict[str, Any], places: Collection[int], measuring: Measuring, beat: Beat
) -> Iterator[tuple[int, Stored]]:
    """Images, recordings and videos of an object once more, by their places, each open until the next is asked for.

    Raises:
        ItemError: the object cannot be read, or has changed.
        OSError: idem.
    """
    with open_piece(store, piece, measuring, beat) as file:
        if piece["modality"] in MEDIA:
            yield 0, file
        else:
            for found in singly(records(file, piece, measuring, beat, Facts(), Reads())):
                if isinstance(found, Embedded) and found.place in places:
                    yield found.place, InMemory(found.data)
        file.check_unchanged()


@contextmanager
def medium_at(
    store: Store, piece: dict[str, Any], place: int, measuring: Measuring, beat: Beat
) -> Iterator[Stored]:
    """As `media_at`, of one place; on leaving the object is still the one that was listed.

    Raises:
        ItemError: idem, or it is no longer there.
        OSError: idem.
    """
    if piece["format"] == "parquet":  # only its row group is read
        piece = {**piece, "read": "span", "span": [place >> 40, (place >> 40) + 1]}
    found = media_at(store, piece, (place,), measuring, beat)
    item = next(found, None)
    if item is None:
        raise ItemError("changed", "nothing stands at that place any more")
    yield item[1]
    for _ in found:
        pass
