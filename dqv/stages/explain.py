"""Why two items are near-duplicates, or not: each measured as in a run, and compared as a run would compare them."""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dqv.connectors.storage import Reads, Stored, open_store
from dqv.core.settings import Measuring
from dqv.execute import partitions
from dqv.execute.child import Beat
from dqv.measure import image, video
from dqv.neardup import films, pictures, sketch, sounds, surplus, tokens
from dqv.stages.index import members
from dqv.stages.measure import measure, medium_at
from dqv.stages.media import opened
from dqv.stages.witness import texts_at

Row = dict[str, Any]
Told = tuple[bool, list[tuple[str, str]]]


def explain(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, Any]:
    """Compare two items.

    Args:
        args: of both `sources`, `pieces`, `members` (name inside the piece, which is an archive; or None) and `places`;
            `measuring`.
        out: unused.
        beat: names the item at work.

    Returns:
        `near`: whether they are near-duplicates, None where that cannot be told; `facts`: names and values, in order;
        no value is of the data itself.
    """
    args = args | {"pieces": [_located(args, number, beat) for number in (0, 1)]}
    items = [_measured(args, number, beat) for number in (0, 1)]
    for name, row in zip("AB", items, strict=True):
        if row is None:
            return {"near": None, "facts": [("unknown", f"{name}: no item at this place")]}
        if row["status"] != "measured":
            return {"near": None, "facts": [("unread", f"{name}: {row['error_kind']}: {row['error']}")]}
    one, other = items[0] or {}, items[1] or {}
    facts = [("modality", f"{one['modality']}, {other['modality']}")]
    if one["modality"] != other["modality"]:
        return {"near": False, "facts": facts}
    if one["xxh3_128"] is not None and one["xxh3_128"] == other["xxh3_128"]:
        return {"near": True, "facts": [*facts, ("equal", "payload")]}
    if one["normalised"] is not None and one["normalised"] == other["normalised"]:
        facts.append(("equal", "content"))
        if one["modality"] != "text":
            return {"near": True, "facts": facts}
    if one["modality"] != "text" and not (one["comparable"] and other["comparable"]):
        found = [name for name, row in zip("AB", (one, other), strict=True) if not row["comparable"]]
        return {"near": False, "facts": [*facts, ("nothing_to_compare", ", ".join(found))]}
    compare: Callable[..., Told] = {"text": _texts, "image": _images, "audio": _recordings, "video": _videos}[
        one["modality"]
    ]
    near, more = compare(args, one, other, beat)
    return {"near": near, "facts": [*facts, *more]}


def _located(args: dict[str, Any], number: int, beat: Beat) -> Row | None:
    """The piece that holds an item: a file, or a member of one; None where the archive has no such member."""
    piece, name = args["pieces"][number], args["members"][number]
    if name is None:
        return dict(piece)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        members(
            {"source": args["sources"][number], "pieces": [piece], "measuring": args["measuring"]}, out, beat
        )
        for path in sorted(out.glob("members-*.parquet")):
            for row in pq.read_table(path).to_pylist():
                if row["path"] == name.encode("latin-1") or row["why"] == "not-listed":
                    return {**partitions.piece({**row, "object": number}), "outer": piece}
    return None


def _measured(args: dict[str, Any], number: int, beat: Beat) -> Row | None:
    piece = args["pieces"][number]
    if piece is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        measure(
            {
                "source": args["sources"][number],
                "pieces": [piece],
                "raw": None,
                "measuring": args["measuring"],
            },
            out,
            beat,
        )
        for path in sorted(out.glob("items-*.parquet")):
            for row in pq.read_table(path).to_pylist():
                if row["place"] == args["places"][number] or row["status"] != "measured":
                    return dict(row)
    return None


