"""Keys as PEM files: PREFIX.key (PKCS #8, mode 600) and PREFIX.pub (SubjectPublicKeyInfo); Ed25519 or SM2."""

import binascii
import hashlib
import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from dqv.core.errors import TrustError, UsageError
from dqv.core.files import sync_folder
from dqv.trust import certificates
from dqv.trust.certificates import Certificate
from dqv.trust.sm2 import Sm2PrivateKey, Sm2PublicKey

PrivateKey = Ed25519PrivateKey | Sm2PrivateKey
PublicKey = Ed25519PublicKey | Sm2PublicKey
Passphrase = Callable[[Path], bytes | None]
"""Asked for the passphrase of an encrypted key file; None: there is none."""

ALGORITHMS = ("ed25519", "sm2")

MAX_SIGNATURES = 16
"""Of an envelope: each costs a pass over the payload for every trusted key."""

_MAX_FILE_BYTES = 1024 * 1024
_MAX_PASSPHRASE_BYTES = 1000
"""libcrypto reads 1024 at most."""

_SUFFIXES = (".pub", ".pem", ".crt", ".cer")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]*)-----END \1-----")


def generate(prefix: Path, algorithm: str = "ed25519", passphrase: bytes | None = None) -> tuple[Path, Path]:
    """Make a key pair and write it as PREFIX.key and PREFIX.pub; nothing is ever overwritten.

    Args:
        prefix: of both files.
        algorithm: one of ALGORITHMS.
        passphrase: encrypts PREFIX.key (PBES2 with AES-256-CBC, as `openssl` reads it); None: it is not encrypted.

    Raises:
        UsageError: another algorithm, a passphrase that cannot be used, no libcrypto for SM2, one of the files is there
            already, or the folder cannot be written.
    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"--algorithm {algorithm}: choose one of {', '.join(ALGORITHMS)}")
    key: PrivateKey
    if passphrase is not None:
        _usable(passphrase)
    if algorithm == "sm2":
        key = Sm2PrivateKey.generate()
        private_pem = key.pem(passphrase)
    else:
        key = Ed25519PrivateKey.generate()
        sealed = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
        private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
    public_pem = _pem("PUBLIC KEY", spki(key.public_key()))
    private_path, public_path = Path(f"{prefix}.key"), Path(f"{prefix}.pub")
    made: list[Path] = []
    try:
        for path, content, mode in ((private_path, private_pem, 0o600), (public_path, public_pem, 0o644)):
            # O_EXCL: a key that signed reports must not be lost; the mode holds from the first byte on.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(private_path.parent)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise UsageError(
                f"{error.filename} exists and is not overwritten: give another --out PREFIX, "
                "or move the old key away"
            ) from error
        raise UsageError(
            f"the keys {prefix}.key and {prefix}.pub cannot be written: {error.strerror}; "
            "give an --out PREFIX in a folder that exists and can be written"
        ) from error
    return private_path, public_path


def load_private(path: Path, passphrase: Passphrase | None = None) -> PrivateKey:
    """Read PREFIX.key.

    Args:
        path: PEM, encrypted or not.
        passphrase: asked only when the key is encrypted.

    Raises:
        UsageError: missing, unreadable, not an Ed25519 or SM2 private key in PEM, the passphrase is missing or wrong, or
            there is no libcrypto for an SM2 key.
    """
    pem = _read(path)
    secret = None
    if b"ENCRYPTED" in pem:
        secret = passphrase(path) if passphrase is not None else None
        if not secret:
            raise UsageError(
                f"{path} is encrypted: put its passphrase into the environment variable DQV_KEY_PASSPHRASE, "
                "or call dqv on a terminal, where it asks for it"
            )
        _usable(secret)
    try:
        key = load_pem_private_key(pem, password=secret)
    except (UnsupportedAlgorithm, ValueError, TypeError) as error:
        if isinstance(error, UnsupportedAlgorithm) or "algorithm" in str(error):
            with suppress(ValueError):  # a curve, or a cipher such as SM4, that `cryptography` does not know
                return Sm2PrivateKey.load(pem, secret)
        raise UsageError(f"{path} {_NOT_PRIVATE if secret is None else _NOT_OPENED}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} {_NOT_PRIVATE}")
    return key


@dataclass(frozen=True)
class Signing:
    """What signs a report.

    Attributes:
        keys: none: it is not signed.
        chains: by key id, the certificate of a key and those above it.
    """

    keys: tuple[PrivateKey, ...]
    chains: Mapping[str, tuple[Certificate, ...]]


def load_signing(
    keys: Sequence[Path], certificate_files: Sequence[Path], passphrase: Passphrase | None = None
) -> Signing:
    """Read the keys that sign, and the certificates that go with them.

    Args:
        keys: PREFIX.key, at most MAX_SIGNATURES.
        certificate_files: as `load_certificates`; each belongs to the key that it is for, in whatever order.
        passphrase: asked for every encrypted key.

    Raises:
        UsageError: a file cannot be used, a certificate is for none of the keys, is a second one for a key, or would not
            verify today.
    """
    if len(keys) > MAX_SIGNATURES:
        raise UsageError(f"--key: at most {MAX_SIGNATURES} keys sign a report, not {len(keys)}")
    loaded = tuple(load_private(path, passphrase) for path in keys)
    ids = {key_id(key.public_key()) for key in loaded}
    chains: dict[str, tuple[Certificate, ...]] = {}
    for path in certificate_files:
        chain = load_certificates(path)
        keyid = f"sha256:{hashlib.sha256(chain[0].spki).hexdigest()}"
        if keyid not in ids:
            raise UsageError(
                f"--certificate {path}: its first certificate is for none of the keys given with --key"
            )
        if keyid in chains:
            raise UsageError(f"--certificate {path}: another one is for the same key; give one of them")
        try:
            certificates.coherent(chain, datetime.now(UTC))
        except TrustError as error:
            raise UsageError(f"--certificate {path}: {error}") from error
        chains[keyid] = chain
    return Signing(loaded, chains)


def load_public(path: Path) -> PublicKey:
    """Read PREFIX.pub.

    Raises:
        UsageError: missing, unreadable, or not one Ed25519 or SM2 public key in PEM.
    """
    found = _load(path)
    if len(found) != 1 or isinstance(found[0], Certificate):
        raise UsageError(f"{path} {_NOT_PUBLIC}")
    return found[0]


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """Read a signer's certificate and those of the authorities above it, in this order, from one PEM file.

    Raises:
        UsageError: missing, unreadable, something else than certificates in PEM, or too many.
    """
    everything = _load(path)
    found = tuple(each for each in everything if isinstance(each, Certificate))
    if len(found) != len(everything) or len(found) > certificates.MAX_CERTIFICATES:
        raise UsageError(
            f"{path} does not hold 1 to {certificates.MAX_CERTIFICATES} certificates and nothing else: "
            "give the signer's certificate and those above it, in PEM"
        )
    return found


def load_trusted(path: Path) -> list[PublicKey | Certificate]:
    """Read what a verifier trusts: public keys and certificates, in one PEM file or all such files of a folder.

    Args:
        path: a file, or a folder, of which every *.pub, *.pem, *.crt and *.cer counts, by name.

    Raises:
        UsageError: missing, unreadable, a folder without such files, or a file with anything else in it.
    """
    if not path.is_dir():
        return _load(path)
    try:
        files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    except OSError as error:
        raise UsageError(f"{path} cannot be listed: {error.strerror}") from error
    if not files:
        raise UsageError(
            f"{path} holds no {', '.join(f'*{each}' for each in _SUFFIXES)}: put what you trust there"
        )
    return [each for file in files for each in _load(file)]


def public_key(der: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo.

    Raises:
        ValueError: not an Ed25519 or SM2 key in its one form.
    """
    try:
        return Sm2PublicKey(der)
    except ValueError:
        try:
            key = load_der_public_key(der)
        except UnsupportedAlgorithm as error:
            raise ValueError("a key of another algorithm") from error
    if not isinstance(key, Ed25519PublicKey) or spki(key) != der:
        raise ValueError("a key of another algorithm, or in another form")
    return key


