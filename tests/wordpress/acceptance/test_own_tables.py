"""On a site the backend never writes WordPress's own tables: its database user may only read them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from learnomy_site import backend

from tests.journey.steps import Traveller, publish_a_course, take_the_course
from tests.site import PASSWORD, Site
from tests.wordpress.acceptance.academy import Academy

GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.`{table}` TO {user}"


@contextmanager
def restricted(site: Site) -> Iterator[None]:
    """Backend and worker as a database user who may write our own tables, and read the others."""
    database = site.layout.database
    user, url = f"'reader_{database[:20]}'@'localhost'", f"mysql://reader_{database[:20]}:secret@"
    site.rows(f"CREATE OR REPLACE USER {user} IDENTIFIED BY 'secret'")
    site.rows(f"GRANT SELECT ON `{database}`.* TO {user}")
    for row in site.rows("SHOW TABLES"):
        table = next(iter(row.values()))
        if table.startswith("wp_lrn_") or table == "wp_learnomy_version":
            site.rows(GRANT.format(database=database, table=table, user=user))
    parts = [backend.api(site.layout), backend.worker(site.layout)]
    for part in parts:
        # A hint's FORCE INDEX and a lock of a row need no more than these rights, or the journey fails.
        given = {**part.environment, "DATABASE_URL": site.database_url.replace("mysql://root@", url)}
        dataclasses.replace(part, environment=given).ensure()
    try:
        yield
    finally:
        site.start("api")
        site.start("worker")
        site.rows(f"DROP USER {user}")


def said(site: Site) -> str:
    """What backend and worker wrote to their logs since they were started."""
    return (backend.api(site.layout).said() + backend.worker(site.layout).said()).decode()


def test_a_whole_journey_needs_to_write_our_own_tables_only(academy: Academy) -> None:
    site = academy.site
    student = academy.person()
    keys = {"teacher": academy.teacher, "admin": site.application_password("admin")}
    before = site.value("SELECT COUNT(*) FROM wp_usermeta")
    with restricted(site), academy.listening("add_action( 'learnomy_course_completed', '__return_null' );"):
        refused = "INSERT INTO wp_options (option_name, option_value) VALUES ('x', 'y')"
        with pytest.raises(Exception, match="command denied"):
            write_as_the_backend(site, refused)
        for door in ("direct", "full"):
            journey(academy, door, keys, student)
        assert (
            site.php("return \\Learnomy\\pair( array( 'address' => \\Learnomy\\Bridge_Options::address() ) );") is True
        )
        expire_somebody(academy)
        assert site.page("/courses/").status == 200
        assert site.get("/status", auth=keys["admin"]).status == 200
        end = time.monotonic() + 10
        while site.value("SELECT COUNT(*) FROM wp_lrn_outbox WHERE state NOT IN ('done', 'skipped')"):
            assert time.monotonic() < end
            time.sleep(0.1)
        log = said(site)
    assert "command denied" not in log
    assert "unhandled_error" not in log
    assert "worker_failed" not in log
    # WordPress itself wrote what was its to write.
    assert site.value("SELECT COUNT(*) FROM wp_usermeta") > before


def write_as_the_backend(site: Site, sql: str) -> None:
    import pymysql

    user = f"reader_{site.layout.database[:20]}"
    socket = site.database_url.split("unix_socket=")[1].split("&")[0]
    with (
        pymysql.connect(unix_socket=socket, user=user, password="secret", database=site.layout.database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def journey(academy: Academy, door: str, keys: dict[str, tuple[str, str]], student: tuple[str, str]) -> None:
    """A course made, taken and completed; tokens, profile and settings changed."""
    site = academy.site
    academy.forget_limits()
    token = academy.log_in(*student, door=door)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}

    def ask(method: str, path: str, who: str | None, json: Any) -> tuple[int, Any]:
        how: dict[str, Any] = {"auth": keys["teacher"]} if who == "teacher" else {"headers": bearer} if who else {}
        answer = site.request(method, path, json=json, door=door, **how)
        return answer.status, answer.json()

    travel = Traveller(ask)
    take_the_course(travel, publish_a_course(travel))
    name = f"Student by the {door} door"
    changes = {"display_name": name, "biography": "It's \\ so", "timezone": "Europe/Rome", "locale": ""}
    changed = site.patch("/me", door=door, headers=bearer, json=changes)
    assert (changed.status, changed.data["display_name"]) == (200, name), changed.text
    assert site.get("/me", door=door, headers=bearer).data["biography"] == "It's \\ so"
    settings = site.patch("/settings", door=door, auth=keys["admin"], json={"currency": "EUR"})
    assert (settings.status, settings.data["currency"]) == (200, "EUR"), settings.text
    key = site.application_password(student[0])
    assert site.patch("/me", door=door, auth=key, json={"timezone": "UTC"}).status == 200
    fresh = site.post("/auth/token/refresh", door=door, json={"refresh_token": token["refresh_token"]})
    assert fresh.status == 200
    wrong = site.post("/auth/token", door=door, json={"username": student[0], "password": PASSWORD})
    assert wrong.status == 401
    ended = site.post("/auth/token/revoke", door=door, auth=key, json={"all": True})
    assert ended.data == {"revoked": True}


def expire_somebody(academy: Academy) -> None:
    """The worker's own writes: an access that has run out ends by a job."""
    site = academy.site
    course = academy.make_course(1)
    enrolled = site.post(f"/courses/{course.id}/enroll", **academy.as_("student2", "direct"))
    assert enrolled.status == 201, enrolled.text
    past = "DATE_SUB(UTC_TIMESTAMP(6), INTERVAL 1 HOUR)"
    site.rows(f"UPDATE wp_lrn_enrollment_grants SET ends_at = {past} WHERE enrollment_id = %s", enrolled.data["id"])
    site.rows(f"UPDATE wp_lrn_enrollments SET expires_at = {past} WHERE id = %s", enrolled.data["id"])
