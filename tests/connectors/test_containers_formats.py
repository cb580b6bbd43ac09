"""Documents, tables and columns: txt, md, html, xml, csv, tsv, Parquet, Arrow."""

import io
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqv.connectors.containers.columns import MEDIA_BITS
from dqv.connectors.containers.records import (
    MANY,
    READERS,
    Broken,
    Embedded,
    Facts,
    Record,
    read,
    row_groups,
    singly,
)
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors import made
from tests.connectors.beats import Beats


def read_all(data: bytes, format: str, *, facts: Facts | None = None, **more: Any) -> list[Any]:
    given: dict[str, Any] = {"limits": Limits(), "beat": Beats()} | more
    return list(
        singly(read(lambda: io.BytesIO(data), format, facts=facts if facts is not None else Facts(), **given))
    )


def values(rows: list[Any]) -> list[Any]:
    assert all(isinstance(row, Record) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Record)]


def error_kind(data: bytes, format: str, **more: Any) -> str:
    with pytest.raises(ItemError) as caught:
        read_all(data, format, **more)
    return caught.value.kind


def outcome(data: bytes, format: str, **more: Any) -> Any:
    """The values, or the kind of error."""
    try:
        return values(read_all(data, format, **more))
    except ItemError as error:
        return error.kind


# -- documents ----------------------------------------------------------------------------------------


def test_a_text_is_one_document_in_its_encoding() -> None:
    facts = Facts()
    data = "第一章　总则\n公共数据".encode("gb18030")
    assert read_all(data, "txt", facts=facts) == [Record(0, "第一章　总则\n公共数据", len(data))]
    assert facts.encoding == "gb18030"


def test_a_document_over_the_limit_is_too_large() -> None:
    for format in ("txt", "md", "html", "xml"):
        assert error_kind(b"x" * 101, format, limits=Limits(document_bytes=100)) == "too-large"


def test_a_poisoned_document_gives_nothing() -> None:
    assert read_all(b"text", "txt", beat=Beats(0)) == []


def test_binary_data_is_no_document() -> None:
    assert error_kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01", "txt") == "encoding"


def test_html_gives_the_visible_text_by_block() -> None:
    page = """<html><head><style>p {color: red}</style><script>var a = "<p>no</p>";</script></head>
    <body><h1>标题 &amp; more</h1><p>one <b>bold</b>
    line<br>next</p><template><p>no</p></template><!-- no --><ul><li>x<li>y</ul></body></html>"""
    (text,) = values(read_all(page.encode(), "html"))
    assert text == "标题 & more\none bold line\nnext\nx\ny"


