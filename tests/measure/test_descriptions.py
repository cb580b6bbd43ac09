import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure.descriptions import (
    MOST_CHARACTERS,
    RECORD_FIELDS,
    TEXTS,
    TYPED,
    Description,
    as_columns,
    cut,
    describe,
    describe_columns,
    text_of,
)
from dqv.measure.fields import DESCRIPTIVE

RECORD: dict[str, Any] = {
    "id": "r-1",
    "rid": ["r-0"],
    "data_content": [{"media_type": "text", "content": "a"}],
    "annotation": {"label": ["x"], "annotation_method": "人工标注", "annotator": "b"},
    "original_time": "2025-1-1",
    "last_modified_time": "2025-1-2",
    "version": "1.0",
    "license": "MIT",
    "source": "factory",
    "source_details": "line 3",
    "generated_data_indicator": False,
}


def one(record: object) -> dict[str, Any]:
    found = describe(record)
    assert found is not None
    return {**dict(zip(TEXTS, found.texts, strict=True)), "labels": found.labels, "problems": found.problems}


@pytest.mark.parametrize(
    ("column", "name"), [(column, name) for column in TYPED for name in DESCRIPTIVE[column]]
)
def test_every_name_is_found(column: str, name: str) -> None:
    found = one({"text": "x", name.upper(): "v"})
    assert found[column] == (["v"] if column == "labels" else "v")


def test_a_record_of_tc609_is_described_whole_and_has_no_problem() -> None:
    assert one(RECORD) == {
        "id": "r-1", "licence": "MIT", "source": "factory", "language": None, "annotation_method": "人工标注",
        "version": "1.0", "generated": "false", "labels": ["x"], "problems": [],
    }  # fmt: skip
    assert describe(RECORD).types == "sss-ssbl"  # type: ignore[union-attr]


def test_what_says_nothing_of_itself_has_no_description() -> None:
    assert describe({"text": "x", "meta": 1}) is None
    assert describe({"text": "x", "id": None, "licence": ""}) is None
    assert describe("x") is None
    assert describe(["x"]) is None


@pytest.mark.parametrize("name", RECORD_FIELDS)
def test_a_field_of_tc609_that_is_missing_or_of_another_kind_is_told(name: str) -> None:
    if name == "data_content":  # by it such a record is known
        assert one({**RECORD, name: None})["problems"] == ["data_content:missing"]
    else:
        found = one({key: value for key, value in RECORD.items() if key != name})["problems"]
        assert found == [f"{name}:missing"]
        assert one({**RECORD, name: None})["problems"] == [f"{name}:missing"]
    assert f"{name}:type" in one({**RECORD, name: b"x"})["problems"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"data_content": []}, "data_content:value"),
        ({"data_content": ["a"]}, "data_content:value"),
        ({"data_content": [{"content": "a"}]}, "data_content:value"),
        ({"data_content": [{"media_type": "smell", "content": "a"}]}, "media_type:value"),
        ({"data_content": [{"media_type": None, "content": "a"}]}, "media_type:value"),
        ({"data_content": "a"}, "data_content:type"),
        ({"annotation": {"label": ["x"]}}, "annotation_method:missing"),
        ({"annotation": {"label": "x", "annotation_method": "m"}}, "label:type"),
        ({"generated_data_indicator": 2}, "generated_data_indicator:value"),
        ({"generated_data_indicator": "maybe"}, "generated_data_indicator:value"),
        ({"id": True}, "id:type"),
    ],
)
def test_what_tc609_knows_otherwise_is_told(change: dict[str, Any], problem: str) -> None:
    assert one({**RECORD, **change})["problems"] == [problem]


@pytest.mark.parametrize("kind", ["TEXT", "图像", "image/png", "application/x-anything"])
def test_media_types_are_words_or_such_as_mail_has_them(kind: str) -> None:
    assert one({**RECORD, "data_content": [{"media_type": kind, "content": ""}]})["problems"] == []


def test_long_texts_are_cut_and_stay_apart() -> None:
    for text in ("x" * MOST_CHARACTERS, "数" * MOST_CHARACTERS):
        assert cut(text) == text
        first, second = cut(text + "a"), cut(text + "b")
        assert len(first) == len(second) == MOST_CHARACTERS
        assert first != second
        assert first.startswith(text[:200])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"), (True, "true"), (1.5, "1.5"), (["zh", "en", 3, ["deep"], None], "zh,en,3"), ({"a": 1}, None), (b"x", None),
        ("", None), ([], None), (decimal.Decimal("1.0"), "1.0"), (datetime.date(2024, 1, 2), "2024-01-02"), (10**30, str(10**30)),
    ],
)  # fmt: skip
def test_values_as_text(value: object, text: str | None) -> None:
    assert text_of(value) == text


_NAMES = ["text", "ID", "license", "licence", "source", "language", "labels", "version", "annotation", "data_content", "synthetic",
          "annotation_method", "rid", "题目"]  # fmt: skip
_TEXTS = st.sampled_from(["", " ", "a", "嘉兴", "x" * 256, "数" * 100, "数" * 257, "y" * 300]) | st.text(
    max_size=4
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3) | st.dates()
_NESTED = st.dictionaries(
    st.sampled_from(["label", "annotation_method", "media_type", "content"]), _TEXTS, max_size=3
)
_ANY = _TEXTS | _SCALARS | st.lists(_TEXTS | _SCALARS | _NESTED, max_size=3) | _NESTED

_ALIKE = [
    each | st.none()
    for each in (st.booleans(), st.integers(), st.lists(_TEXTS, max_size=18), st.lists(st.text("ab", min_size=1, max_size=2), min_size=1))
]  # fmt: skip


@given(st.data())
def test_columns_describe_as_the_records_do_one_by_one(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(_NAMES), unique=True, min_size=1, max_size=6))
    kinds = [data.draw(st.sampled_from([_TEXTS, _TEXTS | st.none(), *_ALIKE, _ANY])) for _ in names]
    records = data.draw(st.lists(st.tuples(*kinds), min_size=1, max_size=5))
    columns: dict[str, pa.LargeStringArray | list[object]] = {}
    for name, column in zip(names, map(list, zip(*records, strict=True)), strict=True):
        as_array = all(isinstance(value, str | None) for value in column) and data.draw(st.booleans())
        columns[name] = pa.array(["?", *column], pa.large_string())[1:] if as_array else column
    singly = [describe(dict(zip(names, record, strict=True))) for record in records]
    found = describe_columns(columns)
    if found is None:
        assert singly == [None] * len(records)
        return
    assert found.there.tolist() == [each is not None for each in singly]
    nothing = Description([None] * len(TEXTS), None, "-" * len(TYPED), None)
    expected = as_columns([each or nothing for each in singly])
    for name, column in expected.items():
        assert (
            found.columns.get(name, pa.nulls(len(records), column.type)).to_pylist() == column.to_pylist()
        ), name
    assert np.asarray(found.there).dtype == np.bool_
