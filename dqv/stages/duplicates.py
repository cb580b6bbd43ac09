"""Duplicates, stage by stage; every stage but the two that say so is many tasks, each of bounded memory.

1. `equal_keys` (a task per part of the measurements) → `copies` (per bucket): what equals an earlier item, byte for
   byte, or once decoded; it goes no further.
2. Of text: `band_keys` (per part) → `groups` (per bucket): who shares a band's key with whom.
3. `crowds` (one task): items that hang together through groups; what does not hang together cannot matter to one
   another, so each bin of them is decided by itself. `members` (per part) and `links` (per bucket) bring what is known of
   a bin's items together.
4. `candidates` (per bin) → `shingles` (per partition of the data) → `decide` (per bin): kept and surplus.
5. `settle` (one task): all surplus items in canonical order.

An item's id is the number of its row among those of all parts, which is canonical order.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors.containers.records import Broken, Facts
from dqv.connectors.storage import Reads
from dqv.core.errors import ItemError
from dqv.core.schema import MODALITIES, SKETCH_SLOTS, SURPLUS
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table, open_writer
from dqv.measure.fields import extract
from dqv.neardup import join, sketch, surplus, tokens
from dqv.stages.measure import check_unchanged, open_piece, records
from dqv.stages.rows import buffers
from dqv.stages.shuffle import gather, scatter

BUCKET_ROWS = 4_000_000
"""Keys of a bucket, about: a task that reads one holds some 60 bytes for each."""

BIN_ITEMS = 100_000
"""Items of a bin, at least: 512 bytes of sketch each, and 84 of numbers of groups. What hangs together is never cut."""

_log = logging.getLogger(__name__)

_WHERE = [("id", pa.int64()), ("object", pa.int64()), ("place", pa.int64())]
_EQUAL = pa.schema([*_WHERE, ("modality", pa.int8()), ("content", pa.binary(16)), ("payload", pa.binary(16))])
_COPIES = pa.schema(
    [
        *_WHERE,
        ("first", pa.int64()),
        ("first_object", pa.int64()),
        ("first_place", pa.int64()),
        ("verified", pa.string()),
    ]
)
_KEYS = pa.schema([("id", pa.int64()), ("band", pa.int8()), ("key", pa.uint64())])
_GROUPS = pa.schema([("id", pa.int64()), ("band", pa.int8()), ("group", pa.int64())])
_CROWD = pa.schema([("id", pa.int64()), ("bin", pa.int64())])
_MEMBERS = pa.schema([*_WHERE, ("sketch", pa.binary(SKETCH_SLOTS * 4))])
_WANTED = pa.schema([("object", pa.int64()), ("place", pa.int64())])
_DECIDED = pa.schema(
    [
        *_WHERE,
        ("original", pa.int64()),
        ("original_object", pa.int64()),
        ("original_place", pa.int64()),
        ("shared", pa.int64()),
        ("of", pa.int64()),
        ("verified", pa.string()),
    ]
)


def buckets(rows: int) -> int:
    """How many buckets the keys of so many items need."""
    return max(1, -(-rows * sketch.BANDS // BUCKET_ROWS))


def _rows(args: dict[str, Any], names: list[str], beat: Beat) -> Iterator[pa.Table]:
    """The measured, hashed items of a part, a batch at a time, with their ids."""
    first = args["first"]
    for path in args["items"]:
        for batch in pq.ParquetFile(path).iter_batches(1 << 16, columns=["status", "xxh3_128", *names]):
            table = pa.table(batch).append_column("id", pa.array(np.arange(first, first + batch.num_rows)))
            first += batch.num_rows
            yield table.filter(pc.and_(pc.equal(table["status"], "measured"), pc.is_valid(table["xxh3_128"])))
            beat.tick()


def _fixed_rows(column: Any, kind: Any) -> Any:
    """A column of fixed-size binaries without nulls as (n, k) numbers."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    width = chunk.type.byte_width
    if not len(chunk):  # its buffer may be missing
        return np.empty((0, width // np.dtype(kind).itemsize), kind)
    data = np.frombuffer(chunk.buffers()[1], np.uint8)[
        chunk.offset * width : (chunk.offset + len(chunk)) * width
    ]
    return data.view(kind).reshape(len(chunk), width // np.dtype(kind).itemsize)


def _write(path: Path, table: pa.Table) -> None:
    with open_writer(path, table.schema) as writer:
        writer.write_table(table)


def equal_keys(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """What makes items equal, by bucket: table `equal`.

    Args:
        args: `items`: tables of the part; `first`: id of their first row; `buckets`.
        out: where the table goes.
        beat: of the child.
    """
    held = [_EQUAL.empty_table()]
    for table in _rows(args, ["object", "place", "modality", "normalised"], beat):
        is_text = pc.equal(table["modality"], "text")
        content = pc.if_else(is_text, table["xxh3_128"], pc.coalesce(table["normalised"], table["xxh3_128"]))
        modality = pc.index_in(table["modality"], pa.array(MODALITIES)).cast(pa.int8())
        columns = [table["id"], table["object"], table["place"], modality, content, table["xxh3_128"]]
        held.append(pa.Table.from_arrays(columns, schema=_EQUAL))
    keys = pa.concat_tables(held).combine_chunks()
    number = _fixed_rows(keys["content"], np.uint64)[:, 0] % np.uint64(args["buckets"])
    scatter(out / "equal-0.parquet", keys, number, args["buckets"])


def copies(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The items of a bucket that equal an earlier one of their modality: table `copies`, in canonical order.

    Args:
        args: `tables`: all of `equal`; `bucket`.
        out: where the table goes.
        beat: of the child.
    """
    keys = gather(args["tables"], args["bucket"], _EQUAL)
    beat.tick()
    content = _fixed_rows(keys["content"], np.uint64).copy()
    content[:, 1] ^= keys["modality"].to_numpy().astype(np.uint64)  # no item equals one of another modality
    first = surplus.firsts(content)
    later = np.flatnonzero(first != np.arange(first.size))
    rows, firsts = keys.take(pa.array(later)), keys.take(pa.array(first[later]))
    same = pc.equal(rows["payload"], firsts["payload"])
    verified = pc.if_else(same, "payload", "content")
    columns = [*rows.select(["id", "object", "place"]), *firsts.select(["id", "object", "place"]), verified]
    _write(out / "copies-0.parquet", pa.Table.from_arrays(columns, schema=_COPIES))


def band_keys(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The band keys of the text items that equal no earlier one, by bucket: table `keys`.

    Args:
        args: as for `equal_keys`; `copies`: all tables of `copies`.
        out: where the table goes.
        beat: of the child.
    """
    ids = [_ids(path) for path in args["copies"]]
    known = np.sort(np.concatenate(ids)) if ids else np.empty(0, np.int64)
    held = [_KEYS.empty_table()]
    for table in _rows(args, ["modality", "normalised", "sketch"], beat):
        mine = pc.and_(pc.equal(table["modality"], "text"), pc.is_valid(table["normalised"]))
        copied, _ = _among(known, table["id"].to_numpy())
        table = table.filter(pc.and_(mine, pa.array(~copied)))
        keys = sketch.band_keys(_fixed_rows(table["sketch"], np.uint32))
        count, width = keys.shape
        band = np.tile(np.arange(width, dtype=np.int8), count)
        columns = [pa.array(np.repeat(table["id"].to_numpy(), width)), pa.array(band), pa.array(keys.ravel())]
        held.append(pa.Table.from_arrays(columns, schema=_KEYS))
    keyed = pa.concat_tables(held).combine_chunks()
    number = (keyed["key"].to_numpy() >> np.uint64(32)) % np.uint64(args["buckets"])
    scatter(out / "keys-0.parquet", keyed, number, args["buckets"])


def _ids(path: str) -> Any:
    return pq.read_table(path, columns=["id"])["id"].to_numpy()


def groups(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The text items of a bucket that share a key: table `groups`, those of one group together.

    Args:
        args: `tables`: all of `keys`; `bucket`.
        out: where the table goes.
        beat: of the child.
    """
    keys = gather(args["tables"], args["bucket"], _KEYS)
    beat.tick()
    number, _ = join.crowded(keys["key"].to_numpy())
    shared = np.flatnonzero(number >= 0)
    shared = shared[np.argsort(number[shared], kind="stable")]
    rows = keys.take(pa.array(shared))
    group = pa.array(number[shared] + (args["bucket"] << 40))  # no group of another bucket has this number
    _write(out / "groups-0.parquet", pa.Table.from_arrays([rows["id"], rows["band"], group], schema=_GROUPS))


def crowds(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """Which items hang together, in bins: table `crowd`, in canonical order.

    One task: 24 bytes an item in a group, and one for every item.

    Args:
        args: `groups`: all tables of `groups`.
        out: where the table goes.
        beat: of the child.

    Returns:
        How many bins there are.
    """
    grouped = np.zeros(0, np.bool_)
    for path in args["groups"]:
        mine = _ids(path)
        beyond = int(mine.max(initial=-1)) + 1 - grouped.size
        if beyond > 0:
            grouped = np.append(grouped, np.zeros(beyond, np.bool_))
        grouped[mine] = True
        beat.tick()
    ids = np.flatnonzero(grouped)
    parent = np.arange(ids.size)
    for path in args["groups"]:
        table = pq.read_table(path, columns=["id", "group"])
        join.unite(parent, table["group"].to_numpy(), np.searchsorted(ids, table["id"].to_numpy()))
        beat.tick()
    number = join.bins(parent, BIN_ITEMS)
    _write(out / "crowd-0.parquet", pa.Table.from_arrays([pa.array(ids), pa.array(number)], schema=_CROWD))
    return int(number.max(initial=-1)) + 1


def _among(known: Any, ids: Any) -> tuple[Any, Any]:
    """Which of the ids are among the known ones (sorted), and the places of those there."""
    at = np.searchsorted(known, ids)
    there = at < known.size
    there[there] = known[at[there]] == ids[there]
    return there, at[there]


def _crowd(path: str) -> tuple[Any, Any]:
    """The ids of a crowd, sorted, and their bins."""
    table = pq.read_table(path)
    return table["id"].to_numpy(), table["bin"].to_numpy()


def members(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The sketches of a part's items that are in a crowd, by bin: table `members`.

    Args:
        args: as for `equal_keys`; `crowd`: its table; `bins`.
        out: where the table goes.
        beat: of the child.
    """
    (known, number), held, numbers = _crowd(args["crowd"]), [_MEMBERS.empty_table()], [np.empty(0, np.int64)]
    for table in _rows(args, ["object", "place", "sketch"], beat):
        there, at = _among(known, table["id"].to_numpy())
        held.append(table.filter(pa.array(there)).select(_MEMBERS.names))
        numbers.append(number[at])
    scatter(
        out / "members-0.parquet",
        pa.concat_tables(held).combine_chunks(),
        np.concatenate(numbers),
        args["bins"],
    )


def links(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The groups of a bucket, by bin: table `links`.

    Args:
        args: `groups`: one table of `groups`; `crowd`; `bins`.
        out: where the table goes.
        beat: of the child.
    """
    table = pq.read_table(args["groups"])
    known, number = _crowd(args["crowd"])
    beat.tick()
    scatter(
        out / "links-0.parquet", table, number[np.searchsorted(known, table["id"].to_numpy())], args["bins"]
    )


def _bin(args: dict[str, Any]) -> tuple[pa.Table, Any, Any]:
    """The items of a bin in canonical order, the numbers of their groups (n, bands), and their sketches."""
    items = gather(args["members"], args["bin"], _MEMBERS)
    table = gather(args["links"], args["bin"], _GROUPS)
    _, number = np.unique(table["group"].to_numpy(), return_inverse=True)
    bucket = np.full((items.num_rows, sketch.BANDS), surplus.NONE, np.int32)
    bucket[np.searchsorted(items["id"].to_numpy(), table["id"].to_numpy()), table["band"].to_numpy()] = number
    return items, bucket, _fixed_rows(items["sketch"], np.uint32)


def candidates(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """The items of a bin whose sketches do not settle whether they are near-duplicates: table `wanted`.

    Args:
        args: `members`, `links`: all tables; `bin`.
        out: gets the place of those whose shingle sets are needed.
        beat: of the child.

    Returns:
        How many.
    """
    items, bucket, sketches = _bin(args)
    wanted = np.flatnonzero(surplus.decide(bucket, sketches, None, beat.tick).wanted)
    _write(out / "wanted-0.parquet", items.take(pa.array(wanted)).select(_WANTED.names))
    return int(wanted.size)


_SHINGLES = pa.schema(
    [("object", pa.int64()), ("place", pa.int64()), ("shingles", pa.large_list(pa.uint64()))]
)


def shingles(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The shingle sets of the wanted items of a partition, recomputed from the documents: a table `shinglesN` per bin.

    An object that cannot be read again, or has changed, gives no sets; its pairs stay unverified.

    Args:
        args: `source`, `pieces`, `measuring` as for `measure`; `wanted`: a table per bin.
        out: where the table goes.
        beat: names the item at work.
    """
    measuring = Measuring.model_validate(args["measuring"])
    numbers = [piece["object"] for piece in args["pieces"]]
    wanted: dict[int, dict[int, int]] = {}  # object → place → bin
    for number, path in enumerate(args["wanted"]):
        for batch in pq.ParquetFile(path).iter_batches(1 << 16):
            table = pa.table(batch).filter(pc.is_in(batch["object"], pa.array(numbers)))
            for thing, place in zip(table["object"].to_pylist(), table["place"].to_pylist(), strict=True):
                wanted.setdefault(thing, {})[place] = number
    used = sorted({number for places in wanted.values() for number in places.values()})
    with ExitStack() as stack:
        rows = {number: stack.enter_context(Table(out, f"shingles{number}", _SHINGLES)) for number in used}
        for piece in args["pieces"]:
            for each in rows.values():
                each.begin()
            if beat.begin(piece["object"]) is not None:
                continue
            try:
                _add_shingles(args["source"], piece, wanted.get(piece["object"], {}), measuring, beat, rows)
            except (ItemError, OSError) as error:
                for each in rows.values():
                    each.take_back()
                _log.warning("object %d cannot be read again: %s", piece["object"], type(error).__name__)
            for each in rows.values():
                each.keep()


def _add_shingles(
    source: str,
    piece: dict[str, Any],
    places: dict[int, int],
    measuring: Measuring,
    beat: Beat,
    rows: dict[int, Table],
) -> None:
    with open_piece(source, piece) as file:
        for record in records(file, piece, measuring, beat, Facts(), Reads()):
            if record.place not in places or isinstance(record, Broken):
                continue
            text = extract(record.value, measuring.text_field, measuring.date_field).text
            values, _ = tokens.shingle_sets(*buffers(pa.array([text], pa.large_string())))
            rows[places[record.place]].add_rows(
                [{"object": piece["object"], "place": record.place, "shingles": values}]
            )
        check_unchanged(file, piece)


def decide(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """Kept and surplus among the items of a bin: table `decided`.

    Args:
        args: as for `candidates`; `shingles`: tables of this bin, in canonical order.
        out: where the table goes.
        beat: of the child.

    Returns:
        Pairs that could matter and whose shingle sets were not to be had again.
    """
    items, bucket, sketches = _bin(args)
    with tempfile.TemporaryFile(dir=out) as flat:
        decision = surplus.decide(bucket, sketches, _sets(items, args["shingles"], flat, beat), beat.tick)
    rows = np.flatnonzero(decision.original >= 0)
    originals = items.take(pa.array(decision.original[rows]))
    exact = decision.of[rows] >= 0
    columns = [
        *items.take(pa.array(rows)).select(["id", "object", "place"]),
        *originals.select(["id", "object", "place"]),
        pa.array(np.where(exact, decision.shared[rows], decision.agree[rows])),
        pa.array(np.where(exact, decision.of[rows], SKETCH_SLOTS)),
        pa.array(np.where(exact, "exact", "estimate").tolist(), pa.string()),
    ]
    _write(out / "decided-0.parquet", pa.Table.from_arrays(columns, schema=_DECIDED))
    return decision.unverified


def _sets(items: pa.Table, paths: list[str], flat: IO[bytes], beat: Beat) -> tuple[Any, Any, Any]:
    """All shingle sets as one array on disk, in the order of the items: memory holds what is in use."""
    sizes = np.zeros(items.num_rows, np.int64)
    lost = np.ones(items.num_rows, np.bool_)
    where = zip(items["object"].to_pylist(), items["place"].to_pylist(), strict=True)
    keys = {pair: row for row, pair in enumerate(where)}
    last = -1
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(64):
            numbers, places, sets = (batch.column(name) for name in batch.schema.names)
            for number, place, values in zip(numbers.to_pylist(), places.to_pylist(), sets, strict=True):
                row = keys[number, place]
                if row <= last:
                    raise AssertionError("shingle sets are not in canonical order")
                last = row
                flat.write(values.values.to_numpy().tobytes())
                sizes[row], lost[row] = len(values.values), False
            beat.tick()
    flat.flush()
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    values = np.memmap(flat, np.uint64, "r") if ends[-1] else np.empty(0, np.uint64)
    return np.asarray(values), ends, lost


def settle(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """All surplus items: table `surplus`, in canonical order. One task: some 100 bytes a surplus item.

    A copy of an item that was kept repeats it; a copy of one that was not repeats what that one does.

    Args:
        args: `copies`, `decided`: all tables.
        out: where the table goes.
        beat: of the child.
    """
    decided = _all(args["decided"], _DECIDED)
    fate = decided.select(
        "id", "original_object", "original_place", "shared", "of", verified_first="verified"
    )
    repeats = (
        _all(args["copies"], _COPIES)
        .join(fate, left_on="first", right_on="id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("original_object", "first_object").alias("original_object"),
            pl.coalesce("original_place", "first_place").alias("original_place"),
            pl.coalesce("verified_first", "verified").alias("verified"),
        )
    )
    beat.tick()
    found = pl.concat([frame.select(SURPLUS.names) for frame in (decided, repeats)]).sort("object", "place")
    _write(out / "surplus-0.parquet", found.to_arrow().cast(SURPLUS))


def _all(paths: list[str], schema: pa.Schema) -> pl.DataFrame:
    tables = [schema.empty_table(), *(pq.read_table(path) for path in paths)]
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))
