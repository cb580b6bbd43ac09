"""The summary on a terminal."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from dqv.reports.escape import visible
from dqv.reports.model import Report
from dqv.reports.terminal import summary
from dqv.reports.words import LABELS, Lang


def _printed(report: Report, lang: Lang, *, colour: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=100, force_terminal=colour, color_system="standard" if colour else None).print(
        summary(report, lang)
    )
    return file.getvalue()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_fits_in_100_columns_and_names_every_rule(report: Report, lang: Lang) -> None:
    text = _printed(report, lang)
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    for finding in report.findings:
        assert finding.rule in text
    assert getattr(LABELS[f"report.{report.verdict.value}"], lang) in text.splitlines()[0]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hostile_text_is_neither_markup_nor_control(hostile_report: Report, hostile: str, lang: Lang) -> None:
    text = _printed(hostile_report, lang)
    assert max(cell_len(line) for line in text.splitlines()) <= 100
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200b]", text)
    assert visible(hostile)[:10] in text


def test_colour_only_supports_the_word(report: Report) -> None:
    assert "\x1b[" in _printed(report, "en", colour=True)
    assert "\x1b[" not in _printed(report, "en")
