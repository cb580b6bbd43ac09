"""DSSE v1 envelopes (github.com/secure-systems-lab/dsse) in one spelling only, signed with Ed25519 or SM2.

An envelope is the RFC 8785 form of payload, payloadType and signatures (each keyid, sig and, where the signer has a
certificate, x5c), the signatures in ascending order of their key ids: equal content means equal bytes. docs/SIGNATURES.md
is the specification. What x5c holds is not signed here; the Statement has its digest.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature

from dqv.core.errors import TrustError
from dqv.trust import canonical, certificates
from dqv.trust.certificates import Certificate
from dqv.trust.keys import MAX_SIGNATURES, PrivateKey, PublicKey, key_id, public_key

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 256 * 2**20

_KEY_ID = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Signature:
    """One signature; nobody vouches for the key id, it is a hint.

    Attributes:
        chain: the certificate of the signer's key, then each the issuer of the one before; empty where there is none.
    """

    keyid: str
    sig: bytes
    chain: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """A well-formed envelope, not verified yet."""

    payload: bytes
    signatures: tuple[Signature, ...]


def pae(payload: bytes) -> bytes:
    """The pre-authentication encoding: the bytes that are signed."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(
    payload: bytes,
    keys: Sequence[PrivateKey],
    chains: Mapping[str, tuple[Certificate, ...]] | None = None,
) -> bytes:
    """Sign and return the envelope's bytes.

    Args:
        payload: the Statement's bytes; it must have the digests of the chains.
        keys: one or more; a key given twice signs once.
        chains: certificates by the id of the key that they are for.

    Raises:
        ValueError: no key, or more than MAX_SIGNATURES.
        TrustError: the envelope would be larger than anyone may read.
    """
    by_id = {key_id(key.public_key()): key for key in keys}
    if not 1 <= len(by_id) <= MAX_SIGNATURES:
        raise ValueError(f"an envelope has 1 to {MAX_SIGNATURES} signatures, not {len(by_id)}")
    message = pae(payload)
    chains = chains or {}
    signatures = tuple(
        Signature(keyid, by_id[keyid].sign(message), chains.get(keyid, ())) for keyid in sorted(by_id)
    )
    data = _encode(Envelope(payload, signatures))
    if len(data) > MAX_ENVELOPE_BYTES:
        raise TrustError(f"the envelope would have {len(data)} bytes, more than {MAX_ENVELOPE_BYTES}")
    return data


def open_envelope(data: bytes) -> Envelope:
    """Read an envelope that `sign` could have written, and no other; the signatures are not looked at.

    Raises:
        TrustError: names what does not hold.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise TrustError(f"the envelope is larger than {MAX_ENVELOPE_BYTES} bytes")
    value = canonical.load(data, "the envelope")
    if not isinstance(value, dict) or set(value) != {"payload", "payloadType", "signatures"}:
        raise TrustError("the envelope has not the keys payload, payloadType and signatures")
    if value["payloadType"] != PAYLOAD_TYPE:
        raise TrustError(f"the envelope's payloadType is not {PAYLOAD_TYPE}")
    entries = value["signatures"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_SIGNATURES:
        raise TrustError(f"the envelope has not 1 to {MAX_SIGNATURES} signatures")
    signatures = tuple(_signature(entry) for entry in entries)
    ids = [signature.keyid for signature in signatures]
    if ids != sorted(set(ids)):
        raise TrustError("the envelope's signatures are not in ascending order of their key ids, each once")
    envelope = Envelope(_decode(value["payload"], "payload"), signatures)
    # Also refuses base64 with stray bits, spaces or the other alphabet, which the decoder lets pass.
    if _encode(envelope) != data:
        raise TrustError("the envelope is not in its canonical form (RFC 8785, canonical base64)")
    return envelope


def chain_sha256(chain: Sequence[Certificate]) -> str:
    """Hex sha256 over the DER of the certificates, one after the other."""
    return hashlib.sha256(b"".join(each.der for each in chain)).hexdigest()


def verify(envelope: Envelope, trusted: Sequence[PublicKey]) -> list[str]:
    """Find who signed: every trusted key is tried on every signature, whatever its key id says.

    Returns:
        The ids of the trusted keys whose signature holds, ascending, at least one.

    Raises:
        TrustError: no trusted key signed, a signature under a trusted key's id does not hold, or a
            trusted key's signature stands under another id.
    """
    by_id = {key_id(key): key for key in trusted}
    message = pae(envelope.payload)
    signers = []
    for signature in envelope.signatures:
        holds = [keyid for keyid, key in by_id.items() if _holds(key, signature.sig, message)]
        if signature.keyid in holds:
            signers.append(signature.keyid)
        elif signature.keyid in by_id:
            raise TrustError(f"the signature of the trusted key {signature.keyid} does not hold")
        elif holds:
            raise TrustError(
                f"the signature of the trusted key {holds[0]} stands under the id {signature.keyid}"
            )
    if not signers:
        ids = ", ".join(signature.keyid for signature in envelope.signatures)
        raise TrustError(f"none of the trusted keys signed; the envelope names {ids}")
    return signers


def _holds(key: PublicKey, sig: bytes, message: bytes) -> bool:
    try:
        key.verify(sig, message)
    except InvalidSignature:
        return False
    return True


def _signature(entry: Any) -> Signature:
    if not isinstance(entry, dict) or set(entry) - {"x5c"} != {"keyid", "sig"}:
        raise TrustError("a signature of the envelope has not the keys keyid and sig, and perhaps x5c")
    if not isinstance(entry["keyid"], str) or not _KEY_ID.fullmatch(entry["keyid"]):
        raise TrustError('a keyid of the envelope is not "sha256:" with 64 hex digits')
    sig = _decode(entry["sig"], "sig")
    return Signature(entry["keyid"], sig, _chain(entry["x5c"], entry["keyid"]) if "x5c" in entry else ())


def _chain(texts: Any, keyid: str) -> tuple[Certificate, ...]:
    if not isinstance(texts, list) or not 1 <= len(texts) <= certificates.MAX_CERTIFICATES:
        raise TrustError(f"an x5c of the envelope has not 1 to {certificates.MAX_CERTIFICATES} certificates")
    try:
        chain = tuple(certificates.load(_decode(text, "x5c")) for text in texts)
        named = key_id(public_key(chain[0].spki))
    except ValueError as error:
        raise TrustError(f"an x5c of the envelope: {error}") from error
    if named != keyid:
        raise TrustError(f"the first certificate beside {keyid} is for another key")
    return chain


def _decode(text: Any, what: str) -> bytes:
    if not isinstance(text, str):
        raise TrustError(f"the envelope's {what} is not base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise TrustError(f"the envelope's {what} is not base64: {error}") from error


def _encode(envelope: Envelope) -> bytes:
    signatures: list[dict[str, Any]] = [
        {"keyid": signature.keyid, "sig": _base64(signature.sig)}
        | ({"x5c": [_base64(each.der) for each in signature.chain]} if signature.chain else {})
        for signature in envelope.signatures
    ]
    value = {"payload": _base64(envelope.payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    return canonical.dump(value, "the envelope")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
