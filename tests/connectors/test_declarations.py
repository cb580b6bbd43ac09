import contextlib
import json
import os
import tempfile
import traceback
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.declarations import MOST_BYTES, load_barred, load_registration, load_suite
from dqv.core.errors import RegistrationError, UsageError
from dqv.core.location import Credentials

GOOD = """
name = "示例"
cadence = "每月"

[applicant]
name = "示例公司"

[modalities.text]
scale = "35 GB"

[[scenarios]]
title = "问答"
"""


def write(tmp_path: Path, text: str, name: str = "r.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_toml_file_is_read(tmp_path: Path) -> None:
    record = load_registration(write(tmp_path, GOOD))
    assert record.applicant.name == "示例公司"
    assert list(record.modalities) == ["text"]


def test_a_json_file_is_read(tmp_path: Path) -> None:
    text = '{"name": "n", "applicant": {"name": "a"}, "modalities": {"text": {"scale": "1 GB"}}}'
    assert load_registration(write(tmp_path, text, "r.json")).name == "n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace('cadence = "每月"', "cadence = "), "line 3"),
        (GOOD.replace("[modalities.text]", "[modalities.smell]"), r"line 8, field modalities\.smell"),
        (GOOD.replace('title = "问答"', 'titel = "问答"'), r"line 12, field scenarios\.0\.titel"),
        (GOOD.replace('name = "示例公司"', "name = 7"), r"line 6, field applicant\.name"),
        ("", "field name"),
        (GOOD.replace("35 GB", "35 h"), r"line 9, field modalities\.text\.scale: .*'35 h'.*byte"),
        (GOOD.replace("35 GB", "plenty"), r"line 9, field modalities\.text\.scale: .*'plenty'"),
        (GOOD.replace("modalities.text", "modalities.audio"), r"line 9, field modalities\.audio\.scale: .*hour"),
        (GOOD.replace("示例公司", "  "), r"line 6, field applicant\.name"),
        (GOOD.replace('"示例"', '"\u3000"'), "line 2, field name"),
        (GOOD.replace("每月", " "), "line 3, field cadence"),
        (GOOD.replace("问答", " "), r"line 12, field scenarios\.0\.title"),
        (GOOD + '[[attestations]]\nrule = "value"\nstatement = " "\n', r"line 15, field attestations\.0\.statement"),
        (GOOD + '[[attestations]]\nrule = "value"\nstatement = "s"\ndocuments = [""]\n',
         r"line 16, field attestations\.0\.documents"),
    ],
)  # fmt: skip
def test_a_broken_file_names_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RegistrationError, match=message):
        load_registration(write(tmp_path, text))


YAML = """
name: 示例
applicant: {name: 示例公司}
modalities:
  text: {scale: 35 GB}
scenarios:
  - title: 问答
  - title: 摘要
certificate:
  number: C-1
  valid_until: 2028-12-31
"""


def test_a_yaml_file_is_read(tmp_path: Path) -> None:
    for name in ("r.yaml", "r.yml"):
        record = load_registration(write(tmp_path, YAML, name))
        assert record.certificate is not None
        assert (len(record.scenarios), record.certificate.valid_until) == (2, date(2028, 12, 31))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (YAML.replace("title: 摘要", "titel: 摘要"), r"line 8, field scenarios\.1\.titel"),
        (YAML.replace("35 GB", "35 h"), r"line 5, field modalities\.text\.scale"),
        (YAML.replace("name: 示例公司", "name: 913304990000000006"), r"line 3, field applicant\.name"),
        (YAML + "name: again\n", "a key stands twice"),
        (YAML.replace("2028-12-31", "2028-13-31"), "month"),
        (YAML + "cadence: &a monthly\nx: *a\n", "line 13: aliases are not read"),
        ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "line 2: aliases are not read"),
        ("!!python/object/apply:os.system [id]", "line 1: could not determine a constructor"),
        ("name: [", "line 1"), ("", "not usable"), ("- a", "not usable"), ("[" * 5000, "not YAML"), ("a: \x00", "not YAML"),
        ("a: " + "1" * 5000, "not YAML"), ("--- a\n--- b\n", "not YAML"), ("? [a]\n: b", "not YAML"),
    ],
)  # fmt: skip
def test_yaml_that_could_mean_two_things_or_too_much_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(RegistrationError, match=message):
        load_registration(write(tmp_path, text, "r.yaml"))


def test_a_key_that_stands_twice_in_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match="twice"):
        load_registration(write(tmp_path, '{"name": "a", "name": "b"}', "r.json"))


