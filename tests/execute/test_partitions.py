import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.execute import manifest, partitions
from dqv.execute.manifest import Entry, Listing
from dqv.execute.partitions import TARGET_BYTES, Range, byte_spans, cut, group_spans, is_large, pieces

SIZES = st.lists(st.integers(0, 5 * TARGET_BYTES), max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("listing")


def listed(folder: Path, sizes: list[int], ignored: frozenset[int] = frozenset()) -> Listing:
    """Objects of these sizes, with names that are no text."""
    entries = [
        Entry(
            b"\xff%04d" % number,
            size,
            0,
            "",
            "ignored" if number in ignored else "data",
            "",
            None,
            "jsonl",
            None,
        )
        for number, size in enumerate(sizes)
    ]
    return manifest.write(entries, folder / "listing.parquet")


def tasks(listing: Listing) -> list[tuple[Range, list[dict[str, Any]]]]:
    """Every task, and what its child reads."""
    spans = {
        row["object"]: byte_spans(row["size_bytes"])
        for rows in listing.batches()
        for row in rows.to_pylist()
        if is_large(row["size_bytes"])
    }
    return [(each, read(listing, each)) for each in cut(listing, spans)]


def read(listing: Listing, task: Range) -> list[dict[str, Any]]:
    return pieces({"listing": str(listing.path), **task.as_args()})


@given(SIZES, st.frozensets(st.integers(0, 60)))
def test_every_byte_is_read_once_and_every_object_hashed_once(
    folder: Path, sizes: list[int], ignored: frozenset[int]
) -> None:
    found = [piece for _, mine in tasks(listed(folder, sizes, ignored)) for piece in mine]
    for number, size in enumerate(sizes):
        mine = [piece for piece in found if piece["object"] == number]
        hashed = [piece for piece in mine if piece["read"] in ("whole", "digest")]
        assert len(hashed) == (number not in ignored)
        spans = [piece["span"] for piece in mine if piece["read"] == "span"]
        if spans:
            assert spans[0][0] == 0
            assert spans[-1][1] == size
            assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
        elif hashed:
            assert mine[0]["read"] == "whole"


@given(SIZES)
def test_tasks_keep_the_canonical_order_and_their_size(folder: Path, sizes: list[int]) -> None:
    found = tasks(listed(folder, sizes))
    order = [
        (piece["object"], piece["span"]) for _, mine in found for piece in mine if piece["read"] != "digest"
    ]
    assert order == sorted(order)
    assert [each.read for each, _ in found] == sorted((each.read for each, _ in found), reverse=True)
    for task, mine in found:
        work = sum(piece["work"] or piece["size_bytes"] for piece in mine if piece["read"] != "digest")
        assert task.work == work
        assert len(mine) == 1 or work <= TARGET_BYTES


def test_small_files_are_packed_up_to_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "MOST_OBJECTS", 10)
    found = tasks(listed(tmp_path, [1] * 26, frozenset({3})))
    assert [len(mine) for _, mine in found] == [10, 10, 5]
    assert [(task.first, task.stop) for task, _ in found] == [(0, 11), (11, 21), (21, 26)]


@given(st.lists(st.integers(1, 2 * TARGET_BYTES), min_size=1, max_size=40))
def test_row_groups_are_each_in_one_span(sizes: list[int]) -> None:
    spans = group_spans(sizes)
    assert [number for start, stop, _ in spans for number in range(start, stop)] == list(range(len(sizes)))
    assert sum(work for _, _, work in spans) == sum(sizes)


def test_path_bytes_survive_the_way_to_the_child(tmp_path: Path) -> None:
    ((_, mine),) = tasks(listed(tmp_path, [5]))
    assert mine[0]["path"].encode("latin-1") == b"\xff0000"


def test_what_a_task_is_called_depends_on_its_rows_alone(tmp_path: Path) -> None:
    before = [task for task, _ in tasks(listed(tmp_path, [TARGET_BYTES, 1, TARGET_BYTES]))]
    after = [task for task, _ in tasks(listed(tmp_path, [TARGET_BYTES, 2, TARGET_BYTES]))]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_a_listing_that_changed_is_refused_by_the_child(tmp_path: Path) -> None:
    listing = listed(tmp_path, [1, 1])
    (task,) = cut(listing, {})
    assert [piece["object"] for piece in read(listing, task)] == [0, 1]
    listed(tmp_path, [1, 2])
    with pytest.raises(ValueError, match="not the one that this task was cut from"):
        read(listing, task)


