"""Near-duplicates of recordings, pictures and videos: from the fingerprints in the rows to kept and surplus."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dqv.execute.child import Beat
from dqv.neardup import sounds
from dqv.stages.duplicates import DECIDED, WHERE, among, item_rows, known_ids, write

_WHERE = [name for name, _ in WHERE]
_PRINTS = pa.schema([*WHERE, ("fingerprint", pa.large_binary())])


def _prints(args: dict[str, Any], modality: str, beat: Beat) -> pa.Table:
    """The comparable items of a modality that equal no earlier one, with their fingerprints, in canonical order.

    Args:
        args: `items`, `first`: as for `duplicates.equal_keys`; `copies`: all tables of `copies`.
        modality: image, audio or video.
        beat: of the child.
    """
    known, held = known_ids(args["copies"]), [_PRINTS.empty_table()]
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
