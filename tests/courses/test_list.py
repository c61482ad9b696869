"""The course list: every filter and sort, paging while rows come and go, totals, and what it costs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from learnomy_wp.kernel import cache, db
from tests.client import Api
from tests.courses.school import School, of_resource
from wp_schema.folding import search_text, sort_title
from wp_schema.tables import course_instructors, course_terms, courses, terms

START = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = ("beginner", "intermediate", "advanced")
SUBJECTS = ("Baking", "Boxing", "Chess", "Drawing", "Élan vital")
COUNT = 60
_numbers = itertools.count(1)


def _rows(teachers: list[int]) -> Iterator[dict[str, Any]]:
    for number in range(COUNT):
        title = f"{SUBJECTS[number % 5]} {number % 7}"
        at = START + timedelta(days=number % 20)  # three of each date
        yield {
            "title": title,
            "slug": f"listed-{number}",
            "sort_title": sort_title(title),
            "search_text": search_text(title, "An excerpt about the thing"),
            "status": "draft" if number % 10 == 9 else "published",
            "level": LEVELS[number % 3],
            "language": "de" if number % 4 == 0 else "en",
            "author_id": teachers[number % 2],
            "price_minor": 0 if number % 3 == 0 else 100 * (number % 5),
            "currency": "EUR",
            "is_featured": number % 6 == 0,
            "rating_avg": (number * 37) % 501,
            "rating_count": 1,
            "student_count": number % 8,
            "created_at": at,
            "updated_at": at,
            "published_at": at,
            "first_published_at": at,
        }


@pytest.fixture(scope="module")
def listed(api: Api) -> School:
    """Sixty courses of two teachers in two categories and two tags."""
    school = School(api)
    with api.inside():
        db.transaction(lambda: _fill(school))
        cache.bump(["courses", "course-list"])
    return school


def _fill(school: School) -> None:
    teachers = [school.ids["teacher"], school.ids["teacher2"]]
    db.execute(insert(courses), list(_rows(teachers)))
    named = [("category", "cooking"), ("category", "sport"), ("tag", "fast"), ("tag", "slow")]
    for taxonomy, slug in named:
        row = {"taxonomy": taxonomy, "slug": slug, "name": slug, "sort_title": slug}
        db.execute(insert(terms), {**row, "created_at": START, "updated_at": START})
    ids = {row["slug"]: row["id"] for row in db.rows(select(terms.c.id, terms.c.slug))}
    for number, course in enumerate(db.rows(select(courses).order_by(courses.c.id))):
        copies = {"course_status": course["status"], "published_at": course["published_at"]}
        copies["sort_title"] = course["sort_title"]
        teacher = {"course_id": course["id"], "user_id": course["author_id"], "role": "owner", "created_at": START}
        db.execute(insert(course_instructors), {**teacher, **copies})
        more = {name: course[name] for name in ("price_minor", "rating_avg", "student_count")}
        for slug in (("cooking", "sport")[number % 2], ("fast", "slow")[number % 5 == 0]):
            db.execute(insert(course_terms), {"term_id": ids[slug], "course_id": course["id"], **copies, **more})


def everything(school: School) -> list[dict[str, Any]]:
    wanted = select(courses).where(courses.c.status == "published", courses.c.slug.like("listed-%"))
    return school.rows(wanted)


def walk(school: School, query: str, who: str | None = None, per_page: int = 7) -> list[dict[str, Any]]:
    """All rows of a list, page by page; each page says the same total."""
    rows: list[dict[str, Any]] = []
    cursor, totals = "", set()
    while cursor is not None:
        answer = school.as_(who).get(f"/courses?per_page={per_page}&cursor={cursor}&{query}")
        assert answer.status == 200, answer.body
        assert len(answer.data) <= per_page
        rows += answer.data
        totals.add(answer.body["meta"]["total"])
        cursor = answer.body["meta"]["cursor_next"]
    assert totals == {len(rows)}
    return rows


SORTS = {
    "published_at": lambda row: (row["published_at"], row["id"]),
    "title": lambda row: (row["sort_title"], row["id"]),
    "price": lambda row: (row["price_minor"], row["id"]),
    "rating": lambda row: (row["rating_avg"], row["id"]),
    "student_count": lambda row: (row["student_count"], row["id"]),
}
FILTERS: dict[str, Any] = {
    "": lambda row: True,
    "level=beginner": lambda row: row["level"] == "beginner",
    "language=de": lambda row: row["language"] == "de",
    "price=free": lambda row: row["price_minor"] == 0,
    "price=paid": lambda row: row["price_minor"] > 0,
    "featured=true": lambda row: row["is_featured"],
    "featured=false": lambda row: not row["is_featured"],
    "rating_min=4": lambda row: row["rating_avg"] >= 400,
    "rating_min=2.5": lambda row: row["rating_avg"] >= 250,
    "rating_min=0": lambda row: True,
    "rating_min=0.5": lambda row: row["rating_avg"] >= 50,
    "rating_min=5": lambda row: row["rating_avg"] >= 500,
    "category=cooking": lambda row: row["place"] % 2 == 0,
    "tag=slow": lambda row: row["place"] % 5 == 0,
    "category=sport&tag=fast": lambda row: row["place"] % 2 == 1 and row["place"] % 5,
    "category=cooking&level=beginner&price=free": lambda row: row["place"] % 2 == 0 and row["place"] % 3 == 0,
    "search=chess": lambda row: row["title"].startswith("Chess"),
    "search=ELAN%20vit": lambda row: row["title"].startswith("Élan"),
    "search=box%20about%20thing": lambda row: row["title"].startswith("Boxing"),
    "search=oxing": lambda row: False,
    "search=an": lambda row: True,
    "search=about%20the": lambda row: True,
    "search=%25": lambda row: True,
    "search=chess%20_": lambda row: False,
    "search=bak&category=cooking": lambda row: row["title"].startswith("Baking") and row["place"] % 2 == 0,
    "search=bak&level=beginner": lambda row: row["title"].startswith("Baking") and row["level"] == "beginner",
}


@pytest.mark.parametrize("order", [f"{turn}{name}" for name in SORTS for turn in ("", "-")])
@pytest.mark.parametrize("filtered", FILTERS)
def test_every_filter_in_every_order(listed: School, filtered: str, order: str) -> None:
    found = everything(listed)
    first = min(row["id"] for row in found)
    expected = [row for row in ({**row, "place": row["id"] - first} for row in found) if FILTERS[filtered](row)]
    expected.sort(key=SORTS[order.lstrip("-")], reverse=order.startswith("-"))
    rows = walk(listed, f"{filtered}&sort={order}")
    assert [row["id"] for row in rows] == [row["id"] for row in expected]


def test_the_default_order_is_newest_first(listed: School) -> None:
    assert walk(listed, "") == walk(listed, "sort=-published_at")


def test_filters_by_instructor_and_ids(listed: School) -> None:
    teacher = listed.ids["teacher"]
    mine = walk(listed, f"instructor={teacher}")
    assert mine
    assert all(row["instructors"][0]["id"] == teacher for row in mine)
    assert len(mine) == len([row for row in everything(listed) if row["author_id"] == teacher])
    for order in SORTS:
        assert {row["id"] for row in walk(listed, f"instructor={teacher}&sort={order}")} == {row["id"] for row in mine}
    both = walk(listed, f"instructor={teacher}&category=cooking")
    assert {row["id"] for row in both} <= {row["id"] for row in mine}
    wanted = sorted(row["id"] for row in mine[:3])
    named = walk(listed, f"ids={','.join(map(str, wanted))},999999")
    assert sorted(row["id"] for row in named) == wanted
    assert walk(listed, f"instructor={listed.ids['student']}") == []


def test_terms_by_id_and_by_slug_are_the_same(listed: School) -> None:
    [row] = listed.rows(select(terms.c.id).where(terms.c.slug == "cooking"))
    assert walk(listed, f"category={row['id']}") == walk(listed, "category=cooking")
    assert walk(listed, "category=nowhere") == walk(listed, "tag=cooking") == []


def test_pages_by_number_as_wordpress_does(listed: School) -> None:
    whole = [row["id"] for row in walk(listed, "")]
    second = listed.as_(None).get("/courses?per_page=10&page=2")
    assert [row["id"] for row in second.data] == whole[10:20]
    assert listed.as_(None).get("/courses?per_page=10&page=99").data == []
    beyond = listed.as_(None).get("/courses?per_page=100&page=11")
    assert (beyond.status, beyond.body["error"]["details"][0]["field"]) == (422, "page")


@pytest.mark.parametrize(
    "query",
    [
        "sort=id", "sort=title;drop", "sort=", "per_page=0", "per_page=101", "page=0", "cursor=nonsense", "level=hard",
        "price=cheap", "rating_min=6", "rating_min=nan", "instructor=abc", "instructor=0", "featured=maybe", "ids=",
        "ids=1;2", "status=nonsense", "language=%27", f"search={'x' * 201}",
        f"ids={','.join(map(str, range(1, 103)))}",
    ],
)  # fmt: skip
def test_bad_values_are_422(listed: School, query: str) -> None:
    answer = listed.as_(None).get(f"/courses?{query}")
    assert (answer.status, answer.code) == (422, "validation_failed")
    assert answer.body["error"]["details"][0]["field"] == query.partition("=")[0]


def test_what_is_not_known_is_ignored(listed: School) -> None:
    assert listed.as_(None).get("/courses?colour=red").body == listed.as_(None).get("/courses").body


def test_a_cursor_belongs_to_its_query(listed: School) -> None:
    cursor = listed.as_(None).get("/courses?per_page=5").body["meta"]["cursor_next"]
    for other in ("sort=title", "level=beginner", f"instructor={listed.ids['teacher']}"):
        assert listed.as_(None).get(f"/courses?per_page=5&cursor={cursor}&{other}").status == 422
    tampered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    assert listed.as_(None).get(f"/courses?per_page=5&cursor={tampered}").status == 422


@pytest.mark.parametrize("order", ["-published_at", "title", "price", "-rating", "-student_count"])
def test_pages_hold_while_rows_come_and_go(listed: School, order: str) -> None:
    before = [row["id"] for row in walk(listed, f"sort={order}")]
    first = listed.as_(None).get(f"/courses?per_page=10&sort={order}")
    gone = {before[3], before[15]}
    number = next(_numbers)
    with listed.api.inside():
        db.transaction(lambda: db.execute(update(courses).where(courses.c.id.in_(gone)).values(status="draft")))
        extremes = [
            {"published_at": START + timedelta(days=400), "price_minor": 0, "rating_avg": 500, "student_count": 99},
            {"published_at": START - timedelta(days=400), "price_minor": 9999, "rating_avg": 0, "student_count": 0},
        ]
        added = [
            {
                **next(_rows([1, 1])),
                "slug": f"added-{number}-{place}",
                "sort_title": "a" if place == 0 else "zz",
                **extreme,
            }
            for place, extreme in enumerate(extremes)
        ]
        db.transaction(lambda: db.execute(insert(courses), added))
        cache.bump(["courses", "course-list"])
    try:
        rows = list(first.data)
        cursor = first.body["meta"]["cursor_next"]
        while cursor is not None:
            answer = listed.as_(None).get(f"/courses?per_page=10&sort={order}&cursor={cursor}")
            assert answer.body["meta"]["total"] == len(before)  # two gone, two added
            rows += answer.data
            cursor = answer.body["meta"]["cursor_next"]
        seen = [row["id"] for row in rows]
        assert len(seen) == len(set(seen))
        assert [i for i in seen if i in before] == [i for i in before if i not in gone or i == before[3]]
    finally:
        with listed.api.inside():
            db.transaction(lambda: db.execute(update(courses).where(courses.c.id.in_(gone)).values(status="published")))
            db.transaction(lambda: db.execute(delete(courses).where(courses.c.slug.like("added-%"))))
            cache.bump(["courses", "course-list"])


# --- drafts and the trash are for staff --------------------------------------------------


def test_other_statuses_are_for_staff(listed: School) -> None:
    answer = listed.as_(None).get("/courses?status=draft")
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert walk(listed, "status=draft", "student") == []
    drafts = {who: {row["id"] for row in walk(listed, "status=draft", who)} for who in ("teacher", "teacher2", "admin")}
    assert drafts["teacher"].isdisjoint(drafts["teacher2"])
    assert drafts["admin"] == drafts["teacher"] | drafts["teacher2"] != set()
    for order in SORTS:
        assert {row["id"] for row in walk(listed, f"status=draft&sort={order}", "teacher2")} == drafts["teacher2"]
    assert {row["id"] for row in walk(listed, "status=draft&level=beginner", "admin")} <= drafts["admin"]
    assert walk(listed, "status=published", "student") == walk(listed, "")


def test_a_private_academy_lists_nothing_to_guests(listed: School) -> None:
    assert listed.as_("admin").patch("/settings", json={"require_login_for_content": True}).status == 200
    try:
        for path in ("/courses", "/courses/1", "/courses/1/curriculum", "/course-categories"):
            assert listed.as_(None).get(path).status == 401, path
            assert listed.as_("student").get(path).status == 200, path
    finally:
        listed.as_("admin").patch("/settings", json={"require_login_for_content": False})


# --- what it costs -----------------------------------------------------------------------


@pytest.mark.parametrize("per_page", [1, 20, 100])
def test_a_list_costs_three_queries_and_a_total_once(listed: School, per_page: int) -> None:
    with listed.api.inside():
        cache.bump(["course-list"])
    counts = []
    for session in [listed.as_("student"), listed.as_("student2")]:
        with listed.queries() as sent:
            assert session.get(f"/courses?per_page={per_page}&level=advanced").status == 200
        counts.append(len(of_resource(sent)))
    assert counts == [4, 3]


def test_totals_follow_what_is_published(listed: School) -> None:
    total = listed.as_("student").get("/courses").body["meta"]["total"]
    course = listed.course(published=True)
    assert listed.as_("student").get("/courses").body["meta"]["total"] == total + 1
    assert listed.as_("teacher").patch(f"/courses/{course['id']}", json={"level": "expert"}).status == 200
    assert listed.as_("student").get("/courses?level=expert").body["meta"]["total"] == 1
    assert listed.as_("teacher").delete(f"/courses/{course['id']}").status == 200
    assert listed.as_("student").get("/courses").body["meta"]["total"] == total
    assert listed.as_("student").get("/courses?level=expert").body["meta"]["total"] == 0
