"""Prerequisites: known courses only, and never in a circle."""

from __future__ import annotations

from typing import Any

from tests.courses.school import School, together


def ask(school: School, course: dict[str, Any], *required: dict[str, Any], who: str = "teacher") -> Any:
    ids = [other["id"] for other in required]
    return school.as_(who).patch(f"/courses/{course['id']}", json={"prerequisites": ids})


def test_prerequisites_keep_their_order(school: School) -> None:
    first, second, third = (school.course(published=True) for _ in range(3))
    answer = ask(school, third, second, first)
    assert [row["id"] for row in answer.data["prerequisites"]] == [second["id"], first["id"]]
    assert answer.data["prerequisites"][0]["permalink"] == second["permalink"]
    again = ask(school, third, first, second, first).data["prerequisites"]
    assert [row["id"] for row in again] == [first["id"], second["id"]]
    assert ask(school, third).data["prerequisites"] == []
    assert school.as_(None).get(f"/courses/{third['id']}").data["prerequisites"] == []


def test_circles_are_refused(school: School) -> None:
    first, second, third = (school.course() for _ in range(3))
    assert ask(school, first, first).body["error"]["details"][0]["code"] == "cycle"
    assert ask(school, second, first).status == 200
    assert ask(school, third, second).status == 200
    refused = ask(school, first, third)
    assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "prerequisites")
    assert refused.body["error"]["details"][0]["code"] == "cycle"
    assert school.as_("teacher").get(f"/courses/{first['id']}").data["prerequisites"] == []


def test_circles_are_refused_when_they_close_at_once(school: School) -> None:
    for _ in range(3):
        ring = [school.course() for _ in range(4)]
        pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
        answers = together([lambda pair=pair: ask(school, *pair) for pair in pairs])
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 422], [a.body for a in answers]


def test_what_a_teacher_may_not_know_of_is_no_prerequisite(school: School) -> None:
    mine, foreign = school.course(), school.course("teacher2")
    refused = ask(school, mine, foreign)
    assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "prerequisites.0")
    assert school.as_("teacher2").post(f"/courses/{foreign['id']}/publish").status == 200
    assert ask(school, mine, foreign).status == 200
    hidden = school.course("teacher2")
    assert ask(school, mine, hidden, who="admin").status == 200


def test_a_prerequisite_that_is_not_published_is_named_to_staff_only(school: School) -> None:
    draft, course = school.course(), school.course(published=True)
    assert ask(school, course, draft).status == 200
    assert [row["id"] for row in school.as_("teacher").get(f"/courses/{course['id']}").data["prerequisites"]] == [
        draft["id"]
    ]
    for who in (None, "student"):
        assert school.as_(who).get(f"/courses/{course['id']}").data["prerequisites"] == []
        access = school.as_(who).get(f"/courses/{course['id']}/access").data
        assert access["prerequisites"] == []
        assert "prerequisites_unmet" in [reason["code"] for reason in access["reasons"]]
