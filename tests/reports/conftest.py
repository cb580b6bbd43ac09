"""A full sample report, and what hostile people put into names."""

from collections.abc import Callable
from typing import Any

import pytest

from dqv.core.policy import RULES, Words
from dqv.core.verdicts import Verdict, report_verdict
from dqv.reports.model import (
    Accounting,
    Bucket,
    Disagreement,
    Distribution,
    ErrorCount,
    EvidenceRef,
    Finding,
    ModalityMeasurements,
    PolicyRef,
    ReadingResult,
    Report,
    Run,
    Subject,
    Tally,
    Witness,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% for x in y %}",
    '"><img src=x onerror=alert(1)>',
    "'><a href='https://example.com/'>",
    "</style></title><svg onload=alert(1)>",
    "--><iframe src=//example.com>",
    "invoice\u202egnp.exe\u2066\u200b\u0000\x1b[31m\n[bold red]x[/]",
)

_CLAUSES = {
    "8(一)": (
        "申报单位应为依法注册、具有独立法人资格，并通过数据流通交易平台完成数据集登记的企事业单位。",
        "The applicant is a lawfully registered enterprise or public institution with independent legal "
        "personality that has registered the dataset on a data trading platform.",
    ),
    "8(二)": (
        "高质量数据集分为通识数据集、行业通识数据集、行业专识数据集三类，申报数据集选择一类进行申报，需具备一定的先进性"
        "和示范性，数据来源合法、权属清晰，处理过程符合法律法规，并建立安全防护机制。",
        "High-quality datasets are general, industry-general or industry-specialist; one category is chosen. "
        "Data come from lawful sources with clear rights, are processed lawfully and are protected.",
    ),
    "8(三)": (
        "申报数据集须具备一定规模：文本数据不低于 30GB，音频数据不低于 1000 小时，图像数据不低于 30GB、规格不低于"
        " 768 × 1024 像素，视频数据不低于 8TB，清晰度不低于 720P；数据重复率不高于 5%，具备准确、清晰的说明文档和规范的元数据。",
        "The dataset has a certain scale: text no less than 30 GB, audio no less than 1000 hours, images no less "
        "than 30 GB and 768 × 1024 pixels, video no less than 8 TB and 720P; the rate of duplicates is no more "
        "than 5 %; it has accurate, clear documentation and orderly metadata.",
    ),
    "8(四)": (
        "申报数据集不得包含已开源的行业高质量数据集，近 5 年数据占比不低于 50%，数据具有定期更新机制。",
        "The dataset contains no industry dataset already open-sourced, at least 50 % of it is from the last "
        "five years, and it is updated regularly.",
    ),
    "8(五)": (
        "具有明确的应用场景和较高的价值密度，能有效提升人工智能模型性能，解决实际业务问题，具有较强推广价值，具有不少于 2 个"
        "可落地的应用场景。",
        "It has clear scenarios of use and a high density of value, and at least two scenarios that can be put "
        "to use.",
    ),
}
_RULES: dict[str, tuple[str, str, str, Verdict]] = {
    "scale.text": ("8(三)", "文本规模", "Scale of text", Verdict.FAIL),
    "scale.audio": ("8(三)", "音频规模", "Scale of audio", Verdict.NOT_APPLICABLE),
    "scale.image": ("8(三)", "图像规模", "Scale of images", Verdict.PASS),
    "scale.video": ("8(三)", "视频规模", "Scale of video", Verdict.NOT_APPLICABLE),
    "resolution.image": ("8(三)", "图像规格", "Image resolution", Verdict.PASS),
    "resolution.video": ("8(三)", "视频清晰度", "Video resolution", Verdict.NOT_APPLICABLE),
    "duplicates.text": ("8(三)", "文本重复率", "Duplicate rate of text", Verdict.PASS),
    "duplicates.audio": ("8(三)", "音频重复率", "Duplicate rate of audio", Verdict.NOT_APPLICABLE),
    "duplicates.image": ("8(三)", "图像重复率", "Duplicate rate of images", Verdict.INDETERMINATE),
    "duplicates.video": ("8(三)", "视频重复率", "Duplicate rate of video", Verdict.NOT_APPLICABLE),
    "recency": ("8(四)", "近五年数据占比", "Share of the last five years", Verdict.REVIEW),
    "documentation": ("8(三)", "说明文档", "Documentation", Verdict.PASS),
    "metadata": ("8(三)", "元数据", "Metadata", Verdict.PASS),
    "openness": ("8(四)", "不含已开源数据集", "Not already open-sourced", Verdict.ATTESTED),
    "updates": ("8(四)", "定期更新机制", "Regular updates", Verdict.ATTESTED),
    "registration": ("8(一)", "平台登记", "Registration on a platform", Verdict.PASS),
    "applicant": ("8(一)", "申报单位资格", "The applicant", Verdict.ATTESTED),
    "category": ("8(二)", "申报类别", "Category", Verdict.ATTESTED),
    "legality": ("8(二)", "来源合法与权属", "Lawful source and rights", Verdict.ATTESTED),
    "safeguards": ("8(二)", "安全防护机制", "Safeguards", Verdict.ATTESTED),
    "scenarios": ("8(五)", "应用场景", "Scenarios of use", Verdict.PASS),
    "value": ("8(五)", "价值密度", "Density of value", Verdict.ATTESTED),
    "privacy": ("8(二)", "个人信息", "Personal information", Verdict.REVIEW),
}
_GB30 = "30000000000"


