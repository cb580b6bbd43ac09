"""Members of archives as objects: what is read of an archive counts for the member that is read."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqv.connectors import members
from dqv.connectors.containers.archives import Member, index
from dqv.connectors.local import Folder
from dqv.connectors.objects import BLOCK_BYTES, Reads, Stored
from dqv.core.settings import Limits

CONTENTS = {b"a.bin": b"a" * 3_000_000, b"b.bin": b"b" * 5_000_000}


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    members.close_archives()


def tick() -> None:
    pass


def packed(folder: Path, compression: str | None) -> dict[bytes, Stored]:
    """The members of an archive, each opened."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, data in CONTENTS.items():
            member = tarfile.TarInfo(name.decode())
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    data = sink.getvalue() if compression is None else gzip.compress(sink.getvalue(), 0)
    (folder / "x").write_bytes(data)
    store = Folder(str(folder))
    (listed,) = store.listed()
    outer = (listed.path, listed.size_bytes, listed.mtime_ns, listed.identity)
    found = list(index(io.BytesIO(data), "tar", compression, len(data), Limits(), tick))
    return {
        each.path: members.open_member(
            store, outer, each.locator, each.size_bytes, Limits(), tick, BLOCK_BYTES, streams=False
        )
        for each in found
        if isinstance(each, Member)
    }


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_what_is_read_of_an_archive_counts_for_the_member(tmp_path: Path, compression: str | None) -> None:
    counted = {}
    for name, member in packed(tmp_path, compression).items():
        reads = Reads()
        assert member.view(reads).read() == CONTENTS[name]
        counted[name] = reads.bytes
        assert reads.requests > 0
    for name, size in counted.items():
        assert abs(size - len(CONTENTS[name])) <= 2 * BLOCK_BYTES, name
