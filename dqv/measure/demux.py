"""Containers of sound and pictures, opened by FFmpeg (PyAV) through a file object and nothing else.

No demuxer that opens other files or addresses (playlists, concat, image sequences) is allowed, no protocol, no
threads: a file from a stranger reads itself alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
import av.error
import av.logging

from dqv.core.errors import ItemError

DEMUXERS = "aac,aiff,amr,asf,avi,caf,flac,flv,matroska,webm,mov,mp4,m4a,mp3,mpeg,mpegts,mpegvideo,ogg,wav"
"""The only formats that FFmpeg may take a stream for."""

BLOCK_BYTES = 64 * 1024
"""What FFmpeg asks for at a time."""

HASTY = {"probesize": "32", "analyzeduration": "0", "skip_frame": "all"}
"""Options against FFmpeg's habit of reading on and decoding pictures until it knows all of a stream."""

av.logging.set_level(None)  # what FFmpeg prints may quote the data


@contextmanager
def opened(file: BinaryIO, kind: str, *, hasty: bool = False) -> Iterator[Any]:
    """Open a container from the stream's beginning.

    Args:
        file: seekable.
        kind: of ItemError that is raised for what cannot be demuxed or decoded: audio or video.
        hasty: know no more of a stream than its header says; pixel format and the like may be missing.

    Yields:
        An `av.container.InputContainer`; its errors while it is used become ItemErrors.

    Raises:
        ItemError: `kind` for broken data, "unsupported" for codecs and formats that are not known here.
        OSError: of the stream itself, untouched, also where FFmpeg took it for the data's end.
        MemoryError: what the data asks for cannot be had.
    """
    file.seek(0)
    try:
        with av.open(
            file,
            mode="r",
            buffer_size=BLOCK_BYTES,
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": ""} | (HASTY if hasty else {}),
            metadata_errors="replace",
        ) as container:
            yield container
    except av.error.FFmpegError as error:
        raise _meant(error, file, kind) from error
    except ItemError:  # what a caller made of it, when it was the stream that failed
        if (failed := getattr(file, "failed", None)) is not None:
            raise failed from None
        raise
    if (failed := getattr(file, "failed", None)) is not None:
        raise failed


def _meant(error: av.error.FFmpegError, file: BinaryIO, kind: str) -> Exception:
    """What FFmpeg's error means to the caller."""
    failed: OSError | None = getattr(file, "failed", None)
    if failed is not None:
        return failed
    if isinstance(error, MemoryError):
        return MemoryError("FFmpeg: no memory")
    if isinstance(error, av.error.DecoderNotFoundError | av.error.PatchWelcomeError):
        return ItemError("unsupported", f"no decoder: {type(error).__name__}")
    return ItemError(kind, f"FFmpeg: {type(error).__name__}")


def pictures(container: Any) -> Any | None:
    """The first stream of moving pictures; None where there is only sound (a cover picture is none)."""
    attached = av.stream.Disposition.attached_pic
    return next((each for each in container.streams.video if not each.disposition & attached), None)


def packets(container: Any, *streams: Any) -> Iterator[Any]:
    """The packets of these streams (none named: of all), those with no bytes left out.

    Streams that show only while the file is read are not among them.
    """
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except IndexError:  # PyAV 18, after the last packet: it did not expect a stream that came later
        return
