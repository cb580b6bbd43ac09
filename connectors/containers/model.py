"""What all readers speak: what they give, and what they are given."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, BinaryIO, Protocol

from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from dqv.measure.fields import Column

MAX_FIELDS = 256
"""How many names of fields are kept of one object."""

MAX_NAME = 200
"""How many characters are kept of a field's name."""

MANY = 1 << 39
"""In the low 40 bits of a `place` of Parquet and Arrow: the rows of a batch from that one on, not one row."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item.

    Attributes:
        place: in the object; see the readers.
        value: str for a document; a dict (or list or scalar) for a record.
        stored_bytes: what it takes as stored, as far as the format tells.
    """

    place: int
    value: object
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """One item that is no text: an image, a recording or a video in a field of a record.

    Attributes:
        place: in the object; see the readers.
        data: as stored.
        name: of the file that it was, where the record tells; its suffix says what to try first.
        fields: the record's other fields.
    """

    place: int
    data: bytes
    name: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that cannot be read; the ones after it can.

    Attributes:
        place: in the object.
        error: why.
        stored_bytes: what was not read.
        single: it stands for exactly one item.
    """

    place: int
    error: ItemError
    stored_bytes: int
    single: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive that can be opened.

    Attributes:
        path: inside the outermost archive, "/" between parts and behind the name of an archive inside; bytes as
            stored, of a zip UTF-8 where they can be told. A name and nothing more: it may say "..", or nothing.
        size_bytes: what comes out when it is opened.
        stored_bytes: what it takes in the archive that holds it, compressed there (zip) or not (tar).
        mtime_ns: since 1970, UTC; 0 where there is none.
        locator: how to get there again (`archives.Opener`).
    """

    path: bytes
    size_bytes: int
    stored_bytes: int
    mtime_ns: int
    locator: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A member, or all the rest of an archive, that is not read.

    Attributes:
        path: as of `Member`; of a rest, the archive's, which is empty for the outermost.
        why: the named rule.
        error: None for what is no data: links and special files.
        stored_bytes: as of `Member`; of a rest, at most what was not read of its archive.
    """

    path: bytes
    why: str
    error: ItemError | None
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Records that all have the same fields.

    Attributes:
        places: as of `Record`, ascending.
        stored_bytes: likewise.
        values: name → values, in the order of the records' fields.
    """

    places: Sequence[int]
    stored_bytes: Sequence[int]
    values: dict[str, Column]


Found = Record | Embedded | Broken
"""One item, as a reader gives it."""


class Chunk(Protocol):
    """Records, some at a time: by columns, where they have them, or one by one."""

    def columns(self) -> Columns | None:
        """All records; None where one is broken or left out, or they differ in their fields."""

    def records(self) -> Iterator["Found"]:
        """The same one by one, each announced to the beat before."""


@dataclass
class Facts:
    """What reading tells about the object as a whole; filled while reading.

    Attributes:
        encoding: of a text format.
        fields: names of the records' fields, at most MAX_FIELDS; longer ones are cut to MAX_NAME.
    """

    encoding: str | None = None
    fields: set[str] = field(default_factory=set)

    def note(self, value: object) -> None:
        """Keep the names of a record's fields."""
        if isinstance(value, dict) and not self.fields.issuperset(value):
            for name in value:
                if len(self.fields) == MAX_FIELDS:
                    return
                self.fields.add(name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…")


class Beat(Protocol):
    """The sign of life; it names the item at work."""

    @property
    def leaves_out(self) -> bool:
        """Whether some items of the object at work are left out: then all are announced one by one."""

    def at(self, place: int) -> bool:
        """Called before working on the item at `place`; False when it is to be left out without a word."""

    def tick(self) -> None:
        """Bytes were consumed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One object to read; the arguments of `records.read`, `open` giving decompressed bytes."""

    open: Callable[[], BinaryIO]
    limits: Limits
    beat: Beat
    facts: Facts
    text_field: str | None
    span: tuple[int, int] | None


Reader = Callable[[Job], Iterator[Chunk | Found]]


class Watched(io.RawIOBase):
    """A stream that ticks at every read and remembers its own error.

    Decoders such as pyarrow raise OSError for broken data too; `failed` tells a broken stream from it.
    """

    def __init__(self, inner: IO[bytes], tick: Callable[[], None]) -> None:
        self._inner = inner
        self._tick = tick
        self.failed: OSError | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """As the stream does."""
        self._tick()
        try:
            return self._inner.read(-1 if size is None else size)
        except OSError as error:
            self.failed = error
            raise

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any buffer in typeshed
        """As the stream does."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As the stream does."""
        try:
            return self._inner.seek(offset, whence)
        except OSError as error:
            self.failed = error
            raise

    def tell(self) -> int:
        """As the stream does."""
        return self._inner.tell()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """As the stream says."""
        return self._inner.seekable()

    def close(self) -> None:
        """Close the stream too."""
        self._inner.close()
        super().close()


def read_up_to(stream: BinaryIO, limit: int, what: str) -> bytes:
    """The rest of a stream.

    Raises:
        ItemError: "too-large", over `limit` bytes; `what` names it.
    """
    blocks, size = [], 0
    while block := stream.read(1 << 20):
        size += len(block)
        if size > limit:
            raise ItemError("too-large", f"{what} of more than {limit} bytes must be held at once")
        blocks.append(block)
    return b"".join(blocks)


def read_document(job: Job) -> bytes:
    """A whole object that must be held at once.

    Raises:
        ItemError: "too-large"; "empty" when nothing stands in it.
    """
    with job.open() as stream:
        data = read_up_to(stream, job.limits.document_bytes, "a document")
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):  # marks and wide spaces: empty in any encoding
        raise ItemError("empty", f"nothing but white space in {len(data)} bytes")
    return data