def test_where_only_headers_are_read_many_large_objects_are_one_task(folder: Path) -> None:
    listing = listed(folder, [10 * TARGET_BYTES] * 300)
    assert [each.stop - each.first for each in cut(listing, {}, TARGET_BYTES // 100)] == [100, 100, 100]


@pytest.mark.parametrize(
    ("locator", "plain", "stream"),
    [
        (None, True, ""),
        ("tar:512:100", True, ""),
        ("tar:512:9000/zip:40:0:10:10:5", True, ""),
        ("zip:40:8:10:99:5", False, ""),
        ("gzip/tar:512:100", False, "gzip/"),
        ("tar:512:9000/zstd/tar:1024:5", False, "tar:512:9000/zstd/"),
    ],
)
def test_what_is_stored_plainly_can_be_split_and_what_is_decompressed_as_one_cannot(
    locator: str | None, plain: bool, stream: str
) -> None:
    assert partitions.is_plain(locator) is plain
    assert partitions._stream(locator) == stream


def member(container: int, locator: str, size: int) -> dict[str, Any]:
    return {
        "path": b"x", "size_bytes": size, "mtime_ns": 0, "identity": "", "role": "data", "why": "", "format": "txt",
        "container": container, "locator": locator,
    }  # fmt: skip


def archives(folder: Path, sizes: list[int], members: list[dict[str, Any]]) -> Listing:
    """A listing of archives of these sizes, expanded by members."""
    entries = [
        Entry(b"%04d.tar" % number, size, 0, "", "container", "archive-tar", None, "tar", "gzip")
        for number, size in enumerate(sizes)
    ]
    table = pa.Table.from_pylist(members, manifest._ENTRIES)
    found = manifest.write(entries, folder / "archives.parquet")
    return manifest.expanded(found, [table.slice(0, 1), table.slice(1)], folder / "expanded.parquet")


@pytest.mark.parametrize(("step", "count"), [("gzip/tar", 1), ("tar", 4)])
def test_members_of_what_is_compressed_as_one_stay_in_one_task(folder: Path, step: str, count: int) -> None:
    members = [member(0, f"{step}:{number}:1", TARGET_BYTES // 2 + 1) for number in range(4)]
    ranges = list(cut(archives(folder, [10], members), {}))
    assert len(ranges) == count


def test_the_digest_of_a_large_archive_is_a_task_of_its_own(folder: Path) -> None:
    listing = archives(folder, [2 * TARGET_BYTES], [member(0, "tar:512:1", 1)])
    records, digest = list(cut(listing, {}))
    assert [(piece["object"], piece["read"]) for piece in read(listing, records)] == [(1, "whole")]
    assert [(piece["object"], piece["read"]) for piece in read(listing, digest)] == [(0, "digest")]
    (piece,) = read(listing, records)
    assert (piece["outer"]["object"], piece["outer"]["path"]) == (0, "0000.tar")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 7))
def test_members_stand_behind_their_archive_and_name_it(folder: Path, counts: list[int], block: int) -> None:
    entries = [
        Entry(b"%04d" % number, 1, 0, "", "container" if count else "data", "", None, "tar", None)
        for number, count in enumerate(counts)
    ]
    members = [
        member(number, f"tar:{each}:1", 1) | {"path": b"%04d/%d" % (number, each)}
        for number, count in enumerate(counts)
        for each in range(count)
    ]
    table = pa.Table.from_pylist(members, manifest._ENTRIES)
    blocks = (table.slice(at, block) for at in range(0, table.num_rows, block))
    listing = manifest.write(entries, folder / "some.parquet")
    found = manifest.expanded(listing, blocks, folder / "more.parquet")
    rows = [row for part in found.batches() for row in part.to_pylist()]
    expected = [
        path
        for number, count in enumerate(counts)
        for path in (b"%04d" % number, *(b"%04d/%d" % (number, each) for each in range(count)))
    ]
    assert [row["path"] for row in rows] == expected
    assert [row["object"] for row in rows] == list(range(len(expected)))
    for row in rows:
        if row["container"] is not None:
            assert rows[row["container"]]["path"] == row["path"].partition(b"/")[0]
