"""A data card from a report: what was measured stands in it, all else is marked as still to be written.

The headings are the twenty aspects of 说明文档 in TC609-5-2025-04. `measure.datacards` finds in it exactly what was measured:
what is marked counts as empty until the applicant has written it.
"""

from fractions import Fraction
from typing import Literal

from dqv.core.policy import Words
from dqv.core.units import decimal_string, human
from dqv.measure.card_terms import ASPECTS
from dqv.reports.escape import markdown
from dqv.reports.model import Bucket, Distribution, ModalityMeasurements, Report

Lang = Literal["zh", "en"]

_GROUPS = {
    "0101": Words(zh="基本信息", en="Basic information"),
    "0102": Words(zh="内容特征", en="Content"),
    "0103": Words(zh="建设过程", en="How it was made"),
    "0104": Words(zh="应用说明", en="Use"),
}
_MODALITIES = {
    "text": Words(zh="文本", en="text"),
    "audio": Words(zh="音频", en="audio"),
    "image": Words(zh="图像", en="images"),
    "video": Words(zh="视频", en="video"),
}
_BLANKS = {
    "structure": Words(zh="各文件夹与字段的含义", en="what each folder and field is"),
    "access": Words(zh="获取渠道、条件与加载方法", en="where to get it, on which terms, how to load it"),
    "support": Words(zh="联系人、邮箱、电话", en="whom to ask: name, e-mail, telephone"),
    "labels": Words(
        zh="标签体系与各标签的数量；无标签请说明",
        en="the labels and how many of each; say so if there are none",
    ),
    "samples": Words(zh="若干完整样例", en="some whole samples"),
    "limitations": Words(zh="已知偏差、缺失与不适用的用途", en="known biases, gaps, and what it is not for"),
    "source": Words(zh="数据来自何处、权属", en="where the data comes from, and whose it is"),
    "collection": Words(
        zh="采集的时间、地点、设备与方法", en="when, where, with what and how it was collected"
    ),
    "processing": Words(
        zh="清洗、去重、脱敏与质检的步骤", en="cleaning, deduplication, de-identification, quality control"
    ),
    "annotation": Words(zh="标注规范、人员、工具与一致性", en="guidelines, annotators, tools, agreement"),
    "version": Words(zh="版本号、日期与变更", en="number, date, changes"),
    "licence": Words(zh="许可与使用条件", en="the licence and its terms"),
    "scenarios": Words(
        zh="至少两个可落地的应用场景：谁、何处、做什么、效果",
        en="two scenarios at least: who, where, which task, which effect",
    ),
    "evaluation": Words(zh="评估指标与方法", en="metrics, and how they are taken"),
    "benchmarks": Words(zh="基线模型与结果", en="models and their results"),
    "cases": Words(zh="已有的应用案例", en="where it is in use"),
}
"""What the applicant alone can write."""

_HEAD = Words(
    zh="<!-- 由 dqv 的测量报告生成（基准日 {day}）。【】中的内容待申报单位填写；数字来自测量，改动后请重新检查。 -->",
    en="<!-- Made from a report of dqv (reference date {day}). What stands in [] is for the applicant to write; numbers were measured: check again after a change. -->",
)
_APPLICANT = Words(zh="申报单位", en="Applicant")
_CERTIFICATE = Words(zh="登记证书编号", en="Certificate of registration")
_LAYOUTS = {
    "folder": Words(zh="文件夹中的文件", en="files in folders"),
    "imagefolder": Words(
        zh="图像文件夹与元数据表（ImageFolder）", en="pictures with a table beside them (ImageFolder)"
    ),
    "webdataset": Words(zh="WebDataset（tar 中的样本）", en="WebDataset (samples in tar)"),
    "huggingface": Words(zh="Hugging Face 数据仓库", en="a Hugging Face repository"),
    "croissant": Words(zh="由 Croissant 描述", en="described by Croissant"),
    "tc609": Words(zh="TC609-5-2025-02 记录", en="records of TC609-5-2025-02"),
}
_MOST_BUCKETS = 40


