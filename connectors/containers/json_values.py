"""JSON: the elements of a top-level array, streamed; else the one value, or the list of records in it.

The place is the number of the element. Strict as orjson is: no NaN or infinity, also none that 1e999 would
become; no lone surrogates; integers beyond 64 bits are read as doubles. Of equal names the last counts.
"""

import codecs
from collections.abc import Generator, Iterator
from contextlib import closing

import numpy as np
import numpy.typing as npt
import orjson

from dqv.connectors.containers.model import Broken, Job, Record
from dqv.core.errors import ItemError
from dqv.measure import encoding

DEPTH = 1024
LIST_NAMES = ("data", "records", "items", "rows", "examples", "documents", "samples", "数据", "记录")
"""A top-level object's list of records stands under one of these, if no other list or object is beside it."""

_BLOCK_BYTES = 1 << 20
_SPACE = b" \t\n\r"
_KIND = np.zeros(256, np.int8)  # 1 opens, -1 closes, 2 comma
_KIND[list(b"[{")] = 1
_KIND[list(b"]}")] = -1
_KIND[list(b",")] = 2


def read_json(job: Job) -> Iterator[Record | Broken]:
    """The records of a JSON object.

    Raises:
        ItemError: "json", "encoding", "empty"; "too-large", an element over `limits.record_bytes` or a
            single value over `limits.document_bytes`.
    """
    name = job.facts.encoding = encoding.detect_stream(job.open, job.beat.tick)
    with closing(_utf8(job, name)) as blocks:
        offset = 0
        for block in blocks:
            start = block.lstrip(_SPACE)
            offset += len(block) - len(start)
            if start:
                break
        else:
            raise ItemError("empty", f"nothing but white space in {offset} bytes")
        if start[:1] == b"[":
            yield from _array(job, start[1:], blocks, offset + 1)
        else:
            yield from _single(job, start, blocks)


def _utf8(job: Job, name: str) -> Generator[bytes, None, None]:
    with job.open() as stream:
        decoder = None if name == "utf-8" else codecs.getincrementaldecoder(name)()
        while block := stream.read(_BLOCK_BYTES):
            yield block if decoder is None else decoder.decode(block).encode("utf-8")


def _load(data: bytes, where: str) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ItemError("json", f"{where}: {error}") from error


def _single(job: Job, first: bytes, blocks: Iterator[bytes]) -> Iterator[Record]:
    pieces, size = [first], len(first)
    for block in blocks:
        pieces.append(block)
        size += len(block)
        if size > job.limits.document_bytes:
            limit = job.limits.document_bytes
            raise ItemError(
                "too-large", f"a JSON value that is not an array must be held at once: over {limit} bytes"
            )
    value = _load(b"".join(pieces), "the whole value")
    records = [value] if _has(value, job.text_field) else _records(value)
    each, rest = divmod(size, len(records))
    for place, record in enumerate(records):
        if job.beat.at(place):
            job.facts.note(record)
            yield Record(place, record, each + rest * (place == 0))


def _has(value: object, text_field: str | None) -> bool:
    """Whether the stated text field says that the object itself is the record."""
    for name in text_field.split(".") if text_field else ():
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return text_field is not None


def _records(value: object) -> list[object]:
    if isinstance(value, dict):
        filled = [(key, inner) for key, inner in value.items() if isinstance(inner, dict | list) and inner]
        if len(filled) == 1:  # what else there is are scalars: the list's metadata
            key, inner = filled[0]
            if (
                key.lower() in LIST_NAMES
                and isinstance(inner, list)
                and all(isinstance(each, dict) for each in inner)
            ):
                return inner
    return [value]


