import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dqv.core.errors import UsageError
from dqv.core.policy import RULES, load_policy
from dqv.trust import dsse
from dqv.trust.verification import NAMES, Found, compare_data
from tests.trust.signed import (
    EVIDENCE,
    FOUND,
    KEY,
    ROWS,
    SHA,
    ManifestRow,
    assert_fails_at,
    findings,
    make,
    report,
    sign,
    signed,
    verify,
    write_manifest,
)


def test_an_untouched_folder_verifies(tmp_path: Path) -> None:
    result = verify(make(tmp_path))
    assert [(step.number, step.name, step.holds) for step in result.steps] == [
        (number, NAMES[number], None if number in (5, 10) else True) for number in range(1, 11)
    ]
    assert "no trusted signer has a certificate" in result.steps[4].detail
    assert result.holds
    assert result.statement is not None
    assert result.statement.report["verdict"] == "no_clause_fails"


def test_a_moved_folder_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    monkeypatch.chdir(tmp_path / "b")
    assert verify(Path("report.dsse.json")).holds


def test_without_trusted_keys_the_signer_is_not_proved(tmp_path: Path) -> None:
    result = verify(make(tmp_path), trusted=None)
    assert [step.holds for step in result.steps] == [
        True,
        None,
        True,
        True,
        None,
        True,
        True,
        True,
        True,
        None,
    ]
    assert "not proved" in result.steps[1].detail


def test_without_a_root_the_data_is_not_proved(tmp_path: Path) -> None:
    result = verify(make(tmp_path, is_bound=False))
    assert [step.holds for step in result.steps] == [
        True,
        True,
        True,
        True,
        None,
        True,
        True,
        None,
        True,
        None,
    ]
    assert "not bound to data" in result.steps[7].detail


@pytest.mark.parametrize("trusted", [[], [Ed25519PrivateKey.generate().public_key()]])
def test_another_signer_is_refused(tmp_path: Path, trusted: list[Any]) -> None:
    assert_fails_at(verify(make(tmp_path), trusted=trusted), 2, "none of the trusted keys")


def test_a_broken_envelope_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    path.write_bytes(path.read_bytes() + b" ")
    assert_fails_at(verify(path), 1, "canonical")


def test_an_envelope_over_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path)
    monkeypatch.setattr(dsse, "MAX_ENVELOPE_BYTES", 100)
    assert_fails_at(verify(path), 1, "larger")


def test_another_kind_of_statement_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    payload = dsse.open_envelope(path.read_bytes()).payload.replace(b"conformance-report:1", b"other:1")
    path.write_bytes(dsse.sign(payload, [KEY]))
    assert_fails_at(verify(path), 3, "predicateType")


@pytest.mark.parametrize("name", ["", "missing.json", "evidence"])
def test_an_envelope_that_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        verify(tmp_path / name)


def break_with(action: str) -> Callable[[Path], None]:
    def broken(path: Path) -> None:
        content = path.read_bytes()
        path.unlink()
        if action == "changed":
            path.write_bytes(content + b"\n")
        elif action == "empty":
            path.write_bytes(b"")
        elif action == "folder":
            path.mkdir()
        elif action == "pipe":
            os.mkfifo(path)
        elif action == "loop":
            path.symlink_to(path)

    return broken


@pytest.mark.parametrize("action", ["missing", "changed", "empty", "folder", "pipe", "loop"])
@pytest.mark.parametrize(
    ("name", "number"), [("report.json", 7), ("manifest.parquet", 8), ("evidence/recency.parquet", 9)]
)
def test_a_touched_file_is_noticed(tmp_path: Path, name: str, number: int, action: str) -> None:
    path = make(tmp_path)
    break_with(action)(tmp_path / name)
    said = "is not the signed one" if action in ("changed", "empty") else name
    assert_fails_at(verify(path), number, said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a":true}', "does not say what"),
        ('{"a":1,"a":1}', "twice"),
        ('{"a":NaN}', "NaN"),
        ("{", "strict JSON"),
    ],
)
def test_a_signed_report_that_says_something_else_is_refused(tmp_path: Path, content: str, said: str) -> None:
    stated = signed(make(tmp_path))
    (tmp_path / "report.json").write_text(content)
    assert_fails_at(verify(sign(tmp_path, stated.report, stated.bound)), 7, said)


