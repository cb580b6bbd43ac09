import json
from typing import Any

import pytest

from dqv.core.errors import TrustError
from dqv.trust import statement
from dqv.trust.manifest import Bound

A, B = "a" * 64, "b" * 64
BOUND = Bound("c" * 64, "d" * 64, 3, 2**60)
REPORT = {"schema": "urn:dqv:report:1", "名": [1, None, True, "0.05"]}


def build(bound: Bound | None = BOUND) -> bytes:
    return statement.build(REPORT, report_sha256=A, manifest_sha256=B, bound=bound)


@pytest.mark.parametrize("bound", [BOUND, None])
def test_what_is_built_is_parsed(bound: Bound | None) -> None:
    assert statement.parse(build(bound)) == statement.Statement(REPORT, A, B, bound)


def test_statement_is_in_totos() -> None:
    assert json.loads(build()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "report.json", "digest": {"sha256": A}},
            {"name": "manifest.parquet", "digest": {"sha256": B}},
            {
                "name": "dataset",
                "digest": {"dqv-merkle-sha256": "c" * 64, "dqv-merkle-sm3": "d" * 64},
                "annotations": {"objects": "3", "size_bytes": "1152921504606846976"},
            },
        ],
        "predicateType": "urn:dqv:conformance-report:1",
        "predicate": REPORT,
    }


@pytest.mark.parametrize("digest", ["", "A" * 64, "a" * 63, "a" * 64 + "\n", "g" * 64])
def test_what_is_no_digest_is_not_built(digest: str) -> None:
    with pytest.raises(TrustError, match="in hex"):
        statement.build(REPORT, report_sha256=digest, manifest_sha256=B, bound=None)


@pytest.mark.parametrize("value", [float("nan"), 2**53, 1e20])
def test_what_cannot_be_verified_is_not_built(value: float) -> None:
    with pytest.raises(TrustError, match="RFC 8785"):
        statement.build({"a": value}, report_sha256=A, manifest_sha256=B, bound=None)


def changed(**fields: Any) -> bytes:
    value = json.loads(build()) | fields
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def numbers(objects: Any) -> dict[str, Any]:
    return {"objects": objects, "size_bytes": "1"}


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
        (changed(subject=[SUBJECT[1], SUBJECT[0], SUBJECT[2]]), "canonical"),
        (changed(subject=["report.json", "manifest.parquet"]), "subjects"),
        (changed(subject=[SUBJECT[0], {"name": "manifest.parquet", "digest": B}]), "subjects"),
        (changed(subject=[SUBJECT[0], SUBJECT[2]]), "subjects"),
        (
            changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"digest": {"dqv-merkle-sha256": "c" * 64}}]),
            "subjects",
        ),
        (changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"annotations": {"objects": "3"}}]), "subjects"),
        (changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"annotations": numbers(3)}]), "subjects"),
        (changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"annotations": numbers("03")}]), "subjects"),
        (changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"annotations": numbers("-3")}]), "subjects"),
        (
            changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"annotations": numbers("3") | {"more": ""}}]),
            "canonical",
        ),
        (changed(subject=[*SUBJECT[:2], SUBJECT[2] | {"name": "data"}]), "canonical"),
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
        REPORT, report_sha256=A, manifest_sha256=B, bound=BOUND, chains_sha256={"sha256:x": A}
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
