"""The rows of personal values, found in texts that are gathered over objects."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from dqv.connectors.containers.model import MAX_NAME
from dqv.measure.fields import Column, as_strings
from dqv.measure.privacy import Found, find, mask
from dqv.reports.escape import visible_path
from dqv.stages.gathered import Gathered

MOST_VALUES = 64
"""Different values of one kind in one field of an item that have a row each; the others are counted together."""

RECORD, NAME, FIELDS, METADATA, EMBEDDED = "record", "name", "fields", "metadata", "embedded"

_Text = tuple[int, int, str, str]
"""Object, place, where, field."""

_DOCUMENT = ""
"""The field of what is a document and no record."""


class PersonalRows(Gathered[tuple[_Text, str]]):
    """The rows of `schema.PERSONAL` of a partition, once the texts gathered are searched."""

    _BATCH_ROWS = 16 * 1024

    def add_name(self) -> None:
        """The name of the piece at work, once an object."""
        if self._piece["read"] != "span":
            self._add(0, NAME, _DOCUMENT, visible_path(self._piece["path"].encode("latin-1")))

    def add_fields(self, names: Collection[str]) -> None:
        """The names of the fields of the piece at work, sorted, once an object: a table without a header has values there."""
        if not _PLAIN.issuperset(names):
            for name in _may_hold(names):
                self._add(0, FIELDS, _DOCUMENT, name)

    def add(self, place: int, value: object, where: str = RECORD) -> None:
        """A document, or a record, of the piece at work."""
        for field, part in value.items() if isinstance(value, dict) else ((_DOCUMENT, value),):
            if type(part) is str:
                self._add(place, where, field, part)
            elif part is not None:
                for text in _texts(part):
                    self._add(place, where, field, text)

    def add_columns(self, places: Iterable[int], values: Mapping[str, Column]) -> None:
        """Many records of the piece at work that have the same fields."""
        numbers = list(places)
        self._write_all()
        rows: list[dict[str, Any]] = []
        for field, column in values.items():
            texts = as_strings(column)
            if texts is None:
                rows += self._of_others(numbers, field, column)
            else:
                rows += self._of_column(numbers, field, texts)
        if rows:
            self._table.add_rows(sorted(rows, key=lambda row: row["place"]))

    def _of_others(self, places: list[int], field: str, column: Any) -> list[dict[str, Any]]:
        """Of a column that holds other things than strings."""
        there: list[int] = []
        values: list[str] = []
        for place, value in zip(places, column, strict=True):
            if value is None or (type(value) is int and value < _LEAST_NUMBER):
                continue
            for text in _texts(value):
                there.append(place)
                values.append(text)
        return self._of_column(there, field, pa.array(values, pa.large_string()))

    def _of_column(self, places: list[int], field: str, texts: pa.LargeStringArray) -> list[dict[str, Any]]:
        found = find(texts, [field] * len(places))
        return _rows(found, lambda text: (self._piece["object"], places[text], RECORD, field))

    def add_located(self, place: int) -> None:
        """An image or video of the piece at work that says where it was taken."""
        self._write_all()
        self._table.add_rows([{
            "object": self._piece["object"], "place": place, "where": EMBEDDED, "field": "GPS", "kind": "position", "count": 1,
        }])  # fmt: skip

    def add_texts(self, place: int, texts: Iterable[tuple[str, str]]) -> None:
        """What people wrote into an image, recording or video of the piece at work, by the tag's name."""
        for name, text in texts:
            self._add(place, EMBEDDED, name, text)

    def _add(self, place: int, where: str, field: str, text: str) -> None:
        if len(text) >= _LEAST:
            self._gather(((self._piece["object"], place, where, field), text))

    def _size(self, entry: tuple[_Text, str]) -> int:
        return len(entry[1])

    def _write(self, entries: Sequence[tuple[_Text, str]]) -> None:
        told, texts = zip(*entries, strict=True)
        found = find(pa.array(texts, pa.large_string()), [field for _, _, _, field in told])
        rows = _rows(found, told.__getitem__)
        if rows:
            self._table.add_rows(rows)


_LEAST_NUMBER = 10**9


def _texts(value: object) -> Iterator[str]:
    """The strings inside a value, keys too, and its numbers that may be one: a column of numbers with gaps holds floats."""
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack.extend(reversed(value.values()))
            if not _PLAIN.issuperset(value):
                stack.extend(reversed(_may_hold(value)))
        elif isinstance(value, list | tuple):
            stack.extend(reversed(value))
        elif isinstance(value, int) and value >= _LEAST_NUMBER:
            yield str(value)
        elif isinstance(value, float) and _LEAST_NUMBER <= value < _MOST_EXACT and value.is_integer():
            yield str(int(value))


_MOST_EXACT = 2**53

_MARK = re.compile(r"@|\d\D*\d\D*\d")
"""What every value holds, a plate no more: names without it need not be searched."""


_PLAIN: set[str] = set()
"""Short names without it that were met, as many as `_MOST_PLAIN`: mostly the same come again and again."""

_MOST_PLAIN, _SHORT = 4096, 64


def _may_hold(names: Iterable[str]) -> list[str]:
    """Those of the names of fields that may hold a value."""
    found = []
    for name in names:
        if _MARK.search(name):
            found.append(name)
        elif len(name) <= _SHORT and len(_PLAIN) < _MOST_PLAIN:
            _PLAIN.add(name)
    return found


_LEAST = 6
"""Characters of the shortest value, an e-mail address (a@b.cn)."""


@lru_cache(maxsize=1024)
def _shown(field: str) -> str:
    """A field's name, which may be a value itself."""
    return mask(field[:MAX_NAME])


def _rows(found: list[Found], told: Callable[[int], _Text]) -> list[dict[str, Any]]:
    """What texts hold, one row for each value of a field; a function says of each text where it stands."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    different: dict[tuple[Any, ...], int] = {}
    for each in found:
        object_, place, where, field = told(each.text)
        of = (object_, place, where, field, each.kind)
        key: tuple[Any, ...] = (*of, each.value)
        if key not in rows:
            different[of] = different.get(of, 0) + 1
            if different[of] > MOST_VALUES:
                key = (*of, None)
        row = rows.get(key)
        if row is None:
            rows[key] = {
                "object": object_, "place": place, "where": where, "field": _shown(field), "kind": each.kind,
                "at": each.first, "value": key[-1], "count": 1,
            }  # fmt: skip
        else:
            row["count"] += 1
    return list(rows.values())
