"""Parquet and Arrow: rows in bounded batches.

The place of a row is `(row group or record batch) << 40 | row in it`. Decoding a batch is announced to the
beat as `MANY | place of its first row`: it stands for the rows from there to the end of the row group, which
are left out when it is poisoned.

Where a file has columns of images, recordings or videos (Hugging Face's struct of `bytes` and `path`, a list of such, or
binary values that begin like one), a row stands for several items: its place in the row group is `row << 12`, of the
record itself if a field holds text, and `row << 12 | n` of its nth medium.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dqv.connectors import layout
from dqv.connectors.containers.model import MANY, Broken, Columns, Embedded, Found, Job, Record, Watched
from dqv.core.errors import ItemError
from dqv.measure.fields import Column, has_text

BATCH_BYTES = 16 * 2**20
BATCH_ROWS = 8192
MEDIA_BITS = 12
"""Of a place: which medium of its row."""

_QUOTED = re.compile(r"'[^']*'?|\"[^\"]*\"?|`[^`]*`?")


def row_groups(open_: Callable[[], BinaryIO]) -> list[tuple[int, int]]:
    """Rows and bytes (before compression) of each row group, as the footer says.

    Raises:
        ItemError: "parquet", no readable footer.
    """
    with _opened(open_) as source, _translated("parquet", source):
        metadata = pq.ParquetFile(source).metadata
        groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
        return [(group.num_rows, group.total_byte_size) for group in groups]


def read_parquet(job: Job) -> Iterator["Rows"]:
    """The rows of the span's row groups.

    Raises:
        ItemError: "parquet": broken pages or checksums, or other rows than the footer counts;
            "unsupported": an encoding or codec that this pyarrow does not read.
    """
    with _opened(job.open) as source:
        with _translated("parquet", source):
            file = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
            metadata = file.metadata
            counts = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
            names = _unique(file.schema_arrow.names)
        job.facts.note(dict.fromkeys(names))
        if sum(counts) != metadata.num_rows or min(counts, default=0) < 0:
            raise ItemError(
                "parquet", f"the footer says {metadata.num_rows} rows, its row groups say {sum(counts)}"
            )
        start, stop = job.span or (0, len(counts))
        for number in range(start, min(stop, len(counts))):
            yield from _row_group(job, file, source, number, counts[number], names)


def read_arrow(job: Job) -> Iterator["Rows"]:
    """The rows of all record batches of an IPC file or stream.

    Raises:
        ItemError: "arrow": anything that is not whole and valid; "unsupported".
    """
    with _opened(job.open) as source:
        batches = _arrow_batches(source)
        names: list[str] = []
        number = 0
        while True:
            if not job.beat.at(number << 40 | MANY):
                return  # what follows cannot be found without decoding this one
            with _translated("arrow", source):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            if not names:
                names = _unique(batch.schema.names)
                job.facts.note(dict.fromkeys(names))
            media = _media_columns(batch.schema)
            size = max(1, min(BATCH_ROWS, BATCH_BYTES * batch.num_rows // max(batch.nbytes, 1)))
            each = batch.nbytes // max(batch.num_rows, 1)
            for row in range(0, batch.num_rows, size):
                part = batch.slice(row, size).rename_columns(names)
                yield Rows(
                    job, part, number << 40 | row << (MEDIA_BITS if media else 0), each, "arrow", media
                )
            number += 1


def _row_group(
    job: Job, file: Any, source: Watched, number: int, expected: int, names: list[str]
) -> Iterator["Rows"]:
    group = file.metadata.row_group(number)
    per_row = max(1, group.total_byte_size // max(expected, 1))
    stored = sum(max(0, group.column(each).total_compressed_size) for each in range(group.num_columns))
    with _translated("parquet", source):
        batches = file.iter_batches(
            max(1, min(BATCH_ROWS, BATCH_BYTES // per_row)), row_groups=[number], use_threads=False
        )
    row, media = 0, _media_columns(file.schema_arrow)
    shift = MEDIA_BITS if media else 0
    while True:
        if row < expected and not job.beat.at(number << 40 | MANY | row << shift):
            return
        with _translated("parquet", source):
            batch = next(batches, None)
        if batch is None:
            break
        if row + batch.num_rows > expected:
            raise ItemError(
                "parquet", f"row group {number} has more than the {expected} rows that the footer says"
            )
        each = stored // max(expected, 1)
        yield Rows(job, batch.rename_columns(names), number << 40 | row << shift, each, "parquet", media)
        row += batch.num_rows
    if row != expected:
        raise ItemError("parquet", f"row group {number} has {row} rows, the footer says {expected}")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one batch: a `Chunk`.

    Attributes:
        job: it belongs to.
        batch: the decoded rows, every name once.
        place: of the first one.
        stored_bytes: of each.
        kind: of error.
        media: which columns may hold images, recordings or videos.
    """

    job: Job
    batch: Any
    place: int
    stored_bytes: int
    kind: str
    media: tuple[int, ...] = ()

    def columns(self) -> Columns | None:
        """As `Chunk`; strings stay where they are."""
        if self.media or self.job.beat.leaves_out or not self.job.beat.at(self.place):
            return None
        batch = _to_microseconds(self.batch)
        try:
            values = {name: _column(batch.column(name)) for name in batch.schema.names}
        except (ValueError, OverflowError, pa.ArrowException):
            return None
        places = range(self.place, self.place + batch.num_rows)
        return Columns(places, [self.stored_bytes] * batch.num_rows, values)

    def records(self) -> Iterator[Found]:
        """As `Chunk`."""
        batch = _to_microseconds(self.batch)
        media = [batch.schema.names[column] for column in self.media]
        bare = all(_is_bytes(batch.schema.field(column).type) for column in self.media)
        try:
            values = batch.to_pylist()
        except (ValueError, OverflowError, pa.ArrowException):  # UnicodeDecodeError is a ValueError
            # One value that Python cannot hold costs its row alone.
            values = [None] * batch.num_rows
        for number, value in enumerate(values):
            place = self.place + (number << MEDIA_BITS if media else number)
            if not self.job.beat.at(place):
                continue
            if value is None:
                try:
                    value = batch.slice(number, 1).to_pylist()[0]
                except UnicodeDecodeError as error:
                    broken = ItemError("encoding", f"a text is not UTF-8 at byte {error.start} of the value")
                    yield Broken(place, broken, self.stored_bytes, True)
                    continue
                except (ValueError, OverflowError, pa.ArrowException) as error:
                    yield Broken(place, ItemError(self.kind, _message(error)), self.stored_bytes, True)
                    continue
            if media:
                yield from self._with_media(place, value, media, bare=bare)
            else:
                yield Record(place, value, self.stored_bytes)

    def _with_media(
        self, place: int, value: dict[str, Any], columns: list[str], *, bare: bool
    ) -> Iterator[Found]:
        """The items of one row: its record, where that holds text, and its media; `bare`: bytes without a struct."""
        found = [each for name in columns for each in _media_in(value[name])]
        of_media = bool(found) or not bare
        if of_media:  # else bare bytes that begin like no medium: a record as any other
            value = {name: each for name, each in value.items() if name not in columns}
        if not of_media or has_text(value):
            yield Record(place, value, max(0, self.stored_bytes - sum(len(data) for data, _ in found)))
        elif not found:
            empty = ItemError("empty", "the row holds neither text nor an image, a recording or a video")
            yield Broken(place, empty, self.stored_bytes, True)
        if len(found) >> MEDIA_BITS:
            raise ItemError("too-large", f"a row with {len(found)} images, recordings or videos")
        for number, (data, name) in enumerate(found, 1):
            if self.job.beat.at(place | number):
                yield Embedded(place | number, data, name, value)