def _reading(
    name: str, zh: str, en: str, values: tuple[str | None, ...], verdict: Verdict, *, deciding: bool
) -> ReadingResult:
    measured, numerator, denominator, threshold = values
    return ReadingResult(
        name=name,
        words=Words(zh=zh, en=en),
        deciding=deciding,
        measured=measured,
        numerator=numerator,
        denominator=denominator,
        threshold=threshold or "0",
        verdict=verdict,
    )


_DETAILS: dict[str, dict[str, Any]] = {
    "scale.text": {
        "measured": "29999999999",
        "threshold": _GB30,
        "comparator": ">=",
        "unit": "byte",
        "numerator": "29999999999",
        "denominator": None,
        "population": Words(
            zh="全部可读文本记录，以全部字段值的 UTF-8 字节计",
            en="All readable text records, by UTF-8 bytes of all their values",
        ),
        "readings": [
            _reading(
                "decimal",
                "十进制单位，全部字段值",
                "Decimal units, all values of a record",
                ("29999999999", "29999999999", None, _GB30),
                Verdict.FAIL,
                deciding=True,
            ),
            _reading(
                "binary",
                "二进制单位（30 GiB）",
                "Binary units (30 GiB)",
                ("29999999999", "29999999999", None, "32212254720"),
                Verdict.FAIL,
                deciding=False,
            ),
            _reading(
                "stored",
                "按存储字节",
                "By stored bytes",
                ("34120556789", "34120556789", None, _GB30),
                Verdict.PASS,
                deciding=False,
            ),
        ],
        "depends_on_reading": True,
        "message": Words(
            zh="文本有效载荷为 29,999,999,999 字节，比 30 GB 少 1 字节。",
            en="The text payload is 29,999,999,999 bytes, 1 byte short of 30 GB.",
        ),
        "next_step": Words(
            zh="补充至少 1 字节的文本数据后重新检测；若主管部门采用存储字节的读法，则已达到。",
            en="Add at least 1 byte of text and check again; under the reading by stored bytes the floor is already met.",
        ),
    },
    "duplicates.text": {
        "measured": "0.034127",
        "threshold": "0.05",
        "comparator": "<=",
        "unit": "ratio",
        "numerator": "421987",
        "denominator": "12365120",
        "population": Words(
            zh="全部可读文本条目，损坏条目除外", en="All readable text items, defective ones excepted"
        ),
        "readings": [
            _reading(
                "near",
                "近似重复（Jaccard ≥ 0.8），多余条目 / 条目",
                "Near-duplicates (Jaccard ≥ 0.8), surplus items / items",
                ("0.034127", "421987", "12365120", "0.05"),
                Verdict.PASS,
                deciding=True,
            ),
            _reading(
                "exact",
                "字节完全相同",
                "Equal payloads",
                ("0.0112", "138489", "12365120", "0.05"),
                Verdict.PASS,
                deciding=False,
            ),
            _reading(
                "cluster-members",
                "计入簇内全部成员",
                "All members of clusters",
                ("0.0471", "582397", "12365120", "0.05"),
                Verdict.PASS,
                deciding=False,
            ),
        ],
        "evidence": EvidenceRef(
            path="evidence/duplicates.text.parquet", digest="3f" * 32, rows=100000, total=421987
        ),
        "message": Words(
            zh="12,365,120 条文本中有 421,987 条是已保留条目的近似重复，占 3.41 %。",
            en="421,987 of 12,365,120 texts are near-duplicates of one that was kept, 3.41 %.",
        ),
    },
    "duplicates.image": {
        "threshold": "0.05",
        "comparator": "<=",
        "unit": "ratio",
        "denominator": "81234",
        "message": Words(
            zh="有 1,912 张图像未能读取，重复率可能在 4.1 % 至 6.4 % 之间，因此无法判定。",
            en="1,912 images could not be read; the rate may be anything from 4.1 % to 6.4 %, so there is no verdict.",
        ),
        "next_step": Words(
            zh="修复读取错误后，用同一命令继续检测。",
            en="Repair the read errors and run the same command again; it goes on where it stopped.",
        ),
    },
    "scale.image": {
        "measured": "41230000000",
        "threshold": _GB30,
        "comparator": ">=",
        "unit": "byte",
        "numerator": "41230000000",
        "message": Words(
            zh="图像编码字节为 41.23 GB，达到 30 GB。",
            en="The encoded images are 41.23 GB; the floor of 30 GB is met.",
        ),
    },
    "resolution.image": {
        "measured": "1",
        "threshold": "1",
        "comparator": ">=",
        "unit": "ratio",
        "numerator": "81234",
        "denominator": "81234",
        "message": Words(
            zh="全部 81,234 张图像均不低于 768 × 1024 像素。",
            en="All 81,234 images are at least 768 × 1024 pixels.",
        ),
    },
    "recency": {
        "measured": "0.471",
        "threshold": "0.5",
        "comparator": ">=",
        "unit": "ratio",
        "numerator": "14130000000",
        "denominator": "29999999999",
        "message": Words(
            zh="有日期证据且属近五年的占 47.1 %，另有 12.3 % 没有日期，结论取决于这部分。",
            en="47.1 % is dated within the last five years; another 12.3 % carries no date, and the verdict turns on it.",
        ),
        "next_step": Words(
            zh="为 1,520,114 条没有日期的记录补充 original_time。",
            en="Add original_time to the 1,520,114 records without a date.",
        ),
    },
    "scenarios": {
        "measured": "2",
        "threshold": "2",
        "comparator": ">=",
        "unit": "item",
        "numerator": "2",
        "message": Words(
            zh="登记了 2 个应用场景，各项内容齐全。", en="Two scenarios are registered, each complete."
        ),
    },
    "privacy": {
        "measured": "17",
        "unit": "item",
        "numerator": "17",
        "denominator": "12365120",
        "evidence": EvidenceRef(path="evidence/privacy.parquet", digest="a9" * 32, rows=17, total=17),
        "message": Words(
            zh="17 条记录含有校验位正确的身份证号，须人工查看。",
            en="17 records hold identity numbers with a valid check digit; a person must look.",
        ),
        "next_step": Words(
            zh="查看证据文件中的 17 处，删除或去标识化。",
            en="Look at the 17 places in the evidence and remove or de-identify them.",
        ),
    },
}


