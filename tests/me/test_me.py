"""GET and PATCH /me: one's own profile, and what a change must prove."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from learnomy_wp.kernel import db
from tests.accounts.people import PASSWORD, Person, refresh, who, with_token
from tests.client import Answer, Api, Session
from tests.kernel.paired import Paired, paired
from tests.media import upload
from wp_schema import meta, passwords
from wp_schema.tables import usermeta, users


class Me(Person):
    """A person with a session."""

    def __init__(self, api: Api, role: str = "lrn_student") -> None:
        super().__init__(api, role)
        self.pair = self.log_in().data
        self.session: Session = with_token(api, self.pair["access_token"])

    def patch(self, **body: Any) -> Answer:
        return self.session.patch("/me", json=body)

    def stored(self) -> dict[str, Any]:
        with self.api.inside():
            row = db.row(select(users).where(self.id == users.c.ID))
            found = db.rows(select(usermeta.c.meta_key, usermeta.c.meta_value).where(usermeta.c.user_id == self.id))
        assert row is not None
        return {**row, **meta.decode(found)}


@pytest.fixture
def me(api: Api) -> Me:
    return Me(api)


def wrong_field(answer: Answer) -> str:
    assert (answer.status, answer.code) == (422, "validation_failed"), answer.body
    (detail,) = answer.body["error"]["details"]
    return str(detail["field"])


def test_the_profile(api: Api, me: Me) -> None:
    shown = me.session.get("/me")
    assert shown.status == 200
    gravatar = hashlib.sha256(f"{me.login}@example.test".encode()).hexdigest()
    assert shown.data == {
        "id": me.id,
        "username": me.login,
        "display_name": me.login,
        "email": f"{me.login}@example.test",
        "biography": "",
        "avatar_url": f"https://secure.gravatar.com/avatar/{gravatar}?s=96&d=mm&r=g",
        "avatar_id": None,
        "locale": "en_US",
        "timezone": shown.data["timezone"],
        "roles": ["lrn_student"],
        "registered_at": shown.data["registered_at"],
        "preferences": {"timezone": None},
        "counts": dict.fromkeys(("enrolled", "in_progress", "completed", "certificates", "unread_notifications"), 0),
    }
    assert api.as_(None).get("/me").status == 401


def test_changes_are_shown_and_kept(me: Me) -> None:
    changes = {
        "display_name": "Zoë <b>Müller</b> & \"Söhne\" \\ 'x'",
        "biography": "Line one\n\nLine \u2713 two",
        "timezone": "Asia/Kathmandu",
        "locale": "de_DE",
    }
    answer = me.patch(**changes)
    assert answer.status == 200
    for shown in (answer.data, me.session.get("/me").data):
        assert {name: shown[name] for name in changes} == changes
        assert shown["preferences"] == {"timezone": "Asia/Kathmandu"}
    assert me.stored()["learnomy_preferences"] == {"timezone": "Asia/Kathmandu"}
    assert me.patch(biography="").data["biography"] == ""
    assert me.patch(locale="").data["locale"] == "en_US"
    assert me.patch().status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display_name", ""),
        ("display_name", "x" * 251),
        ("display_name", None),
        ("biography", "x" * 20_001),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", ""),
        ("locale", "german"),
        ("locale", "de_DE; DROP"),
        ("avatar_id", 0),
        ("avatar_id", "5"),
        ("avatar_id", 2**63),
        ("email", "nobody"),
        ("email", "a@b@c"),
        ("email", "x" * 100 + "@example.test"),
        ("password", "short"),
        ("password", "x" * 4097),
        ("roles", ["administrator"]),
        ("id", 1),
        ("username", "admin"),
        ("capabilities", {"learnomy_manage": True}),
        ("user_status", 0),
    ],
)
def test_what_may_not_be_changed_or_is_wrong(me: Me, name: str, value: Any) -> None:
    before = me.stored()
    field = wrong_field(me.patch(**{name: value, "current_password": PASSWORD}))
    assert field == name
    assert me.stored() == before


def test_a_patch_is_ones_own(api: Api, me: Me) -> None:
    """No id in it reaches another account."""
    other = Me(api)
    before = other.stored()
    for body in ({"id": other.id}, {"user_id": other.id}, {"username": other.login}):
        assert me.patch(display_name="Changed", **body).status == 422
    assert me.patch(display_name="Changed").data["id"] == me.id
    assert other.stored() == before
    assert api.as_(None).patch("/me", json={"display_name": "x"}).status == 401


# --- e-mail and password -----------------------------------------------------------------


@pytest.mark.parametrize("change", [{"email": "new@example.test"}, {"password": "a new password"}])
def test_they_need_the_current_password(me: Me, change: dict[str, str]) -> None:
    before = me.stored()
    assert wrong_field(me.patch(**change)) == "current_password"
    assert wrong_field(me.patch(**change, current_password="")) == "current_password"
    refused = me.patch(**change, current_password="wrong")
    assert (refused.status, refused.code) == (403, "wrong_password")
    assert me.stored() == before
    assert me.patch(display_name="x", current_password="wrong").status == 200, "nothing needs it here"


def test_a_new_password_opens_and_ends_every_session(api: Api, me: Me) -> None:
    other = me.log_in().data
    new = 'it\'s "new" \\ ✓'
    assert me.patch(password=new, current_password=PASSWORD).status == 200
    for pair in (me.pair, other):
        assert who(api, pair["access_token"]).status == 401
        assert refresh(api, pair["refresh_token"]).status == 401
    assert me.log_in().status == 401
    fresh = me.log_in(new)
    assert fresh.status == 200
    stored = me.stored()["user_pass"]
    assert stored.startswith("$wp$2y$")
    assert passwords.verify(passwords.as_posted(new), stored), "as a form of WordPress posts it"
    session = with_token(api, fresh.data["access_token"])
    assert session.patch("/me", json={"email": "x@example.test", "current_password": new}).status == 200


def test_no_answer_holds_a_password(me: Me) -> None:
    answer = me.patch(display_name="x", current_password=PASSWORD)
    assert PASSWORD not in str(answer.body)
    assert "password" not in str(answer.body)


def test_an_address_is_one_accounts(api: Api, me: Me) -> None:
    other = Me(api)
    for taken in (f"{other.login}@example.test", f"{other.login}@EXAMPLE.test".lower()):
        answer = me.patch(email=taken, current_password=PASSWORD)
        assert wrong_field(answer) == "email"
    assert me.patch(email=f"{me.login}@example.test", current_password=PASSWORD).status == 200, "one's own again"
    changed = me.patch(email="changed@example.test", current_password=PASSWORD)
    assert changed.data["email"] == "changed@example.test"
    assert who(api, me.pair["access_token"]).data["email"] == "changed@example.test"


# --- the avatar --------------------------------------------------------------------------


def test_an_avatar_is_an_image_of_ones_own(api: Api, me: Me) -> None:
    image = upload(api, "http://learnomy.test/wp-content/uploads/me.png", post_author=me.id)
    answer = me.patch(avatar_id=image)
    assert answer.data["avatar_id"] == image
    assert answer.data["avatar_url"] == "http://learnomy.test/wp-content/uploads/me.png"
    assert me.session.get("/me").data["avatar_url"] == answer.data["avatar_url"]
    for unknown in (
        upload(api, "http://learnomy.test/?page_id=7", post_type="page", post_author=me.id),
        upload(api, "http://learnomy.test/uploads/cv.pdf", post_mime_type="application/pdf", post_author=me.id),
        999_999_999,
    ):
        assert wrong_field(me.patch(avatar_id=unknown)) == "avatar_id"
    cleared = me.patch(avatar_id=None).data
    assert (cleared["avatar_id"], "gravatar" in cleared["avatar_url"]) == (None, True)


@pytest.mark.parametrize(
    ("page", "image", "is_seen"),
    [
        ({"post_status": "publish"}, {}, True),
        ({"post_status": "publish"}, {"post_status": "publish"}, True),
        ({"post_status": "publish"}, {"post_status": "private"}, False),
        ({"post_status": "publish", "post_password": "secret"}, {}, False),
        ({"post_status": "draft"}, {}, False),
        ({"post_status": "private"}, {}, False),
        ({"post_status": "trash"}, {}, False),
        (None, {}, False),
    ],
)
def test_no_media_is_disclosed_by_its_id(
    api: Api, me: Me, page: dict[str, str] | None, image: dict[str, str], is_seen: bool
) -> None:
    """Ids can be counted up: whoever could take any as an avatar could read the address of everybody's uploads."""
    parent = upload(api, "http://learnomy.test/?p=1", post_type="page", **page) if page else 0
    picture = upload(api, "http://learnomy.test/uploads/secret.png", post_parent=parent, post_author=1, **image)
    answer = me.patch(avatar_id=picture)
    if is_seen:
        assert answer.data["avatar_url"] == "http://learnomy.test/uploads/secret.png"
    else:
        assert wrong_field(answer) == "avatar_id"
        assert "secret" not in str(answer.body)
        assert me.session.get("/me").data["avatar_id"] is None


