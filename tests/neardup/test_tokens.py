import re
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.neardup import minhash
from dqv.neardup.tokens import shingle_sets, tables


def arrays(*texts: str) -> tuple[Any, Any]:
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
    return data, np.concatenate([[0], np.cumsum([len(each) for each in encoded])]).astype(np.int64)


UNSEEN = "\u034f\u115f\u3164\ufe00\ufe0f\U000e0101"


def reference(text: str) -> list[str]:
    """Tokens by the definition, in plain Python."""
    out, word = [], ""
    for char in text:
        if unicodedata.category(char) == "Cf" or char in UNSEEN:
            continue
        plain = unicodedata.normalize("NFKC", char)
        plain = plain if len(plain) == 1 and ord(char) < 0x20000 else char
        lower = plain.casefold()
        folded = lower if len(lower) == 1 else plain
        single = re.match(r"[一-鿿㐀-䶿぀-ヿ가-힣฀-๿\U00020000-\U0002ffff]", char)
        is_word = unicodedata.category(folded)[0] in "LNM"
        if is_word and not single:
            word += folded
            continue
        if word:
            out.append(word)
            word = ""
        if single and (is_word or ord(char) >= 0x20000):
            out.append(folded)
    return [*out, word] if word else out


TEXT = st.text(
    st.sampled_from("ab cZ,ＡＢé１2。中文字数据かな한국ไทย\U00020001\U0001f600\n-_\u200b\u00ad\ufe0f\u034f"),
    max_size=60,
)


@given(TEXT)
def test_the_kernel_counts_the_tokens_of_the_definition(text: str) -> None:
    counts, _, _ = minhash.sketch(*arrays(text))
    assert counts[0] == len(reference(text))


@given(TEXT, TEXT)
def test_equal_tokens_are_equal_and_others_differ(a: str, b: str) -> None:
    _counts, normal, sketches = minhash.sketch(*arrays(a, b))
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
    ("a", "b"),
    [
        ("Hello World", "hello, world!"),
        ("ＡＢＣ１２３", "abc123"),
        ("ΣΑΣ", "σας"),
        ("数据 集", "数据集"),
        ("É", "é"),
    ],
)
def test_case_width_space_and_punctuation_are_folded(a: str, b: str) -> None:
    _, normal, _ = minhash.sketch(*arrays(a, b))
    assert (normal[0] == normal[1]).all()


@pytest.mark.parametrize(("a", "b"), [("ab c", "a bc"), ("数据", "据数"), ("abc", "abcd")])
def test_what_differs_stays_different(a: str, b: str) -> None:
    _, normal, _ = minhash.sketch(*arrays(a, b))
    assert (normal[0] != normal[1]).any()


def test_the_last_document_is_read_to_its_end_and_no_further() -> None:
    counts, _, _ = minhash.sketch(*arrays("a", "数", "\U00020001", ""))
    assert counts.tolist() == [1, 1, 1, 0]


def test_all_code_points_have_a_class() -> None:
    fold, kind = tables()
    assert fold.size == kind.size == 0x30000
    assert set(np.unique(kind)) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u00ad", "\u2060", "\ufeff", "\ufe0f", "\u034f", "\u115f", "\U000e0041", "\U000e0101"],
)
def test_what_nobody_sees_changes_nothing(unseen: str) -> None:
    _, normal, sketches = minhash.sketch(
        *arrays("some words 和汉字 here", f"so{unseen}me wor{unseen}ds{unseen} 和{unseen}汉字 here")
    )
    assert (normal[0] == normal[1]).all()
    assert (sketches[0] == sketches[1]).all()


@pytest.mark.parametrize("share", [0.5, 0.7, 0.8, 0.9])
def test_agreement_estimates_the_jaccard_similarity_without_bias(share: float) -> None:
    """Mean over 300 pairs within four standard errors of the truth."""
    rng = np.random.default_rng(int(share * 100))
    estimates, truths = [], []
    for _ in range(300):
        words = rng.integers(0, 1 << 40, 600)
        cut = int(600 * 2 * share / (1 + share))
        other = np.concatenate([words[:cut], rng.integers(0, 1 << 40, 600 - cut)])
        texts = [" ".join(map(str, each)) for each in (words, other)]
        _, _, sketches = minhash.sketch(*arrays(*texts))
        values, ends = shingle_sets(*arrays(*texts))
        a, b = set(values[: ends[1]].tolist()), set(values[ends[1] :].tolist())
        estimates.append(minhash.agreement(sketches[0], sketches[1]) / 128)
        truths.append(len(a & b) / len(a | b))
    error = np.array(estimates) - np.array(truths)
    spread = np.sqrt(np.mean(truths) * (1 - np.mean(truths)) / 128)
    assert abs(error.mean()) < 4 * spread / np.sqrt(300)
    assert 0.8 * spread < error.std() < 1.2 * spread


def test_bands_propose_the_pairs_that_theory_says() -> None:
    """At J = 0.8, 1 − (1 − J⁶)²¹ = 0.9983; over 2,000 pairs at least 0.994 (four standard errors)."""
    rng = np.random.default_rng(7)
    first = rng.integers(0, 1 << 32, (2000, 128), dtype=np.uint32)
    other = np.where(
        rng.random((2000, 128)) < 0.8, first, rng.integers(0, 1 << 32, (2000, 128), dtype=np.uint32)
    )
    same = minhash.band_keys(first) == minhash.band_keys(other.astype(np.uint32))
    assert same.any(axis=1).mean() > 0.994
