"""JSON Lines: one record a line, splittable at any byte. The place is the offset of the line's first byte.

The offset counts bytes of the decompressed object; of one in UTF-16 or UTF-32, bytes of the text as UTF-8.
A line belongs to the span that holds its first byte.

The head decides the encoding. Where it is pure ASCII it decides nothing, and each line beyond ASCII tells for
itself: UTF-8, or GB18030 where it is not UTF-8 and plausible; `utf-8/gb18030` says that both occur.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from dqv.connectors.containers.model import Beat, Broken, Columns, Facts, Job, Record
from dqv.core.errors import ItemError
from dqv.measure import encoding

HEAD_BYTES = 1 << 20
_BLOCK_BYTES = 4 << 20
_CHUNK_LINES = 4096
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that were read, without a broken one: a `Chunk`.

    Attributes:
        beat: of the job.
        places: of the lines.
        values: what they hold.
        stored_bytes: of each, without its end.
    """

    beat: Beat
    places: list[int] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    stored_bytes: list[int] = field(default_factory=list)

    def columns(self) -> Columns | None:
        """As `Chunk`."""
        first = self.values[0]
        if type(first) is not dict or not first:
            return None
        names = list(first)
        if any(type(value) is not dict or list(value) != names for value in self.values):
            return None
        return Columns(
            self.places,
            self.stored_bytes,
            {name: [value[name] for value in self.values] for name in names},  # type: ignore[index]  # dicts all
        )

    def records(self) -> Iterator[Record | Broken]:
        """As `Chunk`."""
        for place, value, size in zip(self.places, self.values, self.stored_bytes, strict=True):
            self.beat.at(place)  # it was not left out before
            yield Record(place, value, size)


def read_jsonl(job: Job) -> Iterator[Lines | Broken]:
    """The lines of the span (of a compressed object: all); blank ones are skipped, a bad one is Broken."""
    start, stop = job.span or (0, 1 << 62)
    with job.open() as stream:
        head = _fill(stream, HEAD_BYTES)
        if start == 0 and len(head) < HEAD_BYTES and not head.removeprefix(_BOM).strip():
            raise ItemError("empty", f"nothing but white space in {len(head)} bytes")
        name = job.facts.encoding = _encoding(head, whole=len(head) < HEAD_BYTES)
        blocks = _blocks(stream, head)
        if name.startswith(("utf-16", "utf-32")):
            if start == 0:  # a newline cannot be found from the middle: the first span reads all
                yield from _lines(job, _transcoded(blocks, name), 0, 1 << 62, chinese=False)
            return
        if start > 0:
            # The line that holds byte start - 1 belongs to the span before, unless it ends there.
            stream.seek(start - 1)
            blocks = _blocks(stream, b"")
            skipped, rest = _skip_line(blocks)
            start += skipped - 1
            blocks = _chain(rest, blocks)
        undecided = name == "utf-8" and head.isascii()
        yield from _lines(job, blocks, start, stop, chinese=name == "gb18030", undecided=undecided)


