import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import TrustError, UsageError
from dqv.trust import proof
from dqv.trust.manifest import bound
from tests.trust.signed import ROWS, SHA, ManifestRow, assert_fails_at, make, verify, write_manifest


def made(folder: Path, rows: list[ManifestRow], path: bytes) -> proof.Proof:
    write_manifest(folder / "manifest.parquet", rows)
    return proof.make(folder / "manifest.parquet", path)


@given(count=st.integers(1, 40), data=st.data())
def test_every_object_of_every_manifest_is_proved(
    tmp_path_factory: pytest.TempPathFactory, count: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("proof")
    roles = data.draw(st.lists(st.sampled_from(["data", "ignored"]), min_size=count, max_size=count))
    rows: list[ManifestRow] = [
        (b"%03d" % number, number, SHA if role == "data" else None, role) for number, role in enumerate(roles)
    ]
    kept = [row[0] for row in rows if row[3] == "data"]
    if not kept:
        return
    path = data.draw(st.sampled_from(kept))
    found = made(folder, rows, path)
    signed = bound(folder / "manifest.parquet")
    assert signed is not None
    assert (found.index, found.objects) == (kept.index(path), len(kept))
    proof.check(proof.parse(proof.dump(found)), signed)


@given(path=st.binary(min_size=1, max_size=30).filter(lambda path: b"\0" not in path))
def test_any_path_of_bytes_comes_back(path: bytes) -> None:
    found = proof.Proof(path, 1, SHA, 0, 1, {"sha256": [], "sm3": []}, {"sha256": "0" * 64, "sm3": "0" * 64})
    line = proof.dump(found)
    assert proof.parse(line) == found
    assert line.isascii()
    assert line.count(b"\n") == 1


def test_every_change_of_a_byte_of_a_proof_is_noticed(tmp_path: Path) -> None:
    rows: list[ManifestRow] = [(b"%d" % number, number, SHA, "data") for number in range(5)]
    line = proof.dump(made(tmp_path, rows, b"3"))
    signed = bound(tmp_path / "manifest.parquet")
    assert signed is not None
    proof.check(proof.parse(line), signed)
    for at, byte in enumerate(line):
        others = [bytes([byte ^ 1 << bit]) for bit in range(8)]
        for other in (*others, b"", bytes([byte, byte]), b" " + bytes([byte])):
            with pytest.raises(TrustError):
                proof.check(proof.parse(line[:at] + other + line[at + 1 :]), signed)
    for end in range(len(line)):
        with pytest.raises(TrustError):
            proof.parse(line[:end])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": b"b"}, "b does not lead to"),
        ({"path": b"\x1b[31m"}, r"\x1b[31m does not lead to"),
        ({"size_bytes": 4}, "does not lead to"),
        ({"sha256": bytes(32)}, "does not lead to"),
        ({"index": 0}, "does not lead to the signed sha256"),
        ({"index": 3}, "path has not the length"),
        ({"objects": 4}, "dataset of 4 objects, the signed one has 3"),
        ({"audit_path": {"sha256": [], "sm3": []}}, "path has not the length"),
        ({"root": {"sha256": "0" * 64, "sm3": "0" * 64}}, "sha256 root is not the signed one"),
    ],
)
def test_a_proof_of_something_else_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    found = made(tmp_path, ROWS, b"b.jsonl")
    signed = bound(tmp_path / "manifest.parquet")
    assert signed is not None
    with pytest.raises(TrustError) as error:
        proof.check(replace(found, **change), signed)
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["audit_path", "root"])
def test_both_hashes_must_hold(tmp_path: Path, name: str) -> None:
    found = made(tmp_path, ROWS, b"b.jsonl")
    signed = bound(tmp_path / "manifest.parquet")
    assert signed is not None
    wrong: Any = [bytes(32)] * 2 if name == "audit_path" else "0" * 64
    changes: dict[str, Any] = {name: {**getattr(found, name), "sm3": wrong}}
    with pytest.raises(TrustError, match="sm3"):
        proof.check(replace(found, **changes), signed)


VALUE: dict[str, Any] = {
    "schema": "urn:dqv:inclusion-proof:1",
    "object": {"path": "a", "size_bytes": 1, "sha256": "0" * 64},
    "index": 0,
    "objects": 1,
    "audit_path": {"sha256": [], "sm3": []},
    "root": {"sha256": "0" * 64, "sm3": "0" * 64},
}


