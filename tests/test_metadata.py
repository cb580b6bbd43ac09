"""The rule `metadata`, from files to evidence."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from dqv import metadata, pipeline
from dqv.checks.engine import Metadata
from dqv.core.errors import UsageError
from dqv.core.settings import Settings
from dqv.core.verdicts import Verdict
from dqv.engine import Described
from tests.checks.declared import objects, outcome
from tests.measure.test_croissant import GOOD
from tests.stages.calls import measure, read

SECRET = "secret"


def record(number: int, **change: Any) -> dict[str, Any]:
    text = f"{SECRET} words {number * 7919} " + "w " * number
    return {"id": f"{SECRET}-{number}", "text": text, "license": "MIT", "source": SECRET, "language": "zh",
            "original_time": "2026-01-02", **change}  # fmt: skip


def tc609(number: int, **change: Any) -> dict[str, Any]:
    content = [{"media_type": "text", "content": f"{SECRET} other {number * 31}"}]
    annotation = {"label": [SECRET], "annotation_method": "人工标注"}
    return {"id": f"t{number}", "rid": [], "data_content": content, "annotation": annotation, "original_time": "2026-01-02",
            "last_modified_time": "2026-01-02", "version": "1", "license": "mit", "source": SECRET, "source_details": SECRET,
            "generated_data_indicator": False, **change}  # fmt: skip


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


FILES = {
    "README.md": b"---\nlicense: apache-2.0\nlanguage: [zh]\nsize_categories: n>1T\ntask_categories: [secret]\n---\n# a\n",
    "a.jsonl": lines(
        [record(n) for n in range(10)]
        + [record(3, license=f"{SECRET} licence"), record(11, source=None), record(12, original_time=SECRET), record(13, id=7)]
    ),
    "t.jsonl": lines([tc609(0), tc609(1, version=None), tc609(2, rid=SECRET)]),
    "metadata.csv": b"file_name,license\nb.txt,mit\nb.txt,cc0-1.0\nsecret.txt,mit\na.jsonl,cc-by-4.0\n",
    "b.txt": b"a text of its own",
    "c.txt": b"another text that nobody names",
    "x/croissant.json": orjson.dumps({
        **GOOD, "license": "mit",
        "distribution": [
            {**GOOD["distribution"][0], "contentUrl": "d.csv"},
            {"@type": "cr:FileObject", "@id": SECRET, "name": SECRET, "contentUrl": "secret.csv", "encodingFormat": "text/csv",
             "containedIn": {"@id": "nowhere"}},
            {"@type": "cr:FileObject", "@id": "e", "name": "e", "contentUrl": "secret.csv", "encodingFormat": "text/csv", "sha256": "00" * 32},
        ],
    }),
    "x/d.csv": b"text\nsome more\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, scheduler: str) -> tuple[str, pl.DataFrame]:
    """The message of the rule, and its evidence."""
    folder = tmp_path_factory.mktemp("metadata")
    for name, content in FILES.items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).write_bytes(content)
    own = {
        "expectations": [
            {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": "language", "value_set": ["en"]},
            }
        ]
    }
    (folder / "own.json").write_text(json.dumps(own))
    settings = Settings(
        source=str(folder / "data"), out=folder / "out", scheduler=scheduler, expectations=folder / "own.json"
    )
    report = pipeline.check(settings)
    assert len(report.run.settings["expectations_sha256"]) == 64
    finding = next(each for each in report.findings if each.rule == "metadata")
    assert finding.verdict == "review"
    return finding.message.en, pl.read_parquet(folder / "out" / "evidence" / "metadata.parquet")


def problems(told: tuple[str, pl.DataFrame], standard: str) -> list[tuple[Any, ...]]:
    rows = told[1].filter((pl.col("kind") == "problem") & (pl.col("standard") == standard))
    return rows.select("name", "rule", "at", "count").rows()


def test_standards_that_are_followed_are_named(told: tuple[str, pl.DataFrame]) -> None:
    assert "Croissant, Hugging Face card, tables that name files, records of TC609-5-2025-02" in told[0]


def test_what_is_wrong_by_each_standard_has_its_file_and_place(told: tuple[str, pl.DataFrame]) -> None:
    assert problems(told, "croissant") == [
        ("x/croissant.json", "reference", "Metadata(a) > FileObject(secret)", 1),
    ]
    assert problems(told, "hugging-face") == [("README.md", "value", "task_categories[0]", 1)]
    assert problems(told, "tc609") == [("t.jsonl", "missing", "version", 1), ("t.jsonl", "type", "rid", 1)]


def test_contradictions_are_named_without_what_is_said(told: tuple[str, pl.DataFrame]) -> None:
    assert problems(told, "consistency") == [
        ("b.txt", "entries", "licence", 1),
        (
            "a.jsonl",
            "item",
            "licence",
            2,
        ),  # cc-by-4.0 of the table, and the licence of one record; mit is Croissant's
        ("README.md", "items", "items", 1),
        ("a.jsonl", "record", "licence", 14),
        ("x/croissant.json", "whole", "licence", 1),
    ]


def test_expectations_that_are_not_met_are_counted_and_placed(told: tuple[str, pl.DataFrame]) -> None:
    rows = told[1].filter((pl.col("kind") == "expectation") & (pl.col("severity") == "not-met"))
    assert dict(rows.select("rule", "count").iter_rows()) == {
        "required:id": 1, "required:source": 2, "unique:id": 2, "dated": 1, "listed:licence": 1, "type:id": 1,
        "files:found": 2, "files:referenced": 1, "files:same_digest": 1, "expect_column_values_to_be_in_set": 14,
    }  # fmt: skip
    places = told[1].filter(pl.col("kind") == "unexpected")
    assert places.filter(pl.col("rule") == "files:referenced")["name"].to_list() == ["c.txt"]
    assert places.filter(pl.col("rule") == "files:found")["name"].to_list() == [
        "metadata.csv",
        "x/croissant.json",
    ]
    assert set(places.filter(pl.col("rule") == "unique:id")["name"]) == {"a.jsonl"}


def test_no_value_is_in_the_evidence(told: tuple[str, pl.DataFrame]) -> None:
    message, evidence = told
    assert SECRET not in message
    text = pl.concat_str(pl.col(pl.String).fill_null(""), separator="|")
    named = evidence.filter(text.str.contains(SECRET)).select("kind", "at").rows()
    assert named == [("problem", "Metadata(a) > FileObject(secret)")], "the name of a node is its place"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"expectations": [{"type": "expect_x", "kwargs": {}}]}', "expectation 1: there is no 'expect_x'"),
        (b'{"expectations": 1}', "no suite"),
        (b"{", "not strict JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b" " * (2**20 + 1), "larger than"),
    ],
)
def test_a_suite_that_cannot_be_run_is_refused_before_anything_is(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "own.json").write_bytes(content)
    (tmp_path / "a.txt").write_text("a")
    settings = Settings(source=str(tmp_path), out=tmp_path / "out", expectations=tmp_path / "own.json")
    with pytest.raises(UsageError, match=message):
        pipeline.check(settings)
    assert not (tmp_path / "out").exists()


def test_entries_of_ten_thousand_columns_are_named_and_still_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("a")
    names = ",".join(["file_name", "date", *(f"c{number}" for number in range(10_000))])
    rows = [f"a.txt,2026-01-02,{',' * 9_999}"] * 3
    (source / "metadata.csv").write_text("\n".join([names, *rows]))
    _, told, sidecar = measure(source, tmp_path / "out")
    assert [str(row["date"]) for row in sidecar] == ["2026-01-02"] * 3
    assert max(len(row["fields"]) for row in told) == 256
    assert [(row["standard"], row["rule"], row["count"]) for row in read(tmp_path / "out", "problems")] == [
        ("sidecar", "wide", 3)
    ]


@pytest.mark.parametrize(("fields", "found"), [(1024, []), (1025, ["wide"])])
def test_entries_are_wide_beyond_the_limit(tmp_path: Path, fields: int, found: list[str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").mkdir()
    (source / "a" / "a.txt").write_text("a")
    (source / "metadata.jsonl").write_bytes(
        lines([{"file_name": "a", **{f"c{n}": 1 for n in range(fields - 1)}}])
    )
    measure(source, tmp_path / "out")
    assert [row["rule"] for row in read(tmp_path / "out", "problems")] == found


def test_a_broken_card_alone_is_told_with_its_problem() -> None:
    row = {
        "object": 0,
        "standard": "hugging-face",
        "rule": "yaml",
        "severity": "error",
        "count": 1,
        "detail": "not YAML",
    }
    wide = {"object": 0, "standard": "sidecar", "rule": "wide", "severity": "warning", "count": 3}
    there = objects({"name": "README.md", "role": "documentation"}, {"name": "a.txt"})
    for rows, verdict in (([], Verdict.FAIL), ([row, wide], Verdict.REVIEW)):
        problems = pl.DataFrame(rows, metadata._problem_schema(), orient="row")
        found = outcome("metadata", objects=there, metadata=Metadata(problems, (), 0, 0, 0, None, None))
        assert found.verdict is verdict
    assert "Against the standards: hugging-face/yaml × 1. Warnings: sidecar/wide × 3." in found.message.en
    assert found.evidence is not None
    assert found.evidence.select("kind", "name", "rule").collect().rows() == [
        ("problem", "README.md", "yaml"), ("problem", "README.md", "wide"),
    ]  # fmt: skip


@pytest.mark.parametrize("unsaid", ["other", "unknown"])
def test_a_licence_that_is_not_named_contradicts_none(unsaid: str) -> None:
    assert metadata._folded([unsaid], "licence") == set()
    assert metadata._folded([unsaid, "MIT"], "licence") == {"mit"}
    assert metadata._folded([unsaid], "language") == {unsaid}


PATTERNS: dict[str, bytes] = {
    "README.md": b"""---
