"""Ranges of a remote object: what is asked for, and that what is read is what is there."""

import os
from concurrent.futures import Future
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors import remote
from dqv.connectors.objects import BLOCK_BYTES, Reads
from dqv.connectors.remote import RemoteObject, Whole

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
