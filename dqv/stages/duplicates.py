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

The same stages find the paragraphs of long texts that repeat others: then ids go on, behind those of all items, with the rows
of `paragraphs`, and of items only texts that are not long take part (`shorter`). `part` is null but for paragraphs.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors.containers.records import Facts, Record, singly
from dqv.connectors.storage import Reads, Store, open_store
from dqv.core.errors import ItemError
from dqv.core.schema import LINKED, MODALITIES, REPEATED, SKETCH_BANDS, SURPLUS, TURNED
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.partitions import pieces
from dqv.execute.parts import ROW_GROUP_ROWS, Table, open_writer
from dqv.measure.fields import extract
from dqv.neardup import join, linkage, paragraphs, sketch, surplus, tokens
from dqv.stages.measure import open_piece, records
from dqv.stages.shuffle import gather, scatter

BUCKET_ROWS = 4_000_000
"""Keys of a bucket, about: a task that reads one holds some 60 bytes for each."""

BIN_ITEMS = 100_000
"""Items of a bin, at least: 512 bytes of sketch each, and 84 of numbers of groups. What hangs together is never cut."""

_HELD_SHINGLES = 1 << 20
"""So many are held before they are added to their tables, which costs as much for one set as for many."""

LEAST_BIN_ITEMS, BINS = 10_000, 64
"""So many bins at least, for workers to share, as long as each holds so many items: every part has a row group a bin."""

_log = logging.getLogger(__name__)

_PART = [("object", pa.int64()), ("place", pa.int64()), ("part", pa.int64())]
WHERE = [("id", pa.int64()), *_PART]
_NAMES = [name for name, _ in WHERE]
_EQUAL = pa.schema([*WHERE, ("modality", pa.int8()), ("content", pa.binary(16)), ("payload", pa.binary(16))])
_COPIES = pa.schema(
    [
        *WHERE,
        ("first", pa.int64()),
        ("first_object", pa.int64()),
        ("first_place", pa.int64()),
        ("first_part", pa.int64()),
        ("verified", pa.string()),
    ]
)
_KEYS = pa.schema([("id", pa.int64()), ("band", pa.int8()), ("key", pa.uint64())])
_GROUPS = pa.schema([("id", pa.int64()), ("band", pa.int8()), ("group", pa.int64())])
_CROWD = pa.schema([("id", pa.int64()), ("bin", pa.int64())])
_BINS = pa.schema([("bin", pa.int64())])
_WANTED = pa.schema(_PART)
DECIDED = pa.schema(
    [
        *WHERE,
        ("original", pa.int64()),
        ("original_object", pa.int64()),
        ("original_place", pa.int64()),
        ("original_part", pa.int64()),
        ("shared", pa.int64()),
        ("of", pa.int64()),
        ("verified", pa.string()),
        ("detail", pa.string()),
    ]
)


