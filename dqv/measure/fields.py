"""From a record to what is measured: its text, its bytes, its dates.

Names are compared without case and without `_`, `-`, `.` and spaces: `createdAt` is `created_at`.

**Text.** The first row of TEXT_FIELDS that is there and not empty. A row with several names is a group: its
first name must be there, and the values of all its names that are there are joined in that order. Inside
the value every string counts, in order; of messages (a list of `{role, content}` or `{from, value}`) and of
`data_content` (TC609-5-2025-02) only what was said, not the roles and types. If no row fits, the text is all
values except identifiers and dates.

**Dates.** The first of DATE_FIELDS, and of MODIFIED_FIELDS, that is there and holds a date; where none does,
the first that is there and not empty.

**Descriptions.** What describes a record, by the names of DESCRIPTIVE: `measure/descriptions.py`.

**Bytes.** The payload is text: binary values count nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dqv.measure.timestamps import parse_day
from dqv.neardup.tokens import buffers

TEXT_FIELDS: tuple[tuple[str, ...], ...] = (
    ("data_content",),
    ("text",),
    ("content",),
    ("正文",),
    ("全文",),
    ("内容",),
    ("文本",),
    ("body",),
    ("document",),
    ("article",),
    ("passage",),
    ("raw_content",),
    ("full_text",),
    ("article_content",),
    ("main_text",),
    ("文本内容",),
    ("文章内容",),
    ("正文内容",),
    ("文章",),
    ("messages",),
    ("conversations",),
    ("conversation",),
    ("dialogue",),
    ("dialog",),
    ("对话",),
    ("instruction", "input", "output", "response", "answer"),
    ("指令", "输入", "输出", "回答"),
    ("question", "context", "answer", "answers", "response"),
    ("问题", "问", "答", "答案", "回答"),
    ("问", "答"),
    ("query", "response", "answer"),
    ("prompt", "completion", "response", "chosen", "rejected"),
    ("input", "output", "target"),
    ("输入", "输出"),
    ("abstract",),
    ("摘要",),
    ("sentence",),
    ("句子",),
)
"""In this order; see the module."""

SPOKEN = ("content", "value", "text")
"""Of a message, or of an entry of `data_content`: the first of these that is there is what it says."""

IDENTIFIERS = frozenset({
    "id", "_id", "uid", "uuid", "guid", "rid", "doc_id", "docid", "document_id", "record_id",
    "item_id", "data_id", "key", "index", "idx", "no", "url", "uri", "link", "href", "hash", "md5",
    "sha1", "sha256", "编号", "序号", "标识", "标识符", "主键", "链接", "网址", "记录编号", "数据编号",
})  # fmt: skip
"""Values under these names are no text."""

DATE_FIELDS = (
    "original_time", "created_at", "created", "create_time", "created_time", "creation_time",
    "creation_date", "create_date", "created_date", "publish_date", "publish_time", "published_at",
    "published_date", "pub_date", "pub_time", "published", "release_date", "release_time", "post_time",
    "posted_at", "collect_time", "collection_time", "crawl_time", "date", "datetime", "time",
    "timestamp", "year", "原始时间", "发布时间", "发布日期", "创建时间", "创建日期", "生成时间",
    "发表时间", "发表日期", "采集时间", "采集日期", "日期", "时间", "年份",
)  # fmt: skip
MODIFIED_FIELDS = (
    "last_modified_time", "last_modified", "last_updated", "updated_at", "updated", "modified_at",
    "modified", "update_time", "updated_time", "modified_time", "modify_time", "update_date",
    "modified_date", "最后修改时间", "更新时间", "更新日期", "修改时间", "修改日期",
)  # fmt: skip

DESCRIPTIVE: Mapping[str, tuple[str, ...]] = {
    "id": (
        "id", "_id", "uid", "uuid", "guid", "doc_id", "document_id", "record_id", "item_id", "data_id",
        "编号", "标识", "标识符", "记录编号", "数据编号",
    ),
    "licence": ("license", "licence", "license_id", "license_name", "许可", "许可证", "许可协议"),
    "source": ("source", "data_source", "来源", "数据来源"),
    "language": ("language", "lang", "语言", "语种"),
    "labels": ("labels", "label", "标签", "标签列表"),
    "annotation_method": ("annotation_method", "标注方式", "标注方法"),
    "version": ("version", "版本", "版本号"),
    "generated": ("generated_data_indicator", "generated", "is_generated", "synthetic", "is_synthetic", "生成数据标识"),
    "annotation": ("annotation",),
    "data_content": ("data_content",),
}  # fmt: skip
"""What describes a record: column of `schema.DESCRIPTIONS` → names, the first that is there. The last two are fields of
TC609-5-2025-02 that hold others, or by which its records are told."""


@dataclass(slots=True)
class Extract:
    """What one record holds.

    Attributes:
        text: the text fields, joined by newlines.
        payload_bytes: UTF-8 bytes of all values: strings; numbers and booleans as JSON writes them; null and
            binary values 0. Names are not counted.
        text_bytes: UTF-8 bytes of the text fields, without what joins them.
        date: as it stands in the record; null where no date field is filled. No date where none of several
            filled fields holds one.
        modified: idem, of the last change.
        found_text: the text is a document or was found by a field's name.
    """

    text: str
    payload_bytes: int
    text_bytes: int
    date: object | None
    modified: object | None
    found_text: bool


def extract(value: object, text_field: str | None = None, date_field: str | None = None) -> Extract:
    """Take a record apart.

    Args:
        value: a document (str), or a record: what JSON, CSV or Parquet give.
        text_field: dotted path that takes the place of TEXT_FIELDS; where it is missing the text is empty.
        date_field: dotted path that takes the place of DATE_FIELDS.
    """
    if isinstance(value, str):
        size = _size(value)
        return Extract(value, size, size, None, None, True)
    plan = plan_of(tuple(value)) if isinstance(value, dict) else _NO_PLAN
    payload = 0
    for part in value.values() if isinstance(value, dict) else (value,):
        # Strings are most of all values: they do not pay for the general case.
        if type(part) is str:
            payload += len(part) if part.isascii() else len(part.encode("utf-8", "surrogatepass"))
        elif part is not None:
            payload += _payload(part)
    found = True
    parts: list[str] = []
    if text_field is not None:
        for inner in _at(value, text_field):
            parts += _strings(inner)
        found = bool(parts)
    else:
        for names in plan.text:
            for name in names:
                part = value[name]  # type: ignore[index]  # names come from a dict
                if type(part) is str:
                    if part:
                        parts.append(part)
                elif part is not None:
                    parts += _said(part)
            if parts:
                break
        else:
            found = False
            rest = [value[name] for name in plan.rest] if isinstance(value, dict) else value
            parts = _strings(rest)
    text = parts[0] if len(parts) == 1 else "\n".join(parts)
    # One byte each for what joins them is taken off again.
    text_bytes = _size(text) - max(len(parts) - 1, 0)
    if date_field is not None:
        date = next((inner for inner in _at(value, date_field) if inner is not None and inner != ""), None)
    else:
        date = _first(value, plan.date)
    return Extract(text, payload, text_bytes, date, _first(value, plan.modified), found)


Column: TypeAlias = "pa.LargeStringArray | list[object]"
"""The values of one field, one a record: valid UTF-8 with nulls, or what Python makes of them."""


@dataclass(frozen=True, slots=True)
class Extracts:
    """What n records hold, as `Extract`.

    Attributes:
        text: (n,) of each record one field alone, never blank.
        payload_bytes: (n,) int64.
        date: n, as they stand in the records.
        modified: idem.
    """

    text: pa.LargeStringArray
    payload_bytes: npt.NDArray[np.int64]
    date: list[object | None]
    modified: list[object | None]


def extract_columns(values: Mapping[str, Column]) -> Extracts | None:
    """Take apart records that have the same fields, as `extract` does, some hundred times faster.

    Args:
        values: field → values, in the order of the records' fields; at least one record.

    Returns:
        None where the text of a record is blank, or put together of several strings.
    """
    plan = plan_of(tuple(values))
    if not plan.text or len(plan.text[0]) > 1:
        return None
    strings = {name: as_strings(column) for name, column in values.items()}
    text = strings[plan.text[0][0]]
    if text is None or text.null_count or _any_blank(text):
        return None
    payload = np.zeros(len(text), np.int64)
    for name, column in values.items():
        array = strings[name]
        payload += [_payload(value) for value in column] if array is None else _sizes(array)
    first = [
        _first_of({name: values[name] for name in names}, len(text)) for names in (plan.date, plan.modified)
    ]
    return Extracts(text, payload, *first)


def as_strings(column: Column) -> pa.LargeStringArray | None:
    """A column of nothing but strings and nulls; None of others."""
    if isinstance(column, list):
        return pa.array(column, pa.large_string()) if set(map(type, column)) <= {str, NoneType} else None
    return column


def _sizes(array: pa.LargeStringArray) -> npt.NDArray[np.int64]:
    sizes: npt.NDArray[np.int64] = pc.binary_length(array).fill_null(0).to_numpy()
    return sizes


_SPACE = np.zeros(256, np.bool_)
_SPACE[[*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3]] = True
"""First bytes of characters that may be white space."""


def _any_blank(array: pa.LargeStringArray) -> bool:
    data, starts = buffers(array)
    if (np.diff(starts) == 0).any():
        return True
    suspects = np.flatnonzero(_SPACE[data[starts[:-1]]])
    return any(text.isspace() for text in array.take(suspects).to_pylist()) if suspects.size else False


def has_text(value: Mapping[str, object]) -> bool:
    """Whether a field that is known for holding the text is there and filled."""
    return any(_said(value[name]) for names in plan_of(tuple(value)).text for name in names)


def _first_of(values: dict[str, Column], count: int) -> list[object | None]:
    """Of each record the first date, as `_first`."""
    columns = [column if isinstance(column, list) else column.to_pylist() for column in values.values()]
    names = tuple(values)
    if not columns:
        return [None] * count
    if len(columns) == 1:
        return [None if value == "" else value for value in columns[0]]
    return [_first(dict(zip(names, row, strict=True)), names) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which of a record's names are what; the same for all records with the same names."""

    text: tuple[tuple[str, ...], ...] = ()
    date: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    described: Mapping[str, str] = field(default_factory=dict)


