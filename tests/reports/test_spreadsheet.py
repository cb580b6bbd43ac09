"""Evidence in a spreadsheet is text, whatever it says."""

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import TrustError, UsageError
from dqv.reports import evidence, spreadsheet
from dqv.reports.escape import visible_path
from dqv.reports.load import Loaded
from dqv.reports.model import Report
from dqv.reports.spreadsheet import cell, export

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "=cmd|'/C calc'!A0",
    " =1",
    "\u3000＝1",
)


def loaded(folder: Path, report: Report, frames: dict[str, pl.LazyFrame]) -> Loaded:
    names = pl.LazyFrame(schema={"object": pl.Int64, "name": pl.String})
    files = [evidence.write(frame, folder, name, names) for name, frame in frames.items()]
    return Loaded(report.model_copy(update={"evidence": files}), folder, "0" * 64)


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def test_cells_are_written_as_text_and_read_back(tmp_path: Path, report: Report) -> None:
    hostile = [
        *FORMULAS,
        visible_path(b'\xff=\n,".txt'),
        '<script>"x",y</script>',
        "中文，名称",
        "a\u202eb",
        "plain",
    ]
    frame = pl.LazyFrame({"name": hostile, "items": [-1] * len(hostile), "share": [0.5] * len(hostile)})
    files, missing = export(loaded(tmp_path, report, {"openness": frame}), tmp_path / "csv")
    assert (files, missing) == ([tmp_path / "csv" / "openness.csv"], [])
    content = files[0].read_bytes()
    assert content.startswith(b'\xef\xbb\xbf"name","items","share"\r\n')
    head, *rows = read(files[0])
    assert head == ["name", "items", "share"]
    assert len(rows) == len(hostile)
    for (name, items, _), given_ in zip(rows, hostile, strict=True):
        assert items == "-1"  # a number is no formula
        assert name.startswith("'") == (given_ in FORMULAS)
        assert name.replace("\u3000", "").isprintable()
    assert rows[len(FORMULAS)][0] == '\\xff=[U+000A],".txt'
    assert rows[-1][0] == "plain"


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("name", ["x;=1+1.jsonl", "x; ＝1", 'x;"=1+1', ";-1", "a;;@b", "plain;=1;+2"])
def test_a_text_that_is_cut_behind_a_semicolon_makes_no_formula(
    tmp_path: Path, report: Report, separator: str, name: str
) -> None:
    frame = pl.LazyFrame({"first": [name], "name": [name]})
    (path,), _ = export(loaded(tmp_path, report, {"openness": frame}), tmp_path / "csv")
    text = path.read_bytes().decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        assert not any(each.strip(' "').startswith(tuple("=+-@＝")) for each in row)
    assert len(read(path)[1]) == 2


@given(st.text())
def test_no_cell_begins_like_a_formula_or_holds_a_control(text: str) -> None:
    shown = cell(text)
    assert not shown.lstrip(" \u3000\u00a0").startswith(
        ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    )
    assert all(char.isprintable() or char in " \u3000\u00a0" or char.isspace() for char in shown)
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (-3, -3),
        (0.25, 0.25),
        (True, True),
        (["=a", "b"], "'=a, b"),
        ("", ""),
        ("a=b", "a=b"),
        ("'x", "'x"),
    ],
)
def test_what_is_no_text_stays_what_it_is(value: Any, shown: Any) -> None:
    assert cell(value) == shown


def test_a_spreadsheet_takes_no_cell_for_a_formula(tmp_path: Path, report: Report) -> None:
    """openpyxl, as spreadsheets do, makes a formula of text that begins with an equals sign."""
    frame = pl.LazyFrame({"name": list(FORMULAS)})
    (path,), _ = export(loaded(tmp_path, report, {"openness": frame}), tmp_path / "csv")
    sheet = openpyxl.Workbook().active
    assert sheet is not None
    sheet.append(["=1+1"])
    assert sheet["A1"].data_type == "f"
    for row in read(path)[1:]:
        sheet.append(row)
    assert {sheet.cell(at, 1).data_type for at in range(2, sheet.max_row + 1)} == {"s"}


def test_a_long_file_goes_on_in_another_and_an_empty_one_has_its_head(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 4)
    frames = {"recency": pl.LazyFrame({"n": list(range(7))}), "privacy": pl.LazyFrame(schema={"n": pl.Int64}),
              "value": pl.LazyFrame({"n": [1, 2, 3]})}  # fmt: skip
    files, _ = export(loaded(tmp_path, report, frames), tmp_path)
    assert [path.name for path in files] == [
        "recency.csv",
        "recency.2.csv",
        "recency.3.csv",
        "privacy.csv",
        "value.csv",
    ]
    assert [len(read(path)) for path in files] == [4, 4, 2, 1, 4]
    assert [row[0] for path in files[:3] for row in read(path)[1:]] == [str(n) for n in range(7)]


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path, report: Report) -> None:
    made = loaded(tmp_path, report, {"recency": pl.LazyFrame({"name": list(FORMULAS)})})
    first, second = (export(made, tmp_path / name)[0][0].read_bytes() for name in ("a", "b"))
    assert first == second


def test_missing_evidence_is_named_and_a_forged_one_refused(tmp_path: Path, report: Report) -> None:
    made = loaded(tmp_path, report, {"recency": pl.LazyFrame({"n": [1]}), "value": pl.LazyFrame({"n": [1]})})
    (tmp_path / "evidence/recency.parquet").unlink()
    files, missing = export(made, tmp_path / "csv")
    assert ([path.name for path in files], missing) == (["value.csv"], ["evidence/recency.parquet"])
    (tmp_path / "evidence/value.parquet").write_bytes(b"other")
    with pytest.raises(TrustError, match="its sha256 is another"):
        export(made, tmp_path / "csv")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, report: Report) -> None:
    made = loaded(tmp_path, report, {"value": pl.LazyFrame({"n": [1]})})
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--out"):
        export(made, tmp_path / "file")