@pytest.mark.parametrize("suffix", ["toml", "json", "yaml"])
def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RegistrationError, match="larger than 1048576 bytes"):
        load_registration(write(tmp_path, " " * (MOST_BYTES + 1), f"r.{suffix}"))
    with pytest.raises(RegistrationError, match=r"not usable|is not JSON"):
        load_registration(write(tmp_path, " " * MOST_BYTES, f"r.{suffix}"))


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.toml")
    with pytest.raises(RegistrationError, match="no such file"):
        load_registration(tmp_path / "r.toml")


@given(st.text(max_size=200), st.sampled_from([".toml", ".json", ".yaml"]))
def test_any_text_is_read_or_refused(text: str, suffix: str) -> None:
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        with pytest.raises(RegistrationError):
            load_registration(Path(file.name))


DOCUMENTS = """
[[attestations]]
rule = "legality"
statement = "s"
documents = ["a.pdf", { name = "b.pdf", sha256 = "%s" }]
"""


def test_a_document_may_have_a_digest(tmp_path: Path) -> None:
    record = load_registration(write(tmp_path, GOOD + DOCUMENTS % ("0A" * 32)))
    assert [each.sha256 for each in record.attestations[0].documents] == [None, "0a" * 32]
    for wrong in ("0g" * 32, "0a" * 31, ""):
        with pytest.raises(RegistrationError, match=r"attestations\.0\.documents\.1\.sha256"):
            load_registration(write(tmp_path, GOOD + DOCUMENTS % wrong))


def test_a_document_is_named_so_that_it_can_be_shown(tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match="cannot be shown"):
        load_registration(write(tmp_path, GOOD + (DOCUMENTS % ("0a" * 32)).replace("a.pdf", "\\u202efdp.a")))


LOCATION = """
[[locations]]
url = "s3://bucket/prefix"
endpoint = "https://store.example"
credentials = { access_key = "geheim-1", secret_key = "geheim-2", session_token = "geheim-3" }
"""


def test_credentials_of_a_location_are_never_shown(tmp_path: Path) -> None:
    record = load_registration(write(tmp_path, GOOD + LOCATION))
    shown = f"{record!r} {record} {record.model_dump_json()} {record.model_dump()}"
    assert "geheim" not in shown
    assert isinstance(record.locations[0].credentials, Credentials)
    assert record.locations[0].credentials.secret_key.get_secret_value() == "geheim-2"


def test_credentials_that_are_wrong_are_not_quoted(tmp_path: Path) -> None:
    for wrong in (
        LOCATION.replace('secret_key = "geheim-2"', 'secret_key = ["geheim-2"]'),
        LOCATION.replace("secret_key", "key"),
        LOCATION.replace("s3://", "s3://u:geheim-4@"),
    ):
        with pytest.raises(RegistrationError, match=r"locations\.0") as caught:
            load_registration(write(tmp_path, GOOD + wrong))
        told = "".join(traceback.format_exception(caught.value))
        assert "geheim-" not in told


def test_strings_are_stripped(tmp_path: Path) -> None:
    record = load_registration(
        write(tmp_path, GOOD.replace("示例公司", " 示例公司 ").replace("问答", "问答\u3000"))
    )
    assert (record.applicant.name, record.scenarios[0].title) == ("示例公司", "问答")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.toml", b"\xff\xfe"),
        ("r.txt", b"a: 1"),
        ("r.yaml", b"a: 1"),
        ("r.json", b"[" * 100_000),
        ("r.json", b"{"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RegistrationError, match=name):
        load_registration(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match="cannot be read"):
        load_registration(tmp_path / "none.toml")


BARRED = {
    "code,name,date\n913304990000000006,某公司,2025-03-01\n,另一家,2024-01-02\n\n": [
        ("913304990000000006", "某公司", date(2025, 3, 1), None),
        (None, "另一家", date(2024, 1, 2), None),
    ],
    "\ufeff统一社会信用代码,年度\r\n913304990000000006,2025\r\n": [("913304990000000006", None, None, 2025)],
    "name,date,year\n某公司,,2025\n": [(None, "某公司", None, 2025)],
    "code,year\n": [],
    "序号;企业名称;统一社会信用代码;决定日期;备注\n1;某公司;91330499 0000000006;2026/1/1;x\n": [
        ("913304990000000006", "某公司", date(2026, 1, 1), None)
    ],
    "name\tdate\n某公司\t2026年1月31日\n另一家\t20260131\n其他\t2026/1/31 0:00\n": [
        (None, name, date(2026, 1, 31), None) for name in ("某公司", "另一家", "其他")
    ],
}


