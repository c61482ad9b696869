"""Reviews at the same moment: one for each student, and a rating that is exact to the last star."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from learnomy_wp.reviews import ratings
from tests.courses.school import together
from tests.reviews.readers import Readers
from wp_schema.tables import reviews

READERS = 8


def test_many_clicks_are_one_review(readers: Readers) -> None:
    course = readers.read()
    session = readers.as_("student")
    path = f"/courses/{course['id']}/reviews"
    answers = together([lambda n=n: session.post(path, json={"rating": 1 + n % 5}) for n in range(8)])
    assert sorted(answer.status for answer in answers) == [201, *[409] * 7]
    assert {answer.code for answer in answers if answer.status == 409} == {"review_exists"}
    rows = readers.rows(select(reviews.c.id).where(reviews.c.course_id == course["id"]))
    assert len(rows) == 1
    hooks = [hook for hook, _ in readers.actions(course["id"])]
    assert hooks.count("learnomy_review_submitted") == 1


def test_the_rating_is_exact_whatever_happens_at_once(readers: Readers) -> None:
    """All readers submit, then everybody edits, approves, rejects, deletes and brings back at random."""
    category = readers.as_("admin").post("/course-categories", json={"name": f"Exact {random.random()}"}).data
    course = readers.course(published=True, categories=[category["id"]])
    path, drawn = f"/courses/{course['id']}/reviews", random.Random(20261125)
    people = readers.students(course["id"], READERS)
    with readers.settings(reviews_need_approval=False):
        answers = together([lambda s=s, n=n: s.post(path, json={"rating": 1 + n % 5}) for n, s in enumerate(people)])
        assert {answer.status for answer in answers} == {201}
        assert readers.check_rating(course["id"])["rating_count"] == READERS
        ids = [answer.data["id"] for answer in answers]
        admin = readers.as_("admin")
        for _ in range(4):
            acts = [_act(drawn, admin, session, review_id) for session, review_id in zip(people, ids, strict=True)]
            acts += [_act(drawn, admin, session, review_id) for session, review_id in zip(people, ids, strict=True)]
            done = together(acts)
            assert {answer.status for answer in done} <= {200, 403, 409}
            assert sum(answer.status == 200 for answer in done) > READERS // 2
            readers.check_rating(course["id"])


def _act(drawn: random.Random, admin: Any, session: Any, review_id: int) -> Callable[[], Any]:
    path, rating = f"/reviews/{review_id}", drawn.randint(1, 5)
    acts: list[Callable[[], Any]] = [
        lambda: session.patch(path, json={"rating": rating}),
        lambda: session.delete(path),
        lambda: session.patch(path, json={"status": "pending"}),
        lambda: admin.post(f"{path}/moderate", json={"status": "rejected"}),
        lambda: admin.post(f"{path}/moderate", json={"status": "approved"}),
    ]
    return drawn.choice(acts)


@settings(max_examples=200)
@given(st.lists(st.integers(1, 5), max_size=60))
def test_the_average_is_the_nearest_hundredth(stars: list[int]) -> None:
    found = ratings.average_of(len(stars), sum(stars))
    assert 0 <= found <= 500
    exact = sum(stars) * 100 / len(stars) if stars else 0
    assert abs(found - exact) <= 0.5
