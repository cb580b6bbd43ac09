"""Near-duplicate text beside its peers: one corpus, one core, each tool in an environment and a process of its own.

dqv's path is that of `stages/duplicates.py` without its tables: sketches in batches, equal payloads collapsed, keys of
bands grouped, crowds, the first pass, shingle sets of the documents that it wants, the second pass. Reading is left out
for all. Times are CPU seconds; dqv and rensa take turns, and their ratio is the median of the turns. The slow ones get
the beginning of the corpus.

A planted pair counts as found when its copy is surplus, and is left out where its original was not kept itself.
Precision is the share of surplus documents whose similarity with their original is at least 0.8, computed here from
dqv's tokens and sorted arrays, which the sets of tuples of `text_corpus` confirm for every planted pair.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks import plots, text_corpus, text_peer
from benchmarks.packages import OUT, environment
from benchmarks.text_corpus import LANGUAGES, Corpus
from dqv.measure.hashing import payload_hashes
from dqv.neardup import join, sketch, surplus, tokens
from dqv.stages.duplicates import BIN_ITEMS

SIZE_BYTES, SLOW_BYTES, SLOWEST_BYTES = 250_000_000, 50_000_000, 25_000_000
ROUNDS = 3
BATCH_BYTES, BATCH_ROWS = 8 * 2**20, 4096
"""As in `stages/rows.py`."""

PEERS: dict[str, tuple[int, list[str]]] = {
    "rensa": (SIZE_BYTES, ["rensa==0.5.0"]),
    "FastSketchLSH": (SIZE_BYTES, ["FastSketchLSH==1.0.1", "numpy==2.4.6"]),
    "datasketch": (SIZE_BYTES, ["datasketch==2.0.0", "numpy==2.4.6", "xxhash==4.1.0"]),
    "datatrove": (SLOW_BYTES, ["datatrove[processing]==0.10.1"]),
    "text-dedup": (SLOWEST_BYTES, ["text-dedup==0.4.0"]),
}
"""How much of the corpus each gets, and what its environment holds."""

ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1")  # fmt: skip


THRESHOLD = 80
"""Of the similarity, in hundredths."""


@dataclass(frozen=True)
class Run:
    """One tool over one corpus.

    Attributes:
        seconds: CPU time of `shingles`, `signatures`, `candidates`, `verify`; zero for what a tool does not part.
        peak_bytes: resident, the texts included.
        original: what each document repeats, −1 where it is kept.
    """

    tool: str
    corpus: Corpus
    seconds: dict[str, float]
    peak_bytes: int
    original: Any = field(repr=False)

    @property
    def whole_s(self) -> float:
        """End to end, without reading."""
        return sum(self.seconds.values())


def near_duplicates(texts: pa.LargeStringArray, clock: Callable[[str], None] = lambda step: None) -> Any:
    """What each text repeats, −1 where it is kept: dqv's path over texts in memory.

    Args:
        texts: n of them.
        clock: told the name of every step when it ends.
    """
    _, offsets = tokens.buffers(texts)
    made, payload = [], []
    first = 0
    while first < len(texts):
        last = int(np.searchsorted(offsets, offsets[first] + BATCH_BYTES))
        last = min(len(texts), first + BATCH_ROWS, max(first + 1, last))
        batch = texts[first:last]
        payload += payload_hashes(batch)
        made.append(sketch.sketch(*tokens.buffers(batch)))
        first = last
    counts, _, sketches = (np.concatenate(each) for each in zip(*made, strict=True))
    clock("signatures")

    same = surplus.firsts(np.frombuffer(b"".join(payload), np.uint64).reshape(-1, 2))
    rows = np.flatnonzero((same == np.arange(same.size)) & (counts > 0))
    group, _ = join.crowded(sketch.band_keys(sketches[rows]).ravel())
    shared = np.flatnonzero(group >= 0)
    shared = shared[np.argsort(group[shared], kind="stable")]
    crowd = np.unique(shared // sketch.BANDS)
    parent = np.arange(crowd.size)
    join.unite(parent, group[shared], np.searchsorted(crowd, shared // sketch.BANDS))
    bins = join.bins(parent, BIN_ITEMS)
    group = group.reshape(-1, sketch.BANDS)[crowd]
    crowd = rows[crowd]
    clock("candidates")

    original = np.full(len(texts), -1, np.int64)
    for number in range(int(bins.max(initial=-1)) + 1):
        inside = np.flatnonzero(bins == number)
        _, bucket = np.unique(group[inside], return_inverse=True)
        bucket = bucket.reshape(-1, sketch.BANDS) - int((group[inside] < 0).any())  # −1 is the least
        mine = sketches[crowd[inside]]
        wanted = np.flatnonzero(surplus.decide(bucket.astype(np.int32), mine, None).wanted)
        values, some = tokens.shingle_sets(*tokens.buffers(texts.take(pa.array(crowd[inside][wanted]))))
        sizes = np.zeros(inside.size + 1, np.int64)
        sizes[wanted + 1] = np.diff(some)
        lost = np.zeros(inside.size, np.bool_)
        decision = surplus.decide(bucket.astype(np.int32), mine, (values, np.cumsum(sizes), lost))
        repeats = np.flatnonzero(decision.original >= 0)
        original[crowd[inside[repeats]]] = crowd[inside[decision.original[repeats]]]
    copies = np.flatnonzero(same != np.arange(same.size))
    first_s = original[same[copies]]
    original[copies] = np.where(first_s < 0, same[copies], first_s)
    clock("verify")
    return original


def read(path: Path) -> pa.LargeStringArray:
    """The texts of a JSONL file."""
    column = pl.read_ndjson(path, schema={"text": pl.String})["text"]
    return pa.concat_arrays([column.rechunk().to_arrow()]).cast(pa.large_string())


def run_here(corpus: Path, out: str) -> None:
    """Run dqv's path in this process, and write what `text_peer` writes."""
    words = [str(number) for number in range(60)]
    near_duplicates(pa.array([" ".join(words[at:]) for at in (0, 5, 0)], pa.large_string()))  # compiles
    texts = read(corpus)
    seconds = dict.fromkeys(text_peer.seconds, 0.0)
    last = time.process_time()

    def clock(step: str) -> None:
        nonlocal last
        seconds[step] = time.process_time() - last
        last = time.process_time()

    original = near_duplicates(texts, clock)
    Path(f"{out}.bin").write_bytes(original.tobytes())
    Path(f"{out}.json").write_text(
        json.dumps({"seconds": seconds, "peak_bytes": text_peer.peak_bytes()}), "utf-8"
    )


