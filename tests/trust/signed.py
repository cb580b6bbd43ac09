"""A small out folder that verifies."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dqv.core.files import sha256_file
from dqv.core.policy import RULES, load_policy
from dqv.core.units import decimal_string
from dqv.reports.schema import read
from dqv.trust import dsse, statement, verification
from dqv.trust.manifest import Bound, bound
from dqv.trust.verification import Verification

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRUSTED = [KEY.public_key()]
SHA = sha256(b"x").digest()
ManifestRow = tuple[bytes, int, bytes | None, str]
ROWS: list[ManifestRow] = [
    (b".git/x", 5, None, "ignored"),
    (b"a.jsonl", 2, SHA, "data"),
    (b"b.jsonl", 3, SHA, "data"),
    (b"\xff\n", 0, SHA, "other"),
]
FOUND: list[verification.Found] = [
    (path, size, digest) for path, size, digest, _ in ROWS if digest is not None
]
EVIDENCE = {"path": "evidence/recency.parquet", "digest": sha256(b"rows").hexdigest(), "rows": 1, "total": 1}

_WORDS = {"zh": "无", "en": "none"}


def findings() -> list[dict[str, Any]]:
    """Of every rule of the policy that dqv ships one that does not apply."""
    policy = load_policy("jiaxing-2025-65")
    return [
        {
            "rule": name, "clause": rule.clause, "clause_text": policy.clauses[rule.clause].model_dump(),
            "title": rule.title.model_dump(), "verdict": "not_applicable", "measured": None,
            "threshold": decimal_string(rule.limit(), 12) if rule.threshold else None, "comparator": rule.comparator,
            "unit": rule.unit, "numerator": None, "denominator": None, "population": None, "readings": [],
            "depends_on_reading": False, "method": _WORDS, "evidence": None, "message": _WORDS, "next_step": None,
        }
        for name, rule in ((name, policy.rules[name]) for name in RULES)
    ]  # fmt: skip


def report(bound_to: Bound | None, **changes: Any) -> dict[str, Any]:
    """The least report that keeps its schema; `changes` replace top-level fields."""
    policy = load_policy("jiaxing-2025-65")
    return {
        "schema": "urn:dqv:report:1",
        "subject": {
            "root_sha256": bound_to.root_sha256 if bound_to else None,
            "root_sm3": bound_to.root_sm3 if bound_to else None,
            "objects": 4, "size_bytes": 10, "layout": "folder", "name": None, "applicant": None, "uscc": None,
            "certificate": None, "registration_sha256": None, "platform": None, "platform_sha256": None,
            "category": None, "declared": {},
        },
        "policy": {
            "id": policy.id, "version": policy.version, "digest": policy.digest, "document": "", "title": _WORDS,
            "status": _WORDS, "in_force_from": "2025-11-22", "in_force_until": None,
        },
        "run": {
            "role": "self-check", "assurance": "full", "reference_date": "2026-03-01", "settings_digest": "",
            "settings": {}, "versions": {}, "complete": True, "unread": [], "defective": [], "environment": {},
        },
        "accounting": {"objects": 4, "size_bytes": 10, "tallies": []},
        "measurements": {}, "findings": findings(), "verdict": "no_clause_fails", "decided_by": [], "notices": [],
        "evidence": [EVIDENCE],
    } | changes  # fmt: skip


def write_manifest(path: Path, rows: list[ManifestRow]) -> None:
    types = {"path": pa.binary(), "size_bytes": pa.int64(), "sha256": pa.binary(32), "role": pa.string()}
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types.values(), strict=True)]
    table = pa.table(arrays, names=list(types))
    pq.write_table(table, path, write_statistics=False, store_schema=False)  # small


def make(folder: Path, *, is_bound: bool = True, **changes: Any) -> Path:
    """An out folder that verifies, but for the changes given; returns the envelope's path."""
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    (folder / "evidence" / "recency.parquet").write_bytes(b"rows")
    write_manifest(folder / "manifest.parquet", ROWS)
    found = bound(folder / "manifest.parquet") if is_bound else None
    values = report(found, **changes)
    (folder / "report.json").write_text(json.dumps(values, indent=1))
    return sign(folder, values, found)


def sign(folder: Path, values: dict[str, Any], found: Bound | None) -> Path:
    payload = statement.build(
        values,
        report_sha256=sha256_file(folder / "report.json"),
        manifest_sha256=sha256_file(folder / "manifest.parquet"),
        bound=found,
    )
    path = folder / "report.dsse.json"
    path.write_bytes(dsse.sign(payload, [KEY]))
    return path


def signed(path: Path) -> statement.Statement:
    """What an envelope states."""
    return statement.parse(dsse.open_envelope(path.read_bytes()).payload)


def verify(path: Path, *, trusted: Any = TRUSTED, proof: Path | None = None) -> Verification:
    return verification.verify(path, trusted=trusted, conforms=read, proof_path=proof)


def assert_fails_at(result: Verification, number: int, said: str) -> None:
    assert [step.number for step in result.steps] == list(range(1, number + 1))
    assert [step.holds is not False for step in result.steps] == [True] * (number - 1) + [False]
    assert said in result.steps[-1].detail
    assert not result.holds
    assert result.statement is None
