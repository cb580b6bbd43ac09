"""Patterns that name files of a dataset: `includes` of Croissant's file sets, `data_files` of Hugging Face's cards.

What a pattern means is written down here as a regular expression for Polars, whose engine takes time linear in the text, and how
much a pattern may hold is bounded, so that none costs more than `MOST_WILD` states at each byte of a name.

Croissant says "glob pattern" and no more; mlcroissant uses Python's fnmatch, in which `*` passes folders. Others read `**/` as any
number of folders, none too. What either matches, matches. Hugging Face uses fsspec: `*` and `?` stay in a folder, and `**` as a whole
part of a path is any number of folders. In both `[abc]`, `[a-z]` and `[!a]` stand for one character; nothing escapes.
"""

from typing import NamedTuple

MOST_CHARACTERS = 512
MOST_WILD = 32
"""Characters of a pattern, and wildcards in it; of those with more nothing is said."""

MOST_PATTERNS = 256
"""Of one description."""


class Pattern(NamedTuple):
    """One pattern of a description.

    Attributes:
        at: where it stands.
        group: number of the file set or configuration; what a set excludes is taken from what it includes.
        folder: that it is relative to, beneath the description's own; ends with "/" or is empty.
        glob: itself.
        excluded: it says what is none of the set.
    """

    at: str
    group: int
    folder: str
    glob: str
    excluded: bool = False


def expression(glob: str, *, crosses: bool) -> str | None:
    """A pattern as a regular expression of a whole path, without its anchors; None of one that holds too much.

    Args:
        glob: the pattern.
        crosses: `*` and `?` pass folders.
    """
    if len(glob) > MOST_CHARACTERS:
        return None
    one, many = (".", ".*") if crosses else ("[^/]", "[^/]*")
    found: list[str] = []
    wild = at = 0
    while at < len(glob):
        char = glob[at]
        begin, at = at, at + 1
        if char == "*":
            while glob[at : at + 1] == "*":
                at += 1
            whole = at - begin > 1 and glob[begin - 1 : begin] in ("", "/")
            if whole and glob[at : at + 1] == "/":
                at += 1
                found.append("(?:.*/)?")
            else:
                found.append(".*" if whole and at == len(glob) else many)
        elif char == "?":
            found.append(one)
        elif char == "[" and (end := _end_of_class(glob, at)) is not None:
            found.append(_class(glob[at:end]))
            at = end + 1
        else:
            found.append(literal(char))
            continue
        wild += 1
        if wild > MOST_WILD:
            return None
    return "".join(found)


def literal(text: str) -> str:
    """A text as a regular expression that finds nothing else."""
    return "".join(char if char.isalnum() else f"\\x{{{ord(char):x}}}" for char in text)


def _end_of_class(glob: str, at: int) -> int | None:
    """Where the bracket closes that was opened before `at`; a bracket that comes first is one of the characters."""
    first = at + 1 if glob[at : at + 1] == "!" else at
    end = glob.find("]", first + 1)
    return None if end < 0 else end


def _class(inner: str) -> str:
    """One of these characters; ranges that end before they begin hold none."""
    no = inner.startswith("!")
    inner = inner[no:]
    found, at = [], 0
    while at < len(inner):
        first = last = inner[at]
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            last = inner[at + 2]
            at += 2
        at += 1
        if first <= last:
            found.append(f"\\x{{{ord(first):x}}}-\\x{{{ord(last):x}}}")
    if not found:
        return "." if no else r"[^\x{0}-\x{10FFFF}]"
    return f"[{'^' if no else ''}{''.join(found)}]"
