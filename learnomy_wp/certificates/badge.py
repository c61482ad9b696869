"""The Open Badges 3.0 credential of a certificate: a JWT whose payload is the credential (VC-JWT)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import jwt

from learnomy_wp.certificates.keys import SigningKey
from learnomy_wp.kernel import clock, ids, pages, site

CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]
CONTENT_TYPE = "application/vc+jwt"


def credential_of(row: Mapping[str, Any], *, email: str, course: Mapping[str, Any]) -> dict[str, Any]:
    """The credential as JSON. The recipient's e-mail address stands in it only as a salted hash."""
    record = site.record()
    badge: dict[str, Any] = {
        "@context": CONTEXT,
        "id": f"urn:uuid:{row['uuid']}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": row["title"],
        "issuer": {"id": record.home, "type": ["Profile"], "name": record.name or record.home, "url": record.home},
        "validFrom": clock.iso(row["issued_at"]),
        "awardedDate": clock.iso(row["issued_at"]),
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": _identifiers(row["recipient_name"], email),
            "achievement": _achievement(row, course),
        },
        "evidence": [
            {
                "id": pages.url("certificate-verify", uuid=row["uuid"]),
                "type": ["Evidence"],
                "name": "Verification by the issuer",
            }
        ],
    }
    if row["expires_at"]:
        badge["validUntil"] = clock.iso(row["expires_at"])
    return badge


def sign(badge: Mapping[str, Any], row: Mapping[str, Any], key: SigningKey) -> str:
    """The credential as a compact JWT with its registered claims, and the public key in the header."""
    claims = {"iss": badge["issuer"]["id"], "jti": badge["id"], "nbf": int(row["issued_at"].timestamp())}
    if row["expires_at"]:
        claims["exp"] = int(row["expires_at"].timestamp())
    return jwt.encode({**badge, **claims}, key.private, algorithm="EdDSA", headers={"jwk": key.jwk})


def _identifiers(name: str, email: str) -> list[dict[str, Any]]:
    identifiers: list[dict[str, Any]] = [
        {"type": "IdentityObject", "hashed": False, "identityType": "ext:name", "identityHash": name}
    ]
    if email:
        salt = ids.token_hex(8)
        hashed = hashlib.sha256(f"{email.strip().lower()}{salt}".encode()).hexdigest()
        identity = {"type": "IdentityObject", "hashed": True, "identityType": "emailAddress"}
        identifiers.append({**identity, "identityHash": f"sha256${hashed}", "salt": salt})
    return identifiers


def _achievement(row: Mapping[str, Any], course: Mapping[str, Any]) -> dict[str, Any]:
    home = site.record().home
    url = pages.url("course", slug=course["slug"]) if course["slug"] else home
    return {
        "id": f"{home}/?learnomy-achievement={row['kind']}-{row['object_id']}",
        "type": ["Achievement"],
        "achievementType": "Certificate",
        "name": row["title"],
        "description": f"Completed “{row['title']}”.",
        "criteria": {"id": url, "narrative": f"Complete “{row['title']}”."},
    }
