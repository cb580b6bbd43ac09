from pathlib import Path

import pytest

from dqv.connectors.platforms import load_registration
from dqv.core.errors import RegistrationError

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


def test_strings_are_stripped(tmp_path: Path) -> None:
    record = load_registration(
        write(tmp_path, GOOD.replace("示例公司", " 示例公司 ").replace("问答", "问答\u3000"))
    )
    assert (record.applicant.name, record.scenarios[0].title) == ("示例公司", "问答")


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.toml", b"\xff\xfe"), ("r.yaml", b"a: 1"), ("r.json", b"[" * 100_000), ("r.json", b"{")],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RegistrationError, match=name):
        load_registration(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistrationError, match="cannot be read"):
        load_registration(tmp_path / "none.toml")
