"""gzip and zstd: whole and right, or an error."""

import gzip
import io
import os
import random
from typing import BinaryIO

import pytest
import zstandard

from dqv.connectors.containers.compression import FREE_BYTES, decompressed
from dqv.connectors.containers.records import Facts, Record, read, singly
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors.beats import Beats

PACK = {
    "gzip": gzip.compress,
    "zstd": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}
RANDOM = random.Random(1).randbytes(200_000)
DATA = RANDOM + b"0" * 3_000_000 + RANDOM.hex().encode()


def unpack(stored: bytes, compression: str, limits: Limits | None = None) -> bytes:
    with decompressed(lambda: io.BytesIO(stored), compression, limits or Limits()) as stream:
        return stream.read()


def error_kind(stored: bytes, compression: str) -> str:
    with pytest.raises(ItemError) as caught:
        unpack(stored, compression)
    return caught.value.kind


@pytest.mark.parametrize("compression", PACK)
def test_all_members_are_read(compression: str) -> None:
    packed = PACK[compression](DATA)
    assert unpack(packed, compression) == DATA
    assert unpack(packed + PACK[compression](b"") + packed, compression) == DATA * 2


@pytest.mark.parametrize("compression", PACK)
def test_a_truncated_stream_is_an_error_wherever_it_ends(compression: str) -> None:
    packed = PACK[compression](b"a line of text\n" * 20)
    for end in range(len(packed)):
        assert error_kind(packed[:end], compression) == "compression", end
        if end:
            assert error_kind(packed + packed[:end], compression) == "compression", end


@pytest.mark.parametrize("compression", PACK)
def test_a_wrong_checksum_is_an_error(compression: str) -> None:
    packed = bytearray(PACK[compression](RANDOM))
    packed[len(packed) // 2] ^= 1
    assert error_kind(bytes(packed), compression) == "compression"


@pytest.mark.parametrize("compression", PACK)
def test_trailing_garbage_is_an_error(compression: str) -> None:
    packed = PACK[compression](DATA)
    assert error_kind(packed + b"garbage", compression) == "compression"
    assert error_kind(packed + b"\0" * 1000 + b"garbage", compression) == "compression"


def test_zero_padding_after_gzip_is_allowed() -> None:
    assert unpack(gzip.compress(DATA) + b"\0" * 100_000, "gzip") == DATA
    assert error_kind(gzip.compress(DATA) + b"\0" * 10 + gzip.compress(DATA), "gzip") == "compression"


def test_skippable_zstd_frames_are_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert unpack(skippable + PACK["zstd"](b"text") + skippable, "zstd") == b"text"


@pytest.mark.parametrize("compression", PACK)
def test_a_bomb_is_stopped_soon_after_its_allowance(compression: str) -> None:
    packed = PACK[compression](b"\0" * (FREE_BYTES * 6))
    taken = 0

    def drain(stream: BinaryIO) -> None:
        nonlocal taken
        while block := stream.read(1 << 20):
            taken += len(block)

    # zlib cannot expand more than 1032 times: the factor is set below that.
    stream = decompressed(lambda: io.BytesIO(packed), compression, Limits(expansion=500))
    with stream, pytest.raises(ItemError, match="bomb"):
        drain(stream)
    assert taken <= FREE_BYTES + 2**26


@pytest.mark.parametrize("compression", PACK)
def test_what_expands_much_but_is_small_is_no_bomb(compression: str) -> None:
    data = b"\0" * (FREE_BYTES - 1)
    assert unpack(PACK[compression](data), compression, Limits(expansion=2)) == data


def test_a_zstd_window_over_the_cap_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert error_kind(packer.compress(b"x" * 100) + packer.flush(), "zstd") == "compression"


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("format", ["jsonl", "json", "txt", "csv"])
def test_every_text_format_reads_through_compression(compression: str, format: str) -> None:
    text = {"jsonl": b'{"a":1}\n' * 3, "json": b'[{"a":1}]', "txt": b"text", "csv": b"a,b\n1,2\n"}[format]
    facts = Facts()

    rows = list(
        singly(
            read(
                lambda: io.BytesIO(PACK[compression](text)),
                format,
                limits=Limits(),
                beat=Beats(),
                facts=facts,
                compression=compression,
            )
        )
    )
    assert rows
    assert all(isinstance(row, Record) for row in rows)
    assert facts.encoding == "utf-8"


def test_an_unknown_compression_is_unsupported() -> None:
    assert error_kind(os.urandom(10), "xz") == "unsupported"
