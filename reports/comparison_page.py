"""A comparison as one HTML page, and the words for it; the terminal (`comparison_terminal`) shows the same rows."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, NamedTuple

from jinja2 import Template
from markupsafe import Markup

from dqv.core.units import human
from dqv.reports.comparison import Comparison, Declared, FindingPair, Number, Reason
from dqv.reports.html import stylesheet, template_of
from dqv.reports.shown import decimal_of, shown_value
from dqv.reports.words import LABELS, Lang, label, words_of

WORDS = words_of(
    {
        "title": ("两份报告的比较", "Two reports compared"),
        "same": ("一致", "The same"),
        "different": ("不一致", "Different"),
        "same.means": (
            "总体结论、各项判定与数值、测量结果和对象核算均相等。",
            "Overall verdict, all findings with their numbers, measurements and accounting are equal.",
        ),
        "different.means": (
            "判定、数值、测量结果或对象核算有不相等之处。差值均为乙减甲。",
            "A verdict, a number, a measurement or the accounting is not equal. Differences are B less A.",
        ),
        "a": ("甲", "A"),
        "b": ("乙", "B"),
        "difference": ("差（乙 − 甲）", "B less A"),
        "points": ("个百分点", "pp"),
        "digest": ("报告摘要（规范形式的 sha256）", "Digest of the report (sha256 of its canonical form)"),
        "reasons": ("何以可能不同", "Why they can differ"),
        "reason": ("方面", "In what"),
        "reason.same": ("相同", "same"),
        "reason.differs": ("不同", "differs"),
        "reason.unknown": ("无法判断", "cannot be told"),
        "data": ("数据", "Data"),
        "data.unknown": (
            "至少一份报告没有默克尔根：对象数与字节数相同，但不能证明是同一数据。",
            "One of the reports has no Merkle root: numbers of objects and bytes are equal, which does not prove that it is the same data.",
        ),
        "registration": ("登记信息", "Registration"),
        "policy": ("规则文件", "Policy"),
        "interpretation": (
            "解读（判定的模态、读法、门槛）",
            "Interpretation (deciding modalities, readings, thresholds)",
        ),
        "versions": ("软件版本", "Versions"),
        "settings": ("设置", "Settings"),
        "reference_date": ("基准日期", "Reference date"),
        "role": ("报告性质", "Kind of report"),
        "assurance": ("保证级别", "Assurance"),
        "completeness": ("是否读全（未读、损坏、自检）", "Completeness (unread, defective, self-test)"),
        "witnesses": ("独立核验", "Independent witnesses"),
        "absent": ("无", "none"),
        "findings": ("各项要求", "Findings"),
        "status": ("变化", "Change"),
        "new": ("新出现", "new"),
        "fixed": ("已消除", "fixed"),
        "changed": ("有变化", "changed"),
        "unchanged": ("未变", "unchanged"),
        "status.means": (
            "新出现：甲无须处理而乙须处理；已消除：相反；有变化：其他不同。",
            "new: nothing was left to do in A, something is in B; fixed: the other way round; changed: anything else.",
        ),
        "worse": ("变差", "worse"),
        "better": ("变好", "better"),
        "number": ("数值", "Number"),
        "evidence.differs": (
            "证据文件不同：即使数值相等，所列条目也不尽相同。",
            "The evidence files differ: even where numbers are equal, other rows are behind them.",
        ),
        "measurements": ("测量结果", "Measurements"),
        "accounting": ("对象核算", "Accounting"),
        "equal": ("全部相等。", "All are equal."),
        "distributions": ("分布不同", "distributions differ"),
        "declared_measured": ("申报与实测", "Declared against measured"),
        "declared_measured.means": (
            "第十二条所称弄虚作假由主管部门认定；dqv 只列出申报的数与测得的数。比例 = 实测 ÷ 申报。",
            "Whether a statement is false in the sense of article 12 is for the authority to decide; dqv only shows the declared and "
            "the measured number. Share = measured ÷ declared.",
        ),
        "declared_none": ("两份报告均未申报规模。", "No scale is declared in either report."),
        "declared": ("申报", "Declared"),
        "measured": ("实测", "Measured"),
        "share": ("比例", "Share"),
    }
)
"""What the page and the terminal say of their own; words of reports come from `html.LABELS`."""

_ALIASES = {"root_sha256": "root", "size_bytes": "size", "name": "dataset"}
"""Facts whose label has another name."""


def say(key: str, lang: Lang) -> str:
    """One of the words of comparisons."""
    return WORDS[key].zh if lang == "zh" else WORDS[key].en


def named(name: str, lang: Lang) -> str:
    """A fact or number by its label, where it has one."""
    key = _ALIASES.get(name, name)
    modality, _, rest = name.partition(".")
    if key in LABELS:
        return label(key, lang)
    if modality == "declared" and rest in LABELS:
        return f"{label('declared_scale', lang)} · {label(rest, lang)}"
    if f"outcome.{modality}" in LABELS and rest.count("."):  # a tally of the accounting, or a kind of error
        what, _, last = rest.rpartition(".")
        return " · ".join((label(f"outcome.{modality}", lang), what, named(last, lang)))
    return name


class Shown(NamedTuple):
    """One line of numbers: name, A, B, difference."""

    name: str
    a: str
    b: str
    difference: str


def shown_reason(reason: Reason, lang: Lang) -> str:
    """Same, differs, or cannot be told."""
    key = {True: "reason.same", False: "reason.differs", None: "reason.unknown"}[reason.same]
    return say(key, lang)


def shown_numbers(numbers: Iterable[Number], unit: str | None = None, *, lang: Lang) -> list[Shown]:
    """Numbers for people; of a finding in its unit, else in what their names say.

    Args:
        numbers: to be shown.
        unit: of `measured` and `threshold`; numerators and denominators of rates have none.
        lang: of their names.
    """
    lines = []
    for each in numbers:
        own = _unit(each.name, unit)
        apart = decimal_of((each.difference or "").lstrip("-"))
        sign = "−" if (each.difference or "").startswith("-") else "+"
        shown = "" if apart is None else "0" if not apart else f"{sign}{_amount(apart, own)}"
        if own == "ratio":
            shown = shown.replace("%", say("points", lang))
        lines.append(
            Shown(named(each.name, lang), _side(each.a, each.b, own), _side(each.b, each.a, own), shown)
        )
    return lines


def _unit(name: str, unit: str | None) -> str | None:
    if name in ("measured", "threshold"):
        return unit
    if name in ("numerator", "denominator"):
        return None if unit == "ratio" else unit
    if name.endswith("_bytes") or name in ("bytes",):
        return "byte"
    return {"hours": "hour", "silent_hours": "hour", "share_of_payload": "ratio"}.get(name)


def _side(value: str | None, other: str | None, unit: str | None) -> str:
    number = decimal_of(value)
    if unit is None and number is not None:
        return _amount(number, None)
    return shown_value(value, other, unit)


def _amount(number: Any, unit: str | None) -> str:
    """A number for people, with all its digits where rounding would make it nothing."""
    if unit is None:
        return f"{int(number):,}" if number.denominator == 1 else human(number, "item")
    text = human(number, unit)
    return f"{float(number):.3g}" if text.split(" ")[0] == "0" and number else text


def shown_declared(row: Declared) -> list[tuple[str, str, str]]:
    """Declared, measured and share of A, then of B."""
    return [
        (
            row.declared[at] or "—",
            shown_value(row.measured[at], row.scales[at], row.unit),
            shown_value(row.shares[at], "1", "ratio"),
        )
        for at in (0, 1)
    ]


def differing(comparison: Comparison) -> list[FindingPair]:
    """What is not unchanged: new, then fixed, then changed, each in the order of the report."""
    return [
        each
        for status in ("new", "fixed", "changed")
        for each in comparison.findings
        if each.status == status
    ]


def page(comparison: Comparison, lang: Lang) -> str:
    """The comparison as one HTML page that needs nothing else.

    Args:
        comparison: to be shown.
        lang: of the page.
    """
    template, style = _page(lang)
    return template.render(
        lang=lang,
        style=style,
        it=comparison,
        differing=differing(comparison),
        unchanged=[each for each in comparison.findings if each.status == "unchanged"],
    )


@cache
def _page(lang: Lang) -> tuple[Template, Markup]:
    filters: dict[str, Callable[..., Any]] = {
        "w": lambda key: say(key, lang),
        "t": lambda key: label(key, lang),
        "named": lambda name: named(name, lang),
        "say": lambda words: words.zh if lang == "zh" else words.en,
        "reason": lambda reason: shown_reason(reason, lang),
        "numbers": partial(shown_numbers, lang=lang),
        "declared": shown_declared,
    }
    return template_of("comparison.html.j2", filters), stylesheet()