def test_numbers_of_equal_value_are_the_same_report(tmp_path: Path) -> None:
    stated = signed(make(tmp_path))
    text = (tmp_path / "report.json").read_text()
    (tmp_path / "report.json").write_text(text.replace('"objects": 4', '"objects": 4.0'))
    assert verify(sign(tmp_path, stated.report, stated.bound)).holds


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS[:1], (b"a.jsonl", 9, SHA, "data"), *ROWS[2:]],
        [*ROWS[:1], (b"a.jsonl", 2, bytes(32), "data"), *ROWS[2:]],
        [*ROWS[:1], (b"a", 2, SHA, "data"), *ROWS[2:]],
        [*ROWS[:1], (b"a.jsonl", 2, None, "data"), *ROWS[2:]],
        [*ROWS[:1], (b"a.jsonl", 2, SHA, "ignored"), *ROWS[2:]],
        [ROWS[0], ROWS[2], ROWS[1], ROWS[3]],
        ROWS[:-1],
        [*ROWS, (b"\xff\xff", 1, SHA, "data")],
    ],
)
def test_a_signed_manifest_must_give_the_signed_roots(tmp_path: Path, rows: list[ManifestRow]) -> None:
    stated = signed(make(tmp_path))
    write_manifest(tmp_path / "manifest.parquet", rows)
    assert_fails_at(verify(sign(tmp_path, stated.report, stated.bound)), 8, "manifest.parquet")


@pytest.mark.parametrize("name", ["root_sha256", "root_sm3"])
def test_the_report_must_name_the_signed_roots(tmp_path: Path, name: str) -> None:
    subject = signed(make(tmp_path)).report["subject"] | {name: "0" * 64}
    assert_fails_at(verify(make(tmp_path, subject=subject)), 8, f"subject.{name}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"root_sha256": "0" * 64}, "SHA-256"),
        ({"root_sm3": "0" * 64}, "SM3"),
        ({"objects": 4}, "the number of objects"),
        ({"size_bytes": 6}, "the bytes of the objects"),
    ],
)
def test_roots_number_and_bytes_must_be_those_of_the_manifest(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    bound = signed(make(tmp_path)).bound
    assert bound is not None
    wrong = replace(bound, **change)
    values = report(wrong)
    (tmp_path / "report.json").write_text(json.dumps(values))
    assert_fails_at(verify(sign(tmp_path, values, wrong)), 8, said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "urn:dqv:report:2"}, "schema: Input should be 'urn:dqv:report:1'"),
        ({"schema": None}, "schema"),
        ({"extra": 1}, "extra"),
        ({"\x1b[31m": 1}, "[U+001B][31m"),
        ({"verdict": "certified"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"decided_by": "all"}, "decided_by"),
        ({"accounting": {"objects": "4", "size_bytes": 10, "tallies": []}}, "accounting.objects"),
        ({"accounting": {"objects": 4.5, "size_bytes": 10, "tallies": []}}, "accounting.objects"),
        ({"accounting": {"objects": True, "size_bytes": 10, "tallies": []}}, "accounting.objects"),
        ({"accounting": {"objects": 4, "tallies": []}}, "accounting.size_bytes"),
        ({"evidence": [EVIDENCE | {"more": 1}]}, "evidence.0.more"),
        ({"evidence": None}, "evidence"),
        ({"evidence": ["evidence/recency.parquet"]}, "evidence.0"),
        ({"evidence": [{"path": "evidence/recency.parquet"}]}, "evidence.0"),
        ({"evidence": [EVIDENCE | {"digest": None}]}, "evidence.0.digest"),
    ],
)
def test_a_report_that_breaks_its_schema_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert_fails_at(verify(make(tmp_path, **changes)), 4, said)


def test_a_report_without_a_field_is_refused(tmp_path: Path) -> None:
    stated = signed(make(tmp_path))
    for name in stated.report:
        less = {key: value for key, value in stated.report.items() if key != name}
        assert_fails_at(verify(sign(tmp_path, less, stated.bound)), 4, name)


POLICY = load_policy("jiaxing-2025-65")


def with_policy(folder: Path, **changes: str) -> Path:
    return make(folder, policy=signed(make(folder)).report["policy"] | changes)


