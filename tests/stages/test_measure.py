"""Measuring a partition, without Dask: the calls of `dqv.stages` with a beat of their own."""

import gzip
import hashlib
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from dqv.connectors.storage import Reads
from dqv.core.location import as_args, located
from dqv.core.settings import Limits, Measuring
from dqv.execute import partitions
from dqv.execute.ledger import Task, code_digest
from dqv.execute.sandbox import close_child, run_task
from dqv.stages import measure as stages
from tests.connectors import made
from tests.stages.calls import listed, measure, pieces, read


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def test_a_record_becomes_a_row_with_its_facts(source: Path, tmp_path: Path) -> None:
    line = '{"id": 7, "text": "数据 set", "original_time": "2024-05-06", "last_modified_time": "2025-1-1"}\n'
    (source / "a_20230102.jsonl").write_text(line, "utf-8")
    (row,), (told,), _ = measure(source, tmp_path / "out")
    assert row["status"] == "measured"
    assert (row["object"], row["place"], row["single"]) == (0, 0, True)
    assert row["text_bytes"] == len("数据 set".encode())
    assert row["payload_bytes"] == len("7数据 set2024-05-062025-1-1".encode())
    assert row["stored_bytes"] == len(line.rstrip().encode())
    assert row["tokens"] == 3
    assert [str(row[name]) for name in ("date_record", "date_modified", "date_name")] == [
        "2024-05-06",
        "2025-01-01",
        "2023-01-02",
    ]
    assert len(row["sketch"]) == 512
    assert told["sha256"] == hashlib.sha256(line.encode()).digest()
    assert told["fields"] == ["id", "last_modified_time", "original_time", "text"]
    assert told["encoding"] == "utf-8"


def test_a_table_without_a_header_has_values_in_its_names(source: Path, tmp_path: Path) -> None:
    (source / "a.csv").write_text("张三,13812345678\n李四,13912345678\n", "utf-8")
    measure(source, tmp_path / "out")
    found = [(row["where"], row["kind"]) for row in read(tmp_path / "out", "personal")]
    assert found == [("record", "mobile"), ("fields", "mobile")]


@pytest.mark.parametrize(
    ("encoding", "bom", "name"),
    [("utf-8", b"", "utf-8"), ("utf-8", b"\xef\xbb\xbf", "utf-8-sig"), ("gb18030", b"", "gb18030"), ("gbk", b"", "gb18030"),
     ("utf-16-le", b"\xff\xfe", "utf-16"), ("utf-16-be", b"\xfe\xff", "utf-16")],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["txt", "md", "csv"])
def test_encodings_are_told_and_do_not_change_what_is_measured(
    source: Path, tmp_path: Path, encoding: str, bom: bytes, name: str, suffix: str
) -> None:
    text = "正文\n这是一份用于测试编码的中文文档，包含常用汉字。\n"
    (source / f"a.{suffix}").write_bytes(bom + text.encode(encoding))
    (row,), (told,), _ = measure(source, tmp_path / "out")
    assert told["encoding"] == name
    assert row["text_bytes"] == len((text if suffix != "csv" else text.split("\n")[1]).encode())


