"""What metadata files say of other objects, entry by entry, and what is wrong with the files themselves.

An entry names a file, relative to its own folder (Hugging Face's `file_name`), or stands in a sample of a WebDataset.
"""

from collections.abc import Iterable
from typing import Any

from dqv.connectors.containers.records import Broken, Chunk, Embedded, Found, Record, singly
from dqv.core.settings import Measuring
from dqv.execute.parts import Table
from dqv.measure.descriptions import NOTHING, TEXTS, describe
from dqv.measure.fields import extract
from dqv.stages.privacy import METADATA, PersonalRows
from dqv.stages.rows import dated, day

_HELD_ROWS = 4096

_FILE_NAMES = ("file_name", "filename", "file", "path", "file_path", "文件名", "文件")

MOST_FIELDS = 1024
"""An entry with more is named as a problem."""

_PROBLEMS = {
    "wide": ("warning", f"an entry of more than {MOST_FIELDS} fields"),
    "no-record": ("error", "an entry that is no object with fields"),
    "no-file": ("error", "an entry that names no file (file_name), in a file of which others do"),
}


class Sidecars:
    """The rows of `schema.SIDECAR` and `schema.PROBLEMS` of a partition; those of the piece at work can be taken back."""

    def __init__(self, said: Table, problems: Table, personal: PersonalRows, measuring: Measuring) -> None:
        self._said = said
        self._problems = problems
        self._personal = personal
        self._measuring = measuring
        self._piece: dict[str, Any] = {}
        self._held: list[dict[str, Any]] = []

    def begin(self, piece: dict[str, Any]) -> None:
        """What follows is of this piece."""
        self._piece, self._held = piece, []
        for table in (self._said, self._problems):
            table.begin()

    def keep(self) -> None:
        """The piece is done; its rows stay."""
        for table in (self._said, self._problems):
            table.keep()

    def take_back(self) -> None:
        """Forget the rows of the piece at work."""
        for table in (self._said, self._problems):
            table.take_back()

    def read(self, found: Iterable[Chunk | Found]) -> None:
        """All entries of the piece.

        Raises:
            ItemError: one is broken.
            OSError: of reading.
        """
        wrong: dict[str, list[int]] = {}
        named = 0
        for record in singly(found):
            if isinstance(record, Broken):
                raise record.error
            if isinstance(record, Embedded):
                continue
            rule, is_entry = self._entry(record)
            named += is_entry
            if rule is not None:
                seen = wrong.setdefault(rule, [record.place, 0])
                seen[1] += 1
        self._flush()
        if not named:  # a description of the whole, such as dataset_info.json: no table of files
            wrong.pop("no-file", None)
            wrong.pop("no-record", None)
        rows = [
                {
                    "object": self._piece["object"], "place": place, "standard": "sidecar", "rule": rule,
                    "severity": _PROBLEMS[rule][0], "count": count, "detail": _PROBLEMS[rule][1],
                }
                for rule, (place, count) in sorted(wrong.items())
            ]  # fmt: skip
        if rows:
            self._problems.add_rows(rows)

    def _entry(self, record: Record) -> tuple[str | None, bool]:
        """One entry: the rule that it breaks, and whether it says something of a file or sample."""
        value, piece = record.value, self._piece
        if not isinstance(value, dict):
            return "no-record", False
        wide = "wide" if len(value) > MOST_FIELDS else None
        name = next((value[key] for key in _FILE_NAMES if isinstance(value.get(key), str)), None)
        sample = None if piece["sample"] is None else piece["sample"].encode("latin-1")
        target = None
        if name and sample is None:
            folder = piece["path"].encode("latin-1").rpartition(b"/")[0]
            target = (folder + b"/" if folder else b"") + name.removeprefix("./").encode(
                "utf-8", "surrogateescape"
            )
        if target is None and sample is None:
            return wide or "no-file", False
        self._personal.add(record.place, value, METADATA)
        found = extract(value, None, self._measuring.date_field)
        (date, refused), (modified, refused_too) = day(found.date), day(found.modified)
        described = describe(value) or NOTHING
        row = {
            "object": piece["object"],
            "place": record.place,
            "target": target,
            "sample": sample,
            "date": date,
            "date_modified": modified,
            **dict(zip(TEXTS, described.texts, strict=True)),
            "labels": described.labels,
            "types": described.types,
            "dated": dated(date, modified, refused or refused_too),
        }
        self._held.append(row)
        if len(self._held) >= _HELD_ROWS:
            self._flush()
        return wide, True

    def _flush(self) -> None:
        if self._held:
            self._said.add_rows(self._held)
            self._held = []
