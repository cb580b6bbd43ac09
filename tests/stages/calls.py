"""Calls of `dqv.stages` with a beat of their own, without Dask."""

import hashlib
import itertools
import mmap
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.core.location import as_args, located
from dqv.core.policy import load_policy
from dqv.core.settings import Measuring, Settings
from dqv.engine import Engine, Measured, Silent, list_source
from dqv.execute import manifest, partitions
from dqv.execute.child import HEARTBEAT, Beat
from dqv.execute.ledger import Part
from dqv.stages import measure as stages
from dqv.stages import witness


def beat(poison: list[list[Any]] | None = None) -> Beat:
    return Beat(mmap.mmap(-1, HEARTBEAT.size), poison or [], 600)


def listed(source: Path) -> list[dict[str, Any]]:
    """The rows of a folder's listing."""
    with tempfile.TemporaryDirectory() as folder:
        listing = list_source([located(str(source))], Path(folder) / "listing.parquet")
        return [row for rows in listing.batches() for row in rows.to_pylist()]


def pieces(source: Path) -> list[dict[str, Any]]:
    return [partitions.piece(row) for row in listed(source) if row["role"] != "ignored"]


def measure(
    source: Path,
    out: Path,
    *,
    poison: list[list[Any]] | None = None,
    cut: list[dict[str, Any]] | None = None,
    raw: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    out.mkdir()
    args = {
        "source": as_args([located(str(source))]),
        "raw": raw,
        "pieces": pieces(source) if cut is None else cut,
        "measuring": Measuring(**options).model_dump(mode="json"),
    }
    stages.measure(args, out, beat(poison))
    return read(out, "items"), read(out, "objects"), read(out, "sidecar")


def read(out: Path, name: str) -> list[dict[str, Any]]:
    paths = sorted(out.glob(f"{name}-*.parquet"), key=lambda path: int(path.stem.split("-")[1]))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


class Here(Engine):
    """The stages of a run, called here one after the other."""

    def _run(
        self, stage: str, function: Any, calls: Iterable[tuple[dict[str, Any], int]], work: int = 0
    ) -> list[Part]:
        parts = []
        for index, (args, _) in enumerate(calls):
            folder = self.settings.out / f"{stage}-{index}"
            folder.mkdir(parents=True)
            result = function(orjson.loads(orjson.dumps(args)), folder, beat())
            parts.append(Part(folder, tuple(sorted(path.name for path in folder.iterdir())), result))
        return parts


def surplus(source: Path, out: Path, cuts: list[int] | None = None) -> list[dict[str, Any]]:
    """The surplus items of a dataset, measured in partitions that end before these objects."""
    return surplus_and_linked(source, out, cuts)[0]


def surplus_and_linked(
    source: Path, out: Path, cuts: list[int] | None = None, **near: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The surplus items of a dataset, measured likewise, and those that hang together through them."""
    engine, measured = measured_by(source, out, cuts, "1 MB", **near)
    found = engine.duplicates(measured, None)
    assert not any(found.unverified.values())
    return list(pq.read_table(found.surplus).to_pylist()), list(pq.read_table(found.linked).to_pylist())


def repeated(
    source: Path, out: Path, cuts: list[int] | None = None, long: str = "1 kB", **near: Any
) -> tuple[list[dict[str, Any]], int] | None:
    """The paragraphs and short texts that repeat others, where texts of more bytes are long, and the bytes of all."""
    engine, measured = measured_by(source, out, cuts, long, **near)
    found = engine.paragraphs(measured)
    if found is None:
        return None
    assert found.unverified == 0
    return found.repeated.collect().to_dicts(), found.text_bytes


def measured_by(
    source: Path, out: Path, cuts: list[int] | None, long: str, **near: Any
) -> tuple[Here, Measured]:
    """A dataset, measured in partitions that end before these objects, and what measured it."""
    policy = load_policy("jiaxing-2025-65")
    changed = {
        "near_text": policy.near_text.model_copy(update=near),
        "long_text": policy.long_text.model_copy(update={"item": long}),
    }
    policy = policy.model_copy(update=changed)
    engine = Here(None, cast(Any, None), policy, Settings(source=str(source), out=out), Silent())
    out.mkdir(parents=True, exist_ok=True)
    listing = list_source([located(str(source))], out / "listing.parquet")
    numbers, lines = [], []
    for rows in listing.batches():
        rows = rows.filter(pc.not_equal(rows["role"], "ignored"))
        numbers += rows["object"].to_pylist()
        lines += manifest.lines(rows)
    ranges = [
        partitions.Range(
            numbers[a], numbers[b - 1] + 1, "records", {}, 0, hashlib.sha256(b"".join(lines[a:b])).hexdigest()
        )
        for a, b in itertools.pairwise([0, *(cuts or []), len(numbers)])
    ]
    common = {**engine._common, "listing": str(listing.path)}
    parts = engine._run(
        "measure", stages.measure, [({**common, "raw": None, **each.as_args()}, 0) for each in ranges]
    )
    return engine, Measured(common, listing, ranges, parts)


def ask(source: Path, out: Path, **change: Any) -> tuple[str | None, list[dict[str, Any]]]:
    """What the witness says of a dataset of which we say something else: its version, and its rows."""
    measure(source, out / "measured")
    ours = [
        {**row, **change} for row in witness.sample(sorted((out / "measured").glob("items-*.parquet")), 7)
    ]
    every = {piece["object"]: piece for piece in pieces(source)}
    args = {
        "source": as_args([located(str(source))]),
        "pieces": [every[row["object"]] for row in ours],
        "ours": ours,
        "version": "x",
    }
    (out / "witness").mkdir()
    version = witness.recompute(args, out / "witness", beat())
    return version, read(out / "witness", "witness")
