"""Synthetic corpora for the benchmarks: seeded, English-like and Chinese, with planted copies."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

_SEED = 65_2025
_CHINESE_SHARE = 0.28
_COPY_SHARE = 0.02


def documents(count: int, mean_bytes: int) -> Iterator[tuple[str, str]]:
    """Documents as (text, date); every fiftieth is a slightly changed copy of an earlier one.

    Words are drawn by Zipf's law from fixed vocabularies, so shingles repeat about as in real text.
    """
    rng = np.random.default_rng(_SEED)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    words = ["".join(rng.choice(letters, size=int(n))) for n in rng.integers(2, 11, 30_000)]
    characters = [chr(0x4E00 + int(i)) for i in rng.permutation(6000)]
    earlier: list[list[str]] = []
    for number in range(count):
        chinese = rng.random() < _CHINESE_SHARE
        date = f"20{rng.integers(14, 27):02d}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
        if earlier and rng.random() < _COPY_SHARE:
            chosen = list(earlier[int(rng.integers(len(earlier)))])
            chosen[int(rng.integers(len(chosen)))] = "changed"
        else:
            length = max(8, int(rng.gamma(4.0, mean_bytes / (3 if chinese else 6.5) / 4.0)))
            vocabulary = characters if chinese else words
            ranks = (rng.zipf(1.2, length) - 1) % len(vocabulary)
            chosen = [vocabulary[rank] for rank in ranks]
        if number % 10 == 0 and len(earlier) < 10_000:
            earlier.append(chosen)
        yield ("" if ord(chosen[0][0]) >= 0x4E00 else " ").join(chosen), date


def write_jsonl(path: Path, size_bytes: int, mean_bytes: int = 1000) -> int:
    """Write one JSONL file of about `size_bytes`; returns the number of documents."""
    written = count = 0
    with path.open("wb") as file:
        for text, date in documents(1 << 40, mean_bytes):
            line = orjson.dumps({"id": count, "text": text, "date": date}) + b"\n"
            file.write(line)
            written += len(line)
            count += 1
            if written >= size_bytes:
                return count
    raise AssertionError("unreachable")


def write_files(folder: Path, count: int, mean_bytes: int = 1000) -> None:
    """Write `count` small text files, a thousand to a folder."""
    for number, (text, date) in enumerate(documents(count, mean_bytes)):
        sub = folder / f"{number // 1000:04d}"
        if number % 1000 == 0:
            sub.mkdir(parents=True)
        (sub / f"{date}_{number}.txt").write_text(text, "utf-8")
