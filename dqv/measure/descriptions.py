"""From a record to what describes it: identifier, licence, source, language, labels and the like.

Fields are found by the names of `fields.DESCRIPTIVE`. Of TC609-5-2025-02, which has labels and their method in `annotation`, these
are found there, too; and a record with a field `data_content` is held to that standard's fields: which are missing, and what is
not of its kind. Nothing here says whether a value is good; the policy's lists do (`stages/expectations.py`).

| in the record | as text |
|---|---|
| text | itself; longer than MOST_CHARACTERS: its beginning, and a hash that keeps it apart from others |
| number, boolean, date | as JSON writes it |
| list (labels: each) | what is text or a number in it, the first LABELS, joined by commas |
| object, binary, empty text, null | none |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from dqv.measure.fields import Column, as_strings, literal, plan_of
from dqv.neardup.tokens import buffers

TEXTS = ("id", "licence", "source", "language", "annotation_method", "version", "generated")
"""Columns of `schema.DESCRIPTIONS` that are texts."""

TYPED = (*TEXTS, "labels")
"""The fields of which `types` tells the kind, in its order."""

MOST_CHARACTERS = 256
LABELS = 16

ABSENT = "-"
_KINDS = {
    str: "s", bool: "b", int: "n", float: "n", Decimal: "n", list: "l", tuple: "l", dict: "o", bytes: "x",
    type(None): ABSENT,
}  # fmt: skip
"""Of a value, in `types`; dates are "d", and so is what else a table may hold."""

MEDIA_TYPES = frozenset({
    "text", "image", "audio", "video", "文本", "图像", "图片", "音频", "视频", "table", "表格", "json", "3d", "point_cloud", "点云",
})  # fmt: skip
"""What `media_type` may say, beside a media type as in `image/png`; lower case."""

_MEDIA_PREFIXES = ("text/", "image/", "audio/", "video/", "application/", "model/")

_FLAGS = frozenset({"true", "false", "yes", "no", "0", "1", "是", "否"})

RECORD_FIELDS: Mapping[str, tuple[type, ...]] = {
    "id": (str, int),
    "rid": (list,),
    "data_content": (list,),
    "annotation": (dict,),
    "original_time": (str, int, float, date),
    "last_modified_time": (str, int, float, date),
    "version": (str, int, float),
    "license": (str,),
    "source": (str,),
    "source_details": (str, dict, list),
    "generated_data_indicator": (bool, int, str),
}
"""The fields of a record of TC609-5-2025-02, and what they may hold."""


@dataclass(slots=True)
class Description:
    """What describes one record.

    Attributes:
        texts: in the order of TEXTS.
        labels: none: null.
        types: of TYPED, one letter each.
        problems: of a record of TC609-5-2025-02, `FIELD:missing`, `FIELD:type` or `FIELD:value`; of others None.
    """

    texts: list[str | None]
    labels: list[str] | None
    types: str
    problems: list[str] | None


NOTHING = Description([None] * len(TEXTS), None, ABSENT * len(TYPED), None)
"""Of a record that says nothing of itself."""


def describe(value: object) -> Description | None:
    """What describes a record; None where no field does."""
    if not isinstance(value, dict):
        return None
    named = plan_of(tuple(value)).described
    return _described(value, named) if named else None


def _described(value: Mapping[str, object], named: Mapping[str, str]) -> Description | None:
    inner: Mapping[str, object] = {}
    of_inner: Mapping[str, str] = {}
    if "annotation" in named:
        annotation = value[named["annotation"]]
        if isinstance(annotation, dict) and len(annotation) <= _MOST_INNER:
            inner, of_inner = annotation, plan_of(tuple(annotation)).described
    found: list[object] = []
    for column in TYPED:
        one = value[named[column]] if column in named else None
        if one is None and column in of_inner and column in _IN_ANNOTATION:
            one = inner[of_inner[column]]
        found.append(one)
    labels = _labels(found[-1])
    texts = [None if one is None else text_of(one) for one in found[:-1]]
    problems = _problems(value, named) if "data_content" in named else None
    types = "".join(map(kind_of, found))
    if problems is None and types == NOTHING.types:
        return None
    return Description(texts, labels, types, problems)


_IN_ANNOTATION = frozenset({"labels", "annotation_method"})
_MOST_INNER = 64


def kind_of(value: object) -> str:
    """The letter that stands in `types`."""
    return ABSENT if value == "" else _KINDS.get(type(value), "d")


def text_of(value: object) -> str | None:
    """A value as text; see the module."""
    if type(value) is str:
        return (value if len(value) <= MOST_CHARACTERS else cut(value)) or None
    if value is None or isinstance(value, dict | bytes):
        return None
    if isinstance(value, list | tuple):
        scalars = [text_of(each) for each in value[:LABELS] if not isinstance(each, list | tuple)]
        return text_of(",".join(filter(None, scalars)))
    return cut(literal(value))


def cut(text: str) -> str:
    """A long text by its beginning and a hash, others as they are."""
    if len(text) <= MOST_CHARACTERS:
        return text
    digest = xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))
    return f"{text[: MOST_CHARACTERS - 1 - len(digest)]}…{digest}"


def _labels(value: object) -> list[str] | None:
    if value is None:
        return None
    found = [text_of(each) for each in (value[:LABELS] if isinstance(value, list | tuple) else (value,))]
    return list(filter(None, found)) or None


def _problems(value: Mapping[str, object], named: Mapping[str, str]) -> list[str]:
    """What TC609-5-2025-02 knows otherwise, in the order of its fields."""
    found = list(_of_kinds(tuple(value), tuple(map(type, value.values()))))
    content = value[named["data_content"]]
    if isinstance(content, list):
        if not content:
            found.append("data_content:value")
        for entry in content:
            if not isinstance(entry, dict) or not {"media_type", "content"} <= entry.keys():
                found.append("data_content:value")
                break
            if not _is_media_type(entry["media_type"]):
                found.append("media_type:value")
                break
    annotation = value.get("annotation")
    if isinstance(annotation, dict):
        for name, kind in (("label", list), ("annotation_method", str)):
            if name not in annotation:
                found.append(f"{name}:missing")
            elif not isinstance(annotation[name], kind):
                found.append(f"{name}:type")
    flag = value.get("generated_data_indicator")
    if (type(flag) is int and flag not in (0, 1)) or (type(flag) is str and flag.lower() not in _FLAGS):
        found.append("generated_data_indicator:value")
    return found


@lru_cache(maxsize=1024)
def _of_kinds(names: tuple[str, ...], kinds: tuple[type, ...]) -> tuple[str, ...]:
    """Fields that are missing (null is), and those of another type."""
    held = dict(zip(names, kinds, strict=True))
    found = []
    for name, may_be in RECORD_FIELDS.items():
        kind = held.get(name, type(None))
        if kind is type(None):
            found.append(f"{name}:missing")
        elif not issubclass(kind, may_be) or (kind is bool and bool not in may_be):
            found.append(f"{name}:type")
    return tuple(found)


def _is_media_type(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return False
    value = value.lower()
    return value in MEDIA_TYPES or value.startswith(_MEDIA_PREFIXES)


@dataclass(frozen=True, slots=True)
class Descriptions:
    """What describes n records, as `Description`.

    Attributes:
        columns: TEXTS (strings), `labels` (lists of strings), `types` and `problems`; what is missing is null.
        there: (n,) whether a field describes the record.
    """

    columns: Mapping[str, pa.Array]
    there: npt.NDArray[np.bool_]


def describe_columns(values: Mapping[str, Column]) -> Descriptions | None:
    """What describes records that have the same fields, as `describe`; None where no field does.

    Args:
        values: field → values, in the order of the records' fields; at least one record.
    """
    named = plan_of(tuple(values)).described
    if not named:
        return None
    if "annotation" in named or "data_content" in named:
        return _one_by_one(values)
    count = len(next(iter(values.values())))
    columns: dict[str, pa.Array] = {}
    types = np.full((count, len(TYPED)), ord(ABSENT), np.uint8)
    for number, name in enumerate(TYPED):
        if name in named:
            column = values[named[name]]
            texts = as_strings(column)
            kinds = types[:, number]
            if texts is not None:
                filled = (
                    pc.greater(pc.binary_length(texts), 0).fill_null(False).to_numpy(zero_copy_only=False)
                )
                kinds[filled] = ord(_KINDS[str])
                found = _cut_all(texts)
                columns[name] = _each_alone(found, filled) if name == "labels" else found
            else:
                assert isinstance(column, list)
                fast = _listed(column) if name == "labels" else _scalars(column)
                if fast is not None:
                    columns[name], letter = fast
                    kinds[columns[name].is_valid().to_numpy(zero_copy_only=False)] = ord(letter)
                    continue
                kinds[:] = np.frombuffer("".join(map(kind_of, column)).encode(), np.uint8)
                columns[name] = (
                    pa.array(map(_labels, column), pa.list_(pa.string()), size=count)
                    if name == "labels"
                    else pa.array(map(text_of, column), pa.string(), size=count)
                )
    there = (types != ord(ABSENT)).any(axis=1)
    columns["types"] = _joined(types)
    return Descriptions(columns, there)


def _listed(column: list[object]) -> tuple[pa.ListArray, str] | None:
    """Labels that need no change, and their letter: lists of few short texts, none of them empty; None of others."""
    if not set(map(type, column)) <= {list, NoneType}:
        return None
    lists = [each for each in column if each is not None]
    if not set(map(type, chain.from_iterable(lists))) <= {str}:  # type: ignore[arg-type]  # they are lists
        return None
    found = pa.array(column, pa.list_(pa.string()))
    counts, texts = pc.list_value_length(found), found.flatten()
    if not _within(counts, LABELS) or not _within(pc.binary_length(texts), MOST_CHARACTERS):
        return None
    return found, _KINDS[list]


def _within(sizes: pa.Array, most: int) -> bool:
    """Whether all are from 1 to `most`; nulls are."""
    ends = pc.min_max(sizes).as_py()
    return ends["min"] is None or (ends["min"] > 0 and ends["max"] <= most)


def _scalars(column: list[object]) -> tuple[pa.StringArray, str] | None:
    """Booleans alone or whole numbers alone as texts, and their letter; None of others."""
    for kind, type_ in ((bool, pa.bool_()), (int, pa.int64())):
        if set(map(type, column)) <= {kind, NoneType}:
            try:
                return pa.array(column, type_).cast(pa.string()), _KINDS[kind]
            except (OverflowError, pa.ArrowInvalid):  # more than 64 bits
                return None
    return None


def _one_by_one(values: Mapping[str, Column]) -> Descriptions:
    """As `describe_columns`, by records."""
    names = tuple(values)
    columns = [each if isinstance(each, list) else each.to_pylist() for each in values.values()]
    found = [describe(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    return Descriptions(
        as_columns([each or NOTHING for each in found]), np.array([each is not None for each in found])
    )


def as_columns(rows: Sequence[Description]) -> dict[str, pa.Array]:
    """The columns of `Descriptions`, of records one by one."""
    texts = zip(*(row.texts for row in rows), strict=True) if rows else [()] * len(TEXTS)
    found: dict[str, Any] = {
        name: pa.array(column, pa.string()) for name, column in zip(TEXTS, texts, strict=True)
    }
    found["labels"] = pa.array([row.labels for row in rows], pa.list_(pa.string()))
    found["types"] = pa.array([row.types for row in rows], pa.string())
    found["problems"] = pa.array([row.problems for row in rows], pa.list_(pa.string()))
    return found


def _cut_all(texts: pa.LargeStringArray) -> pa.StringArray:
    """As `text_of`, of each."""
    sizes = np.diff(buffers(texts)[1])
    odd = (sizes == 0) | (sizes > MOST_CHARACTERS)  # bytes: no fewer than characters
    if odd.any():
        mask = pa.array(odd)
        texts = pc.replace_with_mask(
            texts, mask, pa.array(map(text_of, texts.filter(mask).to_pylist()), pa.large_string())
        )
    return texts.cast(pa.string())


def _each_alone(texts: pa.StringArray, filled: npt.NDArray[np.bool_]) -> pa.ListArray:
    """Each text as a list of itself; null where there is none."""
    offsets = np.concatenate([[0], np.cumsum(filled)]).astype(np.int32)
    validity = pa.py_buffer(np.packbits(filled, bitorder="little").tobytes())
    kept = texts.filter(pa.array(filled))
    return pa.ListArray.from_buffers(
        pa.list_(pa.string()),
        len(texts),
        [validity, pa.py_buffer(offsets)],
        int((~filled).sum()),
        children=[kept],
    )


def _joined(letters: npt.NDArray[np.uint8]) -> pa.StringArray:
    """(n, k) letters as n texts."""
    count, width = letters.shape
    offsets = pa.py_buffer((np.arange(count + 1) * width).astype(np.int32))
    return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(np.ascontiguousarray(letters)))
