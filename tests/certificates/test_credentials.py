"""Signatures and Open Badges: what others' code accepts, and what it must not.

The credential is judged by openbadgeslib, which is not ours, with the key that the issuer publishes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier
from sqlalchemy import select

from learnomy_wp.certificates import keys
from learnomy_wp.kernel import db, site
from tests.certificates.academy import Academy, file_of
from tests.courses.school import made
from wp_schema.tables import expiring_keys


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def credential(academy: Academy, certificate_id: int) -> str:
    answer, content = file_of(academy.as_("student"), f"/certificates/{certificate_id}/credential")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/vc+jwt")
    assert "no-store" in answer.headers["Cache-Control"]
    return content.decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    return json.loads(unpacked(head)), json.loads(unpacked(body))


def verifier(academy: Academy, uuid: str) -> OB3Verifier:
    """Of the key that the issuer publishes at the public address of a certificate."""
    published = academy.verify(uuid)["public_key"]
    return OB3Verifier(Ed25519PublicKey.from_public_bytes(unpacked(published["x"])))


def test_another_library_accepts_the_credential(academy: Academy) -> None:
    found = academy.certified(title="Астрономия 天文学", certificate_days=10)
    token = credential(academy, found["id"])
    accepted = verifier(academy, found["uuid"]).verify(token)
    head, body = parts(token)
    assert head["jwk"] == academy.verify(found["uuid"])["public_key"]
    assert accepted.issuer.id == body["iss"] == "http://learnomy.test"
    assert body["id"] == body["jti"] == f"urn:uuid:{found['uuid']}"
    assert (body["validFrom"], body["validUntil"]) == (found["issued_at"], found["expires_at"])
    subject = body["credentialSubject"]
    assert subject["achievement"]["name"] == body["name"] == "Астрономия 天文学"
    name, address = subject["identifier"]
    assert (name["identityHash"], name["hashed"]) == ("Student", False)
    expected = hashlib.sha256(f"student@example.test{address['salt']}".encode()).hexdigest()
    assert (address["identityHash"], address["identityType"]) == (f"sha256${expected}", "emailAddress")
    assert "student@example.test" not in json.dumps(body)
    assert body["evidence"][0]["id"] == found["verify_url"]


def test_it_does_not_accept_what_was_tampered_with(academy: Academy) -> None:
    found = academy.certified()
    token = credential(academy, found["id"])
    judge = verifier(academy, found["uuid"])
    judge.verify(token)
    head, body, signature = token.split(".")
    changed = json.loads(unpacked(body))
    changed["credentialSubject"]["identifier"][0]["identityHash"] = "Somebody Else"
    forged = packed(json.dumps(changed).encode())
    stranger = Ed25519PrivateKey.generate()
    resigned = packed(stranger.sign(f"{head}.{forged}".encode()))
    nothing = packed(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    for wrong in (
        f"{head}.{forged}.{signature}",
        f"{head}.{forged}.{resigned}",
        f"{nothing}.{body}.",
        f"{head}.{body}.{packed(bytes(64))}",
        f"{head}.{body}.{signature[:-4]}",
    ):
        with pytest.raises(OB3VerificationError):
            judge.verify(wrong)


def test_it_does_not_accept_what_has_run_out(academy: Academy) -> None:
    found = academy.certified(certificate_days=2)
    token = credential(academy, found["id"])
    judge = verifier(academy, found["uuid"])
    judge.verify(token)
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(days=2, hours=1), tick=False),
        pytest.raises(OB3VerificationError, match="expired"),
    ):
        judge.verify(token)


def test_anybody_can_check_the_signature(academy: Academy) -> None:
    found = academy.certified()
    told = academy.verify(found["uuid"].upper())
    assert (told["status"], told["is_signature_valid"], told["recipient_name"]) == ("valid", True, "Student")
    key = Ed25519PublicKey.from_public_bytes(unpacked(told["public_key"]["x"]))
    key.verify(unpacked(told["signature"]), told["payload"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(unpacked(told["signature"]), told["payload"].replace("Student", "Another").encode())
    stated = json.loads(told["payload"])
    assert (stated["uuid"], stated["recipient"], stated["title"]) == (found["uuid"], "Student", found["title"])
    assert stated["key"]["x"] == told["public_key"]["x"]
    assert str(academy.ids["student"]) not in (str(value) for value in stated.values())


@pytest.mark.parametrize(
    "changed",
    [
        {"recipient_name": "Somebody Else"},
        {"title": "Brain surgery"},
        {"expires_at": datetime(2999, 1, 1, tzinfo=UTC)},
        {"issued_at": datetime(2001, 1, 1, tzinfo=UTC)},
        {"object_id": 4711},
        {"signature": packed(bytes(64))},
        {"signature": "no base64!"},
        {"key_id": "cert-0000000000000000"},
        {"payload": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_record_that_was_tampered_with_is_unknown(academy: Academy, changed: dict[str, Any]) -> None:
    found = academy.certified()
    academy.change(found["id"], **changed)
    told = academy.verify(found["uuid"])
    assert (told["status"], told["is_signature_valid"]) == ("unknown", False)
    assert {value for name, value in told.items() if name not in ("uuid", "status", "is_signature_valid")} == {None}


def test_a_signed_lie_of_another_key_is_unknown(academy: Academy) -> None:
    """Who writes into the table, but holds no key of the site, makes no certificate."""
    found = academy.certified()
    stored = academy.stored(found["id"])
    stranger = keys.SigningKey(stored["key_id"], Ed25519PrivateKey.generate())
    payload = {**stored["payload"], "recipient": "A Liar", "key": {"kid": stranger.kid, "x": stranger.jwk["x"]}}
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    academy.change(found["id"], recipient_name="A Liar", payload=payload, signature=stranger.sign(text))
    assert academy.verify(found["uuid"])["status"] == "unknown"


@pytest.mark.parametrize("uuid", ["7d1f6c1e-0000-4000-8000-000000000000", "x", "1", "%00", "%F0%9F%98%80", "a" * 500])
def test_what_was_never_issued_is_unknown(academy: Academy, uuid: str) -> None:
    told = academy.verify(uuid)
    assert (told["status"], told["is_signature_valid"]) == ("unknown", None)


# --- the keys ----------------------------------------------------------------------------


def stored_keys(academy: Academy) -> dict[str, dict[str, Any]]:
    wanted = select(expiring_keys).where(expiring_keys.c.scope == keys.SCOPE)
    return {row["key_hash"]: json.loads(row["value"]) for row in academy.rows(wanted)}


def test_private_keys_are_encrypted_under_the_salt(academy: Academy, monkeypatch: pytest.MonkeyPatch) -> None:
    found = academy.certified()
    kid = academy.verify(found["uuid"])["public_key"]["kid"]
    entry = stored_keys(academy)[kid]
    with academy.api.inside():
        private = db.transaction(keys.signing_key).private.private_bytes_raw()
    raw = json.dumps(entry).encode() + unpacked(entry["sealed"])
    for form in (private, private.hex().encode(), base64.b64encode(private), packed(private).encode()):
        assert form not in raw
    assert len(unpacked(entry["sealed"])) == 12 + 32 + 16
    # With another AUTH_KEY nobody signs with the old key, and what it signed stays good.
    with academy.api.inside():
        mine = keys._wrapping_key()
        with monkeypatch.context() as patch:
            patch.setattr(site.Site, "salt", lambda _self, scheme: f"another {scheme}")
            other = keys._wrapping_key()
    assert mine != other
    monkeypatch.setattr(keys, "_wrapping_key", lambda: other)
    new = made(academy.as_("teacher").post("/certificates", json={"replaces": found["id"]}))
    told = academy.verify(new["uuid"])
    assert (told["status"], told["public_key"]["kid"] == kid) == ("valid", False)
    assert academy.verify(found["uuid"])["is_signature_valid"] is True


def test_keys_are_rotated_and_old_private_keys_destroyed(academy: Academy) -> None:
    old = academy.certified()
    old_kid = academy.verify(old["uuid"])["public_key"]["kid"]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=366), tick=False):
        academy.api._tokens.clear()
        new = academy.certified("student2")
        told = academy.verify(new["uuid"])
        assert told["status"] == "valid"
        assert told["public_key"]["kid"] != old_kid
        ring = stored_keys(academy)
        assert ring[old_kid]["sealed"] is None
        assert ring[told["public_key"]["kid"]]["sealed"]
        assert academy.verify(old["uuid"])["status"] == "valid"
        verifier(academy, old["uuid"]).verify(credential_as(academy, old["id"]))
        academy.api._tokens.clear()
    academy.api._tokens.clear()


def credential_as(academy: Academy, certificate_id: int) -> str:
    return file_of(academy.as_("student"), f"/certificates/{certificate_id}/credential")[1].decode()
