"""The search for duplicates, cut into partitions, buckets and bins: the answer of the sequential definition."""

import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.engine import list_source
from dqv.execute import manifest
from dqv.neardup import sketch
from dqv.neardup.paragraphs import cut
from dqv.neardup.tokens import shingle_sets
from dqv.stages import duplicates, planted, witness
from tests.neardup.test_linkage import components
from tests.neardup.test_surplus import buckets, corpora, documents, near, sequential
from tests.stages.calls import beat, pieces, read, repeated, surplus, surplus_and_linked


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


def test_datasketch_is_asked_of_what_can_be_read_again_and_agrees(tmp_path: Path) -> None:
    """Lines of a file are read alone; what another file says of them would be seen."""
    words = [[*range(100), *([1000 + n] * n)] for n in range(6)]
    where = write(tmp_path / "source", words, [3])
    surplus(tmp_path / "source", tmp_path / "out")
    objects = pieces(tmp_path / "source")
    listing = list_source([located(str(tmp_path / "source"))], tmp_path / "listing.parquet")
    entry = manifest.Entry(**{name: objects[0][name] for name in manifest.Entry.__slots__})
    first = manifest.write(
        [replace(entry, path=objects[0]["path"].encode("latin-1"))], tmp_path / "first.parquet"
    )
    table = tmp_path / "out" / "settle-0" / "surplus-0.parquet"
    pairs = witness.text_pairs(table, listing, 7)
    assert [where[pair["object"], pair["place"]] for pair in pairs] == [1, 2, 3, 4, 5]
    assert witness.text_pairs(table, first, 7) == pairs[:2]
    pairs[0]["shared"] = pairs[0]["of"] // 2
    args = {
        "source": as_args([located(str(tmp_path / "source"))]),
        "measuring": Measuring().model_dump(mode="json"),
        "pieces": objects,
        "pairs": pairs,
    }
    (tmp_path / "retold").mkdir()
    witness.retell(args, tmp_path / "retold", beat())
    rows = read(tmp_path / "retold", "retold")
    assert [row["agrees"] for row in rows] == [False, True, True, True, True]
    assert max(abs(float(row["ours"]) - float(row["theirs"])) for row in rows[1:]) < 0.1


def test_planted_copies_are_found_behind_the_data(tmp_path: Path) -> None:
    planted.plant(tmp_path / "planted", ["audio", "image", "text"])
    names = sorted(path.name for path in (tmp_path / "planted").iterdir())
    found = surplus(tmp_path / "planted", tmp_path / "out")
    assert [names[row["object"]] for row in found] == [name for name in names if planted.is_copy(name)]
    firsts = [names[row["original_object"]].partition("first")[0] for row in found]
    assert firsts == [names[row["object"]].partition("second")[0] for row in found]


# Paragraphs ---------------------------------------------------------------------------------------------


def repeats(
    texts: list[str],
    ends: list[int],
    cuts: list[int],
    bucket_rows: int = 10**6,
    bin_items: int = 10**6,
    **near: Any,
) -> dict[tuple[int, int | None], tuple[int, int | None]] | None:
    """What repeats what: number of a text, and the first byte of a paragraph or None for a text that is not long."""
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(duplicates, "BUCKET_ROWS", bucket_rows),
        mock.patch.object(duplicates, "BIN_ITEMS", bin_items),
    ):
        source = Path(name) / "source"
        where: dict[tuple[int, int], int] = {}
        source.mkdir()
        for number, (a, b) in enumerate(itertools.pairwise([0, *ends, len(texts)])):
            lines = [json.dumps({"text": text}) + "\n" for text in texts[a:b]]
            (source / f"{number:03d}.jsonl").write_text("".join(lines))
            where |= {(number, sum(map(len, lines[:line]))): a + line for line in range(len(lines))}
        found = repeated(source, Path(name) / "out", cuts, **near)
    if found is None:
        return None
    rows, whole = found
    assert whole == sum(len(text.encode()) for text in texts)
    return {
        (where[row["object"], row["place"]], row["part"]): (
            where[row["original_object"], row["original_place"]],
            row["original_part"],
        )
        for row in rows
    }


