"""Near-duplicates of recordings, pictures and videos: from the fingerprints in the rows to kept and surplus."""

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.connectors.storage import Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.schema import TURNED
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.partitions import pieces
from dqv.execute.parts import Table
from dqv.measure import image, video
from dqv.neardup import films, join, pictures, sounds
from dqv.stages.duplicates import DECIDED, WHERE, among, item_rows, known_ids, write
from dqv.stages.measure import media_at, medium_at
from dqv.stages.media import opened
from dqv.stages.shuffle import gather, scatter

_log = logging.getLogger(__name__)

_WHERE = [name for name, _ in WHERE]
_PRINTS = pa.schema([*WHERE, ("fingerprint", pa.large_binary())])


def _prints(args: dict[str, Any], modality: str, beat: Beat) -> pa.Table:
    """The comparable items of a modality that equal no earlier one, with their fingerprints, in canonical order.

    Args:
        args: `items`, `first`: as for `duplicates.equal_keys`; `copies`: all tables of `copies`.
        modality: image, audio or video.
        beat: of the child.
    """
    known, held = known_ids(args), [_PRINTS.empty_table()]
    for table in item_rows(args, ["object", "place", "modality", "fingerprint"], beat):
        mine = pc.and_(pc.equal(table["modality"], modality), pc.is_valid(table["fingerprint"]))
        copied, _ = among(known, table["id"].to_numpy())
        held.append(table.filter(pc.and_(mine, pa.array(~copied))).select(_PRINTS.names))
    return pa.concat_tables(held).combine_chunks()


def _write_decided(
    path: Path, items: pa.Table, rows: Any, original: Any, shared: Any, of: Any, detail: list[str]
) -> None:
    """Write the surplus rows, and the rows that they repeat, as `DECIDED`."""
    columns = [
        *items.take(pa.array(rows)).select(_WHERE),
        *items.take(pa.array(original)).select(_WHERE),
        pa.array(shared, pa.int64()),
        pa.array(of, pa.int64()),
        pa.array(["aligned"] * len(rows), pa.string()),
        pa.array(detail, pa.string()),
    ]
    write(path, pa.Table.from_arrays(columns, schema=DECIDED))


