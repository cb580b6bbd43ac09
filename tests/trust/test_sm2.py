import ctypes.util
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.core.errors import UsageError
from dqv.trust import keys, sm2
from dqv.trust.sm2 import Sm2PrivateKey, Sm2PublicKey

PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
X = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
Y = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA

KEY = Sm2PrivateKey.generate()
PUBLIC = KEY.public_key()
MESSAGE = b"DSSEv1 4 kind 7 payload"
SIGNATURE = KEY.sign(MESSAGE)
N = sm2._N
few = settings(max_examples=60)  # the arithmetic takes some 15 ms


def holds(key: Sm2PublicKey, signature: bytes, message: bytes) -> bool:
    """What libcrypto says, and the arithmetic must say as well."""
    library = sm2._library()
    assert library is not None, "these tests need libcrypto of OpenSSL 3"
    found = sm2._holds_by_library(library, key, signature, message)
    assert sm2._holds_by_arithmetic(key, signature, message) == found
    return found


def test_the_example_of_the_standard_holds() -> None:
    """GB/T 32918.5-2017, A.2: the recommended curve, with the id that dqv always takes."""
    key = Sm2PublicKey(PREFIX + bytes.fromhex(X + Y))
    assert holds(key, encode_dss_signature(R, S), b"message digest")
    assert not holds(key, encode_dss_signature(R, S), b"message digesT")


@few
@given(st.binary(max_size=300))
def test_what_is_signed_holds_by_both(message: bytes) -> None:
    assert holds(PUBLIC, KEY.sign(message), message)


@few
@given(st.binary(max_size=40))
def test_another_message_does_not_hold(message: bytes) -> None:
    assert holds(PUBLIC, SIGNATURE, message) == (message == MESSAGE)


def test_no_byte_of_a_signature_can_be_changed() -> None:
    library = sm2._library()
    for place in range(len(SIGNATURE)):
        for change in (1, 0x80):
            data = bytearray(SIGNATURE)
            data[place] ^= change
            assert not sm2._holds_by_library(library, PUBLIC, bytes(data), MESSAGE)


@few
@given(st.integers(0, len(SIGNATURE) - 1), st.integers(1, 255))
def test_both_see_a_changed_byte(place: int, change: int) -> None:
    data = bytearray(SIGNATURE)
    data[place] ^= change
    assert not holds(PUBLIC, bytes(data), MESSAGE)


@given(st.binary(max_size=80))
def test_what_is_no_der_does_not_hold(signature: bytes) -> None:
    assert not holds(PUBLIC, signature, MESSAGE)


NUMBERS = st.sampled_from([0, 1, N - 1, N, N + 1, 2**256 - 1, 2**256, 2**300]) | st.integers(0, 2**256)


@few
@given(NUMBERS, NUMBERS)
def test_r_and_s_out_of_range_do_not_hold(r: int, s: int) -> None:
    assert not holds(PUBLIC, encode_dss_signature(r, s), MESSAGE)


def der(r: int, s: int) -> bytes:
    """As `encode_dss_signature`, which refuses negative numbers."""
    numbers = [each.to_bytes(each.bit_length() // 8 + 1, signed=True) for each in (r, s)]
    body = b"".join(b"\x02" + bytes([len(each)]) + each for each in numbers)
    return b"\x30" + bytes([len(body)]) + body


def test_numbers_that_are_equal_modulo_the_order_do_not_hold() -> None:
    r, s = decode_dss_signature(SIGNATURE)
    assert der(r, s) == SIGNATURE
    for pair in ((r + N, s), (r, s + N), (r - N, s), (r, s - N), (r, N - r), (N - r, r)):
        assert not holds(PUBLIC, der(*pair), MESSAGE)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: data[:-1],
        lambda data: b"\x30\x81" + data[1:],  # a length that takes two bytes and needs one
        lambda data: data[:1] + bytes([data[1] + 1]) + data[2:3] + bytes([data[3] + 1]) + b"\0" + data[4:],
        lambda data: b"\x31" + data[1:],
        lambda data: b"",
    ],
)
def test_only_der_holds(change: object) -> None:
    assert callable(change)
    assert not holds(PUBLIC, change(SIGNATURE), MESSAGE)


