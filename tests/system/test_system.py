"""Health, status and the API's own description: who may see what, and no secret in any."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import event

from learnomy_wp.kernel import db, site
from learnomy_wp.system import installation, queries
from learnomy_wp.version import VERSION
from tests.client import SECRET, Api
from tests.kernel.paired import SALT, SALTS, paired


def test_health_is_anybodys(api: Api) -> None:
    answer = api.as_(None).get("/health")
    assert answer.status == 200
    assert answer.data["status"] == "ok"
    assert [(check["name"], check["ok"]) for check in answer.data["checks"]] == [
        ("database", True),
        ("queue", True),
        ("clock", True),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", answer.data["time"])
    assert VERSION not in json.dumps(answer.body)


def test_health_writes_nothing(api: Api) -> None:
    """Anybody may ask it as often as they like."""
    written: list[str] = []
    engine = api.runtime.database.write

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        written.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        for _ in range(3):
            assert api.as_(None).get("/health").status == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert written == []


@pytest.mark.parametrize(("broken", "name"), [("database", "is_alive"), ("queue", "_store_works")])
def test_what_fails_is_503_and_named(api: Api, monkeypatch: pytest.MonkeyPatch, broken: str, name: str) -> None:
    from learnomy_wp.system import service

    def fail() -> bool:
        raise RuntimeError("mysql://root:password@host is away")

    monkeypatch.setattr(queries if broken == "database" else service, name, fail)
    answer = api.as_(None).get("/health")
    assert (answer.status, answer.code) == (503, "backend_unavailable")
    (detail,) = answer.body["error"]["details"]
    assert detail == {"field": broken, "code": "failing", "message": f"The {broken} does not answer."}
    assert answer.headers["Retry-After"]
    assert "password" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("login", "status"), [(None, 401), ("student", 403), ("teacher", 403), ("editor", 403), ("admin", 200)]
)
def test_status_is_the_managers(api: Api, login: str | None, status: int) -> None:
    assert api.as_(login).get("/status").status == status


def test_status_says_how_it_goes(api: Api) -> None:
    data = api.as_("admin").get("/status").data
    assert data["backend_version"] == VERSION
    assert data["database"] == ("sqlite" if api.runtime.database.is_sqlite else "mysql")
    assert data["pending_migrations"] == []
    assert set(data["outbox"]) == {"waiting", "oldest_seconds", "last_fired_at", "skipped", "repeated"}
    assert data["jobs"] == {"queued": data["jobs"]["queued"], "running": 0, "failed": 0}
    assert (data["wordpress_needed"], data["record_age_seconds"], data["clock_skew_seconds"]) == (None, None, None)
    assert data["rate_limit_store"] == "database"


def test_status_beside_a_wordpress_says_why_it_is_needed(api: Api) -> None:
    with paired(api) as wp:
        wp.pair(loopback="http://127.0.0.1:1")
        admin = {"User": str(api.ids["admin"]), "Via": "cookie"}
        wp.record(stylesheet="another", age=42)
        data = wp.signed("GET", "/status", **admin).body["data"]
        assert data["wordpress_needed"] == "the theme changed"
        assert 42 <= data["record_age_seconds"] <= 45
        assert data["clock_skew_seconds"] is None
        wp.record()
        assert wp.signed("GET", "/status", **admin).body["data"]["wordpress_needed"] is None
        body = json.dumps(wp.signed("GET", "/status", **admin).body)
        for secret in (SECRET, SALT, *SALTS.values()):
            assert secret not in body


def test_the_description_is_anybodys(api: Api) -> None:
    answer = api.as_(None).get("/openapi.json")
    assert answer.status == 200
    assert answer.body["openapi"].startswith("3.1")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    body = json.dumps(answer.body)
    for secret in (SECRET, str(api.runtime.config.state_dir), "sqlite:", "mysql"):
        assert secret not in body


def test_no_address_but_ours_answers(api: Api) -> None:
    client = api.app.test_client()
    for path in (
        "/",
        "/wp-json/",
        "/wp-json/learnomy/v1",
        "/wp-json/wp/v2/users",
        "/.env",
        "/static/x",
        "//wp-json/learnomy/v1/health",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found"), path


# --- tables of a blog --------------------------------------------------------------------


def tables(api: Api) -> set[str]:
    from sqlalchemy import inspect

    found: Any = inspect(api.runtime.database.read)
    return {name for name in found.get_table_names() if "lrn_" in name}


def test_a_blogs_tables_are_made_and_dropped(api: Api) -> None:
    own = tables(api)
    assert len([name for name in own if name.startswith("wp_lrn_")]) == 40
    with api.runtime.request_stack(), db.blog(9):
        assert installation.install_blog(9)
        assert installation.install_blog(9) == [], "twice is once"
        made = {name for name in tables(api) if name.startswith("wp_9_")}
        assert {name.removeprefix("wp_9_") for name in made if "version" not in name} >= {
            name.removeprefix("wp_") for name in own if "version" not in name
        }
        installation.uninstall({})
    assert tables(api) == own


def test_the_verbs_are_the_plugins(api: Api) -> None:
    with paired(api) as wp:
        assert wp.signed("POST", "/install", prefix="/learnomy-bridge/v1", Door="system").body["data"] == {
            "revisions": []
        }
        assert wp.signed("POST", "/unheard-of", prefix="/learnomy-bridge/v1", Door="system").status == 404
        for verb in ("install", "uninstall"):
            answer = api.app.test_client().post(f"/learnomy-bridge/v1/{verb}", json={})
            assert answer.status_code == 401
    with api.inside():
        assert site.current().is_embedded
