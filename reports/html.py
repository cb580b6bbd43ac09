"""report.html: one self-contained page that shows report.json to people, in Chinese or English.

No script, nothing loaded from anywhere, every text escaped twice: `visible` for what would reorder or
hide, then HTML. The page adds no judgement; verdicts and sentences are the report's own.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from dqv.core.policy import Words
from dqv.core.units import human_bytes
from dqv.core.verdicts import Verdict
from dqv.reports.escape import visible
from dqv.reports.evidence import Rows
from dqv.reports.model import Distribution, Finding, Report
from dqv.reports.shown import (
    Balance,
    anchors,
    decimal_of,
    every_digit,
    exact,
    shown_threshold,
    shown_value,
    to_do,
)
from dqv.reports.svg import distribution_chart, threshold_bar, waveform
from dqv.reports.words import LABELS, Lang, label


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What an item looks or sounds like, to show beside a finding.

    Attributes:
        name: of the object, as text.
        observed: what was measured of it.
        pictures: JPEGs made by dqv itself, small.
        wave: heights from 0 to 100 of a recording, one a column.
        text: beginning of a text, masked.
    """

    name: str
    observed: str
    pictures: Sequence[bytes]
    wave: bytes = b""
    text: str = ""

    @property
    def sources(self) -> list[str]:
        """As addresses that load nothing."""
        return [f"data:image/jpeg;base64,{b64encode(picture).decode()}" for picture in self.pictures]


def render(
    report: Report,
    lang: Lang,
    excerpts: Mapping[str, Sequence[Excerpt]] | None = None,
    evidence: Mapping[str, Rows] | None = None,
    keyids: Sequence[str] | None = None,
) -> str:
    """The report as one HTML page that needs nothing else.

    Args:
        report: what report.json holds.
        lang: the page's language; the regulation's sentences are in Chinese either way.
        excerpts: rule → what to show beside its finding.
        evidence: rule → the first rows of its evidence.
        keyids: of the keys that sign the report; null where none does.
    """
    template, view, style = _page(lang)
    ids = anchors(report.findings)
    by_rule = {finding.rule: (ids[place], finding) for place, finding in enumerate(report.findings)}
    return template.render(
        lang=lang,
        style=style,
        t=view.label,
        t_or=view.label_or,
        view=view,
        report=report,
        findings=list(zip(ids, report.findings, strict=True)),
        deciding=[(rule, *by_rule.get(rule, (None, None))) for rule in report.decided_by],
        to_do=[(ids[place], report.findings[place]) for place in to_do(report.findings)],
        balance=Balance(report),
        errors=[
            (outcome, each)
            for outcome, all_ in (("unread", report.run.unread), ("defective", report.run.defective))
            for each in all_
        ],
        verdicts=[verdict.value for verdict in Verdict],
        excerpts=excerpts or {},
        evidence=evidence or {},
        keyids=keyids,
    )


class _View:
    """What the template calls, in one language."""

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang

    def label(self, key: str) -> str:
        return label(key, self.lang)

    def label_or(self, prefix: str, key: str) -> str:
        """The label of a value the report may hold, else the value itself."""
        return self.label(prefix + key) if prefix + key in LABELS else key

    def filled(self, key: str, *values: str) -> str:
        """A label with its gaps filled."""
        return self.label(key).format(*values)

    def say(self, words: Words) -> str:
        return words.zh if self.lang == "zh" else words.en

    def count(self, number: int) -> str:
        return f"{number:,}"

    def exact(self, text: str | None) -> str:
        return exact(text)

    def value(self, value: str | None, against: str | None, unit: str | None) -> str:
        return shown_value(value, against, unit)

    def every_digit(self, value: str | None, shown: str) -> str:
        return every_digit(value, shown)

    def threshold(self, finding: Finding) -> str:
        return shown_threshold(finding)

    def reading_threshold(self, finding: Finding, threshold: str) -> str:
        return shown_threshold(finding, threshold)

    def bar(self, finding: Finding) -> Markup:
        """The measured value against the threshold, or nothing where there are no two numbers."""
        measured, threshold = decimal_of(finding.measured), decimal_of(finding.threshold)
        if measured is None or threshold is None or finding.comparator is None:
            return Markup()
        shown = shown_value(finding.measured, finding.threshold, finding.unit)
        return Markup(
            threshold_bar(
                measured,
                threshold,
                finding.comparator,
                f"{self.label('measured')} {shown}",
                f"{self.label('threshold')} {shown_threshold(finding)}",
                largest=Fraction(1) if finding.unit == "ratio" else None,
            )
        )

    def chart(self, distribution: Distribution) -> Markup:
        return Markup(distribution_chart(distribution, self.lang))

    def wave(self, excerpt: Excerpt) -> Markup:
        return Markup(waveform(excerpt.wave, excerpt.name, excerpt.observed))

    def pairs(self, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        return sorted(values.items())

    def lines(self, text: str) -> list[str]:
        """A policy's sentence may be written over several lines."""
        return [line for line in text.split("\n") if line.strip()]


def _finalize(value: Any) -> Any:
    """Whatever the template prints: our own markup as it is, any other text made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _page(lang: Lang) -> tuple[Template, "_View", Markup]:
    """The template, compiled once per language, what it calls, and its style."""
    view = _View(lang)
    filters: dict[str, Callable[..., Any]] = {
        "say": view.say,
        "count": view.count,
        "exact": view.exact,
        "bytes": human_bytes,
    }
    return template_of("report.html.j2", filters), view, stylesheet()


def template_of(name: str, filters: Mapping[str, Callable[..., Any]]) -> Template:
    """A template of this package: undefined names are errors, and all that it prints is escaped twice."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters.update(filters)
    return environment.from_string((resources.files("dqv.reports") / name).read_text("utf-8"))


def stylesheet() -> Markup:
    """The style of all pages; our own file."""
    return Markup((resources.files("dqv.reports") / "report.css").read_text("utf-8"))
