"""What documents say: the aspects of a data card that are in them, and what they state of the data.

They come from whoever filed the dataset, in formats made for deceiving: they are read in the child like all else, and
nothing in them is run or fetched. What a viewer would run, unpack or fetch is named: such a document may show something
else than what was read here, and does not count as read.
"""

from functools import partial
from pathlib import Path
from typing import Any

from dqv.connectors import layout
from dqv.connectors.containers.blocks import MAX_TEXT_BYTES, PLACES, read_blocks
from dqv.connectors.containers.compression import decompressed
from dqv.connectors.containers.model import Facts, Job, Watched
from dqv.connectors.members import close_archives
from dqv.connectors.storage import Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.licences import of_text
from dqv.core.schema import ASPECTS, DOCUMENTS, STATEMENTS
from dqv.core.settings import Limits, Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure import datacards, statements
from dqv.stages.measure import open_piece

MOST_STATEMENTS = 200
"""Of one document; what comes behind them is not compared."""

LICENCE_CHARACTERS = 2**20
"""Of a licence so much is looked at: it is named at its beginning."""

Row = dict[str, Any]


def read(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Tables `documents`, `aspects` and `statements`.

    Args:
        args: `source`, `measuring`; `pieces` of documentation and licences.
        out: where the tables go.
        beat: names the document at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    with (
        Table(out, "documents", DOCUMENTS) as documents,
        Table(out, "aspects", ASPECTS) as aspects,
        Table(out, "statements", STATEMENTS) as stated,
    ):
        for piece in args["pieces"]:
            form, compression = layout.document_format(piece["path"].encode("latin-1"))
            found = _Document(piece["object"], PLACES.get(form, ""))
            active: set[str] = set()
            failed: ItemError | None = None
            try:
                poison = beat.begin(piece["object"])
                if poison is not None:
                    raise ItemError(*poison)
                if piece["refused_kind"] is not None:
                    raise ItemError(piece["refused_kind"], piece["refused"])
                limits = _limits(measuring.limits, form)
                if piece["size_bytes"] > limits.document_bytes:
                    raise ItemError(
                        "too-large",
                        f"{piece['size_bytes']} bytes, the limit of a document is {limits.document_bytes}",
                    )
                with open_piece(store, piece, measuring, beat) as file:
                    stored = partial(file.view, Reads())
                    job = _job(stored, compression, limits, beat)
                    if piece["role"] == "licence":
                        found.licence(job, form, active)
                    else:
                        found.card(job, form, active)
                    file.check_unchanged()
            except (ItemError, OSError) as error:
                failed = error if isinstance(error, ItemError) else ItemError(
                    "io", f"reading failed: {error.strerror or type(error).__name__}"
                )  # fmt: skip
                found = _Document(piece["object"], found.unit)
            shown = active - {"pictures"}
            documents.add_rows(
                [
                    {
                        "object": piece["object"],
                        "role": piece["role"],
                        "format": form,
                        "status": failed.status if failed else "active" if shown else "read",
                        "error_kind": failed.kind if failed else None,
                        "error": failed.detail if failed else None,
                        "active": sorted(active),
                        "content": found.content,
                        "licences": [] if shown else found.licences,
                    }
                ]
            )
            aspects.add_rows(found.aspects)
            stated.add_rows(found.statements)
    close_archives()


def _limits(limits: Limits, form: str) -> Limits:
    """Of a text less is held than of a document that may hold pictures."""
    most = MAX_TEXT_BYTES if form in ("md", "txt", "html") else limits.document_bytes
    return limits.model_copy(update={"document_bytes": min(most, limits.document_bytes)})


def _job(stored: Any, compression: str | None, limits: Limits, beat: Beat) -> Job:
    def open_() -> Any:
        watched: Any = Watched(stored(), beat.tick)
        return watched if compression is None else decompressed(lambda: watched, compression, limits)

    return Job(open_, limits, beat, Facts(), None, None)


class _Document:
    """The rows of one document."""

    def __init__(self, number: int, unit: str) -> None:
        self.number = number
        self.unit = unit
        self.content = 0
        self.aspects: list[Row] = []
        self.statements: list[Row] = []
        self.licences: list[str] = []

    def card(self, job: Job, form: str, active: set[str]) -> None:
        found = datacards.read_card(read_blocks(job, form, active), self._visit)
        self.content = found.content
        self.aspects = [
            {"object": self.number, "unit": self.unit, "aspect": each.aspect, "place": each.place,
             "how": each.how, "strength": each.strength}
            for each in found.found
        ]  # fmt: skip

    def licence(self, job: Job, form: str, active: set[str]) -> None:
        text: list[str] = []
        size = 0
        for block in read_blocks(job, form, active):
            text.append(block.text)
            size += len(block.text)
            if size > LICENCE_CHARACTERS:
                break
        self.content = sum(map(datacards.content, text))
        self.licences = list(of_text(" ".join(text)))

    def _visit(self, block: datacards.Block, text: str, context: datacards.Context) -> None:
        if len(self.statements) >= MOST_STATEMENTS:
            return
        for each in statements.statements(text, context):
            self.statements.append(
                {
                    "object": self.number, "unit": self.unit, "place": block.place, "kind": each.kind, "what": each.what,
                    "least": None if each.least is None else str(each.least),
                    "most": None if each.most is None else str(each.most),
                    "bound": each.bound, "step": str(each.step), "whole": each.whole, "part": each.part,
                    "own": each.own, "section": each.section,
                }
            )  # fmt: skip
            if len(self.statements) >= MOST_STATEMENTS:
                return
