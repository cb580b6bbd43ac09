"""8(二): processing follows the law (privacy): which personal values the data holds, and what the applicant states of it.

PIPL (个人信息保护法) art. 4 and 28 say what personal and sensitive personal data are; whether there is a ground for processing them
(art. 13) no program can tell. So values that are found are for a person; none found, with documents that are there, is attested.
"""

from fractions import Fraction
from hashlib import blake2b

import polars as pl

from dqv.checks.attestations import GIVE_DOCUMENTS, evidence, facts_of, judge_statement, said, worst
from dqv.checks.engine import Case, Outcome, distinct, join
from dqv.core.policy import Words
from dqv.core.units import human
from dqv.core.verdicts import Verdict
from dqv.measure.privacy import mask

KINDS = {
    "id": Words(zh="居民身份证号", en="identity numbers"),
    "mobile": Words(zh="手机号", en="mobile numbers"),
    "landline": Words(zh="固定电话", en="landline numbers"),
    "card": Words(zh="银行卡号", en="bank card numbers"),
    "email": Words(zh="电子邮箱", en="e-mail addresses"),
    "plate": Words(zh="机动车号牌", en="number plates"),
    "passport": Words(zh="护照号", en="passport numbers"),
    "position": Words(zh="拍摄位置（GPS）", en="positions (GPS)"),
}
"""The kinds of `measure.privacy`, in the order of a report; credit codes are of units and no personal values."""

_METHOD = Words(
    zh="在全部记录及其字段名、元数据表、文件名、图像 EXIF 与音视频标签的文字中按格式与校验码查找身份证号、电话、银行卡号、电子邮箱、号牌、护照号，并看图像与视频是否载有拍摄位置；"
    "统一社会信用代码为单位代码，不计。姓名、住址、人脸、声音不在查找之列。证据只列位置、种类与带密钥的摘要，密钥取自数据本身，不列原值。",
    en="In all records and the names of their fields, tables of metadata, names of files, texts of EXIF and of tags of audio and video, "
    "identity, telephone and card numbers, e-mail addresses, plates and passports are told by form and check digit; of pictures and videos, whether they say where they were taken. Credit codes are "
    "of units and do not count. Names, homes, faces and voices are not looked for. The evidence has place, kind and a keyed hash, "
    "whose key is of the data itself, never the value.",
)
_POPULATION = Words(zh="全部可读的条目", en="all items that could be read")


def privacy(case: Case) -> Outcome:
    """8(二) 处理过程符合法律法规: for a person where personal values are found, or not all was searched."""
    found = judge_statement(case, "privacy")
    rows = _once(case.personal.filter(pl.col("kind") != "uscc"))
    counts = _counts(rows)
    items = sum(facts.items for facts in case.facts.values())
    there = rows.filter(pl.col("where").is_in(["record", "embedded"]))
    hit = distinct(there, pl.struct("object", "place"), int(counts["rows"].sum()))
    words = [_told(hit, items, [_kind(row, rows) for row in counts.iter_rows(named=True)])]
    words += _names(rows)
    unsearched = _unsearched(case)
    words += [
        *unsearched,
        *(found.words or [Words(zh="登记中没有相应说明。", en="There is no statement on it.")]),
    ]
    verdict = worst([found.verdict, *([Verdict.REVIEW] if counts.height or unsearched else [])])
    return Outcome(
        "privacy", verdict, method=join([_METHOD, said(case)]), message=join(words), population=_POPULATION,
        numerator=hit, denominator=items, evidence=_evidence(case, evidence(found.rows), rows, there=bool(counts.height)),
        next_step=_next(found.verdict, there=bool(counts.height), unsearched=bool(unsearched)),
    )  # fmt: skip


