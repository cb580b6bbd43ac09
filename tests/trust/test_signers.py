"""Who signed, through whole envelopes: keys, certificates, codes of units."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID

from dqv.core.errors import TrustError
from dqv.trust import canonical, dsse, statement
from dqv.trust.certificates import Certificate
from dqv.trust.keys import key_id
from dqv.trust.signers import Trusted, certified, prove
from dqv.trust.sm2 import Sm2PrivateKey
from tests.trust.made import NOW, USCC, certificate, name

KEY, OTHER = Sm2PrivateKey.generate(), Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYID, OTHER_ID = key_id(KEY.public_key()), key_id(OTHER.public_key())
ROOT_KEY = Sm2PrivateKey.generate()
ROOT_NAME = name(common="Root")
ROOT = certificate(ROOT_KEY, ROOT_KEY, subject=ROOT_NAME, ca=True)
STRANGER = certificate(OTHER, OTHER, subject=name(common="Stranger"), ca=True)


def leaf(key: Any = KEY, code: str | None = USCC, **changes: Any) -> Certificate:
    parts = () if code is None else ((NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{code}"),)
    return certificate(key, ROOT_KEY, subject=name(*parts), issuer=ROOT_NAME, **changes)


def envelope(
    *keys: Any,
    chains: dict[str, tuple[Certificate, ...]] | None = None,
    stated: dict[str, tuple[Certificate, ...]] | None = None,
    role: str = "self-check",
    code: str | None = USCC,
) -> bytes:
    """Signed by keys; `stated` where the Statement names other certificates than the ones that are sent."""
    chains = chains or {}
    payload = statement.build(
        {"run": {"role": role}, "subject": {"uscc": code}, "evidence": []},
        report_sha256="a" * 64,
        manifest_sha256="b" * 64,
        bound=None,
        chains_sha256={
            keyid: dsse.chain_sha256(chain) for keyid, chain in (chains if stated is None else stated).items()
        },
    )
    return dsse.sign(payload, keys, chains)


def looked_at(data: bytes, *trusted: Trusted, now: datetime = NOW) -> tuple[bool | None, str]:
    """The steps about who signed, in their order."""
    opened = dsse.open_envelope(data)
    signers = prove(opened, trusted, now)
    return certified(opened, statement.parse(opened.payload), signers)


CERTIFIED = envelope(KEY, chains={KEYID: (leaf(),)})


def test_a_certificate_of_a_trusted_authority_proves_signer_and_unit() -> None:
    holds, words = looked_at(CERTIFIED, ROOT)
    assert holds
    assert f"{KEYID} is of" in words
    assert f"code {USCC}" in words
    assert (
        "valid until 2026-12-09 (checked at 2026-11-29T12:00:00+00:00: no time of signing is proved" in words
    )
    assert "revocation is not checked" in words
    assert prove(dsse.open_envelope(CERTIFIED), [ROOT], NOW).proved == (KEYID,)


def test_the_signers_own_certificate_can_be_trusted_with_or_without_being_sent() -> None:
    assert looked_at(CERTIFIED, leaf())[0], "another certificate of the same key"
    own = leaf()
    assert looked_at(envelope(KEY, chains={KEYID: (own,)}), own)[0]
    holds, words = looked_at(envelope(KEY), own)
    assert holds
    assert f"code {USCC}" in words


def test_a_trusted_key_proves_no_unit() -> None:
    holds, words = looked_at(envelope(KEY), KEY.public_key())
    assert holds is None
    assert "no trusted signer has a certificate" in words
    holds, words = looked_at(CERTIFIED, KEY.public_key())
    assert holds is None
    assert "leads to none of the trusted certificates" in words


@pytest.mark.parametrize(
    ("chain", "now", "said"),
    [
        (leaf(), NOW + timedelta(days=11), "was valid until"),
        (certificate(KEY, OTHER, issuer=name(common="Stranger")), NOW, "leads to none of the trusted"),
        (certificate(KEY, OTHER, issuer=ROOT_NAME), NOW, "does not hold"),
    ],
)
def test_a_certificate_that_leads_nowhere_proves_no_signer(
    chain: Certificate, now: datetime, said: str
) -> None:
    data = envelope(KEY, chains={KEYID: (chain,)})
    with pytest.raises(TrustError, match=rf"none of the trusted keys signed; .*{said}"):
        looked_at(data, ROOT, now=now)


@pytest.mark.parametrize(
    ("code", "role", "certified_code", "holds"),
    [
        (USCC, "self-check", USCC, True),
        (USCC.lower(), "self-check", USCC, True),
        (USCC, "self-check", None, None),
        (USCC, "self-check", "91330400MA2B8N1K47", False),
        (USCC, "verification", "91330400MA2B8N1K47", True),
        (None, "self-check", "91330400MA2B8N1K47", True),
    ],
)
def test_a_self_check_is_signed_by_its_applicant(
    code: str | None, role: str, certified_code: str | None, holds: bool | None
) -> None:
    data = envelope(KEY, chains={KEYID: (leaf(code=certified_code),)}, role=role, code=code)
    if holds is False:
        with pytest.raises(TrustError, match=f"self-check of {USCC} and no signer is certified as that"):
            looked_at(data, ROOT)
    else:
        found, words = looked_at(data, ROOT)
        assert found is holds
        assert ("is among them" in words) == (holds is True and role == "self-check" and code is not None)


def test_another_unit_may_sign_beside_the_applicant() -> None:
    second = leaf(OTHER, "91330400MA2B8N1K47")
    data = envelope(KEY, OTHER, chains={KEYID: (leaf(),), OTHER_ID: (second,)})
    holds, words = looked_at(data, ROOT)
    assert holds
    assert USCC in words
    assert "91330400MA2B8N1K47" in words


@pytest.mark.parametrize(
    ("sent", "stated"),
    [
        ({KEYID: (leaf(),)}, {}),
        ({}, {KEYID: (leaf(),)}),
        ({KEYID: (leaf(),)}, {KEYID: (leaf(code=None),)}),
        ({KEYID: (leaf(),)}, {KEYID: (leaf(), ROOT)}),
        ({KEYID: (leaf(),)}, {OTHER_ID: (leaf(),)}),
    ],
)
def test_only_the_certificates_that_were_signed_count(
    sent: dict[str, tuple[Certificate, ...]], stated: dict[str, tuple[Certificate, ...]]
) -> None:
    """Who gets a certificate for another's key must not become the signer of the other's reports."""
    opened = dsse.open_envelope(envelope(KEY, chains=sent, stated=stated))
    signers = prove(opened, [KEY.public_key(), ROOT], NOW)
    for each in (signers, None):
        with pytest.raises(TrustError, match="not the ones that the signed Statement names"):
            certified(opened, statement.parse(opened.payload), each)


def test_signatures_by_unknown_keys_are_named_and_not_proved() -> None:
    found = prove(dsse.open_envelope(envelope(KEY, OTHER)), [KEY.public_key()], NOW)
    assert (found.proved, found.unknown) == ((KEYID,), (OTHER_ID,))
    assert str(found) == f"signed by {KEYID}; not proved, no trusted key for: {OTHER_ID}"


@pytest.mark.parametrize("keyid", [KEYID, OTHER_ID], ids=["sm2", "ed25519"])
def test_a_false_signature_of_a_trusted_key_spoils_the_others(keyid: str) -> None:
    value = json.loads(envelope(KEY, OTHER, chains={KEYID: (leaf(),)}))
    wrong = next(each for each in value["signatures"] if each["keyid"] == keyid)
    wrong["sig"] = base64.b64encode(KEY.sign(b"another message")).decode()
    opened = dsse.open_envelope(canonical.dump(value, "it"))
    with pytest.raises(TrustError, match=f"trusted key {keyid} does not hold"):
        prove(opened, [ROOT, OTHER.public_key()], NOW)


def test_an_authority_of_another_algorithm_signs_no_report() -> None:
    rsa = generate_private_key(65537, 2048)
    root = certificate(rsa, rsa, subject=name(common="RSA"), ca=True)
    chain = certificate(OTHER, rsa, issuer=name(common="RSA"))
    assert looked_at(envelope(OTHER, chains={OTHER_ID: (chain,)}, code=None), root)[0]


def test_every_changed_byte_of_an_envelope_with_a_certificate_is_noticed() -> None:
    """Also where the key itself is trusted and the certificate proves nothing."""
    for trusted in ([ROOT], [KEY.public_key()]):
        for place in range(len(CERTIFIED)):
            data = bytearray(CERTIFIED)
            data[place] ^= 1
            with pytest.raises(TrustError):
                looked_at(bytes(data), *trusted)