def _media_columns(schema: Any) -> tuple[int, ...]:
    """Columns that may hold images, recordings or videos, by their types."""
    return tuple(number for number, field in enumerate(schema) if _is_media(field.type))


def _is_media(kind: Any) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_media(kind.value_type)
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _is_bytes(kind.field("bytes").type)
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _media_in(value: object) -> list[tuple[bytes, str]]:
    """Content and name of what a value holds; of bare bytes only what begins like a medium."""
    if isinstance(value, list):
        return [each for inner in value for each in _media_in(inner)]
    if isinstance(value, dict):
        data, name = value.get("bytes"), value.get("path")
        return [(data, name if isinstance(name, str) else "")] if isinstance(data, bytes) else []
    return [(value, "")] if isinstance(value, bytes) and layout.medium(value[:64]) is not None else []


def _column(array: Any) -> Column:
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array.validate(full=True)
        return array.cast(pa.large_string())
    values: list[object] = array.to_pylist()
    return values


def _to_microseconds(batch: Any) -> Any:
    """Python's datetime has no nanoseconds."""
    for number, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = batch.column(number).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(number, field.name, column)
    return batch


def _unique(names: list[str]) -> list[str]:
    """Two columns of one name would be one in a dict."""
    unique: dict[str, None] = {}  # in order
    for number, name in enumerate(names, 1):
        while name in unique:
            name += f"_{number}"
        unique[name] = None
    return list(unique)


def _arrow_batches(source: Watched) -> Iterator[Any]:
    magic = source.read(6)
    source.seek(0)
    if magic == b"ARROW1":
        file = pa.ipc.open_file(source)
        for number in range(file.num_record_batches):
            yield file.get_batch(number)
    else:
        with pa.ipc.open_stream(source) as stream:
            yield from stream


@contextmanager
def _opened(open_: Callable[[], BinaryIO]) -> Iterator[Watched]:
    stream = open_()
    source = stream if isinstance(stream, Watched) else Watched(stream, lambda: None)
    with source:
        yield source


@contextmanager
def _translated(kind: str, source: Watched) -> Iterator[None]:
    """What pyarrow raises, as an ItemError.

    Raises:
        ItemError: of this kind; "unsupported" for what pyarrow does not implement.
        OSError: the stream's own.
        MemoryError: unchanged.
    """
    try:
        yield
    except (ItemError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        if source.failed is not None:
            raise source.failed from None
        unsupported = isinstance(error, NotImplementedError)
        raise ItemError("unsupported" if unsupported else kind, _message(error)) from error


def _message(error: Exception) -> str:
    """The first line, without values of the data (they stand in quotes) and control characters."""
    line = (str(error).splitlines() or [""])[0]
    line = _QUOTED.sub("'…'", line)
    return "".join(each for each in line if each.isprintable())[:200] or type(error).__name__
