"""All checks of clauses that are words, but privacy, beside the text stage: one `dqv check` a corpus and size, with one worker.

Records of made-up text of two kinds (`CORPORA`): with the fields that the policy requires, at the length of a page, as an
applicant files it; and short ones with every field that describes an item. Beside them a card that states counts, sizes,
formats, dates and a licence, a manual of 200 pages in HTML, a licence, a Croissant description, and a registration with a
document. The text stage is what a run does for text without any of these checks: measuring, duplicates, joining the rows. The
search for personal values is inside measuring and has a benchmark of its own; here the children measure without it
(`unsearched.py`), so that it is in neither side of the share. What the checks add is timed by the wall in the same run, part by
part; but describing items is inside measuring, of which its share is taken by CPU time while one partition is measured by itself.

Great Expectations and mlcroissant take seconds to start, whatever the size. So the figures are given at several sizes, and from
the smallest and the largest, what does not grow, what a gigabyte costs, and from which size on the rule holds.
"""

import hashlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import orjson

from benchmarks.metadata import Still
from benchmarks.unsearched import without_search
from dqv import checks, metadata, pipeline, tables
from dqv.checks.engine import Case, Check, Outcome
from dqv.core.location import as_args, located
from dqv.core.settings import Measuring, Settings
from dqv.engine import Engine, list_source
from dqv.execute import partitions
from dqv.execute.parts import Table
from dqv.stages import measure, rows
from dqv.stages.descriptions import DescriptionRows

SIZES = (100_000_000, 1_000_000_000, 4_000_000_000)
ROUNDS = 1
PAGES = 200
SHARE = 0.10
"""Of the text stage, that all checks but privacy may add together."""

RULES = (
    "documentation", "metadata", "openness", "updates", "registration", "applicant", "category", "legality", "safeguards",
    "scenarios", "value",
)  # fmt: skip

PARTS: dict[str, tuple[Any, str]] = {
    "documents": (Engine, "documents"),
    "describe": (Engine, "describe"),
    "joining metadata": (metadata, "joined"),
    "expectations": (Engine, "expectations"),
    "gathering metadata": (metadata, "gathered"),
    "attached documents": (pipeline, "_attached"),
}
"""What the checks have alone, beside themselves."""

_CARD = """---
license: cc-by-4.0
language: [zh]
size_categories: [{category}]
---
# Card
## Size
The dataset contains {items} records in total, {megabytes} MB, 12 hours, {items} images.
## Format
JSONL, CSV
## Modality
text, audio
## Data collection
Time span: 2020 to 2025. Resolution of 1920 x 1080.
## License
CC BY 4.0
"""
_REGISTRATION = """
name = "n"
category = "行业专识数据集"
cadence = "monthly"
licence = "CC-BY-4.0"
applicant = { name = "a", uscc = "913304990000000006" }
modalities = { text = { scale = "100 MB" } }
certificate = { number = "C" }
attestations = [{ rule = "legality", statement = "s", documents = ["proof.txt"] }]
"""


@dataclass(frozen=True)
class Corpus:
    """A kind of records.

    Attributes:
        name: for the table.
        words: least and most words of a text, of six letters each.
        han: most Chinese characters behind them.
        every: whether records have every field that describes an item, or what the policy requires.
    """

    name: str
    words: tuple[int, int]
    han: int
    every: bool


CORPORA = (
    Corpus("as filed: 3.5 kB, the fields that are required", (150, 850), 120, every=False),
    Corpus("harsh: 1.3 kB, ten fields", (40, 220), 120, every=True),
)


@dataclass(frozen=True)
class Row:
    """One size of a corpus.

    Attributes:
        measuring_s: without describing items.
        duplicates_s: of finding them, planted ones and witnesses too, and of joining the rows.
        added_s: by part and by rule, what the checks add.
    """

    corpus: Corpus
    input_bytes: int
    items: int
    measuring_s: float
    duplicates_s: float
    added_s: dict[str, float]

    @property
    def text_s(self) -> float:
        """Of the text stage."""
        return self.measuring_s + self.duplicates_s

    @property
    def whole_s(self) -> float:
        """Of all that is added."""
        return sum(self.added_s.values())


def _records(path: Path, corpus: Corpus, size: int) -> tuple[int, int, str]:
    """Write records of about so many bytes together; how many there are, their bytes and sha256."""
    rng = np.random.default_rng(7)
    han = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 3000)])
    number = written = 0
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while written < size:
            words = _WORDS[rng.integers(0, _WORDS.size, int(rng.integers(*corpus.words)))]
            text = " ".join(words) + "".join(han[rng.integers(0, han.size, int(rng.integers(0, corpus.han)))])
            record = {
                "id": f"record-{number:09d}", "text": text, "original_time": f"2025-{number % 12 + 1:02d}-01",
                "license": "cc-by-4.0", "source": f"https://example.org/{number % 9973}",
            }  # fmt: skip
            if corpus.every:
                record |= {
                    "language": "zh", "labels": _WORDS[rng.integers(0, 500, 3)].tolist(), "annotation_method": "人工标注",
                    "version": "1.0", "generated": False,
                }  # fmt: skip
            line = orjson.dumps(record) + b"\n"
            digest.update(line)
            written += file.write(line)
            number += 1
    return number, written, digest.hexdigest()


