"""JSON and JSON Lines: strict, bounded, split anywhere."""

import codecs
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.containers.json_values import _Scanner
from dqv.connectors.containers.records import Broken, Facts, Record, read, singly
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors.beats import Beats


def read_all(
    data: bytes,
    format: str,
    *,
    limits: Limits | None = None,
    beat: Beats | None = None,
    facts: Facts | None = None,
    text_field: str | None = None,
    span: tuple[int, int] | None = None,
) -> list[Any]:
    return list(
        singly(
            read(
                lambda: io.BytesIO(data),
                format,
                limits=limits or Limits(),
                beat=beat or Beats(),
                facts=facts if facts is not None else Facts(),
                text_field=text_field,
                span=span,
            )
        )
    )


def values(rows: list[Any]) -> list[object]:
    assert all(isinstance(row, Record) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Record)]


def error_kind(data: bytes, format: str = "json", limits: Limits | None = None) -> str:
    with pytest.raises(ItemError) as caught:
        read_all(data, format, limits=limits)
    return caught.value.kind


@pytest.mark.realdata
@pytest.mark.parametrize("as_lines", [False, True])
def test_torture_suite_is_accepted_and_refused_as_named(realdata: Path, as_lines: bool) -> None:
    files = sorted((realdata / "bad" / "json").glob("*.json"))
    assert len(files) > 300
    for file in files:
        data = file.read_bytes()
        if as_lines and b"\n" in data:
            continue
        try:
            rows = read_all(data, "jsonl" if as_lines else "json")
            accepted = all(isinstance(row, Record) for row in rows)
        except ItemError:
            accepted = False
        if file.name[0] != "i":
            assert accepted == (file.name[0] == "y"), file.name


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"[]{},:')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('a\\"é[{', max_size=5), inner),
    max_leaves=15,
)


@given(st.lists(JSON), st.sampled_from([None, 1, "\t"]), st.booleans(), st.sampled_from(["", " \r\n\t"]))
def test_an_array_gives_what_json_loads_gives(
    elements: list[object], indent: int | str | None, ascii_only: bool, space: str
) -> None:
    text = space + json.dumps(elements, indent=indent, ensure_ascii=ascii_only) + space
    rows = read_all(text.encode(), "json") if text.strip() else []
    expected = json.loads(text)
    assert values(rows) == expected
    assert [row.place for row in rows] == list(range(len(expected)))


@given(st.lists(JSON, min_size=1), st.integers(1, 9))
def test_the_scanner_does_not_depend_on_where_blocks_end(elements: list[object], size: int) -> None:
    data = json.dumps(elements, ensure_ascii=False).encode()[1:]

    def ends(step: int) -> Iterator[int]:
        scanner = _Scanner()
        for offset in range(0, len(data), step):
            for end in scanner.ends(data[offset : offset + step], offset):
                yield offset + end
        assert scanner.closed

    assert list(ends(size)) == list(ends(len(data)))


@given(st.text('[]{},"\\ 1e:', max_size=12))
def test_an_array_is_accepted_exactly_when_orjson_accepts_it(inner: str) -> None:
    data = f"[{inner}".encode()
    try:
        expected = orjson.loads(data)
    except ValueError:
        assert error_kind(data) == "json"
    else:
        assert values(read_all(data, "json")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[1,]", "[,1]", "[1,,2]", "[1]x", "[1] [2]", "[1", "[", "[1}", "[1]]", '["a]', "[NaN]", "[1e999]",
        "[-1e999]", "[Infinity]", '["\\ud800"]', "1e999", '{"a":1e999}', "[1 2]", "[\f]",
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(text: str) -> None:
    assert error_kind(text.encode()) == "json"


def test_an_integer_over_64_bits_becomes_a_finite_double() -> None:
    assert values(read_all(b"[123456789012345678901234567890]", "json")) == [1.2345678901234568e29]
    assert error_kind(b"[" + b"9" * 400 + b"]") == "json"


@pytest.mark.parametrize("format", ["json", "jsonl"])
@pytest.mark.parametrize("unit", [b"[", b'{"a":'])
def test_deep_nesting_is_an_error_not_a_crash(format: str, unit: bytes) -> None:
    data = unit * 200_000
    if format == "json":
        assert error_kind(data) == "json"
    else:
        (row,) = read_all(data, "jsonl")
        assert isinstance(row, Broken)
        assert row.error.kind == "json"


def test_depth_1024_is_the_last_that_is_read() -> None:
    assert len(read_all(b"[" * 1024 + b"]" * 1024, "json")) == 1
    assert error_kind(b"[" * 1025 + b"]" * 1025) == "json"


def test_a_byte_order_mark_is_tolerated_and_stated() -> None:
    for format in ("json", "jsonl"):
        facts = Facts()
        assert values(read_all(codecs.BOM_UTF8 + b'{"a":1}', format, facts=facts)) == [{"a": 1}]
        assert facts == Facts("utf-8-sig", {"a"})


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "utf-8"])
@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_other_encodings_are_read_and_stated(name: str, format: str) -> None:
    facts = Facts()
    data = '{"内容": "嘉兴市公共数据，第一批"}\n'.encode(name)
    assert values(read_all(data, format, facts=facts)) == [{"内容": "嘉兴市公共数据，第一批"}]
    assert facts.encoding == name


