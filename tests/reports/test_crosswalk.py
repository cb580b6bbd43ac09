from collections.abc import Callable

import pytest

from dqv.core.policy import RULES
from dqv.core.verdicts import Verdict
from dqv.reports.crosswalk import GBT, INDICATORS, TC609, crosswalk
from dqv.reports.html import render
from dqv.reports.model import CrosswalkRow, Report
from dqv.reports.words import LABELS, Lang


def told(report: Report, verdict: Verdict, *, measurements: bool) -> dict[str, CrosswalkRow]:
    """The rows by number or title, had all rules this verdict."""
    findings = [finding.model_copy(update={"verdict": verdict}) for finding in report.findings]
    rows = crosswalk(findings, report.measurements if measurements else {}).rows
    return {row.indicator or row.title.en: row for row in rows}


def test_every_rule_of_an_indicator_is_a_rule_and_every_indicator_is_there_once() -> None:
    assert {rule for each in INDICATORS for rule in each.rules} <= set(RULES)
    keys = [(each.standard, each.number, each.title.zh) for each in INDICATORS]
    assert len(set(keys)) == len(keys)
    assert {each.standard for each in INDICATORS} == {TC609, GBT}
    numbers = [each.number for each in INDICATORS if each.standard == TC609]
    assert numbers == [
        "0101",
        "0102",
        "0103",
        "0104",
        "0201",
        "0202–0207",
        "0208",
        "0301",
        "0302",
        "0303",
        "0304",
        "0305",
    ]


@pytest.mark.parametrize(
    ("verdict", "measurements", "scale", "models", "annotation"),
    [
        (Verdict.PASS, True, "measured", "not_assessed", "not_assessed"),
        (Verdict.FAIL, True, "measured", "not_assessed", "not_assessed"),
        (Verdict.ATTESTED, True, "measured", "attested", "not_assessed"),
        (Verdict.NOT_APPLICABLE, False, "not_assessed", "not_assessed", "not_assessed"),
        (Verdict.INDETERMINATE, False, "not_assessed", "not_assessed", "not_assessed"),
    ],
)
def test_what_was_not_measured_or_declared_is_not_assessed(
    report: Report, verdict: Verdict, measurements: bool, scale: str, models: str, annotation: str
) -> None:
    rows = told(report, verdict, measurements=measurements)
    assert (rows["0302"].status, rows["0305"].status, rows["0304"].status) == (scale, models, annotation)


def test_rules_that_do_not_apply_speak_to_nothing(report: Report) -> None:
    row = {row.indicator: row for row in crosswalk(report.findings, report.measurements).rows}["0302"]
    assert row.rules == ["scale.text", "scale.image"]


def test_it_is_marked_informative_with_what_its_source_is_worth(report: Report) -> None:
    found = crosswalk(report.findings, report.measurements)
    assert found.informative
    assert "second-hand" in found.source.en
    assert "二手资料" in found.source.zh


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_it(report: Report, report_with: Callable[..., Report], lang: Lang) -> None:
    page = render(report_with(crosswalk=crosswalk(report.findings, report.measurements)), lang)
    for key in (
        "crosswalk",
        "crosswalk.means",
        "crosswalk.measured",
        "crosswalk.attested",
        "crosswalk.not_assessed",
    ):
        assert getattr(LABELS[key], lang) in page
    assert TC609 in page
    assert getattr(LABELS["crosswalk"], lang) not in render(report_with(crosswalk=None), lang)
