"""The corpus of the text benchmarks: documents from packages, Chinese and English, with planted near-duplicates.

Paragraphs that stand in more than one place are taken once, so what is alike in the corpus was planted there. Where the
packages end, documents go on being made of their clauses, each drawn anew: text as before, and none a copy. Planted pairs
have a known Jaccard similarity: words of a document are changed until it falls into the bin that was asked for, computed
here slowly, as a set of tuples of tokens. A copy stands at most some thousand documents behind its original, so a smaller
corpus is the beginning of a larger one, and of the same mix.
"""

import gzip
import heapq
import html
import json
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
import orjson
import polars as pl

from benchmarks.packages import OUT, unpacked
from dqv.neardup import tokens

SEED = 65_2025
SIZES = (25_000_000, 50_000_000, 250_000_000, 500_000_000, 1_000_000_000)
"""UTF-8 bytes of text."""

PACKAGES = (
    ("apt:linux-doc-6.1", "**/*.html", "**/Documentation/**/*.gz"),
    ("apt:rust-doc", "**/html/std/**/*.html", "**/html/book/**/*.html", "**/html/reference/**/*.html"),
    ("apt:openjdk-17-doc", "**/*.html"),
    ("apt:python3.11-doc", "**/html/**/*.html"),
    ("apt:postgresql-doc-15", "**/*.html"),
    ("apt:git-doc", "**/*.html"),
    ("apt:perl-doc", "**/*.pod"),
    ("apt:cppreference-doc-en-html", "**/*.html"),
    ("apt:manpages", "**/*.gz"),
    ("apt:manpages-dev", "**/*.gz"),
    ("apt:dict-gcide", "**/*.dict.dz"),
    ("apt:libreoffice-help-en-us", "**/*.html"),
    ("apt:debian-handbook", "**/*.html"),
    ("apt:libreoffice-help-zh-cn", "**/*.html"),
    ("apt:manpages-zh", "**/zh_CN/**/*.gz"),
    ("apt:debian-reference-zh-cn", "**/*.html"),
    ("apt:fortunes-zh", "**/*.u8"),
    ("npm:chinese-poetry@2.0.1", "package/dist/quantangshi/**/*.json", "package/dist/songci/*.json",
     "package/dist/yuanqu/*.json", "package/dist/mengxue/*.json", "package/dist/sishuwujing/*.json"),
)  # fmt: skip
"""Packages, and which of their files."""

ENGLISH, CHINESE = "English", "Chinese"
LANGUAGES = (ENGLISH, CHINESE)
CHINESE_SHARE = 0.28
"""Of the bytes."""

LEAST_BYTES, MOST_BYTES, MEDIAN_BYTES = 200, 50_000, 1_100

BINS = tuple((Fraction(at, 100), Fraction(at + 2, 100)) for at in range(70, 100, 2))
"""Of the Jaccard similarity of planted pairs, the upper end left out; 0.8 is where near-duplicates begin."""

PAIRS_PER_MB = 48
"""Some 400 a bin and language in 0.25 GB."""

_SINGLE = "".join(rf"{chr(a)}-{chr(b)}" for a, b in tokens._SINGLES)
WORD = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")
"""A token, near enough to cut and to change texts; what counts is always `tokens`."""

_TAGS_UNSHOWN = re.compile(r"(?is)<(script|style|head|nav)\b.*?</\1>|<!--.*?-->")
_TAGS_OF_BLOCKS = re.compile(
    r"(?i)</?(?:p|div|pre|table|tr|li|dt|dd|h\d|section|ul|ol|dl|blockquote|br)\b[^>]*>"
)
_TAG = re.compile(r"<[^>]*>")
_ROFF = re.compile(r"(?m)^[.'].*$|\\f.|\\[&%-]")
_CLAUSE = re.compile(r"[^.。，,;；!?！？:：\n]+[.。，,;；!?！？:：\n]*")


@dataclass(frozen=True)
class Corpus:
    """A JSONL file of documents, and what was planted.

    Attributes:
        path: lines with `text` and `date`.
        size_bytes: UTF-8 bytes of all texts.
        documents: how many.
        pairs: a row per planted pair: `first`, `second` (numbers of lines), `language`, `bin` (its lower end in
            hundredths), `shared` and `of` (sizes of intersection and union of the shingle sets).
    """

    path: Path
    size_bytes: int
    documents: int
    pairs: pl.DataFrame

    def texts(self) -> list[str]:
        """All of them, in their order."""
        with self.path.open("rb") as file:
            return [orjson.loads(line)["text"] for line in file]


