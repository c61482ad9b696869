"""Lists: paging by cursor and number, exact totals, and cursors that nobody can make or carry elsewhere."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from learnomy_wp.kernel import db, page
from learnomy_wp.kernel.errors import ValidationFailed
from learnomy_wp.kernel.page import Filter, Listing, Sort
from tests.client import Answer, Api
from wp_schema.tables import activity

ROWS = 1103
EVENTS = ("alpha", "beta", "gamma")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def fill(api: Api) -> None:
    """Rows with many equal sort keys."""
    rows = [
        {
            "at": BEGAN + timedelta(seconds=number // 7, microseconds=number % 3),
            "actor_id": 0,
            "event": EVENTS[number % 3],
            "object_type": "listed",
            "object_id": number,
            "course_id": 0,
            "user_id": 0,
            "summary": {},
            "ip": "",
            "request_id": "",
            "door": "",
        }
        for number in range(ROWS)
    ]
    with api.inside():
        db.write(delete(activity).where(activity.c.object_type == "listed"))
        db.write(insert(activity), rows)


@pytest.fixture(scope="module")
def filled(probe_app: Api) -> Api:
    fill(probe_app)
    return probe_app


def ask(api: Api, query: str, login: str | None = None) -> Answer:
    return api.as_(login).get(f"/probe/things?{query}")


def walk(api: Api, query: str, login: str | None = None) -> list[dict[str, Any]]:
    """All rows, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(200):
        answer = ask(api, f"{query}&cursor={cursor}" if cursor else query, login)
        assert answer.status == 200, answer.body
        found += answer.data
        cursor = answer.body["meta"]["cursor_next"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("sort", ["-id", "event", "-at"])
@pytest.mark.parametrize("per_page", [1, 7, 100])
def test_a_walk_meets_every_row_once_and_in_order(filled: Api, sort: str, per_page: int) -> None:
    query = f"sort={sort}&per_page={per_page}" + ("&event=beta" if per_page == 1 else "")
    if per_page == 1:
        rows = [ask(filled, f"{query}&page={number}").data[0] for number in range(1, 30)]
    else:
        rows = walk(filled, query)
        assert len({row["id"] for row in rows}) == len(rows) == ROWS
    numbers = [row["object_id"] for row in rows]
    keys: dict[str, Any] = {
        "-id": lambda number: -number,
        "event": lambda number: (EVENTS[number % 3], number),
        "-at": lambda number: (-(number // 7), -(number % 3), -number),
    }
    assert numbers == sorted(numbers, key=keys[sort])


def test_the_total_is_exact_on_every_page(filled: Api) -> None:
    first = ask(filled, "event=alpha&per_page=50")
    assert first.body["meta"]["total"] == len(range(0, ROWS, 3))
    second = ask(filled, f"event=alpha&per_page=50&cursor={first.body['meta']['cursor_next']}")
    assert second.body["meta"]["total"] == first.body["meta"]["total"]
    assert ask(filled, "event=nothing").body == {"data": [], "meta": {"total": 0, "cursor_next": None}}


def test_the_last_page_ends_exactly(filled: Api) -> None:
    count = len(range(0, ROWS, 3))
    whole = ask(filled, f"event=alpha&per_page=100&page={count // 100 + 1}")
    assert len(whole.data) == count % 100
    assert whole.body["meta"]["cursor_next"] is None


def test_pages_by_number_end_at_the_1000th_row_and_a_cursor_goes_on(filled: Api) -> None:
    by_number = [row for number in range(1, 11) for row in ask(filled, f"per_page=100&page={number}").data]
    assert by_number == walk(filled, "per_page=100")[:1000]
    refused = ask(filled, "per_page=100&page=11")
    assert (refused.status, refused.body["error"]["details"][0]["field"]) == (422, "page")
    assert ask(filled, "per_page=100&page=99999999999999999999").status == 422
    last = ask(filled, "per_page=100&page=10")
    rest = ask(filled, f"per_page=100&page=10&cursor={last.body['meta']['cursor_next']}")
    assert len(rest.data) == 100
    assert rest.data[0] == walk(filled, "per_page=100")[1000]


def test_a_row_that_comes_in_between_moves_no_page(filled: Api) -> None:
    first = ask(filled, "sort=-at&per_page=10")
    with filled.inside():
        newest = {
            "at": BEGAN + timedelta(days=1),
            "actor_id": 0,
            "event": "alpha",
            "object_type": "listed",
            "object_id": 99999,
            "course_id": 0,
            "user_id": 0,
            "summary": {},
            "ip": "",
            "request_id": "",
            "door": "",
        }
        added = db.insert_id(db.write(insert(activity), newest))
    second = ask(filled, f"sort=-at&per_page=10&cursor={first.body['meta']['cursor_next']}")
    with filled.inside():
        db.write(delete(activity).where(activity.c.id == added))
    assert not {row["id"] for row in first.data} & {row["id"] for row in second.data}
    assert [*first.data, *second.data] == ask(filled, "sort=-at&per_page=20").data


# --- cursors ------------------------------------------------------------------------------


def refused(answer: Answer) -> bool:
    assert answer.status == 422, answer.body
    (detail,) = answer.body["error"]["details"]
    return (detail["field"], detail["code"]) == ("cursor", "invalid_cursor")


def test_a_cursor_is_of_one_list_and_one_reader(filled: Api) -> None:
    cursor = ask(filled, "event=alpha&sort=-id&per_page=10").body["meta"]["cursor_next"]
    assert ask(filled, f"event=alpha&sort=-id&per_page=20&cursor={cursor}").status == 200
    for query in ("event=beta&sort=-id", "sort=-id", "event=alpha&sort=event", "event=alpha&sort=-at"):
        assert refused(ask(filled, f"{query}&cursor={cursor}")), query
    assert refused(ask(filled, f"event=alpha&sort=-id&cursor={cursor}", "student"))
    own = ask(filled, "event=alpha&sort=-id&per_page=10", "student").body["meta"]["cursor_next"]
    assert ask(filled, f"event=alpha&sort=-id&cursor={own}", "student").status == 200
    assert refused(ask(filled, f"event=alpha&sort=-id&cursor={own}", "student2"))


def test_a_changed_cursor_is_refused(filled: Api) -> None:
    cursor = ask(filled, "per_page=10").body["meta"]["cursor_next"]
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        assert refused(ask(filled, f"cursor={base64.urlsafe_b64encode(changed).decode().rstrip('=')}"))
    for other in (cursor[:-4], "A" * 16, "%F0%9F%92%A9", "' OR 1=1 --", cursor * 2, "A" * 5000):
        assert refused(ask(filled, f"cursor={other}")), other


def test_a_cursor_of_another_blog_or_secret_is_refused(filled: Api) -> None:
    with filled.inside():
        listing, query = _listing(), {"per_page": 5, "sort": "-id"}
        cursor = listing.page(query).cursor_next
        assert listing.page({**query, "cursor": cursor}).rows
        before = page._cursor_key
        page.use_cursor_key(b"another secret")
        try:
            with pytest.raises(ValidationFailed):
                listing.page({**query, "cursor": cursor})
        finally:
            page.use_cursor_key(before)
        blog = db._blog.set((2, ("wp_", "wp_")))
        try:
            with pytest.raises(ValidationFailed):
                listing.page({**query, "cursor": cursor})
        finally:
            db._blog.reset(blog)


def test_filters_with_lists_and_a_base_with_parameters(filled: Api) -> None:
    with filled.inside():
        ids = db.values(select(activity.c.id).where(activity.c.object_type == "listed").limit(9))
        found = _listing().page({"per_page": 5, "ids": ids})
        assert (found.total, len(found.rows)) == (9, 5)
        rest = _listing().page({"per_page": 5, "ids": ids, "cursor": found.cursor_next})
        assert sorted(row["id"] for row in [*found.rows, *rest.rows]) == sorted(ids)
        with pytest.raises(ValidationFailed):
            _listing().page({"per_page": 5, "ids": ids[1:], "cursor": found.cursor_next})
        assert set(found.rows[0]) == {"id", "event", "object_id"}


def test_statements_are_made_once_for_a_shape(filled: Api) -> None:
    listing = _listing()
    with filled.inside():
        for per_page in (1, 2, 3):
            listing.page({"per_page": per_page, "ids": [per_page]})
    assert len(listing._statements) == 1


@pytest.mark.parametrize(("page", "statements"), [(1, 2), (2, 1), (3, 2)])
def test_what_ends_on_the_page_is_not_counted(filled: Api, page: int, statements: int) -> None:
    ids = [1, 2, 3, 4, 5]
    with filled.inside():
        before = db.query_count()
        found = _listing().page({"per_page": 3, "page": page, "ids": ids})
        assert (len(found.rows), found.total) == ({1: 3, 2: 2, 3: 0}[page], 5)
        assert db.query_count() - before == statements


def test_a_list_costs_a_count_and_a_select(filled: Api) -> None:
    with filled.inside():
        before = db.query_count()
        _listing().page({"per_page": 100})
        assert db.query_count() - before == 2
        before = db.query_count()
        _listing().page({"per_page": 100}, total=lambda _count: 5)
        assert db.query_count() - before == 1


def _listing() -> Listing:
    return Listing(
        select(activity.c.id, activity.c.event, activity.c.object_id).where(activity.c.object_type == "listed"),
        table=activity,
        key=activity.c.id,
        default="-id",
        sorts={"-id": Sort(activity.c.id, descending=True)},
        filters={"ids": Filter(lambda value: activity.c.id.in_(value), many=True)},
    )
