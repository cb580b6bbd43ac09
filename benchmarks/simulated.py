"""A store that is not there: a filesystem for fsspec whose videos are made up where they are read.

Every video is an MP4 with its index behind the samples, as cameras write it: of the first picture the bytes are real, of
the others there are only their sizes. `installed` gives a folder that, on PYTHONPATH, makes fsspec know `simulated://`.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fsspec import AbstractFileSystem

from dqv import demo_media

PER_FOLDER = 1000
_TIME = 1_750_000_000


class Simulated(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """`simulated://COUNT/SIZE`: so many videos of about so many bytes."""

    protocol = "simulated"
    cachable = False

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Folders of PER_FOLDER videos, or the videos of one."""
        count, size, *folder = self._strip_protocol(path).strip("/").split("/")
        top = f"{count}/{size}"
        if not folder:
            folders = range((int(count) + PER_FOLDER - 1) // PER_FOLDER)
            found = [{"name": f"{top}/{each:05d}", "size": 0, "type": "directory"} for each in folders]
        else:
            first = int(folder[0]) * PER_FOLDER
            found = [
                {
                    "name": f"{top}/{folder[0]}/{number:08d}.mp4", "size": _size(number, int(size)), "type": "file",
                    "mtime": _TIME + number, "ETag": f"{number:x}",
                }
                for number in range(first, min(first + PER_FOLDER, int(count)))
            ]  # fmt: skip
        return found if detail else [each["name"] for each in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Of a folder."""
        return {"name": self._strip_protocol(path), "size": 0, "type": "directory"}

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """A range of a video."""
        _, size, _, name = self._strip_protocol(path).strip("/").split("/")
        whole = _size(int(name.partition(".")[0]), int(size))
        start, end = start or 0, whole if end is None else min(end, whole)
        head, tail = _parts(whole)
        data = bytearray(end - start)
        for at, part in ((0, head), (whole - len(tail), tail)):
            a, b = max(start, at), min(end, at + len(part))
            if a < b:
                data[a - start : b - start] = part[a - at : b - at]
        return bytes(data)


def _size(number: int, size: int) -> int:
    """A tenth more or less than asked for."""
    return size * 9 // 10 + (number * 7_919_777) % (size // 5)


@lru_cache(1)
def _template() -> bytes:
    return demo_media.movie(1, 1280, 720, frames=24, fps=1)


@lru_cache(64)
def _parts(size: int) -> tuple[bytes, bytes]:
    """What is before and behind the bytes that are not there."""
    movie = _template()
    mdat, moov = movie.index(b"mdat") - 4, movie.index(b"moov") - 4
    index = bytearray(movie[moov:])
    at = index.index(b"stsz") + 12
    (count,) = struct.unpack_from(">I", index, at)
    sizes = [*struct.unpack_from(f">{count}I", index, at + 4)]
    samples = size - mdat - 8 - len(index)
    rest, more = divmod(samples - sizes[0], count - 1)
    struct.pack_into(f">{count}I", index, at + 4, sizes[0], *([rest] * (count - 2)), rest + more)
    head = movie[:mdat] + struct.pack(">I4s", samples + 8, b"mdat") + movie[mdat + 8 : mdat + 8 + sizes[0]]
    return head, bytes(index)


@contextmanager
def installed() -> Iterator[str]:
    """A folder that makes fsspec know the protocol in every process that has it on PYTHONPATH."""
    with TemporaryDirectory() as folder:
        about = Path(folder) / "dqv_simulated-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: dqv-simulated\nVersion: 1\n")
        (about / "entry_points.txt").write_text(
            "[fsspec.specs]\nsimulated = benchmarks.simulated:Simulated\n"
        )
        yield folder
