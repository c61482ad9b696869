"""Nobody can stop the site: a backend that is down, hangs or babbles costs WordPress nothing and is told calmly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy

READ_SECONDS = 2.4
WRITE_SECONDS = 11.5
AT_ONCE = 0.6
# What is WordPress's own, or other plugins'.
OTHERS = ("/", "/wp-login.php", "/wp-json/wp/v2/posts", "/?rest_route=/wp/v2/types", "/wp-json/", "/no-such-page/")


@pytest.fixture(autouse=True)
def _rested(academy: Academy) -> Iterator[None]:
    """The breaker is closed before, and closes again by itself after."""
    assert academy.course
    academy.bearer("student")
    recover(academy)
    yield
    recover(academy)


def recover(academy: Academy) -> None:
    end = time.monotonic() + 40
    for door in HTTP_DOORS:
        while academy.site.get("/health", door=door).status != 200:
            assert time.monotonic() < end, f"the {door} door does not recover by itself"
            time.sleep(0.3)


def timed(academy: Academy, method: str, path: str, **how: Any) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = academy.site.request(method, path, **how)
    return answer, time.monotonic() - began


def is_calm(answer: Answer) -> None:
    """A 503 of ours, whichever door gave it."""
    assert (answer.status, answer.error["code"]) == (503, "backend_unavailable")
    assert answer.error["details"] == []
    assert answer.error["request_id"] == answer.headers["X-Request-ID"]
    assert int(answer.headers["Retry-After"]) > 0
    assert "no-store" in answer.headers["Cache-Control"]


def others_go_on(academy: Academy) -> None:
    for path in OTHERS:
        began = time.monotonic()
        assert academy.site.page(path).status in (200, 404), path
        assert time.monotonic() - began < 1.0, path


def test_babbling_and_who_asks_at_all(academy: Academy) -> None:
    asked: list[str] = []

    def babble(handler: BaseHTTPRequestHandler) -> None:
        if not handler.path.endswith("/changed"):  # told after an answer, when an option changed
            asked.append(handler.path)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\x00\x01 garbage\r\n\r\n{}")
        handler.close_connection = True

    academy.site.page("/")
    cookies, nonce = academy.site.log_in("student")
    with academy.site.backend_replaced(babble):
        # What is not ours asks nothing of the backend, whoever calls.
        others_go_on(academy)
        mine = academy.site.page("/wp-json/wp/v2/users/me", cookies=cookies, headers={"X-WP-Nonce": nonce})
        assert mine.json()["id"] == academy.site.user_id("student")
        assert academy.site.page("/wp-json/wp/v2/users/me", auth=academy.teacher).status == 200
        assert academy.site.page("/wp-admin/profile.php", cookies=cookies).status == 200
        assert asked == []
        for door in HTTP_DOORS:
            answer, took = timed(academy, "GET", "/courses", door=door)
            is_calm(answer)
            assert took < READ_SECONDS
        others_go_on(academy)


def test_hanging_and_what_comes_late(academy: Academy) -> None:
    """Reads wait two seconds and writes their deadline; a write that is served after that changes nothing."""
    doors = {"direct": "student", "early": "student", "full": "student"}
    how = {door: academy.as_(login, door) for door, login in doors.items()}
    how["full"] = {"door": "full", "auth": academy.site.application_password("student")}
    courses = {door: academy.make_course(1) for door in doors}
    with ThreadPoolExecutor(12) as pool:
        with academy.site.hanging_backend():
            reads = [pool.submit(timed, academy, "GET", "/courses", **how[door]) for door in doors]
            writes = [
                pool.submit(timed, academy, "POST", f"/courses/{courses[door].id}/enroll", **how[door])
                for door in doors
            ]
            for answer, took in (read.result() for read in reads):
                is_calm(answer)
                assert took < READ_SECONDS
            others_go_on(academy)
            for answer, took in (write.result() for write in writes):
                is_calm(answer)
                assert took < WRITE_SECONDS
            # By now the breaker of the doors through PHP is open: nobody waits.
            for door in ("early", "full"):
                for method, path in (("GET", "/courses"), ("POST", f"/courses/{academy.course.id}/enroll")):
                    answer, took = timed(academy, method, path, **how[door])
                    is_calm(answer)
                    assert took < AT_ONCE, (door, method)
        recover(academy)
    time.sleep(0.5)
    ids = ", ".join(str(course.id) for course in courses.values())
    assert academy.site.rows(f"SELECT id FROM wp_lrn_enrollments WHERE course_id IN ({ids})") == []
    assert academy.site.rows("SELECT id FROM wp_lrn_outbox WHERE state NOT IN ('done', 'skipped')") == []
    # The same requests are welcome again.
    for door, course in courses.items():
        assert academy.site.post(f"/courses/{course.id}/enroll", **how[door]).status == 201


def test_killed_in_the_middle_and_down(academy: Academy) -> None:
    """The backend dies by `kill -9`: whatever the caller saw, the course is taken once or not at all."""
    course = academy.make_course(1)
    academy.bearer("student2")
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(academy.site.post, f"/courses/{course.id}/enroll", **academy.as_("student2", door))
            for door in ("direct", "early")
        ]
        time.sleep(0.01)
        academy.site.kill("api")
        for answer in (one.result() for one in asked):
            assert answer.status in (201, 409, 503), answer.text
    try:
        for door in HTTP_DOORS:
            for method, path in (("GET", "/courses"), ("POST", f"/courses/{course.id}/enroll")):
                answer, took = timed(academy, method, path, **academy.as_("student", door))
                is_calm(answer)
                assert took < AT_ONCE, (door, method)
        others_go_on(academy)
    finally:
        academy.site.start("api")
    recover(academy)
    again = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student2", "direct"))
    assert again.status in (201, 409), again.text
    assert academy.site.value("SELECT COUNT(*) FROM wp_lrn_enrollments WHERE course_id = %s", course.id) == 1
    events = academy.site.value(
        "SELECT COUNT(*) FROM wp_lrn_outbox WHERE aggregate LIKE %s AND event = 'enrollment.created'",
        f"course_user:{course.id}:%",
    )
    assert events == 1