configs:
- config_name: a
  data_files:
  - {split: train, path: ["data/*.txt", "nothing/*.txt"]}
- config_name: b
  data_dir: more
  data_files: {test: "**/b*.txt", other: "https://example.org/secret"}
---
# a
""",
    "data/a.txt": b"words one",
    "data/deep/b.txt": b"words two",
    "more/x/b.txt": b"words three",
    "x/croissant.json": orjson.dumps({
        **GOOD,
        "distribution": [
            {"@type": "cr:FileObject", "@id": "z", "name": "z", "contentUrl": "z.zip", "encodingFormat": "application/zip", "sha256": "00" * 32},
            {"@type": "cr:FileSet", "@id": "s", "includes": ["*.txt", "*.md"], "excludes": "out/*", "encodingFormat": "text/plain"},
            {"@type": "cr:FileSet", "@id": "t", "includes": "out/*.txt", "excludes": ["out/*"], "encodingFormat": "text/plain"},
            {"@type": "cr:FileSet", "@id": "u", "includes": "*.txt", "containedIn": {"@id": "z"}, "encodingFormat": "text/plain"},
            {"@type": "cr:FileSet", "@id": "v", "includes": "?" * 33, "encodingFormat": "text/plain"},
        ],
    }),
    "x/in.txt": b"words four",
    "x/in/in.txt": b"words five",
    "x/out/out.txt": b"words six",
    "x/other.jsonl": b'{"text": "words seven"}\n',
}  # fmt: skip


def _patterns(
    folder: Path, scheduler: str, change: dict[str, bytes]
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Problems of patterns, and files that are not referenced."""
    source = folder / "data"
    for name, content in {**PATTERNS, **change}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    with zipfile.ZipFile(source / "x" / "z.zip", "w") as archive:
        archive.writestr("inner/a.txt", "words eight")
    pipeline.check(Settings(source=str(source), out=folder / "out", scheduler=scheduler))
    found = pl.read_parquet(folder / "out" / "evidence" / "metadata.parquet")
    wrong = found.filter(pl.col("rule").str.starts_with("pattern")).select("name", "rule", "severity", "at")
    places = found.filter((pl.col("kind") == "unexpected") & (pl.col("rule") == "files:referenced"))
    return wrong.rows(), places["name"].to_list()


