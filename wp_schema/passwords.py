"""Passwords as WordPress stores them: every format that one of its versions wrote, checked and made.

`$wp$2y$` (6.8 and later), plain bcrypt, argon2, phpass `$P$` and `$H$`, md5, and the `$generic$`
fast hash of Application Passwords.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Literal

import bcrypt
from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id

Style = Literal["bcrypt-wp", "phpass"]

MAX_LENGTH = 4096
BCRYPT_COST = 10
GENERIC = "$generic$"

_BCRYPT_LENGTH = 72
_FAST_HASH_KEY = b"wp_fast_hash_6.8+"
_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_ARGON2: dict[str, type[Argon2id] | type[Argon2i]] = {"argon2id": Argon2id, "argon2i": Argon2i}
_PHPASS = re.compile(r"\$[PH]\$[./A-Za-z0-9]{31}")
_PHPASS_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PHPASS_ROUNDS = range(7, 21)  # log2; WordPress writes 13, and more than 20 would take seconds
_PHPASS_WRITTEN = 13
_TRIMMED = b" \n\r\t\v\x00"


def verify(password: str, stored_hash: str) -> bool:
    """WordPress's wp_check_password(): whether this is the password of a stored `user_pass`.

    Like it, does not trim; give it what `as_posted` makes of what a person typed.
    """
    raw = _bytes(password)
    if len(stored_hash.encode()) <= 32:
        return _is_equal(hashlib.md5(raw, usedforsecurity=False).hexdigest(), stored_hash)
    if len(raw) > MAX_LENGTH:
        return False
    if stored_hash.startswith("$wp"):
        return _verify_plain(_prehashed(raw), stored_hash[3:])
    if _PHPASS.fullmatch(stored_hash):
        return _verify_phpass(raw, stored_hash)
    return _verify_plain(raw, stored_hash)


def hash_password(password: str, style: Style = "bcrypt-wp", *, cost: int = BCRYPT_COST) -> str:
    """WordPress's wp_hash_password(): as 6.8 and later write it, or as earlier versions did (`phpass`).

    A password that is too long gives `*`, which no password matches.
    """
    raw = _bytes(password)
    if style == "phpass":
        raw = raw.strip(_TRIMMED)
    if len(raw) > MAX_LENGTH:
        return "*"
    if style == "phpass":
        setting = f"$P${_PHPASS_ALPHABET[_PHPASS_WRITTEN]}{_phpass_encode(secrets.token_bytes(6))}"
        return _phpass(raw, setting)
    made = bcrypt.hashpw(_prehashed(raw.strip(_TRIMMED)), bcrypt.gensalt(cost)).decode()
    return f"$wp$2y${made[4:]}"


def needs_rehash(stored_hash: str, style: Style = "bcrypt-wp", *, cost: int = BCRYPT_COST) -> bool:
    """Whether WordPress would store the password anew at a login: wp_password_needs_rehash().

    Versions before 6.8 (`phpass`) do so for md5 only.
    """
    if style == "phpass":
        return len(stored_hash) <= 32
    return not (stored_hash.startswith(f"$wp$2y${cost:02d}$") and _BCRYPT.fullmatch(stored_hash[3:]))


def is_known(stored_hash: str) -> bool:
    """Whether `verify` can judge this hash; a plugin's own format is for WordPress to judge."""
    plain = stored_hash.removeprefix("$wp")
    return bool(
        len(stored_hash) <= 32
        or _PHPASS.fullmatch(stored_hash)
        or _BCRYPT.fullmatch(plain)
        or _argon2_name(plain) in _ARGON2
    )


def as_posted(password: str) -> str:
    """What WordPress's forms make of a typed password before it is hashed or checked.

    $_POST is slashed (wp_magic_quotes) and wp_authenticate() trims, so the hash of `it's` is that
    of `it\\'s`. Its REST API and XML-RPC slash as well.
    """
    slashed = re.sub(r"(['\"\\])", r"\\\1", password).replace("\0", "\\0")
    return slashed.strip(_TRIMMED.decode())


def fast_hash(message: str) -> str:
    """WordPress's wp_fast_hash() (6.8 and later), for secrets with enough entropy of their own."""
    digest = hashlib.blake2b(_bytes(message), digest_size=30, key=_FAST_HASH_KEY).digest()
    return GENERIC + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def verify_fast_hash(message: str, stored_hash: str) -> bool:
    """Whether `stored_hash` is the `$generic$` hash of the message."""
    return _is_equal(fast_hash(message), stored_hash)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _is_equal(made: str, stored: str) -> bool:
    return hmac.compare_digest(made.encode(), stored.encode())


def _prehashed(raw: bytes) -> bytes:
    return base64.b64encode(hmac.digest(b"wp-sha384", raw, "sha384"))


def _verify_plain(raw: bytes, stored_hash: str) -> bool:
    """PHP's password_verify() for the algorithms that WordPress can be told to use."""
    if _BCRYPT.fullmatch(stored_hash):
        # PHP ends a bcrypt password at a null byte and cuts it at 72; the library does neither.
        return bcrypt.checkpw(raw.partition(b"\0")[0][:_BCRYPT_LENGTH], stored_hash.encode())
    algorithm = _ARGON2.get(_argon2_name(stored_hash))
    if algorithm is None:
        return False
    try:
        algorithm.verify_phc_encoded(raw, stored_hash)
    except (InvalidKey, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _argon2_name(stored_hash: str) -> str:
    return stored_hash[1:].partition("$")[0] if stored_hash.startswith("$argon2") else ""


def _verify_phpass(raw: bytes, stored_hash: str) -> bool:
    return _is_equal(_phpass(raw, stored_hash), stored_hash)


def _phpass(raw: bytes, setting: str) -> str:
    """PasswordHash::crypt_private(): salted md5, repeated; `*` for a number of rounds out of range."""
    rounds = _PHPASS_ALPHABET.find(setting[3])
    if rounds not in _PHPASS_ROUNDS:
        return "*"
    digest = hashlib.md5(setting[4:12].encode() + raw, usedforsecurity=False).digest()
    for _ in range(1 << rounds):
        digest = hashlib.md5(digest + raw, usedforsecurity=False).digest()
    return setting[:12] + _phpass_encode(digest)


def _phpass_encode(raw: bytes) -> str:
    """phpass's base 64: little-endian groups of three bytes."""
    encoded = []
    for start in range(0, len(raw), 3):
        group = raw[start : start + 3]
        number = int.from_bytes(group, "little")
        encoded += [_PHPASS_ALPHABET[number >> shift & 0x3F] for shift in range(0, 6 * (len(group) + 1), 6)]
    return "".join(encoded)
