"""The witnesses' stages: audio and video that FFmpeg measures anew, pairs of texts that datasketch compares anew."""

import heapq
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from dqv.connectors.containers.records import Facts, Record, singly
from dqv.connectors.local import File
from dqv.connectors.storage import BLOCK_BYTES, Reads, Store, Stored, open_store
from dqv.core.errors import ItemError
from dqv.core.settings import Measuring
from dqv.core.units import FLICKS_PER_SECOND, decimal_string
from dqv.execute.child import Beat
from dqv.execute.manifest import Listing
from dqv.execute.parts import Table
from dqv.measure import witness
from dqv.measure.fields import extract
from dqv.neardup import witness as independent
from dqv.stages.measure import medium_at, open_piece, records

SAMPLE = 16
"""Items of each modality."""

WITNESS = pa.schema(
    [
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("modality", pa.string()),
        ("field", pa.string()),  # decodes, duration_s, width_px, height_px, sample_rate_hz, channels, answer
        ("ours", pa.string()),
        ("theirs", pa.string()),
        ("agrees", pa.bool_()),  # null: no answer
    ]
)
"""One row per fact that was compared."""

_FACTS = ("duration_flicks", "width_px", "height_px", "sample_rate_hz", "channels")


def sample(items: list[Path], seed: int) -> list[dict[str, Any]]:
    """The audio and video items to ask about, in canonical order.

    Samples without a header are not asked about: FFmpeg could only repeat what was declared. Those of each modality
    whose payload hashes, hashed again with the seed, come first: the data and the
    seed alone draw them.

    Args:
        items: all `items` tables.
        seed: of the run.
    """
    names = ["object", "place", "modality", *_FACTS]
    drawn: dict[str, list[Any]] = {"audio": [], "video": []}
    for path in items:
        for batch in pq.ParquetFile(path).iter_batches(
            1 << 16, columns=[*names, "format", "decoded", "xxh3_128"]
        ):
            for modality, held in drawn.items():
                mine = pc.and_(pc.equal(batch["modality"], modality), pc.not_equal(batch["format"], "pcm"))
                chosen = batch.filter(pc.and_(mine, batch["decoded"]))
                keyed = [
                    (xxhash.xxh3_64_intdigest(row.pop("xxh3_128"), seed), row["object"], row["place"], row)
                    for row in chosen.drop_columns(["format", "decoded"]).to_pylist()
                ]
                held[:] = heapq.nsmallest(SAMPLE, held + keyed, key=lambda each: each[:3])
    return sorted((row for held in drawn.values() for *_, row in held), key=lambda row: row["object"])


def recompute(args: dict[str, Any], out: Path, beat: Beat) -> str | None:
    """Ask the system's FFmpeg about items of the sample: table `witness`.

    Args:
        args: `source`, `pieces`, `ours` (of `sample`, one per piece), `version` (of the FFmpeg the client sees; it
            is part of the part's identity alone).
        out: where the table goes.
        beat: names the item at work.

    Returns:
        The version of FFmpeg; None without one.
    """
    version, store = witness.version(), open_store(args["source"])
    with Table(out, "witness", WITNESS) as rows:
        for piece, ours in zip(args["pieces"], args["ours"], strict=True):
            rows.begin()
            told = (
                _compared(store, piece, ours, out, beat)
                if version is not None
                else [_no_answer("not installed")]
            )
            rows.add_rows([{**row, **_where(ours)} for row in told])
            rows.keep()
    return version


_COPY_BYTES = 4 * 10**9
"""Of an object that lies elsewhere, for FFmpeg to read; it is gone when FFmpeg is done."""