def _text(path: Path) -> Iterator[str]:
    """The paragraphs of a file."""
    raw = path.read_bytes()
    if path.suffix in {".gz", ".dz"}:
        raw = gzip.decompress(raw)
    text = raw.decode("utf-8", "replace")
    if path.suffix == ".json":
        for poem in json.loads(text):
            if isinstance(poem, dict) and isinstance(lines := poem.get("paragraphs"), list):
                yield "".join(str(line) for line in lines)
        return
    if path.suffix == ".html":
        text = _TAG.sub("", _TAGS_OF_BLOCKS.sub("\n\n", _TAGS_UNSHOWN.sub("", text)))
        text = html.unescape(text)
    elif re.search(r"\.\d\w*\.gz$", path.name):
        text = _ROFF.sub("", re.sub(r"(?m)^\.(?:[PT]P|SH|S[HS]|LP|IP).*$", "\n", text))
    elif path.suffix == ".u8":
        text = text.replace("%", "\n\n")
    yield from re.split(r"\n\s*\n", text)


def language_of(text: str) -> str | None:
    """English or Chinese, by its letters; None for neither, or too few."""
    size = len(text.encode())
    letters = sum(map(len, re.findall("[a-zA-Z]+", text)))
    chinese = 3 * sum(map(len, re.findall("[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]+", text)))
    if chinese > 0.5 * size:
        return CHINESE
    return ENGLISH if letters > 0.5 * size and size - len(text) <= 0.02 * size else None


