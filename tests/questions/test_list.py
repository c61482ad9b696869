"""The list of the question bank: every filter and sort, paging, totals, and what it costs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select

from learnomy_wp.kernel import cache, db
from learnomy_wp.questions import lookups
from tests.client import Api
from tests.courses.school import of_resource
from tests.questions.bank import Bank
from wp_schema.folding import search_text, sort_title
from wp_schema.tables import course_instructors, question_versions, questions, terms

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("single_choice", "essay", "numeric")
LEVELS = ("easy", "medium", "hard")
COUNT = 120


def _rows(people: list[int], courses: list[int], categories: list[int]) -> Iterator[dict[str, Any]]:
    for number in range(COUNT):
        title = f"{('Baking', 'Boxing', 'Chess', 'Élan vital')[number % 4]} {number % 7}"
        at = START + timedelta(days=number % 40)  # three of each date
        tags = [("quick", "slow")[number % 2], *(["100% sure_thing"] if number % 10 == 0 else [])]
        trashed = number % 12 == 11
        yield {
            "author_id": people[number % 2],
            "course_id": courses[number % 2] if number % 3 == 0 else None,
            "category_id": categories[number % 2] if number % 5 else None,
            "type": TYPES[number % 3],
            "title": title,
            "sort_title": sort_title(title),
            "status": "trash" if trashed else ("draft" if number % 6 == 5 else "published"),
            "deleted_at": at if trashed else None,
            "difficulty": LEVELS[number % 3],
            "tags": tags,
            "search_text": search_text(title, *tags, "A prompt about the thing"),
            "created_at": at,
            "updated_at": at,
        }


@pytest.fixture(scope="module")
def listed(api: Api) -> Bank:
    """A hundred and twenty questions of two teachers, some in a course of theirs, in two categories."""
    bank = Bank(api)
    courses = [bank.course(who)["id"] for who in ("teacher", "teacher2")]
    with api.inside():
        db.transaction(lambda: _fill(bank, courses))
        cache.bump(["questions"])
    return bank


def _fill(bank: Bank, courses: list[int]) -> None:
    db.execute(delete(questions))
    categories = []
    for name in ("Numbers", "Words"):
        row = {"taxonomy": "question_category", "slug": name.lower(), "name": name, "sort_title": name.lower()}
        row |= {"parent_id": categories[0] if categories else None}
        categories.append(db.insert_id(db.execute(insert(terms), {**row, "created_at": START, "updated_at": START})))
    people = [bank.ids["teacher"], bank.ids["teacher2"]]
    db.execute(insert(questions), list(_rows(people, courses, categories)))
    for question in db.rows(select(questions)):
        version = {"question_id": question["id"], "number": 1, "type": question["type"], "content": {"answers": []}}
        version |= {"prompt_raw": question["title"], "content_hash": "x", "created_at": START, "updated_at": START}
        made = db.insert_id(db.execute(insert(question_versions), version))
        db.execute(questions.update().where(questions.c.id == question["id"]).values(current_version_id=made))


def known(bank: Bank, who: str) -> list[dict[str, Any]]:
    """What the caller may see, straight from the table."""
    rows = bank.rows(select(questions))
    if who == "admin":
        return rows
    mine = {row["course_id"] for row in bank.rows(select(course_instructors)) if row["user_id"] == bank.ids[who]}
    return [
        row
        for row in rows
        if row["course_id"] in mine or (row["course_id"] is None and row["author_id"] == bank.ids[who])
    ]


def walk(bank: Bank, who: str, query: str, per_page: int = 7) -> tuple[list[dict[str, Any]], int]:
    """All rows, page by page, and the total that every page tells."""
    found, cursor, totals = [], "", set()
    while True:
        answer = bank.as_(who).get(f"/questions?per_page={per_page}&{query}{cursor}")
        assert answer.status == 200, answer.body
        found += answer.data
        totals.add(answer.body["meta"]["total"])
        if answer.body["meta"]["cursor_next"] is None:
            assert len(totals) == 1
            return found, totals.pop()
        cursor = f"&cursor={answer.body['meta']['cursor_next']}"


FILTERS: dict[str, Any] = {
    "": lambda _row: True,
    "status=draft": lambda row: row["status"] == "draft",
    "status=trash": lambda row: row["status"] == "trash",
    "type=essay": lambda row: row["type"] == "essay",
    "difficulty=hard": lambda row: row["difficulty"] == "hard",
    "tag=quick": lambda row: "quick" in row["tags"],
    "tag=100%25+sure_thing": lambda row: "100% sure_thing" in row["tags"],
    "tag=sure": lambda _row: False,
    "search=chess": lambda row: "Chess" in row["title"],
    "search=elan+vit": lambda row: "Élan" in row["title"],
    "search=chess+slow&type=numeric": lambda row: (
        "Chess" in row["title"] and "slow" in row["tags"] and row["type"] == "numeric"
    ),
    "type=essay&status=published&difficulty=medium": lambda row: (
        row["type"] == "essay" and row["status"] == "published"
    ),
}
SORTS: dict[str, Any] = {
    "-created_at": (lambda row: (row["created_at"], row["id"]), True),
    "created_at": (lambda row: (row["created_at"], row["id"]), False),
    "title": (lambda row: (row["sort_title"], row["id"]), False),
    "-title": (lambda row: (row["sort_title"], row["id"]), True),
}


@pytest.mark.parametrize("who", ["teacher", "admin"])
@pytest.mark.parametrize(("query", "fits"), FILTERS.items(), ids=list(FILTERS))
def test_filters(listed: Bank, who: str, query: str, fits: Any) -> None:
    found, total = walk(listed, who, query)
    kept = [row for row in known(listed, who) if fits(row) and ("status" in query or row["status"] != "trash")]
    assert {row["id"] for row in found} == {row["id"] for row in kept}
    assert len(found) == total == len(kept)


@pytest.mark.parametrize("query", ["", "&status=published", "&type=essay"])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("who", ["teacher2", "admin"])
def test_sorts(listed: Bank, who: str, sort: str, query: str) -> None:
    key, is_descending = SORTS[sort]
    found, _total = walk(listed, who, f"sort={sort}{query}")
    rows = {row["id"]: row for row in known(listed, who)}
    ordered = sorted((rows[row["id"]] for row in found), key=key, reverse=is_descending)
    assert [row["id"] for row in found] == [row["id"] for row in ordered]


def test_filters_by_ids_of_others(listed: Bank) -> None:
    rows = known(listed, "teacher")
    category, course = rows[1]["category_id"], rows[0]["course_id"]
    for query, fits in (
        (f"category_id={category}", lambda row: row["category_id"] == category),
        (f"course_id={course}", lambda row: row["course_id"] == course),
        (f"author_id={listed.ids['teacher']}", lambda row: row["author_id"] == listed.ids["teacher"]),
        (f"author_id={listed.ids['student']}", lambda _row: False),
        ("category_id=999999", lambda _row: False),
    ):
        for who in ("teacher", "admin"):
            found, _total = walk(listed, who, query)
            kept = {row["id"] for row in known(listed, who) if fits(row) and row["status"] != "trash"}
            assert {row["id"] for row in found} == kept, query
    foreign = [row["id"] for row in known(listed, "teacher2")][:5]
    assert listed.as_("teacher").get(f"/questions?ids={','.join(map(str, foreign))}").data == []


@pytest.mark.parametrize(
    "query",
    [
        "sort=points",
        "status=lost",
        "type=A%20B",
        "difficulty=5",
        "per_page=101",
        "category_id=x",
        "format=pdf",
        "cursor=x",
    ],
)
def test_what_no_list_takes(listed: Bank, query: str) -> None:
    answer = listed.as_("teacher").get(f"/questions?{query}")
    assert answer.status == 422
    assert answer.body["error"]["details"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("who", ["teacher", "admin"])
def test_a_page_of_any_size_costs_the_same_queries(listed: Bank, who: str) -> None:
    listed.as_(who).get("/questions")
    counts = []
    for size in (1, 5, 10):  # whose end is not on the page, so that the total is counted
        with listed.queries() as sent:
            assert listed.as_(who).get(f"/questions?per_page={size}&type=essay").status == 200
        counts.append(len([one for one in of_resource(sent) if "lrn_" in one]))
    assert len(set(counts)) == 1, counts
    # The page, its total, versions and categories; who sees not everything, two for what that is.
    assert counts[0] <= (4 if who == "admin" else 6)


def test_pages_read_no_more_rows_than_they_hold(listed: Bank) -> None:
    """With ten thousand questions the engine reads a few pages' rows, wherever the page is."""
    if listed.api.runtime.database.is_sqlite:
        wanted = [one for one in explained(listed, "/questions?per_page=20") if "SCAN" in one and "INDEX" not in one]
        assert wanted == []
        return
    with listed.api.inside():
        db.transaction(_many)
        cache.bump(["questions"])
    try:
        for query in ("", "&type=essay", "&difficulty=hard", "&status=published", "&sort=title", "&sort=-title"):
            first = listed.as_("admin").get(f"/questions?per_page=20{query}").body["meta"]["cursor_next"]
            for cursor in ("", f"&cursor={first}"):
                assert handler_reads(listed, f"/questions?per_page=20{query}{cursor}") <= 3 * 21, (query, cursor)
    finally:
        listed.write(delete(questions).where(questions.c.title.startswith("Filling")))