@contextmanager
def _as_file(file: Stored, out: Path, beat: Beat) -> Iterator[str]:
    """A path under which another process reads an open object: its own, or that of a copy for as long as it is asked.

    Raises:
        ItemError: "too-large" for a copy.
    """
    if isinstance(file, File):
        yield file.path
        return
    if file.size_bytes > _COPY_BYTES:
        raise ItemError("too-large", f"more than {_COPY_BYTES} bytes would be copied for the witness")
    with tempfile.NamedTemporaryFile(dir=out) as copy, file.view(Reads()) as stream:
        while block := stream.read(BLOCK_BYTES):
            copy.write(block)
            beat.tick()
        copy.flush()
        yield copy.name


def _where(ours: dict[str, Any]) -> dict[str, Any]:
    return {name: ours[name] for name in ("object", "place", "modality")}


def _compared(
    store: Store, piece: dict[str, Any], ours: dict[str, Any], out: Path, beat: Beat
) -> list[dict[str, Any]]:
    poison = beat.begin(piece["object"])
    if poison is not None:
        return [_no_answer(poison[0])]
    try:
        with (
            medium_at(store, piece, ours["place"], Measuring(), beat) as file,
            _as_file(file, out, beat) as path,
        ):
            said = witness.testify(path, ours["modality"], beat.tick)
    except (ItemError, OSError, witness.NoAnswerError) as error:
        return [_no_answer(error.kind if isinstance(error, ItemError) else type(error).__name__)]
    found = [
        {"field": "decodes", "ours": "yes", "theirs": "yes" if said.decodes else "no", "agrees": said.decodes}
    ]
    if not said.decodes:
        return found
    seconds = Fraction(ours["duration_flicks"] or 0, FLICKS_PER_SECOND)
    if ours["modality"] == "audio":
        seconds = min(seconds, Fraction(witness.MOST_AUDIO_S))
    if said.duration_s is not None:
        near = abs(seconds - said.duration_s) <= max(witness.TOLERANCE_S, witness.TOLERANCE_SHARE * seconds)
        found.append(
            _fact("duration_s", decimal_string(seconds), decimal_string(said.duration_s), agrees=near)
        )
    sides = ("width_px", "height_px")
    for name in sides if ours["modality"] == "video" else ("sample_rate_hz", "channels"):
        mine, theirs = ours[name] or 0, getattr(said, name) or 0
        found.append(
            _fact(
                name,
                str(mine),
                str(theirs),
                agrees=abs(mine - theirs) <= (witness.TOLERANCE_PX if name in sides else 0),
            )
        )
    return found


def _fact(field: str, ours: str, theirs: str, *, agrees: bool) -> dict[str, Any]:
    return {"field": field, "ours": ours, "theirs": theirs, "agrees": agrees}


def _no_answer(why: str) -> dict[str, Any]:
    return {"field": "answer", "ours": None, "theirs": why, "agrees": None}


TEXT_PAIRS = 48
"""Pairs of texts of the data that datasketch estimates anew, beside the planted ones."""

TEXT_BYTES = 1 << 20
"""Of a text, and of an object that is read as a whole for it, at most."""

RETOLD = pa.schema(
    [
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("original_object", pa.int64()),
        ("original_place", pa.int64()),
        ("ours", pa.string()),  # similarity, 0 … 1
        ("theirs", pa.string()),
        ("agrees", pa.bool_()),
    ]
)
"""One row per pair of texts."""


def text_pairs(surplus: Path, listing: Listing, seed: int) -> list[dict[str, Any]]:
    """Pairs of texts to ask about, in canonical order: a seeded sample of those that can be read again at little cost.

    Args:
        surplus: table `SURPLUS`.
        listing: both are of it.
        seed: of the run.
    """
    cheap = np.concatenate(
        [_is_cheap(rows) for rows in listing.batches(["role", "size_bytes", "format", "compression"])]
    )

    def pairs() -> Iterator[pa.RecordBatch]:
        for batch in pq.ParquetFile(surplus).iter_batches(1 << 16):
            mine = pc.is_in(batch["verified"], pa.array(["exact", "estimate"])).to_numpy(zero_copy_only=False)
            for name in ("object", "original_object"):
                at = batch[name].to_numpy() - listing.first
                here = (at >= 0) & (at < cheap.size)
                mine &= here
                mine[here] &= cheap[at[here]]
            yield batch.filter(pa.array(mine))

    count = sum(batch.num_rows for batch in pairs())
    chosen = sorted(random.Random(seed).sample(range(count), min(TEXT_PAIRS, count)))
    found, first = [], 0
    for batch in pairs():
        found += batch.take(
            pa.array([n - first for n in chosen if first <= n < first + batch.num_rows], pa.int64())
        ).to_pylist()
        first += batch.num_rows
    return found