_WORDS = np.array(
    ["".join(map(chr, each)) for each in np.random.default_rng(6).integers(97, 123, (50_000, 6))]
)


def _write(folder: Path, corpus: Corpus, size: int) -> int:
    """The dataset; how many records it has."""
    folder.mkdir()
    number, written, digest = _records(folder / "data.jsonl", corpus, size)
    category = "10K<n<100K" if number < 10**5 else "100K<n<1M" if number < 10**6 else "1M<n<10M"
    card = _CARD.format(items=number, megabytes=round(written / 1e6), category=category)
    (folder / "README.md").write_text(card, "utf-8")
    (folder / "LICENSE").write_text("Attribution 4.0 International\n" + "You may share. " * 1000)
    page = "<h2>Processing {n}</h2><p>" + " ".join(_WORDS[:400]) + ", 12 records each</p>" * 3
    (folder / "docs").mkdir()
    (folder / "docs" / "readme.html").write_text("\n".join(page.format(n=n) for n in range(PAGES)))
    croissant = {
        "@context": {"@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
        "@type": "sc:Dataset", "name": "made-up", "conformsTo": "http://mlcommons.org/croissant/1.1", "license": "CC-BY-4.0",
        "distribution": [{
            "@type": "cr:FileObject", "@id": "data", "name": "data.jsonl", "contentUrl": "data.jsonl",
            "encodingFormat": "application/jsonlines", "sha256": digest,
        }],
    }  # fmt: skip
    (folder / "croissant.json").write_bytes(orjson.dumps(croissant))
    return number


@dataclass
class _Clock:
    """A progress that notes when stages begin."""

    began: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str, _work: int) -> None:
        """A stage begins."""
        self.began.setdefault(name, time.monotonic())

    def advance(self, work: int) -> None:
        """Nothing."""


@contextmanager
def _timed(taken: dict[str, float], joining: list[float]) -> Iterator[None]:
    """While it lasts, how long each part and each rule takes is noted, and from when to when rows are joined."""

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*args, **more)
            finally:
                taken[name] = taken.get(name, 0.0) + time.monotonic() - began

        return call

    def ruled(check: Check, rule: str, case: Case) -> Outcome:
        began = time.monotonic()
        found = check(case)
        if found.evidence is not None:
            found.evidence.collect(engine="streaming")
        taken[rule] = time.monotonic() - began
        return found

    join = tables.joined

    def joined(*args: Any) -> Any:
        joining.append(time.monotonic())
        found = join(*args)
        joining.append(time.monotonic())
        return found

    rules = {
        rule: partial(ruled, check, rule) if rule in RULES else check for rule, check in checks.CHECKS.items()
    }
    with ExitStack() as stack:
        for name, (place, attribute) in PARTS.items():
            stack.enter_context(mock.patch.object(place, attribute, wrapped(name, getattr(place, attribute))))
        stack.enter_context(mock.patch.object(checks, "CHECKS", rules))
        stack.enter_context(mock.patch.object(tables, "joined", joined))
        # the engine names the function, and the child calls what is named
        stack.enter_context(mock.patch.object(measure, "measure", without_search))
        yield


