"""The technical annex to the application form (申报书): what the form asks of a dataset, from its report, and whose word each fact is.

A document is a list of blocks, which `markdown` writes here and `annex_docx` as a file of Word. Every value stands in a cell of a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dqv.core.policy import Words
from dqv.core.units import human_bytes
from dqv.core.verdicts import Verdict
from dqv.reports.escape import markdown as escaped
from dqv.reports.load import Loaded, keyids
from dqv.reports.model import Finding, ModalityMeasurements, Report
from dqv.reports.shown import exact, shown_threshold, shown_value
from dqv.reports.words import LABELS, Lang, label, words_of

WORDS = words_of(
    {
        "title": ("高质量数据集认定申报书 技术附件", "Technical annex to the application for certification of a high-quality dataset"),
        "made": (
            "本附件由 dqv 依检测报告生成。“来源”一栏说明每项由谁得出：实测，由程序从数据测得；查看，由程序查看而须人员判断；申报，仅为申报单位所述，未由数据测得；"
            "平台，由登记平台经 TLS 返回。是否认定由形式审查和专家评审决定。",
            "Made by dqv from a report. The column “source” says whose word each fact is: measured, by a program from the data; looked at, by a "
            "program, for a person to judge; declared, the applicant's word alone, not measured from the data; platform, as the platform's record "
            "says, over TLS. Whether the dataset is certified is decided by the formal check and the experts' review.",
        ),
        "basics": ("一、基本信息", "1. The dataset and the applicant"),
        "content": ("二、数据构成", "2. What the dataset holds"),
        "numbers": ("三、规模与质量指标", "3. Scale and quality"),
        "others": ("四、文档、更新、场景与合规", "4. Documentation, updates, scenarios, lawfulness"),
        "how": ("五、检测方法与复核信息", "5. How it was measured, and how to check it"),
        "notices": ("六、特别提示", "6. Please note"),
        "item": ("项目", "Item"),
        "value": ("内容", "Value"),
        "source": ("来源", "Source"),
        "measured": ("实测", "measured"),
        "looked": ("查看", "looked at"),
        "declared": ("申报", "declared"),
        "platform": ("平台", "platform"),
        "either": ("平台或申报", "platform or declared"),
        "not_given": ("未提供", "not given"),
        "formats": ("格式（条目数）", "Formats (items)"),
        "years": ("日期跨度", "Years"),
        "undated": ("，未定日期 {} 项", "; undated: {} items"),
        "span": ("{} 年", "{}"),
        "clause": ("条款", "Clause"),
        "method": ("判定口径", "As it is read"),
        "depends": ("（判定取决于读法）", " (the verdict depends on the reading)"),
        "says": ("说明", "What was found"),
        "report_sha256": ("报告摘要（规范形式的 sha256）", "Digest of the report (sha256 of its canonical form)"),
        "dqv": ("检测软件", "Software"),
        "nothing": ("没有可测量的条目。", "There was no item to measure."),
        "verify": ("复核命令", "To verify"),
        "keys": ("签署密钥的标识", "Ids of the keys that signed"),
        "signer": (
            "（signer.pub：从可信渠道取得的签署方公钥；SOURCE：数据位置）",
            "(signer.pub: the signer's public key, obtained through a channel you trust; SOURCE: where the data lies)",
        ),
        "unsigned": (
            "报告未签名：没有可核验的签名信封，由谁得出、是否被改动，均无从证明。",
            "The report is not signed: there is no envelope to verify, and nothing proves who made it or that it was not altered.",
        ),
    }
)  # fmt: skip

_MEASURED = ("scale", "resolution", "duplicates", "recency")
_LOOKED_AT = ("documentation", "metadata", "openness", "privacy")


@dataclass(frozen=True)
class Heading:
    """A heading; level 0 is the title."""

    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of our own words."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table; widths are parts of the whole."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]


Block = Heading | Paragraph | Table


def annex(loaded: Loaded, lang: Lang) -> list[Block]:
    """The blocks of the annex.

    Args:
        loaded: the report.
        lang: of the annex; the form is in Chinese.
    """
    report, say = loaded.report, _Say(lang)
    notices: list[Block] = []
    if report.notices:
        rows = tuple((say.of(each),) for each in report.notices)
        notices = [Heading(say("notices"), 1), Table((say.label("notices"),), rows, (1,))]
    return [
        Heading(say("title"), 0),
        Paragraph(say("made")),
        Heading(say("basics"), 1),
        _basics(report, say),
        Heading(say("content"), 1),
        *(_content(report, say) or [Paragraph(say("nothing"))]),
        Heading(say("numbers"), 1),
        _numbers(report, say),
        Heading(say("others"), 1),
        _others(report, say),
        Heading(say("how"), 1),
        _how(loaded, say),
        *notices,
    ]


class _Say:
    """Words in one language."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang

    def __call__(self, key: str) -> str:
        return self.of(WORDS[key])

    def of(self, words: Words) -> str:
        return words.zh if self.lang == "zh" else words.en

    def label(self, key: str) -> str:
        return label(key, self.lang) if key in LABELS else key


