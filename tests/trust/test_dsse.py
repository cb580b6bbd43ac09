import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import TrustError
from dqv.trust import canonical, dsse, statement
from dqv.trust.keys import key_id
from dqv.trust.sm2 import Sm2PrivateKey
from tests.trust.made import certificate, name

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
TRUSTED = [KEY.public_key()]
REPORT = {"verdict": "no_clause_fails", "evidence": []}
PAYLOAD = statement.build(REPORT, report_sha256="a" * 64, manifest_sha256="b" * 64, bound=None)
ENVELOPE = dsse.sign(PAYLOAD, [KEY])
SM2 = Sm2PrivateKey.generate()


def whole(data: bytes) -> statement.Statement:
    envelope = dsse.open_envelope(data)
    dsse.verify(envelope, TRUSTED)
    return statement.parse(envelope.payload)


def test_pae_is_the_one_of_the_specification() -> None:
    assert dsse.pae(b"hi \xff") == b"DSSEv1 28 application/vnd.in-toto+json 4 hi \xff"


def test_what_is_signed_verifies() -> None:
    assert whole(ENVELOPE).report == REPORT


def test_the_same_keys_give_the_same_envelope() -> None:
    assert dsse.sign(PAYLOAD, [KEY, OTHER]) == dsse.sign(PAYLOAD, [OTHER, KEY, OTHER])


@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_every_changed_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(ENVELOPE)
    data[place] ^= change
    with pytest.raises(TrustError):
        whole(bytes(data))


@given(st.integers(0, len(ENVELOPE)), st.binary(min_size=1, max_size=3))
def test_every_inserted_byte_is_noticed(place: int, more: bytes) -> None:
    with pytest.raises(TrustError):
        whole(ENVELOPE[:place] + more + ENVELOPE[place:])


@given(st.integers(0, len(ENVELOPE) - 1))
def test_truncation_is_noticed(length: int) -> None:
    with pytest.raises(TrustError):
        whole(ENVELOPE[:length])


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        dsse.open_envelope(data)


def every_change_is_noticed(data: bytes, trusted: list[Any]) -> None:
    """At each place the lowest bit, and the one that turns a letter's case."""
    for place in range(len(data)):
        for change in (1, 0x20):
            other = bytearray(data)
            other[place] ^= change
            with pytest.raises(TrustError):
                dsse.verify(dsse.open_envelope(bytes(other)), trusted)


def test_a_change_at_any_place_is_noticed() -> None:
    every_change_is_noticed(ENVELOPE, TRUSTED)


def test_a_change_at_any_place_is_noticed_with_sm2() -> None:
    every_change_is_noticed(dsse.sign(b"{}", [SM2]), [SM2.public_key()])


def test_a_change_at_any_place_is_noticed_with_two_signatures() -> None:
    every_change_is_noticed(dsse.sign(b"{}", [SM2, KEY]), [SM2.public_key(), *TRUSTED])


def changed(**fields: Any) -> bytes:
    return canonical.dump(json.loads(ENVELOPE) | fields, "it")


