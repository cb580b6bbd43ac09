"""The near-duplicate kernel on one core: tokens, shingles and sketches of texts already in memory.

Each stage includes those before it. The peer is rensa's RMinHash (128 permutations), where it is installed: its
signatures are made from shingles as Python strings, once with the making of the strings and once without.
"""

import importlib.util
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numba
import numpy as np

from benchmarks import text_corpus
from dqv.neardup import sketch, tokens

SIZE_BYTES, ROUNDS = 8 * 2**20, 5

Texts = tuple[Any, Any]
"""UTF-8 bytes of all documents, and n + 1 offsets into them."""


def texts() -> dict[str, Texts]:
    """The documents of the corpus, about 8 MiB of either language."""
    found: dict[str, list[bytes]] = {language: [] for language in text_corpus.LANGUAGES}
    size = dict.fromkeys(found, 0)
    for text in text_corpus.build()[text_corpus.SIZES[1]].texts():
        language = text_corpus.language_of(text)
        if language and size[language] < SIZE_BYTES:
            found[language].append(text.encode())
            size[language] += len(found[language][-1])
    return {
        language: (np.frombuffer(b"".join(each), np.uint8), np.cumsum([0, *map(len, each)]))
        for language, each in found.items()
    }


@numba.njit(nogil=True)
def _hash(data: Any, offsets: Any, value: Any, kind: Any, shingled: bool) -> int:
    words = np.empty(int(np.diff(offsets).max()), np.uint64)
    shingles = np.empty_like(words)
    total = 0
    for d in range(offsets.size - 1):
        count = tokens.tokenise(data, offsets[d], offsets[d + 1], value, kind, words)
        total += tokens.shingle(words, count, shingles) if shingled else count
    return total


def _rensa(shingles: list[list[str]]) -> None:
    from rensa import RMinHash

    for each in shingles:
        made = RMinHash(num_perm=128, seed=42)
        made.update(each)
        made.digest()


def _strings(data: Any, offsets: Any, chinese: bool) -> list[list[str]]:
    out = []
    for start, stop in pairwise(offsets):
        text = data[start:stop].tobytes().decode()
        words = list(text) if chinese else text.split()
        out.append([" ".join(words[at : at + 5]) for at in range(max(1, len(words) - 4))])
    return out


def _mb_per_s(work: Callable[[], object], size_bytes: int) -> float:
    """Best of the rounds, by CPU time, after one to compile and warm up."""
    work()
    best_s = float("inf")
    for _ in range(ROUNDS):
        began_s = time.process_time()
        work()
        best_s = min(best_s, time.process_time() - began_s)
    return size_bytes / best_s / 1e6


def _measure(data: Any, offsets: Any, chinese: bool) -> dict[str, float]:
    value, kind = tokens.tables()
    ways: dict[str, Callable[[], object]] = {
        "tokens": lambda: _hash(data, offsets, value, kind, False),
        "tokens, shingles": lambda: _hash(data, offsets, value, kind, True),
        "tokens, shingles, sketches": lambda: sketch.sketch(data, offsets),
        "tokens, shingles, sorted sets": lambda: tokens.shingle_sets(data, offsets),
    }
    if importlib.util.find_spec("rensa"):
        strings = _strings(data, offsets, chinese)
        ways["rensa RMinHash, the signatures alone"] = lambda: _rensa(strings)
        ways["rensa RMinHash, with its strings"] = lambda: _rensa(_strings(data, offsets, chinese))
    return {way: _mb_per_s(work, data.size) for way, work in ways.items()}


def measure() -> dict[str, dict[str, float]]:
    """MB/s by kind of text and stage."""
    return {kind: _measure(*each, kind == text_corpus.CHINESE) for kind, each in texts().items()}


def as_markdown(found: dict[str, dict[str, float]]) -> str:
    """The figures as a table."""
    lines = [f"| MB/s on one core | {' | '.join(found)} |", "|---" * (1 + len(found)) + "|"]
    for way in next(iter(found.values())):
        lines.append(f"| {way} | {' | '.join(f'{found[kind][way]:.0f}' for kind in found)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(measure()))
