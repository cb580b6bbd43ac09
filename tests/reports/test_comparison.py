"""Two reports side by side."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from dqv.core.verdicts import Verdict
from dqv.reports.comparison import Comparison, FindingPair, compare
from dqv.reports.comparison_page import WORDS, page
from dqv.reports.comparison_terminal import comparison_summary
from dqv.reports.load import Loaded
from dqv.reports.model import Report
from dqv.reports.words import Lang

LANGS: tuple[Lang, ...] = ("zh", "en")


def loaded(report: Report) -> Loaded:
    return Loaded(report, Path(), "0" * 64)


def changed(report: Report, change: Callable[[dict[str, Any]], object]) -> Report:
    values = report.model_dump(mode="json", by_alias=True)
    change(values)
    return Report.model_validate(values)


def of(report: Report, change: Callable[[dict[str, Any]], object]) -> Comparison:
    return compare(loaded(report), loaded(changed(report, change)))


def pair(comparison: Comparison, rule: str) -> FindingPair:
    return next(each for each in comparison.findings if each.rule == rule)


def reasons(comparison: Comparison) -> dict[str, list[str]]:
    return {each.kind: [fact.name for fact in each.facts] for each in comparison.reasons if not each.same}


def finding(values: dict[str, Any], rule: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in values["findings"] if each["rule"] == rule)
    return found


def test_a_report_is_the_same_as_itself(report: Report) -> None:
    found = of(report, lambda _: None)
    assert found.same
    assert reasons(found) == {}
    assert {each.status for each in found.findings} == {"unchanged"}
    assert found.accounting == []


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["run"]["environment"].update(host="other"),
        lambda v: v["run"].update(role="verification"),
        lambda v: v["run"]["versions"].update(polars="2"),
        lambda v: v["run"].update(witnesses=[]),
        lambda v: v["notices"].clear(),
        lambda v: finding(v, "scale.text").update(method={"zh": "x", "en": "y"}),
        lambda v: v["evidence"].clear(),
    ],
)
def test_what_is_not_measured_does_not_make_reports_different(
    report: Report, change: Callable[[dict[str, Any]], object]
) -> None:
    assert of(report, change).same


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(verdict="incomplete"),
        lambda v: finding(v, "documentation").update(verdict="review"),
        lambda v: finding(v, "scale.text").update(measured="29999999998"),
        lambda v: finding(v, "scale.text").update(threshold="29999999998"),
        lambda v: finding(v, "duplicates.text").update(numerator="421986"),
        lambda v: finding(v, "duplicates.text")["readings"][1].update(verdict="fail"),
        lambda v: finding(v, "duplicates.text")["readings"].pop(),
        lambda v: finding(v, "scale.text").update(depends_on_reading=False),
        lambda v: v["findings"].pop(),
        lambda v: v["measurements"]["text"].update(items=1),
        lambda v: v["measurements"]["text"]["distributions"].pop(),
        lambda v: v["measurements"].pop("video"),
        lambda v: v["accounting"].update(objects=1),
        lambda v: v["accounting"]["tallies"][0].update(payload_bytes=1),
    ],
)
def test_a_verdict_or_number_that_differs_makes_reports_different(
    report: Report, change: Callable[[dict[str, Any]], object]
) -> None:
    assert not of(report, change).same


_OPEN = (Verdict.REVIEW, Verdict.INDETERMINATE, Verdict.FAIL)  # better first


@pytest.mark.parametrize("before", Verdict)
@pytest.mark.parametrize("after", Verdict)
def test_status_and_trend_follow_from_the_verdicts(report: Report, before: Verdict, after: Verdict) -> None:
    def with_verdict(verdict: Verdict) -> Report:
        return changed(report, lambda v: finding(v, "documentation").update(verdict=verdict))

    sides = [with_verdict(each) for each in (before, after)]
    found = pair(compare(*map(loaded, sides)), "documentation")
    ranks = [_OPEN.index(each) if each in _OPEN else -1 for each in (before, after)]
    if before is after:
        assert (found.status, found.trend) == ("unchanged", "same")
        return
    expected = "changed"
    if ranks[0] == -1 and ranks[1] > -1:
        expected = "new"
    elif ranks[1] == -1 and ranks[0] > -1:
        expected = "fixed"
    assert found.status == expected
    assert found.trend == ("worse" if ranks[1] > ranks[0] else "better" if ranks[1] < ranks[0] else "same")


def test_differences_are_b_less_a(report: Report) -> None:
    def change(values: dict[str, Any]) -> None:
        finding(values, "duplicates.text").update(measured="0.030127", numerator="372523")

    numbers = {each.name: each for each in pair(of(report, change), "duplicates.text").numbers}
    assert numbers["measured"].difference == "-0.004"
    assert numbers["numerator"].difference == "-49464"
    assert numbers["denominator"].difference == "0"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda v: v["subject"].update(root_sha256="0" * 64), {"data": ["root_sha256"]}),
        (lambda v: v["subject"].update(certificate=None), {"registration": ["certificate"]}),
        (lambda v: v["subject"]["declared"].update(text="36 GB"), {"registration": ["declared.text"]}),
        (lambda v: v["policy"].update(digest="0" * 64), {"policy": ["digest"]}),
        (
            lambda v: v["measurements"]["image"].update(decides=False),
            {"interpretation": ["image.decides"]},
        ),
        (lambda v: v["run"]["versions"].update(av="1"), {"versions": ["av"]}),
        (lambda v: v["run"]["settings"].update(text_field="x"), {"settings": ["text_field"]}),
        (lambda v: v["run"].update(settings_digest="0" * 64), {"settings": ["settings_digest"]}),
        (lambda v: v["run"].update(reference_date="2026-03-02"), {"reference_date": ["reference_date"]}),
        (lambda v: v["run"].update(assurance="identity"), {"assurance": ["assurance"]}),
        (lambda v: v["run"].update(complete=True, unread=[]), {"completeness": ["complete", "unread.image.io"]}),
        (lambda v: v["run"]["witnesses"][0].update(disagreed=0), {"witnesses": ["ffmpeg.video"]}),
    ],
)  # fmt: skip
def test_why_reports_can_differ_is_told_apart(
    report: Report, change: Callable[[dict[str, Any]], object], expected: dict[str, list[str]]
) -> None:
    assert reasons(of(report, change)) == expected


def test_without_a_root_equal_counts_prove_nothing_and_other_counts_something(report: Report) -> None:
    unbound = of(report, lambda v: v["subject"].update(root_sha256=None))
    assert unbound.reasons[0].same is None
    more = of(report, lambda v: v["subject"].update(root_sha256=None, objects=1))
    assert more.reasons[0].same is False


def test_declared_stands_beside_measured_in_both(report: Report) -> None:
    def change(values: dict[str, Any]) -> None:
        values["subject"]["declared"] = {"text": "29.999999999 GB", "audio": "10 h"}

    rows = {each.modality: each for each in of(report, change).declared}
    assert rows["text"].declared == ("35 GB", "29.999999999 GB")
    assert rows["text"].measured == ("29999999999", "29999999999")
    assert rows["text"].shares == ("0.857142857114", "1")
    assert rows["image"].declared == ("40 GB", None)
    assert rows["audio"].measured == (None, None)


def test_other_evidence_is_told_and_decides_nothing(report: Report) -> None:
    def change(values: dict[str, Any]) -> None:
        finding(values, "duplicates.text")["evidence"]["digest"] = "0" * 64

    found = of(report, change)
    assert found.same
    assert pair(found, "duplicates.text").evidence is False
    assert WORDS["evidence.differs"].en in page(found, "en")


def _printed(comparison: Comparison, lang: Lang) -> str:
    file = io.StringIO()
    Console(file=file, width=100).print(comparison_summary(comparison, lang))
    return file.getvalue()


def _worse(values: dict[str, Any]) -> None:
    values["subject"].update(root_sha256="0" * 64)
    finding(values, "duplicates.text").update(verdict="fail", measured="0.0634127")
    finding(values, "scale.text").update(measured="29999999998")
    values["measurements"]["text"].update(items=1)
    values["accounting"]["tallies"][0].update(objects=1)


@pytest.mark.parametrize("lang", LANGS)
def test_terminal_and_page_say_what_differs_and_why(report: Report, lang: Lang) -> None:
    found = of(report, _worse)
    for text in (_printed(found, lang), page(found, lang)):
        for key in ("different", "reasons", "new", "worse", "declared_measured"):
            assert getattr(WORDS[key], lang) in text
        assert "6.341 %" in text
        assert "29,999,999,998 B" in text
        assert "+2.929 " in text
    assert max(cell_len(line) for line in _printed(found, lang).splitlines()) <= 100


@pytest.mark.parametrize("lang", LANGS)
def test_hostile_texts_are_neither_markup_nor_control(
    report: Report, hostile_report: Report, lang: Lang
) -> None:
    found = compare(loaded(report), loaded(hostile_report))
    shown = page(found, lang)
    assert not re.search(
        r"<(script|img|iframe|svg|a)\b|[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", shown
    )
    assert shown.count("</style>") == 1
    assert "default-src 'none'" in shown
    printed = _printed(found, lang)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", printed)


def test_json_is_whole(report: Report) -> None:
    found = of(report, _worse)
    values = json.loads(found.model_dump_json(by_alias=True))
    assert values["schema"] == "urn:dqv:comparison:1"
    assert Comparison.model_validate(json.loads(found.model_dump_json())) == found
