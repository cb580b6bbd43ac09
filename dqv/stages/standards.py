"""Descriptions of the dataset as a whole, held to the standards that they follow: Croissant, Hugging Face."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import yaml

from dqv.connectors.containers.model import read_up_to
from dqv.connectors.declarations import read_yaml
from dqv.connectors.storage import Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.schema import PROBLEMS
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure import cards, croissant
from dqv.measure.globs import MOST_PATTERNS, Pattern, expression, literal
from dqv.measure.privacy import mask
from dqv.measure.problems import ERROR, WARNING, Problem, Said
from dqv.reports.escape import shortened
from dqv.stages.measure import open_piece

MOST_BYTES = 4 * 2**20
"""Of a description as a whole."""

MOST_PROBLEMS = 1000
"""Of one description; what is more is counted in one more row."""

_MOST_AT = 200

MOST = 1024
"""Descriptions that are looked at; of more, the first."""

CARD = b"README.md"
"""At the root of a dataset of Hugging Face, its card."""

REFERENCES = pa.schema(
    [
        ("object", pa.int64()),  # the description
        ("at", pa.string()),
        ("target", pa.binary()),  # path of what it names
        ("sha256", pa.binary(32)),  # as it says; or null
        ("least_bytes", pa.int64()),  # of the sizes that it says; or null
        ("most_bytes", pa.int64()),
        ("formats", pa.list_(pa.string())),  # that it says, as `connectors.layout` names them; or null
    ]
)
"""Files that descriptions name."""

PATTERNS = pa.schema(
    [
        ("object", pa.int64()),  # the description
        ("standard", pa.string()),
        ("at", pa.string()),
        ("group", pa.int64()),  # of its patterns, the file set or configuration
        ("expression", pa.string()),  # regular expression of whole paths; null: it holds too much
        ("excluded", pa.bool_()),
        ("whole", pa.bool_()),  # the description's patterns are to name all files beneath its folder
    ]
)
"""Patterns by which descriptions name files."""


def describe(args: dict[str, Any], out: Path, beat: Beat) -> list[dict[str, Any]]:
    """Look at descriptions: tables `problems`, `references` and `patterns`; gives what each says of the whole, with its `object`.

    Args:
        args: `source`, `pieces`: documents and metadata, whole objects; `measuring`.
        out: where the tables go.
        beat: names the object at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    said = []
    with (
        Table(out, "problems", PROBLEMS) as problems,
        Table(out, "references", REFERENCES) as references,
        Table(out, "patterns", PATTERNS) as patterns,
    ):
        for piece in args["pieces"]:
            poison = beat.begin(piece["object"])
            try:
                if poison is not None:
                    raise ItemError(*poison)
                with open_piece(store, piece, measuring, beat) as file, file.view(Reads()) as stream:
                    content = read_up_to(stream, MOST_BYTES, "a description")
                found, told, files, globs = _looked_at(piece, content)
            except (ItemError, OSError) as error:
                kind = error.kind if isinstance(error, ItemError) else "io"
                found, told, files, globs = _unread(piece, kind, "it could not be looked at")
                if piece["role"] != "metadata" and poison is None:
                    found = []  # a document; that it cannot be read is told elsewhere
            if told is not None:
                said.append({"object": piece["object"], **asdict(told)})
            if found:
                problems.add_rows([_row(piece["object"], each) for each in _bounded(found)])
            if files:
                references.add_rows([{"object": piece["object"], **each} for each in files])
            if globs:
                patterns.add_rows([{"object": piece["object"], **each} for each in globs])
    return said


_Looked = tuple[list[Problem], Said | None, list[dict[str, Any]], list[dict[str, Any]]]
_NOTHING: _Looked = ([], None, [], [])


def _unread(piece: dict[str, Any], kind: str, detail: str, problem_of: str = "description") -> _Looked:
    """A problem, and where a file by its name is of a standard, that nothing is known of what it says."""
    standard = _standard(piece)
    said = None if standard is None else Said(standard, read=False)
    return [Problem(problem_of, kind, ERROR, None, detail)], said, [], []