@st.composite
def long_corpora(draw: Any) -> tuple[list[str], list[int], list[int]]:
    """Texts of chapters, many of which stand in several of them, some of them changed; and chapters of their own."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chapters = [rng.integers(0, 5000, int(rng.integers(80, 500))) for _ in range(6)]
    texts = []
    for _ in range(int(rng.integers(2, 8))):
        parts = []
        for number in rng.integers(0, len(chapters), int(rng.integers(1, 5))):
            part = chapters[number].copy()
            part[rng.integers(0, part.size, int(rng.choice([0, 2, 20])))] = 9999
            parts.append(part)
        texts.append(" ".join(f"w{word}" for word in np.concatenate(parts)))
    ends = sorted(draw(st.sets(st.integers(1, len(texts) - 1), max_size=3)))
    cuts = sorted(draw(st.sets(st.integers(1, len(ends)), max_size=2))) if ends else []
    return texts, ends, cuts


@given(long_corpora(), st.sampled_from([7, 10**6]), st.sampled_from([1, 10**6]))
@settings(max_examples=20, deadline=None)
def test_repeated_paragraphs_are_those_of_the_definition(
    made: tuple[list[str], list[int], list[int]], bucket_rows: int, bin_items: int
) -> None:
    texts, ends, cuts = made
    short = [(number, None) for number, text in enumerate(texts) if len(text) <= 1000]
    units: list[tuple[int, int | None]] = [*short]
    contents = [texts[number] for number, _ in short]
    for number, text in enumerate(texts):
        if len(text) > 1000:
            bounds = cut(np.frombuffer(text.encode(), np.uint8), 0, len(text))
            units += [(number, int(a)) for a in bounds[:-1]]
            contents += [text[a:b] for a, b in itertools.pairwise(bounds)]
    data = np.frombuffer("".join(contents).encode(), np.uint8)
    offsets = np.cumsum([0, *map(len, contents)]).astype(np.int64)
    values, at = shingle_sets(data, offsets)
    sets = [frozenset(values[a:b].tolist()) for a, b in itertools.pairwise(at)]
    fate = sequential(sets, buckets(sketch.band_keys(sketch.sketch(data, offsets)[2])))
    found = repeats(texts, ends, cuts, bucket_rows, bin_items)
    if len(short) == len(texts):
        assert found is None
        return
    assert found is not None
    assert set(found) == {units[mine] for mine, each in enumerate(fate) if each >= 0}
    number_of = {unit: number for number, unit in enumerate(units)}
    for mine, original in found.items():
        assert fate[number_of[original]] < 0
        assert near(sets[number_of[mine]], sets[number_of[original]])


WORDS = [f"word{number}" for number in range(20_000)]


def test_a_chapter_in_two_long_texts_is_found_wherever_it_stands() -> None:
    chapter = " ".join(WORDS[:3000])
    first = " ".join([*WORDS[5000:6000], chapter, *WORDS[6000:6500]])
    second = " ".join([*WORDS[7000:9777], chapter, *WORDS[9777:9900]])
    found = repeats([first, second], [1], [1])
    assert found is not None
    assert {number for number, _ in found} == {1}
    assert 8 <= len(found) <= 16, "a paragraph has some 256 tokens"


def test_a_paragraph_repeats_a_short_text_whichever_comes_first() -> None:
    long = " ".join(WORDS[:3000])
    bounds = cut(np.frombuffer(long.encode(), np.uint8), 0, len(long))
    a, b = next((a, b) for a, b in itertools.pairwise(bounds.tolist()) if b - a <= 1000)
    assert repeats([long, long[a:b].strip()], [], []) == {(0, a): (1, None)}


def test_no_long_text_has_no_paragraphs() -> None:
    assert repeats([" ".join(WORDS[:80])] * 3, [], []) is None


def test_paragraphs_fold_traditional_characters_where_asked_for() -> None:
    rng = np.random.default_rng(3)
    simple = "".join(
        np.array(list("网际资料库连线设定说明这个软件执行错误讯息显示目录档案"))[rng.integers(0, 26, 2000)]
    )
    traditional = simple.translate(
        str.maketrans("网际资库连线设说这个软执错误讯显录档", "網際資庫連線設說這個軟執錯誤訊顯錄檔")
    )
    folded, raw = (repeats([simple, traditional], [], [], simplified=each) for each in (True, False))
    assert folded is not None
    assert {number for number, _ in folded} == {1}
    assert raw == {}


def test_texts_fold_traditional_characters_where_asked_for(tmp_path: Path) -> None:
    texts = ["這是關於資料庫連線設定的說明", "这是关于资料库连线设定的说明"]
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    found = [
        len(surplus_and_linked(tmp_path / "source", tmp_path / f"out{each}", simplified=each)[0])
        for each in (True, False)
    ]
    assert found == [1, 0]
