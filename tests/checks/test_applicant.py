from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.barred import Barred
from dqv.core.registration import Registration
from dqv.core.uscc import _ALPHABET, well_formed
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, DAY, RECORD, outcome, rows


def code(prefix: str) -> str:
    """A well-formed code that begins so."""
    body = (prefix + "3304990000000000000")[:17]
    return next(body + last for last in _ALPHABET if well_formed(body + last))


def filed(prefix: str | None = "91", name: str = "a") -> dict[str, Any]:
    return {"applicant": {"name": name, "uscc": None if prefix is None else code(prefix)}}


@pytest.mark.parametrize(
    ("prefix", "verdict", "told"),
    [
        ("91", Verdict.ATTESTED, "企业"),
        ("12", Verdict.ATTESTED, "事业单位"),
        ("A1", Verdict.ATTESTED, "军队事业单位"),
        ("92", Verdict.FAIL, "个体工商户不具有独立法人资格"),
        ("93", Verdict.REVIEW, "农民专业合作社"),
        ("11", Verdict.REVIEW, "机关"),
        ("13", Verdict.REVIEW, "群众团体"),
        ("51", Verdict.REVIEW, "社会团体"),
        ("52", Verdict.REVIEW, "民办非企业单位"),
        ("53", Verdict.REVIEW, "基金会"),
        ("59", Verdict.REVIEW, "民政登记的其他"),
        ("N2", Verdict.REVIEW, "村级集体经济组织"),
        ("Y1", Verdict.REVIEW, "其他"),
        ("94", Verdict.REVIEW, "未设前两位 94"),
        ("99", Verdict.REVIEW, "未设前两位 99"),
        ("D1", Verdict.REVIEW, "未设前两位 D1"),
    ],
)
def test_the_first_two_characters_tell_the_kind_of_unit(prefix: str, verdict: Verdict, told: str) -> None:
    found = outcome("applicant", filed(prefix))
    assert found.verdict is verdict
    assert told in found.message.zh
    assert (found.next_step is None) is (verdict is Verdict.ATTESTED)
    on_a_platform = outcome("applicant", filed(prefix), platform=ADDRESS)
    assert on_a_platform.verdict is verdict


def test_a_good_code_is_well_formed_and_no_more() -> None:
    found = outcome("applicant")
    assert "well-formed, no more" in found.message.en
    assert [row["name"] for row in rows(found, "kind-of-unit")] == ["企业"]


@pytest.mark.parametrize(
    "uscc", ["913304990000000007", "91330A990000000006", "91330499000000000", "O13304990000000006"]
)
def test_a_code_of_another_form_or_check_character_is_for_review(uscc: str) -> None:
    found = outcome("applicant", {"applicant": {"name": "a", "uscc": uscc}})
    assert found.verdict is Verdict.REVIEW
    for message in (found.message.en, found.message.zh):
        assert "GB 32100-2015" in message
    assert found.next_step is not None


@pytest.mark.parametrize("uscc", [None, "  "])
def test_without_a_code_the_applicant_is_for_review(uscc: str | None) -> None:
    found = outcome("applicant", {"applicant": {"name": "a", "uscc": uscc}})
    assert found.verdict is Verdict.REVIEW
    assert "not given" in found.message.en


@given(st.text(_ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(_ALPHABET))
def test_one_wrong_character_is_always_seen(body: str, at: int, other: str) -> None:
    body = body[:2] + "330499" + body[8:]
    whole = next(body + last for last in _ALPHABET if well_formed(body + last))
    changed = whole[:at] + other + whole[at + 1 :]
    assert well_formed(changed) is (changed == whole)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (filed("91", "a"), Verdict.ATTESTED),
        (filed("91", " Ａ "), Verdict.ATTESTED),
        (filed(None, "a"), Verdict.ATTESTED),
        (filed("91", "b"), Verdict.REVIEW),
        (filed("12", "a"), Verdict.FAIL),
    ],
)
def test_the_file_must_name_whom_the_platform_names(other: dict[str, Any], verdict: Verdict) -> None:
    registration = Registration.model_validate({**RECORD, **other})
    found = outcome("applicant", platform=ADDRESS, filed=registration)
    assert found.verdict is verdict
    assert ("not as the platform" in found.message.en) is (verdict is not Verdict.ATTESTED)