def test_a_policy_of_other_content_is_refused(tmp_path: Path) -> None:
    other = POLICY.model_copy(update={"defective_share": "50 %"})
    path = with_policy(tmp_path, digest=other.digest)
    assert_fails_at(verify(path), 6, "has not the content that dqv ships")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "0.9"}, f"this dqv ships, {POLICY.version}"),
        ({"id": "mine", "digest": "0" * 64}, "no policy that dqv ships"),
        ({"id": "../jiaxing-2025-65\x1b"}, r"../jiaxing-2025-65\x1b"),
    ],
)
def test_another_policy_is_not_proved(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    result = verify(with_policy(tmp_path, **changes))
    assert result.holds
    assert result.steps[5].holds is None
    assert said in result.steps[5].detail


@pytest.mark.parametrize(
    "bad", ["/etc/hostname", "../outside", "evidence/../../outside", "link", "to/outside"]
)
def test_evidence_stays_inside_the_folder(tmp_path: Path, bad: str) -> None:
    (tmp_path / "outside").write_bytes(b"rows")
    folder = tmp_path / "out"
    path = make(folder, evidence=[EVIDENCE | {"path": bad}])
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "to").symlink_to(tmp_path)
    assert_fails_at(verify(path), 9, "outside the folder")


@pytest.mark.parametrize("path", ["", ".", "a\0b", "a" * 5000, "evidence"])
def test_evidence_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    assert_fails_at(verify(make(tmp_path, evidence=[EVIDENCE | {"path": path}])), 9, "evidence")


def test_evidence_of_a_finding_counts_as_that_of_the_list(tmp_path: Path) -> None:
    changed = findings()
    changed[RULES.index("recency")]["evidence"] = EVIDENCE | {"digest": "0" * 64}
    assert_fails_at(verify(make(tmp_path, findings=changed)), 9, "recency.parquet is not the signed one")


def test_what_was_ignored_and_is_data_now_is_found(tmp_path: Path) -> None:
    make(tmp_path)
    step = compare_data(tmp_path / "manifest.parquet", iter([(b".git/x", 9, bytes(32)), *FOUND]))
    assert step.holds is False
    assert "was no data when the report was made" in step.detail


def test_the_same_data_compares_equal(tmp_path: Path) -> None:
    make(tmp_path)
    step = compare_data(tmp_path / "manifest.parquet", iter(FOUND))
    assert (step.number, step.name, step.holds) == (11, NAMES[11], True)
    assert step.detail.startswith("3 objects")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "a.jsonl is in the manifest and not in the data"),
        (FOUND[1:], "a.jsonl is in the manifest and not in the data"),
        (FOUND[:-1], r"\xff\n is in the manifest and not in the data"),
        ([(b".a", 1, SHA), *FOUND], ".a is in the data and not in the manifest"),
        ([FOUND[0], (b"a.z\x1b", 1, SHA), *FOUND[1:]], r"a.z\x1b is in the data and not in the manifest"),
        ([*FOUND, (b"\xff\xfe", 1, SHA)], r"\xff\xfe is in the data and not in the manifest"),
        ([(b"a.jsonl", 1, SHA), *FOUND[1:]], "a.jsonl has 1 bytes, in the manifest 2"),
        ([(b"a.jsonl", 2, bytes(32)), *FOUND[1:]], "a.jsonl has other content"),
        ([(b"a.jsonl", 2, b""), *FOUND[1:]], "a.jsonl cannot be read"),
    ],
)
def test_the_first_difference_of_the_data_is_named(tmp_path: Path, found: list[Found], said: str) -> None:
    make(tmp_path)
    step = compare_data(tmp_path / "manifest.parquet", found)
    assert step.holds is False
    assert said in step.detail


def test_objects_without_a_digest_are_not_proved(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.parquet", [(b"a", 2, None, "data"), (b"b", 2, SHA, "data")])
    step = compare_data(tmp_path / "manifest.parquet", [(b"a", 2, bytes(32)), (b"b", 2, SHA)])
    assert step.holds is None
    assert "not proved: 1 of 2" in step.detail


def test_data_is_not_compared_with_a_broken_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.parquet").write_bytes(b"")
    assert compare_data(tmp_path / "manifest.parquet", FOUND).holds is False


def test_data_must_come_in_order(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(ValueError, match="must ascend"):
        compare_data(tmp_path / "manifest.parquet", [*FOUND, FOUND[0]])
