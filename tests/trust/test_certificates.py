from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import TrustError
from dqv.trust import certificates
from dqv.trust.certificates import Certificate, coherent, load, validate
from dqv.trust.sm2 import Sm2PrivateKey
from tests.trust.made import NOW, USCC, certificate, name, usage

SIGNER, OTHER = Sm2PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
MIDDLE_KEY, ROOT_KEY = Sm2PrivateKey.generate(), Sm2PrivateKey.generate()
ROOT_NAME, MIDDLE_NAME = name(common="Root"), name(common="Middle")
ROOT = certificate(ROOT_KEY, ROOT_KEY, subject=ROOT_NAME, ca=True)
MIDDLE = certificate(
    MIDDLE_KEY, ROOT_KEY, subject=MIDDLE_NAME, issuer=ROOT_NAME, ca=True, path_length=0,
    extensions=((usage("key_cert_sign"), True),),
)  # fmt: skip
LEAF = certificate(SIGNER, MIDDLE_KEY, issuer=MIDDLE_NAME, extensions=((usage("digital_signature"), True),))
CHAIN = (LEAF, MIDDLE)


def refused(chain: tuple[Certificate, ...], said: str, *anchors: Certificate, at: Any = NOW) -> None:
    with pytest.raises(TrustError, match=said):
        validate(chain, anchors or [ROOT], at)


def test_a_chain_of_sm2_leads_to_its_root() -> None:
    assert validate(CHAIN, [ROOT], NOW) is ROOT
    assert validate((*CHAIN, ROOT), [ROOT], NOW) is ROOT
    coherent((*CHAIN, ROOT), NOW)


def test_an_authority_in_between_or_the_signer_may_be_trusted() -> None:
    assert validate(CHAIN, [MIDDLE], NOW) is MIDDLE
    assert validate((LEAF,), [MIDDLE], NOW) is MIDDLE
    assert validate((LEAF,), [LEAF], NOW) is LEAF


@pytest.mark.parametrize(
    "root_key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "p256", "p384", "rsa2048"],
)
def test_other_algorithms_of_authorities_hold(root_key: Any) -> None:
    root = certificate(root_key, root_key, subject=ROOT_NAME, ca=True)
    leaf = certificate(OTHER, root_key, issuer=ROOT_NAME)
    assert validate((leaf,), [root], NOW) is root
    other = certificate(ec.generate_private_key(ec.SECP256R1()), root_key, subject=ROOT_NAME, ca=True)
    refused((leaf,), "does not hold", other)


def test_what_is_weak_is_refused() -> None:
    small = rsa.generate_private_key(65537, 1024)
    for key, digest in ((small, None), (rsa.generate_private_key(65537, 2048), SHA224())):
        root = certificate(key, key, subject=ROOT_NAME, ca=True)
        refused((certificate(OTHER, key, issuer=ROOT_NAME, digest=digest),), "not strong", root)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW - timedelta(days=10, seconds=1), "is not valid before"),
        (NOW - timedelta(days=10), ""),
        (NOW + timedelta(days=10), ""),
        (NOW + timedelta(days=10, seconds=1), "was valid until 2026-12-09T12:00:00"),
    ],
)
def test_validity_is_inclusive(at: Any, said: str) -> None:
    if said:
        refused(CHAIN, said, at=at)
    else:
        assert validate(CHAIN, [ROOT], at) is ROOT


def test_an_expired_authority_is_refused_and_a_renewed_one_taken() -> None:
    old = certificate(ROOT_KEY, ROOT_KEY, subject=ROOT_NAME, ca=True, ends=NOW - timedelta(days=1))
    refused(CHAIN, r"CN=Root was valid until", old)
    assert validate(CHAIN, [old, ROOT], NOW) is ROOT


