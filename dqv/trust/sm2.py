"""SM2 signatures with SM3 (GB/T 32918.2-2016, GM/T 0009-2012) by the system's libcrypto.

Keys and signatures are OpenSSL's: PKCS #8 and SubjectPublicKeyInfo with the named curve, a signature is the DER of
r and s. The distinguishing id is always `1234567812345678`. `cryptography` has no SM2, so libcrypto 3 is called through
ctypes. Where there is none, or one without SM2, signatures can still be verified, by the arithmetic below; signing never
falls back: it needs a nonce that does not leak through time.
"""

import ctypes
import ctypes.util
import sys
import weakref
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SM3, Hash

from dqv.core.errors import UsageError

ID = b"1234567812345678"
"""The distinguishing id of GM/T 0009-2012, 10; OpenSSL before 4 takes an empty one unless told."""

_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
"""SubjectPublicKeyInfo of a key on the named curve, up to the point (0x04, x, y)."""

_P = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
_N = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
_G = (
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)
"""GB/T 32918.5-2017, 2: field, coefficients, order of the base point, base point."""

_ITERATIONS = 600_000
"""Of PBKDF2 with HMAC-SHA256 for an encrypted private key; libcrypto's own default is 2048."""

_MISSING = (
    "signing with SM2 needs the library libcrypto of OpenSSL 3 or newer, with SM2, and none was found: install it "
    "(Debian: libssl3, macOS: brew install openssl@3), or sign with an Ed25519 key"
)

_Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""


@dataclass(frozen=True)
class Sm2PublicKey:
    """A point on the curve.

    Attributes:
        der: its SubjectPublicKeyInfo.
    """

    der: bytes

    def __post_init__(self) -> None:
        """Refuse every other form of a key.

        Raises:
            ValueError: not the named curve with an uncompressed point that lies on it.
        """
        x, y = self._point()
        known = self.der.startswith(_PREFIX + b"\x04") and len(self.der) == len(_PREFIX) + 65
        if not known or max(x, y) >= _P or (y * y - x * x * x - _A * x - _B) % _P:
            raise ValueError("not an SM2 key: a point on the curve, named and uncompressed, was expected")

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature in DER.

        Raises:
            InvalidSignature: it does not hold.
        """
        library = _library()
        if library is None:
            holds = _holds_by_arithmetic(self, signature, message)
        else:
            holds = _holds_by_library(library, self, signature, message)
        if not holds:
            raise InvalidSignature

    def _point(self) -> tuple[int, int]:
        return int.from_bytes(self.der[-64:-32]), int.from_bytes(self.der[-32:])


class Sm2PrivateKey:
    """A private key, held by libcrypto."""

    def __init__(self, pointer: int, library: Any) -> None:
        self._pointer, self._library = pointer, library
        weakref.finalize(self, library.EVP_PKEY_free, pointer)

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        """Make a key.

        Raises:
            UsageError: no libcrypto with SM2.
        """
        library, pointer = _needed(), ctypes.c_void_p()
        with ExitStack() as stack:
            context = _owned(
                stack, library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None), library.EVP_PKEY_CTX_free
            )
            _done(library.EVP_PKEY_keygen_init(context))
            _done(library.EVP_PKEY_keygen(context, ctypes.byref(pointer)))
        return cls(pointer.value or 0, library)

    @classmethod
    def load(cls, pem: bytes, passphrase: bytes | None) -> "Sm2PrivateKey":
        """Read a private key in PEM, encrypted or not.

        Raises:
            ValueError: not an SM2 key, or not with this passphrase.
            UsageError: no libcrypto with SM2.
        """
        library = _needed()
        with ExitStack() as stack:
            stack.callback(library.ERR_clear_error)  # a queue that Python's ssl may share
            bio = _owned(stack, library.BIO_new_mem_buf(pem, len(pem)), library.BIO_free)
            # Without a passphrase, the callback of libcrypto would ask for one on the terminal.
            pointer = library.PEM_read_bio_PrivateKey(bio, None, None, passphrase or b"")
        if not pointer:
            raise ValueError("not a private key in PEM, or not with this passphrase")
        key = cls(pointer, library)
        if not library.EVP_PKEY_is_a(pointer, b"SM2"):
            raise ValueError("not an SM2 key")
        return key

    def pem(self, passphrase: bytes | None) -> bytes:
        """The key as PKCS #8 in PEM; with a passphrase encrypted: PBES2, PBKDF2 (HMAC-SHA256), AES-256-CBC."""
        library = self._library
        with ExitStack() as stack:
            bio = _owned(stack, library.BIO_new(library.BIO_s_mem()), library.BIO_free)
            if passphrase is None:
                _done(library.PEM_write_bio_PKCS8PrivateKey(bio, self._pointer, None, None, 0, None, None))
            else:
                plain = _owned(stack, library.EVP_PKEY2PKCS8(self._pointer), library.PKCS8_PRIV_KEY_INFO_free)
                cipher = library.EVP_aes_256_cbc()
                sealed = library.PKCS8_encrypt(
                    -1, cipher, passphrase, len(passphrase), None, 0, _ITERATIONS, plain
                )
                _done(library.PEM_write_bio_PKCS8(bio, _owned(stack, sealed, library.X509_SIG_free)))
            buffer = ctypes.create_string_buffer(4096)
            length = library.BIO_read(bio, buffer, len(buffer))
        return buffer.raw[:length]

    def public_key(self) -> Sm2PublicKey:
        """Its public key."""
        library, place = self._library, ctypes.c_void_p()
        length = library.i2d_PUBKEY(self._pointer, ctypes.byref(place))
        try:
            return Sm2PublicKey(ctypes.string_at(place, length))
        finally:
            library.CRYPTO_free(place, None, 0)

    def sign(self, message: bytes) -> bytes:
        """Sign; the signature is the DER of r and s."""
        library = self._library
        signature, length = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
        with ExitStack() as stack:
            context = _digest(stack, library, self._pointer, library.EVP_DigestSignInit_ex)
            _done(library.EVP_DigestSign(context, signature, ctypes.byref(length), message, len(message)))
        return signature.raw[: length.value]


