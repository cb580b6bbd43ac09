import hashlib
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dqv.core.errors import UsageError
from dqv.trust import keys
from dqv.trust.certificates import Certificate
from dqv.trust.sm2 import Sm2PrivateKey
from tests.trust import made


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_private_key_is_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        private, _ = keys.generate(tmp_path / "me")
    finally:
        os.umask(before)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_the_pair_is_one_pair(tmp_path: Path) -> None:
    private, public = keys.generate(tmp_path / "v1.2")
    assert (private.name, public.name) == ("v1.2.key", "v1.2.pub")
    assert keys.load_private(private).public_key() == keys.load_public(public)


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
@pytest.mark.parametrize("passphrase", [None, b"correct horse", "密码".encode()])
def test_a_pair_of_each_algorithm_signs_and_verifies(
    tmp_path: Path, algorithm: str, passphrase: bytes | None
) -> None:
    private, public = keys.generate(tmp_path / "me", algorithm, passphrase)
    assert (b"ENCRYPTED" in private.read_bytes()) == (passphrase is not None)
    key = keys.load_private(private, lambda _: passphrase)
    assert (algorithm == "sm2") == isinstance(key, Sm2PrivateKey)
    keys.load_public(public).verify(key.sign(b"message"), b"message")
    assert keys.key_id(key.public_key()) == keys.key_id(keys.load_public(public))


def test_a_passphrase_is_asked_for_an_encrypted_key_alone(tmp_path: Path) -> None:
    private, _ = keys.generate(tmp_path / "me")
    keys.load_private(private, lambda path: pytest.fail(f"asked for {path}"))


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "put its passphrase into the environment variable DQV_KEY_PASSPHRASE"),
        (b"", "put its passphrase into the environment variable DQV_KEY_PASSPHRASE"),
        (b"wrong", "cannot be opened with this passphrase"),
        (b"right\0", "no NUL"),
        (b"x" * 1001, "1 to 1000 bytes"),
    ],
)
def test_a_wrong_or_missing_passphrase_is_told(
    tmp_path: Path, algorithm: str, given: bytes | None, said: str
) -> None:
    private, _ = keys.generate(tmp_path / "me", algorithm, b"right")
    with pytest.raises(UsageError, match=said):
        keys.load_private(private, lambda _: given)


def test_nothing_is_written_without_a_usable_passphrase_or_algorithm(tmp_path: Path) -> None:
    for algorithm, passphrase in (("ed25519", b"a\0b"), ("sm2", b""), ("rsa", None), ("SM2", None)):
        with pytest.raises(UsageError):
            keys.generate(tmp_path / "me", algorithm, passphrase)
    assert list(tmp_path.iterdir()) == []


def test_key_id_is_the_digest_of_the_der(tmp_path: Path) -> None:
    public = keys.load_public(keys.generate(tmp_path / "me")[1])
    der = keys.spki(public)
    assert keys.key_id(public) == "sha256:" + hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("suffix", ["key", "pub"])
