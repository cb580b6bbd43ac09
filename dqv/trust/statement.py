"""The in-toto Statement v1 that is signed: the report, and the digests of what lies beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dqv.core.errors import TrustError
from dqv.trust import canonical

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:dqv:conformance-report:1"

_SUBJECTS = (("report.json", "sha256"), ("manifest.parquet", "sha256"), ("dataset", "dqv-merkle-sha256"))
"""Name and algorithm of the subjects, in their order; the last is left out where there is no root."""

_CHAINS = "dqv:certificates"
"""An extension field, as the Statement's specification allows; left out where no signer has a certificate."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """What a signer states.

    Attributes:
        report: the predicate.
        report_sha256: hex, of report.json.
        manifest_sha256: hex, of manifest.parquet.
        root_sha256: hex Merkle root of the dataset; null where the report is not bound to data.
        chains_sha256: by key id, the hex sha256 of the certificates beside the signature of that key: whose certificate
            goes with a signature is signed, too (RFC 5035 says why).
    """

    report: dict[str, Any]
    report_sha256: str
    manifest_sha256: str
    root_sha256: str | None
    chains_sha256: Mapping[str, str] = field(default_factory=dict)


def build(
    report: dict[str, Any],
    *,
    report_sha256: str,
    manifest_sha256: str,
    root_sha256: str | None,
    chains_sha256: Mapping[str, str] | None = None,
) -> bytes:
    """Write the Statement as RFC 8785 bytes.

    Args:
        report: what report.json holds.
        report_sha256: hex, of report.json.
        manifest_sha256: hex, of manifest.parquet.
        root_sha256: hex Merkle root; null where not every object was read.
        chains_sha256: by key id, the hex sha256 of the certificates that the envelope will carry.

    Raises:
        TrustError: a digest that is none, or a report with a value that has no canonical form.
    """
    payload = _encode(Statement(report, report_sha256, manifest_sha256, root_sha256, chains_sha256 or {}))
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
    report_sha256, manifest_sha256, *root = _digests(value["subject"])
    statement = Statement(
        value["predicate"], report_sha256, manifest_sha256, root[0] if root else None, _chains(value)
    )
    if _encode(statement) != payload:
        raise TrustError("the signed Statement is not in its canonical form (RFC 8785)")
    return statement


def _encode(statement: Statement) -> bytes:
    digests = (statement.report_sha256, statement.manifest_sha256, statement.root_sha256)
    subject = [
        {"name": name, "digest": {algorithm: digest}}
        for (name, algorithm), digest in zip(_SUBJECTS, digests, strict=True)
        if digest is not None
    ]
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
        isinstance(each, str) and _DIGEST.fullmatch(each) for each in chains.values()
    ):
        raise TrustError(f"the signed Statement's {_CHAINS} is not a digest in hex by key id")
    return chains


def _digests(subject: Any) -> list[str]:
    """The digests of two or three subjects; every other shape is refused."""
    wanted = ", ".join(f"{name} ({algorithm})" for name, algorithm in _SUBJECTS)
    if not isinstance(subject, list) or len(subject) not in (2, 3):
        raise TrustError(f"the signed Statement's subjects are not {wanted}")
    digests = []
    for entry, (name, algorithm) in zip(subject, _SUBJECTS, strict=False):
        digest = entry.get("digest") if isinstance(entry, dict) else None
        value = digest.get(algorithm) if isinstance(digest, dict) else None
        # Keys besides these do not survive the comparison with the canonical form.
        if not isinstance(value, str) or not _DIGEST.fullmatch(value) or entry.get("name") != name:
            raise TrustError(f"the signed Statement's subjects are not {wanted}, each with its digest in hex")
        digests.append(value)
    return digests
