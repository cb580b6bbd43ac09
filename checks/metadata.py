"""8(三) 具备规范的元数据: what describes files and items, held to the standards that it follows and to the policy's expectations."""

import re
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from dqv.checks.attestations import seen, stated
from dqv.checks.engine import Case, Metadata, Outcome, join
from dqv.core.policy import Words
from dqv.core.verdicts import Verdict
from dqv.measure.privacy import mask

_MOST_TOLD = 8
"""Rules that are named in a sentence; all are in the evidence."""

_STANDARDS = {
    "croissant": Words(zh="Croissant", en="Croissant"),
    "hugging-face": Words(zh="Hugging Face 数据卡", en="Hugging Face card"),
    "sidecar": Words(zh="附属元数据表", en="tables that name files"),
    "tc609": Words(zh="TC609-5-2025-02 记录", en="records of TC609-5-2025-02"),
}

_METHOD = Words(
    zh="Croissant 由 mlcroissant 校验；数据卡、记录和附属表按其字段校验；逐项元数据由 Great Expectations 按政策的期望校验；只给出计数和位置，不给出取值。",
    en="Croissant is validated by mlcroissant; cards, records and tables by their fields; the metadata of items by Great Expectations, "
    "as the policy expects; counts and places are given, never values.",
)

_EVIDENCE = {
    "kind": pl.String, "name": pl.String, "place": pl.Int64, "standard": pl.String, "rule": pl.String, "severity": pl.String,
    "at": pl.String, "count": pl.Int64, "detail": pl.String,
}  # fmt: skip
"""`kind`: file (of metadata, or of records with several fields; `at` its fields), problem, expectation (`standard` the suite,
`severity` met, not-met or not-evaluated), unexpected (the place of one thing that was not expected)."""


