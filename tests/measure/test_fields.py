"""What of a record is text, date and payload."""

import datetime
import decimal

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure import fields
from dqv.measure.fields import DATE_FIELDS, MODIFIED_FIELDS, TEXT_FIELDS, Extract, extract, extract_columns


@pytest.mark.parametrize("name", [names[0] for names in TEXT_FIELDS])
def test_every_text_field_is_found_by_name(name: str) -> None:
    found = extract({"id": "7", "note": "x", name.upper(): "文本 a"})
    assert (found.text, found.text_bytes, found.found_text) == ("文本 a", 8, True)
    assert found.payload_bytes == 1 + 1 + 8


@pytest.mark.parametrize("name", DATE_FIELDS)
def test_every_date_field_is_found_by_name(name: str) -> None:
    assert extract({"text": "x", name: "2023-01-05"}).date == "2023-01-05"


@pytest.mark.parametrize("name", MODIFIED_FIELDS)
def test_every_field_of_the_last_change_is_found_by_name(name: str) -> None:
    found = extract({"text": "x", name: 5})
    assert (found.date, found.modified) == (None, 5)


def test_names_are_compared_without_case_and_separators() -> None:
    found = extract({"Raw-Content": "a", "createdAt": 1, "Update Time": 2})
    assert (found.text, found.date, found.modified) == ("a", 1, 2)


def test_earlier_rows_of_a_table_come_first_and_empty_ones_are_passed_over() -> None:
    assert extract({"content": "b", "text": "a"}).text == "a"
    assert extract({"content": "b", "text": ""}).text == "b"
    assert extract({"content": "b", "text": None}).text == "b"
    assert extract({"date": 2, "original_time": 1}).date == 1
    assert extract({"date": 2, "original_time": ""}).date == 2


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"output": "c", "instruction": "a", "input": "b"}, "a\nb\nc"),
        ({"instruction": "a", "input": "", "response": "c"}, "a\nc"),
        ({"question": "q", "answers": ["a", "b"]}, "q\na\nb"),
        ({"question": "q", "answers": {"text": ["a"], "answer_start": [3]}}, "q\na\n3"),
        ({"prompt": "p", "completion": "c"}, "p\nc"),
        ({"问题": "q", "答案": "a"}, "q\na"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "x", "content": "b"}]}, "a\nb"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}, "a"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "a\nb"),
        ({"data_content": [{"media_type": "text", "content": "a"}, {"content": "b"}]}, "a\nb"),
    ],
)  # fmt: skip
def test_groups_and_dialogues_are_joined(record: dict[str, object], text: str) -> None:
    found = extract(record)
    assert found.text == text
    assert found.text_bytes == len(text.replace("\n", "").encode())
    assert found.found_text


def test_without_a_text_field_all_values_but_identifiers_and_dates_are_text() -> None:
    found = extract({"id": "7", "名称": "嘉兴", "n": [1, True, None, {"x": "y"}], "日期": "2023", "b": b"zz"})
    assert found == Extract("嘉兴\n1\ntrue\ny", 1 + 6 + 1 + 4 + 1 + 4, 12, "2023", None, False)


def test_an_override_is_a_dotted_path() -> None:
    record = {"meta": {"body": "a", "when": 1}, "text": "no", "parts": [{"t": "x"}, {"t": "y"}], "a.b": "c"}
    assert extract(record, "meta.body", "meta.when").text == "a"
    assert extract(record, "meta.body", "meta.when").date == 1
    assert extract(record, "parts.t").text == "x\ny"
    assert extract(record, "a.b").text == "c"
    missing = extract(record, "meta.none", "none")
    assert (missing.text, missing.text_bytes, missing.found_text, missing.date) == ("", 0, False, None)


def test_documents_and_scalars_are_their_own_text() -> None:
    assert extract("文档", "any", "any") == Extract("文档", 6, 6, None, None, True)
    assert extract(2.5) == Extract("2.5", 3, 3, None, None, False)
    assert extract(None) == Extract("", 0, 0, None, None, False)
    assert extract(["a", 1]) == Extract("a\n1", 2, 2, None, None, False)


def test_values_of_parquet_are_measured() -> None:
    record = {"a": decimal.Decimal("1.50"), "b": datetime.date(2023, 1, 5), "c": 10**30, "d": float("nan")}
    assert extract(record).payload_bytes == 4 + len("2023-01-05") + 31 + 4


def test_depth_does_not_recurse() -> None:
    value: object = "x"
    for _ in range(100_000):
        value = [value]
    found = extract({"deep": value})
    assert (found.text, found.payload_bytes) == ("x", 1)
    while isinstance(value, list):  # freeing so deep a list at once would recurse in C
        value = value.pop()


LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text("aé数")
VALUES = st.recursive(
    LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text("k"), inner), max_leaves=6
)