def _real(rng: random.Random) -> dict[str, list[str]]:
    """Documents by language: paragraphs of one package one behind the other, in an order drawn at random."""
    found: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    seen: set[int] = set()
    for package, *patterns in PACKAGES:
        try:
            folder = unpacked(package)
        except RuntimeError as error:
            print(f"the corpus does without a package: {error}", flush=True)
            continue
        held: dict[str, list[str]] = {language: [] for language in LANGUAGES}
        size, wanted = dict.fromkeys(LANGUAGES, 0), {language: _length(rng) for language in LANGUAGES}
        for path in sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}):
            for paragraph in _text(path):
                text = " ".join(paragraph.split())[: MOST_BYTES // 3]
                if len(text) < 20 or hash(text) in seen or (language := language_of(text)) is None:
                    continue
                seen.add(hash(text))
                held[language].append(text)
                size[language] += len(text.encode())
                if size[language] >= wanted[language]:
                    found[language].append("\n".join(held[language]))
                    held[language], size[language], wanted[language] = [], 0, _length(rng)
    for documents in found.values():
        rng.shuffle(documents)
    return found


def _length(rng: random.Random) -> int:
    return min(MOST_BYTES, max(LEAST_BYTES, int(rng.lognormvariate(np.log(MEDIAN_BYTES), 1))))


def _drawn(documents: list[str], rng: random.Random) -> Iterator[str]:
    """The documents, and then without end new ones of their clauses."""
    yield from documents
    clauses = [clause for document in documents for clause in _CLAUSE.findall(document) if len(clause) > 3]
    while True:
        wanted, size, out = _length(rng), 0, []
        while size < wanted:
            out.append(rng.choice(clauses))
            size += len(out[-1].encode())
        yield "".join(out)


def shingles(text: str) -> set[tuple[int, ...]]:
    """The shingle set, slowly: the definition that everything here is held against."""
    data = np.frombuffer(text.encode(), np.uint8)
    out = np.empty(data.size + 1, np.uint64)
    words = out[: tokens.tokenise(data, 0, data.size, *tokens.tables(), out)].tolist()
    return {tuple(words[at : at + tokens.SHINGLE]) for at in range(max(1, len(words) - tokens.SHINGLE + 1))}


def similarity(a: set[tuple[int, ...]], b: set[tuple[int, ...]]) -> tuple[int, int]:
    """Sizes of the intersection and of the union."""
    shared = len(a & b)
    return shared, len(a) + len(b) - shared


def _changed(
    text: str, low: Fraction, high: Fraction, words: list[str], rng: random.Random
) -> tuple[str, int, int]:
    """A copy of which low ≤ J < high; and the sizes of intersection and union."""
    base = shingles(text)
    while True:
        trial = _edited(text, words, rng)
        shared, of = similarity(base, shingles(trial))
        if shared < low * of:
            trial = f"{text} {rng.choice(words)}"  # the least that can be changed: one shingle more
            shared, of = similarity(base, shingles(trial))
        text = trial
        if shared < high * of:
            return text, shared, of


def _edited(text: str, words: list[str], rng: random.Random) -> str:
    """One word replaced, left out or put in, or a few left out at an end."""
    matches = list(WORD.finditer(text))
    word, kind = rng.choice(matches), rng.randrange(8)
    if kind < 4:
        return f"{text[: word.start()]}{rng.choice(words)}{text[word.end() :]}"
    if kind < 6:
        return text[: word.start()] + text[word.end() :]
    if kind == 6:
        return f"{text[: word.start()]}{rng.choice(words)} {text[word.start() :]}"
    few = rng.randrange(1, 9)
    return text[matches[few].start() :] if rng.randrange(2) else text[: matches[-few].start()]


def _start(text: str, rng: random.Random) -> str | None:
    """120 to 900 words of a document, to be the original of a pair; None where it has fewer."""
    wanted = rng.randrange(120, 900)
    ends = [match.end() for match, _ in zip(WORD.finditer(text), range(wanted), strict=False)]
    return text[: ends[-1]] if len(ends) >= 120 else None


def _stream(rng: random.Random) -> Iterator[tuple[str, tuple[int, str, Fraction, int, int] | None]]:
    """Documents without end; of a copy the number of its original, language, bin, intersection and union."""
    real = _real(rng)
    print({language: sum(len(t.encode()) for t in texts) for language, texts in real.items()}, flush=True)
    words = {
        language: [word for text in texts[:2000] for word in WORD.findall(text)]
        for language, texts in real.items()
    }
    drawn = {language: _drawn(texts, rng) for language, texts in real.items()}
    size, planted, count, number = dict.fromkeys(LANGUAGES, 0), dict.fromkeys(LANGUAGES, 0), 0, 0
    due: list[tuple[int, int, str, tuple[int, str, Fraction, int, int]]] = []
    while True:
        if due and due[0][0] <= number:
            _, _, text, pair = heapq.heappop(due)
            size[pair[1]] += len(text.encode())
            yield text, pair
            number += 1
            continue
        total = sum(size.values())
        language = CHINESE if size[CHINESE] < CHINESE_SHARE * total else ENGLISH
        text = next(drawn[language])
        if planted[language] < total * PAIRS_PER_MB / 2e6 and (begin := _start(text, rng)):
            low, high = BINS[planted[language] % len(BINS)]
            copy, shared, of = _changed(begin, low, high, words[language], rng)
            pair = (number, language, low, shared, of)
            heapq.heappush(due, (number + rng.randrange(1, 3000), count, copy, pair))
            planted[language], count, text = planted[language] + 1, count + 1, begin
        size[language] += len(text.encode())
        yield text, None
        number += 1


def build(sizes: Sequence[int] = SIZES) -> dict[int, Corpus]:
    """Corpora of about so many bytes of text, each the beginning of the next; kept for the next run."""
    folder = OUT / "text"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {size: folder / f"corpus-{size}.jsonl" for size in sorted(sizes)}
    if not all(path.with_suffix(".parquet").exists() for path in paths.values()):
        _write(paths)
    out = {}
    for size, path in paths.items():
        documents, size_bytes = orjson.loads(path.with_suffix(".json").read_bytes())
        out[size] = Corpus(path, size_bytes, documents, pl.read_parquet(path.with_suffix(".parquet")))
    return out


def _write(paths: dict[int, Path]) -> None:
    rng = random.Random(SEED)
    rows: list[tuple[int, int, str, int, int, int]] = []
    size = number = 0
    with ExitStack() as stack:
        open_: dict[int, IO[bytes]] = {
            wanted: stack.enter_context(path.open("wb")) for wanted, path in paths.items()
        }
        for text, pair in _stream(rng):
            for wanted in [wanted for wanted in open_ if size >= wanted]:
                open_.pop(wanted).close()
                path = paths[wanted]
                path.with_suffix(".json").write_bytes(orjson.dumps([number, size]))
                schema = ["first", "second", "language", "bin", "shared", "of"]
                pl.DataFrame(rows, schema, orient="row").write_parquet(path.with_suffix(".parquet"))
            if not open_:
                return
            date = f"{rng.randrange(2014, 2027)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
            line = orjson.dumps({"text": text, "date": date}) + b"\n"
            for file in open_.values():
                file.write(line)
            if pair is not None:
                first, language, low, shared, of = pair
                rows.append((first, number, language, int(100 * low), shared, of))
            size += len(text.encode())
            number += 1


def write_files(folder: Path, corpus: Corpus, count: int, most_bytes: int = 1500) -> None:
    """Write `count` small text files with dates in their names, a thousand to a folder."""
    with corpus.path.open("rb") as file:
        for number in range(count):
            line = orjson.loads(next(file))
            sub = folder / f"{number // 1000:04d}"
            if number % 1000 == 0:
                sub.mkdir(parents=True)
            (sub / f"{line['date']}_{number}.txt").write_text(line["text"][:most_bytes], "utf-8")


if __name__ == "__main__":
    for each in build().values():
        print(f"{each.path.name}: {each.documents:,} documents, {each.size_bytes:,} bytes")
        print(each.pairs.group_by("language", "bin").len().sort("language", "bin"))
