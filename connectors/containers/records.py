"""The records of an object, streamed, whatever its format: the one door to this package."""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, cast

from dqv.connectors.containers.columns import read_arrow, read_parquet, row_groups
from dqv.connectors.containers.compression import decompressed
from dqv.connectors.containers.documents import read_html, read_text, read_xml
from dqv.connectors.containers.json_lines import read_jsonl
from dqv.connectors.containers.json_values import read_json
from dqv.connectors.containers.model import (
    MANY,
    Beat,
    Broken,
    Chunk,
    Columns,
    Embedded,
    Facts,
    Found,
    Job,
    Reader,
    Record,
    Watched,
)
from dqv.connectors.containers.office import read_docx, read_xlsx
from dqv.connectors.containers.pdf import read_pdf
from dqv.connectors.containers.tables import read_csv, read_tsv
from dqv.core.errors import ItemError
from dqv.core.settings import Limits

__all__ = [
    "MANY",
    "READERS",
    "Beat",
    "Broken",
    "Chunk",
    "Columns",
    "Embedded",
    "Facts",
    "Found",
    "Record",
    "read",
    "row_groups",
    "singly",
]

READERS: dict[str, Reader] = {
    "txt": read_text,
    "md": read_text,
    "html": read_html,
    "xml": read_xml,
    "json": read_json,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "docx": read_docx,
    "xlsx": read_xlsx,
    "pdf": read_pdf,
}
"""Every format that is read, and by what."""


def read(
    open_: Callable[[], BinaryIO],
    format: str,
    *,
    limits: Limits,
    beat: Beat,
    facts: Facts,
    text_field: str | None = None,
    span: tuple[int, int] | None = None,
    compression: str | None = None,
) -> Iterator[Chunk | Found]:
    """The records (or the one document) of an object, in order, in bounded memory, where it pays some at a time.

    Args:
        open_: gives the stored bytes from their beginning, seekable, anew at each call; closed here.
        format: a key of READERS.
        limits: what one item may cost.
        beat: told of every item before it is worked on, and of every read.
        facts: filled while reading.
        text_field: where it stands in a JSON object, that object is the record, not a list inside.
        span: part of a splittable object: bytes [start, stop) of JSON Lines, row groups [start, stop) of
            Parquet. The spans of a partition of the object give its records, each once.
        compression: gzip, zstd or None.

    Raises:
        ItemError: the object (or span) as a whole cannot be read; what was given before does not count.
        OSError: of the stream, untouched.
    """
    if format not in READERS:
        raise ItemError("unsupported", f"format {format}")
    if span is not None and (compression is not None or format not in ("jsonl", "parquet")):
        raise ValueError(f"{format} with compression {compression} cannot be split")

    def open_watched() -> BinaryIO:
        stored = cast(BinaryIO, Watched(open_(), beat.tick))
        return stored if compression is None else decompressed(lambda: stored, compression, limits)

    yield from READERS[format](Job(open_watched, limits, beat, facts, text_field, span))


def singly(found: Iterable[Chunk | Found]) -> Iterator[Found]:
    """What `read` gives, every record by itself."""
    for each in found:
        if isinstance(each, Found):
            yield each
        else:
            yield from each.records()
