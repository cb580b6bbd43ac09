"""8(二): one of three categories is declared (category)."""

import polars as pl

from dqv.checks.attestations import Fact, evidence, missing, said, statement
from dqv.checks.engine import Case, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict

_LOOKED_FOR: dict[str, tuple[tuple[str, Words], ...]] = {
    "通识数据集": (
        ("sources", Words(zh="来源多样，不限于一个行业", en="several sources, not of one industry")),
        ("languages", Words(zh="说明语言", en="languages are told")),
        ("labels", Words(zh="主题或标签多样", en="several topics or labels")),
        ("scenarios", Words(zh="面向公众或跨行业的应用场景", en="scenarios for the public or across industries")),
    ),
    "行业通识数据集": (
        ("sources", Words(zh="来源涵盖行业内多个主体", en="sources of several actors of the industry")),
        ("labels", Words(zh="标签覆盖行业通用概念", en="labels that cover the industry's common notions")),
        ("scenarios", Words(zh="行业内通用的应用场景", en="scenarios common in the industry")),
        ("documentation", Words(zh="说明文档写明所属行业", en="documentation that names the industry")),
    ),
    "行业专识数据集": (
        ("labels", Words(zh="标签为业务专门概念", en="labels that are notions of one business")),
        ("annotation", Words(zh="标注方法（如专家标注）", en="how it was annotated, such as by experts")),
        ("scenarios", Words(zh="特定业务任务的应用场景", en="scenarios of one business's tasks")),
        ("value", Words(zh="业务成效的证明文件", en="documents of the effect on the business")),
        ("documentation", Words(zh="说明文档写明业务与采集过程", en="documentation of the business and of how data was collected")),
    ),
}  # fmt: skip
"""What experts look for beside each category; after the three categories of 8(二) and, second-hand, TC609-5-2025-03."""

_SEVERAL = 2
"""So many different sources or labels are several."""


def category(case: Case) -> Outcome:
    """8(二) 三类选择一类: a checklist of the evidence beside the declared one; a person decides, never a program."""
    record = case.registration
    if record is None or record.category is None:
        return missing(case, "category", Words(zh="未申报类别。", en="No category is declared."))
    counts = _counts(case)
    rows: list[Fact] = []
    words = [
        Words(
            zh=f"申报类别：{record.category}。是否相符由专家判断。",
            en=f"Declared category: {record.category}. Experts decide whether it fits.",
        )
    ]
    for key, looked_for in _LOOKED_FOR[record.category]:
        count, least = counts[key], _SEVERAL if key in ("sources", "labels") else 1
        there = count >= least
        rows.append({
            "kind": "checklist", "name": key, "declared": looked_for.zh, "measured": str(count),
            "status": "there" if there else "not-found",
        })  # fmt: skip
        words.append(
            Words(
                zh=f"{looked_for.zh}：{'有' if there else '未见'}（{count}）。",
                en=f"{looked_for.en.capitalize()}: {'there' if there else 'not found'} ({count}).",
            )
        )
    return Outcome(
        "category", Verdict.ATTESTED, message=join(words), evidence=evidence(rows),
        method=join([said(case), Words(
            zh="清单列出专家判断该类别时所看的证据，括号内为数据与登记中所见的数目；不据此归类。",
            en="The list is what experts look at for this category, with how much of each the data and the registration hold; no class "
            "follows from it.",
        )]),
    )  # fmt: skip


def _counts(case: Case) -> dict[str, int]:
    """How much there is of each kind of evidence: different values, scenarios, documents."""
    found = statement(case, "value")
    documentation = case.objects.filter((pl.col("role") == "documentation") & (pl.col("size_bytes") > 0))
    return {
        "sources": case.spreads["source"].different,
        "languages": case.spreads["language"].different,
        "labels": case.spreads["labels"].different,
        "annotation": case.spreads["annotation_method"].different,
        "scenarios": len(case.registration.scenarios) if case.registration is not None else 0,
        "value": len(found.documents) if found is not None else 0,
        "documentation": int(documentation.select(pl.len()).collect().item()),
    }
