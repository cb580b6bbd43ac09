"""What describes the items and the files of a run, joined: tables on disk for the expectations and the checks.

As in `dqv.tables`, what is joined is sorted, so that memory does not grow with the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from dqv import tables
from dqv.checks.engine import Documents, Metadata, ModalityFacts
from dqv.core.licences import MOST_NAMES, Named, names
from dqv.core.schema import DESCRIPTIONS, PROBLEMS
from dqv.engine import Described, Expected, Measured
from dqv.stages.measure import ONE_ITEM
from dqv.stages.media import MEDIA

_MOST_TABLES = 1024
"""Folders with tables of files, told apart; of more, all files of the dataset must be named."""

FOLDS = {"licence": "licence_id", "annotation_method": "method_id"}


def folded(name: str) -> pl.Expr:
    """A licence or method as policies write it: lower case, `-` for spaces; of an address of a licence its name."""

    def fold(values: pl.Series) -> pl.Series:
        different = values.unique()  # few, as a rule
        return values.replace_strict(different, _folded_all(different), return_dtype=pl.String)

    return pl.col(name).map_batches(fold, return_dtype=pl.String, is_elementwise=True)


def _folded_all(values: pl.Series) -> pl.Series:
    text = values.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    text = text.str.replace(
        r"^https?://(?:www\.)?(?:spdx\.org|choosealicense\.com)/licenses/([^/]+?)(?:\.html|\.json)?/?$", "$1"
    )
    text = text.str.replace(
        r"^https?://(?:www\.)?creativecommons\.org/licenses/([a-z-]+)/([0-9.]+).*$", "cc-$1-$2"
    )
    return text.str.replace(r"^https?://(?:www\.)?creativecommons\.org/publicdomain/zero/1\.0.*$", "cc0-1.0")


def joined(
    measured: Measured, described: Described, objects: pl.LazyFrame, folder: Path
) -> tuple[Path, Path]:
    """Write what describes items, and what metadata names.

    Args:
        measured: the data.
        described: its descriptions as a whole.
        objects: joined.
        folder: of the joined tables.

    Returns:
        The tables: rows of `core.schema.DESCRIPTIONS` with `described_by` (the metadata file; null: the item's own record), `contradicts`
        and the folded columns; an item is there once, and a file of many records that a metadata file describes as a whole
        once more, with a null `place`. And rows of files: `object`, `place`, `found`, `referenced`, `same_digest` (booleans).
    """
    found = folder / "descriptions.parquet", folder / "files.parquet"
    tables.written(_descriptions(measured, objects, folder), found[0])
    tables.written(_files(described, objects, folder), found[1])
    return found


def _descriptions(measured: Measured, objects: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    paths = measured.files("descriptions")
    empty = pl.DataFrame(pl.from_arrow(DESCRIPTIONS.empty_table())).lazy()
    own = pl.scan_parquet(paths, glob=False) if paths else empty
    own = own.with_columns(described_by=pl.lit(None, pl.Int64), contradicts=pl.lit(None, pl.List(pl.String)))
    one = pl.col("modality").is_in(sorted(MEDIA)) | pl.col("format").is_in(sorted(ONE_ITEM))
    of_objects = (
        objects.filter(pl.col("role") == "data").select("object", "modality", whole=one).set_sorted("object")
    )
    said = (
        tables.said_of(folder)
        .join(of_objects, on="object", how="inner", maintain_order="left")
        .with_columns(
            place=pl.when(pl.col("whole")).then(pl.lit(0, pl.Int64)),
            problems=pl.lit(None, pl.List(pl.String)),
        )
        .select(own.collect_schema().names())
    )
    rows = own.set_sorted("object").merge_sorted(said.set_sorted("object"), key="object")
    return rows.with_columns(**{column: folded(name) for name, column in FOLDS.items()})


def _files(described: Described, objects: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    """Entries of metadata files, and what no entry names beside them; files that descriptions name."""
    said = pl.scan_parquet(folder / "said.parquet", glob=False).set_sorted("key")
    keys = pl.scan_parquet(folder / "keys.parquet", glob=False).rename({"object": "target"}).set_sorted("key")
    of_path = ~pl.col("key").bin.starts_with(b"\0")
    entries = (
        said.select("key", "object", "place")
        .join(keys, on="key", how="left", maintain_order="left")
        .filter(of_path)
        .select(
            "object",
            "place",
            found=pl.col("target").is_not_null(),
            referenced=pl.lit(value=True),
            same_digest=pl.lit(None, pl.Boolean),
        )
    )
    found = [
        entries,
        *_unreferenced(objects, entries, folder),
        *_named(described, objects),
        *_not_in_patterns(described, objects),
    ]
    return pl.concat(found)


def _unreferenced(objects: pl.LazyFrame, entries: pl.LazyFrame, folder: Path) -> list[pl.LazyFrame]:
    numbers = entries.select("object").unique().collect(engine="streaming")["object"]
    if numbers.is_empty():
        return []
    one = pl.col("modality").is_in(sorted(MEDIA)) | pl.col("format").is_in(sorted(ONE_ITEM))
    beside = pl.lit(value=True)
    if len(numbers) <= _MOST_TABLES:
        paths = objects.filter(pl.col("object").is_in(numbers.implode())).select("path").collect()["path"]
        folders = sorted({path.rpartition(b"/")[0] for path in paths})
        if b"" not in folders:
            beside = pl.any_horizontal(pl.col("path").bin.starts_with(each + b"/") for each in folders)
    named = tables.said_of(folder).select("object", named=pl.lit(value=True))
    rows = objects.filter((pl.col("role") == "data") & one & beside).select("object").set_sorted("object")
    rows = rows.join(named, on="object", how="left", maintain_order="left").filter(pl.col("named").is_null())
    return [
        rows.select(
            "object",
            place=pl.lit(0, pl.Int64),
            found=pl.lit(None, pl.Boolean),
            referenced=pl.lit(value=False),
            same_digest=pl.lit(None, pl.Boolean),
        )
    ]


def _named(described: Described, objects: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Files that descriptions of the whole name; they are few."""
    if described.references.is_empty():
        return []
    wanted = described.references["target"].unique()
    there = (
        objects.filter(pl.col("path").is_in(wanted.implode()) & (pl.col("role") != "ignored"))
        .select("path", digest="sha256")
        .collect(engine="streaming")
    )
    rows = described.references.join(
        there, left_on="target", right_on="path", how="left", maintain_order="left"
    )
    return [
        rows.lazy().select(
            "object",
            place=pl.lit(None, pl.Int64),
            found=pl.col("target").is_in(there["path"].implode()),
            referenced=pl.lit(value=True),
            same_digest=pl.col("sha256") == pl.col("digest"),
        )
    ]


_PATH = pl.col("path").map_batches(
    lambda paths: pl.Series([path.decode("utf-8", "replace") for path in paths], dtype=pl.String),
    return_dtype=pl.String,
    is_elementwise=True,
)


_PATTERNS = 1024
"""Of all descriptions; the others are not compared."""

_AT_A_TIME = 16
"""Patterns in one expression: what it compiles to is bounded."""


def _fits(patterns: pl.DataFrame) -> pl.Expr:
    """Whether a path is what one of the patterns means, and its set does not take it out again."""
    found = []
    for _, mine in patterns.group_by("object", "group", maintain_order=True):
        takes, leaves = (
            _any_of(mine.filter(pl.col("excluded") == out)["expression"]) for out in (False, True)
        )
        found.append(takes & ~leaves)
    return pl.any_horizontal(found) if found else pl.lit(value=False)


def _any_of(expressions: pl.Series) -> pl.Expr:
    each = expressions.drop_nulls().to_list()
    several = [f"(?:{')|(?:'.join(each[at : at + _AT_A_TIME])})" for at in range(0, len(each), _AT_A_TIME)]
    found = [pl.col("text").str.contains(rf"\A(?s:{one})\z") for one in several]
    return pl.any_horizontal(found) if found else pl.lit(value=False)


def _unmatched(described: Described, objects: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    """Patterns that match no file of the dataset, each with its place; what its own set takes out is no match."""

    def row(
        number: int, standard: str, rule: str, severity: str, at: str | None, count: int, detail: str
    ) -> dict[str, Any]:
        return {
            "object": number, "place": None, "standard": standard, "rule": rule, "severity": severity, "at": at, "count": count,
            "detail": detail,
        }  # fmt: skip

    patterns = described.patterns.head(_PATTERNS).filter(pl.col("expression").is_not_null())
    asked = []
    for (number, group, _), mine in patterns.filter(~pl.col("excluded")).group_by(
        "object", "group", "at", maintain_order=True
    ):
        of_group = (pl.col("object") == number) & (pl.col("group") == group) & pl.col("excluded")
        asked.append((mine.row(0, named=True), _fits(pl.concat([mine, patterns.filter(of_group)]))))
    texts = objects.filter(pl.col("role") != "ignored").select(text=_PATH)
    for first in range(0, len(asked), _AT_A_TIME):
        some = asked[first : first + _AT_A_TIME]
        told = [fits.any().alias(str(number)) for number, (_, fits) in enumerate(some)]
        hits = texts.select(told).collect(engine="streaming").row(0)
        for (each, _), hit in zip(some, hits, strict=True):
            if not hit:
                detail = "a pattern that matches no file of the dataset"
                yield row(each["object"], each["standard"], "pattern", "error", each["at"], 1, detail)
    left = described.patterns.slice(_PATTERNS)
    for number, standard, count in left.group_by("object", "standard", maintain_order=True).len().iter_rows():
        detail = f"more than {_PATTERNS} patterns in all descriptions; these are not compared"
        yield row(number, standard, "pattern-bounds", "warning", None, count, detail)


_BELIED = 1000
"""Files that are not as descriptions say, one by one; more are counted in one row."""


def _belied(described: Described, objects: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    """Files of another size or format than a description says, each with its place there, without what it says."""
    size, form = pl.col("least_bytes").is_not_null(), pl.col("formats").is_not_null()
    said = described.references.filter(size | form)
    if said.is_empty():
        return
    there = (
        objects.filter(
            pl.col("path").is_in(said["target"].unique().implode()) & (pl.col("role") != "ignored")
        )
        .select("path", "size_bytes", "format", "compression")
        .collect(engine="streaming")
    )
    rows = said.join(
        there, left_on="target", right_on="path", how="inner", maintain_order="left"
    ).with_columns(
        size=size & ~pl.col("size_bytes").is_between("least_bytes", "most_bytes"),
        form=form
        & pl.col("format").is_not_null()
        & ~pl.col("formats").list.contains(pl.col("format"))
        & ~pl.col("formats").list.contains(pl.col("compression")).fill_null(value=False),
    )
    for rule, column, field, detail in (
        ("size", "size", "contentSize", "the file has another size than it says"),
        ("format", "form", "encodingFormat", "the file has another format, by its name, than it says"),
    ):
        found = rows.filter(column)
        for each in found.head(_BELIED).iter_rows(named=True):
            yield _contradicts(rule, each["object"], f"{each['at']}.{field}", detail)
        if found.height > _BELIED:
            number = int(found["object"][_BELIED])
            yield {
                **_contradicts(rule, number, None, f"{detail}; so it is with these more"),
                "count": found.height - _BELIED,
            }


def _published(said: Sequence[Mapping[str, Any]], reference: date) -> Iterator[dict[str, Any]]:
    """Descriptions by which the dataset was published later than it is checked."""
    for each in said:
        if each["published"] is not None and date.fromisoformat(each["published"]) > reference:
            detail = f"it says that the dataset was published after the reference date {reference}"
            yield _contradicts("published", each["object"], "datePublished", detail)


def _contradicts(rule: str, number: int, at: str | None, detail: str) -> dict[str, Any]:
    return {
        "object": number, "place": None, "standard": "consistency", "rule": rule, "severity": "error", "at": at, "count": 1,
        "detail": detail,
    }  # fmt: skip


def _not_in_patterns(described: Described, objects: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Files that no description names, beneath the folder of one whose patterns name all files."""
    wholes = described.patterns.filter("whole")["object"].unique()
    if wholes.is_empty() or described.patterns.height > _PATTERNS:
        return []
    paths = objects.filter(pl.col("object").is_in(wholes.implode())).select("path").collect()["path"]
    folders = {path.rpartition(b"/")[0] for path in paths}
    beside = pl.lit(value=True)
    if b"" not in folders:
        beside = pl.any_horizontal(pl.col("path").bin.starts_with(each + b"/") for each in sorted(folders))
    files = pl.col("role").is_in(["data", "container"]) & pl.col("locator").is_null()
    named = pl.col("path").is_in(described.references["target"].unique().implode())
    rows = objects.filter(files & beside & ~named).select("object", text=_PATH)
    return [
        rows.filter(~_fits(described.patterns)).select(
            "object",
            place=pl.lit(0, pl.Int64),
            found=pl.lit(None, pl.Boolean),
            referenced=pl.lit(value=False),
            same_digest=pl.lit(None, pl.Boolean),
        )
    ]


def gathered(
    table: Path,
    described: Described,
    expected: Expected | None,
    measured: Measured,
    objects: pl.LazyFrame,
    facts: Mapping[str, ModalityFacts],
    reference: date,
) -> Metadata:
    """All that the check of metadata looks at; `table` is that of descriptions, `reference` the reference date."""
    descriptions = pl.scan_parquet(table, glob=False)
    items = sum(each.items for each in facts.values())
    counts = descriptions.select(
        rows=pl.len(),
        own=(pl.col("described_by").is_null() & (pl.col("types") != "-" * 8)).sum(),
        tc609=pl.col("problems").is_not_null().sum(),
        by_files=pl.col("described_by").is_not_null().sum(),
        described=((pl.col("types") != "-" * 8) & pl.col("place").is_not_null()).sum(),
    ).collect(engine="streaming").row(0, named=True)  # fmt: skip
    problems = [
        pl.DataFrame(rows, _problem_schema(), orient="row")
        for rows in (
            [*_of_records(descriptions)],
            [*_contradictions(descriptions, described, items)],
            [*_unmatched(described, objects)],
            [*_belied(described, objects), *_published(described.said, reference)],
        )
    ]
    paths = [*measured.files("problems"), *described.problems]
    told = pl.read_parquet(paths, glob=False) if paths else problems[0].head(0)
    return Metadata(
        problems=pl.concat([told.cast(problems[0].schema), *problems]).sort(
            "standard", "rule", "object", "at", nulls_last=True
        ),
        standards=tuple(
            sorted(
                {each["standard"] for each in described.said if each["read"]}
                | ({"tc609"} if counts["tc609"] else set())
                | ({"sidecar"} if counts["by_files"] else set())
            )
        ),
        described=counts["described"],
        items=items,
        records=counts["tc609"],
        expectations=expected.results if expected else None,
        unexpected=expected.unexpected if expected else None,
    )


def licences(described: Described, documents: Documents | None, objects: pl.LazyFrame) -> tuple[Named, ...]:
    """What licence files and descriptions of the whole say of the licence, in canonical order; nothing where none were read."""
    found: dict[int, tuple[Literal["text", "card", "croissant"], tuple[str, ...], bool]] = {}
    if documents is not None:
        for each in documents.read.filter(pl.col("role") == "licence").iter_rows(named=True):
            found[each["object"]] = "text", tuple(each["licences"]), each["status"] == "read"
    for said in described.said:
        told = sorted({name for text in said["licences"] for name in names(text)})[:MOST_NAMES]
        kind: Literal["card", "croissant"] = "croissant" if said["standard"] == "croissant" else "card"
        found[said["object"]] = kind, tuple(told), said["read"]
    if not found:
        return ()
    shown = objects.filter(pl.col("object").is_in(sorted(found))).select("object", "name")
    return tuple(
        Named(name, *found[number]) for number, name in shown.collect(engine="streaming").iter_rows()
    )


def _problem_schema() -> dict[str, Any]:
    return dict(pl.DataFrame(pl.from_arrow(PROBLEMS.empty_table())).schema)


def _of_records(descriptions: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    """What records of TC609-5-2025-02 lack, one row a problem, with the first item of each."""
    broken = descriptions.filter(pl.col("problems").list.len() > 0).select("object", "place", "problems")
    counts = broken.select(pl.col("problems").explode()).group_by("problems").len().sort("problems")
    for problem, count in counts.collect(engine="streaming").iter_rows():
        field, _, rule = problem.partition(":")
        number, place, _ = _first(broken.filter(pl.col("problems").list.contains(problem)), count)
        yield {
            "object": number, "place": place, "standard": "tc609", "rule": rule, "at": field, "count": count,
            "severity": "warning" if rule == "missing" else "error", "detail": _OF_RECORDS[rule],
        }  # fmt: skip


def _first(rows: pl.LazyFrame, count: int | None = None) -> tuple[int | None, int | None, int]:
    """Object and place of the first of rows in canonical order, and how many there are."""
    if count is None:
        count = int(rows.select(pl.len()).collect(engine="streaming").item())
    if not count:
        return None, None, 0
    number, place = rows.select("object", "place").head(1).collect().row(0)
    return number, place, count


_OF_RECORDS = {
    "missing": "a field of the standard is missing",
    "type": "a field is of another type than the standard's",
    "value": "a field holds what the standard does not know",
}


def _contradictions(descriptions: pl.LazyFrame, described: Described, items: int) -> Iterator[dict[str, Any]]:
    """Where metadata contradict each other or the data, without saying what they say."""

    def row(
        rule: str, number: int | None, place: int | None, at: str, count: int, detail: str
    ) -> dict[str, Any]:
        return {
            "object": number, "place": place, "standard": "consistency", "rule": rule, "severity": "error", "at": at,
            "count": count, "detail": detail,
        }  # fmt: skip

    # entries of metadata files on one file
    several = (
        descriptions.filter(pl.col("contradicts").is_not_null())
        .select("object", "contradicts").explode("contradicts").group_by("contradicts")
        .agg(pl.col("object").min(), count=pl.len()).sort("contradicts").collect(engine="streaming")
    )  # fmt: skip
    for each in several.iter_rows(named=True):
        yield row(
            "entries",
            each["object"],
            None,
            each["contradicts"],
            each["count"],
            "entries of metadata files say different things of one file",
        )
    # records, and what a metadata file says of the file that they are in
    wholes = descriptions.filter(pl.col("place").is_null()).set_sorted("object")
    compared = {"licence": "licence_id", "language": "language", "version": "version", "source": "source"}
    both = (
        descriptions.filter(pl.col("place").is_not_null()).set_sorted("object")
        .join(wholes.select("object", **{f"of_{name}": column for name, column in compared.items()}), on="object", how="inner", maintain_order="left")
    )  # fmt: skip
    for name, column in compared.items():
        differ = both.filter(pl.col(column) != pl.col(f"of_{name}"))
        number, place, count = _first(differ)
        if count:
            yield row(
                "record",
                number,
                place,
                name,
                count,
                "records say something else than a metadata file says of the file they are in",
            )
    yield from _of_the_whole(descriptions, described.said, items, row)


def _of_the_whole(
    descriptions: pl.LazyFrame, said: Sequence[Mapping[str, Any]], items: int, row: Any
) -> Iterator[dict[str, Any]]:
    """What descriptions of the dataset as a whole say, against each other and against the items."""
    for name, column, field in (
        ("licence", "licence_id", "licences"),
        ("language", "language", "languages"),
        ("version", "version", "versions"),
    ):
        wholes = [
            (each["object"], values)
            for each in said
            if each[field] and (values := _folded(each[field], name))
        ]
        for number, values in wholes[1:]:
            if values != wholes[0][1]:
                yield row(
                    "whole",
                    number,
                    None,
                    name,
                    1,
                    "two descriptions of the dataset say different things of it",
                )
        if not wholes or name == "version":  # the version of a record is its own
            continue
        allowed = set().union(*(values for _, values in wholes))
        spread = pl.col(column) if name == "licence" else pl.col(column).str.to_lowercase().str.split(",")
        found = descriptions.select("object", "place", value=spread).drop_nulls("value")
        if name != "licence":
            found = found.explode("value")
        other = found.filter(~pl.col("value").is_in(sorted(allowed)))
        number, place, count = _first(other)
        if count:
            yield row(
                "item",
                number,
                place,
                name,
                count,
                "items say something else than what describes the dataset as a whole",
            )
    for each in said:
        least, most = each["least_items"], each["most_items"]
        if (least is not None and items < least) or (most is not None and items > most):
            yield row(
                "items",
                each["object"],
                None,
                "items",
                1,
                f"it says of other numbers of items than the {items} that were measured",
            )


def _folded(values: Sequence[str], name: str) -> set[str]:
    """What they are compared by; a licence that is another one or unknown is compared with none."""
    frame = pl.DataFrame({name: list(values)})
    found = set(frame.select(folded(name) if name == "licence" else pl.col(name).str.to_lowercase())[name])
    return found - {"other", "unknown"} if name == "licence" else found
