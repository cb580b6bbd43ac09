"""Hostile text made visible: nothing a file is named may reorder, hide or forge what a report says."""

import json
import re
import unicodedata

_SHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls; formats (bidi, zero-width, tags); surrogates; private use; unassigned; line separators."""

_BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Letters and marks that draw nothing (Unicode: Default_Ignorable_Code_Point, and the blank Braille cell)."""

_BLANKS = re.compile(f"[{''.join(map(chr, sorted(_BLANK)))}]")


def visible(text: str) -> str:
    """Show every character that is invisible or reorders as `[U+XXXX]`.

    Brackets, because "aU+202Eb" could be read as U+202EB. Applying it twice changes nothing.
    The result still needs the escaping of the format it goes into (HTML, rich markup).
    """
    if text.isprintable() and not _BLANKS.search(text):  # no printable character is in _SHOWN_CATEGORIES
        return text
    return "".join(_shown(character) for character in text)


def visible_path(path: bytes) -> str:
    r"""Show a path: UTF-8, bytes that are not as `\xNN`, then as `visible`."""
    return visible(path.decode("utf-8", "backslashreplace"))


def visible_json(text: str) -> str:
    """JSON with escapes for what is invisible or reorders: the same when it is parsed, and safe on a terminal."""
    return re.sub(
        r"[^ -~\n]",
        lambda found: found[0] if visible(found[0]) == found[0] else json.dumps(found[0])[1:-1],
        text,
    )


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)


def markdown(text: str) -> str:
    """Text as Markdown that shows it and no more, within a line or a cell of a table: no markup, no formula, no link."""
    return _MARKDOWN.sub(r"\\\1", visible(text))


def shortened(text: str, most: int = 80) -> str:
    """As `visible`, and cut after so many characters: a path may have 4096 bytes."""
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(character: str) -> str:
    if unicodedata.category(character) in _SHOWN_CATEGORIES or ord(character) in _BLANK:
        return f"[U+{ord(character):04X}]"
    return character
