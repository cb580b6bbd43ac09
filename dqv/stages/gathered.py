"""Rows of many small objects, gathered into batches: a small object is not worth a batch of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from dqv.execute.parts import Table

_BATCH_BYTES = 8 * 2**20

Entry = TypeVar("Entry")


class Gathered(ABC, Generic[Entry]):
    """The rows of one table of a partition, in canonical order.

    Those of the piece at work can be taken back, whether they were gathered only or written already.
    """

    _BATCH_ROWS = 4096

    def __init__(self, table: Table) -> None:
        self._table = table
        self._piece: Mapping[str, Any] = {}
        self._entries: list[Entry] = []
        self._bytes = 0
        self._mark = 0  # entries before it are of earlier pieces
        table.begin()

    def begin(self, piece: Mapping[str, Any]) -> None:
        """The rows that follow are of this piece."""
        if self._is_full(0):
            self.end()
        self._table.keep()  # what the piece before has written already stays
        self._table.begin()
        self._mark, self._piece = len(self._entries), piece

    def end(self) -> None:
        """All rows so far stay, and are written."""
        self._written(len(self._entries))

    def take_back(self) -> None:
        """Forget the rows of the piece at work."""
        del self._entries[self._mark :]
        self._bytes = sum(map(self._size, self._entries))
        self._table.take_back()

    @abstractmethod
    def _write(self, entries: Sequence[Entry]) -> None:
        """Add the rows of entries to the table."""

    def _size(self, entry: Entry) -> int:
        """Bytes that an entry holds, where they differ much."""
        return 0

    def _gather(self, entry: Entry) -> None:
        """Add an entry of the piece at work."""
        self._entries.append(entry)
        self._bytes += self._size(entry)
        if self._is_full(self._mark):
            self._write_all()

    def _write_all(self) -> None:
        """Write what is gathered; what is of earlier pieces stays, whatever becomes of the one at work."""
        if self._mark:
            self._written(self._mark)
            self._table.keep()
            self._table.begin()
        self._written(len(self._entries))

    def _is_full(self, mark: int) -> bool:
        return self._bytes > _BATCH_BYTES or len(self._entries) - mark >= self._BATCH_ROWS

    def _written(self, count: int) -> None:
        if count:
            self._write(self._entries[:count])
            del self._entries[:count]
            self._bytes = sum(map(self._size, self._entries))
        self._mark = max(0, self._mark - count)
