"""Content-defined paragraphs: they cover the text, and their bounds depend on what is around them alone."""

import itertools
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup.paragraphs import LEAST, MOST, cut
from dqv.neardup.sketch import sketch
from dqv.neardup.tokens import shingle, shingle_sets, tables, tokenise


def data_of(text: str) -> Any:
    return np.frombuffer(text.encode() or b"\0", np.uint8)


def cuts(text: str, **options: Any) -> list[int]:
    return [int(each) for each in cut(data_of(text), 0, len(text.encode()), **options)]


def pieces(text: str) -> list[str]:
    data, bounds = text.encode(), cuts(text)
    return [data[a:b].decode() for a, b in itertools.pairwise(bounds)]


def english(seed: int, count: int) -> str:
    return " ".join(f"word{each}" for each in Random(seed).choices(range(5000), k=count))


def chinese(seed: int, count: int) -> str:
    return "".join(chr(0x4E00 + each) for each in Random(seed).choices(range(3000), k=count))


@given(
    st.lists(
        st.sampled_from(
            ["a", "é", "数", "数据", "𠀾", " ", "\n", "。", "ab cd ", "\u0301", "ß", "x" * 50, " " * 70]
        ),
        min_size=1,
    ),
    st.integers(1, 2000),
)
def test_paragraphs_cover_the_text_and_cut_no_character(chosen: list[str], times: int) -> None:
    text = "".join(chosen) * (times // len(chosen) + 1)
    found = pieces(text)
    assert "".join(found) == text
    assert all(found)
    tokens = sketch(data_of(text), np.array(cuts(text)))[0].tolist()
    assert all(each <= MOST for each in tokens)
    assert all(each >= LEAST for each in tokens[:-1]) or len(text.encode()) > 1 << 16


@pytest.mark.parametrize("write", [english, chinese])
def test_paragraphs_hold_so_many_tokens(write: Any) -> None:
    text = write(1, 200_000)
    tokens = sketch(data_of(text), np.array(cuts(text)))[0]
    assert tokens.sum() == 200_000, "no token is cut"
    assert tokens[:-1].min() >= LEAST
    assert tokens.max() <= MOST
    assert 230 < tokens.mean() < 280


@pytest.mark.parametrize("write", [english, chinese])
def test_an_inserted_chapter_moves_no_boundary_behind_it(write: Any) -> None:
    text, chapter = write(1, 60_000), write(2, 3000)
    at = len(text) // 3
    while text[at] not in " " and write is english:
        at += 1
    before, after = set(pieces(text)), set(pieces(text[:at] + " " + chapter + text[at:]))
    assert len(before - after) <= 3
    assert len(before) > 150


def test_case_width_spaces_and_lines_move_no_boundary() -> None:
    text = english(3, 20_000)
    other = text.upper().replace(" ", "\r\n  ").replace("W", "Ｗ")
    assert len(pieces(text)) == len(pieces(other)) > 50
    for one, two in zip(pieces(text), pieces(other), strict=True):
        values, ends = shingle_sets(data_of(one + two), np.array([0, len(one), len((one + two).encode())]))
        assert values[: ends[1]].tolist() == values[ends[1] :].tolist()


def test_what_holds_no_token_is_cut_by_bytes() -> None:
    assert [len(each) for each in pieces("." * 150_000)] == [65_536, 65_536, 18_928]
    assert [len(each) for each in pieces("x" * 150_000)] == [65_536, 65_536, 18_928]
    assert pieces("。" * 30_000) == ["。" * 21_845, "。" * 8155], "no character is cut"


def test_a_text_lies_anywhere_in_the_data() -> None:
    text = english(4, 5000)
    data = data_of("数据" + text + "tail")
    assert (cut(data, 6, 6 + len(text)) - 6).tolist() == cuts(text)


def test_traditional_characters_may_bound_as_simplified_ones() -> None:
    simple = chinese(5, 20_000)
    text = "体汉语" + simple + "转换" * 9
    other = "體漢語" + simple + "轉換" * 9
    assert cuts(text, simplified=True) == cuts(other, simplified=True)


def test_windows_change_no_boundary() -> None:
    text = english(6, 50_000)
    assert len(text) > 4 * (1 << 16)
    tokens = sketch(data_of(text), np.array(cuts(text)))[0]
    assert tokens.tolist() == definition(text)


def definition(text: str) -> list[int]:
    """Tokens of the paragraphs, from all shingles at once."""
    data = data_of(text)
    tokens, hashes = np.empty(data.size, np.uint64), np.empty(data.size, np.uint64)
    count = tokenise(data, 0, data.size, *tables(), tokens)
    shingle(tokens, count, hashes)
    found, held = [], 0
    for t in range(count):
        held += 1
        drawn = t >= 4 and held >= LEAST and hashes[t - 4] % 192 == 0
        if drawn or held == MOST or t == count - 1:
            found.append(held)
            held = 0
    return found