def _array(job: Job, first: bytes, blocks: Iterator[bytes], offset: int) -> Iterator[Record]:
    """The elements after the opening bracket; `offset` is where `first` begins.

    The scanner only finds the commas and the bracket that part the elements. What stands between must be
    one whole value for orjson, so a wrong cut cannot make an array out of what is none.
    """
    scanner = _Scanner()
    pieces: list[bytes] = []  # of the element that is not at its end
    held = place = 0
    named = job.beat.at(0)
    block = first
    while not scanner.closed:
        start = 0
        for end in scanner.ends(block, offset):
            pieces.append(block[start:end])
            element = b"".join(pieces) if len(pieces) > 1 else pieces[0]
            pieces, held, start = [], 0, end + 1
            if scanner.closed and place == 0 and end == scanner.close_at and not element.strip(_SPACE):
                break  # an empty array
            if len(element) > job.limits.record_bytes:
                raise _too_large(place, job.limits.record_bytes)
            if named:
                value = _load(element, f"element {place}, before byte {offset + end}")
                job.facts.note(value)
                yield Record(place, value, len(element))
            place += 1
            if not (scanner.closed and end == scanner.close_at):
                named = job.beat.at(place)
        if scanner.closed:
            break
        pieces.append(block[start:])
        held += len(block) - start
        if held > job.limits.record_bytes:
            raise _too_large(place, job.limits.record_bytes)
        offset += len(block)
        following = next(blocks, None)
        if following is None:
            raise ItemError("json", f"the array is not closed: the object ends in element {place}")
        block = following
    rest, where = block[scanner.close_at + 1 :], offset + scanner.close_at + 1
    while True:
        if rest.strip(_SPACE):
            raise ItemError("json", f"something else follows the array, from byte {where}")
        where += len(rest)
        following = next(blocks, None)
        if following is None:
            return
        rest = following


def _too_large(place: int, limit: int) -> ItemError:
    return ItemError("too-large", f"element {place} has more than the limit of {limit} bytes")


class _Scanner:
    """Finds where the elements of an array end, block by block, a few numpy passes each.

    A quote is a string's when an even number of backslashes precedes it; inside strings nothing counts;
    the depth of what counts is a running sum.
    """

    def __init__(self) -> None:
        self.closed = False
        self.close_at = -1
        self._depth = 1  # the array itself
        self._in_string = False
        self._escaped = False  # the block before ended in an odd run of backslashes

    def ends(self, block: bytes, offset: int) -> list[int]:
        """Where in the block an element ends: at a comma, or at the array's own bracket (then `closed`)."""
        data = np.frombuffer(block, np.uint8)
        quotes = self._quotes(data)
        marks = np.flatnonzero(_KIND[data])
        inside = (np.searchsorted(quotes, marks) & 1).astype(bool) ^ self._in_string
        self._in_string ^= bool(len(quotes) & 1)
        marks = marks[~inside]
        kinds = _KIND[data[marks]]
        steps = np.where(kinds == 2, 0, kinds)
        depth = self._depth + np.cumsum(steps, dtype=np.int64)
        closing = np.flatnonzero(depth == 0)
        if len(closing):
            last = int(closing[0])
            self.closed, self.close_at = True, int(marks[last])
            if block[self.close_at : self.close_at + 1] != b"]":
                raise ItemError(
                    "json", f"byte {offset + self.close_at}: the array is closed by another bracket"
                )
            marks, kinds, depth = marks[: last + 1], kinds[: last + 1], depth[: last + 1]
        if len(depth):
            self._depth = int(depth[-1])
            if depth.max() > DEPTH:
                where = offset + int(marks[int(np.argmax(depth > DEPTH))])
                raise ItemError("json", f"byte {where}: nested more than {DEPTH} deep")
        ends: list[int] = marks[(kinds == 2) & (depth == 1)].tolist()
        return [*ends, self.close_at] if self.closed else ends

    def _quotes(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
        """Where the quotes are that open or close a string."""
        quotes = np.flatnonzero(data == 0x22)
        backslashes = np.flatnonzero(data == 0x5C)
        if not len(backslashes):
            if self._escaped and len(quotes) and quotes[0] == 0:
                quotes = quotes[1:]
            self._escaped = self._escaped and not len(data)
            return quotes
        # Length of the run of backslashes that ends at each backslash; one that began in the block before
        # counts as one more.
        number = np.arange(len(backslashes))
        starts = np.ones(len(backslashes), bool)
        starts[1:] = np.diff(backslashes) != 1
        run = number - np.maximum.accumulate(np.where(starts, number, 0)) + 1
        if self._escaped and backslashes[0] == 0:
            later = np.flatnonzero(starts[1:])
            run[: int(later[0]) + 1 if len(later) else len(run)] += 1
        odd = backslashes[(run & 1) == 1]
        escaped = np.zeros(len(data) + 1, bool)
        escaped[odd + 1] = True
        escaped[0] = self._escaped
        self._escaped = bool(escaped[len(data)])
        return quotes[~escaped[quotes]]
