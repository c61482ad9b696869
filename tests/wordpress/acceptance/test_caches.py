"""What browsers and shared caches may keep: nothing of a person's, by any door, errors and 304 included."""

from __future__ import annotations

import pytest

from tests.site import Answer
from tests.wordpress.acceptance.academy import HTTP_DOORS, Academy


def words(answer: Answer, header: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")}


@pytest.mark.wordpress("6.1", "7.1")
def test_nothing_of_a_persons_may_be_kept(academy: Academy) -> None:
    site, course = academy.site, academy.course
    cookies, nonce = site.log_in("student")
    for door in HTTP_DOORS:
        bearer = academy.as_("student", door)
        by_cookie = {"door": door, "cookies": cookies, "headers": {"X-WP-Nonce": nonce}}
        etag = site.get("/me", **bearer).headers["ETag"]
        seen = {
            "own": site.get("/me", **bearer),
            "public, by a person": site.get("/courses", **bearer),
            "by cookie": site.get(f"/courses/{course.slug}", **by_cookie),
            "unchanged": site.get("/me", door=door, headers={**bearer["headers"], "If-None-Match": etag}),
            "unknown": site.get("/courses/no-such", **bearer),
            "wrong": site.get("/courses", door=door, headers={"Authorization": "Bearer lrn_wrong"}),
            "refused": site.get("/settings", **bearer),
            "nobody": site.get("/me", door=door),
            "written": site.patch(f"/courses/{course.id}", door=door, auth=academy.teacher, json={"level": "all"}),
        }
        assert seen["unchanged"].status == 304
        for what, answer in seen.items():
            kept = words(answer, "Cache-Control")
            assert "no-store" in kept, (door, what, kept)
            assert "public" not in kept, (door, what)
            if what != "wrong":  # the plugin's own word, which nobody keeps
                assert {"authorization", "cookie"} <= words(answer, "Vary"), (door, what, answer.headers)


@pytest.mark.wordpress("6.1", "7.1")
def test_what_anybody_may_see_is_kept_and_asked_for_again(academy: Academy) -> None:
    site, course = academy.site, academy.course
    for path in ("/courses", f"/courses/{course.slug}", f"/courses/{course.id}/curriculum"):
        answers = {door: site.get(path, door=door) for door in HTTP_DOORS}
        assert len({answer.body for answer in answers.values()}) == 1
        assert len({answer.headers["ETag"] for answer in answers.values()}) == 1
        for door, answer in answers.items():
            assert "no-cache" in words(answer, "Cache-Control"), (door, path)
            assert "no-store" not in words(answer, "Cache-Control"), (door, path)
            assert {"authorization", "cookie"} <= words(answer, "Vary"), (door, path, answer.headers)
            again = site.get(path, door=door, headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status, again.body) == (304, b"")