_NO_PLAN = Plan()
_REMEMBERED = 4096
_REMEMBERED_KEYS = 1000
_REMEMBERED_CHARACTERS = 4096
_SEPARATORS = str.maketrans("", "", "_-. ")


def _plain(name: str) -> str:
    return name.lower().translate(_SEPARATORS)


_TEXT = tuple(tuple(map(_plain, names)) for names in TEXT_FIELDS)
_DATES = tuple(map(_plain, DATE_FIELDS))
_MODIFIED = tuple(map(_plain, MODIFIED_FIELDS))
_DESCRIPTIVE = {column: tuple(map(_plain, names)) for column, names in DESCRIPTIVE.items()}
_NOT_TEXT = frozenset(map(_plain, IDENTIFIERS)) | set(_DATES) | set(_MODIFIED)


_plans: dict[tuple[str, ...], Plan] = {}


def _plan(keys: tuple[str, ...]) -> Plan:
    named: dict[str, str] = {}
    for key in keys:
        if isinstance(key, str):
            named.setdefault(_plain(key), key)
    return Plan(
        text=tuple(
            tuple(named[name] for name in names if name in named) for names in _TEXT if names[0] in named
        ),
        date=tuple(named[name] for name in _DATES if name in named),
        modified=tuple(named[name] for name in _MODIFIED if name in named),
        rest=tuple(key for key in keys if isinstance(key, str) and _plain(key) not in _NOT_TEXT),
        described={
            column: named[found]
            for column, names in _DESCRIPTIVE.items()
            if (found := next((name for name in names if name in named), None))
        },
    )