def _is_cheap(rows: pa.Table) -> Any:
    """Of which objects a text can be read again at little cost."""
    lines = pc.and_(pc.equal(rows["format"], "jsonl").fill_null(False), pc.is_null(rows["compression"]))
    cheap = pc.or_(lines, pc.less_equal(rows["size_bytes"], TEXT_BYTES))
    return pc.and_(cheap, pc.not_equal(rows["role"], "ignored")).to_numpy()


def is_lines(row: dict[str, Any]) -> bool:
    """Whether one record can be read alone: a line, which its place says where it begins."""
    return row["format"] == "jsonl" and row["compression"] is None


def retell(args: dict[str, Any], out: Path, beat: Beat) -> str:
    """What datasketch estimates of pairs of texts: table `retold`.

    Args:
        args: `source`, `measuring`; `pieces`: of all objects of the pairs; `pairs`: of `text_pairs`.
        out: where the table goes.
        beat: names the item at work.

    Returns:
        The version of datasketch.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    pieces = {piece["object"]: piece for piece in args["pieces"]}
    places: dict[int, set[int]] = {}
    for pair in args["pairs"]:
        places.setdefault(pair["object"], set()).add(pair["place"])
        places.setdefault(pair["original_object"], set()).add(pair["original_place"])
    told: dict[tuple[int, int], Any] = {}
    for number in sorted(places):
        if beat.begin(number) is None:
            with suppress(ItemError, OSError):  # it has no answer then
                for place, text in texts_at(store, pieces[number], places[number], measuring, beat):
                    told[number, place] = independent.signature(
                        text, simplified=measuring.near_text.simplified
                    )
    with Table(out, "retold", RETOLD) as rows:
        rows.begin()
        rows.add_rows([_retold(pair, told) for pair in args["pairs"]])
        rows.keep()
    return independent.version()


def _retold(pair: dict[str, Any], told: dict[tuple[int, int], Any]) -> dict[str, Any]:
    ours = Fraction(pair["shared"], pair["of"])
    one = told.get((pair["object"], pair["place"]))
    other = told.get((pair["original_object"], pair["original_place"]))
    theirs = None if one is None or other is None else Fraction(one.jaccard(other))
    where = {name: pair[name] for name in ("object", "place", "original_object", "original_place")}
    return {
        **where,
        "ours": decimal_string(ours, 4),
        "theirs": None if theirs is None else decimal_string(theirs, 4),
        "agrees": None if theirs is None else abs(ours - theirs) <= independent.TOLERANCE,
    }


def texts_at(
    store: Store,
    piece: dict[str, Any],
    places: set[int],
    measuring: Measuring,
    beat: Beat,
    *,
    most_bytes: int | None = TEXT_BYTES,
) -> Iterator[tuple[int, str]]:
    """The texts at some places of an object, as they are compared; longer ones are left out."""
    spans = [{**piece, "read": "span", "span": [at, at + 1]} for at in sorted(places)]
    for part in spans if is_lines(piece) else [piece]:
        with open_piece(store, piece, measuring, beat) as file:
            for record in singly(records(file, part, measuring, beat, Facts(), Reads())):
                if record.place in places and isinstance(record, Record):
                    text = extract(record.value, measuring.text_field, measuring.date_field).text
                    if most_bytes is None or len(text) <= most_bytes:
                        yield record.place, text
            file.check_unchanged()
