"""Hostile text is shown, never obeyed."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.reports.escape import visible, visible_json, visible_path

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_nothing_invisible_is_left(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [each for each in visible(text) if unicodedata.category(each) in hidden]


@given(ANY_TEXT)
def test_result_can_be_written_as_utf_8(text: str) -> None:
    visible(text).encode()


@given(ANY_TEXT)
def test_twice_is_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(categories=("Lu", "Ll", "Nd", "Po", "Sm"))))
def test_ordinary_text_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("a\u200bb\ufeff", "a[U+200B]b[U+FEFF]"),
        ("a\nb\x1b[31m\x7f", "a[U+000A]b[U+001B][31m[U+007F]"),
        ("\ud800", "[U+D800]"),
        ("\U000e0041", "[U+E0041]"),
        ("ㅤ", "[U+3164]"),
        ("\ufdd0\U0010ffff", "[U+FDD0][U+10FFFF]"),
        ("数据 集\u3000（一）é", "数据 集\u3000（一）é"),
    ],
)
def test_hidden_characters_are_named(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.binary())
def test_any_path_can_be_shown(path: bytes) -> None:
    assert visible(visible_path(path)) == visible_path(path)


def test_bytes_that_are_no_utf_8_are_shown_in_hex() -> None:
    assert visible_path(b"a\xff/\xe6\x96\x87\x0a") == "a\\xff/文[U+000A]"


@given(st.text(), st.sampled_from([None, 2]))
def test_json_for_a_terminal_hides_nothing_and_is_the_same(text: str, indent: int | None) -> None:
    shown = visible_json(json.dumps({text: [text]}, ensure_ascii=False, indent=indent) + "\n")
    assert visible(shown.replace("\n", "")) == shown.replace("\n", "")
    assert json.loads(shown) == {text: [text]}


def test_json_for_a_terminal_stays_readable() -> None:
    assert (
        visible_json('{"path": "数据\u202e😀\x7f\U000e0001"}')
        == '{"path": "数据\\u202e😀\\u007f\\udb40\\udc01"}'
    )