def _texts(args: dict[str, Any], one: Row, other: Row, beat: Beat) -> Told:
    measuring = Measuring.model_validate(args["measuring"])
    near, sets, sketches = measuring.near_text, [], []
    for number in (0, 1):
        place = args["places"][number]
        ((_, text),) = texts_at(
            open_store(args["sources"][number]),
            args["pieces"][number],
            {place},
            measuring,
            beat,
            most_bytes=None,
        )
        data, offsets = tokens.buffers(pa.array([text], pa.large_string()))
        values, _ = tokens.shingle_sets(data, offsets, simplified=near.simplified)
        sets.append(values)
        sketches.append(sketch.sketch(data, offsets, near.slots, simplified=near.simplified)[2])
    counts = ("tokens", f"{one['tokens']}, {other['tokens']}")
    if not (one["tokens"] and other["tokens"]):
        return False, [
            counts,
            ("nothing_to_compare", "a text without a token is compared by its payload alone"),
        ]
    both = tokens.intersection(*sets)
    either = sets[0].size + sets[1].size - both
    agree = sketch.agreement(sketches[0][0], sketches[1][0])
    keys = [sketch.band_keys(each)[0] for each in sketches]
    bands = int(np.count_nonzero(keys[0] == keys[1]))
    sure = agree >= surplus.SURE_SLOTS[near.slots] or agree < surplus.UNSURE_SLOTS[near.slots]
    return 5 * both >= 4 * either and bands > 0, [
        counts,
        ("shingles", f"{sets[0].size}, {sets[1].size}"),
        ("jaccard", f"{both} / {either} = {both / either:.4f} (≥ 0.8)"),
        ("estimate", f"{agree} / {near.slots} = {agree / near.slots:.4f}"),
        ("settled_by", "estimate" if sure else "exact"),
        ("bands", f"{bands} / {keys[0].size} (≥ 1)"),
    ]


def _opened(args: dict[str, Any], number: int, beat: Beat) -> AbstractContextManager[Stored]:
    measuring = Measuring.model_validate(args["measuring"])
    store = open_store(args["sources"][number])
    return medium_at(store, args["pieces"][number], args["places"][number], measuring, beat)


def _images(args: dict[str, Any], one: Row, other: Row, beat: Beat) -> Told:
    limits = Measuring.model_validate(args["measuring"]).limits
    prints = np.frombuffer(one["fingerprint"] + other["fingerprint"], np.uint8).reshape(2, -1)
    hashes = pictures.hashes_of(prints)  # (2, kind, orientation)
    apart = np.bitwise_count(hashes[0, :, :1, None] ^ hashes[1, :, 0][None, None, :])
    greys = []
    for number in (0, 1):
        with _opened(args, number, beat) as file:
            greys.append(image.grey(opened(file, Reads(), beat.tick, full=True), limits))
    if greys[0] is None or greys[1] is None:
        return False, [("nothing_to_compare", "colours without a grey")]
    found = pictures.same(greys[0], greys[1])
    turned = [
        turn
        for turn in range(1, hashes.shape[2])
        if pictures.same(greys[0], pictures.oriented(greys[1], turn)).same
    ]
    return bool(apart.min() <= pictures.MOST_BITS) and found.same, [
        ("hash_bits_apart", f"{int(apart.min())} / 64 (≤ {pictures.MOST_BITS})"),
        ("difference", f"{found.difference:.2f} (≤ {found.limit:.2f})"),
        ("where", f"{found.x:.2f}, {found.y:.2f}"),
        ("shift", f"{found.shift_x:.3f}, {found.shift_y:.3f}"),
        ("stretch", f"{found.stretch_x:.3f}, {found.stretch_y:.3f}"),
        ("tone", f"{found.gain:.2f}, {found.toning:.1f}"),
        ("turned", ", ".join(_TURNS[turn] for turn in turned) or "-"),
    ]


_TURNS = ("0", "mirrored", "180°", "upside down", "transposed", "90°", "transverse", "270°")


def _recordings(args: dict[str, Any], one: Row, other: Row, beat: Beat) -> Told:
    beat.tick()
    found = sounds.compare(*(np.frombuffer(row["fingerprint"], np.uint32) for row in (one, other)))
    return found.is_verified, [
        ("overlap", f"{found.both} / {found.of} = {found.overlap:.3f} (≥ 0.8)"),
        ("wrong_bits", f"{found.wrong} / {32 * found.both} = {found.error_rate:.4f}"),
        ("different_frames", str(found.distinct)),
        ("offset", f"{found.offset} / {sounds.FRAMES_PER_SECOND} s"),
    ]


def _videos(args: dict[str, Any], one: Row, other: Row, beat: Beat) -> Told:
    limits = Measuring.model_validate(args["measuring"]).limits
    prints = [one["fingerprint"], other["fingerprint"]]
    proposed = bool(films.candidates(prints, beat.tick).pairs.size)
    with _opened(args, 0, beat) as a, _opened(args, 1, beat) as b:
        streams = [opened(file, Reads(), beat.tick, full=True) for file in (a, b)]
        found = video.compare(prints[0], streams[0], prints[1], streams[1], limits, beat.tick)
    return proposed and found.is_verified, [
        ("shares_a_hash", str(proposed).lower()),
        ("moments", f"{found.frames} / {found.of} (≥ 2, ≥ 1/2)"),
        ("offset", f"{found.offset_ms} ms"),
        ("difference", f"{found.difference:.2f} (≤ 1)"),
    ]