def plan_of(keys: tuple[str, ...]) -> Plan:
    """The plan, remembered; but hostile records have other names each, and long ones."""
    plan = _plans.get(keys)
    if plan is None:
        plan = _plan(keys)
        if len(keys) <= _REMEMBERED_KEYS and sum(map(len, keys)) <= _REMEMBERED_CHARACTERS:
            if len(_plans) >= _REMEMBERED:
                _plans.clear()
            _plans[keys] = plan
    return plan


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def literal(value: object) -> str:
    """A scalar that is not a string, as JSON writes it; dates as JSON has them, without the quotes."""
    try:
        return orjson.dumps(value).decode().strip('"')
    except TypeError:  # an integer over 64 bits, a decimal
        return str(value)


def _payload(value: object) -> int:
    total = 0
    stack = [value]  # not recursion: a record may be nested as deep as its reader allows
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            total += _size(value)
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif value is not None and not isinstance(value, bytes):
            total += len(literal(value))
    return total


def _strings(value: object) -> list[str]:
    """Every filled scalar inside a value as text, in order; bytes are no text."""
    found = []
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            if value:
                found.append(value)
        elif isinstance(value, dict):
            stack.extend(reversed(value.values()))
        elif isinstance(value, list | tuple):
            stack.extend(reversed(value))
        elif value is not None and not isinstance(value, bytes):
            found.append(literal(value))
    return found


def _said(value: object) -> list[str]:
    """As `_strings`; of the dicts in a list only what they say, without role or type."""
    if not isinstance(value, list | tuple):
        return _strings(value)
    found: list[str] = []
    for entry in value:
        if isinstance(entry, dict):
            spoken = next((entry[name] for name in SPOKEN if entry.get(name) is not None), entry)
            # What was said may itself be a list of typed parts.
            for part in spoken if isinstance(spoken, list) else (spoken,):
                if spoken is not entry and isinstance(part, dict) and "text" in part:
                    part = part["text"]
                found += _strings(part)
        else:
            found += _strings(entry)
    return found


def _first(value: object, names: tuple[str, ...]) -> object | None:
    """The first that holds a date; else the first that is filled."""
    first: object | None = None
    for name in names:
        inner: object = value[name]  # type: ignore[index]  # names come from a dict
        if inner is None or inner == "":
            continue
        if first is None:
            first = inner
            continue
        # Most records have one filled field, of which nothing is asked here.
        if _is_date(first):
            return first
        if _is_date(inner):
            return inner
    return first


def _is_date(value: object) -> bool:
    try:
        return parse_day(value) is not None  # no date is a bool
    except ValueError:
        return False


def _at(value: object, path: str) -> list[object]:
    """What stands at a dotted path; a list on the way gives the path in each of its elements."""
    if isinstance(value, dict) and path in value:
        return [value[path]]
    found = [value]
    for name in path.split("."):
        inner: list[object] = []
        for one in found:
            for each in one if isinstance(one, list | tuple) else (one,):
                if isinstance(each, dict) and name in each:
                    inner.append(each[name])
        found = inner
    return found