def run(tool: str, corpus: Corpus, limit_s: float = 600) -> Run | None:
    """Run a tool in a process of its own; None if it could not be installed or took too long."""
    out = str(OUT / "text" / f"result-{tool}")
    if tool == "dqv":
        args = [sys.executable, "-m", "benchmarks.text_peers", str(corpus.path), out]
    else:
        try:
            python = environment(tool, PEERS[tool][1])
        except RuntimeError as error:
            print(error, flush=True)
            return None
        pattern = text_corpus.WORD.pattern
        args = [str(python), text_peer.__file__, tool, pattern, str(corpus.path), out]
    with Path(f"{out}.log").open("wb") as log:
        try:
            subprocess.run(
                args, env={**os.environ, **ONE_CORE}, stdout=log, stderr=log, timeout=limit_s, check=True
            )
        except subprocess.TimeoutExpired:
            return None
    found = json.loads(Path(f"{out}.json").read_bytes())
    original = np.fromfile(f"{out}.bin", np.int64)
    done = Run(tool, corpus, found["seconds"], found["peak_bytes"], original)
    print(f"{tool}, {corpus.size_bytes / 1e6:.0f} MB: {done.whole_s:.1f} s, {done.seconds}", flush=True)
    return done


def similarities(texts: pa.LargeStringArray, first: Any, second: Any) -> Any:
    """(n, 2): sizes of intersection and union of the shingle sets of n pairs of texts."""
    numbers = np.unique(np.concatenate([first, second]))
    values, ends = tokens.shingle_sets(*tokens.buffers(texts.take(pa.array(numbers))))
    out = np.zeros((len(first), 2), np.int64)
    for row, pair in enumerate(
        zip(np.searchsorted(numbers, first), np.searchsorted(numbers, second), strict=True)
    ):
        a, b = (values[ends[at] : ends[at + 1]] for at in pair)
        shared = tokens.intersection(a, b)
        out[row] = shared, a.size + b.size - shared
    return out


@dataclass(frozen=True)
class Score:
    """How right a run is.

    Attributes:
        bins: a row per language and bin of the planted pairs whose original is kept: `pairs`, `found`.
        surplus, wrong: documents called surplus, and those of them whose similarity with their original is below 0.8.
    """

    bins: pl.DataFrame
    surplus: int
    wrong: int

    def recall(self, language: str, least: int = THRESHOLD, below: int = 100) -> float:
        """Of the pairs of these bins, what share was found."""
        rows = self.bins.filter(
            (pl.col("language") == language) & pl.col("bin").is_between(least, below, closed="left")
        )
        return float(rows["found"].sum() / rows["pairs"].sum())

    def by_bin(self) -> list[tuple[float, float]]:
        """Middle of each bin from 0.8 and the share found, both languages together."""
        rows = (
            self.bins.filter(pl.col("bin") >= THRESHOLD)
            .group_by("bin")
            .agg(pl.col("found", "pairs").sum())
            .sort("bin")
        )
        return [((row["bin"] + 1) / 100, row["found"] / row["pairs"]) for row in rows.iter_rows(named=True)]