@given(st.dictionaries(st.text("ab数", max_size=3), VALUES, max_size=5))
def test_payload_is_the_sum_of_all_leaves(record: dict[str, object]) -> None:
    def size(value: object) -> int:
        if isinstance(value, dict):
            return sum(size(each) for each in value.values())
        if isinstance(value, list):
            return sum(size(each) for each in value)
        if isinstance(value, str):
            return len(value.encode())
        return 0 if value is None else len(orjson.dumps(value))

    found = extract(record)
    assert found.payload_bytes == size(record)
    assert found.text_bytes <= found.payload_bytes


def test_a_typed_date_counts_as_many_bytes_as_the_same_date_in_json() -> None:
    typed = extract({"text": "a", "d": datetime.date(2024, 1, 5)})
    assert typed.payload_bytes == extract({"text": "a", "d": "2024-01-05"}).payload_bytes == 11


def test_binary_values_count_nothing() -> None:
    found = extract({"text": "a", "image": b"\xff" * 1000, "more": [b"zz", {"b": b"z"}]})
    assert (found.payload_bytes, found.text_bytes) == (1, 1)
    assert extract(b"zz").payload_bytes == 0


@pytest.mark.parametrize(
    ("record", "date"),
    [
        ({"published": True, "date": "2026-01-02"}, "2026-01-02"),
        ({"created": "n/a", "date": "2026-01-02"}, "2026-01-02"),
        ({"created": " ", "date": "2026-01-02"}, "2026-01-02"),
        ({"created": "2025-01-02", "date": "2026-01-02"}, "2025-01-02"),
        ({"created": "n/a", "published": False, "date": "soon"}, "n/a"),
        ({"created": ["2025"], "date": 20260102}, 20260102),
        ({"published": True}, True),
    ],
)
def test_what_is_no_date_is_passed_over_for_a_later_date(record: dict[str, object], date: object) -> None:
    assert extract(record).date == date
    modified = {"updated" if key == "created" else "modified": value for key, value in record.items()}
    if len(modified) == 2 and "updated" in modified:
        assert extract(modified).modified == date


def test_records_with_many_or_long_names_are_not_remembered() -> None:
    fields._plans.clear()
    wide = {f"f{number}": number for number in range(1001)}
    assert extract({**wide, "text": "a"}).text == "a"
    assert extract({"x" * 5000: "b", "text": "a"}).text == "a"
    assert fields._plans == {}
    assert extract({"x" * 4000: "b", "text": "a"}).text == "a"
    assert len(fields._plans) == 1
    for number in range(fields._REMEMBERED + 10):
        extract({f"n{number}": 1})
    assert len(fields._plans) <= fields._REMEMBERED


_NAMES = ["text", "Content", "id", "date", "created_at", "updated", "input", "output", "meta", "题目"]
_TEXTS = st.sampled_from(["", " ", "\u3000\n", "\x1c", "嘉兴 a", "\u3000 b", "2023-01-05", "\x00"]) | st.text(
    max_size=5
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=3)


@given(st.data())
def test_columns_give_what_the_records_give_one_by_one(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(_NAMES), unique=True, min_size=1, max_size=5))
    kinds = [
        data.draw(st.sampled_from([_TEXTS, _TEXTS, _TEXTS | _SCALARS | st.lists(_TEXTS, max_size=2)]))
        for _ in names
    ]
    records = data.draw(st.lists(st.tuples(*kinds), min_size=1, max_size=5))
    columns: dict[str, pa.LargeStringArray | list[object]] = {}
    for name, column in zip(names, map(list, zip(*records, strict=True)), strict=True):
        as_array = all(isinstance(value, str | None) for value in column) and data.draw(st.booleans())
        columns[name] = pa.array(["?", *column], pa.large_string())[1:] if as_array else column
    singly = [extract(dict(zip(names, record, strict=True))) for record in records]
    found = extract_columns(columns)
    if found is None:
        texts = [record[names.index("text")] if "text" in names else None for record in records]
        assert not all(type(text) is str and text and not text.isspace() for text in texts)
    else:
        assert found.text.to_pylist() == [one.text for one in singly]
        assert not any(not one.text or one.text.isspace() for one in singly)
        assert found.payload_bytes.tolist() == [one.payload_bytes for one in singly]
        assert repr(found.date) == repr([one.date for one in singly])
        assert repr(found.modified) == repr([one.modified for one in singly])


@pytest.mark.parametrize("blank", ["", " ", "\x1f", "\x85", "\xa0", "\u1680", "\u2028", "\u205f", "\u3000"])
def test_a_blank_text_is_no_text_of_columns(blank: str) -> None:
    assert extract_columns({"text": ["a", "b"]}) is not None
    assert extract_columns({"text": ["a", blank]}) is None


def test_every_white_space_is_suspected_by_its_first_byte() -> None:
    spaces = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and chr(code).isspace()]
    assert all(extract_columns({"text": [space]}) is None for space in spaces)
