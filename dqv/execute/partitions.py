"""Partitions: the listing cut into tasks of even work.

The cut depends on the listing alone, never on workers, so the same data gives the same parts anywhere. A task names a
range of numbers and the digest of its rows; the child reads the rows from the listing itself.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dqv.execute import manifest

TARGET_BYTES = 128 * 10**6
"""Input of one task: seconds of work, against milliseconds of overhead."""

MOST_OBJECTS = 4096
"""Objects of one task: opening a file costs more than a small file's bytes."""

Span = tuple[int, int, int]
"""First byte or row group of a part of an object, the one after the last, and its bytes."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a task reads: the objects of a range of numbers, but for what is ignored.

    Attributes:
        first: number of the first object.
        stop: the one after the last.
        read: `records` (and digests, of what is read as a whole), or `digest` alone, of one object that is split.
        spans: object → what is read of it; the others are read as a whole.
        work: bytes of input.
        digest: hex sha256 of the rows.
    """

    first: int
    stop: int
    read: str
    spans: Mapping[int, Span]
    work: int
    digest: str

    def as_args(self) -> dict[str, Any]:
        """As JSON for the child."""
        spans = [[number, *span] for number, span in self.spans.items()]
        return {"range": [self.first, self.stop], "read": self.read, "spans": spans, "rows": self.digest}


def is_large(size_bytes: int) -> bool:
    """Whether an object is worth splitting."""
    return size_bytes > TARGET_BYTES * 3 // 2


def byte_spans(size: int) -> list[Span]:
    """A file of lines in spans of even size near the target."""
    count = max(1, round(size / TARGET_BYTES))
    edges = [size * number // count for number in range(count + 1)]
    return [(a, b, b - a) for a, b in itertools.pairwise(edges)]


def group_spans(sizes: Sequence[int]) -> list[Span]:
    """Row groups, packed in order up to the target."""
    spans: list[Span] = []
    start, held = 0, 0
    for number, size in enumerate(sizes):
        if held and held + size > TARGET_BYTES:
            spans.append((start, number, held))
            start, held = number, 0
        held += size
    return [*spans, (start, len(sizes), held)] if sizes else []


@dataclass(slots=True)
class _Held:
    """A range that grows."""

    first: int = 0
    count: int = 0
    last: int = -1
    work: int = 0
    spans: dict[int, Span] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, number: int, line: bytes, work: int) -> None:
        if not self.count:
            self.first = number
        self.count += 1
        self.last = number
        self.work += work
        self.digest.update(line)

    def closed(self, read: str = "records") -> Range:
        return Range(self.first, self.last + 1, read, self.spans, self.work, self.digest.hexdigest())


def cut(
    listing: manifest.Listing, spans: Mapping[int, Sequence[Span]], most_bytes: int = 1 << 62
) -> Iterator[Range]:
    """Cut a listing into ranges, in order; digests of split objects and of large archives stand alone, at the end.

    Args:
        listing: streamed; what is ignored is in no task.
        spans: of large objects whose format allows a split; one span is no split.
        most_bytes: of an object no more is read.
    """
    held = _Held()
    digests: list[Range] = []
    stream: tuple[int | None, str] = (None, "")
    for rows in listing.batches():
        rows = rows.filter(_is_read(rows))
        names = ("object", "size_bytes", "role", "container", "locator")
        columns = (*(rows[name].to_pylist() for name in names), manifest.lines(rows))
        for number, size, role, container, locator, line in zip(*columns, strict=True):
            parts = spans.get(number, ())
            if role == "container" and is_large(size):
                alone = _Held()
                alone.add(number, line, 0)
                digests.append(alone.closed("digest"))
                size = 0
            before, stream = stream, (container, _stream(locator))
            most = _MOST_OF_A_STREAM if before == stream and stream[1] else MOST_OBJECTS
            for part in parts if len(parts) > 1 else (None,):
                work = min(size, most_bytes) if part is None else part[2]
                full = held.work + work > TARGET_BYTES and most == MOST_OBJECTS
                if held.count and (full or held.count >= most or number in held.spans):
                    yield held.closed()
                    held = _Held()
                held.add(number, line, work)
                if part is not None:
                    held.spans[number] = part
            if len(parts) > 1:
                alone = _Held()
                alone.add(number, line, 0)
                digests.append(alone.closed("digest"))
    if held.count:
        yield held.closed()
    yield from digests


_MOST_OF_A_STREAM = 16 * MOST_OBJECTS
"""Members of one compressed archive in a task, whatever they weigh: another task would decompress all before them."""


def _stream(locator: str | None) -> str:
    """The way to what is decompressed as one, of which a member is a part; empty where it stands alone."""
    found = [at + len(step) for step in ("gzip/", "zstd/") if (at := (locator or "").rfind(step)) >= 0]
    return (locator or "")[: max(found, default=0)]


def is_plain(locator: str | None) -> bool:
    """Whether an object, or a member of an archive, is stored as it is, so that a part of it can be read by itself."""
    steps = (locator or "").split("/") if locator else []
    return all(step.startswith("tar:") or re.match(r"zip:\d+:0:", step) for step in steps)


def _is_read(rows: pa.Table) -> pa.ChunkedArray:
    return pc.not_equal(rows["role"], "ignored")


def piece(row: dict[str, Any], read: str = "whole", span: Span = (0, 0, 0)) -> dict[str, Any]:
    """What a child reads of one object, as JSON: the object's row and what of it; path bytes as Latin-1, which keeps every byte.

    Args:
        row: of the listing; a member of an archive has the archive's as `outer`.
        read: `whole` (digest and records), `span` (records of a span), `digest` (digest alone).
        span: of a span.
    """
    return {
        **row,
        "path": row["path"].decode("latin-1"),
        "sample": None if row["sample"] is None else row["sample"].decode("latin-1"),
        "outer": None if row.get("outer") is None else piece(row["outer"]),
        "read": read,
        "span": list(span[:2]),
        "work": span[2],
    }


def pieces(args: dict[str, Any]) -> list[dict[str, Any]]:
    """What a task reads, object by object, in the child.

    Args:
        args: `pieces`, as `piece` has them; or `listing`, a path, with the arguments of a `Range`.

    Raises:
        ValueError: the listing's rows are not those that the range was cut from.
    """
    if "pieces" in args:
        return list(args["pieces"])
    first, stop = args["range"]
    spans = {number: tuple(span) for number, *span in args["spans"]}
    digest, found = hashlib.sha256(), []
    for rows in manifest.between(Path(args["listing"]), first, stop):
        rows = rows.filter(_is_read(rows))
        digest.update(b"".join(manifest.lines(rows)))
        for row in manifest.with_outer(Path(args["listing"]), rows.to_pylist()):
            if args["read"] != "digest" and row["role"] == "container" and is_large(row["size_bytes"]):
                continue  # its digest is a task of its own
            span = spans.get(row["object"])
            whole = "digest" if args["read"] == "digest" else "whole"
            found.append(piece(row, whole) if span is None else piece(row, "span", span))
    if digest.hexdigest() != args["rows"]:
        raise ValueError("the listing is not the one that this task was cut from")
    return found