def _once(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Without what another piece of the same object told of the names of its fields too; sorted by `object`."""
    of_fields = pl.col("where") == "fields"
    names = rows.filter(of_fields).unique(["object", "field", "kind", "value"], maintain_order=True)
    return rows.filter(~of_fields).merge_sorted(names, key="object")


def _counts(rows: pl.LazyFrame) -> pl.DataFrame:
    """`kind`, `rows`, `count`, and how many are counted `together`; in the order of KINDS."""
    counts = (
        rows.group_by("kind")
        .agg(rows=pl.len(), count=pl.col("count").sum(), together=pl.col("value").null_count())
        .collect(engine="streaming")
    )
    order = list(KINDS)
    return counts.sort(pl.col("kind").replace_strict(order, range(len(order)), return_dtype=pl.Int64))


def _told(hit: int, items: int, kinds: list[Words]) -> Words:
    if not kinds:
        return Words(
            zh="按格式与校验码未发现个人信息。", en="No personal values were found by form and check digit."
        )
    share = f"（{human(Fraction(hit, items), 'ratio')}）" if items else ""
    return Words(
        zh=f"{items} 个条目中 {hit} 个{share}载有个人信息：{'，'.join(each.zh for each in kinds)}。",
        en=f"{hit} of {items} items hold personal values: {', '.join(each.en for each in kinds)}.",
    )


def _names(rows: pl.LazyFrame) -> list[Words]:
    """That values stand in names: of files, which cannot be shown masked everywhere, or of fields."""
    of = (
        rows.filter(pl.col("where").is_in(["name", "fields"]))
        .group_by("where")
        .agg(pl.col("object").n_unique())
    )
    objects = dict(of.collect(engine="streaming").iter_rows())
    words = []
    if count := objects.get("name"):
        words.append(
            Words(
                zh=f"{count} 个文件名含个人信息；文件名是对象在清单、其他证据与报告中的标识，在那里照原样列出，请先改名再检查。",
                en=f"{count} names of files hold personal values; by its name an object is known in the manifest, other evidence "
                "and the report, where it stands as it is: rename the files and check again.",
            )
        )
    if count := objects.get("fields"):
        words.append(
            Words(
                zh=f"{count} 个对象的字段名含个人信息；若首行是数据，请加上字段名一行。",
                en=f"The names of fields of {count} objects hold personal values; if the first row is data, put one of names before it.",
            )
        )
    return words


def _kind(row: dict[str, int | str], rows: pl.LazyFrame) -> Words:
    kind, count = str(row["kind"]), row["count"]
    words = KINDS[kind]
    if kind == "position":
        return Words(zh=f"{words.zh} {count} 处", en=f"{count} {words.en}")
    different = distinct(rows.filter(pl.col("kind") == kind), pl.col("value"), int(row["rows"]))
    least = Words(zh="至少 ", en="at least ") if row["together"] else Words(zh="", en="")
    return Words(
        zh=f"{words.zh} {count} 处（不同者{least.zh or ' '}{different} 个）",
        en=f"{count} {words.en} ({least.en}{different} different)",
    )


def _unsearched(case: Case) -> list[Words]:
    """That there is what nobody searched."""
    rows = sum(facts.unread_rows + facts.defective for facts in case.facts.values())
    rows += next((facts.unread_anywhere for facts in case.facts.values()), 0)
    if not rows:
        return []
    return [
        Words(
            zh=f"{rows} 处未能读取，其中未查找。",
            en=f"{rows} entries could not be read and were not searched.",
        )
    ]


def _next(verdict: Verdict, *, there: bool, unsearched: bool) -> Words | None:
    steps = []
    if there:
        steps.append(
            Words(
                zh="去除或脱敏证据所列各处，或附上处理依据（个人信息保护法第十三条）供评审人员查看。",
                en="Remove or mask what the evidence lists, or attach the ground for processing it (PIPL, art. 13) for the reviewers.",
            )
        )
    if unsearched:
        steps.append(Words(zh="使未能读取者可读后再查。", en="Make readable what was not, and check again."))
    if verdict is not Verdict.ATTESTED:
        steps.append(GIVE_DOCUMENTS)
    return join(steps) if steps else None


# Evidence -----------------------------------------------------------------------------------------------

_KEYED_BY = 1_000_000
"""Items whose content makes the key."""


def _evidence(
    case: Case, documents: pl.LazyFrame | None, rows: pl.LazyFrame, *, there: bool
) -> pl.LazyFrame | None:
    """The documents, then one row per value: object, place, kind and keyed hash.

    A name that holds a value is shown masked, too; the number of the object, its place in the manifest, says which it is.
    """
    if not there:
        return documents
    names = case.objects.select("object", object_name=pl.col("name"))
    key = _key(case)

    def hashed(values: pl.Series) -> pl.Series:
        return pl.Series(
            [None if each is None else blake2b(each, key=key, digest_size=8).hexdigest() for each in values],
            dtype=pl.String,
        )

    named = rows.set_sorted("object").join(
        names.set_sorted("object"), on="object", how="left", maintain_order="left"
    )
    values = facts_of(
        named,
        kind=pl.col("kind"),
        name=pl.col("object_name").map_batches(_masked, return_dtype=pl.String, is_elementwise=True),
        place=pl.col("place").cast(pl.String),
        items=pl.col("count"),
        object=pl.col("object"),
        where=pl.col("where"),
        field=pl.col("field"),
        at=pl.col("at"),
        keyed_hash=pl.col("value").map_batches(hashed, return_dtype=pl.String, is_elementwise=True),
    )
    return values if documents is None else pl.concat([documents, values], how="diagonal")


def _masked(names: pl.Series) -> pl.Series:
    shown = {name: mask(name) for name in names.unique().drop_nulls()}
    return names.replace_strict(shown, return_dtype=pl.String, default=None)


def _key(case: Case) -> bytes:
    """A key that whoever has the data can make again, and nobody who has the report alone.

    Of the values that are looked for there are few enough to try them all, so a hash without a key would give them away. The
    digests that it is made of stand in no report.
    """
    digests = case.items.select("xxh3_128", "normalised").head(_KEYED_BY).collect(engine="streaming")
    key = blake2b(b"dqv privacy")
    for name in digests.columns:
        for each in digests[name].drop_nulls():
            key.update(each)
    return key.digest()