def test_no_key_file_is_overwritten(tmp_path: Path, suffix: str) -> None:
    old = tmp_path / f"me.{suffix}"
    old.write_bytes(b"old")
    with pytest.raises(UsageError, match=rf"me\.{suffix} exists .* give another --out"):
        keys.generate(tmp_path / "me")
    assert [file.name for file in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == b"old"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "me.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="exists"):
        keys.generate(tmp_path / "me")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere/me\.key .* folder that exists"):
        keys.generate(tmp_path / "nowhere" / "me")


def wrong_files(folder: Path) -> dict[str, Path]:
    """One file of each kind that is no Ed25519 key in PEM."""
    private, public = keys.generate(folder / "good")
    with_more = public.read_bytes() + b"-----BEGIN CERTIFICATE-----\n"
    ec = generate_private_key(SECP256R1())
    good = Ed25519PrivateKey.generate()
    contents = {
        "empty": b"",
        "text": b"not a key",
        "truncated": private.read_bytes()[:60],
        "ec-private": ec.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "ec-public": ec.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "password": good.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        "broken-off": with_more,
        "twice": public.read_bytes() * 2,
        "der": good.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    }
    files = {"missing": folder / "missing.pub", "folder": folder / "folder"}
    files["folder"].mkdir()
    for name, content in contents.items():
        files[name] = folder / f"{name}.pub"
        files[name].write_bytes(content)
    return files | {"private": private, "public": public}


KINDS = [
    "missing",
    "folder",
    "empty",
    "text",
    "truncated",
    "ec-private",
    "ec-public",
    "password",
    "broken-off",
    "twice",
    "der",
]


@pytest.mark.parametrize("kind", [*KINDS, "public"])
def test_only_a_private_key_is_a_private_key(tmp_path: Path, kind: str) -> None:
    path = wrong_files(tmp_path)[kind]
    with pytest.raises(UsageError, match=path.name):
        keys.load_private(path)


@pytest.mark.parametrize("kind", [*KINDS, "private"])
def test_only_a_public_key_is_a_public_key(tmp_path: Path, kind: str) -> None:
    path = wrong_files(tmp_path)[kind]
    with pytest.raises(UsageError, match=path.name):
        keys.load_public(path)


def test_a_folder_gives_its_public_keys_by_name(tmp_path: Path) -> None:
    made = [keys.load_public(keys.generate(tmp_path / name)[1]) for name in ("b", "a")]
    assert keys.load_trusted(tmp_path) == made[::-1]
    assert keys.load_trusted(tmp_path / "b.pub") == made[:1]


def test_one_file_may_hold_several_keys(tmp_path: Path) -> None:
    pems = [keys.generate(tmp_path / name, name)[1].read_bytes() for name in keys.ALGORITHMS]
    (tmp_path / "all.pem").write_bytes(b"the bureau's keys\n" + b"\n".join(pems))
    assert len(keys.load_trusted(tmp_path / "all.pem")) == 2
    assert len(keys.load_trusted(tmp_path)) == 4


@pytest.mark.parametrize("name", ["", "me.key", "missing.pub", "missing"])
def test_nothing_else_is_trusted(tmp_path: Path, name: str) -> None:
    keys.generate(tmp_path / "me")[1].unlink()
    with pytest.raises(UsageError):
        keys.load_trusted(tmp_path / name)


def test_one_bad_key_spoils_the_folder(tmp_path: Path) -> None:
    keys.generate(tmp_path / "me")
    (tmp_path / "bad.pub").write_bytes(b"")
    with pytest.raises(UsageError, match=r"bad\.pub"):
        keys.load_trusted(tmp_path)


SIGNER, AUTHORITY = Sm2PrivateKey.generate(), Ed25519PrivateKey.generate()
ROOT = made.name(common="Root")
TODAY = datetime.now(UTC)
VALID: Any = {"begins": TODAY - timedelta(days=1), "ends": TODAY + timedelta(days=1)}


def pem(*certificates: Certificate) -> bytes:
    return b"\n".join(each.parsed.public_bytes(Encoding.PEM) for each in certificates)


def own(key: Any = SIGNER, **changes: Any) -> Certificate:
    return made.certificate(key, AUTHORITY, issuer=ROOT, **{**VALID, **changes})


def authority(**changes: Any) -> Certificate:
    return made.certificate(AUTHORITY, AUTHORITY, subject=ROOT, **{"ca": True, **VALID, **changes})


def test_keys_and_certificates_are_trusted_from_one_folder(tmp_path: Path) -> None:
    keys.generate(tmp_path / "a")
    (tmp_path / "b.pem").write_bytes(pem(authority()))
    (tmp_path / "c.crt").write_bytes(b"Certificate:\n    Data:\n" + pem(own(), authority()))
    (tmp_path / "d.txt").write_bytes(b"not looked at")
    assert [isinstance(each, Certificate) for each in keys.load_trusted(tmp_path)] == [
        False,
        True,
        True,
        True,
    ]
    assert len(keys.load_trusted(tmp_path / "c.crt")) == 2


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n", own().der]
)
def test_what_is_no_certificate_in_pem_is_not_trusted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.crt").write_bytes(content)
    with pytest.raises(
        UsageError, match=r"a\.crt is neither .* nor a certificate in PEM.*openssl x509 -inform DER"
    ):
        keys.load_trusted(tmp_path)


def signing(folder: Path, *files: bytes) -> keys.Signing:
    """Two keys, the certified one last, and files of certificates."""
    other, _ = keys.generate(folder / "other")
    (folder / "me.key").write_bytes(SIGNER.pem(None))
    paths = [folder / f"{number}.pem" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return keys.load_signing([other, folder / "me.key"], paths)


def test_a_certificate_goes_with_the_key_that_it_is_for(tmp_path: Path) -> None:
    mine, root = own(), authority()
    found = signing(tmp_path, pem(mine, root))
    assert len(found.keys) == 2
    assert found.chains == {keys.key_id(SIGNER.public_key()): (mine, root)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([pem(own(AUTHORITY))], "for none of the keys given with --key"),
        ([pem(authority(), own())], "for none of the keys"),
        ([pem(own()), pem(own())], "another one is for the same key"),
        ([pem(own(ends=TODAY - timedelta(hours=1)))], "is not now"),
        ([pem(own(), own())], "names differ"),
        ([pem(own(), authority(ca=False))], "CA flag is not set"),
        ([pem(own(extensions=((made.usage("key_agreement"), True),)))], "not for signing"),
        ([pem(own(), *[authority()] * 8)], "does not hold 1 to 8 certificates"),
        ([SIGNER.pem(None)], "is neither"),
        ([b""], "is neither"),
    ],
)
def test_a_certificate_that_would_not_verify_signs_nothing(
    tmp_path: Path, files: list[bytes], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        signing(tmp_path, *files)


def test_a_key_is_no_certificate(tmp_path: Path) -> None:
    _, public = keys.generate(tmp_path / "a")
    with pytest.raises(UsageError, match="certificates and nothing else"):
        keys.load_certificates(public)


def test_so_many_keys_may_sign(tmp_path: Path) -> None:
    path, _ = keys.generate(tmp_path / "a")
    assert len(keys.load_signing([path] * keys.MAX_SIGNATURES, []).keys) == keys.MAX_SIGNATURES
    with pytest.raises(UsageError, match="at most 16 keys"):
        keys.load_signing([path] * (keys.MAX_SIGNATURES + 1), [])
