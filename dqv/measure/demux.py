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

av.logging.set_level(None)  # what FFmpeg prints may quote the data


@contextmanager
def opened(file: BinaryIO, kind: str) -> Iterator[Any]:
    """Open a container from the stream's beginning.

    Args:
        file: seekable.
        kind: of ItemError that is raised for what cannot be demuxed or decoded: audio or video.

    Yields:
        An `av.container.InputContainer`; its errors while it is used become ItemErrors.

    Raises:
        ItemError: `kind` for broken data, "unsupported" for codecs and formats that are not known here.
        OSError: of the stream itself, untouched.
    """
    file.seek(0)
    try:
        with av.open(
            file,
            mode="r",
            buffer_size=BLOCK_BYTES,
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": ""},
            metadata_errors="replace",
        ) as container:
            yield container
    except (av.error.DecoderNotFoundError, av.error.PatchWelcomeError) as error:
        raise ItemError("unsupported", f"no decoder: {type(error).__name__}") from error
    except av.error.FFmpegError as error:
        failed = getattr(file, "failed", None)
        if failed is not None:
            raise failed from None
        raise ItemError(kind, f"FFmpeg: {type(error).__name__}") from error


def pictures(container: Any) -> Any | None:
    """The first stream of moving pictures; None where there is only sound (a cover picture is none)."""
    attached = av.stream.Disposition.attached_pic
    return next((each for each in container.streams.video if not each.disposition & attached), None)