def test_without_libcrypto_signatures_are_still_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2, "_library", lambda: None)
    PUBLIC.verify(SIGNATURE, MESSAGE)
    with pytest.raises(InvalidSignature):
        PUBLIC.verify(SIGNATURE, MESSAGE + b"x")


def test_without_libcrypto_nothing_is_signed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, _ = keys.generate(tmp_path / "me", "sm2")
    monkeypatch.setattr(sm2, "_library", lambda: None)
    with pytest.raises(UsageError, match="needs the library libcrypto of OpenSSL 3"):
        Sm2PrivateKey.generate()
    with pytest.raises(UsageError, match="needs the library libcrypto of OpenSSL 3"):
        keys.load_private(path)


def test_an_old_library_is_not_taken() -> None:
    """Loaded in a process of its own: functions of a library that is replaced keep what was said of them."""
    program = (
        "import ctypes, ctypes.util\n"
        "from dqv.trust import sm2\n"
        "class Old:\n"
        "    def __init__(self, inner): self.inner = inner\n"
        "    def __getattr__(self, name):\n"
        "        return (lambda: 0x1010117F) if name == 'OpenSSL_version_num' else getattr(self.inner, name)\n"
        "found = sm2._library()\n"
        "declared, sm2._declared = sm2._declared, lambda library: Old(declared(library))\n"
        "sm2._library.cache_clear()\n"
        "print(found is not None, sm2._library() is None)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


@pytest.mark.parametrize("name", ["libc.so.6", "no-such-library.so"])
def test_a_library_that_is_none_is_not_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: name)
    real = ctypes.CDLL
    monkeypatch.setattr(ctypes, "CDLL", lambda each: real(name if each == "libcrypto.so.3" else each))
    assert sm2._library.__wrapped__() is None


P256 = generate_private_key(SECP256R1())


@pytest.mark.parametrize(
    "der",
    [
        b"",
        PREFIX,
        PUBLIC.der[:-1],
        PUBLIC.der + b"\0",
        PUBLIC.der[:-1] + bytes([PUBLIC.der[-1] ^ 1]),  # not on the curve
        PREFIX + bytes(64),
        PREFIX + sm2._P.to_bytes(32) + PUBLIC.der[-32:],
        PREFIX[:-1] + b"\x02" + PUBLIC.der[-64:],
        P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=[
        "empty",
        "no point",
        "short",
        "long",
        "off the curve",
        "origin",
        "beyond the field",
        "compressed",
        "another curve",
    ],
)
def test_only_a_point_on_the_curve_is_a_key(der: bytes) -> None:
    with pytest.raises(ValueError, match="not an SM2 key"):
        Sm2PublicKey(der)


@given(st.integers(len(PREFIX), len(PUBLIC.der) - 1), st.integers(1, 255))
def test_a_changed_key_is_off_the_curve(place: int, change: int) -> None:
    data = bytearray(PUBLIC.der)
    data[place] ^= change
    with pytest.raises(ValueError, match="not an SM2 key"):
        Sm2PublicKey(bytes(data))


@pytest.mark.parametrize("passphrase", [None, b"correct horse", "密码".encode(), b"x" * 1000])
def test_a_written_key_is_read_back(passphrase: bytes | None) -> None:
    pem = KEY.pem(passphrase)
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE" if passphrase else b"-----BEGIN PRIVATE")
    read = Sm2PrivateKey.load(pem, passphrase)
    assert read.public_key() == PUBLIC
    PUBLIC.verify(read.sign(b"again"), b"again")


@pytest.mark.parametrize("passphrase", [None, b"", b"wrong"])
def test_an_encrypted_key_needs_its_passphrase_and_asks_nobody(passphrase: bytes | None) -> None:
    with pytest.raises(ValueError, match="not with this passphrase"):
        Sm2PrivateKey.load(KEY.pem(b"right"), passphrase)


@pytest.mark.parametrize("cut", [0, 30, 120])
def test_what_is_no_private_key_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="not a private key"):
        Sm2PrivateKey.load(KEY.pem(None)[:cut], None)


def test_a_private_key_of_another_curve_is_refused() -> None:
    pem = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="not an SM2 key"):
        Sm2PrivateKey.load(pem, None)
