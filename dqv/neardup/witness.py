"""An independent witness of similarities: datasketch's MinHash over tokens made in plain Python."""

import re
import unicodedata
from typing import Any

from dqv.neardup.tokens import SHINGLE, simplified_forms

PERMUTATIONS = 256

TOLERANCE = 0.15
"""The two may differ by this: the standard error of 256 permutations and of 128 slots together is at most 0.05."""

UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)
SINGLE = re.compile(r"[一-鿿㐀-䶿぀-ヿｦ-ﾟ가-힣฀-\u0effက-\u109fក-\u17ff\U00020000-\U0003ffff]")


def tokens(text: str) -> list[str]:
    """Tokens by the definition (`tokens`), one code point after the other; a word as its letters, each with its marks."""
    out: list[str] = []
    word: list[str] = []
    for char in text:
        if unicodedata.category(char) == "Cf" or char in UNSEEN or 0xE0100 <= ord(char) <= 0xE01EF:
            continue
        plain = unicodedata.normalize("NFKC", char)
        plain = plain if len(plain) == 1 else char
        counts = unicodedata.category(plain)[0] in "LNM"
        if counts and not SINGLE.match(char):
            parts = unicodedata.normalize("NFD", plain)
            for part in "".join(each if each == "\u0345" else each.casefold() for each in parts):
                if not unicodedata.combining(part):
                    word.append(part)
                elif word:
                    word[-1] = word[-1][0] + "".join(sorted(word[-1][1:] + part))
            continue
        if word:
            out.append("".join(word))
            word = []
        if SINGLE.match(char) and (counts or ord(char) >= 0x20000):
            out.append(plain)
    return [*out, "".join(word)] if word else out


def signature(text: str, *, simplified: bool = False) -> Any:
    """The MinHash of a text's shingles of tokens: a `datasketch.MinHash`; characters simplified where told."""
    from datasketch import MinHash

    forms: dict[int, str] = (
        {ord(each): form for each, form in simplified_forms().items()} if simplified else {}
    )
    words = tokens(text.translate(forms))
    shingles = {" ".join(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))}
    made = MinHash(num_perm=PERMUTATIONS)
    made.update_batch([each.encode("utf-8", "surrogatepass") for each in shingles])
    return made


def version() -> str:
    """Of datasketch."""
    from importlib.metadata import version as of

    return of("datasketch")