def middle(**changes: Any) -> Certificate:
    values = {"subject": MIDDLE_NAME, "issuer": ROOT_NAME, "ca": True, **changes}
    return certificate(values.pop("key", MIDDLE_KEY), values.pop("by", ROOT_KEY), **values)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (middle(ca=None), "no basic constraints"),
        (middle(ca=False), "CA flag is not set"),
        (middle(extensions=((usage("digital_signature"), True),)), "may not sign certificates"),
        (middle(by=SIGNER), "by CN=Root does not hold"),
        (middle(key=OTHER), "by CN=Middle does not hold"),
        (middle(subject=name(common="Else")), "names differ"),
        (middle(issuer=name(common="Else")), "leads to none of the trusted"),
        (middle(ends=NOW - timedelta(days=1)), "CN=Middle was valid until"),
        (middle(extensions=((x509.NameConstraints([x509.DNSName("a")], None), False),)), "cannot apply: 2.5.29.30"),
        (middle(extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\0"), True),)),
         "cannot apply: 1.2.3"),
    ],
)  # fmt: skip
def test_an_authority_that_may_not_is_refused(changed: Certificate, said: str) -> None:
    refused((LEAF, changed), said)


def test_an_unknown_extension_that_is_not_critical_is_allowed() -> None:
    more = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\0")
    assert validate((LEAF, middle(extensions=((more, False),))), [ROOT], NOW) is ROOT


def test_the_length_of_a_path_is_bounded() -> None:
    low = certificate(OTHER, MIDDLE_KEY, subject=name(common="Low"), issuer=MIDDLE_NAME, ca=True)
    leaf = certificate(SIGNER, OTHER, issuer=name(common="Low"))
    refused((leaf, low, MIDDLE), "may have 0 authorities below it, not 1")
    assert validate((leaf, low, middle(path_length=1)), [ROOT], NOW) is ROOT
    root = certificate(ROOT_KEY, ROOT_KEY, subject=ROOT_NAME, ca=True, path_length=0)
    refused(CHAIN, "may have 0 authorities below it, not 1", root)
    assert validate((leaf, low), [low], NOW) is low


@pytest.mark.parametrize(
    ("allowed", "may"),
    [
        (("digital_signature",), True),
        (("content_commitment",), True),
        (("key_encipherment", "key_agreement"), False),
    ],
)
def test_a_key_for_encryption_signs_nothing(allowed: tuple[str, ...], may: bool) -> None:
    leaf = certificate(SIGNER, MIDDLE_KEY, issuer=MIDDLE_NAME, extensions=((usage(*allowed), True),))
    if may:
        assert validate((leaf, MIDDLE), [ROOT], NOW) is ROOT
    else:
        refused((leaf, MIDDLE), "not for signing")
        with pytest.raises(TrustError, match="not for signing"):
            coherent((leaf,), NOW)


def test_a_signer_is_no_authority() -> None:
    """The oldest attack: whoever has any certificate issues one for another name."""
    forged = certificate(OTHER, SIGNER, subject=name(common="Bank"), issuer=name())
    refused((forged, LEAF, MIDDLE), "is no authority")
    refused((forged,), "is no authority", LEAF)


def test_without_anything_trusted_nothing_is() -> None:
    with pytest.raises(TrustError, match=r"leads to none .*issued by CN=Root"):
        validate(CHAIN, [], NOW)


@pytest.mark.parametrize("change", [1, 0x80])
def test_every_changed_byte_of_a_certificate_is_noticed(change: int) -> None:
    for place in range(len(LEAF.der)):
        data = bytearray(LEAF.der)
        data[place] ^= change
        with pytest.raises((ValueError, TrustError)):
            validate((load(bytes(data)), MIDDLE), [ROOT], NOW)


def test_unused_bits_of_a_signature_are_refused() -> None:
    """The last bit is 0 in one of these: such a certificate would have two spellings."""
    for _ in range(20):
        made = certificate(SIGNER, ROOT_KEY)
        der, place = bytearray(made.der), len(made.der) - len(made.parsed.signature) - 1
        assert der[place] == 0
        der[place] = 1
        with pytest.raises(ValueError, match="not an X"):
            load(bytes(der))


