"""The report on a terminal: the verdict, then one row per requirement that applies."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dqv.core.policy import Words
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.reports.escape import visible
from dqv.reports.model import Report
from dqv.reports.shown import shown_threshold, shown_value
from dqv.reports.words import Lang, label

_REPORT_STYLES = {
    ReportVerdict.DOES_NOT_CONFORM: "bold red",
    ReportVerdict.INCOMPLETE: "bold magenta",
    ReportVerdict.NEEDS_REVIEW: "bold yellow",
    ReportVerdict.NO_CLAUSE_FAILS: "bold green",
}
_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.REVIEW: "yellow",
    Verdict.ATTESTED: "cyan",
    Verdict.INDETERMINATE: "magenta",
}


def summary(report: Report, lang: Lang) -> Group:
    """The verdict line, notices, a table of the requirements that apply, and those that do not.

    As wide as the console; from 80 columns on nothing is cut off. Everything from the report is plain text: no markup, no control characters.
    """

    def say(words: Words) -> str:
        return visible(words.zh if lang == "zh" else words.en)

    def text(words: str, style: str = "") -> Text:
        return Text(visible(words), style=style, overflow="fold")

    head = Text.assemble(
        (label(f"report.{report.verdict.value}", lang), _REPORT_STYLES[report.verdict]),
        "  ",
        visible(report.subject.name or label("unnamed", lang)),
        overflow="fold",
    )
    notices = [Text(f"! {say(notice)}", style="yellow", overflow="fold") for notice in report.notices]

    table = Table(expand=True, header_style="bold", show_lines=False, pad_edge=False, box=None)
    table.add_column(label("rule", lang), ratio=5, overflow="fold")
    table.add_column(label("verdict", lang), min_width=13, overflow="fold")
    table.add_column(label("measured", lang), justify="right", width=16, overflow="fold")
    table.add_column(label("threshold", lang), justify="right", width=10, overflow="fold")
    table.add_column(label("next", lang), ratio=7, overflow="fold")
    for finding in report.findings:
        if finding.verdict is Verdict.NOT_APPLICABLE:
            continue
        table.add_row(
            Text.assemble(say(finding.title), "\n", (visible(finding.rule), "dim")),
            text(label(finding.verdict.value, lang), _STYLES[finding.verdict]),
            text(shown_value(finding.measured, finding.threshold, finding.unit)),
            text(shown_threshold(finding)),
            text("" if finding.next_step is None else say(finding.next_step)),
        )

    apart = [
        visible(finding.rule) for finding in report.findings if finding.verdict is Verdict.NOT_APPLICABLE
    ]
    foot = []
    if apart:
        line = f"{label('not_applicable', lang)}{label('colon', lang)}{', '.join(apart)}"
        foot.append(Text(line, style="dim", overflow="fold"))
    foot.append(Text(label("experts_decide", lang), style="dim"))
    return Group(head, *notices, Text(), table, Text(), *foot)


_FACTS = {
    "unknown": ("没有该条目", "No such item"),
    "unread": ("未能读取", "Not read"),
    "modality": ("模态", "Modality"),
    "equal": ("内容相同", "Equal"),
    "nothing_to_compare": ("无可比较的内容", "Nothing to compare"),
    "tokens": ("词元数", "Tokens"),
    "shingles": ("切片数", "Shingles"),
    "jaccard": ("Jaccard 相似度", "Jaccard similarity"),
    "estimate": ("草图估计", "Estimate by sketches"),
    "settled_by": ("由何断定", "Settled by"),
    "bands": ("相同的分带", "Bands in common"),
    "hash_bits_apart": ("pHash 相差位数", "pHash, bits apart"),
    "difference": ("最大局部差异（允许值）", "Largest local difference (allowed)"),
    "where": ("最大差异处（自左、自上，0…1）", "Where (from left, from top, 0 … 1)"),
    "shift": ("位移", "Shift"),
    "stretch": ("缩放", "Stretch"),
    "tone": ("色调（斜率、最大灰度差）", "Tone (slope, largest change in greys)"),
    "turned": ("转动后相同", "The same when turned"),
    "overlap": ("重叠的有声帧", "Sounding frames that overlap"),
    "wrong_bits": ("误码", "Wrong bits"),
    "different_frames": ("不同的帧", "Different frames"),
    "offset": ("时间偏移", "Offset"),
    "shares_a_hash": ("有相近的画面哈希", "Shares a hash"),
    "moments": ("相同的时刻", "Moments alike"),
}
_NEAR = {
    True: ("两者为近似重复。", "They are near-duplicates."),
    False: ("两者不是近似重复。", "They are not near-duplicates."),
    None: ("无法判断。", "It cannot be told."),
}


def explanation(found: Mapping[str, Any], lang: str) -> str:
    """What `stages.explain` says, one fact a line, the answer last."""
    at = 0 if lang == "zh" else 1
    lines = [f"{_FACTS[name][at]}: {value}" for name, value in found["facts"]]
    return "\n".join([*lines, _NEAR[found["near"]][at]])
