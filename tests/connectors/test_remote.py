"""Ranges of a remote object: what is asked for, and that what is read is what is there."""

import os
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors import remote
from dqv.connectors.objects import BLOCK_BYTES, Reads
from dqv.connectors.remote import RemoteObject, Whole
from dqv.core.errors import SourceError
from dqv.core.location import Location

HEADER = 16 * 1024


class There:
    """An object of zeros, or of some bytes, and the ranges that were asked for."""

    def __init__(self, size: int, data: bytes | None = None) -> None:
        self.size = size
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def fetch(self, start: int, stop: int) -> "Future[bytes]":
        self.asked.append((start, stop))
        found: Future[bytes] = Future()
        found.set_result(bytes(stop - start) if self.data is None else self.data[start:stop])
        return found

    def opened(self) -> RemoteObject:
        return RemoteObject(self.size, self.fetch, Whole(self.size, self.fetch))


@given(
    st.binary(min_size=1, max_size=5000),
    st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 3000)), max_size=20),
    st.sampled_from([HEADER, BLOCK_BYTES]),
)
def test_what_is_read_is_what_is_there(data: bytes, reads: list[tuple[int, int]], block: int) -> None:
    small = {"RANGE_BYTES": 700, "HEAD_BYTES": 300, "TAIL_BYTES": 500, "HELD_BYTES": 2000}
    with mock.patch.multiple(remote, **small):  # type: ignore[call-overload]  # names and numbers
        there = There(len(data), data)
        view = there.opened().view(Reads(), block)
        for at, size in reads:
            view.seek(at)
            assert view.read(size) == data[at : at + size]
    assert all(0 <= start < stop <= len(data) for start, stop in there.asked)


@pytest.mark.parametrize("index", [200_000, 700_000])
@pytest.mark.parametrize("first", [True, False], ids=["index first", "index last"])
def test_the_headers_of_a_large_video_take_at_most_four_requests_and_a_megabyte(
    index: int, first: bool
) -> None:
    """As an MP4 is read: its first boxes, its index from end to end, a picture of 100 kB at the first sample."""
    there, reads = There(700_000_000), Reads()
    view = there.opened().view(reads, HEADER)
    view.read(64)
    view.seek(64 if first else -index, os.SEEK_SET if first else os.SEEK_END)
    left = index
    while left > 0:
        left -= len(view.read(min(left, 8192)))
    view.seek(64 + index if first else 64)
    view.read(100_000)
    assert reads.requests <= 4
    assert reads.bytes <= 1_048_576


def test_an_object_that_is_read_twice_is_fetched_once() -> None:
    there, reads = There(20_000_000), Reads()
    object_ = there.opened()
    for _ in range(2):
        assert len(object_.view(reads).read()) == 20_000_000
    assert (reads.requests, reads.bytes) == (3, 20_000_000)


def test_a_large_object_is_not_held() -> None:
    size = 2 * remote.HELD_BYTES
    there = There(size)
    whole = Whole(size, there.fetch)
    view = RemoteObject(size, there.fetch, whole).view(Reads())
    while view.read(remote.RANGE_BYTES):
        assert len(whole._ranges) <= remote.HELD_BYTES // remote.RANGE_BYTES + 1


class Store(remote.Remote):
    """Objects of the sizes that their names say."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bytes] = []

    def listed(self):  # type: ignore[no-untyped-def]  # not asked here
        return iter(())

    async def _range(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        self.asked.append(path)
        return bytes(stop - start)


@pytest.mark.parametrize(
    ("size", "ahead"), [(10, remote.EXPECTED_OBJECTS), (remote.EXPECTED_BYTES // 4, 4), (100_000_000, 1)]
)
def test_objects_that_come_next_are_fetched_meanwhile_but_not_all_of_them(size: int, ahead: int) -> None:
    store = Store()
    objects = [(b"%d" % number, size, 0, "") for number in range(100)]
    store.expect(objects)
    with store.open(*objects[0]) as first:
        assert len(first.view(Reads()).read(1)) == 1
        assert list(store._coming) == [path for path, *_ in objects[1 : ahead + 1]]
    for each in objects[1:5]:
        with store.open(*each) as object_:
            assert len(object_.view(Reads()).read()) == size


def test_an_object_that_is_left_out_holds_nothing_up() -> None:
    store = Store()
    objects = [(b"%d" % number, 10, 0, "") for number in range(60)]
    store.expect(objects)
    store.open(*objects[0])
    store.open(*objects[40 - 9])  # thirty were poisoned
    assert list(store._coming) == [path for path, *_ in objects[32:60]]


def pages(*answers: Any) -> remote.Bucket:
    """A bucket whose store gives these pages of its list, one after the other."""
    bucket = remote.Bucket(Location(url="s3://bucket/set", region="us-east-1"), None)
    left = iter(answers)

    async def answer(*_: Any, **__: Any) -> Any:
        return next(left)

    bucket._files._call_s3 = answer
    return bucket


ENTRY = {"Key": "set/a.txt", "Size": 1, "LastModified": datetime(2025, 1, 1, tzinfo=UTC), "ETag": '"1"'}


def test_a_list_ends_with_the_page_that_names_no_next_one() -> None:
    first = {"Contents": [ENTRY], "IsTruncated": True, "NextContinuationToken": "1"}
    last = {"Contents": [{**ENTRY, "Key": "set/b.txt", "Size": 2**63 - 1}], "IsTruncated": False}
    assert [each.path for each in pages(first, last).listed()] == [b"a.txt", b"b.txt"]


@pytest.mark.parametrize(
    "page",
    [
        {"Contents": [ENTRY], "IsTruncated": True},
        {"Contents": [{**ENTRY, "Size": 2**63}]},
        {"Contents": [{**ENTRY, "Size": -1}]},
        *({"Contents": [{key: ENTRY[key] for key in ENTRY if key != name}]} for name in ENTRY),
    ],
)
def test_a_list_that_is_none_is_an_error_of_the_source(page: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="is no list"):
        list(pages(page).listed())


def test_a_list_without_end_is_an_error_of_the_source() -> None:
    page = {"Contents": [ENTRY], "IsTruncated": True, "NextContinuationToken": "1"}
    with pytest.raises(SourceError, match="same page twice"):
        list(pages(page, page, page).listed())


@pytest.mark.parametrize("unit", [" ", "<a ", "<a x", " href", " href=", '<a href="', "\n"])
def test_a_page_made_to_be_slow_is_searched_for_links_at_once(unit: str) -> None:
    page = "<a" + unit * (2**20 // len(unit)) + "<a class='x' href = 'b.txt'>b</a><a HREF=\"c.txt\">"
    started = time.process_time()
    assert remote._LINK.findall(page)[-2:] == ["b.txt", "c.txt"]
    assert time.process_time() - started < 5