def _finding(rule: str) -> Finding:
    clause, zh, en, verdict = _RULES[rule]
    generic = {
        Verdict.NOT_APPLICABLE: ("登记中没有这一模态。", "The registration does not declare this modality."),
        Verdict.ATTESTED: (
            "申报方已声明并附材料；无法由数据测得。",
            "The applicant declares it, with documents; data cannot show it.",
        ),
    }.get(verdict, ("要求已满足。", "The requirement is met."))
    values: dict[str, Any] = {
        "rule": rule,
        "clause": clause,
        "clause_text": Words(zh=_CLAUSES[clause][0], en=_CLAUSES[clause][1]),
        "title": Words(zh=zh, en=en),
        "verdict": verdict,
        "measured": None,
        "threshold": None,
        "comparator": None,
        "unit": None,
        "numerator": None,
        "denominator": None,
        "population": None,
        "readings": [],
        "depends_on_reading": False,
        "method": Words(
            zh="按规则文件所定方法由数据计算。", en="Computed from the data as the policy lays down."
        ),
        "evidence": None,
        "message": Words(zh=generic[0], en=generic[1]),
        "next_step": None,
    }
    return Finding(**(values | _DETAILS.get(rule, {})))


def make_report(**changes: Any) -> Report:
    """A sample in which every verdict occurs; `changes` replace top-level fields."""
    findings = [_finding(rule) for rule in RULES]
    verdict, decided_by = report_verdict((finding.rule, finding.verdict) for finding in findings)
    values: dict[str, Any] = {
        "schema": "urn:dqv:report:1",
        "subject": Subject(
            root_sha256="9c" * 32,
            objects=84510,
            size_bytes=75_400_556_789,
            name="纺织工艺质量检测图文数据集",
            applicant="嘉兴某某纺织科技有限公司",
            uscc="91330400MA2XXXXX0X",
            certificate="JX-DS-2026-000123",
            registration_sha256=None,
            platform="https://api.platform.example/v1",
            layout="folder",
            platform_sha256="7" * 64,
            category="行业专识数据集",
            declared={"text": "35 GB", "image": "40 GB"},
        ),
        "policy": PolicyRef(
            id="jiaxing-2025-65",
            version="1",
            digest="5d" * 32,
            document="嘉经信数经〔2025〕65号",
            title=Words(
                zh="嘉兴市高质量数据集认定（试行）第八条",
                en="Jiaxing certification of high-quality datasets (trial), article 8",
            ),
            status=Words(zh="试行，现行有效", en="Trial, in force"),
            in_force_from="2025-11-22",
            in_force_until=None,
        ),
        "run": Run(
            role="self-check",
            assurance="full",
            reference_date="2026-03-01",
            settings_digest="e1" * 32,
            settings={"modalities": "text, image", "assurance": "full", "text_field": ""},
            versions={"dqv": "0.1.0", "polars": "1.35.1", "python": "3.11.9"},
            complete=False,
            witnesses=[
                Witness(
                    name="ffmpeg",
                    version="7.1",
                    modality="video",
                    status="run",
                    seed=20260301,
                    sample=16,
                    agreed=14,
                    disagreed=1,
                    unanswered=1,
                    tolerance=Words(zh="时长相差不超过 0.25 秒", en="durations within 0.25 s"),
                    disagreements=[
                        Disagreement(name="a/1.mp4", place=0, fact="duration_s", ours="9.5", theirs="4.25")
                    ],
                )
            ],
            unread=[ErrorCount(modality="image", kind="io", items=1912, stored_bytes=1_034_000_111)],
            defective=[ErrorCount(modality="text", kind="json", items=41, stored_bytes=90_412)],
            environment={"host": "bureau-3", "started": "2026-03-02T01:10:00Z", "workers": "8"},
        ),
        "accounting": Accounting(
            objects=84510,
            size_bytes=75_400_556_789,
            tallies=[
                Tally(outcome="measured", rule="text/jsonl", objects=1321, size_bytes=34_120_466_377),
                Tally(outcome="measured", rule="image", objects=81234, size_bytes=40_230_000_301),
                Tally(outcome="defective", rule="json", objects=41, size_bytes=90_412),
                Tally(outcome="unread", rule="io", objects=1912, size_bytes=1_034_000_111),
                Tally(outcome="not_data", rule="README", objects=2, size_bytes=15_999_588),
                Tally(outcome="ignored", rule=".DS_Store", objects=0, size_bytes=0),
            ],
        ),
        "measurements": {
            "text": ModalityMeasurements(
                declared=True,
                decides=True,
                items=12_365_120,
                objects=1321,
                stored_bytes=34_120_466_377,
                payload_bytes=29_999_999_999,
                text_bytes=27_100_222_333,
                tokens=9_871_234_567,
                share_of_payload="0.427",
                defective_items=41,
                unread_items=0,
                unread_bytes=0,
                distributions=[
                    Distribution(
                        name="size",
                        title=Words(zh="记录大小", en="Size of a record"),
                        buckets=[
                            Bucket(label="< 1 kB", items=4_120_331, payload_bytes=2_100_000_000),
                            Bucket(label="1–10 kB", items=8_101_002, payload_bytes=24_000_000_000),
                            Bucket(label="10–100 kB", items=143_780, payload_bytes=3_800_000_000),
                            Bucket(label="≥ 100 kB", items=7, payload_bytes=99_999_999),
                            Bucket(label="未知 unknown", items=0, payload_bytes=0),
                        ],
                    ),
                    Distribution(
                        name="year",
                        title=Words(zh="年份", en="Year"),
                        buckets=[
                            Bucket(
                                label=str(year),
                                items=900_000 + (year - 2018) * 190_000,
                                payload_bytes=2_000_000_000,
                            )
                            for year in range(2018, 2027)
                        ],
                    ),
                ],
            ),
            "image": ModalityMeasurements(
                declared=True,
                decides=True,
                items=81234,
                objects=81234,
                stored_bytes=40_230_000_301,
                payload_bytes=40_230_000_301,
                text_bytes=0,
                tokens=0,
                share_of_payload="0.573",
                defective_items=0,
                unread_items=1912,
                unread_bytes=1_034_000_111,
                distributions=[],
            ),
            "video": ModalityMeasurements(
                declared=False,
                decides=False,
                items=3,
                objects=3,
                stored_bytes=3000,
                payload_bytes=2000,
                text_bytes=0,
                tokens=0,
                hours="0.75",
                flagged={"padding": 2, "bars": 1},
                share_of_payload="0.0001",
                defective_items=0,
                unread_items=0,
                unread_bytes=0,
                distributions=[],
            ),
        },
        "findings": findings,
        "verdict": verdict,
        "decided_by": decided_by,
        "notices": [
            Words(
                zh="只有近似重复一种读法的重复率较高，完全相同的重复率为 1.12 %。",
                en="Only the near-duplicate reading is high; exact duplicates are 1.12 %.",
            )
        ],
        "evidence": [finding.evidence for finding in findings if finding.evidence is not None],
    }
    return Report(**(values | changes))


_CLOSED = frozenset({"layout", "schema", "verdict", "outcome", "comparator", "status"})
_NUMBERS = frozenset({"measured", "threshold", "numerator", "denominator", "share_of_payload", "hours"})


def poisoned(value: Any, text: str, key: str = "") -> Any:
    """A report's values with a text in every field that is free text."""
    if isinstance(value, dict):
        free = key in ("settings", "versions", "environment", "declared", "measurements", "flagged")
        items = list(value.items())
        return {(f"{name}{text}" if free else name): poisoned(each, text, name) for name, each in items}
    if isinstance(value, list):
        return [poisoned(each, text, key) for each in value]
    return text if isinstance(value, str) and key not in _CLOSED | _NUMBERS else value


@pytest.fixture
def report() -> Report:
    """The sample."""
    return make_report()


@pytest.fixture
def report_with() -> Callable[..., Report]:
    """The sample with some top-level fields replaced."""
    return make_report


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    """One hostile text."""
    return str(request.param)


@pytest.fixture
def hostile_report(report: Report, hostile: str) -> Report:
    """The sample with the hostile text in every field that is free text."""
    dumped = report.model_dump(mode="json", by_alias=True)
    return Report.model_validate(poisoned(dumped, hostile))
