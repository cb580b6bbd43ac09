"""X.509 certificates of signers (RFC 5280): who holds a key, as far as an authority that the verifier trusts says it.

Own path validation, for SM2 is not in `cryptography` and its `x509.verification` refuses Ed25519 end entities. What is
checked: signatures, names, validity now, CA flag, key usage, path length; critical extensions that are not known here
and name constraints are refused. What is not: revocation, extended key usage, policies.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtensionOID, NameOID, SignatureAlgorithmOID

from dqv.core.errors import TrustError
from dqv.core.uscc import well_formed
from dqv.trust.manifest import shown
from dqv.trust.sm2 import Sm2PublicKey

MAX_CERTIFICATES = 8
"""Of one signature, the signer's own among them."""
MAX_CERTIFICATE_BYTES = 64 * 1024

_SM2_WITH_SM3 = x509.ObjectIdentifier("1.2.156.10197.1.501")
_SIGNATURES = frozenset(
    {
        _SM2_WITH_SM3, SignatureAlgorithmOID.ED25519,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256, SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512, SignatureAlgorithmOID.RSASSA_PSS,
        SignatureAlgorithmOID.RSA_WITH_SHA256, SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    }
)  # fmt: skip
_KNOWN = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)  # fmt: skip
_MIN_RSA_BITS = 2048

_CODE_NAMES = (NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER)
_CODE_EXTENSIONS = frozenset(
    x509.ObjectIdentifier(each)
    for each in (
        "1.2.156.10260.4.4",  # unified social credit code, GM/T 0015-2023
        "1.2.156.10260.4.1.4",  # organisation code, GM/T 0015-2012; since 2015 the unified code stands there
        "1.2.86.11.7.4",  # the same in RSA certificates of Chinese authorities
    )
)
_SCHEME = re.compile(r"(?:NTR|VAT)CN-")
"""Before the number in an organizationIdentifier (ETSI EN 319 412-1, 5.1.4)."""


@dataclass(frozen=True)
class Certificate:
    """A certificate that could be read whole.

    Attributes:
        der: its bytes.
        parsed: idem, taken apart.
        spki: SubjectPublicKeyInfo of its key, in DER.
    """

    der: bytes
    parsed: x509.Certificate
    spki: bytes

    @property
    def subject(self) -> str:
        """Whose it is, for people; what could steer a terminal is escaped."""
        return shown(self.parsed.subject.rfc4514_string().encode())

    @property
    def uscc(self) -> str | None:
        """The unit's 统一社会信用代码; null where there is none that is well-formed, or more than one.

        Read from organizationIdentifier (2.5.4.97, with or without `NTRCN-`) and serialNumber (2.5.4.5) of the subject
        and from the extensions of GM/T 0015; never out of the midst of another text.
        """
        texts = [
            _SCHEME.sub("", str(each.value), count=1)
            for name in _CODE_NAMES
            for each in self.parsed.subject.get_attributes_for_oid(name)
        ]
        for each in self.parsed.extensions:
            if each.oid in _CODE_EXTENSIONS and isinstance(each.value, x509.UnrecognizedExtension):
                value = each.value.value
                inner = (
                    value[2:] if len(value) > 2 and value[1] == len(value) - 2 else value
                )  # a string in DER
                texts.append(inner.decode("ascii", "replace"))
        codes = {text.strip().upper() for text in texts} - {""}
        found = [code for code in codes if well_formed(code)]
        return found[0] if len(found) == 1 else None


