"""What a certificate states, signed: the facts as canonical JSON, and whether a row still says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from learnomy_wp.certificates import keys
from learnomy_wp.certificates.keys import SigningKey
from learnomy_wp.kernel import clock, site

Row = Mapping[str, Any]


def facts_of(row: Row) -> dict[str, Any]:
    """What of a certificate's row is signed."""
    return {
        "uuid": row["uuid"],
        "recipient": row["recipient_name"],
        "title": row["title"],
        "kind": row["kind"],
        "object_id": row["object_id"],
        "completion_no": row["completion_no"],
        "issued_at": clock.iso(row["issued_at"]),
        "expires_at": clock.iso(row["expires_at"]) if row["expires_at"] else None,
    }


def payload_of(row: Row, key: SigningKey) -> dict[str, Any]:
    """What is signed of a new certificate: its facts, who issued it, and the public key."""
    record = site.record()
    issuer = {"id": record.home, "name": record.name}
    return {"version": 1, **facts_of(row), "issuer": issuer, "key": {"kid": key.kid, "x": key.jwk["x"]}}


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: JSON in UTF-8, keys sorted, no white space."""
    return orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)


def is_genuine(row: Row) -> bool:
    """Whether a key of this site signed what the row says now."""
    payload, signature = row["payload"], row["signature"]
    if not isinstance(payload, dict) or not signature or not row["key_id"]:
        return False
    if any(payload.get(name) != value for name, value in facts_of(row).items()):
        return False
    x = keys.public_key(row["key_id"])
    return x is not None and keys.is_signed(canonical(payload), signature, x)
