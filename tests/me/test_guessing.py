"""A stolen session is no way to the password behind it."""

from __future__ import annotations

from tests.client import PASSWORD, Api

BODY = {"email": "thief@example.test"}
FROM = {"X-Real-IP": "203.0.113.77"}


def test_wrong_current_passwords_are_counted_as_failed_logins(api: Api) -> None:
    thief = api.as_("student3")
    for _ in range(10):
        refused = thief.patch("/me", json={**BODY, "current_password": "a guess"}, headers=FROM)
        assert (refused.status, refused.code) == (403, "wrong_password")
    blocked = thief.patch("/me", json={**BODY, "current_password": PASSWORD}, headers=FROM)
    assert (blocked.status, blocked.code) == (429, "rate_limited")
    assert int(blocked.headers["Retry-After"]) > 800
    elsewhere = thief.patch("/me", json={"email": "student3@example.test", "current_password": PASSWORD})
    assert elsewhere.status == 200, "the account itself is not locked"
