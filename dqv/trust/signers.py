"""Who signed, as far as it can be proved: by a trusted key, or by a key whose certificate leads to a trusted one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dqv.core.errors import TrustError
from dqv.trust import certificates, dsse
from dqv.trust.certificates import Certificate
from dqv.trust.keys import PublicKey, key_id, public_key
from dqv.trust.statement import Statement

Trusted = PublicKey | Certificate


@dataclass(frozen=True)
class Signers:
    """The signatures of an envelope, looked at.

    Attributes:
        proved: ids of the keys that signed and are trusted, ascending, at least one.
        unknown: ids that the envelope names besides; their signatures were not checked.
        certified: certificates that lead to a trusted one, by the id of a proved key.
        refused: why the certificate of a signature does not lead to a trusted one, by key id.
        now: when the certificates were looked at.
    """

    proved: tuple[str, ...]
    unknown: tuple[str, ...]
    certified: Mapping[str, Certificate]
    refused: Mapping[str, str]
    now: datetime

    def __str__(self) -> str:
        others = [
            f"{keyid} ({self.refused[keyid]})" if keyid in self.refused else keyid for keyid in self.unknown
        ]
        more = f"; not proved, no trusted key for: {', '.join(others)}" if others else ""
        return f"signed by {', '.join(self.proved)}{more}"


def prove(envelope: dsse.Envelope, trusted: Sequence[Trusted], now: datetime) -> Signers:
    """Find the trusted keys that signed.

    Args:
        envelope: well-formed.
        trusted: keys, and certificates of authorities or of signers.
        now: with time zone.

    Raises:
        TrustError: as `dsse.verify`; where no trusted key signed, it says why the certificates did not help.
    """
    anchors = [each for each in trusted if isinstance(each, Certificate)]
    keys = [each for each in trusted if not isinstance(each, Certificate)]
    held: dict[str, Certificate] = {}
    refused: dict[str, str] = {}
    for chain in [signature.chain for signature in envelope.signatures] + [(each,) for each in anchors]:
        if not chain:
            continue
        try:
            key = public_key(chain[0].spki)
        except ValueError:  # an authority's, of another algorithm: it signs no report
            continue
        try:
            certificates.validate(chain, anchors, now)
        except TrustError as error:
            refused[key_id(key)] = str(error)
        else:
            held.setdefault(key_id(key), chain[0])
            keys.append(key)
    try:
        proved = dsse.verify(envelope, list({key_id(key): key for key in keys}.values()))
    except TrustError as error:
        reasons = [refused[each.keyid] for each in envelope.signatures if each.keyid in refused]
        raise TrustError("; ".join([str(error), *reasons])) from error
    return Signers(
        proved=tuple(proved),
        unknown=tuple(each.keyid for each in envelope.signatures if each.keyid not in proved),
        certified={keyid: held[keyid] for keyid in proved if keyid in held},
        refused={keyid: why for keyid, why in refused.items() if keyid not in held},
        now=now,
    )


def certified(envelope: dsse.Envelope, stated: Statement, signers: Signers | None) -> tuple[bool | None, str]:
    """Say whose keys the proved ones are, and whether that goes with the report.

    Args:
        envelope: whose certificates are looked at.
        stated: its payload.
        signers: null: no trusted key was given.

    Returns:
        Whether it holds (null: not proved), and the words for it.

    Raises:
        TrustError: the certificates are not the ones that the Statement names; or a self-check whose signers are certified
            as other units than the applicant.
    """
    found = {each.keyid: dsse.chain_sha256(each.chain) for each in envelope.signatures if each.chain}
    if found != dict(stated.chains_sha256):
        raise TrustError(
            "the certificates beside the signatures are not the ones that the signed Statement names"
        )
    if signers is None:
        return None, "not proved: no trusted key or certificate was given"
    if not signers.certified:
        reasons = [signers.refused[keyid] for keyid in signers.proved if keyid in signers.refused]
        return None, f"not proved: {'; '.join(reasons) or 'no trusted signer has a certificate, only a key'}"
    at = signers.now.isoformat(timespec="seconds")
    told = [
        f"{keyid} is of {each.subject}, code {each.uscc or 'none'}, "
        f"valid until {each.parsed.not_valid_after_utc.date().isoformat()}"
        for keyid, each in signers.certified.items()
    ]
    words = f"{'; '.join(told)} (checked at {at}: no time of signing is proved; revocation is not checked)"
    applicant, codes = _applicant(stated.report), {each.uscc for each in signers.certified.values()} - {None}
    if applicant is None:
        return True, words
    if not codes:
        return None, f"not proved: no certificate has the applicant's code {applicant}; {words}"
    if applicant not in codes:
        raise TrustError(
            f"the report is a self-check of {applicant} and no signer is certified as that: {words}"
        )
    return True, f"{words}; the applicant of the report is among them"


def _applicant(report: dict[str, Any]) -> str | None:
    """The code of the unit that signs by itself; null where another checks, or the report names no code."""
    subject, run = report.get("subject"), report.get("run")
    if not isinstance(subject, dict) or not isinstance(run, dict) or run.get("role") != "self-check":
        return None
    code = subject.get("uscc")
    return code.upper() if isinstance(code, str) else None
