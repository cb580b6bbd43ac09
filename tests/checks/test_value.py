import math
from collections import Counter
from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.checks import diversity
from dqv.checks.diversity import TOP, spread
from dqv.core.units import FLICKS_PER_SECOND
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, described, facts, items, objects, outcome, rows


def of(values: Sequence[str | None]) -> diversity.Spread:
    return spread(pl.LazyFrame({"x": values}, schema={"x": pl.String}), pl.col("x"))


@pytest.mark.parametrize(
    ("values", "different", "top", "evenness"),
    [
        ([], 0, (), None),
        ([None, " "], 0, (), None),
        (["a", "a "], 1, (("a", 2),), None),
        (["b", "a"], 2, (("a", 1), ("b", 1)), "1"),
        (["a"] * 3 + ["b"], 2, (("a", 3), ("b", 1)), "0.8113"),  # -(3/4 log2 3/4 + 1/4 log2 1/4)
        (["a"] * 999 + ["b"], 2, (("a", 999), ("b", 1)), "0.0114"),
    ],
)
def test_a_spread_counts_values_and_tells_how_even_they_are(
    values: list[str | None], different: int, top: tuple[tuple[str, int], ...], evenness: str | None
) -> None:
    found = of(values)
    assert (found.different, found.top, found.evenness) == (different, top, evenness)
    assert found.items == sum(count for _, count in top)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200), st.integers(1, 50))
def test_a_spread_is_the_same_in_shares(values: list[str], size: int) -> None:
    counts = Counter(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diversity, "_ROWS", size)
        found = of(list(values))
    assert dict(found.top) == counts
    assert found == of(list(values))
    if len(counts) > 1:
        shares = [count / len(values) for count in counts.values()]
        entropy = -sum(share * math.log(share) for share in shares) / math.log(len(counts))
        assert abs(float(found.evenness or 0) - entropy) < 1e-4


def test_the_most_frequent_values_alone_are_named() -> None:
    found = of([f"{number:03d}" for number in range(TOP + 1)] + ["050"])
    assert (found.different, len(found.top), found.top[0]) == (TOP + 1, TOP, ("050", 2))


def test_every_label_counts() -> None:
    found = outcome("value", descriptions=described(labels=[["a", "b"], ["a"], None]))
    assert [(row.get("name"), row["items"]) for row in rows(found, "labels")] == [
        (None, 3),
        ("a", 2),
        ("b", 1),
    ]
    assert "2 labels, the most frequent 66.667 %, evenness 0.9183" in found.message.en
    assert "The data does not tell its languages." in found.message.en


def test_value_tells_what_is_left_without_duplicates() -> None:
    three = items(*[date(2026, 1, 1)] * 3, surplus=[False, True, False])
    sound = items(*[date(2026, 1, 1)] * 2, modality=["audio"] * 2, surplus=[True, False],
                  duration_flicks=[3600 * FLICKS_PER_SECOND] * 2)  # fmt: skip
    both = pl.concat([three, sound])
    measured = {"text": facts(30, items=3), "audio": facts(20, items=2, duration_flicks=7200 * FLICKS_PER_SECOND),
                "image": facts(), "video": facts()}  # fmt: skip
    found = outcome("value", items=both, facts=measured)
    assert rows(found, "scale-after-duplicates") == [
        {"name": "text", "measured": "20", "difference": "10", "items": 2, "share": "0.666667"},
        {"name": "audio", "measured": "1", "difference": "1", "items": 1, "share": "0.5"},
    ]
    assert "Audio without duplicates: 1 items (50 %), 1 h." in found.message.en


def test_value_is_for_experts_whatever_is_measured() -> None:
    assert outcome("value").verdict is Verdict.ATTESTED
    assert outcome("value", {"attestations": []}).verdict is Verdict.REVIEW


@pytest.mark.parametrize("category", ["通识数据集", "行业通识数据集", "行业专识数据集"])
def test_a_category_has_a_checklist_and_no_class_follows(category: str) -> None:
    bare = outcome("category", {"category": category, "scenarios": [], "attestations": []}, objects=objects())
    assert bare.verdict is Verdict.ATTESTED
    assert {row["status"] for row in rows(bare, "checklist")} == {"not-found"}
    full = outcome(
        "category", {"category": category},
        descriptions=described(source=["a", "b"], language=["zh", None], labels=[["x"], ["y"]], annotation_method=["专家", None]),
    )  # fmt: skip
    assert full.verdict is Verdict.ATTESTED
    assert {row["status"] for row in rows(full, "checklist")} == {"there"}
    assert len(rows(full, "checklist")) >= 4


@pytest.mark.parametrize(("sources", "status"), [(["a", "a"], "not-found"), (["a", "b"], "there")])
def test_two_different_sources_are_several(sources: list[str], status: str) -> None:
    found = outcome("category", {"category": "通识数据集"}, descriptions=described(source=sources))
    assert next(row for row in rows(found, "checklist") if row["name"] == "sources")["status"] == status


def test_one_category_must_be_chosen() -> None:
    assert outcome("category", {"category": None}).verdict is Verdict.FAIL
    assert outcome("category", {"category": None}, platform=ADDRESS).verdict is Verdict.REVIEW
    assert outcome("category", registration=None).verdict is Verdict.REVIEW
