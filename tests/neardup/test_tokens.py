import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import sketch, tokens
from dqv.neardup.tokens import shingle_sets, simplified_forms, tables, tokenise
from dqv.neardup.witness import SINGLE
from dqv.neardup.witness import tokens as reference


def arrays(*texts: str) -> tuple[Any, Any]:
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
    return data, np.concatenate([[0], np.cumsum([len(each) for each in encoded])]).astype(np.int64)


TEXT = st.text(
    st.sampled_from(
        "ab cZ,ＡＢé１2。中文字数据かなｶ한국ไทยລາວខ្មမြ\U00020001\U0002f801\U00030001\U0001f600\U000e0041\n-_"
        "\u200b\u00ad\ufe0f\u034fßﬃİệ\u0301\u0323\u0302ώᾄ\u0345क़ি≠"
    ),
    max_size=60,
)


@given(TEXT)
def test_the_kernel_counts_the_tokens_of_the_definition(text: str) -> None:
    counts, _, _ = sketch.sketch(*arrays(text))
    assert counts[0] == len(reference(text))


@given(TEXT, TEXT)
def test_equal_tokens_are_equal_and_others_differ(a: str, b: str) -> None:
    _counts, normal, sketches = sketch.sketch(*arrays(a, b))
    same = reference(a) == reference(b)
    assert (normal[0] == normal[1]).all() == same
    if same:
        assert (sketches[0] == sketches[1]).all()


@given(TEXT)
def test_shingle_sets_are_those_of_the_definition(text: str) -> None:
    words = reference(text)
    length = min(5, len(words))
    expected = {tuple(words[at : at + length]) for at in range(len(words) - length + 1)} if words else set()
    values, ends = shingle_sets(*arrays("before", text, "after"))
    mine = values[ends[1] : ends[2]]
    assert mine.size == len(expected)
    assert (np.diff(mine.astype(object)) > 0).all()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("one two_three 4.5", 5),
        ("数据集", 3),
        ("かなカナｶﾅー", 7),
        ("한국어", 3),
        ("ภาษาไทย", 7),
        ("ພາສາ", 4),
        ("ខ្មែរ", 5),
        ("မြန်မာ", 6),
        ("\U00020001\U0002a700\U00030001", 3),
        ("第3章abc", 4),
        ("हिन्दी", 1),
        ("...", 0),
        ("\u0301 ≠ \u0301中\u0301", 1),
    ],
)
def test_a_word_is_one_token_and_so_is_a_code_point_of_scripts_without_spaces(text: str, count: int) -> None:
    assert sketch.sketch(*arrays(text))[0].tolist() == [count] == [len(reference(text))]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Hello World", "hello, world!"),
        ("ＡＢＣ１２３", "abc123"),
        ("ｶﾅ", "カナ"),
        ("ΣΑΣ", "σας"),
        ("数据 集", "数据集"),
        ("\U0002f800", "丽"),
        ("É", "é"),
        ("É", "e\u0301"),
        ("\u212b", "a\u030a"),
        ("VIỆT", "vie\u0302\u0323t"),
        ("\u1e9b\u0323", "ṩ"),
        ("Straße", "STRASSE"),
        ("ﬃ", "FFI"),
        ("İ", "i\u0307"),
    ],
)
def test_case_width_space_and_punctuation_are_folded(a: str, b: str) -> None:
    _, normal, _ = sketch.sketch(*arrays(a, b))
    assert (normal[0] == normal[1]).all()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("ab c", "a bc"),
        ("数据", "据数"),
        ("abc", "abcd"),
        ("ab", "ba"),
        ("résumé", "resume"),
        ("éa", "eá"),
        ("中", "丽"),
    ],
)
def test_what_differs_stays_different(a: str, b: str) -> None:
    _, normal, _ = sketch.sketch(*arrays(a, b))
    assert (normal[0] != normal[1]).any()


@given(TEXT)
def test_composed_and_decomposed_text_have_the_same_tokens(text: str) -> None:
    words = "".join(char for char in text if not SINGLE.match(char))  # of those, code points are tokens
    forms = [words, unicodedata.normalize("NFC", words), unicodedata.normalize("NFD", words)]
    _, normal, _ = sketch.sketch(*arrays(*forms))
    assert (normal == normal[0]).all()