def test_patterns_that_match_no_file_are_named(tmp_path: Path, scheduler: str) -> None:
    wrong, others = _patterns(tmp_path, scheduler, {})
    assert wrong == [
        ("x/croissant.json", "pattern", "error", "distribution[1].includes[1]"),
        ("x/croissant.json", "pattern", "error", "distribution[2].includes[0]"),
        ("x/croissant.json", "pattern-bounds", "warning", "distribution[4].includes[0]"),
        ("README.md", "pattern", "error", "configs[0].data_files[0].path[1]"),
    ]
    assert others == []  # one pattern is not compared, and one lies elsewhere: other files may be theirs


def test_files_that_no_pattern_names_are_placed(tmp_path: Path, scheduler: str) -> None:
    value = orjson.loads(PATTERNS["x/croissant.json"])
    value["distribution"].pop()
    wrong, others = _patterns(tmp_path, scheduler, {"x/croissant.json": orjson.dumps(value)})
    assert len(wrong) == 3
    assert others == ["x/other.jsonl", "x/out/out.txt"]


def test_a_croissant_that_the_files_belie_is_named_with_its_places(tmp_path: Path, scheduler: str) -> None:
    rows = lines([{"text": f"words {number * 7919}"} for number in range(300)])
    said = {"contentSize": "12 GB", "encodingFormat": "text/csv"}
    true = {"contentSize": f"{len(rows)} B", "encodingFormat": "application/jsonlines"}

    def file(name: str, path: str, **more: str) -> dict[str, Any]:
        return {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": path,
            "sha256": "00" * 32,
            **more,
        }

    value = {
        **GOOD, "datePublished": "2026-07-01",
        "distribution": [
            file("a", "train.jsonl", **said), file("b", "train.jsonl", **true), file("c", "not-there.jsonl", **said),
            file("d", "train.jsonl", contentSize=f"{len(rows) + 1} B", encodingFormat="text/plain"),
        ],
    }  # fmt: skip
    source = tmp_path / "data"
    source.mkdir()
    (source / "train.jsonl").write_bytes(rows)
    (source / "croissant.json").write_bytes(orjson.dumps(value))
    settings = Settings(
        source=str(source), out=tmp_path / "out", scheduler=scheduler, reference_date=date(2026, 6, 30)
    )
    report = pipeline.check(settings)
    found = pl.read_parquet(tmp_path / "out" / "evidence" / "metadata.parquet")
    rows_of = found.filter(pl.col("standard") == "consistency")
    assert rows_of.select("name", "rule", "at", "count").rows() == [
        ("croissant.json", "format", "distribution[0].encodingFormat", 1),
        ("croissant.json", "published", "datePublished", 1),
        ("croissant.json", "size", "distribution[0].contentSize", 1),
        ("croissant.json", "size", "distribution[3].contentSize", 1),
    ]
    message = next(each for each in report.findings if each.rule == "metadata").message.en
    assert "size/distribution[0].contentSize × 1" in message
    assert "12" not in "".join(rows_of["detail"].to_list()).replace("2026", "")


def test_files_that_are_not_as_described_are_counted_beyond_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metadata, "_BELIED", 2)
    references = pl.DataFrame(
        {
            "object": [7] * 5, "at": [f"distribution[{number}]" for number in range(5)], "target": [b"a.csv"] * 5,
            "least_bytes": 1, "most_bytes": 2, "formats": [["csv"]] * 5,
        }
    )  # fmt: skip
    there = pl.LazyFrame(
        {"path": [b"a.csv"], "role": "data", "size_bytes": 3, "format": "csv", "compression": None},
        schema_overrides={"compression": pl.String},
    )
    described = Described([], [], references, pl.DataFrame())
    found = [(row["at"], row["count"]) for row in metadata._belied(described, there)]
    assert found == [("distribution[0].contentSize", 1), ("distribution[1].contentSize", 1), (None, 3)]
