"""What a dataset's own files say of its licence: licence texts, the front matter of a card, Croissant.

Read in the child, as all that comes from strangers; of each file the beginning alone.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from dqv.connectors.storage import Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.licences import MOST_NAMES, names, of_text
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.stages.measure import open_piece

MOST = 64
"""Files of a dataset."""

MOST_BYTES = 2**20
"""Of one file; a licence is named at its beginning. A larger Croissant file is not read: half of it is no JSON."""

_LINE = re.compile(r"^licen[cs]e:[ \t]*(.*)$((?:\n[ \t]*-[ \t]+.*)*)", re.MULTILINE)


def kinds(objects: pl.LazyFrame) -> pl.LazyFrame:
    """The files that say it: `object`, `name`, `kind` as in `core.licences.Named`; at most MOST.

    Args:
        objects: as in `checks.engine.Case`.
    """
    role, name = pl.col("role"), pl.col("name").str.to_lowercase()
    kind = (
        pl.when(role == "licence").then(pl.lit("text"))
        .when((role == "documentation") & (name == "readme.md")).then(pl.lit("card"))
        .when((role == "metadata") & name.str.contains(r"(^|/)croissant\.json$")).then(pl.lit("croissant"))
    )  # fmt: skip
    return objects.select("object", "name", kind=kind).filter(pl.col("kind").is_not_null()).head(MOST)


def licences(args: dict[str, Any], out: Path, beat: Beat) -> list[tuple[bool, list[str]]]:
    """The licences that files name.

    Args:
        args: `source`, `measuring`; `pieces` and `kinds` of the files.
        out: unused.
        beat: names the file at work.

    Returns:
        Of each whether it could be read, and what it names (`core.licences.names`).
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    found: list[tuple[bool, list[str]]] = []
    for piece, kind in zip(args["pieces"], args["kinds"], strict=True):
        named: list[str] | None = None
        if beat.begin(piece["object"]) is None:
            try:
                with open_piece(store, piece, measuring, beat) as file, file.view(Reads()) as stream:
                    named = _named(stream.read(MOST_BYTES), kind)
            except (ItemError, OSError):
                named = None
        found.append((named is not None, (named or [])[:MOST_NAMES]))
    return found


def _named(content: bytes, kind: str) -> list[str] | None:
    """None where the content is no text of its kind."""
    if kind == "croissant":
        try:
            values = orjson.loads(content)
        except orjson.JSONDecodeError:
            return None
        return _of_croissant(values.get("license")) if isinstance(values, dict) else None
    text = _decoded(content)
    if text is None:
        return None
    return list(of_text(text)) if kind == "text" else _of_card(text)


def _decoded(content: bytes) -> str | None:
    if b"\0" in content:  # PDF, docx …
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= MOST_BYTES - 4:  # cut inside a character
            return content[: error.start].decode("utf-8-sig")
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            return None


def _of_card(text: str) -> list[str]:
    """Of the front matter of a Hugging Face card: `license: mit`, or a list."""
    text = text.replace("\r\n", "\n")
    head = text[4:].partition("\n---")[0] if text.startswith("---\n") else ""
    line = _LINE.search(head)
    if line is None:
        return []
    values = [line[1].strip().strip("[]"), *(each.strip().lstrip("-") for each in line[2].split("\n"))]
    quoted = (each.strip().strip("\"'").strip() for each in values)
    return sorted({name for each in quoted if each for name in names(each)})


def _of_croissant(value: Any) -> list[str]:
    """Of `license`: a name or an address, a CreativeWork, or a list of these."""
    values = value if isinstance(value, list) else [value]
    texts = []
    for each in values[:MOST_NAMES]:
        if isinstance(each, dict):
            each = each.get("name") or each.get("url") or each.get("@id")
        if isinstance(each, str):
            texts.append(each)
    return sorted({name for each in texts for name in names(each)})