def test_every_code_point_of_words_folds_like_its_decomposition() -> None:
    chars = [chr(point) for point in range(0x20000) if not 0xD800 <= point < 0xE000]
    composed = [
        char for char in chars if unicodedata.normalize("NFD", char) != char and not SINGLE.match(char)
    ]
    assert len(composed) > 1000
    _, mine, _ = sketch.sketch(*arrays(*(f"a{char}b" for char in composed)))
    _, other, _ = sketch.sketch(*arrays(*(f"a{unicodedata.normalize('NFD', char)}b" for char in composed)))
    assert (mine == other).all()


@given(TEXT)
def test_a_document_is_read_to_its_end_and_no_further(text: str) -> None:
    """Interpreted, so that an index past either buffer raises."""
    data = np.frombuffer(text.encode(), np.uint8)
    interpreted, compiled = np.zeros((2, data.size), np.uint64)
    with np.errstate(over="ignore"):
        count = tokenise.py_func(data, 0, data.size, *tables(), interpreted)
    assert count == tokenise(data, 0, data.size, *tables(), compiled) == len(reference(text))
    assert (interpreted[:count] == compiled[:count]).all()


def test_a_document_ends_where_the_next_begins() -> None:
    counts, normal, _ = sketch.sketch(*arrays("ab", "cd", "数", "\U00020001", "", "ab"))
    assert counts.tolist() == [1, 1, 1, 1, 0, 1]
    assert (normal[0] == normal[5]).all()


def test_text_that_is_not_unicode_never_becomes_an_arrow_array() -> None:
    with pytest.raises(UnicodeEncodeError):
        pa.array(["cut \ud83d"], pa.large_string())


