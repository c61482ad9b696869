"""The keys that sign certificates: Ed25519, the private ones encrypted under the site's AUTH_KEY.

They are rows of `lrn_expiring_keys` that never run out, one for each key: its public part stays for
good, in the clear, so that old certificates verify after a rotation and after a change of AUTH_KEY;
its private part is sealed, and destroyed when the next key takes over.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from marshmallow import fields, validate
from sqlalchemy import bindparam, insert, select, update

from learnomy_wp.kernel import clock, db, ids, settings, site
from wp_schema.tables import expiring_keys

SCOPE = "certificate_key"
PREFIX = "cert-"
_NEVER = datetime(4999, 12, 31, tzinfo=UTC)
_NONCE = 12

DAYS = settings.declare(
    "certificate_key_days",
    365,
    fields.Integer(
        strict=True,
        validate=validate.Range(1, 3650),
        metadata={"description": "After so many days a new key signs certificates; what older ones signed stays good."},
    ),
)

_here = expiring_keys.c.scope == SCOPE
ALL = select(expiring_keys.c.key_hash, expiring_keys.c.value).where(_here)
ONE = select(expiring_keys.c.value).where(_here, expiring_keys.c.key_hash == bindparam("kid"))
ADD = insert(expiring_keys)
RETIRE = (
    update(expiring_keys)
    .where(_here, expiring_keys.c.key_hash == bindparam("kid"))
    .values({expiring_keys.c.value: bindparam("retired")})
)


@dataclass(frozen=True)
class SigningKey:
    """The key that signs now."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def jwk(self) -> dict[str, str]:
        """Its public part as a JSON Web Key."""
        return jwk(self.kid, encode(self.private.public_key().public_bytes_raw()))

    def sign(self, message: bytes) -> str:
        """The signature of a message, base64url."""
        return encode(self.private.sign(message))


def signing_key() -> SigningKey:
    """The newest key; a new one where there is none, it is too old or cannot be read. In a unit of work only."""
    known = {row["key_hash"]: orjson.loads(row["value"]) for row in db.rows(ALL)}
    newest = max(known, key=lambda kid: str(known[kid]["created"]), default=None)
    oldest_good = clock.now() - timedelta(days=settings.get(DAYS))
    if newest is not None and datetime.fromisoformat(known[newest]["created"]) > oldest_good:
        private = _unseal(newest, known[newest])
        if private is not None:
            return SigningKey(newest, private)
    made = _make()
    for kid, entry in known.items():
        if entry.get("sealed"):
            db.execute(RETIRE, {"kid": kid, "retired": orjson.dumps({**entry, "sealed": None})})
    return made


def public_key(kid: str) -> str | None:
    """The public part of a key of this site, base64url; None for a key that is none."""
    stored = db.value(ONE, {"kid": kid})
    return str(orjson.loads(stored)["x"]) if stored is not None else None


def is_signed(message: bytes, signature: str, x: str) -> bool:
    """Whether a key signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(decode(x)).verify(decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def jwk(kid: str, x: str) -> dict[str, str]:
    """A public key as a JSON Web Key (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of `encode`. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _make() -> SigningKey:
    kid, private = PREFIX + ids.token_hex(8), Ed25519PrivateKey.generate()
    nonce = os.urandom(_NONCE)
    sealed = nonce + ChaCha20Poly1305(_wrapping_key()).encrypt(nonce, private.private_bytes_raw(), kid.encode())
    entry = {
        "x": encode(private.public_key().public_bytes_raw()),
        "created": clock.now().isoformat(),
        "sealed": encode(sealed),
    }
    db.execute(ADD, {"scope": SCOPE, "key_hash": kid, "value": orjson.dumps(entry), "counter": 0, "expires_at": _NEVER})
    return SigningKey(kid, private)


def _unseal(kid: str, entry: Mapping[str, Any]) -> Ed25519PrivateKey | None:
    """The private part; None where it was destroyed, or AUTH_KEY is another by now."""
    if not entry.get("sealed"):
        return None
    box = decode(entry["sealed"])
    try:
        plain = ChaCha20Poly1305(_wrapping_key()).decrypt(box[:_NONCE], box[_NONCE:], kid.encode())
    except InvalidTag:
        return None
    return Ed25519PrivateKey.from_private_bytes(plain)


def _wrapping_key() -> bytes:
    salt = site.current().salt("auth").encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"learnomy certificate keys 1").derive(salt)
