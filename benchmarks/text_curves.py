"""How near-duplicate text grows: with the corpus, with crowds, with ten million documents; and the stage that measures it.

- Corpus: dqv's path (see `text_peers`) and rensa's over 0.25, 0.5 and 1 GB.
- Crowds: documents of 100 words, a share of which are one document with one word changed; a million short ones; and the
  worst case, documents that share buckets and yet are no duplicates, where time grows with their number squared.
- Join: the real stages `groups`, `crowds` and `links` over the band keys of up to ten million documents, made up: one in
  ten repeats another with J between 0.7 and 1, and so shares each of its keys with probability J⁶.
- Stage: all that `stages.measure` does with one file (read, hash, sketch, write rows) against polars only reading it, and
  against polars reading it and what no reader saves: the sketches and the digests.

Times are CPU seconds of one core.
"""

import hashlib
import mmap
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from os import environ
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import zstandard

from benchmarks import plots, text_corpus, text_peer, text_peers
from benchmarks.packages import OUT
from benchmarks.text_corpus import Corpus
from dqv.core.location import as_args, located
from dqv.core.schema import SKETCH_SLOTS
from dqv.core.settings import Measuring
from dqv.engine import list_source
from dqv.execute import partitions
from dqv.execute.child import HEARTBEAT, Beat
from dqv.measure.hashing import payload_hashes
from dqv.neardup import sketch, tokens
from dqv.stages import duplicates
from dqv.stages import measure as measuring
from dqv.stages.shuffle import scatter

SIZES = (250_000_000, 500_000_000, 1_000_000_000)
SHARES = (0.0, 0.1, 0.5, 1.0)
CROWDS = {"dqv": (100_000, 200_000), "rensa": (4_000, 8_000)}
ALIKE = (4_000, 8_000, 16_000)
MANY = 1_000_000
JOINS = (2_500_000, 5_000_000, 10_000_000)
PART_ROWS = 70_000
"""Documents of a part: about 128 MB of text."""

TURNS = 3


@dataclass(frozen=True)
class Point:
    """One measurement.

    Attributes:
        kind: which curve: `size`, `share`, `case`, `join`, `stage`.
        name: which line of it.
        at: where on it: bytes, share, documents.
        documents: how many.
        seconds: CPU.
        bytes: peak resident memory; of `stage` the size of the file.
    """

    kind: str
    name: str
    at: float
    documents: int
    seconds: float
    bytes: int


def _written(texts: Iterable[str]) -> Corpus:
    path, size, count = OUT / "text" / "made.jsonl", 0, 0
    with path.open("wb") as file:
        for text in texts:
            file.write(orjson.dumps({"text": text}) + b"\n")
            size, count = size + len(text.encode()), count + 1
    return Corpus(path, size, count, pl.DataFrame())


def _words(length: int, rng: random.Random) -> list[str]:
    """Words that no other document has in this order."""
    return [f"w{rng.randrange(50_000)}" for _ in range(length)]


def _crowded(count: int, share: float) -> Iterable[str]:
    """Documents of 100 words, a share of which are one of them with one word changed."""
    rng = random.Random(text_corpus.SEED)
    one = _words(100, rng)
    for number in range(count):
        if rng.random() < share:
            place = rng.randrange(5, 95)
            yield " ".join([*one[:place], f"changed{number}", *one[place + 1 :]])
        else:
            yield " ".join(_words(100, rng))


def _alike(count: int) -> Iterable[str]:
    """Documents of 100 words that differ from one in three words each, so that J is near 0.5 for any two."""
    rng = random.Random(text_corpus.SEED)
    one = _words(100, rng)
    for number in range(count):
        words = list(one)
        for place in rng.sample(range(100), 3):
            words[place] = f"other{number}"
        yield " ".join(words)


def _short(count: int, same: bool) -> Iterable[str]:
    words = " ".join(_words(29, random.Random(text_corpus.SEED)))
    return (f"{words} {0 if same else number}" for number in range(count))


