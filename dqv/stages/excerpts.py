"""What a few items look and sound like, for report.html alone: decoded in the child like all that comes from strangers.

Pictures as thumbnails, videos as key frames, recordings as waveforms, without metadata; of texts the beginning, in which
personal values are masked. All small.
"""

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from dqv.connectors.storage import Reads, Store, open_store
from dqv.core.errors import ItemError
from dqv.core.settings import Measuring
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure import audio, image, video
from dqv.measure.privacy import mask
from dqv.reports.escape import shortened
from dqv.stages.measure import medium_at
from dqv.stages.media import opened
from dqv.stages.witness import TEXT_BYTES, is_lines, texts_at

MOST = 24
"""Items per rule about single items."""

PAIRS = 6
"""Pairs per rule about duplicates."""

SIDE_PX = 160
KEY_FRAMES = 3
MOST_BYTES = 16 * 1024
"""Of the pictures of one item together; those over it are left out. All that a page can hold is 1.6 MB in base64."""

COLUMNS = 240
"""Of a waveform, at most."""

TEXT_CHARACTERS = 240
"""Of a text, at most."""

EXCERPTS = pa.schema([
    ("object", pa.int64()),
    ("place", pa.int64()),
    ("pictures", pa.list_(pa.binary())),
    ("wave", pa.binary()),
    ("text", pa.string()),
])  # fmt: skip
"""One row per item of which something could be made: JPEGs; heights from 0 to 100, one a column; a masked text."""


def make(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Excerpts of some items: table `excerpts`.

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
                    if args["modality"] == "text":
                        made = {
                            "pictures": [],
                            "wave": b"",
                            "text": _text(store, piece, place, measuring, beat),
                        }
                    else:
                        with (
                            medium_at(store, piece, place, measuring, beat) as file,
                            opened(file, Reads(), beat.tick, full=args["modality"] == "audio") as stream,
                        ):
                            made = _made(stream, args["modality"], piece["format"], measuring, beat)
                    if any(made.values()):
                        rows.add_rows([{"object": piece["object"], "place": place, **made}])
                except (ItemError, OSError, audio.HoldsPictures, video.OnlySound):
                    rows.take_back()  # it was measured before; an excerpt that is missing says nothing
            rows.keep()


def _made(stream: BinaryIO, modality: str, form: str, measuring: Measuring, beat: Beat) -> dict[str, Any]:
    if modality == "audio":
        return {"pictures": [], "wave": _wave(stream, form, measuring, beat), "text": ""}
    if modality == "image":
        pictures = [image.thumbnail(stream, measuring.limits, SIDE_PX)]
    else:
        pictures = video.key_frames(stream, measuring.limits, SIDE_PX, KEY_FRAMES)
    room = MOST_BYTES
    kept = []
    for picture in pictures:
        room -= len(picture)
        if room >= 0:
            kept.append(picture)
    return {"pictures": kept, "wave": b"", "text": ""}


def _text(store: Store, piece: dict[str, Any], place: int, measuring: Measuring, beat: Beat) -> str:
    """The beginning of a text; nothing of one that cannot be read again at little cost.

    All of it is masked before it is cut: half a number would not be known for what it is.
    """
    if not is_lines(piece) and piece["size_bytes"] > TEXT_BYTES:
        return ""
    texts = [text for _, text in texts_at(store, piece, {place}, measuring, beat)]
    return shortened(" ".join(mask(texts[0]).split()), TEXT_CHARACTERS) if texts else ""


def _wave(stream: BinaryIO, form: str, measuring: Measuring, beat: Beat) -> bytes:
    """The loudest sample of each of at most `COLUMNS` spans of equal length."""
    peaks: list[Any] = []
    rest = np.zeros(0, np.float32)

    def heard(block: Any, rate: int) -> None:
        nonlocal rest
        window = max(1, rate // audio.WINDOWS_PER_SECOND)
        rest = np.concatenate([rest, np.abs(block).max(axis=1)])
        whole = len(rest) // window * window
        peaks.append(rest[:whole].reshape(-1, window).max(axis=1))
        rest = rest[whole:]

    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    audio.measure(stream, size, measuring.limits, beat.tick, format=form, full=True, heard=heard)
    loudest = np.concatenate([*peaks, rest.max(keepdims=True)] if len(rest) else peaks)
    spans = np.array_split(loudest, min(COLUMNS, len(loudest)))
    return bytes(min(100, round(100 * float(span.max()))) for span in spans)