def spki(public: PublicKey) -> bytes:
    """SubjectPublicKeyInfo in DER."""
    if isinstance(public, Sm2PublicKey):
        return public.der
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_id(public: PublicKey) -> str:
    """Name a key: "sha256:" and the hex sha256 of its SubjectPublicKeyInfo in DER."""
    return f"sha256:{hashlib.sha256(spki(public)).hexdigest()}"


_NOT_PRIVATE = "is not an Ed25519 or SM2 private key in PEM: give the PREFIX.key that `dqv keygen` wrote, or one of `openssl genpkey`"
_NOT_OPENED = (
    "cannot be opened with this passphrase, or is not an Ed25519 or SM2 key: check the passphrase "
    "(DQV_KEY_PASSPHRASE) and the file"
)
_NOT_PUBLIC = "is not an Ed25519 or SM2 public key in PEM: give the PREFIX.pub that `dqv keygen` wrote"
_NOT_TRUSTED = (
    "is neither an Ed25519 or SM2 public key nor a certificate in PEM: give a PREFIX.pub that `dqv keygen` wrote, or a "
    "certificate (one in DER becomes PEM by `openssl x509 -inform DER -in FILE -out FILE.pem`)"
)


def _load(path: Path) -> list[PublicKey | Certificate]:
    """Every key and certificate of a PEM file, at least one; nothing else may stand in it but text around them."""
    found: list[PublicKey | Certificate] = []
    try:
        for label, der in _blocks(_read(path)):
            found.append(public_key(der) if label == b"PUBLIC KEY" else certificates.load(der))
    except ValueError as error:
        raise UsageError(f"{path} {_NOT_TRUSTED}") from error
    if not found:
        raise UsageError(f"{path} {_NOT_TRUSTED}")
    return found


def _blocks(pem: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Label and DER of each block (RFC 7468).

    Raises:
        ValueError: a block of another kind, or one that breaks off.
    """
    found = list(_PEM.finditer(pem))
    if len(found) != pem.count(b"-----BEGIN "):
        raise ValueError("a block that breaks off")
    for block in found:
        if block[1] not in (b"PUBLIC KEY", b"CERTIFICATE"):
            raise ValueError("a block of another kind")
        try:
            yield block[1], b64decode(b"".join(block[2].split()), validate=True)
        except binascii.Error as error:
            raise ValueError("a block that is not base64") from error


def _pem(label: str, der: bytes) -> bytes:
    lines = binascii.b2a_base64(der, newline=False).decode()
    body = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


def _usable(passphrase: bytes) -> None:
    if not passphrase or len(passphrase) > _MAX_PASSPHRASE_BYTES or b"\0" in passphrase:
        raise UsageError(
            f"a passphrase has 1 to {_MAX_PASSPHRASE_BYTES} bytes and no NUL: choose another (DQV_KEY_PASSPHRASE)"
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise UsageError(
            f"the key or certificate {path} cannot be read: {error.strerror}; check the path"
        ) from error
