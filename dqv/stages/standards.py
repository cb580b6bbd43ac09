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
from dqv.measure.problems import ERROR, Problem, Said
from dqv.reports.escape import visible
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
    ]
)
"""Files that descriptions name."""


def describe(args: dict[str, Any], out: Path, beat: Beat) -> list[dict[str, Any]]:
    """Look at descriptions: tables `problems` and `references`; gives what each says of the whole, with its `object`.

    Args:
        args: `source`, `pieces`: documents and metadata, whole objects; `measuring`.
        out: where the tables go.
        beat: names the object at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    said = []
    with Table(out, "problems", PROBLEMS) as problems, Table(out, "references", REFERENCES) as references:
        for piece in args["pieces"]:
            poison = beat.begin(piece["object"])
            try:
                if poison is not None:
                    raise ItemError(*poison)
                with open_piece(store, piece, measuring, beat) as file, file.view(Reads()) as stream:
                    content = read_up_to(stream, MOST_BYTES, "a description")
                found, told, files = _looked_at(piece, content)
            except (ItemError, OSError) as error:
                if piece["role"] != "metadata" and poison is None:
                    continue  # a document; that it cannot be read is told elsewhere
                kind = error.kind if isinstance(error, ItemError) else "io"
                found, told, files = [_unread(kind)], None, []
            if told is not None:
                said.append({"object": piece["object"], **asdict(told)})
            if found:
                problems.add_rows([_row(piece["object"], each) for each in _bounded(found)])
            if files:
                references.add_rows([{"object": piece["object"], **each} for each in files])
    return said


def _unread(kind: str) -> Problem:
    return Problem("description", kind, ERROR, None, "it could not be looked at")


_Looked = tuple[list[Problem], Said | None, list[dict[str, Any]]]
_NOTHING: _Looked = ([], None, [])


def _looked_at(piece: dict[str, Any], content: bytes) -> _Looked:
    path = piece["path"].encode("latin-1")
    if piece["role"] == "documentation":
        return _card(content) if path.lower() == CARD.lower() else _NOTHING
    folder, mark, name = path.rpartition(b"/")
    stem = name.partition(b".")[0].decode("utf-8", "replace").lower()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return [Problem("description", "json", ERROR, None, "it is not JSON")], None, []
    if croissant.is_croissant(value, stem):
        if not isinstance(value, dict):
            return [Problem("croissant", "no-dataset", ERROR, None, "it is no object")], None, []
        files = [
            {"at": at, "target": folder + mark + target.encode("utf-8", "surrogateescape"), "sha256": digest}
            for at, target, digest in croissant.files(value)
        ]
        return croissant.judge(value), croissant.said(value), files
    if stem in ("dataset_info", "dataset_infos"):
        found, told = cards.info(value)
        return found, told, []
    return _NOTHING


def _card(content: bytes) -> _Looked:
    try:
        text = cards.front(content[: cards.MOST_FRONT].decode("utf-8", "replace"))
        values = None if text is None else read_yaml(text)[1]
    except (yaml.YAMLError, ValueError, RecursionError):
        return (
            [Problem("hugging-face", "yaml", ERROR, None, "what stands at its front is not YAML")],
            None,
            [],
        )
    if text is None:
        return _NOTHING
    return cards.judge(values), cards.said(values), []


def _bounded(found: list[Problem]) -> list[Problem]:
    more = len(found) - MOST_PROBLEMS
    if more <= 0:
        return found
    last = Problem(found[-1].standard, "more", ERROR, None, f"{more} problems more")
    return [*found[:MOST_PROBLEMS], last]


def _row(number: int, problem: Problem) -> dict[str, Any]:
    at = None if problem.at is None else visible(problem.at)
    if at is not None and len(at) > _MOST_AT:
        at = at[: _MOST_AT - 1] + "…"
    return {"object": number, "place": None, **problem._asdict(), "at": at, "count": 1}