def _many() -> None:
    rows = [
        {
            "author_id": 1,
            "title": f"Filling {number}",
            "sort_title": f"filling {number:05}",
            "type": TYPES[number % 3],
            "difficulty": LEVELS[number % 3],
            "search_text": " filling",
            "current_version_id": 1,
            "created_at": START + timedelta(minutes=number),
            "updated_at": START,
        }
        for number in range(10_000)
    ]
    for start in range(0, len(rows), 1000):
        db.execute(insert(questions), rows[start : start + 1000])


def handler_reads(bank: Bank, path: str) -> int:
    """The rows that the page's own statement reads, by the counters of the session that serves it."""
    counted: list[int] = []
    engine = bank.api.runtime.database.read

    def status(cursor: Any) -> int:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(row[1]) for row in cursor.fetchall())

    def before(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "FORCE INDEX" in statement and "count(" not in statement:
            connection.info["reads"] = status(connection.connection.cursor())

    def after(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "reads" in connection.info:
            counted.append(status(connection.connection.cursor()) - connection.info.pop("reads"))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        assert bank.as_("admin").get(path).status == 200
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)
    assert counted
    return max(counted)


def test_a_draw_finds_what_fits_and_nothing_else(listed: Bank) -> None:
    rows = known(listed, "admin")
    teacher, course = listed.ids["teacher"], known(listed, "teacher")[0]["course_id"]
    top = next(row["id"] for row in listed.rows(select(terms).where(terms.c.name == "Numbers")))
    below = next(row["id"] for row in listed.rows(select(terms).where(terms.c.name == "Words")))

    def usable(row: dict[str, Any]) -> bool:
        own = row["course_id"] == course or (row["course_id"] is None and row["author_id"] == teacher)
        return own and row["status"] == "published"

    def drawn(**asked: Any) -> set[int]:
        with listed.api.inside():
            found = lookups.draw_candidates(course_id=course, author_id=teacher, **asked)
        assert all(row["version_id"] for row in found)
        return {row["id"] for row in found}

    everything = {row["id"] for row in rows if usable(row)}
    assert drawn(category_id=None) == everything
    assert drawn(category_id=top) == {row["id"] for row in rows if usable(row) and row["category_id"] in (top, below)}
    alone = drawn(category_id=top, subcategories=False)
    assert alone == {row["id"] for row in rows if usable(row) and row["category_id"] == top}
    assert drawn(category_id=None, tags=["QUICK"]) == {
        row["id"] for row in rows if usable(row) and "quick" in row["tags"]
    }
    hard = drawn(category_id=None, difficulty=["hard", "easy"], exclude=everything)
    assert hard == set()
    assert drawn(category_id=None, difficulty=["hard"]) == {
        row["id"] for row in rows if usable(row) and row["difficulty"] == "hard"
    }


def test_versions_are_found_in_one_query_each(listed: Bank) -> None:
    rows = known(listed, "admin")[:30]
    ids = [row["id"] for row in rows]
    with listed.api.inside(), listed.queries() as sent:
        newest = lookups.newest_versions(ids)
        found = lookups.find_versions(row["current_version_id"] for row in rows)
        told = lookups.find_questions(ids)
    assert len(sent) == 3
    assert {key: row["id"] for key, row in newest.items()} == {row["id"]: row["current_version_id"] for row in rows}
    assert set(found) == {row["current_version_id"] for row in rows}
    assert set(told) == set(ids)
    with listed.api.inside():
        assert lookups.newest_versions([]) == lookups.find_versions(iter(())) == lookups.find_questions([]) == {}


def explained(bank: Bank, path: str) -> list[str]:
    """The steps of SQLite's plans for what a request reads of questions."""
    with bank.queries() as sent:
        bank.as_("admin").get(path)
    statements = [one for one in sent if one.startswith("SELECT") and "lrn_questions" in one]
    steps = []
    with bank.api.runtime.database.read.connect() as connection:
        raw = connection.connection.cursor()
        for statement in statements:
            raw.execute(f"EXPLAIN QUERY PLAN {statement}", [0] * statement.count("?"))
            steps += [str(row[3]) for row in raw.fetchall()]
    assert steps
    return list(itertools.chain(steps))
