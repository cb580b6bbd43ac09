"""What archives hold: their members, as rows of the listing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from dqv.connectors import layout
from dqv.connectors.containers.archives import Member, Refused, index
from dqv.connectors.storage import BLOCK_BYTES, Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.schema import OBJECTS
from dqv.core.settings import Assurance, Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.stages.measure import open_piece
from dqv.stages.media import HEADER_BLOCK_BYTES, MEDIA

MEMBERS = pa.schema([field for field in OBJECTS if field.name != "object"])
"""One row per member, in storing order; `container` is the number of the object in the listing it was read from."""

_BATCH = 4096

Row = dict[str, Any]


def members(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The members of archives: table `members`. What cannot be listed is a row that says why.

    Args:
        args: `source`, `measuring`; `pieces` of the archives.
        out: where the table goes.
        beat: names the archive at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    full = measuring.assurance is Assurance.FULL
    with Table(out, "members", MEMBERS) as rows:
        for piece in args["pieces"]:
            rows.begin()
            try:
                poison = beat.begin(piece["object"])
                if poison is not None:
                    raise ItemError(*poison)
                if piece["compression"] is not None and not full:
                    raise ItemError("not-read", "assurance is identity: what is compressed is not read")
                with open_piece(store, piece, measuring, beat) as file:
                    block = HEADER_BLOCK_BYTES if piece["compression"] is None else BLOCK_BYTES
                    found = index(
                        file.view(Reads(), block),
                        piece["format"],
                        piece["compression"],
                        piece["size_bytes"],
                        measuring.limits,
                        beat.tick,
                    )
                    samples = measuring.layout in (None, "webdataset") and piece["format"] == "tar"
                    _write(rows, piece, _grouped(found) if samples else ((each, None) for each in found))
                    file.check_unchanged()
            except (ItemError, OSError) as error:
                rows.take_back()
                if not isinstance(error, ItemError):
                    error = ItemError("io", f"reading failed: {error.strerror or type(error).__name__}")
                _write(rows, piece, iter([(Refused(b"", "not-listed", error, piece["size_bytes"]), None)]))
            rows.keep()


def _grouped(found: Iterator[Member | Refused]) -> Iterator[tuple[Member | Refused, bytes | None]]:
    """Each with its sample, where it stands in one: files one behind the other with a key, one of them a medium."""
    held: list[Member | Refused] = []
    key = None
    for each in found:
        mine = layout.sample_key(each.path)
        if mine != key or len(held) >= _BATCH:
            yield from _sampled(held, key)
            held, key = [], mine
        held.append(each)
    yield from _sampled(held, key)


def _sampled(
    held: list[Member | Refused], key: bytes | None
) -> Iterator[tuple[Member | Refused, bytes | None]]:
    media = [each for each in held if layout.classify(each.path, "file").modality in MEDIA]
    sample = key if media and len(held) > len(media) else None
    for each in held:
        yield each, sample


def _write(rows: Table, piece: Row, found: Iterator[tuple[Member | Refused, bytes | None]]) -> None:
    held: list[Row] = []
    for each, sample in found:
        held.append(_row(piece, each, sample))
        if len(held) >= _BATCH:
            rows.add_rows(held)
            held = []
    rows.add_rows(held)


def _row(piece: Row, found: Member | Refused, sample: bytes | None) -> Row:
    outside = piece["path"].encode("latin-1") + b"/"
    row = {
        "path": outside + found.path,
        "identity": "",
        "container": piece["object"],
        "sample": None if sample is None else outside + sample,
    }
    if isinstance(found, Refused):
        error, kind = found.error, layout.Kind("data", found.why)
        if error is None:  # its format says whether data may hide behind it
            kind = replace(layout.classify(found.path, "link"), why=found.why)
        told = {
            "size_bytes": found.stored_bytes,
            "mtime_ns": 0,
            "refused_kind": error and error.kind,
            "refused": error and error.detail,
        }
    else:
        kind = layout.classify(found.path, "file")
        if sample is not None:
            kind = layout.sample_kind(found.path) or kind
        told = {"size_bytes": found.size_bytes, "mtime_ns": found.mtime_ns, "locator": found.locator}
    return {
        **row,
        **told,
        "role": kind.role,
        "why": kind.why,
        "modality": kind.modality,
        "format": kind.format,
        "compression": kind.compression,
    }
