"""The clauses that are words: what is there is laid out, what is absent is told; a person decides.

None of these passes on what the applicant wrote, in a file or on a platform. `attested` means: declared, with what was
given for it.
"""

import polars as pl

from dqv.checks.attestations import said as _said
from dqv.checks.attestations import stated as _stated
from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict


def _seen(case: Case) -> Words:
    return join([Words(zh="按名称识别的文件。", en="Files told by their names."), _said(case)])


def documentation(case: Case) -> Outcome:
    """8(三) 具备准确、清晰的说明文档: absent fails, present is for a person to read."""
    found = case.objects.filter(pl.col("role") == "documentation").select("name", "size_bytes")
    count = int(found.select(pl.len()).collect().item())
    empty = int(found.filter(pl.col("size_bytes") == 0).select(pl.len()).collect().item())
    if count == empty:
        return Outcome(
            "documentation", Verdict.FAIL, method=_seen(case),
            message=join([
                Words(zh="未发现说明文档（README、数据卡、说明…）。", en="No documentation was found (README, data card, 说明 …)."),
                *_stated(case, "documentation"),
            ]),
            next_step=Words(zh="在数据集根目录加入说明文档，如 README.md。", en="Add a document such as README.md at the root of the dataset."),
        )  # fmt: skip
    return Outcome(
        "documentation", Verdict.REVIEW, method=_seen(case), evidence=found,
        message=join([
            Words(
                zh=f"发现 {count - empty} 份说明文档；其内容是否准确、清晰，此版本不作评判，须人工阅读。",
                en=f"{count - empty} documents were found; whether they are accurate and clear is not judged by this version: a person must read them.",
            ),
            *_stated(case, "documentation"),
        ]),
        next_step=Words(zh="请评审人员阅读所列文档。", en="Have a reviewer read the documents listed."),
    )  # fmt: skip


def metadata(case: Case) -> Outcome:
    """8(三) 具备规范的元数据: neither metadata files nor named fields fails, else a person looks."""
    is_file = pl.col("role") == "metadata"
    has_fields = (pl.col("role") == "data") & (pl.col("fields").list.len() > 1)
    files, with_fields = (case.objects.filter(each) for each in (is_file, has_fields))
    count = int(files.select(pl.len()).collect().item())
    broken = int(files.filter(pl.col("error_kind").is_not_null()).select(pl.len()).collect().item())
    tables = int(with_fields.select(pl.len()).collect().item())
    if not count and not tables:
        return Outcome(
            "metadata", Verdict.FAIL, method=_seen(case),
            message=join([
                Words(
                    zh="既无元数据文件（metadata.csv、croissant.json …），记录也没有元数据字段。",
                    en="There are neither metadata files (metadata.csv, croissant.json …) nor records with fields of metadata.",
                ),
                *_stated(case, "metadata"),
            ]),
            next_step=Words(zh="加入 metadata.csv 或在记录中加入元数据字段。", en="Add metadata.csv, or fields of metadata to the records."),
        )  # fmt: skip
    return Outcome(
        "metadata", Verdict.REVIEW, method=_seen(case),
        evidence=case.objects.filter(is_file | has_fields).select(
            "name", "size_bytes", pl.col("fields").list.join(", "), "error_kind", "error"
        ),
        message=join([
            Words(
                zh=f"元数据文件 {count} 份（其中 {broken} 份无法读取），含多个字段的数据对象 {tables} 个；是否规范，此版本不作评判，须人工查看。",
                en=f"{count} metadata files ({broken} of them cannot be read), {tables} data objects whose records have several fields; whether they follow a "
                "standard is not judged by this version: a person must look.",
            ),
            *_stated(case, "metadata"),
        ]),
        next_step=Words(zh="请评审人员查看所列元数据。", en="Have a reviewer look at the metadata listed."),
    )  # fmt: skip
