"""The in-toto Statement v1 that is signed: the report, and the digests of what lies beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dqv.core.errors import TrustError
from dqv.trust import canonical
from dqv.trust.manifest import Bound

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:dqv:conformance-report:1"

_DATASET = ("dqv-merkle-sha256", "dqv-merkle-sm3")
"""Algorithms of the third subject's digests."""

_CHAINS = "dqv:certificates"
"""An extension field, as the Statement's specification allows; left out where no signer has a certificate."""

_HEX = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Statement:
    """What a signer states.

    Attributes:
        report: the predicate.
        report_sha256: hex, of report.json.
        manifest_sha256: hex, of manifest.parquet.
        bound: roots, objects and bytes of the dataset; null where the report is not bound to data.
        chains_sha256: by key id, the hex sha256 of the certificates beside the signature of that key: whose certificate
            goes with a signature is signed, too (RFC 5035 says why).
    """

    report: dict[str, Any]
    report_sha256: str
    manifest_sha256: str
    bound: Bound | None
    chains_sha256: Mapping[str, str] = field(default_factory=dict)


def build(
    report: dict[str, Any],
    *,
    report_sha256: str,
    manifest_sha256: str,
    bound: Bound | None,
    chains_sha256: Mapping[str, str] | None = None,
) -> bytes:
    """Write the Statement as RFC 8785 bytes.

    Args:
        report: what report.json holds.
        report_sha256: hex, of report.json.
        manifest_sha256: hex, of manifest.parquet.
        bound: what its rows come to; null where not every object was read.
        chains_sha256: by key id, the hex sha256 of the certificates that the envelope will carry.

    Raises:
        TrustError: a digest that is none, or a report with a value that has no canonical form.
    """
    payload = _encode(Statement(report, report_sha256, manifest_sha256, bound, chains_sha256 or {}))
    parse(payload)  # nothing is signed that could not be verified
    return payload


def parse(payload: bytes) -> Statement:
    """Read a Statement that `build` could have written, and no other.

    Raises:
        TrustError: names what does not hold.
    """
    value = canonical.load(payload, "the signed Statement")
    known = {"_type", "subject", "predicateType", "predicate"}
    if not isinstance(value, dict) or set(value) - {_CHAINS} != known:
        raise TrustError("the signed Statement has not the keys _type, subject, predicateType and predicate")
    if value["_type"] != STATEMENT_TYPE:
        raise TrustError(f"the signed Statement's _type is not {STATEMENT_TYPE}")
    if value["predicateType"] != PREDICATE_TYPE:
        raise TrustError(f"the signed Statement's predicateType is not {PREDICATE_TYPE}")
    if not isinstance(value["predicate"], dict):
        raise TrustError("the signed Statement's predicate is not a report")
    statement = Statement(value["predicate"], *_subjects(value["subject"]), _chains(value))
    if _encode(statement) != payload:  # other keys, other names and other spellings do not come back
        raise TrustError("the signed Statement is not in its canonical form (RFC 8785)")
    return statement


def _encode(statement: Statement) -> bytes:
    subject: list[dict[str, Any]] = [
        {"name": "report.json", "digest": {"sha256": statement.report_sha256}},
        {"name": "manifest.parquet", "digest": {"sha256": statement.manifest_sha256}},
    ]
    bound = statement.bound
    if bound is not None:
        subject.append(
            {
                "name": "dataset",
                "digest": dict(zip(_DATASET, (bound.root_sha256, bound.root_sm3), strict=True)),
                # Text: a reader by protobuf makes doubles of numbers.
                "annotations": {"objects": str(bound.objects), "size_bytes": str(bound.size_bytes)},
            }
        )
    value = {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": statement.report,
    } | ({_CHAINS: dict(statement.chains_sha256)} if statement.chains_sha256 else {})
    return canonical.dump(value, "the Statement")


def _chains(value: dict[str, Any]) -> dict[str, str]:
    chains = value.get(_CHAINS, {})
    if not isinstance(chains, dict) or not all(
        isinstance(each, str) and _HEX.fullmatch(each) for each in chains.values()
    ):
        raise TrustError(f"the signed Statement's {_CHAINS} is not a digest in hex by key id")
    return chains


def _subjects(subject: Any) -> tuple[str, str, Bound | None]:
    """What two or three subjects say; every other shape is refused."""
    try:
        report, manifest, *dataset = subject
        report_sha256, manifest_sha256 = (
            _text(each["digest"]["sha256"], _HEX) for each in (report, manifest)
        )
        bound = None
        if dataset:
            (third,) = dataset
            sha256, sm3 = (_text(third["digest"][name], _HEX) for name in _DATASET)
            count, size = (_text(third["annotations"][name], _NUMBER) for name in ("objects", "size_bytes"))
            bound = Bound(sha256, sm3, int(count), int(size))
    except (TypeError, ValueError, LookupError) as error:
        raise TrustError(
            "the signed Statement's subjects are not report.json and manifest.parquet, each with its sha256 in hex, "
            f"and the dataset with {' and '.join(_DATASET)} in hex and its objects and size_bytes"
        ) from error
    return report_sha256, manifest_sha256, bound


def _text(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value