@pytest.mark.parametrize("text", BARRED)
def test_a_bar_list_is_csv(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8", newline="")
    found = [(each.code, each.name, each.decided, each.year) for each in load_barred(path)]
    assert found == BARRED[text]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_bar_list_may_be_as_a_spreadsheet_saves_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.csv"
    text = "统一社会信用代码,单位名称,决定日期\r\n913304990000000006,某公司,2026/1/1\r\n"
    path.write_text(text, encoding, newline="")
    (entry,) = load_barred(path)
    assert (entry.code, entry.name, entry.decided) == ("913304990000000006", "某公司", date(2026, 1, 1))
    path.write_bytes(b"name,year\n\xff\x00\x81,2025\n")
    with pytest.raises(RegistrationError, match=r"list\.csv cannot be read.*save it as"):
        load_barred(path)


def test_a_bar_list_is_toml_too(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text('[[barred]]\nname = "某公司"\ndate = 2025-03-01\n', "utf-8")
    (entry,) = load_barred(path)
    assert (entry.name, entry.decided) == ("某公司", date(2025, 3, 1))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("list.csv", "", "line 1: the columns"),
        ("list.csv", "name,other\n", "line 1: the columns"),
        ("list.csv", "name,机构代码,year\n", "line 1: the columns"),
        ("list.csv", "code,被罚单位,year\n", "line 1: the columns"),
        ("list.csv", "name；year\n", "line 1: the columns"),
        ("list.csv", "code,year\n913304990000000007,2025\n", "line 2, field code"),
        ("list.csv", "code,year\n913304990000000007,2025\n", "leave it out and give the name"),
        ("list.toml", "[[barred]]\ncode = 'x'\nyear = 2025\n", "line 2, field barred.0.code"),
        ("list.csv", "name,date\na,2026/13/1\n", "line 2, field date"),
        ("list.csv", "name,date\na,45658\n", "no date such as"),
        ("list.csv", "date,year\n", "line 1: the columns"),
        ("list.csv", "name,名称,year\n", "line 1: the columns"),
        ("list.csv", "name,year\na,2025,x\n", "line 2: 3 fields, not 2"),
        ("list.csv", "name,year\na,2025\nb,1969\n", "line 3, field year"),
        ("list.csv", "name,year\na,2101\n", "line 2, field year"),
        ("list.csv", "name,date\na,someday\n", "line 2, field date"),
        ("list.csv", "code,year\n123,2025\n", "line 2, field code"),
        ("list.csv", "name,date,year\na,2025-01-01,2025\n", "one of them"),
        ("list.csv", "name,year\na,\n", "one of them"),
        ("list.csv", "name,year\n,2025\n", "a code or a name"),
        ("list.csv", 'name,year\n"a,2025\n', "is not CSV: line"),
        ("list.toml", "[[barred]]\nyear = 2025\n", "a code or a name"),
        ("list.toml", "", "field barred"),
        ("list.txt", "", "the name must end in"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_bar_list_is_told_with_its_line(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(RegistrationError) as caught:
        load_barred(path)
    assert told in str(caught.value)
    assert "list.t" in str(caught.value) or "list.csv" in str(caught.value)
    assert "someday" not in str(caught.value)


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_bar_list_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_text("name,year\n" + text, "utf-8", newline="")
        with contextlib.suppress(RegistrationError):
            assert all(entry.year for entry in load_barred(path))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1000000000000000000000000000000", "does not fit into 64 bits"),
        (str(2**63), "does not fit into 64 bits"),
        (str(-(2**63) - 1), "does not fit into 64 bits"),
        ("1e999", "too large"),
        (r'"\ud800"', "lone surrogate"),
        (r'{"\udfff": 1}', "lone surrogate"),
        ("[" * 60 + "]" * 60, "nested deeper than 50"),
    ],
)
def test_a_suite_with_what_no_value_can_be_is_refused_with_its_place(
    tmp_path: Path, value: str, told: str
) -> None:
    path = tmp_path / "suite.json"
    good = '{"expectations": [\n{"kwargs": {"column": "id"}},\n'
    path.write_text(f'{good}{{"kwargs": {{"min_value": {value}}}}}]}}')
    with pytest.raises(UsageError) as caught:
        load_suite(path)
    assert told in str(caught.value)
    assert "suite.json, line 3, field expectations.1.kwargs.min_value" in str(caught.value)
    assert str(caught.value).isascii()


def test_the_widest_numbers_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "suite.json"
    suite = {"expectations": [2**63 - 1, -(2**63), 1e308, "é\U0001f600"]}
    path.write_text(json.dumps(suite))
    assert load_suite(path) == suite