def _fill(stream: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size and (block := stream.read(size - len(data))):
        data += block
    return data


def _encoding(head: bytes, *, whole: bool) -> str:
    """By the head as a whole; where a broken line hides it, by the lines' majority."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if not whole and error.end == len(head) and error.start > len(head) - 4:
            head = head[: error.start]  # the end of the head cuts a character
    else:
        if b"\0" not in head:
            return "utf-8-sig" if head.startswith(_BOM) else "utf-8"
    if b"\0" in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            name = encoding.detect(head, whole=whole)
        except ItemError:
            return "utf-8"
        if name.startswith(("utf-16", "utf-32")):
            return name
    utf8 = chinese = 0
    for line in head.split(b"\n")[: None if whole else -1]:
        if line.isascii():
            continue
        try:
            name = encoding.detect(line, whole=True)
        except ItemError:
            continue
        utf8 += name.startswith("utf-8")
        chinese += name == "gb18030"
    if utf8 == chinese == 0 and not whole:  # the first line alone is longer than the head
        try:
            return encoding.detect(head, whole=False)
        except ItemError:
            pass
    if chinese > utf8:
        return "gb18030"
    return "utf-8-sig" if head.startswith(_BOM) else "utf-8"


def _blocks(stream: BinaryIO, first: bytes) -> Iterator[bytes]:
    if first:
        yield first
    while block := stream.read(_BLOCK_BYTES):
        yield block


def _chain(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from blocks


def _transcoded(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
    except UnicodeError as error:
        raise ItemError("encoding", f"begins as {name} and goes on as something else") from error


def _skip_line(blocks: Iterator[bytes]) -> tuple[int, bytes]:
    """Pass over the rest of a line: how many bytes it took with its newline, and what was read after it."""
    skipped = 0
    for block in blocks:
        end = block.find(b"\n") + 1
        if end:
            return skipped + end, block[end:]
        skipped += len(block)
    return skipped, b""


def _lines(
    job: Job, blocks: Iterator[bytes], place: int, stop: int, *, chinese: bool, undecided: bool = False
) -> Iterator[Lines | Broken]:
    """The records whose lines begin in [place, stop); `blocks` begins at `place`."""
    at, fields, note = job.beat.at, job.facts.fields, job.facts.note
    limit = job.limits.record_bytes
    held = b""
    ended = False
    told: set[str] = set()
    good = Lines(job.beat)
    most = 1 if job.beat.leaves_out else _CHUNK_LINES  # what is left out must not overtake what is read
    while not ended and place < stop:
        block = next(blocks, None)
        if block is None:
            lines, held, ended = [held], b"", True
        else:
            lines = (held + block if held else block).split(b"\n")
            held = lines.pop()
        for line in lines:
            if place >= stop:
                break
            size = len(line)
            if not place and line.startswith(_BOM):
                line = line[len(_BOM) :]
            if line and not line.isspace():
                if len(good.places) >= most:
                    yield good
                    good = Lines(job.beat)
                if at(place):
                    if undecided and size <= limit and not line.isascii():
                        chinese = _told(line, job.facts, told)
                    value = _value(line, place, size, limit, chinese=chinese)
                    if type(value) is Broken:
                        if good.places:
                            yield good
                            good = Lines(job.beat)
                        yield value
                    else:
                        if type(value) is not dict or not fields.issuperset(value):
                            note(value)
                        good.places.append(place)
                        good.values.append(value)
                        good.stored_bytes.append(size)
            place += size + 1
        if good.places:
            yield good
            good = Lines(job.beat)
        if len(held) > limit and place < stop:
            named = at(place)
            skipped, rest = _skip_line(blocks)
            size = len(held) + skipped
            if named:
                yield _too_large(place, size, limit)
            place += size
            held, blocks = b"", _chain(rest, blocks)


def _value(line: bytes, place: int, size: int, limit: int, *, chinese: bool) -> object:
    """What a line holds, or a `Broken`."""
    if size > limit:
        return _too_large(place, size, limit)
    try:
        return orjson.loads(line.decode("gb18030") if chinese else line)
    except ValueError as error:  # of orjson or the decoder
        return Broken(place, _why(line, error, chinese=chinese), size, True)


def _told(line: bytes, facts: Facts, told: set[str]) -> bool:
    """Whether a line of an undecided object is in GB18030; states what all lines so far told."""
    try:
        name = encoding.detect(line, whole=True)
    except ItemError:
        return False
    if name in ("utf-8", "gb18030"):
        told.add(name)
        facts.encoding = "/".join(sorted(told, reverse=True))
    return name == "gb18030"


def _too_large(place: int, size: int, limit: int) -> Broken:
    error = ItemError("too-large", f"line at byte {place} has {size} bytes, over the limit of {limit}")
    return Broken(place, error, size, True)


def _why(line: bytes, error: ValueError, *, chinese: bool) -> ItemError:
    if isinstance(error, UnicodeDecodeError):
        return ItemError("encoding", f"not gb18030 at byte {error.start} of the line")
    if not chinese:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as broken:
            return ItemError("encoding", f"not UTF-8 at byte {broken.start} of the line")
    return ItemError("json", f"not JSON: {error}")
