"""A conformance case, and the material that cases are made of."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random
from string import ascii_lowercase
from typing import Any

from dqv.core.settings import Limits

REFERENCE = date(2026, 6, 30)
"""Last day of the window; the first is 2021-06-30."""

Files = Mapping[str, bytes]

README = b"# What this is\n\nMade-up words, for tests.\n"

Record = dict[str, str]

_MEDIA = [
    f"{family}.{modality}"
    for family in ("scale", "resolution", "duplicates")
    for modality in ("audio", "image", "video")
    if (family, modality) != ("resolution", "audio")
]
USUAL = {
    **dict.fromkeys(_MEDIA, "not_applicable"),
    **dict.fromkeys(("scale.text", "duplicates.text", "recency"), "pass"),
    **dict.fromkeys(("documentation", "metadata", "openness"), "review"),
    **dict.fromkeys(("updates", "registration", "applicant", "category"), "attested"),
    **dict.fromkeys(("legality", "safeguards", "scenarios", "value", "privacy"), "attested"),
}
"""The verdict of every rule on the usual dataset."""

BESIDE: Files = {"proof.txt": b"proof"}
"""The documents of the usual registration."""

NOT_DECLARED = {rule: "review" for rule, verdict in USUAL.items() if verdict == "attested"}
"""What differs without a registration."""

REGISTRATION: Mapping[str, Any] = {
    "name": "conformance",
    "applicant": {"name": "嘉兴示例数据科技有限公司", "uscc": "913304990000000006"},
    "certificate": {"number": "TEST-1"},
    "category": "行业通识数据集",
    "modalities": {"text": {"scale": "3 kB"}},
    "cadence": "every half year",
    "licence": "CC-BY-4.0",
    "scenarios": [
        {"title": title, "user": "fitters", "place": "Jiaxing", "task": task, "effect": "fewer halts"}
        for title, task in (("one", "answer"), ("two", "sum up"))
    ],
    "attestations": [
        {"rule": rule, "statement": "so it is", "documents": ["proof.txt"]}
        for rule in ("legality", "safeguards", "value", "openness", "privacy")
    ],
}


@dataclass(frozen=True)
class Case:
    """One tiny dataset and all that is known of its report.

    Attributes:
        name: `<rule>-<verdict>-<what>`.
        files: path → content.
        changed: verdicts that differ from USUAL.
        numbers: rule → numerator and denominator of its finding, as the report writes them.
        registration: None where there is none.
        links: path → the file of which it is a second name.
        limits: what one item may cost; small ones make large items unread.
        assurance: full or identity.
        readings: rule → reading → its verdict and numerator, where another reading says something else.
        beside: path → content of the documents beside the registration file.
        barred: the bar list, as CSV; None: none is given.
    """

    name: str
    files: Files
    changed: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    registration: Mapping[str, Any] | None = field(default_factory=lambda: REGISTRATION)
    links: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()  # noqa: RUF009  frozen
    assurance: str = "full"
    readings: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    beside: Files = field(default_factory=lambda: BESIDE)
    barred: str | None = None

    @property
    def rule(self) -> str:
        """The rule under test."""
        return self.name.split("-")[0]

    @property
    def verdict(self) -> str:
        """Its verdict."""
        return self.name.split("-")[1]

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of every rule."""
        return {**USUAL, **self.changed}


def words(seed: int, count: int) -> list[str]:
    """So many made-up words of five letters; other seeds give others."""
    letters = "".join(Random(seed).choices(ascii_lowercase, k=5 * count))
    return [letters[at : at + 5] for at in range(0, len(letters), 5)]


def record(seed: int, size: int = 150, day: str | None = "2026-01-15") -> Record:
    """A record whose values have so many bytes, its date included."""
    row = {"text": " ".join(words(seed, size))[: size - len(day or "")]}
    return row if day is None else {**row, "original_time": day}


def records(count: int = 20, size: int = 150, day: str | None = "2026-01-15", seed: int = 0) -> list[Record]:
    """So many of them, all different."""
    return [record(seed + number, size, day) for number in range(count)]


def jsonl(rows: Iterable[Record], name: str = "data.jsonl") -> dict[str, bytes]:
    """The records as JSON Lines, with a README."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return {"README.md": README, name: "".join(lines).encode()}


def texts(name: str = "doc-{}.txt") -> Files:
    """The usual dataset as text files, without any date or field."""
    files = {name.format(f"{n:02d}"): record(n, day=None)["text"].encode() for n in range(20)}
    return {"README.md": README, **files}


def unread_line(size: int) -> bytes:
    """A line that is longer than the limit of 200 bytes."""
    return b"x" * size + b"\n"


TIGHT = Limits(record_bytes=200)
"""Makes longer lines unread."""

USUAL_FILES = jsonl(records())
"""Of text."""