@given(st.binary(max_size=300))
def test_noise_is_no_certificate(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an X"):
        load(data)


@given(st.integers(0, len(LEAF.der) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_what_is_read_is_read_whole(place: int, more: bytes, less: int) -> None:
    try:
        found = load(LEAF.der[:place] + more + LEAF.der[place + less :])
    except ValueError:
        return
    assert found.subject.isprintable()
    assert found.uscc is None or len(found.uscc) == 18
    refused((found, MIDDLE), r"\w", OTHER_ROOT)


OTHER_ROOT = certificate(OTHER, OTHER, subject=name(common="Elsewhere"), ca=True)


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "MAX_CERTIFICATE_BYTES", len(LEAF.der))
    load(LEAF.der)
    monkeypatch.setattr(certificates, "MAX_CERTIFICATE_BYTES", len(LEAF.der) - 1)
    with pytest.raises(ValueError, match="more than"):
        load(LEAF.der)


def extension(oid: str, value: bytes) -> tuple[x509.UnrecognizedExtension, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False


ANOTHER = "91330400MA2B8N1K47"
TEXT = USCC.encode()


@pytest.mark.parametrize(
    ("parts", "extensions", "code"),
    [
        ((), (), None),
        (((NameOID.ORGANIZATION_IDENTIFIER, USCC),), (), USCC),
        (((NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{USCC}"),), (), USCC),
        (((NameOID.ORGANIZATION_IDENTIFIER, f"VATCN-{USCC}"),), (), USCC),
        (((NameOID.ORGANIZATION_IDENTIFIER, f"NTRDE-{USCC}"),), (), None),
        (((NameOID.SERIAL_NUMBER, USCC),), (), USCC),
        (((NameOID.SERIAL_NUMBER, USCC[:-1] + "7"),), (), None),  # the check character
        (((NameOID.ORGANIZATION_NAME, USCC),), (), None),
        (((NameOID.ORGANIZATIONAL_UNIT_NAME, USCC),), (), None),
        (((NameOID.SERIAL_NUMBER, f"x{USCC}"),), (), None),
        ((), (extension("1.2.156.10260.4.4", b"\x13\x12" + TEXT),), USCC),
        ((), (extension("1.2.156.10260.4.1.4", b"\x0c\x12" + TEXT),), USCC),
        ((), (extension("1.2.156.10260.4.1.4", TEXT),), USCC),
        ((), (extension("1.2.86.11.7.4", b"\x13\x12" + TEXT),), USCC),
        ((), (extension("1.2.156.10260.4.1.3", TEXT),), None),
        ((), (extension("1.2.156.10260.4.4", b"\xff\x00"),), None),
        (((NameOID.SERIAL_NUMBER, USCC),), (extension("1.2.156.10260.4.4", TEXT),), USCC),
        (((NameOID.SERIAL_NUMBER, ANOTHER),), (extension("1.2.156.10260.4.4", TEXT),), None),  # two that differ
    ],
)  # fmt: skip
def test_where_the_code_of_a_unit_is_read(parts: Any, extensions: Any, code: str | None) -> None:
    assert certificate(SIGNER, ROOT_KEY, subject=name(*parts), extensions=extensions).uscc == code


def test_a_hostile_name_is_shown_with_escapes() -> None:
    found = certificate(SIGNER, ROOT_KEY, subject=name(common="a\x1b[31m\u202eb<script>"))
    assert found.subject.isprintable()
    assert "\\x1b" in found.subject


def test_a_purpose_that_is_not_critical_is_not_looked_at() -> None:
    more = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    leaf = certificate(SIGNER, MIDDLE_KEY, issuer=MIDDLE_NAME, extensions=(more,))
    assert validate((leaf, MIDDLE), [ROOT], NOW) is ROOT