def metadata(case: Case) -> Outcome:
    """8(三) 具备规范的元数据: neither metadata files nor named fields nor a card fails, else a person looks at what was found."""
    is_file = pl.col("role") == "metadata"
    has_fields = (pl.col("role") == "data") & (pl.col("fields").list.len() > 1)
    counts = (
        case.objects.select(
            files=is_file.sum(),
            broken=(is_file & pl.col("error_kind").is_not_null()).sum(),
            tables=has_fields.sum(),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    found = case.metadata
    method = join([_METHOD, seen(case)])
    described = found is not None and (
        found.standards or found.problems.height
    )  # a card that is broken is there
    if not counts["files"] and not counts["tables"] and not described:
        return Outcome(
            "metadata", Verdict.FAIL, method=method,
            message=join([
                Words(
                    zh="既无元数据文件（metadata.csv、croissant.json …），数据卡（README.md）开头没有元数据，记录也没有元数据字段。",
                    en="There are neither metadata files (metadata.csv, croissant.json …), nor metadata at the front of a card (README.md), nor "
                    "records with fields of metadata.",
                ),
                *stated(case, "metadata"),
            ]),
            next_step=Words(zh="加入 metadata.csv 或在记录中加入元数据字段。", en="Add metadata.csv, or fields of metadata to the records."),
        )  # fmt: skip
    there = Words(
        zh=f"元数据文件 {counts['files']} 份（其中 {counts['broken']} 份无法读取），含多个字段的数据对象 {counts['tables']} 个。",
        en=f"{counts['files']} metadata files ({counts['broken']} of them cannot be read), {counts['tables']} data objects whose "
        "records have several fields.",
    )
    told = [] if found is None else list(_told(found))
    return Outcome(
        "metadata", Verdict.REVIEW, method=method, evidence=_evidence(case, is_file | has_fields),
        message=join([
            there, *told,
            Words(zh="其内容是否属实，须人工查看。", en="Whether what they say is true, a person must look."),
            *stated(case, "metadata"),
        ]),
        next_step=Words(
            zh="按证据逐条更正所列问题，再请评审人员查看元数据。",
            en="Correct what the evidence lists, and have a reviewer look at the metadata.",
        ),
    )  # fmt: skip


def _told(found: Metadata) -> Iterator[Words]:
    """What was found, a sentence each."""
    names = [_STANDARDS[each] for each in found.standards]
    if names:
        yield Words(
            zh=f"发现的标准：{'、'.join(each.zh for each in names)}。",
            en=f"Standards that were found: {', '.join(each.en for each in names)}.",
        )
    else:
        yield Words(zh="未发现任何已知的元数据标准。", en="No known standard of metadata was found.")
    if found.items:
        yield Words(
            zh=f"{found.items} 项中 {found.described} 项带有描述自身的字段。",
            en=f"Of {found.items} items {found.described} have fields that describe them.",
        )
    yield from _problems(found.problems)
    if found.expectations is not None:
        yield from _expectations(found.expectations)


def _problems(problems: pl.DataFrame) -> Iterator[Words]:
    """How much is wrong, by standard and rule; what contradicts comes last."""
    apart = pl.col("standard") == "consistency"
    counts = problems.filter(~apart).group_by("standard", "rule", "severity").agg(pl.col("count").sum())
    for severity, words in (
        ("error", Words(zh="不符合标准之处", en="Against the standards")),
        ("warning", Words(zh="提示", en="Warnings")),
    ):
        rows = counts.filter(pl.col("severity") == severity).sort("standard", "rule").rows()
        if rows:
            listed = [f"{standard}/{rule} × {count}" for standard, rule, _, count in rows]
            yield Words(zh=f"{words.zh}：{_some(listed, '、')}。", en=f"{words.en}: {_some(listed, ', ')}.")
    against = (
        problems.filter(apart).group_by("rule", "at").agg(pl.col("count").sum()).sort("rule", "at").rows()
    )
    if against:
        listed = [f"{rule}/{field} × {count}" for rule, field, count in against]
        yield Words(
            zh=f"元数据相互矛盾或与数据矛盾：{_some(listed, '、')}。",
            en=f"Metadata contradict each other or the data: {_some(listed, ', ')}.",
        )


def _expectations(results: pl.DataFrame) -> Iterator[Words]:
    """Which expectations are met; one that met no value is none."""
    empty = (pl.col("elements").fill_null(1) == pl.col("missing").fill_null(0)) & ~pl.col(
        "rule"
    ).str.starts_with("required:")
    asked = results.filter(~empty | pl.col("met").is_null())
    unmet = asked.filter(~pl.col("met"))
    unknown = int(asked["met"].is_null().sum())
    listed = [
        f"{rule} × {count}" if count is not None else rule
        for rule, count in unmet.select("rule", "unexpected").iter_rows()
    ]
    met = asked.height - unmet.height - unknown
    yield Words(
        zh=f"对元数据的期望：满足 {met} 条，未满足 {unmet.height} 条，无法评估 {unknown} 条{'：' + _some(listed, '、') if listed else ''}。",
        en=f"Expectations of the metadata: {met} met, {unmet.height} not met, {unknown} could not be evaluated"
        + (f": {_some(listed, ', ')}." if listed else "."),
    )


def _some(listed: Sequence[str], mark: str) -> str:
    return mark.join(listed[:_MOST_TOLD]) + (" …" if len(listed) > _MOST_TOLD else "")


def _evidence(case: Case, chosen: pl.Expr) -> pl.LazyFrame:
    """Rows of `_EVIDENCE`."""
    files = case.objects.filter(chosen).select(
        kind=pl.lit("file"),
        name="name",
        severity="error_kind",
        at=_fields(pl.col("fields").list.join(_APART), headed=pl.col("format").is_in(_HEADED)),
        detail="error",
    )
    parts = [files]
    found = case.metadata
    if found is not None:
        parts.append(_named(case, found.problems.lazy()).with_columns(kind=pl.lit("problem")))
        if found.expectations is not None and found.unexpected is not None:
            state = (
                pl.when(pl.col("met").is_null()).then(pl.lit("not-evaluated"))
                .when(pl.col("met")).then(pl.lit("met")).otherwise(pl.lit("not-met"))
            )  # fmt: skip
            asked = found.expectations.lazy()
            parts.append(
                asked.select(
                    kind=pl.lit("expectation"), standard="suite", rule="rule", severity=state, at="column",
                    count="unexpected", detail=pl.coalesce("error", "type"),
                )
            )  # fmt: skip
            places = found.unexpected.join(
                asked.select("suite", "number", "rule", "column"),
                on=["suite", "number"],
                how="left",
                maintain_order="left",
            )
            parts.append(
                _named(case, places).with_columns(kind=pl.lit("unexpected"), standard="suite", at="column")
            )
    return pl.concat([_as_evidence(each) for each in parts])


_APART = "\x1f"
_HEADED = ("csv", "tsv", "xlsx")
"""Formats of which the first row names the fields, or is data where somebody left the names out."""

_MOST_NAME = 64
"""Characters of a field's name that are shown; a longer one in a first row is more like a text."""

_NUMBER = re.compile(r"[\d\s.,:/+-]+")


def _fields(names: pl.Expr, *, headed: pl.Expr) -> pl.Expr:
    """Names of fields as they may be shown: masked, and of a first row that looks like values only how many."""

    def shown(lists: pl.Series, show: Callable[[list[str]], str]) -> pl.Series:
        told = {each: show(each.split(_APART)) for each in lists.unique().drop_nulls()}
        return lists.replace_strict(told, return_dtype=pl.String, default=None)

    def by(show: Callable[[list[str]], str]) -> pl.Expr:
        return names.map_batches(
            lambda lists: shown(lists, show), return_dtype=pl.String, is_elementwise=True
        )

    return pl.when(headed).then(by(_header)).otherwise(by(_all_masked))


def _all_masked(names: list[str]) -> str:
    return ", ".join(_shortened(mask(name)) for name in names)


def _header(names: list[str]) -> str:
    values = any(len(name) > _MOST_NAME or _NUMBER.fullmatch(name) or mask(name) != name for name in names)
    if values or _has_equals(names):
        return f"{len(names)} fields, whose names look like values"
    return ", ".join(names)


def _has_equals(names: list[str]) -> bool:
    """Whether one stood there twice, and has its number behind it (`column_names`)."""
    return any(
        end.isdecimal() and int(end) <= len(names) and name in names
        for name, _, end in (each.rpartition("_") for each in names)
    )


def _shortened(name: str) -> str:
    return name if len(name) <= _MOST_NAME else name[: _MOST_NAME - 1] + "…"


def _named(case: Case, rows: pl.LazyFrame) -> pl.LazyFrame:
    """With the names of their objects, which are few."""
    numbers = rows.select(pl.col("object").unique()).collect()["object"]
    names = (
        case.objects.select("object", "name")
        .filter(pl.col("object").is_in(numbers.implode()))
        .collect()
        .lazy()
    )
    return rows.join(names, on="object", how="left", maintain_order="left")


def _as_evidence(rows: pl.LazyFrame) -> pl.LazyFrame:
    there = rows.collect_schema().names()
    return rows.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(kind).alias(name)
        for name, kind in _EVIDENCE.items()
    )