@cache
def _library() -> Any | None:
    """Find libcrypto of OpenSSL 3 or newer with SM2; None where there is none."""
    if sys.platform == "darwin":
        # Never by the bare name: macOS ends a process that loads its own libcrypto.
        names = [f"{place}/opt/openssl@3/lib/libcrypto.3.dylib" for place in ("/opt/homebrew", "/usr/local")]
    else:
        names = ["libcrypto.so.3", ctypes.util.find_library("crypto") or ""]
    for name in filter(None, names):
        with suppress(OSError, AttributeError):  # not there; a function is missing: LibreSSL, OpenSSL 1.1
            library = _declared(ctypes.CDLL(name))
            if library.OpenSSL_version_num() >> 28 < 3:
                continue
            context = library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
            library.EVP_PKEY_CTX_free(context)
            library.ERR_clear_error()
            if context:
                return library
    return None


def _declared(library: Any) -> Any:
    """Say what each function returns and takes: without, ctypes cuts pointers to 32 bits."""
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    for name, result, *arguments in (
        ("OpenSSL_version_num", ctypes.c_ulong),
        ("ERR_clear_error", None),
        ("CRYPTO_free", None, pointer, text, number),
        ("BIO_new", pointer, pointer),
        ("BIO_s_mem", pointer),
        ("BIO_new_mem_buf", pointer, text, number),
        ("BIO_read", number, pointer, pointer, number),
        ("BIO_free", number, pointer),
        ("EVP_PKEY_CTX_new_from_name", pointer, pointer, text, text),
        ("EVP_PKEY_CTX_new", pointer, pointer, pointer),
        ("EVP_PKEY_CTX_set1_id", number, pointer, text, number),
        ("EVP_PKEY_CTX_free", None, pointer),
        ("EVP_PKEY_keygen_init", number, pointer),
        ("EVP_PKEY_keygen", number, pointer, pointer),
        ("EVP_PKEY_is_a", number, pointer, text),
        ("EVP_PKEY_free", None, pointer),
        ("EVP_PKEY2PKCS8", pointer, pointer),
        ("EVP_aes_256_cbc", pointer),
        ("PKCS8_encrypt", pointer, number, pointer, text, number, pointer, number, number, pointer),
        ("PKCS8_PRIV_KEY_INFO_free", None, pointer),
        ("X509_SIG_free", None, pointer),
        ("PEM_read_bio_PrivateKey", pointer, pointer, pointer, pointer, text),
        ("PEM_write_bio_PKCS8PrivateKey", number, pointer, pointer, pointer, text, number, pointer, pointer),
        ("PEM_write_bio_PKCS8", number, pointer, pointer),
        ("d2i_PUBKEY", pointer, pointer, pointer, ctypes.c_long),
        ("i2d_PUBKEY", number, pointer, pointer),
        ("EVP_MD_CTX_new", pointer),
        ("EVP_MD_CTX_set_pkey_ctx", None, pointer, pointer),
        ("EVP_MD_CTX_free", None, pointer),
        ("EVP_DigestSignInit_ex", number, pointer, pointer, text, pointer, text, pointer, pointer),
        ("EVP_DigestSign", number, pointer, pointer, pointer, text, size),
        ("EVP_DigestVerifyInit_ex", number, pointer, pointer, text, pointer, text, pointer, pointer),
        ("EVP_DigestVerify", number, pointer, text, size, text, size),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _needed() -> Any:
    library = _library()
    if library is None:
        raise UsageError(_MISSING)
    return library


def _owned(stack: ExitStack, pointer: int | None, free: Any) -> int:
    """A pointer that is freed with the stack."""
    if not pointer:
        raise MemoryError("libcrypto gave nothing")
    stack.callback(free, pointer)
    return pointer


def _done(code: int) -> None:
    if code != 1:
        raise RuntimeError("libcrypto refused a call that cannot fail")


def _digest(stack: ExitStack, library: Any, key: int, init: Any) -> int:
    """A context that hashes with SM3, the id before the message, and signs or verifies with a key."""
    settings = _owned(stack, library.EVP_PKEY_CTX_new(key, None), library.EVP_PKEY_CTX_free)
    _done(library.EVP_PKEY_CTX_set1_id(settings, ID, len(ID)))
    context = _owned(stack, library.EVP_MD_CTX_new(), library.EVP_MD_CTX_free)
    library.EVP_MD_CTX_set_pkey_ctx(context, settings)
    _done(init(context, None, b"SM3", None, None, key, None))
    return context


def _holds_by_library(library: Any, key: Sm2PublicKey, signature: bytes, message: bytes) -> bool:
    with ExitStack() as stack:
        stack.callback(library.ERR_clear_error)
        place = ctypes.c_char_p(key.der)
        pointer = _owned(
            stack, library.d2i_PUBKEY(None, ctypes.byref(place), len(key.der)), library.EVP_PKEY_free
        )
        context = _digest(stack, library, pointer, library.EVP_DigestVerifyInit_ex)
        return bool(library.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1)


def _holds_by_arithmetic(key: Sm2PublicKey, signature: bytes, message: bytes) -> bool:
    """GB/T 32918.2-2016, 7.1. Nothing here is secret, so it need not take the same time for every input."""
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        return False
    if not (0 < r < _N and 0 < s < _N) or encode_dss_signature(r, s) != signature:
        return False
    point = key._point()
    first = Hash(SM3())  # the digest of who signs, 5.5
    first.update((8 * len(ID)).to_bytes(2) + ID)
    first.update(b"".join(number.to_bytes(32) for number in (_A, _B, *_G, *point)))
    second = Hash(SM3())
    second.update(first.finalize())
    second.update(message)
    e, t = int.from_bytes(second.finalize()), (r + s) % _N
    found = _sum(s, t, point) if t else None
    return found is not None and (e + found[0]) % _N == r


def _add(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return one or other
    (x, y), (u, v) = one, other
    if x == u and (y + v) % _P == 0:
        return None
    slope = (3 * x * x + _A) * pow(2 * y, -1, _P) if one == other else (v - y) * pow(u - x, -1, _P)
    w = (slope * slope - x - u) % _P
    return w, (slope * (x - w) - y) % _P


def _sum(s: int, t: int, point: _Point) -> _Point:
    """The base point times s, and a point times t, together."""
    chosen, result = (None, _G, point, _add(_G, point)), None
    for bit in reversed(range(256)):
        result = _add(_add(result, result), chosen[s >> bit & 1 | (t >> bit & 1) << 1])
    return result
