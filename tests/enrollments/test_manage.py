"""What staff and managers do with enrolments: grant, change, end; and who may not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.progress.world import Course, World

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def grant(world: World, course: Course, who: str = "student", by: str = "admin", **values: Any) -> Any:
    body = {"course_id": course.id, "user_id": world.ids[who], **values}
    return world.as_(by).post("/enrollments", json=body)


# --- granting ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["admin", "teacher"])
def test_staff_give_a_course(world: World, by: str) -> None:
    course = world.course(price_minor=4900, currency="EUR")
    answer = grant(world, course, by=by, source="purchase", source_id=77)
    assert answer.status == 201, answer.body
    data = answer.data
    assert answer.headers["Location"].endswith(f"/enrollments/{data['enrollment_id']}")
    assert (data["status"], data["source"], data["has_access"]) == ("active", "purchase", True)
    assert world.actions(course.id, "student") == [
        ("learnomy_student_enrolled", [data["id"], world.ids["student"], course.id, "purchase"])
    ]
    [given] = course.grants("student")
    assert (given["source_id"], given["granted_by"]) == (77, world.ids[by])


def test_the_source_is_manual_where_none_is_named(world: World) -> None:
    assert grant(world, world.course()).data["source"] == "manual"


def test_a_second_source_adds_a_grant_and_fires_nothing(world: World) -> None:
    course = world.course()
    first = grant(world, course, source="purchase", source_id=1).data
    again = grant(world, course, source="purchase", source_id=1)
    assert (again.status, again.code) == (409, "already_enrolled")
    second = grant(world, course, source="membership", source_id=1)
    assert (second.status, second.data["id"], second.data["source"]) == (201, first["id"], "purchase")
    assert grant(world, course, source="purchase", source_id=2).status == 201
    assert len(course.grants("student")) == 3
    assert world.events(course.id) == ["enrollment.created"]
    assert course.row()["student_count"] == 1


def test_a_grant_may_begin_later(world: World) -> None:
    course = world.course()
    data = grant(world, course, starts_at=iso(NOW + DAY)).data
    assert (data["status"], data["has_access"]) == ("pending", False)
    assert world.events(course.id) == []
    refused = world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert refused.code == "enrollment_pending"


def test_a_grant_of_the_past_counts_from_then(world: World) -> None:
    course = world.course()
    data = grant(world, course, source="import", starts_at=iso(NOW - 90 * DAY)).data
    assert (data["status"], data["enrolled_at"]) == ("active", iso(NOW - 90 * DAY))


def test_the_end_is_the_grants_own_else_the_courses(world: World) -> None:
    course = world.course(access_days=10)
    assert grant(world, course, expires_at=iso(NOW + DAY)).data["expires_at"] == iso(NOW + DAY)
    assert grant(world, course, "student2", expires_at=None).data["expires_at"] is None
    counted = grant(world, course, "student3").data["expires_at"]
    assert NOW + 9 * DAY < datetime.fromisoformat(counted) < NOW + 11 * DAY


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"course_id": 987654321}, "course_id"),
        ({"user_id": 987654321}, "user_id"),
        ({"source": "self"}, "source"),
        ({"source": "theft"}, "source"),
        ({"expires_at": "yesterday"}, "expires_at"),
        ({"expires_at": iso(NOW - DAY)}, "expires_at"),
        ({"starts_at": iso(NOW + 2 * DAY), "expires_at": iso(NOW + DAY)}, "expires_at"),
        ({"user_id": "1"}, "user_id"),
        ({"user_id": 0}, "user_id"),
        ({"status": "active"}, "status"),
    ],
)
def test_wrong_input_is_named(world: World, changes: dict[str, Any], field: str) -> None:
    course = world.course()
    body = {"course_id": course.id, "user_id": world.ids["student"], **changes}
    answer = world.as_("admin").post("/enrollments", json=body)
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert [detail["field"] for detail in answer.body["error"]["details"]] == [field]


def test_a_full_course_takes_nobody(world: World) -> None:
    course = world.course(capacity=1)
    assert grant(world, course).status == 201
    assert grant(world, course, "student2").code == "course_full"
    assert grant(world, course, source="membership").status == 201, "who is in already takes no further seat"


def test_a_teacher_grants_own_courses_only(world: World) -> None:
    foreign = world.course(teacher="teacher2")
    answer = grant(world, foreign, by="teacher")
    assert (answer.status, answer.body["error"]["details"][0]["field"]) == (422, "course_id")
    assert world.events(foreign.id) == []


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("student", 403), ("subscriber", 403), ("editor", 403)])
def test_nobody_else_grants(world: World, who: str | None, status: int) -> None:
    course = world.course()
    body = {"course_id": course.id, "user_id": world.ids["student2"]}
    assert world.as_(who).post("/enrollments", json=body).status == status


# --- one enrolment -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [
        (None, 401, 401),
        ("student", 200, 403),
        ("student2", 404, 404),
        ("subscriber", 404, 404),
        ("teacher2", 404, 404),
        ("teacher", 200, 200),
        ("admin", 200, 200),
    ],
)
def test_who_reads_and_changes_an_enrolment(world: World, who: str | None, reads: int, writes: int) -> None:
    course = world.course()
    data = course.enrol("student")
    before = course.enrollment("student")
    session = world.as_(who)
    assert session.get(f"/enrollments/{data['id']}").status == reads
    patched = session.patch(f"/enrollments/{data['id']}", json={"expires_at": iso(NOW + DAY)})
    assert patched.status == writes
    if writes != 200:
        assert session.delete(f"/enrollments/{data['id']}").status == writes
        assert course.enrollment("student") == before
    assert session.get("/enrollments/987654321").status in (401, 404)


def test_an_assistant_is_staff(world: World) -> None:
    from wp_schema.tables import course_instructors

    course = world.course()
    world.insert(course_instructors, course_id=course.id, user_id=world.ids["subscriber"], role="assistant")
    data = course.enrol("student")
    assert world.as_("subscriber").get(f"/enrollments/{data['id']}").status == 200
    assert grant(world, course, "student2", by="subscriber").status == 201


def test_ending_and_giving_again(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path, teacher = f"/enrollments/{data['id']}", world.as_("teacher")
    ended = teacher.patch(path, json={"status": "refunded"}).data
    assert (ended["status"], ended["has_access"]) == ("refunded", False)
    assert teacher.patch(path, json={"status": "active"}).data["status"] == "active"
    assert teacher.patch(path, json={"status": "expired"}).data["status"] == "expired"
    assert world.as_("student").post(f"/lessons/{course.lessons[0]}/complete").code == "access_expired"
    assert world.events(course.id) == [
        "enrollment.created",
        "enrollment.cancelled",
        "enrollment.created",
        "enrollment.expired",
    ]
    assert [hook for hook, _ in world.actions(course.id, "student")] == [
        "learnomy_student_enrolled",
        "learnomy_student_unenrolled",
        "learnomy_student_enrolled",
        "learnomy_enrollment_expired",
    ]
    assert [grant["end_reason"] for grant in course.grants("student")] == ["refunded", "expired"]


def test_a_cancelled_one_may_turn_out_refunded(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path = f"/enrollments/{data['id']}"
    world.as_("admin").patch(path, json={"status": "cancelled"})
    assert world.as_("admin").patch(path, json={"status": "refunded"}).data["status"] == "refunded"
    assert world.events(course.id) == ["enrollment.created", "enrollment.cancelled"]


def test_access_is_the_union_of_live_grants(world: World) -> None:
    course = world.course(lessons=3)
    data = grant(world, course, source="purchase", source_id=5).data
    grant(world, course, source="membership", expires_at=iso(NOW + DAY))
    read = world.as_("student").get(f"/enrollments/{data['id']}").data
    assert read["expires_at"] is None, "the purchase never ends"
    from wp_schema.tables import enrollment_grants as grants

    world.set(
        grants,
        (grants.c.course_id == course.id) & (grants.c.source == "purchase"),
        ended_at=NOW - DAY,
        revoked_at=NOW - DAY,
        end_reason="refunded",
    )
    student = world.as_("student")
    assert student.post(f"/lessons/{course.lessons[0]}/complete").status == 200
    world.set(grants, (grants.c.course_id == course.id) & (grants.c.source == "membership"), ends_at=NOW - DAY)
    assert student.post(f"/lessons/{course.lessons[1]}/complete").code == "access_expired"


def test_moving_the_end(world: World) -> None:
    course = world.course(access_days=5)
    data = grant(world, course).data
    path, admin = f"/enrollments/{data['id']}", world.as_("admin")
    assert admin.patch(path, json={"expires_at": iso(NOW + 60 * DAY)}).data["expires_at"] == iso(NOW + 60 * DAY)
    assert admin.patch(path, json={"expires_at": None}).data["expires_at"] is None
    ended = admin.patch(path, json={"expires_at": iso(NOW - DAY)}).data
    assert (ended["status"], ended["has_access"], ended["expires_at"]) == ("expired", False, iso(NOW - DAY))
    refused = admin.patch(path, json={"expires_at": iso(NOW + DAY)})
    assert (refused.status, refused.code) == (409, "enrollment_not_active")
    back = admin.patch(path, json={"status": "active", "expires_at": iso(NOW + DAY)}).data
    assert (back["status"], back["expires_at"]) == ("active", iso(NOW + DAY))
    assert world.events(course.id) == ["enrollment.created", "enrollment.expired", "enrollment.created"]


def test_combinations_that_mean_nothing_are_refused(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path, admin = f"/enrollments/{data['id']}", world.as_("admin")
    assert admin.patch(path, json={"status": "cancelled", "expires_at": iso(NOW + DAY)}).status == 422
    assert admin.patch(path, json={"status": "pending"}).status == 422
    assert admin.patch(path, json={"progress_percent": 100}).status == 422
    admin.patch(path, json={"status": "cancelled"})
    assert admin.patch(path, json={"status": "active", "expires_at": iso(NOW - DAY)}).status == 422
    assert admin.patch(path, json={}).data["status"] == "cancelled"


def test_completing_by_hand(world: World) -> None:
    course = world.course(completion_mode="manual", lessons=1)
    data = course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert course.enrollment("student")["status"] == "active"
    path, teacher = f"/enrollments/{data['id']}", world.as_("teacher")
    done = teacher.patch(path, json={"status": "completed"}).data
    assert (done["status"], done["completion_no"]) == ("completed", 1)
    assert done["completed_at"] is not None
    assert teacher.patch(path, json={"status": "completed"}).data["completed_at"] == done["completed_at"]
    assert world.events(course.id, topic="enrollment.completed") == ["enrollment.completed"]
    refused = teacher.patch(path, json={"status": "active"})
    assert (refused.status, refused.code) == (409, "enrollment_completed")
    assert course.row()["completion_count"] == 1


def test_a_completed_one_stays_completed_whatever_its_grants_do(world: World) -> None:
    course = world.course(lessons=1)
    data = course.enrol("student")
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    ended = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": "refunded"}).data
    assert (ended["status"], ended["has_access"]) == ("completed", False)
    assert world.events(course.id)[-1] == "enrollment.cancelled"
    again = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": "active"}).data
    assert (again["status"], again["has_access"], again["completion_no"]) == ("completed", True, 1)
    refused = world.as_("teacher").patch(f"/enrollments/{data['id']}", json={"status": "completed"})
    assert refused.status == 200


def test_without_access_nothing_can_be_completed(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path = f"/enrollments/{data['id']}"
    world.as_("admin").patch(path, json={"status": "cancelled"})
    assert world.as_("admin").patch(path, json={"status": "completed"}).code == "enrollment_not_active"


def test_deleting_ends_access_and_keeps_the_row(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path = f"/enrollments/{data['id']}"
    answer = world.as_("teacher").delete(path)
    assert (answer.status, answer.data) == (200, {"id": data["id"], "deleted": True})
    assert world.as_("teacher").delete(path).status == 200
    assert world.as_("teacher").get(path).data["status"] == "cancelled"
    assert world.events(course.id) == ["enrollment.created", "enrollment.cancelled"]


def test_nobody_is_let_into_a_course_whose_window_has_closed(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path = f"/enrollments/{data['id']}"
    world.as_("admin").patch(path, json={"status": "cancelled"})
    course.change(access_ends_at=NOW - DAY)
    refused = world.as_("admin").patch(path, json={"status": "active"})
    assert (refused.status, refused.code) == (409, "access_window_closed")
    assert [given["ended_at"] is None for given in course.grants("student")] == [False]


def test_a_change_of_what_somebody_else_changed_is_refused(world: World) -> None:
    course = world.course()
    data = grant(world, course).data
    path, admin = f"/enrollments/{data['id']}", world.as_("admin")
    tag = admin.get(path).headers["ETag"]
    # Progress is no edit.
    world.as_("student").post(f"/lessons/{course.lessons[0]}/complete")
    assert admin.patch(path, json={"expires_at": iso(NOW + DAY)}, headers={"If-Match": tag}).status == 200
    stale = admin.patch(path, json={"expires_at": None}, headers={"If-Match": tag})
    assert (stale.status, stale.code) == (412, "precondition_failed")
    fresh = admin.get(path).headers["ETag"]
    assert admin.get(path, headers={"If-None-Match": fresh}).status == 304


def test_deleting_ends_a_grant_that_is_still_to_begin(world: World) -> None:
    course = world.course()
    data = grant(world, course, source="purchase", source_id=1).data
    world.as_("student").delete(f"/courses/{course.id}/enroll")
    grant(world, course, source="membership", source_id=1, starts_at=iso(NOW + 5 * DAY))
    assert course.enrollment("student")["next_transition_at"] is not None
    assert world.as_("admin").delete(f"/enrollments/{data['id']}").status == 200
    assert all(given["ended_at"] is not None for given in course.grants("student"))
    assert course.enrollment("student")["next_transition_at"] is None
