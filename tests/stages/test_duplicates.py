"""The search for duplicates, cut into partitions, buckets and bins: the answer of the sequential definition."""

import itertools
import json
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.neardup import sketch
from dqv.neardup.tokens import shingle_sets
from dqv.stages import duplicates
from tests.neardup.test_linkage import components
from tests.neardup.test_surplus import buckets, corpora, documents, near, sequential
from tests.stages.calls import surplus, surplus_and_linked


def write(folder: Path, words: list[list[int]], ends: list[int]) -> dict[tuple[int, int], int]:
    """The documents as lines of files, which end before these documents: file and first byte → document."""
    folder.mkdir()
    where: dict[tuple[int, int], int] = {}
    for number, (a, b) in enumerate(itertools.pairwise([0, *ends, len(words)])):
        lines = [json.dumps({"text": " ".join(f"w{word}" for word in each)}) + "\n" for each in words[a:b]]
        (folder / f"{number:03d}.jsonl").write_text("".join(lines))
        where |= {(number, sum(map(len, lines[:line]))): a + line for line in range(len(lines))}
    return where


def found(
    words: list[list[int]],
    ends: list[int],
    cuts: list[int],
    bucket_rows: int,
    bin_items: int,
    slots: int = 128,
) -> list[int]:
    """For each document the one it repeats, or −1; −2 where it is kept and linked with an earlier one."""
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(duplicates, "BUCKET_ROWS", bucket_rows),
        mock.patch.object(duplicates, "BIN_ITEMS", bin_items),
    ):
        where = write(Path(name) / "source", words, ends)
        fate = [-1] * len(words)
        repeated, linked = surplus_and_linked(Path(name) / "source", Path(name) / "out", cuts, slots=slots)
        for row in repeated:
            mine = where[row["object"], row["place"]]
            fate[mine] = where[row["original_object"], row["original_place"]]
        for row in linked:
            assert row["certain"]
            assert fate[where[row["object"], row["place"]]] == -1
            fate[where[row["object"], row["place"]]] = -2
    return fate


@st.composite
def cut_corpora(draw: Any) -> tuple[list[list[int]], list[int], list[int], int, int]:
    words = draw(corpora())
    words += [words[int(at)] for at in draw(st.lists(st.integers(0, len(words) - 1), max_size=4))]
    ends = sorted(draw(st.sets(st.integers(1, len(words) - 1), max_size=4)))
    cuts = sorted(draw(st.sets(st.integers(1, len(ends)), max_size=3))) if ends else []
    return words, ends, cuts, draw(st.sampled_from([7, 100, 10**6])), draw(st.sampled_from([1, 5, 10**6]))


@given(cut_corpora(), st.sampled_from([128, 256]))
@settings(max_examples=25, deadline=None)
def test_partitions_buckets_and_bins_change_nothing(
    made: tuple[list[list[int]], list[int], list[int], int, int], slots: int
) -> None:
    words, ends, cuts, bucket_rows, bin_items = made
    data, offsets = documents(words)
    values, at = shingle_sets(data, offsets)
    sets = [frozenset(values[a:b].tolist()) for a, b in itertools.pairwise(at)]
    _, _, sketches = sketch.sketch(data, offsets, slots)
    fate = found(words, ends, cuts, bucket_rows, bin_items, slots)
    bucket = buckets(sketch.band_keys(sketches))
    expected, first = sequential(sets, bucket), components(sets, bucket)
    assert [each == -2 for each in fate] == [
        expected[mine] < 0 and first[mine] != mine for mine in range(len(sets))
    ]
    assert [each >= 0 for each in fate] == [each >= 0 for each in expected]
    assert all(fate[each] < 0 and near(sets[mine], sets[each]) for mine, each in enumerate(fate) if each >= 0)
    assert found(words, [], [], 10**6, 10**6, slots) == fate


@pytest.mark.parametrize("bucket_rows", [10, 10**6])
def test_a_copy_of_a_surplus_item_repeats_what_that_one_repeats(bucket_rows: int) -> None:
    first = list(range(200))
    changed = [*range(199), 999]
    assert found([first, changed, changed, first], [1, 3], [1, 2], bucket_rows, 1) == [-1, 0, 0, 0]


def test_nothing_to_compare_gives_no_surplus() -> None:
    assert found([[1]], [], [], 10, 1) == [-1]


def test_equal_documents_cost_one_row_each_and_no_pairs(tmp_path: Path) -> None:
    """A crowd of equals is collapsed before any sketch is compared."""
    count = 20_000
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.jsonl").write_text(
        '{"text": "the same words in every document of them all"}\n' * count
    )
    rows = surplus(tmp_path / "source", tmp_path / "out")
    assert len(rows) == count - 1
    assert {(row["original_place"], row["verified"]) for row in rows} == {(0, "payload")}
