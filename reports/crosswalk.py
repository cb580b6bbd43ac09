"""The indicators of other standards, beside what a report says: informative, in every report.

Names and numbers are second-hand; weights, which differ between sources, are in no use. Where a number's name could not be
confirmed it is left out, and the row says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dqv.core.policy import Words
from dqv.core.verdicts import Verdict
from dqv.reports.model import Crosswalk, CrosswalkRow, Finding, ModalityMeasurements

TC609, GBT = "TC609-5-2025-04", "GB/T 36344-2018"

_SOURCE = Words(
    zh=f"{TC609}（高质量数据集 质量评测规范）与 {GBT}（信息技术 数据质量评价指标）的指标名称与编号为二手资料，未经原文核对；"
    "各来源的权重不一，此处不采用。本表仅供参考，不作判定。",
    en=f"Names and numbers of the indicators of {TC609} (quality evaluation of high-quality datasets) and {GBT} (evaluation indicators "
    "for data quality) are second-hand and were not compared with the originals; weights differ between sources and are not "
    "used. The table is informative and decides nothing.",
)

_SCALE = ("scale.text", "scale.audio", "scale.image", "scale.video")
_DUPLICATES = ("duplicates.text", "duplicates.audio", "duplicates.image", "duplicates.video")
_RESOLUTION = ("resolution.image", "resolution.video")


@dataclass(frozen=True)
class _Indicator:
    """One indicator.

    Attributes:
        how: measured: by rules with numbers or from the data; attested: declared; none: dqv has nothing to say of it.
        rules: that speak to it.
        measurements: parts of the report that do, where something was measured at all.
    """

    standard: str
    number: str
    title: Words
    how: Literal["measured", "attested"] | None
    rules: Sequence[str] = ()
    measurements: Sequence[str] = ()
    note: Words | None = None


def _row(
    standard: str, number: str, zh: str, en: str, how: Literal["measured", "attested"] | None,
    rules: Sequence[str] = (), measurements: Sequence[str] = (), note: Words | None = None,
) -> _Indicator:  # fmt: skip
    return _Indicator(standard, number, Words(zh=zh, en=en), how, rules, measurements, note)


_DOCUMENTS = Words(
    zh="各方面见规则 documentation 的说明与证据。",
    en="For its aspects see the finding of the rule documentation.",
)
_FIRST_COPY = Words(
    zh="标准未说明首份是否计入：读法 near 不计首份，members 计入。",
    en="The standard does not say whether the first copy counts: the reading near leaves it out, members counts it.",
)
_UNCONFIRMED = Words(
    zh="这些编号的名称未能核实，故不列出。",
    en="What these numbers are called could not be confirmed, so they are not named.",
)

INDICATORS: tuple[_Indicator, ...] = (
    _row(TC609, "0101", "说明文档：基本信息", "documentation: basic information", "measured", ("documentation",), (), _DOCUMENTS),
    _row(TC609, "0102", "说明文档：内容特征", "documentation: features of the content", "measured", ("documentation",), (), _DOCUMENTS),
    _row(TC609, "0103", "说明文档：建设过程", "documentation: how it was made", "measured", ("documentation",), (), _DOCUMENTS),
    _row(TC609, "0104", "说明文档：应用说明", "documentation: use", "measured", ("documentation",), (), _DOCUMENTS),
    _row(TC609, "0201", "数据质量：格式规范", "data quality: well-formed", "measured", ("metadata",), ("run.defective", "run.unread", "accounting")),
    _row(TC609, "0202–0207", "数据质量：其余各项", "data quality: the others", None, (), (), _UNCONFIRMED),
    _row(TC609, "0208", "数据质量：内容干净", "data quality: clean content", "measured", (*_DUPLICATES, "privacy"), ("run.defective", "measurements.*.flagged")),
    _row(TC609, "0301", "模型应用：多样", "use for models: diversity", "measured", ("value",), ("measurements.*.distributions",)),
    _row(TC609, "0302", "模型应用：规模", "use for models: scale", "measured", _SCALE, ("measurements",)),
    _row(TC609, "0303", "模型应用：时效", "use for models: timeliness", "measured", ("recency", "updates"), ("measurements.*.distributions.year",)),
    _row(TC609, "0304", "模型应用：标注准确", "use for models: accuracy of annotation", None),
    _row(TC609, "0305", "模型应用：模型适配", "use for models: fit for models", "attested", ("value", "scenarios")),
    _row(GBT, "", "规范性", "conformity to norms", "measured", ("metadata", "documentation"), ("run.defective", "run.unread")),
    _row(GBT, "", "完整性", "completeness", "measured", ("metadata",), ("accounting", "run.unread")),
    _row(GBT, "", "准确性：数据重复率", "accuracy: rate of duplicate data", "measured", _DUPLICATES, (), _FIRST_COPY),
    _row(GBT, "", "准确性：格式合规与脏数据", "accuracy: formats and dirty data", "measured", _RESOLUTION, ("run.defective", "measurements.*.flagged")),
    _row(GBT, "", "准确性：内容正确", "accuracy: correct content", None),
    _row(GBT, "", "一致性", "consistency", "measured", ("recency", "legality"), ("run.witnesses",), Words(
        zh="日期互相矛盾的条目见 recency；许可与登记是否一致见 legality。",
        en="Items whose dates contradict each other are in recency; whether licences are as declared, in legality.",
    )),
    _row(GBT, "", "时效性", "timeliness", "measured", ("recency", "updates")),
    _row(GBT, "", "可访问性", "accessibility", "measured", ("registration",), ("run.unread", "accounting")),
)  # fmt: skip
"""In the order of the standards."""


def crosswalk(findings: Sequence[Finding], measurements: Mapping[str, ModalityMeasurements]) -> Crosswalk:
    """What this report says of each indicator.

    `measured` becomes `not_assessed` where no rule of it applied or could be measured and nothing else was; `attested` where
    nothing was declared.
    """
    verdicts = {finding.rule: finding.verdict for finding in findings}
    rows = []
    for each in INDICATORS:
        rules = [
            rule
            for rule in each.rules
            if verdicts.get(rule, Verdict.NOT_APPLICABLE) is not Verdict.NOT_APPLICABLE
        ]
        mine = {verdicts[rule] for rule in rules}
        measured = bool(mine - {Verdict.INDETERMINATE}) or bool(each.measurements and measurements)
        status: Literal["measured", "attested", "not_assessed"] = "not_assessed"
        if each.how == "measured" and measured:
            status = "measured"
        elif each.how == "attested" and Verdict.ATTESTED in mine:
            status = "attested"
        rows.append(
            CrosswalkRow(
                standard=each.standard,
                indicator=each.number,
                title=each.title,
                status=status,
                rules=rules,
                measurements=list(each.measurements) if measurements else [],
                note=each.note,
            )
        )
    return Crosswalk(source=_SOURCE, rows=rows)
