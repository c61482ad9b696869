"""The first course, end to end, through every door; the answers are the same at each."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest

from tests.journey.steps import Ask, Traveller, publish_a_course, take_the_course
from tests.site import PASSWORD, Embedded, Site
from wp_schema import application_passwords, php

# What each door answered, by step; the embedded default is what the others are compared with.
SEEN: dict[str, list[tuple[str, int, Any]]] = {}


def http_ask(site: Site | Embedded, **how: Any) -> tuple[Ask, dict[str, Any]]:
    """Requests over HTTP: the teacher by an Application Password, the student by a token."""
    teacher = application_password(site, "teacher")
    token = log_in(site, **how)

    def ask(method: str, path: str, who: str | None, json: Any) -> tuple[int, Any]:
        options: dict[str, Any] = dict(how)
        if who == "teacher":
            options["auth"] = teacher
        elif who is not None:
            options["headers"] = {"Authorization": f"Bearer {token['access_token']}"}
        answer = site.request(method, path, json=json, **options)
        return answer.status, answer.json()

    return ask, token


def application_password(site: Site | Embedded, login: str) -> tuple[str, str]:
    """Made by WordPress, or on the embedded default by what stands in for it."""
    if isinstance(site, Site):
        return site.application_password(login)
    password, entry = application_passwords.make("journey", now=int(time.time()))
    with sqlite3.connect(next(site.folder.rglob("*.sqlite3"))) as connection:
        user_id = connection.execute("SELECT ID FROM wp_users WHERE user_login = ?", (login,)).fetchone()[0]
        value = php.serialize([entry]).decode()
        meta = (user_id, application_passwords.META_KEY, value)
        connection.execute("INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (?, ?, ?)", meta)
    connection.close()
    return login, password


def log_in(site: Site | Embedded, **how: Any) -> dict[str, Any]:
    answer = site.post("/auth/token", json={"username": "student", "password": PASSWORD}, **how)
    assert answer.status == 200, answer.text
    token: dict[str, Any] = answer.data
    assert token["expires_in"] == 900
    assert token["token_type"] == "Bearer"
    return token


def end_session(site: Site | Embedded, token: dict[str, Any], **how: Any) -> None:
    """The token is refreshed, and then revoked: neither of the two lives on."""
    fresh = site.post("/auth/token/refresh", json={"refresh_token": token["refresh_token"]}, **how)
    assert fresh.status == 200, fresh.text
    bearer = {"Authorization": f"Bearer {fresh.data['access_token']}"}
    assert site.get("/auth/me", headers=bearer, **how).status == 200
    ended = site.post("/auth/token/revoke", json={"refresh_token": fresh.data["refresh_token"]}, headers=bearer, **how)
    assert ended.data == {"revoked": True}
    assert site.get("/auth/me", headers=bearer, **how).status == 401
    again = site.post("/auth/token/refresh", json={"refresh_token": fresh.data["refresh_token"]}, **how)
    assert again.status == 401


def travel_over_http(site: Site | Embedded, label: str, **how: Any) -> Traveller:
    ask, token = http_ask(site, **how)
    travel = Traveller(ask)
    take_the_course(travel, publish_a_course(travel))
    end_session(site, token, **how)
    SEEN[label] = travel.seen
    return travel


def test_on_the_embedded_default(embedded: Embedded) -> None:
    travel_over_http(embedded, "embedded")


@pytest.mark.parametrize("door", ["direct", "early", "full"])
def test_over_http(site: Site, door: str) -> None:
    site.page("/")  # the record of listeners is made by a page
    travel = travel_over_http(site, door, door=door)
    doors = {
        row["door"]
        for row in site.rows(
            "SELECT a.door FROM wp_lrn_activity a JOIN wp_lrn_courses c ON c.id = a.course_id"
            " WHERE a.event IN ('enrollment.created', 'lesson.completed') AND c.title = %s",
            f"Journey {travel.name}",
        )
    }
    assert doors == {door}


@pytest.mark.wordpress("6.1", "6.8")
def test_over_http_on_older_versions(site: Site) -> None:
    travel_over_http(site, f"full {site.version}", door="full")


@pytest.mark.wordpress("7.1", "6.1", "6.8")
def test_from_the_inside(site: Site) -> None:
    def ask(method: str, path: str, who: str | None, json: Any) -> tuple[int, Any]:
        answer = site.request(method, path, door="internal", user=who or "", json=json)
        return answer.status, answer.json()

    travel = Traveller(ask)
    take_the_course(travel, publish_a_course(travel))
    end_session(site, log_in(site, door="internal"), door="full")
    SEEN[f"internal {site.version}"] = travel.seen


def test_every_door_answered_alike() -> None:
    wanted = SEEN["embedded"]
    for door, seen in SEEN.items():
        for mine, theirs in zip(seen, wanted, strict=True):
            assert mine == theirs, door