def _basics(report: Report, say: _Say) -> Table:
    subject = report.subject
    # what a platform's record does not have comes from the registration file, and the report does not say which
    both = "platform" if subject.registration_sha256 is None else "either"
    whose = say("declared" if subject.platform is None else both)
    facts = [
        (say.label("dataset"), subject.name),
        (say.label("applicant"), subject.applicant),
        (say.label("uscc"), subject.uscc),
        (say.label("certificate"), subject.certificate),
        (say.label("platform"), subject.platform),
        (say.label("category"), subject.category),
        *((f"{say.label('declared_scale')} · {say.label(modality)}", scale) for modality, scale in subject.declared.items()),
    ]  # fmt: skip
    rows = [
        (name, say("not_given") if value is None else value, "—" if value is None else whose)
        for name, value in facts
    ]
    rows.append((say.label("conclusion"), say.label(f"report.{report.verdict.value}"), "dqv"))
    return Table((say("item"), say("value"), say("source")), tuple(rows), (4, 8, 2))


def _content(report: Report, say: _Say) -> list[Block]:
    blocks: list[Block] = []
    for modality, found in report.measurements.items():
        if not found.items:
            continue
        rows = [
            (say.label("items"), f"{found.items:,}"),
            (say.label("objects"), f"{found.objects:,}"),
            (say.label("payload_bytes"), _bytes(found.payload_bytes)),
            (say.label("stored_bytes"), _bytes(found.stored_bytes)),
            *([(say.label("hours"), exact(found.hours))] if found.hours is not None else []),
            *([(say.label("tokens"), f"{found.tokens:,}")] if found.tokens else []),
            *_spread(found, say),
            (say.label("defective_items"), f"{found.defective_items:,}"),
            (say.label("unread_items"), f"{found.unread_items:,}"),
        ]
        told = say.label("declared" if found.declared else "undeclared")
        head = (f"{say.label(modality)} ({told})", say("value"), say("source"))
        blocks.append(Table(head, tuple((*row, say("measured")) for row in rows), (4, 8, 2)))
    return blocks


def _bytes(count: int) -> str:
    return f"{human_bytes(count)} ({count:,} B)" if count >= 1000 else human_bytes(count)


def _spread(found: ModalityMeasurements, say: _Say) -> list[tuple[str, str]]:
    """Formats, and from which year to which."""
    charts = {chart.name: chart.buckets for chart in found.distributions}
    rows = []
    if charts.get("format"):
        each = ", ".join(f"{bucket.label} ({bucket.items:,})" for bucket in charts["format"][:20])
        rows.append((say("formats"), each))
    dated = [bucket for bucket in charts.get("year", []) if bucket.label.isdecimal()]
    if dated:
        undated = sum(bucket.items for bucket in charts["year"] if not bucket.label.isdecimal())
        years = [int(bucket.label[:9]) for bucket in dated]
        span = say("span").replace("{}", f"{min(years)}–{max(years)}")
        rows.append((say("years"), span + (say("undated").replace("{}", f"{undated:,}") if undated else "")))
    return rows