def line(**changes: Any) -> bytes:
    return json.dumps(VALUE | changes, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_the_form_is_the_documented_one() -> None:
    assert proof.dump(proof.parse(line())) == line()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "strict JSON"),
        (b"[]\n", "no urn:dqv:inclusion-proof:1"),
        (b"null\n", "no urn:dqv:inclusion-proof:1"),
        (line(schema="urn:dqv:inclusion-proof:2"), "no urn:dqv:inclusion-proof:1"),
        (line(more=1), "Extra inputs"),
        (line(**{"\x1b[31m": 1}), "Extra inputs"),
        (line(index="0"), "valid integer"),
        (line(index=-1), "greater than or equal"),
        (line(index=0.0), "valid integer"),
        (line(objects=True), "valid integer"),
        (line(objects=2**53), "less than"),
        (line(audit_path={"sha256": []}), "Field required"),
        (line(audit_path={"sha256": ["0" * 63], "sm3": []}), "match pattern"),
        (line(root={"sha256": "A" * 64, "sm3": "0" * 64}), "match pattern"),
        (line(root={"sha256": "0" * 64 + "\n", "sm3": "0" * 64}), "match pattern"),
        (line(object=VALUE["object"] | {"path": ""}), "at least 1"),
        (line(object=VALUE["object"] | {"path": "%61"}), "canonical"),
        (line(object=VALUE["object"] | {"path": "\u202e"}), "canonical"),
        (line(object=VALUE["object"] | {"path": "a\nb"}), "canonical"),
        (line() + b"\n", "canonical"),
        (line()[:-1], "canonical"),
        (line().replace(b":", b": ", 1), "canonical"),
        (line().replace(b'"index":0', b'"index":0,"index":0'), "twice"),
        (line().replace(b'"index":0', b'"index":NaN'), "NaN"),
        (line().replace(b'"index":0', b'"index":-0'), "canonical"),
        (b"\xff", "strict JSON"),
        (b" " * (proof.MAX_PROOF_BYTES + 1), "larger"),
    ],
)
def test_what_is_no_proof_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(TrustError, match=said) as error:
        proof.parse(data)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (b"nothing", "no object nothing"),
        (b"\x1b[2J", r"no object \\x1b\[2J"),
        (b".git/x", "was ignored"),
        (b"a.tar/in/it", "in the archive a.tar"),
        (b"b.jsonl/in", "no object"),
    ],
)
def test_what_cannot_be_proved_is_said(tmp_path: Path, path: bytes, said: str) -> None:
    rows: list[ManifestRow] = [ROWS[0], (b"a.tar", 1, SHA, "container"), *ROWS[2:]]
    with pytest.raises(UsageError, match=said):
        made(tmp_path, rows, path)


@pytest.mark.parametrize("path", [b"a.jsonl", b"b.jsonl"])
def test_nothing_is_proved_where_not_every_object_was_read(tmp_path: Path, path: bytes) -> None:
    with pytest.raises(UsageError, match="not bound to data"):
        made(tmp_path, [ROWS[1], (b"b.jsonl", 3, None, "data")], path)


@pytest.fixture
def given_proof(tmp_path: Path) -> Path:
    path = make(tmp_path / "out")
    file = tmp_path / "proof.json"
    file.write_bytes(proof.dump(proof.make(path.parent / "manifest.parquet", b"\xff\n")))
    return file


def test_a_proof_is_verified_against_the_envelope(tmp_path: Path, given_proof: Path) -> None:
    result = verify(tmp_path / "out" / "report.dsse.json", proof=given_proof)
    assert [step.number for step in result.steps if not step.holds] == [5], "no certificate"
    assert len(result.steps) == 10
    assert r"\xff\n, 0 bytes" in result.steps[-1].detail
    assert result.proof is not None
    assert result.proof.path == b"\xff\n"


def test_a_proof_needs_the_envelope_alone(tmp_path: Path, given_proof: Path) -> None:
    (tmp_path / "alone").mkdir()
    envelope = (tmp_path / "out" / "report.dsse.json").rename(tmp_path / "alone" / "x.json")
    result = verify(envelope, proof=given_proof)
    assert [step.holds for step in result.steps] == [True] * 4 + [None, True] + [None] * 3 + [True]
    assert_fails_at(verify(envelope), 7, "report.json cannot be read")


@pytest.mark.parametrize(
    ("name", "number"), [("report.json", 7), ("manifest.parquet", 8), ("evidence/recency.parquet", 9)]
)
def test_what_is_beside_the_envelope_must_hold_though_a_proof_needs_it_not(
    tmp_path: Path, given_proof: Path, name: str, number: int
) -> None:
    path = tmp_path / "out" / name
    path.write_bytes(path.read_bytes() + b"x")
    assert_fails_at(verify(tmp_path / "out" / "report.dsse.json", proof=given_proof), number, name)


def test_a_proof_that_does_not_hold_is_a_step_that_does_not(tmp_path: Path, given_proof: Path) -> None:
    given_proof.write_bytes(given_proof.read_bytes() + b" ")
    assert_fails_at(verify(tmp_path / "out" / "report.dsse.json", proof=given_proof), 10, "canonical")


def test_a_proof_is_not_proved_by_a_report_without_a_root(tmp_path: Path, given_proof: Path) -> None:
    result = verify(make(tmp_path / "unbound", is_bound=False), proof=given_proof)
    assert result.steps[-1].holds is None
    assert "not bound to data" in result.steps[-1].detail


def test_a_proof_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the proof .* cannot be read"):
        verify(make(tmp_path), proof=tmp_path / "none")
