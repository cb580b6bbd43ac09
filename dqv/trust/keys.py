"""Ed25519 keys as PEM files: PREFIX.key (PKCS #8, mode 600) and PREFIX.pub (SubjectPublicKeyInfo)."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from dqv.core.errors import UsageError
from dqv.core.files import sync_folder

_MAX_KEY_BYTES = 64 * 1024


def generate(prefix: Path) -> tuple[Path, Path]:
    """Make a key pair and write it as PREFIX.key and PREFIX.pub; nothing is ever overwritten.

    Raises:
        UsageError: one of the files is there already, or the folder cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
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


def load_private(path: Path) -> Ed25519PrivateKey:
    """Read PREFIX.key.

    Raises:
        UsageError: missing, unreadable, or not an Ed25519 private key without a password in PEM.
    """
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
        raise UsageError(f"{path} {_NOT_PRIVATE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} {_NOT_PRIVATE}")
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """Read PREFIX.pub.

    Raises:
        UsageError: missing, unreadable, or not an Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} {_NOT_PUBLIC}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} {_NOT_PUBLIC}")
    return key


def load_trusted(path: Path) -> list[Ed25519PublicKey]:
    """Read the keys a verifier trusts: one .pub file, or every *.pub of a folder, by name.

    Raises:
        UsageError: neither of these, a folder without *.pub, or a file that is not a public key.
    """
    if not path.is_dir():
        if path.suffix != ".pub":
            raise UsageError(
                f"{path} is not trusted: give a public key PREFIX.pub, or a folder of such files"
            )
        return [load_public(path)]
    try:
        files = sorted(file for file in path.iterdir() if file.suffix == ".pub")
    except OSError as error:
        raise UsageError(f"{path} cannot be listed: {error.strerror}") from error
    if not files:
        raise UsageError(f"{path} holds no *.pub file: put the trusted public keys there")
    return [load_public(file) for file in files]


def key_id(public: Ed25519PublicKey) -> str:
    """Name a key: "sha256:" and the hex sha256 of its SubjectPublicKeyInfo in DER."""
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


_NOT_PRIVATE = (
    "is not an Ed25519 private key in PEM without a password: give the PREFIX.key that `dqv keygen` wrote"
)
_NOT_PUBLIC = "is not an Ed25519 public key in PEM: give the PREFIX.pub that `dqv keygen` wrote"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES)
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}; check the path") from error