def _numbers(report: Report, say: _Say) -> Table:
    """The rules that a number of the data decides, where they apply."""
    rows = tuple(
        (
            say.of(finding.title),
            finding.clause,
            shown_value(finding.measured, finding.threshold, finding.unit),
            shown_threshold(finding),
            say.label(finding.verdict.value),
            _reading(finding, say),
        )
        for finding in report.findings
        if _family(finding) in _MEASURED and finding.verdict is not Verdict.NOT_APPLICABLE
    )
    heads = (
        say("item"), say("clause"), say("measured"), say.label("threshold"), say.label("verdict"), say("method"),
    )  # fmt: skip
    return Table(heads, rows, (4, 2, 3, 3, 3, 6))


def _family(finding: Finding) -> str:
    return finding.rule.partition(".")[0]


def _reading(finding: Finding, say: _Say) -> str:
    """How the clause is read, and the fraction behind a rate."""
    words = [say.of(reading.words) for reading in finding.readings if reading.deciding]
    if finding.denominator is not None and finding.numerator is not None:
        words.append(f"{exact(finding.numerator)} / {exact(finding.denominator)}")
    return say.label("and").join(words) + (say("depends") if finding.depends_on_reading else "")


def _others(report: Report, say: _Say) -> Table:
    """All other rules, each with whose word it rests on."""
    rows = tuple(
        (say.of(finding.title), finding.clause, say.label(finding.verdict.value), say.of(finding.message), _source(finding, report, say))
        for finding in report.findings
        if _family(finding) not in _MEASURED
    )  # fmt: skip
    heads = (say("item"), say("clause"), say.label("verdict"), say("says"), say("source"))
    return Table(heads, rows, (3, 2, 2, 9, 2))


def _source(finding: Finding, report: Report, say: _Say) -> str:
    if finding.rule in _LOOKED_AT:
        return say("looked")
    vouched = (
        finding.rule == "registration"
        and finding.verdict is Verdict.PASS
        and report.subject.platform is not None
    )
    return say("platform" if vouched else "declared")


def _how(loaded: Loaded, say: _Say) -> Table:
    report = loaded.report
    run, policy = report.run, report.policy
    version = run.versions.get("dqv", "—")
    rows = [
        (say.label("role"), say.label(f"role.{run.role}")),
        (say.label("assurance"), say.label(f"assurance.{run.assurance}")),
        (say.label("reference_date"), run.reference_date),
        (say.label("complete"), say.label("yes" if run.complete else "no")),
        (say("dqv"), f"dqv {version} ({run.versions.get('code', '—')})"),
        (say.label("policy"), f"{policy.document} · {policy.id} {policy.version}"),
        (f"{say.label('policy')} {say.label('digest')}", policy.digest),
        (say("report_sha256"), loaded.sha256),
        (say.label("root"), report.subject.root_sha256 or say.label("no_root")),
        (say.label("objects"), f"{report.subject.objects:,}"),
        (say.label("size"), _bytes(report.subject.size_bytes)),
    ]
    signers = keyids(loaded)
    if signers:
        rows += [
            (say("keys"), ", ".join(signers)),
            (say("verify"), f"dqv verify report.dsse.json --trust signer.pub --data SOURCE {say('signer')}"),
        ]
    else:
        rows.append((say("verify"), say("unsigned")))
    return Table((say("item"), say("value")), tuple(rows), (4, 10))


def markdown(blocks: Sequence[Block]) -> str:
    """The annex in Markdown; what stands in it is shown and is no markup."""
    parts = []
    for block in blocks:
        if isinstance(block, Heading):
            parts.append(f"{'#' * (block.level + 1)} {escaped(block.text)}")
        elif isinstance(block, Paragraph):
            parts.append(escaped(block.text))
        else:
            lines = [block.heads, ("---",) * len(block.heads), *block.rows]
            parts.append(
                "\n".join(
                    f"| {' | '.join(_cell(cell, at == 1) for cell in line)} |"
                    for at, line in enumerate(lines)
                )
            )
    return "\n\n".join(parts) + "\n"


def _cell(text: str, rule: bool) -> str:
    return text if rule else escaped(text)
