import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dqv.core.errors import UsageError
from dqv.core.files import sha256_file
from dqv.trust import dsse, merkle, statement
from dqv.trust.verification import NAMES, Verification, compare_data, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRUSTED = [KEY.public_key()]
SHA = sha256(b"x").digest()
ROWS: list[tuple[bytes, int, bytes | None, str]] = [
    (b".git/x", 5, None, "ignored"),
    (b"a.jsonl", 2, SHA, "data"),
    (b"b.jsonl", 3, SHA, "data"),
    (b"\xff\n", 0, SHA, "other"),
]
FOUND = [(path, size, digest) for path, size, digest, role in ROWS if digest is not None]


def write_manifest(path: Path, rows: list[tuple[bytes, int, bytes | None, str]]) -> None:
    types = {"path": pa.binary(), "size_bytes": pa.int64(), "sha256": pa.binary(32), "role": pa.string()}
    arrays = [
        pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types.values(), strict=True)
    ]
    pq.write_table(pa.table(arrays, names=list(types)), path)


def make(folder: Path, *, bound: bool = True, evidence: list[Any] | None = None, **changes: Any) -> Path:
    """An out folder that verifies, but for the changes given; returns the envelope's path."""
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    (folder / "evidence" / "recency.parquet").write_bytes(b"rows")
    write_manifest(folder / "manifest.parquet", ROWS)
    root = merkle.root(merkle.leaf_record(*row) for row in FOUND).hex() if bound else None
    if evidence is None:
        evidence = [
            {"path": "evidence/recency.parquet", "digest": sha256(b"rows").hexdigest(), "rows": 1, "total": 1}
        ]
    report = {"subject": {"root_sha256": root}, "verdict": "no_clause_fails", "evidence": evidence} | changes
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    return sign(folder, report, root)


def sign(folder: Path, report: dict[str, Any], root: str | None) -> Path:
    payload = statement.build(
        report,
        report_sha256=sha256_file(folder / "report.json"),
        manifest_sha256=sha256_file(folder / "manifest.parquet"),
        root_sha256=root,
    )
    path = folder / "report.dsse.json"
    path.write_bytes(dsse.sign(payload, [KEY]))
    return path


def assert_fails_at(result: Verification, number: int, said: str) -> None:
    assert [step.number for step in result.steps] == list(range(1, number + 1))
    assert [step.holds is not False for step in result.steps] == [True] * (number - 1) + [False]
    assert said in result.steps[-1].detail
    assert not result.holds
    assert result.report is None


def test_an_untouched_folder_verifies(tmp_path: Path) -> None:
    result = verify(make(tmp_path), trusted=TRUSTED)
    assert [(step.number, step.name, step.holds) for step in result.steps] == [
        (number, NAMES[number], None if number == 4 else True) for number in range(1, 8)
    ]
    assert "no trusted signer has a certificate" in result.steps[3].detail
    assert result.holds
    assert result.report is not None
    assert result.report["verdict"] == "no_clause_fails"


def test_a_moved_folder_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a")
    shutil.move(tmp_path / "a", tmp_path / "b")
    monkeypatch.chdir(tmp_path / "b")
    assert verify(Path("report.dsse.json"), trusted=TRUSTED).holds


def test_without_trusted_keys_the_signer_is_not_proved(tmp_path: Path) -> None:
    result = verify(make(tmp_path), trusted=None)
    assert [step.holds for step in result.steps] == [True, None, True, None, True, True, True]
    assert "not proved" in result.steps[1].detail


def test_without_a_root_the_data_is_not_proved(tmp_path: Path) -> None:
    result = verify(make(tmp_path, bound=False), trusted=TRUSTED)
    assert [step.holds for step in result.steps] == [True, True, True, None, True, None, True]
    assert "not bound to data" in result.steps[5].detail


@pytest.mark.parametrize("trusted", [[], [Ed25519PrivateKey.generate().public_key()]])
def test_another_signer_is_refused(tmp_path: Path, trusted: list[Any]) -> None:
    assert_fails_at(verify(make(tmp_path), trusted=trusted), 2, "none of the trusted keys")


def test_a_broken_envelope_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    path.write_bytes(path.read_bytes() + b" ")
    assert_fails_at(verify(path, trusted=TRUSTED), 1, "canonical")


def test_an_envelope_over_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path)
    monkeypatch.setattr(dsse, "MAX_ENVELOPE_BYTES", 100)
    assert_fails_at(verify(path, trusted=TRUSTED), 1, "larger")


