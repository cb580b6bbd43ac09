"""Thumbnails of a few items, for the HTML report alone: decoded in the child like all that comes from strangers."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from dqv.connectors.storage import Reads, open_store
from dqv.core.errors import ItemError
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure import image, video
from dqv.stages.measure import medium_at
from dqv.stages.media import opened

MOST = 24
"""Thumbnails per rule."""

SIDE_PX = 160
MOST_BYTES = 24 * 1024
"""Of one thumbnail; a larger one is left out."""

EXCERPTS = pa.schema([("object", pa.int64()), ("place", pa.int64()), ("jpeg", pa.binary())])
"""One row per thumbnail that could be made."""


def thumbnails(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Small pictures of some objects, without their metadata: table `excerpts`.

    Args:
        args: `source`, `measuring`, `modality`; `pieces` and `places` of each.
        out: where the table goes.
        beat: names the item at work.
    """
    measuring, store = Measuring.model_validate(args["measuring"]), open_store(args["source"])
    with Table(out, "excerpts", EXCERPTS) as rows:
        for piece, place in zip(args["pieces"], args["places"], strict=True):
            rows.begin()
            if beat.begin(piece["object"]) is None:
                try:
                    with (
                        medium_at(store, piece, place, measuring, beat) as file,
                        opened(file, Reads(), beat.tick, full=False) as stream,
                    ):
                        make = image.thumbnail if args["modality"] == "image" else video.thumbnail
                        jpeg = make(stream, measuring.limits, SIDE_PX)
                    if len(jpeg) <= MOST_BYTES:
                        rows.add_rows([{"object": piece["object"], "place": place, "jpeg": jpeg}])
                except (ItemError, OSError):
                    rows.take_back()  # it was measured before; a picture that is missing says nothing
            rows.keep()