def barred(**entry: Any) -> Barred:
    return Barred.model_validate({"code": "913304990000000006", **entry})


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        ({"date": date(2026, 7, 1)}, Verdict.ATTESTED),  # decided after the reference date
        ({"date": DAY}, Verdict.FAIL),
        ({"date": date(2024, 7, 1)}, Verdict.FAIL),  # until 2026-06-30
        ({"date": date(2024, 6, 30)}, Verdict.REVIEW),  # two years are over, the two calendar years are not
        ({"date": date(2024, 1, 1)}, Verdict.REVIEW),
        ({"date": date(2023, 12, 31)}, Verdict.ATTESTED),
        ({"year": 2027}, Verdict.ATTESTED),
        ({"year": 2026}, Verdict.REVIEW),  # on which day of it?
        ({"year": 2025}, Verdict.FAIL),
        ({"year": 2024}, Verdict.FAIL),
        ({"year": 2023}, Verdict.ATTESTED),
    ],
)
def test_falsehood_bars_for_the_two_following_years(entry: dict[str, Any], verdict: Verdict) -> None:
    found = outcome("applicant", barred=(barred(**entry),))
    assert found.verdict is verdict
    assert [row["status"] for row in rows(found, "bar-list")] == {
        Verdict.FAIL: ["barred"], Verdict.REVIEW: ["doubtful"], Verdict.ATTESTED: [],
    }[verdict]  # fmt: skip
    if verdict is not Verdict.ATTESTED:
        assert "913304990000000006" in found.message.en


def test_of_two_entries_the_one_that_surely_bars_decides() -> None:
    found = outcome("applicant", barred=(barred(date=date(2024, 1, 1)), barred(year=2025)))
    assert found.verdict is Verdict.FAIL


def test_a_leap_day_s_two_years_end_on_the_last_of_february() -> None:
    entry = barred(date=date(2024, 2, 29))
    assert entry.holds(date(2026, 2, 28)) == "barred"
    assert entry.holds(date(2026, 3, 1)) == "doubtful"
    assert entry.holds(date(2026, 12, 31)) == "doubtful"
    assert entry.holds(date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("entry", "who", "hit"),
    [
        ({"code": "913304990000000006"}, filed("91"), True),
        ({"code": None, "name": "某 公司"}, filed("91", "某公司"), True),
        ({"code": None, "name": "某公司"}, filed("91", "某公司二"), False),
        ({"name": "某公司"}, filed("12", "某公司二"), False),
        ({"name": "某公司"}, filed(None, "某公司"), True),
        ({}, filed(None, "某公司"), False),
    ],
)
def test_an_entry_is_about_a_unit_by_its_code_else_by_its_name(entry: Any, who: Any, hit: bool) -> None:
    found = outcome("applicant", who, barred=(barred(year=2025, **entry),))
    assert (found.verdict is Verdict.FAIL) is hit


@pytest.mark.parametrize("uscc", [code("12"), "913304990000000007", "x"])
def test_who_is_listed_does_not_escape_by_another_code(uscc: str) -> None:
    entry = barred(name="某公司", year=2025)
    found = outcome("applicant", {"applicant": {"name": "某 公司", "uscc": uscc}}, barred=(entry,))
    assert found.verdict is Verdict.REVIEW
    assert "with another code, 913304990000000006" in found.message.en
    assert "以另一代码 913304990000000006" in found.message.zh
    assert [row["status"] for row in rows(found, "bar-list")] == ["another-code"]
    past = outcome(
        "applicant",
        {"applicant": {"name": "某公司", "uscc": uscc}},
        barred=(barred(name="某公司", year=2020),),
    )
    assert "does not bar" in past.message.en
    both = outcome(
        "applicant",
        {"applicant": {"name": "某公司", "uscc": code("91")}},
        barred=(barred(name="某公司", code=code("12"), year=2025), barred(code=code("91"), year=2024)),
    )
    assert both.verdict is Verdict.FAIL


def test_a_code_in_small_letters_is_the_same_code() -> None:
    sole = outcome("applicant", {"applicant": {"name": "a", "uscc": "92330499ma00000006"}})
    assert sole.verdict is Verdict.FAIL
    assert (
        outcome("applicant", {"applicant": {"name": "a", "uscc": " 91330499 0000000006 "}}).verdict
        is Verdict.ATTESTED
    )


def test_a_list_that_does_not_name_the_unit_is_told_with_its_size() -> None:
    other = barred(code=code("12"), year=2025)
    found = outcome("applicant", barred=(other, other))
    assert found.verdict is Verdict.ATTESTED
    assert "2 entries" in found.message.en
    none = outcome("applicant", barred=())
    assert none.verdict is Verdict.ATTESTED
    assert "no entries: nothing was compared" in none.message.en
    assert "article 12" not in outcome("applicant").message.en


def test_the_other_name_in_the_file_is_looked_for_too() -> None:
    registration = Registration.model_validate({**RECORD, **filed("12")})
    entry = Barred.model_validate({"code": code("12"), "year": 2025})
    found = outcome("applicant", platform=ADDRESS, filed=registration, barred=(entry,))
    assert "barred for the two following years" in found.message.en
