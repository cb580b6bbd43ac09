import hashlib
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from dqv.core.errors import UsageError
from dqv.trust import keys


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


def test_key_id_is_the_digest_of_the_der(tmp_path: Path) -> None:
    public = keys.load_public(keys.generate(tmp_path / "me")[1])
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
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
    ec = generate_private_key(SECP256R1())
    good = keys.load_private(private)
    contents = {
        "empty": b"",
        "text": b"not a key",
        "truncated": private.read_bytes()[:60],
        "ec-private": ec.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "ec-public": ec.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "password": good.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        "der": good.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    }
    files = {"missing": folder / "missing.pub", "folder": folder / "folder"}
    files["folder"].mkdir()
    for name, content in contents.items():
        files[name] = folder / f"{name}.pub"
        files[name].write_bytes(content)
    return files | {"private": private, "public": public}


KINDS = ["missing", "folder", "empty", "text", "truncated", "ec-private", "ec-public", "password", "der"]


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