SIGNATURE = json.loads(ENVELOPE)["signatures"][0]
CERTIFICATE = certificate(KEY, OTHER, issuer=name(common="Root"))
X5C, FOREIGN = (base64.b64encode(each.der).decode() for each in (CERTIFICATE, certificate(OTHER, OTHER)))
SECOND = json.loads(dsse.sign(PAYLOAD, [OTHER]))["signatures"][0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[]", "keys payload"),
        (changed(extra=1), "keys payload"),
        (b'{"payload":"",' + ENVELOPE[1:], "twice"),
        (ENVELOPE.replace(b'"payloadType"', b'"x":NaN,"payloadType"'), "NaN"),
        (ENVELOPE + b"\n", "canonical"),
        (ENVELOPE.replace(b'":', b'": '), "canonical"),
        (changed(payloadType="application/json"), "payloadType"),
        (changed(payload=1), "payload is not base64"),
        (changed(payload="a"), "payload is not base64"),
        (changed(payload="é"), "payload is not base64"),
        (changed(payload="YR=="), "canonical"),
        (changed(payload="YQ==\n"), "base64"),
        (changed(payload="_-8="), "base64"),
        (changed(signatures=[]), "1 to 16 signatures"),
        (changed(signatures=[SIGNATURE] * 17), "1 to 16 signatures"),
        (changed(signatures={}), "1 to 16 signatures"),
        (changed(signatures=["x"]), "keyid and sig"),
        (changed(signatures=[{"sig": SIGNATURE["sig"]}]), "keyid and sig"),
        (changed(signatures=[SIGNATURE | {"cert": []}]), "keyid and sig"),
        (changed(signatures=[SIGNATURE | {"keyid": ""}]), "64 hex digits"),
        (changed(signatures=[SIGNATURE | {"keyid": 1}]), "64 hex digits"),
        (changed(signatures=[SIGNATURE, SIGNATURE]), "ascending"),
        (changed(signatures=[SIGNATURE | {"x5c": []}]), "1 to 8 certificates"),
        (changed(signatures=[SIGNATURE | {"x5c": {}}]), "1 to 8 certificates"),
        (changed(signatures=[SIGNATURE | {"x5c": [X5C] * 9}]), "1 to 8 certificates"),
        (changed(signatures=[SIGNATURE | {"x5c": [1]}]), "x5c is not base64"),
        (changed(signatures=[SIGNATURE | {"x5c": ["YQ=="]}]), "not an X.509 certificate"),
        (changed(signatures=[SIGNATURE | {"x5c": [X5C + "\n"]}]), "base64"),
        (changed(signatures=[SIGNATURE | {"x5c": [FOREIGN]}]), "for another key"),
        (changed(signatures=sorted([SIGNATURE, SECOND], key=lambda s: s["keyid"])[::-1]), "ascending"),
    ],
)
def test_any_other_envelope_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(TrustError, match=said):
        dsse.open_envelope(data)


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsse, "MAX_ENVELOPE_BYTES", len(ENVELOPE))
    dsse.open_envelope(ENVELOPE)
    monkeypatch.setattr(dsse, "MAX_ENVELOPE_BYTES", len(ENVELOPE) - 1)
    with pytest.raises(TrustError, match="larger"):
        dsse.open_envelope(ENVELOPE)
    with pytest.raises(TrustError, match="more than"):
        dsse.sign(PAYLOAD, [KEY])


def test_one_trusted_signature_of_two_is_enough() -> None:
    envelope = dsse.open_envelope(dsse.sign(PAYLOAD, [KEY, OTHER]))
    assert dsse.verify(envelope, TRUSTED) == [key_id(KEY.public_key())]
    assert len(dsse.verify(envelope, [OTHER.public_key(), *TRUSTED])) == 2


@pytest.mark.parametrize("trusted", [[], [OTHER.public_key()]])
def test_an_untrusted_signer_is_refused(trusted: list[Any]) -> None:
    with pytest.raises(TrustError, match="none of the trusted keys"):
        dsse.verify(dsse.open_envelope(ENVELOPE), trusted)


def test_a_signature_under_another_name_is_refused() -> None:
    data = changed(signatures=[SIGNATURE | {"keyid": SECOND["keyid"]}])
    with pytest.raises(TrustError, match="stands under the id"):
        dsse.verify(dsse.open_envelope(data), TRUSTED)


def test_one_false_trusted_signature_spoils_the_others() -> None:
    false = SECOND | {"sig": base64.b64encode(bytes(64)).decode()}
    data = changed(signatures=sorted([SIGNATURE, false], key=lambda s: s["keyid"]))
    with pytest.raises(TrustError, match="does not hold"):
        dsse.verify(dsse.open_envelope(data), [*TRUSTED, OTHER.public_key()])


def test_signing_needs_a_key() -> None:
    with pytest.raises(ValueError, match="1 to 16"):
        dsse.sign(PAYLOAD, [])


def test_ed25519_and_sm2_sign_one_envelope() -> None:
    envelope = dsse.open_envelope(dsse.sign(PAYLOAD, [SM2, KEY]))
    both = sorted(key_id(key.public_key()) for key in (SM2, KEY))
    assert dsse.verify(envelope, [SM2.public_key(), KEY.public_key()]) == both
    assert dsse.verify(envelope, [SM2.public_key()]) == [key_id(SM2.public_key())]


def test_certificates_travel_beside_their_signature() -> None:
    keyid = key_id(KEY.public_key())
    envelope = dsse.open_envelope(dsse.sign(PAYLOAD, [SM2, KEY], {keyid: (CERTIFICATE,)}))
    assert {each.keyid: [one.der for one in each.chain] for each in envelope.signatures} == {
        keyid: [CERTIFICATE.der],
        key_id(SM2.public_key()): [],
    }