def _point(kind: str, tool: str, name: str, at: float, corpus: Corpus, turns: int = 1) -> list[Point]:
    """The run of median time, or nothing where the tool cannot be had."""
    runs = [done for _ in range(turns) if (done := text_peers.run(tool, corpus))]
    if not runs:
        return []
    done = sorted(runs, key=lambda run: run.whole_s)[len(runs) // 2]
    return [Point(kind, name, at, corpus.documents, done.whole_s, done.peak_bytes)]


def beat() -> Beat:
    """A heartbeat that nobody watches."""
    return Beat(mmap.mmap(-1, HEARTBEAT.size), [], 600)


def _keys(count: int, rng: np.random.Generator) -> Any:
    """(count, bands) band keys of documents of which one in ten repeats another."""
    keys = rng.integers(0, 2**64, (count, sketch.BANDS), np.uint64)
    later = np.flatnonzero(rng.random(count) < 0.1)
    shared = rng.random((later.size, sketch.BANDS)) < rng.uniform(0.7, 1, (later.size, 1)) ** 6
    keys[later] = np.where(shared, keys[rng.integers(0, count, later.size)], keys[later])
    return keys


def join(documents: int, folder: Path) -> list[Point]:
    """Run the stages of the join over made-up keys, one after the other."""
    buckets = duplicates.buckets(documents, SKETCH_SLOTS)
    tables = []
    for first in range(0, documents, PART_ROWS):
        count = min(PART_ROWS, documents - first)
        keys = _keys(count, np.random.default_rng((text_corpus.SEED, first))).ravel()
        ids = pa.array(np.repeat(np.arange(first, first + count), sketch.BANDS))
        band = pa.array(np.tile(np.arange(sketch.BANDS, dtype=np.int8), count))
        tables.append(f"{folder}/keys-{first}.parquet")
        number = (keys >> np.uint64(32)) % np.uint64(buckets)
        scatter(
            Path(tables[-1]),
            pa.table([ids, band, pa.array(keys)], names=["id", "band", "key"]),
            number,
            buckets,
        )
    points, last = [], time.process_time()

    def done(stage: str) -> None:
        nonlocal last
        now = time.process_time()
        points.append(Point("join", stage, documents, documents, now - last, text_peer.peak_bytes()))
        last = now

    groups = []
    for bucket in range(buckets):
        out = folder / f"groups-{bucket}"
        out.mkdir()
        duplicates.groups({"tables": tables, "bucket": bucket}, out, beat())
        groups.append(f"{out}/groups-0.parquet")
    done("groups")
    bins = duplicates.crowds({"groups": groups}, folder, beat())
    done("crowds")
    for bucket, table in enumerate(groups):
        out = folder / f"links-{bucket}"
        out.mkdir()
        args = {"groups": table, "bucket": bucket, "of_group": f"{folder}/bins-0.parquet", "bins": bins}
        duplicates.links(args, out, beat())
    done("links")
    return points


def stage(corpus: Path, folder: Path) -> list[Point]:
    """The measuring stage and polars in turns, over the same documents as Parquet and as JSONL.zst."""
    table = pl.read_ndjson(corpus)
    (folder / "parquet").mkdir()
    table.write_parquet(folder / "parquet" / "a.parquet", compression="zstd")
    (folder / "jsonl.zst").mkdir()
    with corpus.open("rb") as plain, (folder / "jsonl.zst" / "a.jsonl.zst").open("wb") as packed:
        zstandard.ZstdCompressor().copy_stream(plain, packed)
    size, points = int(table["text"].str.len_bytes().sum()), []
    for form in ("parquet", "jsonl.zst"):
        source = folder / form
        listing = list_source([located(str(source))], folder / f"{form}.parquet")
        pieces = [partitions.piece(row) for rows in listing.batches() for row in rows.to_pylist()]
        args = {
            "source": as_args([located(str(source))]),
            "raw": None,
            "pieces": pieces,
            "measuring": Measuring().model_dump(mode="json"),
        }
        file = next(source.iterdir())

        def ours(args: dict[str, Any] = args) -> None:
            with tempfile.TemporaryDirectory(dir=folder) as out:
                measuring.measure(args, Path(out), beat())

        def theirs(file: Path = file) -> pl.DataFrame:
            return (pl.read_parquet if file.suffix == ".parquet" else pl.read_ndjson)(file)

        def least(file: Path = file) -> None:
            texts = theirs(file)["text"].to_arrow().cast(pa.large_string())
            sketch.sketch(*tokens.buffers(texts), SKETCH_SLOTS, simplified=False)
            payload_hashes(texts)
            hashlib.sha256(file.read_bytes())

        ours()  # compiles
        for _ in range(TURNS):
            for name, work in (("dqv", ours), ("polars", theirs), ("least", least)):
                began = time.process_time()
                work()
                taken_s = time.process_time() - began
                points.append(
                    Point("stage", f"{form}, {name}", size, table.height, taken_s, file.stat().st_size)
                )
    return points


def _apart(what: str, argument: str) -> list[Point]:
    """Run `join` or `stage` in a process of its own."""
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        args = [sys.executable, "-m", "benchmarks.text_curves", what, argument, name]
        done = subprocess.run(
            args, env={**environ, **text_peers.ONE_CORE}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{what} ended with {done.returncode}: {done.stderr[-2000:]}")
    points = [Point(**row) for row in orjson.loads(done.stdout.splitlines()[-1])]
    print(*(f"{point.name}, {point.at:g}: {point.seconds:.2f} s" for point in points), sep="\n", flush=True)
    return points


def measure() -> list[Point]:
    """All points of all curves."""
    corpora = text_corpus.build()
    points = _apart("stage", str(corpora[SIZES[0]].path))
    for count in JOINS:
        points += _apart("join", str(count))
    for size in SIZES:
        for tool, turns in (("dqv", TURNS), ("rensa", 1)):
            points += _point("size", tool, tool, size, corpora[size], turns)
    for share in SHARES:
        for tool, counts in CROWDS.items():
            for count in counts:
                made = _written(_crowded(count, share))
                points += _point("share", tool, f"{tool}, {count:,} documents", share, made)
    for count in ALIKE:
        points += _point(
            "case", "dqv", "three words in 100 differ, J near 0.5", count, _written(_alike(count))
        )
    for same in (True, False):
        for count in (MANY // 2, MANY):
            name = "30 words, identical" if same else "30 words, the last one differs, J = 0.93"
            points += _point("case", "dqv", name, count, _written(_short(count, same)))
    (OUT / "text" / "made.jsonl").unlink()
    return points


def _growth(points: list[Point]) -> list[str]:
    """Each point's time against that of the one before, as for twice the work."""
    return ["", *(f"{b.seconds / a.seconds:.2f}" for a, b in pairwise(points))]


def _lines(points: list[Point], kind: str) -> dict[str, list[Point]]:
    out: dict[str, list[Point]] = {}
    for point in points:
        if point.kind == kind:
            out.setdefault(point.name, []).append(point)
    return out


def as_markdown(points: list[Point]) -> str:
    """The tables and plots."""
    lines = ["| corpus | tool | documents | s | against half of it (linear: 2) | peak MB |", "|---" * 6 + "|"]
    for tool, found in _lines(points, "size").items():
        for point, growth in zip(found, _growth(found), strict=True):
            lines.append(
                f"| {point.at / 1e9:g} GB | {tool} | {point.documents:,} | {point.seconds:.2f} | {growth} | "
                f"{point.bytes / 1e6:,.0f} |"
            )
    by_size = {
        tool: [(point.at / 1e9, point.seconds) for point in found]
        for tool, found in _lines(points, "size").items()
    }
    lines += ["", plots.lines("size", "Near-duplicates, reading left out, one core", ("GB of text", "CPU s"), by_size,
                              ticks=((0.25, 0.5, 1), (0.5, 1, 2, 5, 10, 20, 50, 100, 200)), log=True)]  # fmt: skip
    shares = _lines(points, "share")
    lines += ["", "Share of documents that are one with one word of 100 changed (J = 0.9), CPU seconds:", "",
              f"| tool | {' | '.join(f'{share:.0%}' for share in SHARES)} |", "|---" * (1 + len(SHARES)) + "|"]  # fmt: skip
    for name, found in shares.items():
        lines.append(f"| {name} | {' | '.join(f'{point.seconds:.2f}' for point in found)} |")
    most = max(point.seconds for found in shares.values() for point in found)
    ceiling = next(each for each in (2.5, 5, 10, 25, 50, 100, 250, 1000) if each > most)
    lines += ["", plots.lines("crowds", "Time over the share of documents in one crowd", ("share", "CPU s"),
                              {name: [(p.at, p.seconds) for p in found] for name, found in shares.items()},
                              ticks=((0, 0.25, 0.5, 0.75, 1), [ceiling * at / 5 for at in range(6)]))]  # fmt: skip
    lines += [
        "",
        "| documents | what they are | s | against half of them (linear: 2, square: 4) | peak MB |",
        "|---" * 5 + "|",
    ]
    for name, found in _lines(points, "case").items():
        for point, growth in zip(found, _growth(found), strict=True):
            lines.append(
                f"| {point.documents:,} | {name} | {point.seconds:.2f} | {growth} | {point.bytes / 1e6:,.0f} |"
            )
    joins = _lines(points, "join")
    lines += ["", f"| documents (made-up keys) | {' | '.join(f'{name} s' for name in joins)} | all s | against half (linear: 2) | peak MB, all in one process |",
              "|---" * (4 + len(joins)) + "|"]  # fmt: skip
    whole: list[float] = []
    for row in zip(*joins.values(), strict=True):
        whole.append(sum(point.seconds for point in row))
        growth = f"{whole[-1] / whole[-2]:.2f}" if len(whole) > 1 else ""
        lines.append(
            f"| {row[0].documents:,} | {' | '.join(f'{point.seconds:.1f}' for point in row)} | {whole[-1]:.1f} | {growth} | "
            f"{max(point.bytes for point in row) / 1e6:,.0f} |"
        )
    lines += ["", plots.lines("join", "Joining band keys: groups, crowds and links", ("million documents", "CPU s"),
                              {"all": [(count / 1e6, s) for count, s in zip(JOINS, whole, strict=True)]},
                              ticks=((2.5, 5, 10), (2, 5, 10, 20, 50, 100)), log=True)]  # fmt: skip
    lines += [
        "",
        "| file | MB | text MB | measuring stage, s | polars reads it, s | polars against the stage | polars, then sketches "
        "and digests alone, s | polars against that |",
        "|---" * 8 + "|",
    ]
    stages = _lines(points, "stage")
    for form in ("parquet", "jsonl.zst"):
        ours, theirs, least = (stages[f"{form}, {name}"] for name in ("dqv", "polars", "least"))
        to_stage, to_least = (
            _median([b.seconds / a.seconds for a, b in zip(other, theirs, strict=True)])
            for other in (ours, least)
        )
        seconds = [_median([point.seconds for point in each]) for each in (ours, theirs, least)]
        lines.append(
            f"| {form} | {ours[0].bytes / 1e6:.0f} | {ours[0].at / 1e6:.0f} | {seconds[0]:.2f} | {seconds[1]:.2f} | "
            f"{to_stage:.0%} | {seconds[2]:.2f} | {to_least:.0%} |"
        )
    return "\n".join(lines) + "\n"


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        what, argument, name = sys.argv[1:]
        work: Callable[[], list[Point]] = (
            (lambda: join(int(argument), Path(name)))
            if what == "join"
            else (lambda: stage(Path(argument), Path(name)))
        )
        print(orjson.dumps([vars(point) for point in work()]).decode())
    else:
        print(as_markdown(measure()))
