"""The clauses that are words: what is there is laid out, what is absent is told; a person decides.

None of these passes on what the applicant wrote, in a file or on a platform. `attested` means: declared, with what was
given for it.
"""

import polars as pl

from dqv.checks.attestations import seen, stated
from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict


def documentation(case: Case) -> Outcome:
    """8(三) 具备准确、清晰的说明文档: absent fails, present is for a person to read."""
    found = case.objects.filter(pl.col("role") == "documentation").select("name", "size_bytes")
    count = int(found.select(pl.len()).collect().item())
    empty = int(found.filter(pl.col("size_bytes") == 0).select(pl.len()).collect().item())
    if count == empty:
        return Outcome(
            "documentation", Verdict.FAIL, method=seen(case),
            message=join([
                Words(zh="未发现说明文档（README、数据卡、说明…）。", en="No documentation was found (README, data card, 说明 …)."),
                *stated(case, "documentation"),
            ]),
            next_step=Words(zh="在数据集根目录加入说明文档，如 README.md。", en="Add a document such as README.md at the root of the dataset."),
        )  # fmt: skip
    return Outcome(
        "documentation", Verdict.REVIEW, method=seen(case), evidence=found,
        message=join([
            Words(
                zh=f"发现 {count - empty} 份说明文档；其内容是否准确、清晰，此版本不作评判，须人工阅读。",
                en=f"{count - empty} documents were found; whether they are accurate and clear is not judged by this version: a person must read them.",
            ),
            *stated(case, "documentation"),
        ]),
        next_step=Words(zh="请评审人员阅读所列文档。", en="Have a reviewer read the documents listed."),
    )  # fmt: skip