def score(done: Run) -> Score:
    """Hold a run against what was planted and against exact similarities."""
    texts = read(done.corpus.path)
    pairs = done.corpus.pairs
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    if (similarities(texts, first, second) != pairs.select("shared", "of").to_numpy()).any():
        raise AssertionError("arrays and sets do not agree on a planted pair")
    bins = (
        pairs.with_columns(found=pl.Series(done.original[second] >= 0), kept=pl.Series(done.original[first] < 0))
        .filter("kept")
        .group_by("language", "bin")
        .agg(pl.len().alias("pairs"), pl.col("found").sum())
        .sort("language", "bin")
    )  # fmt: skip
    rows = np.flatnonzero(done.original >= 0)
    shared, of = similarities(texts, done.original[rows], rows).T
    return Score(bins, rows.size, int((5 * shared < 4 * of).sum()))


def measure() -> tuple[dict[str, Run], dict[str, Score], float]:
    """A run and its score for every tool, and the median over the turns of rensa's time against dqv's."""
    corpora = text_corpus.build()
    runs: dict[str, list[Run]] = {}
    for turn in range(ROUNDS):
        for tool in ("dqv", *PEERS):
            if (turn == 0 or tool in ("dqv", "rensa")) and (
                done := run(tool, corpora[PEERS[tool][0] if tool in PEERS else SIZE_BYTES])
            ):
                runs.setdefault(tool, []).append(done)
    ratios = [b.whole_s / a.whole_s for a, b in zip(runs["dqv"], runs.get("rensa", runs["dqv"]), strict=True)]
    middle = {tool: sorted(each, key=lambda r: r.whole_s)[len(each) // 2] for tool, each in runs.items()}
    return middle, {tool: score(done) for tool, done in middle.items()}, statistics.median(ratios)


def _mb_per_s(done: Run, *steps: str) -> str:
    taken_s = sum(done.seconds[step] for step in steps or done.seconds)
    return f"{done.corpus.size_bytes / 1e6 / taken_s:,.3g}"


def as_markdown(runs: dict[str, Run], scores: dict[str, Score], ratio: float) -> str:
    """The tables."""
    corpus = runs["dqv"].corpus
    lines = [
        f"{corpus.documents:,} documents, {corpus.size_bytes / 1e6:,.0f} MB, {len(corpus.pairs):,} planted pairs.",
        "",
        "| tool | MB | signatures, shingles given, MB/s | shingles and signatures, MB/s | end to end, MB/s | dqv against it | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    speed = {tool: done.corpus.size_bytes / done.whole_s for tool, done in runs.items()}
    for tool, done in runs.items():
        given = _mb_per_s(done, "signatures") if done.seconds["shingles"] else "–"
        against = "" if tool == "dqv" else f"{ratio if tool == 'rensa' else speed['dqv'] / speed[tool]:.1f} ×"
        lines.append(
            f"| {tool} | {done.corpus.size_bytes / 1e6:.0f} | {given} | {_mb_per_s(done, 'shingles', 'signatures')} | "
            f"{_mb_per_s(done)} | {against} | {done.peak_bytes / 1e6:,.0f} |"
        )
    lines += ["", "| tool | surplus | of them wrong (J < 0.8) | precision | " + " | ".join(
        f"recall {language}, J < 0.82 | J ≥ 0.8" for language in LANGUAGES) + " |", "|---" * 8 + "|"]  # fmt: skip
    for tool, found in scores.items():
        recalls = " | ".join(
            f"{found.recall(each, 80, 82):.4f} | {found.recall(each):.4f}" for each in LANGUAGES
        )
        precision = 1 - found.wrong / max(1, found.surplus)
        lines.append(f"| {tool} | {found.surplus:,} | {found.wrong:,} | {precision:.4f} | {recalls} |")
    lines += ["", "Found of the planted pairs, English · Chinese, by similarity (below 0.8 it ought to be none):", "",
              f"| J | pairs | {' | '.join(scores)} |", "|---|---" + "|---" * len(scores) + "|"]  # fmt: skip
    for low, high in text_corpus.BINS:
        at = int(100 * low)
        cells = [
            " · ".join(f"{found.recall(each, at, at + 1):.3f}" for each in LANGUAGES)
            for found in scores.values()
        ]
        count = " · ".join(
            f"{corpus.pairs.filter((pl.col('language') == each) & (pl.col('bin') == at)).height}"
            for each in LANGUAGES
        )
        lines.append(f"| {float(low):.2f}–{float(high):.2f} | {count} | {' | '.join(cells)} |")
    lines += ["", plots.lines("recall", "Planted pairs that are found", ("J of the pair, middle of the bin", "share"),
                              {tool: found.by_bin() for tool, found in scores.items()},
                              ticks=((0.8, 0.85, 0.9, 0.95, 1), (0.9, 0.92, 0.94, 0.96, 0.98, 1)))]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_here(Path(sys.argv[1]), sys.argv[2])
    else:
        print(as_markdown(*measure()))
