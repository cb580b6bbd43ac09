"""CSV and TSV: one record a row, as the field's name to its text. The place is the number of the record.

The first row names the fields; where all of it are numbers there are no names, and it is a record.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import chain

from dqv.connectors.containers.model import Broken, Job, Record
from dqv.core.errors import ItemError
from dqv.measure import encoding

DELIMITERS = ",;\t|"
NUMBER = re.compile(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*", re.ASCII)
"""A first row of nothing else names no fields."""


def read_csv(job: Job) -> Iterator[Record | Broken]:
    """Rows parted by whatever of DELIMITERS parts the first line most often."""
    yield from _read(job, None)


def read_tsv(job: Job) -> Iterator[Record | Broken]:
    """Rows parted by tabs."""
    yield from _read(job, "\t")


class _Lines:
    """The lines of a text, bounded; counts the bytes (as UTF-8) that were taken.

    What the lines of one row have together is bounded too: the parser holds a row until its end, and cannot
    leave one out without parsing it.
    """

    def __init__(self, stream: io.TextIOBase, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.taken = 0
        self._row = 0  # what was taken before the row at work

    def begin_row(self) -> None:
        """The lines that follow are of another row."""
        self._row = self.taken

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(self._limit + 1):
            size = len(line) if line.isascii() else len(line.encode("utf-8"))
            if size > self._limit:
                raise ItemError("too-large", f"a line has more than the limit of {self._limit} bytes")
            self.taken += size
            if self.taken - self._row > self._limit:
                what = f"a row has more than the limit of {self._limit} bytes; is a quote not closed?"
                raise ItemError("too-large", what)
            yield line


def _read(job: Job, delimiter: str | None) -> Iterator[Record | Broken]:
    limit = job.limits.record_bytes
    name = job.facts.encoding = encoding.detect_stream(job.open, job.beat.tick)
    csv.field_size_limit(limit)  # of the whole process, which reads one object at a time
    with closing(io.TextIOWrapper(job.open(), name, newline="")) as stream:
        lines = _Lines(stream, limit)
        try:
            yield from _rows(job, lines, delimiter)
        except UnicodeError as error:
            raise ItemError("encoding", f"not {name} when read again: the object changed") from error


def _rows(job: Job, lines: _Lines, delimiter: str | None) -> Iterator[Record | Broken]:
    texts = iter(lines)
    first = None
    for line in texts:
        if line.strip():
            first = line
            break
        lines.begin_row()
    if first is None:
        raise ItemError("empty", f"nothing but white space in {lines.taken} bytes")
    rows = csv.reader(chain([first], texts), delimiter=delimiter or _sniff(first), strict=True)
    try:
        header = next(rows)
    except csv.Error as error:
        raise _problem(error, rows.line_num) from error
    waiting: list[list[str]] = []
    if all(NUMBER.fullmatch(field) for field in header):
        waiting, header = [header], [""] * len(header)
    names = column_names(header)
    job.facts.note(dict.fromkeys(names))
    at, place, taken = job.beat.at, 0, 0 if waiting else lines.taken
    while True:
        named = at(place)  # before it is parsed
        lines.begin_row()
        try:
            row = waiting.pop() if waiting else next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problem = _problem(error, rows.line_num)
            if named:
                yield Broken(place, problem, lines.taken - taken, True)
            place, taken = place + 1, lines.taken
            continue
        if not row:  # a blank line
            taken = lines.taken
            continue
        if named:
            if len(row) == len(names):
                yield Record(place, dict(zip(names, row, strict=True)), lines.taken - taken)
            else:
                what = (
                    f"the row that ends in line {rows.line_num} has {len(row)} fields, expected {len(names)}"
                )
                yield Broken(place, ItemError("csv", what), lines.taken - taken, True)
        place, taken = place + 1, lines.taken


def _problem(error: csv.Error, line: int) -> ItemError:
    """The error of one row.

    Raises:
        ItemError: of the whole object, where no next row can be found behind the error.
    """
    what = str(error)
    if what.startswith("field larger"):
        raise ItemError("too-large", f"line {line}: {what}; is a quote not closed?") from error
    if what.startswith("unexpected end"):
        raise ItemError("csv", f"line {line}: a quote is not closed before the end") from error
    # The message quotes the delimiter only, never a value.
    return ItemError("csv", f"line {line}: {what}")


def _sniff(line: str) -> str:
    def parts(delimiter: str) -> int:
        return len(next(csv.reader([line], delimiter=delimiter), ()))

    return max(DELIMITERS, key=parts)  # the first of equals


def column_names(header: list[str]) -> list[str]:
    """Every field by a name of its own."""
    names: list[str] = []
    taken = {field.strip() for field in header}
    seen: set[str] = set()
    suffixes: dict[
        str, int
    ] = {}  # the next of each name: a million equal names must not take a million squared
    for number, field in enumerate(header, 1):
        base = field.strip() or f"column_{number}"
        name = base
        while name in seen or (name != field.strip() and name in taken):
            suffix = suffixes.get(base, 2)
            name, suffixes[base] = f"{base}_{suffix}", suffix + 1
        seen.add(name)
        names.append(name)
    return names
