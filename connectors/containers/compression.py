"""gzip and zstd as bounded streams: truncation, wrong sums, trailing garbage and bombs are errors.

Written on the one-shot decompressors: gzip.GzipFile has no bound on what a read may expand to inside, and
zstandard's stream_reader takes a truncated stream for a whole one.
"""

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

import zstandard

from dqv.core.errors import ItemError
from dqv.core.settings import Limits

FREE_BYTES = 64 * 2**20
"""So much may come out before the factor of expansion counts."""

MAX_WINDOW_BYTES = 2**27
"""What a zstd frame may ask to be held."""

_INPUT_BYTES = 1 << 14
_ZSTD_STEP_BYTES = 4096  # 4 bytes can stand for 128 KiB: one step gives at most 128 MiB
_GZIP_STEP_BYTES = 1 << 18  # output of one step


class _Frame(Protocol):
    """One gzip member or zstd frame."""

    @property
    def ended(self) -> bool: ...

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        """Some output and the input that is left."""


class _GzipMember:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)  # checks the member's sum and length

    @property
    def ended(self) -> bool:
        return self._inner.eof

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        output = self._inner.decompress(data, _GZIP_STEP_BYTES)
        # At the end both attributes can hold what is left.
        return output, self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail


class _ZstdFrame:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()

    @property
    def ended(self) -> bool:
        return self._inner.eof

    def step(self, data: bytes) -> tuple[bytes, bytes]:
        output = self._inner.decompress(data[:_ZSTD_STEP_BYTES])
        return output, self._inner.unused_data + data[_ZSTD_STEP_BYTES:]


_FRAMES: dict[str, Callable[[], _Frame]] = {"gzip": _GzipMember, "zstd": _ZstdFrame}


class Decompressed(io.RawIOBase):
    """The decompressed bytes of a stream: all members or frames, one after the other.

    Reading raises ItemError: "compression" for anything that is not whole and right, "bomb" when more
    comes out than `limits.expansion` times what went in (after FREE_BYTES).
    """

    def __init__(self, stored: BinaryIO, compression: str, limits: Limits) -> None:
        if compression not in _FRAMES:
            raise ItemError("unsupported", f"compression {compression}")
        self._stored = stored
        self._compression = compression
        self._limits = limits
        self._frame: _Frame | None = None
        self._frames = self._bytes_in = self._bytes_out = 0
        self._input = b""
        self._output = b""
        self._at = 0
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any buffer in typeshed
        """Fill the buffer as far as one step of the decoder gives."""
        while self._at == len(self._output) and not self._ended:
            self._output, self._at = self._step(), 0
        count = min(len(buffer), len(self._output) - self._at)
        buffer[:count] = self._output[self._at : self._at + count]
        self._at += count
        return count

    def close(self) -> None:
        """Close the stored stream too."""
        self._stored.close()
        super().close()

    def _step(self) -> bytes:
        if not self._input:
            self._input = self._stored.read(_INPUT_BYTES)
            self._bytes_in += len(self._input)
            if not self._input and self._frame is None and self._frames:
                self._ended = True
                return b""
        at_end = not self._input
        if self._frame is None:
            if self._frames and self._compression == "gzip" and self._padding():
                return b""
            self._frame = _FRAMES[self._compression]()
            self._frames += 1
        try:
            output, self._input = self._frame.step(self._input)
        except (zlib.error, zstandard.ZstdError) as error:
            raise self._error("broken data, a wrong checksum, or something else behind the data") from error
        if self._frame.ended:
            self._frame = None
        elif at_end and not output:
            raise self._error("ends in the middle")
        self._bytes_out += len(output)
        refuse_bomb(self._bytes_out, self._bytes_in - len(self._input), self._limits)
        return output

    def _padding(self) -> bool:
        """Take the zero bytes after a gzip member, as tapes have them; whether that was the end."""
        if self._input[0]:
            return False
        self._input = self._input.lstrip(b"\0")
        while not self._input:
            self._input = self._stored.read(_INPUT_BYTES)
            if not self._input:
                return True
            self._bytes_in += len(self._input)
            self._input = self._input.lstrip(b"\0")
        raise self._error("something else follows the compressed data and its padding")

    def _error(self, what: str) -> ItemError:
        consumed = self._bytes_in - len(self._input)
        return ItemError(
            "compression",
            f"{self._compression}: {what}, near byte {consumed} of what is stored; store it again",
        )


def refuse_bomb(out_bytes: int, stored_bytes: int, limits: Limits) -> None:
    """What came (or would come) out must be in proportion to what is stored.

    Raises:
        ItemError: "bomb", over `limits.expansion` times, beyond FREE_BYTES.
    """
    if out_bytes > FREE_BYTES and out_bytes > limits.expansion * stored_bytes:
        raise ItemError("bomb", f"{out_bytes} bytes out of {stored_bytes}: over {limits.expansion} times")


def decompressed(open_: Callable[[], BinaryIO], compression: str, limits: Limits) -> BinaryIO:
    """Open a compressed object as the bytes it holds; not seekable.

    Raises:
        ItemError: "unsupported" compression; while reading "compression" or "bomb".
    """
    return io.BufferedReader(Decompressed(open_(), compression, limits), 1 << 18)
