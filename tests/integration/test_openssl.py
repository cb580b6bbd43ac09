"""`openssl` and dqv read each other's keys, signatures and certificates: every command of docs/SIGNATURES.md is run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dqv.trust import dsse, keys

pytestmark = pytest.mark.integration

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "SIGNATURES.md"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]
ID = "distid:1234567812345678"


@pytest.fixture
def sh(tmp_path: Path) -> Shell:
    """Runs a script in a folder of its own; fails when any of its commands does."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
    }

    def run(script: str, *, fails: bool = False, **more: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment | more,
            capture_output=True,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    return run


def blocks(heading: str) -> list[str]:
    section = DOCUMENT.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def test_the_commands_of_the_document_do_what_it_says(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "a.jsonl").write_text('{"text": "one"}\n')
    made = [sh(block) for block in blocks("Keys and certificates made with OpenSSL")]
    assert "4  ok" in made[-1].stdout
    assert "code 913304990000000006" in made[-1].stdout
    checked = [sh(block).stdout for block in blocks("Checking by hand")]
    assert "Verified OK" in checked[1]
    assert "Signature Verified Successfully" in checked[2]
    assert "found.pem: OK" in checked[3]
    (added,) = (sh(block) for block in blocks("A signature from elsewhere"))
    assert added.stdout.count("sha256:") >= 3, "the others are named"
    for script in (checked_by for checked_by in blocks("Checking by hand")[1:3]):
        sh(f"printf x >> message; {script}", fails=True)


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
@pytest.mark.parametrize("passphrase", [None, b"secret"])
@pytest.mark.parametrize("made_by", ["dqv", "openssl"])
def test_keys_and_signatures_go_both_ways(
    sh: Shell, tmp_path: Path, algorithm: str, passphrase: bytes | None, made_by: str
) -> None:
    sealing, opening = ("-aes256 -pass pass:secret", "-passin pass:secret") if passphrase else ("", "")
    if made_by == "dqv":
        keys.generate(tmp_path / "me", algorithm, passphrase)
    else:
        sh(f"openssl genpkey -algorithm {algorithm} {sealing} -out me.key")
        sh(f"openssl pkey -in me.key {opening} -pubout -out me.pub")
    sh(f"openssl pkey -in me.key {opening} -pubout | cmp - me.pub")
    key, public = (
        keys.load_private(tmp_path / "me.key", lambda _: passphrase),
        keys.load_public(tmp_path / "me.pub"),
    )
    (tmp_path / "message").write_bytes(dsse.pae(b"{}"))
    signed, verified = {
        "ed25519": (
            "openssl pkeyutl -sign -rawin -in message -out sig",
            "openssl pkeyutl -verify -pubin -rawin -in message",
        ),
        "sm2": (
            f"openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt {ID} -in message -out sig",
            f"openssl pkeyutl -verify -pubin -rawin -digest sm3 -pkeyopt {ID} -in message",
        ),
    }[algorithm]
    sh(f"{signed} -inkey me.key {opening}")
    public.verify((tmp_path / "sig").read_bytes(), dsse.pae(b"{}"))
    (tmp_path / "sig").write_bytes(key.sign(dsse.pae(b"{}")))
    sh(f"{verified} -inkey me.pub -sigfile sig")
    (tmp_path / "message").write_bytes(dsse.pae(b"[]"))
    sh(f"{verified} -inkey me.pub -sigfile sig", fails=True)


@pytest.mark.parametrize("scheme", ["-scrypt", "-v2 aes-128-cbc -v2prf hmacWithSHA512", "-v2 sm4-cbc"])
def test_other_ways_to_encrypt_a_key_are_read(sh: Shell, tmp_path: Path, scheme: str) -> None:
    sh("openssl genpkey -algorithm SM2 -out plain.key")
    sh(f"openssl pkcs8 -topk8 -in plain.key {scheme} -passout pass:secret -out me.key")
    key = keys.load_private(tmp_path / "me.key", lambda _: b"secret")
    assert key.public_key() == keys.load_private(tmp_path / "plain.key").public_key()