def recordings(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Kept and surplus among recordings: table `recordings`. One task: some 20 bytes a frame, 1.2 MB an hour of sound.

    Args:
        args: as for `_prints`, of all parts.
        out: where the table goes.
        beat: of the child.
    """
    items = _prints(args, "audio", beat)
    column = items["fingerprint"].combine_chunks()
    starts = np.concatenate([[0], np.cumsum(pc.binary_length(column).to_numpy())]) // 4
    values = np.frombuffer(column.buffers()[2] or b"", np.uint32)[: starts[-1]]
    decision = sounds.decide(values, starts, beat.tick)
    rows = np.flatnonzero(decision.original >= 0)
    fits = [decision.match(row) for row in rows.tolist()]
    _write_decided(
        out / "recordings-0.parquet",
        items,
        rows,
        decision.original[rows],
        [32 * fit.both - fit.wrong for fit in fits],
        [32 * fit.both for fit in fits],
        [
            f"{fit.both} of {fit.of} frames of 1/{sounds.FRAMES_PER_SECOND} s overlap, {fit.offset} frames apart"
            for fit in fits
        ],
    )


BIN_PICTURES = 2000
"""Pictures of a bin, at least: what hangs together is never cut."""

_GREYS = pa.schema(
    [("id", pa.int64()), ("height", pa.int64()), ("width", pa.int64()), ("grey", pa.large_binary())]
)
_ALIKE = pa.schema([*_PRINTS, ("bin", pa.int64())])


def alike(args: dict[str, Any], out: Path, beat: Beat) -> int:
    """The pictures that have a candidate at all, by bin: table `alike`. One task: 1.2 kB a picture.

    Args:
        args: as for `_prints`, of all parts.
        out: where the table goes.
        beat: of the child.

    Returns:
        How many bins there are.
    """
    items = _prints(args, "image", beat)
    root = pictures.components(_of_pictures(items), turned=True)
    rows = np.flatnonzero(root >= 0)
    number = join.bins(np.searchsorted(rows, root[rows]), BIN_PICTURES)
    chosen = items.take(pa.array(rows)).append_column("bin", pa.array(number))
    count = int(number.max(initial=-1)) + 1
    scatter(out / "alike-0.parquet", chosen, number, count)
    return count


def _of_pictures(items: pa.Table) -> Any:
    """The fingerprints of pictures, (n, bytes)."""
    values = pc.cast(items["fingerprint"], pa.binary(pictures.PRINT_BYTES)).combine_chunks()
    return np.frombuffer(values.buffers()[1] or b"", np.uint8).reshape(-1, pictures.PRINT_BYTES)


def greys(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The greys of the pictures of a partition that have candidates: a table `greysN` per bin.

    An object that cannot be read again, or has changed, gives none; its pairs stay unverified.

    Args:
        args: as for `measure`; `alike`: its table.
        out: where the tables go.
        beat: names the item at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    alike = pl.scan_parquet(args["alike"]).select("id", "object", "place", "bin")
    mine = [piece for piece in pieces(args) if piece["read"] != "digest"]
    numbers = [piece["object"] for piece in mine]
    wanted: dict[int, dict[int, tuple[int, int]]] = {}  # object → place → id, bin
    for item, number, place, bin_ in alike.filter(pl.col("object").is_in(numbers)).collect().iter_rows():
        wanted.setdefault(number, {})[place] = item, bin_
    used = sorted({bin_ for places in wanted.values() for _, bin_ in places.values()})
    with ExitStack() as stack:
        rows = {number: stack.enter_context(Table(out, f"greys{number}", _GREYS)) for number in used}
        for piece in mine:
            if piece["object"] not in wanted or beat.begin(piece["object"]) is not None:
                continue
            places = wanted[piece["object"]]
            tables = [rows[number] for number in {bin_ for _, bin_ in places.values()}]
            for each in tables:
                each.begin()
            try:
                for place, file in media_at(store, piece, places, measuring, beat):
                    with opened(file, Reads(), beat.tick, full=True) as stream:
                        grey = image.grey(stream, measuring.limits)
                    if grey is not None:
                        item, number = places[place]
                        height, width = grey.shape
                        rows[number].add_rows(
                            [{"id": item, "height": height, "width": width, "grey": grey.tobytes()}]
                        )
            except (ItemError, OSError) as error:
                for each in tables:
                    each.take_back()
                _log.warning("object %d cannot be read again: %s", piece["object"], type(error).__name__)
            for each in tables:
                each.keep()


def compare(args: dict[str, Any], out: Path, beat: Beat) -> list[int]:
    """Kept and surplus among the pictures of a bin: table `compare`; `turned`: what is surplus only where it may be turned.

    Args:
        args: `alike`: its table; `bin`; `greys`: tables of this bin.
        out: where the tables go.
        beat: of the child.

    Returns:
        How many pictures could not be read again, and how many kept ones have more candidates than were compared.
    """
    items = gather([args["alike"]], args["bin"], _ALIKE)
    with tempfile.TemporaryFile(dir=out) as flat:
        grey, there = _greys(items["id"].to_numpy(), args["greys"], flat, beat)
        items, prints = items.filter(pa.array(there)), _of_pictures(items)[there]
        rows = np.flatnonzero(there)
        decision = pictures.decide(prints, lambda row: grey(rows[row]), beat.tick)
        turned = pictures.decide(prints, lambda row: grey(rows[row]), beat.tick, turned=True)
    found = np.flatnonzero(decision.original >= 0)
    hashes = pictures.hashes_of(prints)[:, 0, 0]
    apart = np.bitwise_count(hashes[found] ^ hashes[decision.original[found]]).astype(np.int64)
    fits = [decision.similarity[row] for row in found.tolist()]
    _write_decided(
        out / "compare-0.parquet",
        items,
        found,
        decision.original[found],
        64 - apart,
        np.full(found.size, 64),
        [f"at most {fit.difference:.2f} apart anywhere, {fit.limit:.2f} allowed" for fit in fits],
    )
    only = np.flatnonzero((turned.original >= 0) & (decision.original < 0))
    write(out / "turned-0.parquet", items.take(pa.array(only)).select(TURNED.names))
    return [int(np.count_nonzero(~there)), int(decision.crowded)]


def _greys(ids: Any, paths: list[str], flat: IO[bytes], beat: Beat) -> tuple[Callable[[int], Any], Any]:
    """Access to the greys of the items by row, and which of them are there.

    They lie in one file on disk: memory holds what is in use.
    """
    shapes = np.zeros((ids.size, 2), np.int64)
    begins = np.zeros(ids.size, np.int64)
    at = 0
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(64):
            for item, height, width, pixels in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                row = np.searchsorted(ids, item)
                shapes[row], begins[row] = (height, width), at
                at += flat.write(pixels)
            beat.tick()
    flat.flush()
    values = np.memmap(flat, np.uint8, "r") if at else np.empty(0, np.uint8)

    def grey(row: int) -> Any:
        height, width = shapes[row]
        return np.array(values[begins[row] : begins[row] + height * width]).reshape(height, width)

    return grey, shapes[:, 0] > 0


def videos(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, list[Any]]:
    """The videos and their fingerprints: table `videos`. One task: some 2 kB a video.

    Args:
        args: as for `_prints`, of all parts.
        out: where the table goes.
        beat: of the child.

    Returns:
        `pairs` that may be near-duplicates and rows that are `crowded`, as `films.Candidates` has them.
    """
    items = _prints(args, "video", beat)
    write(out / "videos-0.parquet", items)
    found = films.candidates(items["fingerprint"].to_pylist(), beat.tick)
    return {"pairs": found.pairs.tolist(), "crowded": np.flatnonzero(found.crowded).tolist()}


def watch(args: dict[str, Any], out: Path, beat: Beat) -> list[int] | None:
    """Compare two videos, by pictures of the same moments.

    Args:
        args: `videos`: its table; `pair`: rows there; `sources`, `pieces`: of both; `measuring`.
        out: unused.
        beat: names the later one as the item at work.

    Returns:
        Of `films.Match`: whether it is verified, frames, of, offset in ms, difference in thousandths; None where one of
        them cannot be read again.
    """
    measuring = Measuring.model_validate(args["measuring"])
    items = pq.read_table(args["videos"]).take(pa.array(args["pair"]))
    one, other = items["fingerprint"].to_pylist()
    places = items["place"].to_pylist()
    if any(beat.begin(piece["object"]) is not None for piece in args["pieces"]):
        return None
    try:
        with ExitStack() as stack:
            streams = []
            for source, piece, place in zip(args["sources"], args["pieces"], places, strict=True):
                file = stack.enter_context(medium_at(open_store(source), piece, place, measuring, beat))
                streams.append(opened(file, Reads(), beat.tick, full=True))
            found = video.compare(one, streams[0], other, streams[1], measuring.limits, beat.tick)
    except (ItemError, OSError, video.OnlySound) as error:
        _log.warning("objects %s cannot be compared: %s", args["pair"], type(error).__name__)
        return None
    return [
        int(found.is_verified), found.frames, found.of, found.offset_ms, round(1000 * found.difference)
    ]  # fmt: skip


def watched(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """The surplus videos: table `watched`.

    Args:
        args: `videos`: its table; `rows`: surplus ones; `originals`: what they repeat; `fits`: what `watch` says of each.
        out: where the table goes.
        beat: of the child.
    """
    items, fits = pq.read_table(args["videos"]), args["fits"]
    _write_decided(
        out / "watched-0.parquet",
        items,
        np.array(args["rows"], np.int64),
        np.array(args["originals"], np.int64),
        [frames for _, frames, _, _, _ in fits],
        [of for _, _, of, _, _ in fits],
        [
            f"{frames} of {of} moments alike, {offset} ms apart, at most {difference / 1000:.2f} of the difference allowed"
            for _, frames, of, offset, difference in fits
        ],
    )