def _standard(piece: dict[str, Any]) -> str | None:
    """By the name alone."""
    path = piece["path"].encode("latin-1").lower()
    if piece["role"] == "documentation":
        return "hugging-face" if path == CARD.lower() else None
    return {"croissant": "croissant", **dict.fromkeys(_INFO, "hugging-face")}.get(_stem(path))


_INFO = ("dataset_info", "dataset_infos")


def _stem(path: bytes) -> str:
    return path.rpartition(b"/")[2].partition(b".")[0].decode("utf-8", "replace").lower()


def _looked_at(piece: dict[str, Any], content: bytes) -> _Looked:
    path = piece["path"].encode("latin-1")
    if piece["role"] == "documentation":
        return _card(piece, content) if _standard(piece) is not None else _NOTHING
    folder, mark, _ = path.rpartition(b"/")
    stem = _stem(path)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return _unread(piece, "json", "it is not JSON")
    if croissant.is_croissant(value, stem):
        if not isinstance(value, dict):
            return _unread(piece, "no-dataset", "it is no object", "croissant")
        files = [
            {
                "at": each.at, "target": folder + mark + each.path.encode("utf-8", "surrogateescape"), "sha256": each.sha256,
                "least_bytes": each.least_bytes, "most_bytes": each.most_bytes, "formats": each.formats,
            }
            for each in croissant.files(value)
        ]  # fmt: skip
        globs, more = _patterns(
            "croissant", (folder + mark).decode("utf-8", "replace"), *croissant.patterns(value)
        )
        return [*croissant.judge(value), *more], croissant.said(value), files, globs
    if stem in _INFO:
        found, told = cards.info(value)
        return found, told, [], []
    return _NOTHING


def _card(piece: dict[str, Any], content: bytes) -> _Looked:
    try:
        text = cards.front(content[: cards.MOST_FRONT].decode("utf-8", "replace"))
        values = None if text is None else read_yaml(text)[1]
    except (yaml.YAMLError, ValueError, RecursionError):
        return _unread(piece, "yaml", "what stands at its front is not YAML", "hugging-face")
    if text is None:
        return _NOTHING
    globs, more = _patterns("hugging-face", "", *cards.patterns(values))
    return [*cards.judge(values), *more], cards.said(values), [], globs


def _patterns(
    standard: str, folder: str, found: list[Pattern], whole: bool
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows of PATTERNS, and the patterns that are not compared."""
    rows: list[dict[str, Any]] = [
        {
            "standard": standard, "at": _visible(each.at), "group": each.group, "excluded": each.excluded,
            "expression": _within(folder + each.folder, expression(each.glob, crosses=standard == "croissant")),
        }
        for each in found[:MOST_PATTERNS]
    ]  # fmt: skip
    more = [
        Problem(
            standard,
            "pattern-bounds",
            WARNING,
            row["at"],
            "a pattern of more characters or wildcards than are compared",
        )
        for row in rows
        if row["expression"] is None
    ]
    if len(found) > MOST_PATTERNS:
        detail = f"more than {MOST_PATTERNS} patterns; the others are not compared"
        more.append(Problem(standard, "pattern-bounds", WARNING, None, detail))
    return [{**row, "whole": whole and not more} for row in rows], more


def _within(folder: str, found: str | None) -> str | None:
    return None if found is None else literal(folder) + found


def _bounded(found: list[Problem]) -> list[Problem]:
    more = len(found) - MOST_PROBLEMS
    if more <= 0:
        return found
    last = Problem(found[-1].standard, "more", ERROR, None, f"{more} problems more")
    return [*found[:MOST_PROBLEMS], last]


def _row(number: int, problem: Problem) -> dict[str, Any]:
    at = None if problem.at is None else _visible(problem.at)
    return {"object": number, "place": None, **problem._asdict(), "at": at, "count": 1}


def _visible(at: str) -> str:
    return shortened(mask(at), _MOST_AT)