# --- beside a WordPress ------------------------------------------------------------------


@pytest.fixture
def wp(api: Api) -> Iterator[Paired]:
    with paired(api) as found:
        yield found


def test_wordpress_makes_the_change(wp: Paired) -> None:
    """Python judges it, and writes nothing of WordPress's own."""
    me = Me(wp.api)
    before = me.stored()
    user = {"User": str(me.id), "Via": "cookie"}
    body = {
        "display_name": "Changed",
        "timezone": "Europe/Berlin",
        "email": "by@example.test",
        "current_password": PASSWORD,
    }
    reply = wp.signed("PATCH", "/me", body=body, **user)
    assert (reply.control, reply.status) == ("effect", 200)
    (effect,) = reply.body["effects"]
    assert effect == {
        "kind": "update_user",
        "user_id": me.id,
        "fields": {"display_name": "Changed", "user_email": "by@example.test"},
        "meta": {"learnomy_preferences": {"timezone": "Europe/Berlin"}},
    }
    answer = reply.body["answer"]
    assert (answer["status"], answer["body"]["data"]["email"]) == (200, "by@example.test")
    assert me.stored() == before
    refused = wp.signed("PATCH", "/me", body={**body, "current_password": "wrong"}, **user)
    assert (refused.control, refused.status, refused.answer.code) == ("answer", 403, "wrong_password")


def test_a_password_that_a_form_would_slash_is_right_here_too(wp: Paired) -> None:
    me, typed = Me(wp.api), 'it\'s \\ "mine"'
    me.change(user_pass=passwords.hash_password(passwords.as_posted(typed), cost=4))
    user = {"User": str(me.id), "Via": "cookie"}
    body = {"password": "another one", "current_password": typed}
    assert wp.signed("PATCH", "/me", body=body, **user).control == "effect"
