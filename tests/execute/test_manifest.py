from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.execute import manifest
from dqv.execute.manifest import Entry, Listing, between, write


def entry(path: bytes, identity: str = "", size: int = 1) -> Entry:
    return Entry(path, size, 0, identity or path.hex(), "data", "format-txt", "text", "txt", None)


def rows(listing: Listing) -> list[dict[str, Any]]:
    return [row for batch in listing.batches() for row in batch.to_pylist()]


def column(listing: Listing, name: str) -> list[Any]:
    return [row[name] for row in rows(listing)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("listing")


@given(st.permutations([b"b", b"a", b"a/b", b"\xff", "é".encode(), b"B"]))
def test_the_order_of_listing_does_not_matter(folder: Path, paths: list[bytes]) -> None:
    listing = write(map(entry, paths), folder / "listing.parquet")
    assert column(listing, "path") == sorted(paths)
    assert column(listing, "object") == list(range(len(paths)))


@given(st.data())
def test_neither_the_order_nor_the_memory_changes_a_byte_of_the_file(
    folder: Path, data: st.DataObject
) -> None:
    names = st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.integers(0, 9)), max_size=60)
    entries = [entry(path, f"1:{inode}") for path, inode in dict(data.draw(names)).items()]
    first = write(entries, folder / "first.parquet")
    other = write(
        data.draw(st.permutations(entries)),
        folder / "other.parquet",
        run_bytes=data.draw(st.integers(0, 3000)),
    )
    assert replace(first, path=other.path) == other
    assert first.path.read_bytes() == other.path.read_bytes()
    by_name = sorted(entries, key=lambda each: each.path)
    kept = {each.identity: each.path for each in reversed(by_name)}
    assert [row["path"] for row in rows(first) if row["role"] == "data"] == sorted(kept.values())
    assert {path.name for path in folder.iterdir()} <= {"first.parquet", "other.parquet", "listing.parquet"}


def test_a_second_name_of_the_same_file_is_ignored(tmp_path: Path) -> None:
    listing = write([entry(b"b", "1:7"), entry(b"a", "1:7"), entry(b"c", "1:8")], tmp_path / "l.parquet")
    assert column(listing, "role") == ["data", "ignored", "data"]
    assert column(listing, "why")[1] == "hard-link"
    assert listing.counts == {("data", "text"): 2, ("ignored", None): 1}


def test_a_file_of_many_names_is_kept_once_whatever_fits_into_memory(tmp_path: Path) -> None:
    names = [entry(b"%05d" % number, "1:7") for number in range(3000)]
    for run_bytes in (20_000, 1 << 30):
        assert write(names, tmp_path / "l.parquet", run_bytes=run_bytes).counts["data", "text"] == 1


def test_data_is_not_hidden_behind_another_name_of_its_file(tmp_path: Path) -> None:
    licence = Entry(b"LICENSE", 1, 0, "1:7", "licence", "licence-name", None, None, None)
    link = Entry(b".link", 1, 0, "1:7", "ignored", "symbolic-link", None, None, None)
    listing = write([licence, link, entry(b"old.jsonl", "1:7")], tmp_path / "l.parquet")
    assert column(listing, "role") == ["ignored", "licence", "data"]


def test_names_without_an_identity_are_different_files(tmp_path: Path) -> None:
    same = replace(entry(b"a"), identity="")
    listing = write([same, replace(same, path=b"b")], tmp_path / "l.parquet")
    assert column(listing, "role") == ["data", "data"]


def test_the_digest_tells_size_time_and_name(tmp_path: Path) -> None:
    def digest(entries: Iterable[Entry]) -> str:
        return write(entries, tmp_path / "l.parquet").digest

    first = entry(b"a", "1:1")
    others = [
        entry(b"b", "1:1"),
        replace(first, size_bytes=7),
        replace(first, mtime_ns=7),
        replace(first, identity="1:2"),
        replace(first, role="metadata"),
    ]
    assert digest([first]) == digest([first])
    assert len({digest([each]) for each in [first, *others]}) == 6


@given(
    st.lists(
        st.tuples(st.binary(max_size=4), st.text("0\0", max_size=3)), min_size=2, max_size=2, unique=True
    )
)
def test_different_rows_give_different_lines(folder: Path, names: list[tuple[bytes, str]]) -> None:
    listings = [
        write([replace(entry(path), identity=identity)], folder / "listing.parquet")
        for path, identity in names
    ]
    assert listings[0].digest != listings[1].digest


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 20])
def test_a_range_is_read_from_its_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(manifest, "ROW_GROUP_ROWS", 7)
    listing = write([entry(b"%02d" % number) for number in range(count)], tmp_path / "l.parquet", first=5)
    numbers = list(range(5, 5 + count))
    assert column(listing, "object") == numbers
    assert {number: row["object"] for number, row in listing.rows(reversed(numbers)).items()} == {
        number: number for number in numbers
    }
    for first in numbers:
        for stop in range(first, 6 + count):
            found = [n for batch in between(listing.path, first, stop) for n in batch["object"].to_pylist()]
            assert found == list(range(first, min(stop, 5 + count)))
