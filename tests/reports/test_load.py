"""Reports of anyone are read strictly, or refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dqv.core.errors import UsageError
from dqv.reports import load as loading
from dqv.reports.load import load
from dqv.reports.model import Report
from dqv.trust import dsse, statement


def values_of(report: Report) -> dict[str, Any]:
    return report.model_dump(mode="json", by_alias=True)


def written(folder: Path, report: Report) -> Path:
    path = folder / "report.json"
    path.write_bytes(orjson.dumps(values_of(report), option=orjson.OPT_INDENT_2))
    return path


def signed(folder: Path, report: Report) -> Path:
    payload = statement.build(values_of(report), report_sha256="0" * 64, manifest_sha256="1" * 64, bound=None)
    path = folder / "report.dsse.json"
    path.write_bytes(dsse.sign(payload, [Ed25519PrivateKey.generate()]))
    return path


def test_folder_file_and_envelope_give_the_same_report(tmp_path: Path, report: Report) -> None:
    file, envelope = written(tmp_path, report), signed(tmp_path, report)
    found = [load(tmp_path), load(file), load(envelope)]
    assert [each.report for each in found] == [report] * 3
    assert len({each.sha256 for each in found}) == 1
    assert {each.folder for each in found} == {tmp_path}
    file.unlink()
    assert load(tmp_path).report == report


def _changed(values: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> bytes:
    change(values)
    return json.dumps(values).encode()


SECRET = "a text of the report"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: v.update(schema="urn:dqv:report:2"), "no report of this version"),
        (lambda v: v.pop("schema"), "no report of this version"),
        (lambda v: v.update({SECRET[:1]: SECRET}), "field a: no such key is known"),
        (lambda v: v["subject"].update(extra=SECRET), "field subject.extra: no such key is known"),
        (lambda v: v["run"].pop("role"), "field run.role: is missing"),
        (lambda v: v["findings"][0].update(verdict=SECRET), "field findings.0.verdict: has another type"),
        (lambda v: v["findings"][0].update(measured="1" * 65), "field findings.0.measured: has another"),
        (lambda v: v["subject"].update({"\x1b[31m\u202e": 1}), "subject.[U+001B][31m[U+202E]"),
        (lambda v: v["run"]["settings"].update(x=1e400), "not strict JSON"),
        (lambda v: v["run"].update(role=float("nan")), "not strict JSON"),
    ],
)
def test_what_is_no_report_of_this_version_is_refused_and_not_quoted(
    tmp_path: Path, report: Report, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(_changed(values_of(report), change))
    with pytest.raises(UsageError) as raised:
        load(path)
    assert told in str(raised.value)
    assert SECRET not in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_truncated_report_is_refused_wherever_it_ends(tmp_path: Path, report: Report) -> None:
    whole = orjson.dumps(values_of(report))
    path = tmp_path / "x.json"
    for end in [0, 1, *range(2, len(whole), len(whole) // 50), len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(UsageError, match="not strict JSON"):
            load(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"schema": "urn:dqv:report:1", "schema": "urn:dqv:report:1"}', "a key stands twice"),
        (b"[" * 100_000, "not strict JSON"),
        (b'"urn:dqv:report:1"', "no report of this version"),
        (b'{"payloadType": 1}', "payload, payloadType and signatures"),
        (b"\xff\xfe", "not strict JSON"),
    ],
)
def test_what_is_no_report_at_all_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(UsageError, match=told):
        load(tmp_path / "x.json")


def test_no_more_than_the_bound_is_read(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, report)
    monkeypatch.setattr(loading, "MAX_BYTES", path.stat().st_size)
    assert load(path).report == report
    monkeypatch.setattr(loading, "MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(UsageError, match="larger than"):
        load(path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no report\.json or report\.dsse\.json"):
        load(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none")
    with pytest.raises(UsageError, match="not a regular file"):
        load(Path("/dev/null"))