def test_another_kind_of_statement_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    payload = dsse.open_envelope(path.read_bytes()).payload.replace(b"conformance-report:1", b"other:1")
    path.write_bytes(dsse.sign(payload, [KEY]))
    assert_fails_at(verify(path, trusted=TRUSTED), 3, "predicateType")


@pytest.mark.parametrize("name", ["", "missing.json", "evidence"])
def test_an_envelope_that_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        verify(tmp_path / name, trusted=TRUSTED)


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
    ("name", "number"), [("report.json", 5), ("manifest.parquet", 6), ("evidence/recency.parquet", 7)]
)
def test_a_touched_file_is_noticed(tmp_path: Path, name: str, number: int, action: str) -> None:
    path = make(tmp_path)
    break_with(action)(tmp_path / name)
    said = "is not the signed one" if action in ("changed", "empty") else name
    assert_fails_at(verify(path, trusted=TRUSTED), number, said)


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
    make(tmp_path)
    (tmp_path / "report.json").write_text(content)
    assert_fails_at(verify(sign(tmp_path, {"a": 1}, None), trusted=TRUSTED), 5, said)


def test_numbers_of_equal_value_are_the_same_report(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "report.json").write_text('{"evidence":[],"a":1.0}')
    assert verify(sign(tmp_path, {"a": 1, "evidence": []}, None), trusted=TRUSTED).holds


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
def test_a_signed_manifest_must_give_the_signed_root(
    tmp_path: Path, rows: list[tuple[bytes, int, bytes | None, str]]
) -> None:
    envelope = dsse.open_envelope(make(tmp_path).read_bytes())
    stated = statement.parse(envelope.payload)
    write_manifest(tmp_path / "manifest.parquet", rows)
    result = verify(sign(tmp_path, stated.report, stated.root_sha256), trusted=TRUSTED)
    assert_fails_at(result, 6, "manifest.parquet")


def test_the_report_must_name_the_signed_root(tmp_path: Path) -> None:
    path = make(tmp_path, subject={"root_sha256": "0" * 64})
    assert_fails_at(verify(path, trusted=TRUSTED), 6, "subject.root_sha256")


@pytest.mark.parametrize(
    "bad", ["/etc/hostname", "../outside", "evidence/../../outside", "link", "to/outside"]
)
def test_evidence_stays_inside_the_folder(tmp_path: Path, bad: str) -> None:
    (tmp_path / "outside").write_bytes(b"rows")
    folder = tmp_path / "out"
    path = make(folder, evidence=[{"path": bad, "digest": sha256(b"rows").hexdigest()}])
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "to").symlink_to(tmp_path)
    assert_fails_at(verify(path, trusted=TRUSTED), 7, "outside the folder")


@pytest.mark.parametrize(
    "evidence",
    [
        ["evidence/recency.parquet"],
        [{"digest": "x"}],
        [{"path": 1}],
        [{"path": ""}],
        [{"path": "a\0b"}],
        [{"path": "a" * 5000}],
        [{"path": "evidence/recency.parquet"}],
        [{"path": "evidence/recency.parquet", "digest": None}],
    ],
)
def test_evidence_that_cannot_be_is_refused(tmp_path: Path, evidence: list[Any]) -> None:
    assert_fails_at(verify(make(tmp_path, evidence=evidence), trusted=TRUSTED), 7, "evidence")


@pytest.mark.parametrize("evidence", [None, {}, "x"])
def test_a_report_without_a_list_of_evidence_is_refused(tmp_path: Path, evidence: object) -> None:
    root = statement.parse(dsse.open_envelope(make(tmp_path).read_bytes()).payload).root_sha256
    report = {"evidence": evidence}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert_fails_at(verify(sign(tmp_path, report, root), trusted=TRUSTED), 7, "no list of evidence")


def test_what_was_ignored_and_is_data_now_is_found(tmp_path: Path) -> None:
    make(tmp_path)
    step = compare_data(tmp_path / "manifest.parquet", iter([(b".git/x", 9, bytes(32)), *FOUND]))
    assert step.holds is False
    assert "was no data when the report was made" in step.detail


def test_the_same_data_compares_equal(tmp_path: Path) -> None:
    make(tmp_path)
    step = compare_data(tmp_path / "manifest.parquet", iter(FOUND))
    assert (step.number, step.name, step.holds) == (8, NAMES[8], True)
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
    ],
)
def test_the_first_difference_of_the_data_is_named(
    tmp_path: Path, found: list[tuple[bytes, int, bytes]], said: str
) -> None:
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
