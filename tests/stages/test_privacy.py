from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqv.core.schema import PERSONAL
from dqv.execute.parts import Table
from dqv.stages.privacy import METADATA, MOST_VALUES, PersonalRows

PIECE = {"object": 7, "path": "a.jsonl", "read": "whole"}
MOBILE = "13812345678"


def found(folder: Path, told: Any, piece: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of one piece, of which is told as a function says."""
    with Table(folder, "personal", PERSONAL) as table:
        rows = PersonalRows(table)
        rows.begin(piece or PIECE)
        told(rows)
        rows.end()
    return pq.read_table(folder / "personal-0.parquet").to_pylist() if list(folder.iterdir()) else []


def where(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["place"], row["field"], row["kind"], row["at"], row["count"]) for row in rows]


def test_all_fields_of_a_record_are_searched(tmp_path: Path) -> None:
    record = {
        "text": f"数{MOBILE}",
        "meta": {"a": [1, {"b": "x@y.cn"}]},
        "phone": int(MOBILE),
        "gap": float(MOBILE),
        "no": None,
        "raw": b"1",
    }
    assert where(found(tmp_path, lambda rows: rows.add(5, record))) == [
        (5, "text", "mobile", 3, 1), (5, "meta", "email", 0, 1), (5, "phone", "mobile", 0, 1), (5, "gap", "mobile", 0, 1),
    ]  # fmt: skip


def test_keys_of_objects_inside_are_searched(tmp_path: Path) -> None:
    record = {"contacts": {MOBILE: "张三", "b": [{"x@y.cn": 1}]}, "plain": {"name of": "no"}}
    expected = [(5, "contacts", "mobile", 0, 1), (5, "contacts", "email", 0, 1)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert where(found(tmp_path / "a", lambda rows: rows.add(5, record))) == expected
    columns: dict[str, Any] = {name: [value] for name, value in record.items()}
    assert where(found(tmp_path / "b", lambda rows: rows.add_columns([5], columns))) == expected


def test_names_of_fields_are_searched_once_an_object_and_stay_when_its_rows_go(tmp_path: Path) -> None:
    def told(rows: PersonalRows) -> None:
        rows.add(3, {f"user.{MOBILE}": "a@b.cn"})
        rows.take_back()
        rows.add_fields(["text", f"user.{MOBILE}"])

    rows = found(tmp_path, told)
    assert [(row["where"], row["kind"], row["place"], row["at"]) for row in rows] == [
        ("fields", "mobile", 0, 5)
    ]


def test_columns_give_the_rows_that_records_give(tmp_path: Path) -> None:
    texts = [f"call {MOBILE}", "nothing here", f"{MOBILE} or a@b.cn"]
    numbers = [int(MOBILE), None, 12]
    values = {"text": pa.array(texts, pa.large_string()), "phone": numbers}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    def one_by_one(rows: PersonalRows) -> None:
        for place, (text, number) in enumerate(zip(texts, numbers, strict=True)):
            rows.add(place, {"text": text, "phone": number})

    whole = found(tmp_path / "a", lambda rows: rows.add_columns(range(3), values))
    assert whole == found(tmp_path / "b", one_by_one)
    assert len(whole) == 4


def test_the_same_value_is_one_row_with_its_count(tmp_path: Path) -> None:
    rows = found(tmp_path, lambda rows: rows.add(0, f"{MOBILE}, +86 138-1234-5678, 13912345678"))
    assert where(rows) == [(0, "", "mobile", 0, 2), (0, "", "mobile", 32, 1)]
    assert rows[0]["value"] != rows[1]["value"]


@pytest.mark.parametrize("more", [-1, 0, 1, 30])
def test_of_many_different_values_some_have_a_row(tmp_path: Path, more: int) -> None:
    count = MOST_VALUES + more
    text = ",".join(f"138{number:08}" for number in range(count))
    rows = found(tmp_path, lambda rows: rows.add(0, text))
    assert len(rows) == min(count, MOST_VALUES) + (more > 0)
    assert [row["count"] for row in rows if row["value"] is None] == ([more] if more > 0 else [])
    assert sum(row["count"] for row in rows) == count


def test_a_name_is_searched_once_an_object_and_stays_when_its_rows_go(tmp_path: Path) -> None:
    def told(rows: PersonalRows) -> None:
        rows.add(0, MOBILE)
        rows.take_back()
        rows.add_name()

    rows = found(tmp_path, told, {**PIECE, "path": f"{MOBILE}.txt", "read": "digest"})
    assert [(row["where"], row["kind"]) for row in rows] == [("name", "mobile")]


def test_a_span_has_no_name(tmp_path: Path) -> None:
    assert (
        found(tmp_path, lambda rows: rows.add_name(), {**PIECE, "path": f"{MOBILE}.txt", "read": "span"})
        == []
    )


def test_a_field_that_is_a_value_itself_is_shown_masked(tmp_path: Path) -> None:
    rows = found(tmp_path, lambda rows: rows.add(0, {MOBILE: "a@b.cn"}, METADATA))
    assert [(row["where"], row["field"]) for row in rows] == [("metadata", "[mobile]")]


def test_texts_of_media_are_searched(tmp_path: Path) -> None:
    rows = found(tmp_path, lambda rows: rows.add_texts(3, [("Artist", f"tel {MOBILE}"), ("title", "none")]))
    assert [(row["where"], row["field"], row["kind"], row["place"], row["at"]) for row in rows] == [
        ("embedded", "Artist", "mobile", 3, 4)
    ]


def test_a_position_is_a_row_without_a_value(tmp_path: Path) -> None:
    rows = found(tmp_path, lambda rows: rows.add_located(3))
    assert [(row["where"], row["kind"], row["value"], row["place"]) for row in rows] == [
        ("embedded", "position", None, 3)
    ]