def buckets(rows: int, slots: int) -> int:
    """How many buckets the keys of so many items need, with sketches of so many slots."""
    return max(1, -(-rows * SKETCH_BANDS[slots][0] // BUCKET_ROWS))


def _members(slots: int) -> pa.Schema:
    return pa.schema([*WHERE, ("sketch", pa.binary(slots * 4))])


def item_rows(args: dict[str, Any], names: list[str], beat: Beat) -> Iterator[pa.Table]:
    """The measured, hashed items (or paragraphs) of a part, a batch at a time, with their ids."""
    first, shorter = args["first"], args.get("shorter")
    columns = list(dict.fromkeys(["status", "xxh3_128", "modality", "text_bytes", *names]))
    for path in args["items"]:
        file = pq.ParquetFile(path)
        parts = ["part"] if "part" in file.schema_arrow.names else []
        for batch in file.iter_batches(1 << 16, columns=[*columns, *parts]):
            table = pa.table(batch).append_column("id", pa.array(np.arange(first, first + batch.num_rows)))
            first += batch.num_rows
            if not parts:
                table = table.append_column("part", pa.nulls(table.num_rows, pa.int64()))
            mine = pc.and_(pc.equal(table["status"], "measured"), pc.is_valid(table["xxh3_128"]))
            if shorter is not None and not parts:
                short = pc.less_equal(table["text_bytes"], shorter)
                mine = pc.and_(mine, pc.and_kleene(pc.equal(table["modality"], "text"), short))
            yield table.filter(mine)
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


def write(path: Path, table: pa.Table) -> None:
    """Write a table of a stage, in row groups small enough for `of_part` to pass over most."""
    with open_writer(path, table.schema) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def of_part(paths: Sequence[str], args: dict[str, Any], columns: list[str]) -> pa.Table:
    """The rows of a part in tables sorted by id, one behind the other: what a part costs does not grow with the dataset.

    Args:
        paths: of tables with `id`.
        args: `items`, `first` as for `equal_keys`.
        columns: these alone, `id` among them.
    """
    last = args["first"] + sum(pq.read_metadata(path).num_rows for path in args["items"])
    mine = [("id", ">=", args["first"]), ("id", "<", last)]
    empty = pa.table({name: pa.array([], pa.int64()) for name in columns})
    return pa.concat_tables([empty, *(pq.read_table(path, columns=columns, filters=mine) for path in paths)])


def equal_keys(args: dict[str, Any], out: Path, beat: Beat) -> list[str]:
    """What makes items equal, by bucket: table `equal`.

    Args:
        args: `items`: tables of the part, or of its paragraphs; `first`: id of their first row; `buckets`; of items,
            `shorter`: only texts of at most so many bytes.
        out: where the table goes.
        beat: of the child.

    Returns:
        The modalities of the items.
    """
    held = [_EQUAL.empty_table()]
    for table in item_rows(args, ["object", "place", "modality", "normalised"], beat):
        is_text = pc.equal(table["modality"], "text")
        content = pc.if_else(is_text, table["xxh3_128"], pc.coalesce(table["normalised"], table["xxh3_128"]))
        modality = pc.index_in(table["modality"], pa.array(MODALITIES)).cast(pa.int8())
        columns = [*table.select(_NAMES), modality, content, table["xxh3_128"]]
        held.append(pa.Table.from_arrays(columns, schema=_EQUAL))
    keys = pa.concat_tables(held).combine_chunks()
    number = _fixed_rows(keys["content"], np.uint64)[:, 0] % np.uint64(args["buckets"])
    scatter(out / "equal-0.parquet", keys, number, args["buckets"])
    return [MODALITIES[each] for each in np.unique(keys["modality"].to_numpy())]


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
    columns = [*rows.select(_NAMES), *firsts.select(_NAMES), verified]
    write(out / "copies-0.parquet", pa.Table.from_arrays(columns, schema=_COPIES))


def band_keys(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The band keys of the text items that equal no earlier one, by bucket: table `keys`.

    Args:
        args: as for `equal_keys`; `copies`: all tables of `copies`.
        out: where the table goes.
        beat: of the child.
    """
    known = known_ids(args)
    held = [_KEYS.empty_table()]
    for table in item_rows(args, ["modality", "normalised", "sketch"], beat):
        mine = pc.and_(pc.equal(table["modality"], "text"), pc.is_valid(table["normalised"]))
        copied, _ = among(known, table["id"].to_numpy())
        table = table.filter(pc.and_(mine, pa.array(~copied)))
        keys = sketch.band_keys(_fixed_rows(table["sketch"], np.uint32))
        count, width = keys.shape
        band = np.tile(np.arange(width, dtype=np.int8), count)
        columns = [pa.array(np.repeat(table["id"].to_numpy(), width)), pa.array(band), pa.array(keys.ravel())]
        held.append(pa.Table.from_arrays(columns, schema=_KEYS))
    keyed = pa.concat_tables(held).combine_chunks()
    number = (keyed["key"].to_numpy() >> np.uint64(32)) % np.uint64(args["buckets"])
    scatter(out / "keys-0.parquet", keyed, number, args["buckets"])


def known_ids(args: dict[str, Any]) -> Any:
    """The ids of the items of a part that are in the tables of `copies`, sorted."""
    return np.sort(of_part(args["copies"], args, ["id"])["id"].to_numpy())


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
    write(out / "groups-0.parquet", pa.Table.from_arrays([rows["id"], rows["band"], group], schema=_GROUPS))


def crowds(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """Which items hang together, in bins: table `crowd`, in canonical order; `bins`: of each group, by buckets.

    One task: 24 bytes an item in a group, and one for every item.

    Args:
        args: `groups`: all tables of `groups`, in the order of buckets.
        out: where the tables go.
        beat: of the child.

    Returns:
        How many bins there are.
    """
    grouped = np.zeros(0, np.bool_)
    for path in args["groups"]:
        mine = pq.read_table(path, columns=["id"])["id"].to_numpy()
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
    number = join.bins(parent, min(BIN_ITEMS, max(LEAST_BIN_ITEMS, ids.size // BINS)))
    write(out / "crowd-0.parquet", pa.Table.from_arrays([pa.array(ids), pa.array(number)], schema=_CROWD))
    with open_writer(out / "bins-0.parquet", _BINS) as writer:
        for path in args["groups"]:
            table = pq.read_table(path, columns=["id", "group"])
            first = np.flatnonzero(np.diff(table["group"].to_numpy(), prepend=-1))
            of_group = number[np.searchsorted(ids, table["id"].to_numpy()[first])]
            rows = pa.Table.from_arrays([pa.array(of_group)], schema=_BINS)
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))
            beat.tick()
    return int(number.max(initial=-1)) + 1


def among(known: Any, ids: Any) -> tuple[Any, Any]:
    """Which of the ids are among the known ones (sorted), and the places of those there."""
    at = np.searchsorted(known, ids)
    there = at < known.size
    there[there] = known[at[there]] == ids[there]
    return there, at[there]


def members(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The sketches of a part's items that are in a crowd, by bin: table `members`.

    Args:
        args: as for `equal_keys`; `crowd`: its table; `bins`; `slots` of a sketch.
        out: where the table goes.
        beat: of the child.
    """
    schema = _members(args["slots"])
    crowd = of_part([args["crowd"]], args, _CROWD.names)
    known, number = crowd["id"].to_numpy(), crowd["bin"].to_numpy()
    held, numbers = [schema.empty_table()], [np.empty(0, np.int64)]
    for table in item_rows(args, ["object", "place", "sketch"], beat):
        there, at = among(known, table["id"].to_numpy())
        held.append(table.filter(pa.array(there)).select(schema.names))
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
        args: `groups`: the table of `groups` of this `bucket`; `of_group`: table `bins`; `bins`: how many.
        out: where the table goes.
        beat: of the child.
    """
    table = pq.read_table(args["groups"])
    beat.tick()
    number = gather([args["of_group"]], args["bucket"], _BINS)["bin"].to_numpy()
    group = table["group"].to_numpy() - (args["bucket"] << 40)
    scatter(out / "links-0.parquet", table, number[group], args["bins"])


def _bin(args: dict[str, Any]) -> tuple[pa.Table, Any, Any]:
    """The items of a bin in canonical order, the numbers of their groups (n, bands), and their sketches."""
    items = gather(args["members"], args["bin"], _members(args["slots"]))
    table = gather(args["links"], args["bin"], _GROUPS)
    _, number = np.unique(table["group"].to_numpy(), return_inverse=True)
    bucket = np.full((items.num_rows, SKETCH_BANDS[args["slots"]][0]), surplus.NONE, np.int32)
    bucket[np.searchsorted(items["id"].to_numpy(), table["id"].to_numpy()), table["band"].to_numpy()] = number
    return items, bucket, _fixed_rows(items["sketch"], np.uint32)


def candidates(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """The items of a bin whose sketches do not settle whether they are near-duplicates: table `wanted`.

    Args:
        args: `members`, `links`: all tables; `bin`; `slots` of a sketch.
        out: gets the place of those whose shingle sets are needed.
        beat: of the child.

    Returns:
        How many.
    """
    items, bucket, sketches = _bin(args)
    decision = surplus.decide(bucket, sketches, None, beat.tick)
    linked = linkage.link(bucket, sketches, None, decision, beat.tick)
    wanted = np.flatnonzero(linked.wanted)
    write(out / "wanted-0.parquet", items.take(pa.array(wanted)).select(_WANTED.names))
    return int(wanted.size)


_SHINGLES = pa.schema([*_PART, ("shingles", pa.large_list(pa.uint64()))])


def shingles(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The shingle sets of the wanted items of a partition, recomputed from the documents.

    Tables `shinglesN` per bin, of paragraphs `partsN`.

    An object that cannot be read again, or has changed, gives no sets; its pairs stay unverified.

    Args:
        args: as for `measure`; `wanted`: a table per bin.
        out: where the table goes.
        beat: names the item at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    mine = [piece for piece in pieces(args) if piece["read"] != "digest"]
    numbers = [piece["object"] for piece in mine]
    wanted: dict[int, dict[int, dict[int | None, str]]] = {}  # object → place → part → table
    for number, path in enumerate(args["wanted"]):
        for batch in pq.ParquetFile(path).iter_batches(1 << 16):
            table = pa.table(batch).filter(pc.is_in(batch["object"], pa.array(numbers)))
            for thing, place, part in zip(*(column.to_pylist() for column in table.columns), strict=True):
                name = f"shingles{number}" if part is None else f"parts{number}"
                wanted.setdefault(thing, {}).setdefault(place, {})[part] = name
    used = sorted(
        {name for places in wanted.values() for parts in places.values() for name in parts.values()}
    )
    with ExitStack() as stack:
        rows = {name: stack.enter_context(Table(out, name, _SHINGLES)) for name in used}
        for piece in mine:
            if piece["object"] not in wanted or beat.begin(piece["object"]) is not None:
                continue
            for each in rows.values():
                each.begin()
            try:
                _add_shingles(store, piece, wanted[piece["object"]], measuring, beat, rows)
            except (ItemError, OSError) as error:
                for each in rows.values():
                    each.take_back()
                _log.warning("object %d cannot be read again: %s", piece["object"], type(error).__name__)
            for each in rows.values():
                each.keep()


def _add_shingles(
    store: Store,
    piece: dict[str, Any],
    places: dict[int, dict[int | None, str]],
    measuring: Measuring,
    beat: Beat,
    rows: dict[str, Table],
) -> None:
    held: dict[str, list[dict[str, Any]]] = {}
    count = 0
    with open_piece(store, piece, measuring, beat) as file:
        for record in singly(records(file, piece, measuring, beat, Facts(), Reads())):
            if record.place not in places or not isinstance(record, Record):
                continue
            text = extract(record.value, measuring.text_field, measuring.date_field).text
            data, ends = tokens.buffers(pa.array([text], pa.large_string()))
            near = measuring.near_text
            bounds: dict[int | None, Any] = {None: ends}
            if any(part is not None for part in places[record.place]):
                cuts = paragraphs.cut(data, int(ends[0]), int(ends[1]), simplified=near.simplified)
                bounds |= {int(cuts[at] - cuts[0]): cuts[at : at + 2] for at in range(cuts.size - 1)}
            for part, name in places[record.place].items():
                values, _ = tokens.shingle_sets(data, bounds[part], simplified=near.simplified)
                row = {"object": piece["object"], "place": record.place, "part": part, "shingles": values}
                held.setdefault(name, []).append(row)
                count += values.size
                if count >= _HELD_SHINGLES:
                    _add_all(held, rows)
                    count = 0
        _add_all(held, rows)
        file.check_unchanged()


def _add_all(held: dict[str, list[dict[str, Any]]], rows: dict[str, Table]) -> None:
    for name, made in held.items():
        rows[name].add_rows(made)
    held.clear()


def decide(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """Kept and surplus among the items of a bin: table `decided`; and `linked`, what single linkage adds.

    Args:
        args: as for `candidates`; `shingles`: tables of this bin, in the order of ids.
        out: where the tables go.
        beat: of the child.

    Returns:
        Pairs that could matter and whose shingle sets were not to be had again.
    """
    items, bucket, sketches = _bin(args)
    with tempfile.TemporaryFile(dir=out) as flat:
        sets = _sets(items, args["shingles"], flat, beat)
        decision = surplus.decide(bucket, sketches, sets, beat.tick)
        linked = linkage.link(bucket, sketches, sets, decision, beat.tick)
    chained = np.flatnonzero(linked.linked | linked.perhaps)
    where = items.take(pa.array(chained)).select(["id", "object", "place"])
    columns = [*where, pa.array(linked.linked[chained])]
    write(out / "linked-0.parquet", pa.Table.from_arrays(columns, schema=LINKED))
    rows = np.flatnonzero(decision.original >= 0)
    originals = items.take(pa.array(decision.original[rows]))
    exact = decision.of[rows] >= 0
    columns = [
        *items.take(pa.array(rows)).select(_NAMES),
        *originals.select(_NAMES),
        pa.array(np.where(exact, decision.shared[rows], decision.agree[rows])),
        pa.array(np.where(exact, decision.of[rows], args["slots"])),
        pa.array(np.where(exact, "exact", "estimate").tolist(), pa.string()),
        pa.nulls(rows.size, pa.string()),
    ]
    write(out / "decided-0.parquet", pa.Table.from_arrays(columns, schema=DECIDED))
    return decision.unverified


def _sets(items: pa.Table, paths: list[str], flat: IO[bytes], beat: Beat) -> tuple[Any, Any, Any]:
    """All shingle sets as one array on disk, in the order of the items: memory holds what is in use."""
    sizes = np.zeros(items.num_rows, np.int64)
    lost = np.ones(items.num_rows, np.bool_)
    where = zip(*(items[name].to_pylist() for name in _WANTED.names), strict=True)
    keys = {each: row for row, each in enumerate(where)}
    last = -1
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(64):
            *numbers, sets = batch.columns
            for *key, values in zip(*(each.to_pylist() for each in numbers), sets, strict=True):
                row = keys[tuple(key)]
                if row <= last:
                    raise AssertionError("shingle sets are not in the order of ids")
                last = row
                flat.write(values.values.to_numpy().tobytes())
                sizes[row], lost[row] = len(values.values), False
            beat.tick()
    flat.flush()
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    values = np.memmap(flat, np.uint64, "r") if ends[-1] else np.empty(0, np.uint64)
    return np.asarray(values), ends, lost


def settle(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """All surplus items: table `surplus`, in canonical order; likewise `linked`, `turned`. One task: some 100 bytes a surplus item.

    A copy of an item that was kept repeats it; a copy of one that was not repeats what that one does.

    Args:
        args: `copies`, `decided`, `linked`, `turned`: all tables; `parts`: whether paragraphs are among them.
        out: where the tables go.
        beat: of the child.
    """
    decided = _all(args["decided"], DECIDED)
    fate = decided.select(
        "id",
        "original_object",
        "original_place",
        "original_part",
        "shared",
        "of",
        "detail",
        verified_first="verified",
    )
    repeats = (
        _all(args["copies"], _COPIES)
        .join(fate, left_on="first", right_on="id", how="left", maintain_order="left")
        .with_columns(
            *(
                pl.when(pl.col("original_object").is_null())
                .then(f"first_{name}")
                .otherwise(f"original_{name}")
                .alias(f"original_{name}")
                for name in _WANTED.names
            ),
            pl.coalesce("verified_first", "verified").alias("verified"),
        )
    )
    beat.tick()
    schema = REPEATED if args["parts"] else SURPLUS
    found = pl.concat([frame.select(schema.names) for frame in (decided, repeats)]).sort("id")
    write(out / "surplus-0.parquet", found.to_arrow().cast(schema))
    linked = _all(args["linked"], LINKED).sort("id")
    write(out / "linked-0.parquet", linked.to_arrow().cast(LINKED))
    turned = _all(args["turned"], TURNED).sort("id")
    write(out / "turned-0.parquet", turned.to_arrow().cast(TURNED))


def _all(paths: list[str], schema: pa.Schema) -> pl.DataFrame:
    tables = [schema.empty_table(), *(pq.read_table(path) for path in paths)]
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))