def test_an_objects_list_of_records_is_the_records() -> None:
    data = b'{"total": 2, "Data": [{"text": "a"}, {"text": "b"}]}'
    rows = read_all(data, "json")
    assert values(rows) == [{"text": "a"}, {"text": "b"}]
    assert sum(row.stored_bytes for row in rows) == len(data)
    assert values(read_all(b'{"data": [1]}', "json")) == [{"data": [1]}]
    both = b'{"data": [{}], "items": [{}]}'
    assert values(read_all(both, "json")) == [{"data": [{}], "items": [{}]}]
    assert values(read_all(b'{"text": "x", "data": [{}]}', "json", text_field="text")) == [
        {"text": "x", "data": [{}]}
    ]


@pytest.mark.parametrize("beside", [{"archive": [{"text": "old"}]}, {"archive": [1]}, {"texts": {"b": "c"}}])
def test_an_object_with_other_content_beside_its_list_is_one_record(beside: dict[str, object]) -> None:
    value = {"data": [{"text": "a"}], **beside}
    assert values(read_all(orjson.dumps(value), "json")) == [value]


def test_scalars_and_empty_values_beside_a_list_of_records_are_its_metadata() -> None:
    data = b'{"data": [{"text": "a"}], "total": 1, "source": "x", "next": null, "errors": [], "meta": {}}'
    assert values(read_all(data, "json")) == [{"text": "a"}]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "txt", "md", "html", "xml"])
@pytest.mark.parametrize("data", [b"", b" \n\t\r\n"])
def test_nothing_is_empty_in_every_format(format: str, data: bytes) -> None:
    assert error_kind(data, format) == "empty"


def test_an_element_over_the_limit_is_too_large() -> None:
    limits = Limits(record_bytes=100, document_bytes=1000)
    assert error_kind(b'[1, "' + b"x" * 200 + b'"]', limits=limits) == "too-large"
    assert error_kind(b'[1, "' + b"x" * 2_000_000, limits=limits) == "too-large"
    assert error_kind(b'{"a": "' + b"x" * 2_000_000 + b'"}', limits=limits) == "too-large"


def test_a_poisoned_element_or_line_is_left_out() -> None:
    beat = Beats(1)
    assert [row.place for row in read_all(b"[1, 2, 3]", "json", beat=beat)] == [0, 2]
    assert beat.seen == [0, 1, 2]
    assert values(read_all(b"1\n2\n3", "jsonl", beat=Beats(2))) == [1, 3]


def test_a_bad_line_costs_itself_alone() -> None:
    data = b'{"a":1}\n{"a":NaN}\n\xff\xff\n{"a":1}x\n1e999\n{"a":2}'
    rows = read_all(data, "jsonl")
    assert [row.error.kind if isinstance(row, Broken) else "good" for row in rows] == [
        "good", "json", "encoding", "json", "json", "good",
    ]  # fmt: skip
    assert [row.place for row in rows] == [0, 8, 18, 21, 30, 36]
    assert all(row.single for row in rows if isinstance(row, Broken))


def test_a_gb18030_line_among_utf8_lines_is_broken_and_the_reverse() -> None:
    line = '{"正文": "数据要素"}'
    utf8, chinese = line.encode(), line.encode("gb18030")
    for most, one, name in ((utf8, chinese, "utf-8"), (chinese, utf8, "gb18030")):
        facts = Facts()
        rows = read_all(b"\n".join([most, one, most]), "jsonl", facts=facts)
        assert facts.encoding == name
        assert isinstance(rows[0], Record)
        assert isinstance(rows[2], Record)
    assert isinstance(read_all(b"\n".join([utf8, chinese, utf8]), "jsonl")[1], Broken)


