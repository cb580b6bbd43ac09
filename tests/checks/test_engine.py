from datetime import date
from fractions import Fraction
from unittest import mock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.checks import CHECKS, MEASURES, check_policy, engine
from dqv.checks.engine import ModalityFacts, Unread, amount, deciding_modalities, judge, rate
from dqv.checks.recency import window_start
from dqv.core.errors import PolicyError
from dqv.core.policy import RULES, Reading, Words, load_policy
from dqv.core.registration import Registration
from dqv.core.verdicts import ReportVerdict, Verdict, exit_code, report_verdict

P, F, R, X = Verdict.PASS, Verdict.FAIL, Verdict.REVIEW, Verdict.INDETERMINATE
HALF, FIVE = Fraction(1, 2), Fraction(5, 100)


@pytest.mark.parametrize(
    ("measured", "unread", "verdict"),
    [
        (99, 0, F),
        (100, 0, P),
        (101, 0, P),
        (99, 1, X),
        (98, 1, F),
        (100, None, P),
        (99, None, X),
        (150, 1000, P),
    ],
)
def test_a_floor_is_inclusive_and_unread_data_could_reach_it(
    measured: int, unread: int | None, verdict: Verdict
) -> None:
    assert judge(amount(measured, unread), ">=", Fraction(100)) is verdict


@pytest.mark.parametrize(
    ("surplus", "items", "unread", "verdict"),
    [(5, 100, 0, P), (6, 100, 0, F), (4, 100, 0, P), (4, 100, 1, P), (5, 100, 1, X), (6, 100, 20, X), (6, 100, 10, F),
     (5, 100, None, X), (50, 100, None, X), (0, 0, 0, X), (0, 0, 5, X)],
)  # fmt: skip
def test_a_ceiling_is_inclusive_and_unread_items_could_be_surplus_or_not(
    surplus: int, items: int, unread: int | None, verdict: Verdict
) -> None:
    assert judge(rate(surplus, items, unread), "<=", FIVE) is verdict


@pytest.mark.parametrize(
    ("recent", "undated", "unread", "verdict"),
    [(50, 0, 0, P), (49, 0, 0, F), (49, 1, 0, R), (40, 9, 0, F), (0, 100, 0, R), (50, 50, 0, P), (50, 0, 1, X),
     (10, 0, 10, F), (49, 0, 5, X), (60, 0, 10, P)],
)  # fmt: skip
def test_undated_data_is_doubt_and_unread_data_is_indeterminate(
    recent: int, undated: int, unread: int, verdict: Verdict
) -> None:
    assert judge(rate(recent, 100, unread, doubtful=undated), ">=", HALF) is verdict


def test_pairs_that_could_not_be_verified_make_it_indeterminate_where_they_matter() -> None:
    assert judge(rate(5, 100, 0, unsure=1), "<=", FIVE) is X
    assert judge(rate(4, 100, 0, unsure=1), "<=", FIVE) is P


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_verdict_that_stands_stands_for_everything_the_unread_could_be(
    surplus: int, kept: int, unread: int, bad: int, good: int
) -> None:
    items = surplus + kept
    verdict = judge(rate(surplus, items, unread), "<=", FIVE)
    if verdict is not X and bad + good <= unread:
        found = Fraction(surplus + bad, items + bad + good)
        assert (found <= FIVE) == (verdict is P)


@pytest.mark.parametrize(
    ("verdicts", "report", "by"),
    [
        ([P, F, X, R], ReportVerdict.DOES_NOT_CONFORM, ["1"]),
        ([P, X, R, X], ReportVerdict.INCOMPLETE, ["1", "3"]),
        ([P, R, Verdict.ATTESTED], ReportVerdict.NEEDS_REVIEW, ["1"]),
        ([P, Verdict.ATTESTED, Verdict.NOT_APPLICABLE], ReportVerdict.NO_CLAUSE_FAILS, []),
    ],
)
def test_the_order_of_verdicts(verdicts: list[Verdict], report: ReportVerdict, by: list[str]) -> None:
    assert report_verdict((str(number), verdict) for number, verdict in enumerate(verdicts)) == (report, by)


@pytest.mark.parametrize(
    ("verdict", "strict", "code"),
    [("does_not_conform", False, 1), ("incomplete", False, 3), ("needs_review", False, 0), ("needs_review", True, 5),
     ("no_clause_fails", True, 0), ("does_not_conform", True, 1), ("incomplete", True, 3)],
)  # fmt: skip
def test_exit_codes(verdict: str, strict: bool, code: int) -> None:
    assert exit_code(ReportVerdict(verdict), strict=strict) == code


def facts(payload: int = 0, unread: int = 0) -> ModalityFacts:
    return ModalityFacts(0, 0, payload, 0, 0, 0, 0, 0, 0, unread, 0, Unread(0, 0), 0)


@pytest.mark.parametrize(
    ("text", "image", "expected"),
    [(99, 1, ("text", "image")), (991, 9, ("text",)), (0, 0, ())],
)
def test_without_a_registration_one_percent_of_the_payload_decides(
    text: int, image: int, expected: tuple[str, ...]
) -> None:
    all_facts = {"text": facts(text), "image": facts(image), "audio": facts(), "video": facts()}
    assert deciding_modalities(None, (), all_facts, load_policy("jiaxing-2025-65")) == expected


def test_what_is_declared_decides_and_nothing_else() -> None:
    record = Registration.model_validate(
        {"name": "n", "applicant": {"name": "a"}, "modalities": {"audio": {"scale": "1 h"}}}
    )
    all_facts = {name: facts(10) for name in ("text", "image", "audio", "video")}
    policy = load_policy("jiaxing-2025-65")
    assert deciding_modalities(record, ("text",), all_facts, policy) == ("audio",)
    assert deciding_modalities(None, ("video", "text"), all_facts, policy) == ("text", "video")


def test_every_rule_has_one_check_in_the_order_of_the_report() -> None:
    assert tuple(CHECKS) == RULES


def test_a_reading_that_no_check_computes_is_refused_before_anything_runs() -> None:
    policy = load_policy("jiaxing-2025-65")
    rule = policy.rules["recency"]
    words = Words(zh="", en="")
    odd = rule.model_copy(
        update={"readings": (*rule.readings, Reading(name="x", measure="moon", words=words))}
    )
    with pytest.raises(PolicyError, match=r"rules\.recency\.readings.*'x'.*'moon'"):
        check_policy(policy.model_copy(update={"rules": {**policy.rules, "recency": odd}}))


def test_the_policy_uses_every_measure() -> None:
    used = {
        reading.measure for rule in load_policy("jiaxing-2025-65").rules.values() for reading in rule.readings
    }
    assert used == {measure for family in MEASURES.values() for measure in family}


@pytest.mark.parametrize(
    ("reference", "start"),
    [
        (date(2026, 11, 23), date(2021, 11, 23)),
        (date(2024, 2, 29), date(2019, 3, 1)),
        (date(2025, 2, 28), date(2020, 2, 28)),
    ],
)
def test_the_window_begins_on_the_same_day_five_years_before(reference: date, start: date) -> None:
    assert window_start(reference, 5) == start


@given(st.lists(st.one_of(st.none(), st.binary(max_size=1))), st.integers(1, 9))
def test_different_values_are_counted_alike_in_shares(values: list[bytes | None], most: int) -> None:
    rows = pl.LazyFrame({"value": values}, {"value": pl.Binary})
    with mock.patch.object(engine, "_DISTINCT_ROWS", most):
        assert engine.distinct(rows, pl.col("value"), len(values)) == len({*values} - {None})
