import fnmatch
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure.globs import MOST_CHARACTERS, MOST_WILD, expression, literal


def matches(glob: str, path: str, *, crosses: bool) -> bool:
    found = expression(glob, crosses=crosses)
    assert found is not None
    return bool(pl.Series([path]).str.contains(rf"\A(?s:{found})\z")[0])


@pytest.mark.parametrize(
    ("glob", "path", "croissant", "hugging_face"),
    [
        ("data/*.csv", "data/a.csv", True, True),
        ("data/*.csv", "data/b/a.csv", True, False),
        ("data/*.csv", "data/a.csv.gz", False, False),
        ("data/*.csv", "x/data/a.csv", False, False),
        ("*.csv", ".csv", True, True),
        ("**/*.csv", "a.csv", True, True),
        ("**/*.csv", "a/b/a.csv", True, True),
        ("a/**/b", "a/b", True, True),
        ("a/**/b", "a/x/y/b", True, True),
        ("a/**/b", "a/xb", False, False),
        ("a/**", "a/b/c", True, True),
        ("a/**", "ab", False, False),
        ("a**", "abc", True, True),
        ("a**", "a/b", True, False),
        ("part-?.txt", "part-7.txt", True, True),
        ("a?b", "a/b", True, False),
        ("[ab]", "b", True, True),
        ("[!ab]", "b", False, False),
        ("[a-c]x", "bx", True, True),
        ("[z-a]", "z", False, False),
        ("[!z-a]", "z", True, True),
        ("[]x]", "]", True, True),
        ("[!]x]", "y", True, True),
        ("[a", "[a", True, True),
        ("[a-]", "-", True, True),
        ("数据/*.文", "数据/甲.文", True, True),
        ("a.b", "axb", False, False),
        ("A", "a", False, False),
        ("a{b,c}", "ab", False, False),
        ("a\nb*", "a\nbc", True, True),
        ("", "", True, True),
    ],
)
def test_patterns_mean_what_their_standards_say(
    glob: str, path: str, croissant: bool, hugging_face: bool
) -> None:
    assert matches(glob, path, crosses=True) == croissant
    assert matches(glob, path, crosses=False) == hugging_face


_PIECES = st.lists(
    st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", "/", ".", "\\", "(", "+"]), max_size=8
)


@given(_PIECES.map("".join), st.text("ab/.\\(+", max_size=8))
def test_what_fnmatch_finds_is_found_where_star_passes_folders(glob: str, path: str) -> None:
    glob = glob.replace("**", "*")
    assert matches(glob, path, crosses=True) == fnmatch.fnmatchcase(path, glob)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_pattern_compiles_and_a_literal_is_itself(glob: str, path: str) -> None:
    for crosses in (False, True):
        matches(glob, path, crosses=crosses)
    assert bool(pl.Series([path]).str.contains(rf"\A{literal(path)}\z")[0])


@pytest.mark.parametrize("char", ["*a", "?", "[ab]"])
def test_how_much_a_pattern_holds_is_bounded(char: str) -> None:
    assert expression(char * MOST_WILD, crosses=True) is not None
    assert expression(char * (MOST_WILD + 1), crosses=True) is None
    assert expression("a" * MOST_CHARACTERS, crosses=True) is not None
    assert expression("a" * (MOST_CHARACTERS + 1), crosses=True) is None


@pytest.mark.parametrize("glob", ["*a" * MOST_WILD, "*a" + "?" * (MOST_WILD - 1), "*[ab]" * (MOST_WILD // 2)])
def test_hostile_patterns_take_little_time(glob: str) -> None:
    found = expression(glob, crosses=True)
    names = pl.Series(["a" * 4000 + "b"] * 100)
    began = time.process_time()
    names.str.contains(rf"\A(?s:{found})\z")
    assert time.process_time() - began < 10