def load(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        ValueError: too large, or not an X.509 v3 certificate that can be read whole.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise ValueError(f"a certificate has more than {MAX_CERTIFICATE_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what `cryptography` tolerates for now
            parsed = x509.load_der_x509_certificate(der)
            # Read now what is read lazily, so that nothing breaks later.
            _ = parsed.version, parsed.subject, parsed.issuer, parsed.extensions, parsed.serial_number
            _ = parsed.not_valid_before_utc, parsed.not_valid_after_utc, parsed.signature
            _ = [name.rfc4514_string().encode() for name in (parsed.subject, parsed.issuer)]
            spki = _spki(der, parsed)
    except (
        ValueError, TypeError, IndexError, UnsupportedAlgorithm, Warning, x509.DuplicateExtension, x509.InvalidVersion,
    ) as error:  # fmt: skip
        raise ValueError("not an X.509 certificate that can be read") from error
    return Certificate(der, parsed, spki)


def validate(chain: Sequence[Certificate], anchors: Sequence[Certificate], now: datetime) -> Certificate:
    """Follow a chain to a certificate that is trusted.

    Args:
        chain: the signer's certificate, then each the issuer of the one before; what stands behind the first that a
            trusted certificate issued is not needed and not looked at.
        anchors: trusted certificates, of authorities or of signers.
        now: with time zone. There is no trusted time of signing, so all must be valid when they are verified.

    Returns:
        The trusted certificate that the chain leads to.

    Raises:
        TrustError: says which certificate does not hold, and why.
    """
    _may_sign(chain[0])
    refused: TrustError | None = None
    for place, certificate in enumerate(chain):
        _valid(certificate, now)
        if any(certificate.der == anchor.der for anchor in anchors):
            return certificate
        for issuer in (each for each in anchors if each.parsed.subject == certificate.parsed.issuer):
            try:
                _valid(issuer, now)
                _issued(certificate, issuer, place)
            except TrustError as error:  # another with the same name may hold: a renewed one
                refused = error
            else:
                return issuer
        if place + 1 < len(chain):
            _issued(certificate, chain[place + 1], place)
    raise refused or TrustError(
        f"the certificate of {chain[0].subject} leads to none of the trusted certificates "
        f"(the last one was issued by {shown(chain[-1].parsed.issuer.rfc4514_string().encode())})"
    )


def coherent(chain: Sequence[Certificate], now: datetime) -> None:
    """Check what can be checked of a chain without trusting anyone: that it will not fail for its own fault.

    Raises:
        TrustError: says which certificate does not hold, and why.
    """
    _may_sign(chain[0])
    for place, certificate in enumerate(chain):
        _valid(certificate, now)
        if place:
            _issued(chain[place - 1], certificate, place - 1)


def _valid(certificate: Certificate, now: datetime) -> None:
    """What must hold for each certificate by itself."""
    who, parsed = f"the certificate of {certificate.subject}", certificate.parsed
    if now < parsed.not_valid_before_utc:
        raise TrustError(f"{who} is not valid before {parsed.not_valid_before_utc.isoformat()}")
    if now > parsed.not_valid_after_utc:
        raise TrustError(f"{who} was valid until {parsed.not_valid_after_utc.isoformat()} and is not now")
    for extension in parsed.extensions:
        if extension.oid == ExtensionOID.NAME_CONSTRAINTS or (
            extension.critical and extension.oid not in _KNOWN
        ):
            raise TrustError(f"{who} has an extension that dqv cannot apply: {extension.oid.dotted_string}")


def _may_sign(certificate: Certificate) -> None:
    usage = _usage(certificate)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise TrustError(f"the certificate of {certificate.subject} is not for signing (key usage)")


def _issued(certificate: Certificate, issuer: Certificate, below: int) -> None:
    """Whether one issued the other; `below` counts the authorities between the issuer and the signer."""
    what = f"the certificate of {certificate.subject}"
    if certificate.parsed.issuer != issuer.parsed.subject:
        raise TrustError(f"{what} was not issued by the one after it: the names differ")
    who = f"{issuer.subject}, which issued {what},"
    try:
        constraints = issuer.parsed.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise TrustError(f"{who} is no authority: no basic constraints") from None
    if not constraints.ca:
        raise TrustError(f"{who} is no authority: its CA flag is not set")
    if constraints.path_length is not None and constraints.path_length < below:
        raise TrustError(f"{who} may have {constraints.path_length} authorities below it, not {below}")
    usage = _usage(issuer)
    if usage is not None and not usage.key_cert_sign:
        raise TrustError(f"{who} may not sign certificates (key usage)")
    if not _signature_holds(certificate, issuer):
        raise TrustError(
            f"the signature on {what} by {issuer.subject} does not hold, or is of a kind that is not strong"
        )


def _signature_holds(certificate: Certificate, issuer: Certificate) -> bool:
    parsed = certificate.parsed
    try:
        if parsed.signature_algorithm_oid not in _SIGNATURES:
            return False
        if parsed.signature_algorithm_oid == _SM2_WITH_SM3:
            Sm2PublicKey(issuer.spki).verify(parsed.signature, parsed.tbs_certificate_bytes)
            return True
        digest, key = parsed.signature_hash_algorithm, issuer.parsed.public_key()
        if digest is not None and digest.digest_size < 32:  # RSASSA-PSS names it in its parameters
            return False
        if isinstance(key, RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
            return False
        parsed.verify_directly_issued_by(issuer.parsed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _usage(certificate: Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _spki(der: bytes, parsed: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo out of a certificate (RFC 5280, 4.1): `cryptography` gives none of an SM2 key.

    Raises:
        ValueError: what stands outside the signed part has more than one spelling: another algorithm, unused bits.
    """
    tbs = _content(der, 0)
    at = _content(der, tbs)
    if der[at] == 0xA0:  # the version
        at = _end(der, at)
    algorithm = _end(der, at)  # behind serialNumber
    issuer = at = _end(der, algorithm)
    for _ in range(3):  # issuer, validity, subject
        at = _end(der, at)
    outer = _end(der, tbs)
    bits = outer + issuer - algorithm
    if der[outer:bits] != der[algorithm:issuer] or der[_content(der, bits) :] != b"\0" + parsed.signature:
        raise ValueError("the signature is not in its one form")
    return der[at : _end(der, at)]


def _content(der: bytes, at: int) -> int:
    """Where the content of an element begins; the parser has seen before that the DER is sound."""
    return at + 2 + (der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0)


def _end(der: bytes, at: int) -> int:
    begin = _content(der, at)
    return begin + (int.from_bytes(der[at + 2 : begin]) if der[at + 1] & 0x80 else der[at + 1])