def test_the_same_records_measure_alike_in_every_format(source: Path, tmp_path: Path) -> None:
    records = [
        {"text": f"第{i}条记录 record number {i} 中文内容", "date": f"2024-01-{i + 1:02d}"} for i in range(5)
    ]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode()
    (source / "a.jsonl").write_bytes(lines)
    (source / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    (source / "c.jsonl.zst").write_bytes(zstandard.compress(lines))
    (source / "d.json").write_text(json.dumps(records, ensure_ascii=False), "utf-8")
    (source / "e.csv").write_text(
        "text,date\n" + "".join(f"{r['text']},{r['date']}\n" for r in records), "utf-8"
    )
    (source / "f.tsv").write_text(
        "text\tdate\n" + "".join(f"{r['text']}\t{r['date']}\n" for r in records), "utf-8"
    )
    table = pa.Table.from_pylist(records)
    pq.write_table(table, source / "g.parquet")
    with pa.ipc.new_file(source / "h.arrow", table.schema) as writer:
        writer.write_table(table)
    items, _, _ = measure(source, tmp_path / "out")
    facts: dict[int, list[Any]] = {}
    for row in items:
        key = ("payload_bytes", "text_bytes", "tokens", "date_record", "xxh3_128", "normalised", "sketch")
        facts.setdefault(row["object"], []).append(tuple(row[name] for name in key))
    assert len(facts) == 8
    assert all(each == facts[0] for each in facts.values())


def test_a_text_measures_alike_as_a_document_of_any_format(source: Path, tmp_path: Path) -> None:
    text = "第一条 公共数据 public data"
    (source / "a.txt").write_text(text, "utf-8")
    (source / "b.docx").write_bytes(made.docx(text))
    (source / "c.pdf").write_bytes(made.pdf([text]))
    (source / "d.xlsx").write_bytes(made.xlsx(["正文"], [text]))
    items, told, _ = measure(source, tmp_path / "out")
    same = (
        "status",
        "modality",
        "single",
        "payload_bytes",
        "text_bytes",
        "tokens",
        "xxh3_128",
        "normalised",
        "sketch",
    )
    assert [[row[name] for name in same] for row in items] == [[items[0][name] for name in same]] * 4
    assert [row["format"] for row in items] == ["txt", "docx", "pdf", "xlsx"]
    assert [row["encoding"] for row in told] == ["utf-8", None, None, None]


def test_one_bad_line_costs_one_row(source: Path, tmp_path: Path) -> None:
    (source / "a.jsonl").write_bytes(
        b'{"text": "good one"}\n{"text": bad}\n\xff\xfe\n{"text": ""}\n{"text": "good two"}\n'
    )
    items, _, _ = measure(source, tmp_path / "out")
    assert [row["status"] for row in items] == ["measured", "defective", "defective", "defective", "measured"]
    assert [row["error_kind"] for row in items if row["error_kind"]] == ["json", "encoding", "empty"]
    assert [row["place"] for row in items] == sorted(row["place"] for row in items)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.json", b'[{"text": "x"}, {"text": "y"},]', "json"), ("a.jsonl.gz", gzip.compress(b'{"text": "x"}\n' * 999, mtime=0)[:-9], "compression"),
     ("a.jsonl.zst", zstandard.compress(b'{"text": "x"}\n' * 999)[:-3], "compression"), ("a.txt", b"", "empty"),
     ("a.txt", b" \n\t", "empty"), ("a.parquet", b"PAR1 nonsense PAR1", "parquet"), ("a.arrow", b"ARROW1", "arrow"),
     ("a.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "xml"), ("a.txt", os.urandom(4096), "encoding"),
     ("a.jpg", b"\xff\xd8", "image"), ("a.mp3", b"no sound", "audio"), ("a.mp4", b"no pictures", "video"),
     ("a.pcm", b"\0" * 100, "unsupported"), ("a.rar", b"Rar!", "unsupported"),
     ("a.docx", made.docx("x")[:-9], "truncated"), ("a.xlsx", b"a,b", "document"), ("a.pdf", made.pdf([]), "empty"), ("a.doc", b"x", "unsupported")],
)  # fmt: skip
def test_one_bad_file_costs_one_row(
    source: Path, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    (source / name).write_bytes(content)
    (source / "z.txt").write_text("the neighbour is measured", "utf-8")
    items, told, _ = measure(source, tmp_path / "out")
    assert [row["error_kind"] for row in items] == [kind, None]
    assert told[0]["sha256"] == hashlib.sha256(content).digest()


def test_spans_give_the_same_rows_as_the_whole(source: Path, tmp_path: Path) -> None:
    lines = b"".join(json.dumps({"text": f"line {i} " + "x" * (i % 40)}).encode() + b"\n" for i in range(300))
    (source / "a.jsonl").write_bytes(lines)
    pq.write_table(
        pa.table({"text": [f"row {i}" for i in range(100)]}), source / "b.parquet", row_group_size=7
    )
    rows = listed(source)
    whole, told, _ = measure(source, tmp_path / "whole")
    edges = [0, 1, 17, 1000, 1001, len(lines)]
    cut = [partitions.piece(rows[0], "span", (a, b, b - a)) for a, b in itertools.pairwise(edges)]
    cut += [partitions.piece(rows[1], "span", (a, b, 1)) for a, b in ((0, 3), (3, 4), (4, 15))]
    cut += [partitions.piece(row, "digest") for row in rows]
    parts, parts_told, _ = measure(source, tmp_path / "parts", cut=cut)
    assert parts == whole
    hashes = {row["object"]: row["sha256"] for row in parts_told if row["sha256"]}
    assert hashes == {row["object"]: row["sha256"] for row in told}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("poisoned", [False, True])
def test_by_columns_or_one_by_one_the_rows_are_the_same(
    form: str, poisoned: bool, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among small objects before and behind, whose rows wait for a batch of their own."""
    records = [
        {"text": f"文本 number {number} " * 20, "date": f"20{number % 30:02}-01-05", "n": number}
        for number in range(9000)
    ]
    records[4500]["text"] = "\u3000"
    (source / "a.txt").write_text("before")
    if form == "jsonl":
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        lines[7] = "{"
        lines[8] = '{"text": "other fields"}'
        (source / "b.jsonl").write_text("\n".join(lines))
    else:
        pq.write_table(pa.Table.from_pylist(records), source / "b.parquet")
    (source / "c.txt").write_text("behind")
    place = len(lines[0].encode()) + 1 if form == "jsonl" else 1
    poison = [[1, place, "crash", "it was"]] if poisoned else []
    by_columns = measure(source, tmp_path / "columns", poison=poison)
    monkeypatch.setattr("dqv.stages.rows.extract_columns", lambda _: None)
    assert measure(source, tmp_path / "singly", poison=poison) == by_columns
    rows = by_columns[0]
    assert [row["object"] for row in rows] == [0] + [1] * 9000 + [2]
    assert sum(row["status"] == "measured" for row in rows) == 9001 - poisoned - (form == "jsonl")
    assert [(row["object"], row["place"]) for row in rows] == sorted(
        (row["object"], row["place"]) for row in rows
    )
    assert rows[2]["status"] == ("unread" if poisoned else "measured")


@pytest.mark.parametrize(
    ("poison", "expected"), [([[0, 22, "hang", "h"]], "hang"), ([[0, -1, "crash", "c"]], "crash")]
)
def test_what_is_poisoned_is_left_out_with_a_row(
    source: Path, tmp_path: Path, poison: list[list[Any]], expected: str
) -> None:
    (source / "a.jsonl").write_bytes(
        b'{"text": "one here"}\n\n{"text": "two here"}\n{"text": "three here"}\n'
    )
    items, _, _ = measure(source, tmp_path / "out", poison=poison)
    if expected == "hang":
        assert [(row["place"], row["error_kind"]) for row in items] == [(0, None), (22, "hang"), (43, None)]
        assert [row["single"] for row in items] == [True, True, True]
    else:
        assert [(row["place"], row["error_kind"], row["single"]) for row in items] == [(0, "crash", False)]
    bad = next(row for row in items if row["error_kind"])
    assert bad["status"] == "unread"
    assert bad["stored_bytes"] == (source / "a.jsonl").stat().st_size


def test_a_file_that_changes_while_it_is_read_is_an_error_row(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.jsonl").write_bytes(b'{"text": "one"}\n')
    real = stages._measure_items

    def and_change(*args: Any) -> None:
        real(*args)
        (source / "a.jsonl").write_bytes(b'{"text": "two!"}\n')

    monkeypatch.setattr(stages, "_measure_items", and_change)
    (row,), (told,), _ = measure(source, tmp_path / "out")
    assert (row["status"], row["error_kind"]) == ("unread", "changed")
    assert told["sha256"] is None


def test_an_io_error_is_that_objects_row(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a.txt").write_text("x")
    (source / "b.txt").write_text("y")
    real = stages._digests

    def broken(work: Any) -> tuple[bytes | None, bytes]:
        if work.file.view(Reads()).read(1) == b"x":
            raise OSError(5, "Input/output error")
        return real(work)

    monkeypatch.setattr(stages, "_digests", broken)
    items, _, _ = measure(source, tmp_path / "out")
    assert [(row["error_kind"], row["status"]) for row in items] == [("io", "unread"), (None, "measured")]


def test_a_line_over_the_limit_is_one_unread_row(source: Path, tmp_path: Path) -> None:
    (source / "a.jsonl").write_bytes(b'{"text": "' + b"x" * 5000 + b'"}\n{"text": "fine"}\n')
    items, _, _ = measure(source, tmp_path / "out", limits=Limits(record_bytes=1000))
    assert [(row["error_kind"], row["single"]) for row in items] == [("too-large", True), (None, True)]


def test_sidecar_metadata_is_read_for_its_dates(source: Path, tmp_path: Path) -> None:
    (source / "x").mkdir()
    (source / "x" / "a.txt").write_text("text of a")
    (source / "x" / "metadata.csv").write_text("file_name,date\na.txt,2024-03-01\nb.txt,nonsense\n")
    items, told, sidecar = measure(source, tmp_path / "out")
    assert len(items) == 1
    assert [(row["target"], str(row["date"])) for row in sidecar] == [
        (b"x/a.txt", "2024-03-01"),
        (b"x/b.txt", "None"),
    ]
    assert all(row["sha256"] for row in told)


def test_a_broken_sidecar_is_told_and_gives_nothing(source: Path, tmp_path: Path) -> None:
    (source / "a.txt").write_text("text of a")
    (source / "metadata.jsonl").write_text('{"file_name": "a.txt", "date": "2024-03-01"}\n{"file_name":\n')
    _, told, sidecar = measure(source, tmp_path / "out")
    assert sidecar == []
    assert [row["error_kind"] for row in told] == [None, "json"]


def test_assurance_identity_reads_no_text(source: Path, tmp_path: Path) -> None:
    (source / "a.txt").write_text("text of a")
    (source / "README.md").write_text("about")
    items, told, _ = measure(source, tmp_path / "out", assurance="identity")
    assert [row["error_kind"] for row in items] == ["not-read"]
    assert [row["sha256"] for row in told] == [None, None]


def test_the_fields_to_read_can_be_named(source: Path, tmp_path: Path) -> None:
    (source / "a.jsonl").write_text(
        '{"text": "wrong", "mine": "right words", "date": "2001-01-01", "when": "2024-01-01"}\n'
    )
    (row,), _, _ = measure(source, tmp_path / "out", text_field="mine", date_field="when")
    assert row["text_bytes"] == len("right words")
    assert str(row["date_record"]) == "2024-01-01"


def test_a_pdf_that_takes_all_memory_costs_itself_alone(source: Path, tmp_path: Path) -> None:
    (source / "a.pdf").write_bytes(made.pdf_bomb(2000))
    (source / "b.pdf").write_bytes(made.pdf(["the neighbour is measured"]))
    task = Task(
        stage="measure", index=0, call="dqv.stages.measure:measure", policy="p", parts=str(tmp_path), work=0,
        args={"source": as_args([located(str(source))]), "raw": None, "pieces": pieces(source), "measuring": Measuring().model_dump(mode="json")},
        limits=Limits(memory_bytes=700_000_000), code=code_digest(), reads_source=True,
    )  # fmt: skip
    try:
        run_task(task)
    finally:
        close_child()
    bomb, neighbour = read(tmp_path / task.folder, "items")
    assert (bomb["status"], bomb["error_kind"] in ("memory", "crash")) == ("unread", True)
    assert neighbour["status"] == "measured"


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["json", "parquet"])
def test_the_broken_files_of_others_are_each_accounted_for(
    realdata: Path, tmp_path: Path, folder: str
) -> None:
    source = realdata / "bad" / folder
    items, _, _ = measure(source, tmp_path / "out")
    by_object: dict[int, set[str]] = {}
    for row in items:
        by_object.setdefault(row["object"], set()).add(row["status"])
    for row in listed(source):
        name = os.fsdecode(row["path"])
        fate = by_object.get(row["object"], set())
        if name.startswith("n_"):
            assert fate == {"defective"}, name
        elif name.startswith("y_"):
            # empty values (null, "", {}, []) are accepted as JSON and hold no text
            assert fate <= {"measured", "defective"}, name
            kinds = {each["error_kind"] for each in items if each["object"] == row["object"]}
            assert kinds <= {None, "empty"}, name
        elif row["role"] == "data":
            assert len(fate) == 1, name
