"""Certificates for tests, of any key that dqv knows; SM2 among them, which `cryptography` does not build."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from dqv.trust.certificates import Certificate, load
from dqv.trust.sm2 import Sm2PrivateKey

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
USCC = "913304990000000006"

_P256 = generate_private_key(SECP256R1())
_ECDSA_SHA256, _SM2_SM3 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a811ccf55018375")


def name(*parts: tuple[x509.ObjectIdentifier, str], common: str = "Signer") -> x509.Name:
    pairs = [(NameOID.COMMON_NAME, common), *parts]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])


def usage(*allowed: str) -> x509.KeyUsage:
    kinds = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign "
        "crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{kind: kind in allowed for kind in kinds.split()})


def certificate(
    key: Any,
    issuer_key: Any,
    *,
    subject: x509.Name | None = None,
    issuer: x509.Name | None = None,
    ca: bool | None = None,
    path_length: int | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    begins: datetime = NOW - timedelta(days=10),
    ends: datetime = NOW + timedelta(days=10),
    digest: Any = None,
) -> Certificate:
    """A certificate of a private key, issued by the holder of another.

    SM2 keys and signatures are put into the place of those of P-256, whose DER has the same lengths.
    """
    subject = subject or name()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key((_P256 if isinstance(key, Sm2PrivateKey) else key).public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    by_sm2 = isinstance(issuer_key, Sm2PrivateKey)
    signer = _P256 if by_sm2 else issuer_key
    if digest is None and hasattr(signer, "key_size"):  # all but Ed25519
        digest = SHA256()
    built = builder.sign(signer, digest)
    if not by_sm2 and not isinstance(key, Sm2PrivateKey):
        return load(built.public_bytes(Encoding.DER))
    tbs, signature = built.tbs_certificate_bytes, built.signature
    if isinstance(key, Sm2PrivateKey):
        spki = _P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        tbs = tbs.replace(spki, key.public_key().der)
    if by_sm2:
        tbs = tbs.replace(_ECDSA_SHA256, _SM2_SM3, 1)
        signature, algorithm = issuer_key.sign(tbs), _SM2_SM3
    elif isinstance(signer, EllipticCurvePrivateKey):
        raise NotImplementedError("an SM2 key in a certificate signed with ECDSA")
    else:
        signature, algorithm = signer.sign(tbs), bytes.fromhex("06032b6570")  # Ed25519
    return load(_der(0x30, tbs + _der(0x30, algorithm) + _der(0x03, b"\0" + signature)))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content