def data_card(report: Report, lang: Lang) -> str:
    """A data card in Markdown.

    Args:
        report: of a check.
        lang: of the card.
    """
    subject = report.subject
    name = (
        _escaped(subject.name)
        if subject.name
        else _blank(Words(zh="数据集名称", en="name of the dataset"), lang)
    )
    lines = [getattr(_HEAD, lang).format(day=_escaped(report.run.reference_date)), "", f"# {name}"]
    for words, value in ((_APPLICANT, subject.applicant), (_CERTIFICATE, subject.certificate)):
        if value is not None:
            lines += [
                "",
                f"{words.zh}：{_escaped(value)}" if lang == "zh" else f"{words.en}: {_escaped(value)}",
            ]
    group = ""
    for aspect in ASPECTS:
        if aspect.group != group:
            group = aspect.group
            lines += ["", f"## {getattr(_GROUPS[group], lang)}"]
        title = getattr(aspect.words, lang)
        lines += ["", f"### {title[:1].upper()}{title[1:]}", ""]
        lines += _MEASURED[aspect.name](report, lang) if aspect.name in _MEASURED else []
        if aspect.name in _BLANKS:
            lines.append(_blank(_BLANKS[aspect.name], lang))
    return "\n".join(lines) + "\n"


def _blank(words: Words, lang: Lang) -> str:
    return f"【待填写：{words.zh}】" if lang == "zh" else f"[TODO: {words.en}]"


def _escaped(text: str) -> str:
    """Text of the registration or the data, as Markdown that shows it and no more."""
    return markdown(text)[:500]


def _each(report: Report) -> list[tuple[Words, ModalityMeasurements]]:
    return [
        (_MODALITIES.get(name) or Words(zh=_escaped(name), en=_escaped(name)), found)
        for name, found in report.measurements.items()
        if found.items
    ]


def _scale(report: Report, lang: Lang) -> list[str]:
    lines = []
    for words, found in _each(report):
        size = human(found.payload_bytes, "byte")
        zh = f"- {words.zh}：共 {found.items} 条，数据量 {size}，{found.objects} 个文件"
        en = f"- {words.en.capitalize()}: {found.items} items in total, {size}, in {found.objects} files"
        if found.hours is not None:
            shown = decimal_string(Fraction(found.hours), 3)
            zh, en = f"{zh}，总时长 {shown} 小时", f"{en}, {shown} hours in total"
        lines.append(zh if lang == "zh" else en)
    return lines


def _format(report: Report, lang: Lang) -> list[str]:
    lines = []
    for words, found in _each(report):
        formats = ", ".join(_escaped(each.label) for each in _buckets(found, "format"))
        lines.append(f"- {words.zh}：{formats}" if lang == "zh" else f"- {words.en.capitalize()}: {formats}")
    layout = _LAYOUTS[report.subject.layout]
    return [*lines, f"- 组织方式：{layout.zh}" if lang == "zh" else f"- Laid out as {layout.en}"]


def _modality(report: Report, lang: Lang) -> list[str]:
    names = [getattr(words, lang) for words, _ in _each(report)]
    return [("、" if lang == "zh" else ", ").join(names)] if names else []


def _distribution(report: Report, lang: Lang) -> list[str]:
    lines = []
    for words, found in _each(report):
        years = [int(each.label) for each in _buckets(found, "year") if each.label.isdecimal()]
        if years:
            zh = f"按条目的日期，{words.zh}的时间跨度为{min(years)}年至{max(years)}年。"
            en = f"By the dates of the items, the time span of {words.en} is {min(years)} to {max(years)}."
            lines += [zh if lang == "zh" else en, ""]
        for chart in found.distributions:
            lines += _table(words, chart, lang)
    return lines[:-1] if lines else []


def _table(words: Words, chart: Distribution, lang: Lang) -> list[str]:
    title = _escaped(getattr(chart.title, lang))
    modality = words.zh if lang == "zh" else words.en.capitalize()
    heads = ("条目数", "字节") if lang == "zh" else ("items", "bytes")
    rows = [
        f"| {_escaped(each.label)} | {each.items} | {each.payload_bytes} |"
        for each in chart.buckets[:_MOST_BUCKETS]
    ]
    return [f"| {modality} · {title} | {heads[0]} | {heads[1]} |", "|---|---:|---:|", *rows, ""]


def _buckets(found: ModalityMeasurements, name: str) -> list[Bucket]:
    return [each for chart in found.distributions if chart.name == name for each in chart.buckets]


_MEASURED = {
    "scale": _scale,
    "format": _format,
    "modality": _modality,
    "distribution": _distribution,
}