@given(st.lists(TEXT, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_slice_of_an_arrow_array_gives_what_its_texts_give(texts: list[str], a: int, b: int) -> None:
    part = pa.array(texts, pa.large_string()).slice(a, b)
    kernels: list[Callable[[Any, Any], tuple[Any, ...]]] = [sketch.sketch, shingle_sets]
    for kernel in kernels:
        of_slice, of_texts = kernel(*tokens.buffers(part)), kernel(*arrays(*texts[a:][:b]))
        assert all(map(np.array_equal, of_slice, of_texts))


def test_all_code_points_have_a_class() -> None:
    value, kind = tables()
    assert value.size == kind.size == 0x40000
    assert set(np.unique(kind)) == set(range(7))


def test_token_hashes_are_well_mixed() -> None:
    """Of 100,000 numbers, no two hashes are equal and each bit is set in half of them, within five sigma."""
    data, _ = arrays(" ".join(map(str, range(100_000))))
    out = np.empty(data.size, np.uint64)
    count = tokenise(data, 0, data.size, *tables(), out)
    assert np.unique(out[:count]).size == count == 100_000
    ones = [int(((out[:count] >> np.uint64(bit)) & np.uint64(1)).sum()) for bit in range(64)]
    assert max(abs(each - 50_000) for each in ones) < 5 * np.sqrt(100_000) / 2


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u00ad", "\u2060", "\ufeff", "\ufe0f", "\u034f", "\u115f", "\U000e0041", "\U000e0101"],
)
def test_what_nobody_sees_changes_nothing(unseen: str) -> None:
    _, normal, sketches = sketch.sketch(
        *arrays("some words 和汉字 here", f"so{unseen}me wor{unseen}ds{unseen} 和{unseen}汉字 here")
    )
    assert (normal[0] == normal[1]).all()
    assert (sketches[0] == sketches[1]).all()


@pytest.mark.parametrize("share", [0.5, 0.7, 0.8, 0.9])
def test_agreement_estimates_the_similarity_of_texts_without_bias(share: float) -> None:
    """Mean over 300 pairs within four standard errors of the truth."""
    rng = np.random.default_rng(int(share * 100))
    estimates, truths = [], []
    for _ in range(300):
        words = rng.integers(0, 1 << 40, 600)
        cut = int(600 * 2 * share / (1 + share))
        other = np.concatenate([words[:cut], rng.integers(0, 1 << 40, 600 - cut)])
        texts = [" ".join(map(str, each)) for each in (words, other)]
        _, _, sketches = sketch.sketch(*arrays(*texts))
        values, ends = shingle_sets(*arrays(*texts))
        a, b = set(values[: ends[1]].tolist()), set(values[ends[1] :].tolist())
        estimates.append(sketch.agreement(sketches[0], sketches[1]) / 128)
        truths.append(len(a & b) / len(a | b))
    error = np.array(estimates) - np.array(truths)
    spread = np.sqrt(np.mean(truths) * (1 - np.mean(truths)) / 128)
    assert abs(error.mean()) < 4 * spread / np.sqrt(300)
    assert error.std() < 1.2 * spread


def folded(*texts: str, simplified: bool = True) -> list[Any]:
    """The tokens' hash of each text."""
    return [row.tolist() for row in sketch.sketch(*arrays(*texts), simplified=simplified)[1]]


SAME = (
    ("漢語詞典與簡體轉換", "汉语词典与简体转换"),
    ("網際網路資料庫管理員", "网际网路资料库管理员"),
    ("龍馬精神，鳳凰飛舞", "龙马精神，凤凰飞舞"),
    ("裏面、裡面、里面", "里面里面里面"),
    ("皇后在後面", "皇后在后面"),
    ("烏\uf907", "乌龟"),  # a compatibility form of 龜
    ("\U0002005e", "\U0002003e"),
    ("薴", "苎"),  # OpenCC's table goes by 苧
    ("Ａ漢b字", "a汉b字"),
)


@pytest.mark.parametrize(("traditional", "simple"), SAME)
def test_traditional_characters_count_as_simplified_ones_where_asked_for(
    traditional: str, simple: str
) -> None:
    one, other = folded(traditional, simple)
    assert one == other
    one, other = folded(traditional, simple, simplified=False)
    assert one != other


def test_folding_merges_no_words_that_differ_in_more() -> None:
    texts = ["汉语", "汉字", "語文", "語言", "abc", "αβγ", "かな", "カナ", "한글", "日本", "曰本"]
    assert len({tuple(each) for each in folded(*texts)}) == len(texts)
    assert folded(*texts[4:]) == folded(*texts[4:], simplified=False)


def test_folding_twice_changes_nothing() -> None:
    forms = simplified_forms()
    assert len(forms) > 3000
    assert not set(forms) & set(forms.values())


def test_shingle_sets_are_folded_likewise() -> None:
    texts = ("這是關於資料庫連線設定的說明", "这是关于资料库连线设定的说明")
    values, ends = shingle_sets(*arrays(*texts), simplified=True)
    assert values[: ends[1]].tolist() == values[ends[1] :].tolist()
    values, ends = shingle_sets(*arrays(*texts))
    assert values[: ends[1]].tolist() != values[ends[1] :].tolist()


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "é",
                "数",
                "数据",
                "𠀾",
                " ",
                "\n",
                "。",
                "ab cd ",
                "e\u0301",
                "ß",
                "x" * 9,
                "한글",
                "\u00ad",
            ]
        )
    ),
    st.integers(1, 30),
)
def test_windows_change_nothing(chosen: list[str], size: int) -> None:
    """The same code in Python, since a compiled window is of one size."""
    text = "".join(chosen)
    data, offsets = arrays("before ", text, " after")
    value, kind = tables()
    expected, ends = shingle_sets(data, offsets)
    names = (
        "_edge",
        "_begins",
        "next_window",
        "window_shingles",
        "room",
        "_most",
        "_shingle_sets",
        "tokenise",
        "shingle",
    )
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch.object(tokens, name, getattr(tokens, name).py_func))
        stack.enter_context(mock.patch.object(tokens, "WINDOW_BYTES", size))
        stack.enter_context(np.errstate(over="ignore"))
        found, at = tokens.shingle_sets(data, offsets)
        count, start = 0, int(offsets[1])
        while start < offsets[2]:
            held = np.empty(tokens.room(offsets), np.uint64)
            start, more = tokens.next_window(data, start, int(offsets[2]), value, kind, held, 0)
            count += more
    assert (found.tolist(), at.tolist()) == (expected.tolist(), ends.tolist())
    assert count == len(reference(text))


def test_a_document_of_many_windows_has_the_sketch_of_its_shingles() -> None:
    text = (
        " ".join(f"wörd{number % 90_001}" for number in range(400_000))
        + " 数据" * 1000
        + "z" * (3 << 20)
        + " end"
    )
    assert len(text.encode()) > 6 * tokens.WINDOW_BYTES
    data, offsets = arrays("short one", text, "tail")
    counts, _, sketches = sketch.sketch(data, offsets)
    assert counts[1] == 400_000 + 2000 + 2
    values, ends = shingle_sets(data, offsets)
    slots = np.empty(128, np.uint64)
    sketch.fill(values[ends[1] : ends[2]].copy(), slots)
    assert (slots & np.uint64(2**32 - 1)).tolist() == sketches[1].tolist()
