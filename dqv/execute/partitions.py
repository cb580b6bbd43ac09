"""Partitions: the manifest cut into tasks of even work.

The cut depends on the manifest alone, never on workers, so the same data gives the same parts anywhere.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

TARGET_BYTES = 128 * 10**6
"""Input of one task: seconds of work, against milliseconds of overhead."""

MOST_OBJECTS = 4096
"""Objects of one task: opening a file costs more than a small file's bytes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a task reads of one object.

    Attributes:
        row: the object's row of the manifest.
        read: `whole` (digest and records), `span` (records of a span), `digest` (digest alone).
        start: first byte or row group of a span.
        stop: the one after the last.
        work: bytes of input.
    """

    row: dict[str, Any]
    read: str
    start: int
    stop: int
    work: int

    def as_args(self) -> dict[str, Any]:
        """As JSON for the child; path bytes as Latin-1, which keeps every byte."""
        path = self.row["path"].decode("latin-1")
        return {
            **self.row,
            "path": path,
            "read": self.read,
            "span": [self.start, self.stop],
            "work": self.work,
        }


def is_large(size_bytes: int) -> bool:
    """Whether an object is worth splitting."""
    return size_bytes > TARGET_BYTES * 3 // 2


def pieces_of(row: dict[str, Any], spans: Sequence[tuple[int, int, int]]) -> list[Piece]:
    """The pieces of one object: whole when it is not split, else spans and its digest.

    Args:
        row: the object's row of the manifest.
        spans: (start, stop, bytes) of a large object whose format allows a split, else nothing.
    """
    if len(spans) < 2:
        return [Piece(row, "whole", 0, 0, row["size_bytes"])]
    pieces = [Piece(row, "span", start, stop, work) for start, stop, work in spans]
    return [*pieces, Piece(row, "digest", 0, 0, 0)]


def byte_spans(size: int) -> list[tuple[int, int, int]]:
    """A file of lines in spans of even size near the target."""
    count = max(1, round(size / TARGET_BYTES))
    edges = [size * number // count for number in range(count + 1)]
    return [(a, b, b - a) for a, b in itertools.pairwise(edges)]


def group_spans(sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Row groups, packed in order up to the target."""
    spans: list[tuple[int, int, int]] = []
    start, held = 0, 0
    for number, size in enumerate(sizes):
        if held and held + size > TARGET_BYTES:
            spans.append((start, number, held))
            start, held = number, 0
        held += size
    return [*spans, (start, len(sizes), held)] if sizes else []


def pack(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pack pieces into tasks in their order; digests of split objects stand alone, at the end."""
    held: list[Piece] = []
    work = 0
    digests: list[Piece] = []
    for piece in pieces:
        if piece.read == "digest":
            digests.append(piece)
            continue
        if held and (work + piece.work > TARGET_BYTES or len(held) >= MOST_OBJECTS):
            yield held
            held, work = [], 0
        held.append(piece)
        work += piece.work
    if held:
        yield held
    for piece in digests:
        yield [piece]
