import json
from typing import Any

import pytest

from dqv.core.errors import TrustError
from dqv.trust import statement

A, B, C = "a" * 64, "b" * 64, "c" * 64
REPORT = {"schema": "urn:dqv:report:1", "名": [1, None, True, "0.05"]}


def build(root: str | None = C) -> bytes:
    return statement.build(REPORT, report_sha256=A, manifest_sha256=B, root_sha256=root)


@pytest.mark.parametrize("root", [C, None])
def test_what_is_built_is_parsed(root: str | None) -> None:
    assert statement.parse(build(root)) == statement.Statement(REPORT, A, B, root)


def test_statement_is_in_totos() -> None:
    assert json.loads(build()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "report.json", "digest": {"sha256": A}},
            {"name": "manifest.parquet", "digest": {"sha256": B}},
            {"name": "dataset", "digest": {"dqv-merkle-sha256": C}},
        ],
        "predicateType": "urn:dqv:conformance-report:1",
        "predicate": REPORT,
    }


@pytest.mark.parametrize("digest", ["", "A" * 64, "a" * 63, "a" * 64 + "\n", "g" * 64])
def test_what_is_no_digest_is_not_built(digest: str) -> None:
    with pytest.raises(TrustError, match="digest in hex"):
        statement.build(REPORT, report_sha256=digest, manifest_sha256=B, root_sha256=None)


@pytest.mark.parametrize("value", [float("nan"), 2**53, 1e20])
def test_what_cannot_be_verified_is_not_built(value: float) -> None:
    with pytest.raises(TrustError, match="RFC 8785"):
        statement.build({"a": value}, report_sha256=A, manifest_sha256=B, root_sha256=None)


def changed(**fields: Any) -> bytes:
    value = json.loads(build()) | fields
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


SUBJECT = json.loads(build())["subject"]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"[]", "keys"),
        (b"null", "keys"),
        (changed(extra=1), "keys"),
        (changed(_type="https://in-toto.io/Statement/v0.1"), "_type"),
        (changed(predicateType="urn:dqv:conformance-report:2"), "predicateType"),
        (changed(predicate=[]), "predicate"),
        (changed(predicate=None), "predicate"),
        (changed(subject={}), "subjects"),
        (changed(subject=[]), "subjects"),
        (changed(subject=SUBJECT[:1]), "subjects"),
        (changed(subject=[*SUBJECT, SUBJECT[0]]), "subjects"),
        (changed(subject=SUBJECT[::-1]), "subjects"),
        (changed(subject=["report.json", "manifest.parquet"]), "subjects"),
        (changed(subject=[SUBJECT[0], {"name": "manifest.parquet", "digest": B}]), "subjects"),
        (changed(subject=[SUBJECT[0], SUBJECT[2]]), "subjects"),
        (changed(subject=[SUBJECT[0], SUBJECT[1] | {"uri": "x"}]), "canonical"),
        (changed(subject=[SUBJECT[0], SUBJECT[1] | {"digest": {"sha256": B, "md5": ""}}]), "canonical"),
        (build()[:-1], "strict JSON"),
        (build() + b"\n", "canonical"),
        (build().replace(b'"0.05"', b"0.50"), "canonical"),
        (build().replace(b'"0.05"', b"NaN"), "NaN"),
        (build().replace(b'"0.05"', b"Infinity"), "Infinity"),
        (build().replace(b'"0.05"', b"1e999"), "canonical"),
        (build().replace(b'"0.05"', b'"\\ud800"'), "canonical"),
        (build().replace(b'{"_type"', b'{"_type":"x","_type"'), "twice"),
        (build().replace("名".encode(), b"\\u540d"), "canonical"),
        (build().replace(b"[1,", b"[1.0,"), "canonical"),
    ],
)
def test_any_other_statement_is_refused(payload: bytes, said: str) -> None:
    with pytest.raises(TrustError, match=said):
        statement.parse(payload)


def test_digests_of_certificates_are_stated_where_there_are_any() -> None:
    payload = statement.build(
        REPORT, report_sha256=A, manifest_sha256=B, root_sha256=C, chains_sha256={"sha256:x": A}
    )
    assert json.loads(payload) == json.loads(build()) | {"dqv:certificates": {"sha256:x": A}}
    assert statement.parse(payload).chains_sha256 == {"sha256:x": A}


@pytest.mark.parametrize("value", [[], {"a": 1}, {"a": "A" * 64}, "x", None])
def test_other_digests_of_certificates_are_refused(value: object) -> None:
    with pytest.raises(TrustError, match="digest in hex by key id"):
        statement.parse(changed(**{"dqv:certificates": value}))


def test_no_certificates_have_one_spelling() -> None:
    with pytest.raises(TrustError, match="canonical"):
        statement.parse(changed(**{"dqv:certificates": {}}))