@pytest.mark.parametrize("size", [150, 9_000_000, 13_000_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_long_line_is_skipped_and_the_next_is_read(size: int, end: bytes) -> None:
    data = b"1\n" + b"x" * size + end + (b"2" if end else b"")
    rows = read_all(data, "jsonl", limits=Limits(record_bytes=100))
    assert isinstance(rows[1], Broken)
    assert (rows[1].error.kind, rows[1].place, rows[1].single) == ("too-large", 2, True)
    assert len(rows) == (3 if end else 2)
    if end:
        assert rows[2] == Record(3 + size, 2, 1)


LINES = st.lists(
    st.sampled_from([b"", b" ", b"1", b'{"a": 1}', b'"\xe6\x95\xb0"', b"broken", b'{"b":[1,2]}'])
).flatmap(
    lambda lines: st.tuples(
        st.just(lines), st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=len(lines), max_size=len(lines))
    )
)


@given(LINES, st.booleans(), st.booleans(), st.data())
def test_spans_give_every_line_once(
    parts: tuple[list[bytes], list[bytes]], last_newline: bool, mark: bool, data: st.DataObject
) -> None:
    content = b"".join(line + end for line, end in zip(*parts, strict=True))
    content = (codecs.BOM_UTF8 if mark else b"") + (content if last_newline else content.rstrip(b"\r\n"))
    content += b"\n0"  # never empty as a whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))
    edges = [0, *cuts, len(content)]

    def plain(rows: list[Any]) -> list[object]:
        return [(row.place, row.value if isinstance(row, Record) else str(row.error)) for row in rows]

    whole = plain(read_all(content, "jsonl"))
    spans = [plain(read_all(content, "jsonl", span=(start, stop))) for start, stop in pairwise(edges)]
    assert [row for span in spans for row in span] == whole
    assert len(whole) == sum(
        bool(line.removeprefix(codecs.BOM_UTF8).strip()) for line in content.split(b"\n")
    )


def test_only_the_first_span_of_utf16_lines_reads() -> None:
    data = "1\n2\n".encode("utf-16")
    assert values(read_all(data, "jsonl", span=(0, 4))) == [1, 2]
    assert read_all(data, "jsonl", span=(4, len(data))) == []


def test_the_encoding_is_found_behind_a_first_line_longer_than_the_head() -> None:
    for name in ("gb18030", "utf-8"):
        facts = Facts()
        line = ('{"正文": "' + "公共数据要素" * 200_000 + '"}\n').encode(name)
        assert all(isinstance(row, Record) for row in read_all(line * 2, "jsonl", facts=facts))
        assert facts.encoding == name


def test_at_most_256_names_of_fields_are_kept() -> None:
    facts = Facts()
    read_all(b"\n".join(b'{"%d":1}' % number for number in range(300)), "jsonl", facts=facts)
    assert len(facts.fields) == 256


def test_at_most_200_characters_of_a_name_are_kept() -> None:
    facts = Facts()
    read_all(b"\n".join(b'{"%d%s":1}' % (number, b"x" * 1000) for number in range(9)), "jsonl", facts=facts)
    assert {len(name) for name in facts.fields} == {200}
    assert all(name.endswith("…") for name in facts.fields)
    assert len(facts.fields) == 9
    exact = Facts()
    exact.note({"x" * 200: 1})
    assert exact.fields == {"x" * 200}


ASCII_HEAD = b'{"a":"b"}\n' * 110_000  # more than the head
CHINESE_LINE = '{"正文": "公共数据要素，第一批"}'


@pytest.mark.parametrize(
    ("names", "stated"),
    [
        (["gb18030", "gb18030"], "gb18030"),
        (["utf-8", "utf-8"], "utf-8"),
        (["utf-8", "gb18030"], "utf-8/gb18030"),
        (["gb18030", "utf-8"], "utf-8/gb18030"),
        ([], "utf-8"),
    ],
)
def test_behind_an_ascii_head_each_line_tells_its_own_encoding(names: list[str], stated: str) -> None:
    facts = Facts()
    data = ASCII_HEAD + b"\n".join(CHINESE_LINE.encode(name) for name in names)
    rows = read_all(data, "jsonl", facts=facts)
    assert len(rows) == 110_000 + len(names)
    assert values(rows[110_000:]) == [orjson.loads(CHINESE_LINE)] * len(names)
    assert facts.encoding == stated
    middle = len(ASCII_HEAD) - 5
    spans = [read_all(data, "jsonl", span=span) for span in ((0, middle), (middle, len(data)))]
    assert [row for span in spans for row in span] == rows


def test_behind_an_ascii_head_what_is_in_neither_encoding_is_broken() -> None:
    latin = '{"text": "Les élèves français étaient déjà très fatigués"}'.encode("latin-1")
    wrong = CHINESE_LINE[:-1].encode("gb18030")
    rows = read_all(ASCII_HEAD + b"\n".join([b"\xff\xff", latin, wrong]), "jsonl")[110_000:]
    assert [row.error.kind for row in rows if isinstance(row, Broken)] == ["encoding", "encoding", "json"]


def test_an_error_of_the_stream_is_not_an_item_error() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    for format in ("txt", "json", "jsonl", "csv", "parquet", "arrow"):
        with pytest.raises(OSError, match="gone"):
            list(read(lambda: Failing(b"x" * 100), format, limits=Limits(), beat=Beats(), facts=Facts()))