def test_html_without_visible_text_is_empty() -> None:
    assert error_kind(b"<p> </p><script>x</script>", "html") == "empty"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    [
        "<a ", "<a x='", "<a x=", "<a b='>' ", "<!--", "<!-- > ", "<!-- -- ", "<![CDATA[", "<![CDATA[ > ", "<![if x", "<!", "<!x",
        "&", "&a", "&#", "&#9", "</", "</a ", "<?", "<? ", "<", "<script>", "<script ", "<p>", "</p>", "'<a b=\"",
    ],
)  # fmt: skip
def test_hostile_html_takes_linear_time(unit: str) -> None:
    try:
        outcome = str(len(read_all((unit * (2_000_000 // len(unit))).encode(), "html")))
    except ItemError as error:
        outcome = error.kind
    assert outcome in ("1", "html", "empty")


@pytest.mark.parametrize("markup", ["<!-- ", "<![CDATA[ ", "<!x ", "<? ", "</a ", "</ ", "<a href='x "])
def test_html_that_is_not_closed_is_text_near_the_end_and_refused_before(markup: str) -> None:
    (text,) = values(read_all(f"<p>before</p>{markup}the end".encode(), "html"))
    assert text == f"before\n{markup}the end"
    assert error_kind(f"before{markup}{'x' * 2**16}".encode(), "html") == "html"


def test_long_html_markup_that_is_closed_is_read() -> None:
    long = "x" * 1_000_000
    page = f"<p><!-- {long} -->a<img src='data:{long}>' alt=\"{long}\">b<![CDATA[ {long}]]><script>{long}</script>c"
    assert values(read_all(page.encode(), "html")) == ["ab\nc"]


def test_html_follows_browsers_in_odd_markup() -> None:
    page = """<!DOCTYPE html><?xml version="1.0"?><![if !IE]>a<![endif]--><br/>1 < 2 <3 </>x</ y>
    <!-->b<!--->c<!-- d --!>e<P Title='a>b' x=">">f</P x>g<script/>h<STYLE type="x">i</i></Style >j&#x6570;&amp"""
    (text,) = values(read_all(page.encode(), "html"))
    assert text == "a\n1 < 2 <3 x bce\nf\ng\nh\nj数&"


def test_a_character_reference_of_many_digits_is_left_as_it_stands() -> None:
    reference = "&#" + "9" * 5000 + ";"
    assert values(read_all(f"a {reference} b".encode(), "html")) == [f"a {reference} b"]


@pytest.mark.parametrize("declared", ["gb2312", "GBK", "gb18030"])
def test_xml_is_read_as_it_declares(declared: str) -> None:
    facts = Facts()
    page = f'<?xml version="1.0" encoding="{declared}"?><a><b k="v">镕基</b>tail<c/></a>'
    (text,) = values(read_all(page.encode("gb18030"), "xml", facts=facts))
    assert text == "镕基\ntail"
    assert facts.encoding == "gb18030"
    western = '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1")
    assert values(read_all(western, "xml")) == ["é"]
    utf16 = '<?xml version="1.0" encoding="utf-16"?><a>数据</a>'.encode("utf-16")
    assert values(read_all(utf16, "xml")) == ["数据"]


@pytest.mark.parametrize(
    "page",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a>&x;</a>",
        "<a><b></a>",
        "<a>",
        "<a/>x",
        "<a>" * 1001 + "x" + "</a>" * 1001,
    ],
)
def test_xml_with_a_dtd_or_not_well_formed_or_too_deep_is_refused(page: str) -> None:
    assert error_kind(page.encode(), "xml") == "xml"


def test_xml_that_is_not_in_its_declared_encoding_is_refused() -> None:
    page = b'<?xml version="1.0" encoding="gbk"?><a>\xff\xff</a>'
    assert error_kind(page, "xml") == "encoding"


# -- tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_gives_dicts_by_its_header(delimiter: str) -> None:
    rows = [["id", "正文"], ["1", f'"a{delimiter} ""b""\nc"'], ["2", ""]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    facts = Facts()
    found = read_all(text.encode("utf-8-sig"), "csv", facts=facts)
    assert values(found) == [{"id": "1", "正文": f'a{delimiter} "b"\nc'}, {"id": "2", "正文": ""}]
    assert [row.place for row in found] == [0, 1]
    assert facts == Facts("utf-8-sig", {"id", "正文"})


def test_tsv_is_parted_by_tabs_alone() -> None:
    assert values(read_all(b"a,b,c\td\n1,2\t3\n", "tsv")) == [{"a,b,c": "1,2", "d": "3"}]


def test_a_numeric_first_row_is_a_record() -> None:
    assert values(read_all(b"1,2.5\n3,-4e5\n", "csv")) == [
        {"column_1": "1", "column_2": "2.5"},
        {"column_1": "3", "column_2": "-4e5"},
    ]


def test_equal_and_empty_names_get_suffixes() -> None:
    assert values(read_all(b"a,a,,a_2\n1,2,3,4\n", "csv")) == [
        {"a": "1", "a_3": "2", "column_3": "3", "a_2": "4"}
    ]


def test_many_equal_names_take_linear_time() -> None:
    many = 300_000
    (row,) = values(read_all(b",".join([b"a"] * many) + b"\n" + b"," * (many - 1), "csv"))
    assert list(row)[1::100_000] == ["a_2", "a_100002", "a_200002"]


def test_a_row_with_other_fields_costs_itself_alone() -> None:
    rows = read_all(b'a,b\n1,2\n3\n\n4,5,6\n"x"y,2\n7,8\n', "csv")
    assert [(row.place, type(row).__name__) for row in rows] == [
        (0, "Record"), (1, "Broken"), (2, "Broken"), (3, "Broken"), (4, "Record"),
    ]  # fmt: skip
    assert isinstance(rows[1], Broken)
    assert rows[1].error.kind == "csv"
    assert "1 fields, expected 2" in rows[1].error.detail


def test_an_unclosed_quote_is_an_error_of_the_table() -> None:
    assert error_kind(b'a,b\n1,2\n"3,4\n', "csv") == "csv"


def test_long_lines_and_fields_of_a_table_are_too_large() -> None:
    limits = Limits(record_bytes=1000)
    assert error_kind(b"a,b\n" + b"x" * 2000, "csv", limits=limits) == "too-large"
    assert error_kind(b'a,b\n"' + b"x\n" * 2000 + b'",1\n', "csv", limits=limits) == "too-large"


def test_a_row_over_the_limit_is_too_large_whatever_its_fields_and_lines() -> None:
    limits = Limits(record_bytes=1000)
    field = b'"' + b"x\n" * 150 + b'"'
    header = b"a,b,c,d\n"
    assert error_kind(header + b",".join([field] * 4), "csv", limits=limits) == "too-large"
    many = b"\n".join([b",".join([field, b"", b"", b""])] * 20)
    assert len(read_all(header + many, "csv", limits=limits)) == 20


def test_a_row_is_announced_before_it_is_parsed() -> None:
    beat = Beats()
    data = b'a\nx\n"' + b"y\n" * 2000
    assert error_kind(data, "csv", beat=beat, limits=Limits(record_bytes=1000)) == "too-large"
    assert beat.seen == [0, 1]


def test_a_poisoned_row_is_left_out() -> None:
    assert values(read_all(b"a\nx\ny\nz\n", "csv", beat=Beats(1))) == [{"a": "x"}, {"a": "z"}]


def test_tables_in_chinese_encodings_are_read() -> None:
    for name in ("gb18030", "utf-16", "utf-16-le"):
        facts = Facts()
        data = "编号,正文\n1,公共数据\n".encode(name)
        assert values(read_all(data, "csv", facts=facts)) == [{"编号": "1", "正文": "公共数据"}]
        assert facts.encoding == name


# -- columns ------------------------------------------------------------------------------------------

TABLE = pa.table(
    {
        "text": [f"row {number}" for number in range(10)],
        "blob": pa.array([b"\xff"] * 10, pa.binary()),
        "day": pa.array([date(2023, 1, 5)] * 10),
        "at": pa.array([1_672_876_800_000_000_001] * 10, pa.timestamp("ns", "UTC")),
        "list": pa.array([[1, 2]] * 10),
    }
)


def as_parquet(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **{"row_group_size": 4, "write_page_checksum": True, **options})
    return sink.getvalue()


def as_arrow(table: Any, opener: Any = pa.ipc.new_file) -> bytes:
    sink = io.BytesIO()
    with opener(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    return sink.getvalue()


PACKED = {
    "parquet": as_parquet(TABLE),
    "arrow": as_arrow(TABLE),
    "arrow stream": as_arrow(TABLE, pa.ipc.new_stream),
}


@pytest.mark.parametrize("name", PACKED)
def test_rows_of_columns_become_dicts(name: str) -> None:
    facts = Facts()
    rows = read_all(PACKED[name], name.split()[0], facts=facts)
    assert [row.place for row in rows] == [
        (group << 40) | row << MEDIA_BITS for group, count in enumerate((4, 4, 2)) for row in range(count)
    ]
    assert values(rows)[9] == {
        "text": "row 9",
        "blob": b"\xff",
        "day": date(2023, 1, 5),
        "at": datetime(2023, 1, 5, tzinfo=UTC),
        "list": [1, 2],
    }
    assert facts.fields == set(TABLE.column_names)


PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize("form", [("parquet", as_parquet), ("arrow", as_arrow)], ids=["parquet", "arrow"])
def test_media_in_columns_are_items_of_their_own(form: tuple[str, Any]) -> None:
    name, pack = form
    rows: list[dict[str, Any]] = [
        {"image": {"bytes": b"one", "path": "a/1.jpg"}, "text": "a caption", "more": None},
        {"image": {"bytes": b"two", "path": "2.jpg"}, "text": "", "more": [{"bytes": b"3", "path": None}]},
        {"image": {"bytes": None, "path": "gone.jpg"}, "text": None, "more": []},
        {"image": None, "text": "text alone", "more": None},
    ]
    schema = pa.schema([("image", PICTURE), ("text", pa.string()), ("more", pa.list_(PICTURE))])
    found = read_all(pack(pa.Table.from_pylist(rows, schema)), name)
    assert [(each.place & 0xFFFFFF, type(each)) for each in found] == [
        (0, Record), (1, Embedded), (1 << 12 | 1, Embedded), (1 << 12 | 2, Embedded), (2 << 12, Broken), (3 << 12, Record),
    ]  # fmt: skip
    assert [(each.data, each.name) for each in found if isinstance(each, Embedded)] == [
        (b"one", "a/1.jpg"), (b"two", "2.jpg"), (b"3", ""),
    ]  # fmt: skip
    assert [each.value for each in found if isinstance(each, Record)] == [
        {"text": "a caption"},
        {"text": "text alone"},
    ]


def test_bare_bytes_are_media_where_they_begin_like_one() -> None:
    table = pa.table({"content": ["a", "b"], "blob": pa.array([PNG, b"\0\1\2"], pa.binary())})
    found = read_all(as_parquet(table), "parquet")
    assert [(each.place, type(each)) for each in found] == [(0, Record), (1, Embedded), (1 << 12, Record)]


def test_a_medium_left_out_leaves_its_row() -> None:
    table = pa.table({"image": pa.array([{"bytes": PNG, "path": "x.png"}] * 2, PICTURE)})
    found = read_all(as_parquet(table), "parquet", beat=Beats(1))
    assert [each.place for each in found] == [1 << 12 | 1]


def test_a_span_of_parquet_is_its_row_groups() -> None:
    data = PACKED["parquet"]
    groups = row_groups(lambda: io.BytesIO(data))
    assert [rows for rows, _ in groups] == [4, 4, 2]
    assert all(size > 0 for _, size in groups)
    spans = [read_all(data, "parquet", span=(number, number + 1)) for number in range(3)]
    assert [row for span in spans for row in span] == read_all(data, "parquet")


@pytest.mark.parametrize("name", PACKED)
def test_a_poisoned_batch_is_left_out_and_parquet_goes_on(name: str) -> None:
    rows = read_all(PACKED[name], name.split()[0], beat=Beats(1 << 40 | MANY, 2 << MEDIA_BITS))
    expected = [0, 1 << MEDIA_BITS, 3 << MEDIA_BITS] + (
        [2 << 40, 2 << 40 | 1 << MEDIA_BITS] if name == "parquet" else []
    )
    assert [row.place for row in rows] == expected


def test_a_flipped_bit_in_a_page_is_an_error() -> None:
    data = bytearray(as_parquet(TABLE.select(["text"]), compression="none", use_dictionary=False))
    data[data.index(b"\x05\0\0\0row 3") + 4] ^= 1  # the value, not the statistics
    assert error_kind(bytes(data), "parquet") == "parquet"


def test_a_footer_that_lies_about_its_rows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    data = as_parquet(TABLE.select(["text"]), row_group_size=10)
    # Thrift writes the count of rows as a zigzag varint behind its field's header (0x16).
    lie = data.replace(b"\x16\x14", b"\x16\x18")
    assert lie != data
    assert error_kind(lie, "parquet") == "parquet"


@pytest.mark.parametrize("name", PACKED)
def test_truncated_columns_are_an_error(name: str) -> None:
    data = PACKED[name]
    for end in (len(data) // 2, len(data) - 20, 10, 0):
        if name == "arrow stream" and end == len(data) - 20:
            continue  # a stream may end after any message
        assert error_kind(data[:end], name.split()[0]) in ("parquet", "arrow")


def test_text_that_is_not_utf8_costs_its_row_in_parquet() -> None:
    blob = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, blob.buffers())
    rows = read_all(as_parquet(pa.table({"text": text})), "parquet")
    assert [type(row).__name__ for row in rows] == ["Record", "Broken", "Record"]
    assert error_kind(as_arrow(pa.table({"text": text})), "arrow") == "arrow"


def test_a_date_that_python_cannot_hold_costs_its_row() -> None:
    days = pa.array([0, 2**30, 1], pa.int32()).cast(pa.date32())
    rows = read_all(as_parquet(pa.table({"day": days})), "parquet")
    assert [type(row).__name__ for row in rows] == ["Record", "Broken", "Record"]


def test_columns_of_one_name_are_all_kept() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert values(read_all(as_arrow(pa.Table.from_batches([batch])), "arrow")) == [{"a": 1, "a_2": 2}]


@pytest.mark.realdata
def test_broken_parquet_neither_crashes_nor_hangs(realdata: Path) -> None:
    files = sorted((realdata / "bad" / "parquet").glob("*.parquet"))
    assert len(files) > 5
    script = """
import sys
from dqv.connectors.containers.records import Facts, read, singly
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors.beats import Beats
try:
    rows = singly(read(lambda: open(sys.argv[1], "rb"), "parquet", limits=Limits(), beat=Beats(), facts=Facts()))
    print(sum(1 for _ in rows))
except ItemError as error:
    print(error)
"""
    for file in files:
        done = subprocess.run(
            [sys.executable, "-c", script, str(file)], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, (file.name, done.stderr.decode()[-500:])


# -- all ----------------------------------------------------------------------------------------------


def test_every_format_closes_every_stream() -> None:
    contents = {
        "txt": b"a", "md": b"a", "html": b"a", "xml": b"<a>b</a>", "json": b"[1]", "jsonl": b"1\n",
        "csv": b"a\nb\n", "tsv": b"a\tb\n1\t2\n", "parquet": PACKED["parquet"], "arrow": PACKED["arrow"],
        "docx": made.docx("a"), "xlsx": made.xlsx("a", "b"), "pdf": made.pdf(["a"]),
    }  # fmt: skip
    assert contents.keys() == READERS.keys()
    for format, content in contents.items():
        for data in (content, b"\xff\x00broken"):
            opened: list[BinaryIO] = []

            def open_(data: bytes = data, opened: list[BinaryIO] = opened) -> BinaryIO:
                opened.append(io.BytesIO(data))
                return opened[-1]

            try:
                list(read(open_, format, limits=Limits(), beat=Beats(), facts=Facts()))
            except ItemError:
                assert data is not content
            assert all(stream.closed for stream in opened), format


def test_an_unknown_format_is_unsupported() -> None:
    assert error_kind(b"x", "doc") == "unsupported"


def test_what_cannot_be_split_takes_no_span() -> None:
    with pytest.raises(ValueError, match="cannot be split"):
        read_all(b"[1]", "json", span=(0, 1))