def _describing(source: Path) -> float:
    """The share of measuring a partition that goes into describing items and writing that: the median of rounds, by CPU time."""
    with tempfile.TemporaryDirectory() as name:
        listing = list_source([located(str(source))], Path(name) / "listing.parquet")
        (row,) = (row for batch in listing.batches() for row in batch.to_pylist() if row["role"] == "data")
    args = {
        "source": as_args([located(str(source))]), "raw": None, "measuring": Measuring().model_dump(mode="json"),
        "pieces": [{**partitions.piece(row), "read": "span", "span": [0, min(partitions.TARGET_BYTES, row["size_bytes"])]}],
    }  # fmt: skip
    spent = 0.0
    depth = 0

    def counted(function: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            nonlocal spent, depth
            outermost = not depth and counts(*given)
            depth += outermost
            began = time.process_time()
            try:
                return function(*given, **more)
            finally:
                if outermost:
                    depth -= 1
                    spent += time.process_time() - began

        return call

    shares = []
    with ExitStack() as stack:
        places: list[tuple[Any, str]] = [(rows, "describe_columns")]
        places += [(DescriptionRows, name) for name in ("begin", "end", "add_columns")]
        for place, name in places:
            stack.enter_context(
                mock.patch.object(place, name, counted(getattr(place, name), lambda *_: True))
            )
        of_table = counted(Table.__exit__, lambda table, *_: table._name == "descriptions")
        stack.enter_context(mock.patch.object(Table, "__exit__", of_table))
        for number in range(ROUNDS + 1):
            spent = 0.0
            with tempfile.TemporaryDirectory() as out:
                began = time.process_time()
                without_search(args, Path(out), Still())  # type: ignore[arg-type]
                whole = time.process_time() - began
            if number:  # the first compiles
                shares.append(spent / (whole - spent))
    return statistics.median(shares)


def _row(folder: Path, corpus: Corpus, size: int) -> Row:
    source = folder / f"clauses-{CORPORA.index(corpus)}-{size}"
    items = _write(source, corpus, size)
    (folder / "registration.toml").write_text(_REGISTRATION, "utf-8")
    (folder / "proof.txt").write_text("proof")
    clock, taken, joining = _Clock(), dict[str, float](), list[float]()
    with tempfile.TemporaryDirectory() as out, _timed(taken, joining):
        settings = Settings(
            source=str(source), out=Path(out) / "out", registration=folder / "registration.toml", workers=1,
            reference_date=date(2026, 6, 30),
        )  # fmt: skip
        pipeline.check(settings, clock)
    stages = list(clock.began)
    behind = clock.began[stages[stages.index("measure") + 1]]
    measuring, share = behind - clock.began["measure"], _describing(source)
    duplicates = joining[1] - behind - taken["documents"]  # the documents are read before rows are joined
    added = {"describing items": measuring * share / (1 + share), **taken}
    shutil.rmtree(source)
    return Row(corpus, size, items, measuring / (1 + share), duplicates, added)


def measure_all(folder: Path) -> list[Row]:
    """All corpora and sizes."""
    return [_row(folder, corpus, size) for corpus in CORPORA for size in SIZES]


def as_markdown(found: list[Row]) -> str:
    """The tables of benchmarks/README.md."""
    of_each = ([row for row in found if row.corpus is corpus] for corpus in CORPORA)
    return "\n".join(f"**{rows[0].corpus.name}**\n\n{_table(rows)}" for rows in of_each)


def _table(found: list[Row]) -> str:
    """Of one corpus."""
    heads = [f"{row.input_bytes / 1e6:.0f} MB" for row in found]
    lines = [f"| seconds | {' | '.join(heads)} |", "|---|" + "---|" * len(found)]

    def line(name: str, cells: list[str]) -> None:
        lines.append(f"| {name} | {' | '.join(cells)} |")

    line("items", [f"{row.items:,}" for row in found])
    line("measuring", [f"{row.measuring_s:.1f}" for row in found])
    line("duplicates, joining", [f"{row.duplicates_s:.1f}" for row in found])
    line("text stage", [f"{row.text_s:.1f}" for row in found])
    for name in found[0].added_s:
        shown = f"rule `{name}`" if name in RULES else name
        line(shown, [f"{row.added_s[name]:.2f}" for row in found])
    line("added together", [f"{row.whole_s:.1f}" for row in found])
    line("of the text stage", [f"{row.whole_s / row.text_s:.1%}" for row in found])
    line("of measuring alone", [f"{row.whole_s / row.measuring_s:.1%}" for row in found])
    if len(found) > 1:
        lines += ["", *_growth(found[0], found[-1])]
    return "\n".join(lines) + "\n"


def _growth(first: Row, last: Row) -> Iterator[str]:
    """What does not grow, what a gigabyte costs, and from which size on it is at most SHARE."""
    gigabytes = (last.input_bytes - first.input_bytes) / 1e9
    added = (last.whole_s - first.whole_s) / gigabytes
    fixed = first.whole_s - added * first.input_bytes / 1e9
    for name, text_s in (
        ("the text stage", Row.text_s.fget),
        ("measuring alone", lambda row: row.measuring_s),
    ):
        each = (text_s(last) - text_s(first)) / gigabytes  # type: ignore[misc]
        start = text_s(first) - each * first.input_bytes / 1e9  # type: ignore[misc]
        spare = SHARE * each - added
        reached = (
            f"{SHARE:.0%} from {max(0.0, (fixed - SHARE * start) / spare):.2f} GB on"
            if spare > 0
            else "never"
        )
        yield (
            f"Of {name}: a gigabyte costs {each:.1f} s, and what is added {added:.2f} s ({added / each:.1%}) beside "
            f"{fixed:.1f} s that do not grow: {(fixed + added) / (start + each):.1%} of a gigabyte; {reached}."
        )


if __name__ == "__main__":
    SIZES = tuple(map(int, sys.argv[1:])) or SIZES
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure_all(Path(name))))
