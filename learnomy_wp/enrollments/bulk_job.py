"""The job behind a bulk enrolment: row by row, a few in each unit of work, with the report in the same one.

So a process that is lost takes nothing with it: what is committed stands in the report, and the next run goes on
with the row after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from learnomy_wp.enrollments import barriers, bulk_rows, grants, policies, settle, steps
from learnomy_wp.enrollments.bulk import KIND
from learnomy_wp.enrollments.bulk_rows import RowRefused
from learnomy_wp.enrollments.errors import AlreadyEnrolled, CourseFull
from learnomy_wp.kernel import auth, clock, db, jobs, log
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.auth import users as identities
from learnomy_wp.kernel.errors import Detail, InternalError, ValidationFailed
from learnomy_wp.kernel.jobrun import Job, JobRefused
from wp_schema.tables import courses, enrollments, users

Row = dict[str, Any]

BATCH = 25
# What becomes of a row. A further source adds to access that is there; some access begins later.
ENROLLED, ADDED, SCHEDULED, CLOSED = "enrolled", "added", "scheduled", "closed"
UNCHANGED, FAILED = "unchanged", "failed"

USERS = {
    "user_id": select(users.c.ID.label("id"), users.c.ID.label("named")).where(
        users.c.ID.in_(bindparam("named", expanding=True))
    ),
    "email": select(users.c.ID.label("id"), users.c.user_email.label("named")).where(
        users.c.user_email.in_(bindparam("named", expanding=True))
    ),
    "username": select(users.c.ID.label("id"), users.c.user_login.label("named")).where(
        users.c.user_login.in_(bindparam("named", expanding=True))
    ),
}
COURSE = select(*settle.COURSE_COLUMNS).where(courses.c.id == bindparam("course_id"))
PAIR = select(enrollments.c.id, enrollments.c.has_access).where(
    enrollments.c.user_id == bindparam("user_id"), enrollments.c.course_id == bindparam("course_id")
)


@jobs.job(KIND)
def bulk_enroll(job: Job) -> dict[str, Any]:
    """Enrol the rows of a list, or say what would become of them."""
    run = _Run(job)
    while run.position < len(run.rows):
        run.take(run.rows[run.position : run.position + BATCH])
    return job.report


class _Run:
    """One run over the rest of a list."""

    def __init__(self, job: Job) -> None:
        self.job, payload = job, job.payload
        self.rows: list[Row] = payload["rows"]
        self.actor = _owner(job.owner_id)
        self.staffed = None if policies.sees_all(self.actor) else set(policies.list_staffed(self.actor.id))
        self.results: list[Row] = list(job.report.get("rows", ()))

    @property
    def position(self) -> int:
        return len(self.results)

    def take(self, rows: Sequence[Row]) -> None:
        """Do some rows and report them, in one unit of work. Where one breaks it, each is tried alone."""
        noted = self.job.report, self.job.done
        found = _find_users(rows)
        try:
            made = db.transaction(lambda: self._done(rows, found))
        except Exception as error:
            self.job.report, self.job.done = noted
            if db.is_unavailable(error):
                raise
            log.get().exception("bulk_rows_failed", rows=len(rows), first=self.position + 1)
            if len(rows) > 1:
                for row in rows:
                    self.take([row])
                return
            made = db.transaction(lambda: self._note([_broken()]))
        except BaseException:
            self.job.report, self.job.done = noted
            raise
        self.results += made

    def _done(self, rows: Sequence[Row], found: Mapping[tuple[str, str], int]) -> list[Row]:
        do = _Rehearsal(self.results).row if self.job.payload["dry_run"] else self._enrol
        return self._note([self._judge(row, found, do) for row in rows])

    def _note(self, outcomes: list[Row]) -> list[Row]:
        lines = self.job.payload["lines"]
        made = []
        for place, outcome in enumerate(outcomes, self.position):
            where = {"row": place + 1} | ({"line": lines[place]} if lines else {})
            made.append({**where, **outcome})
        self.job.report = _report(self.job.payload, [*self.results, *made])
        self.job.progress(self.position + len(made), len(self.rows))
        return made

    def _judge(self, row: Row, found: Mapping[tuple[str, str], int], do: Callable[[Row], Row]) -> Row:
        payload = self.job.payload
        try:
            wanted = bulk_rows.load(row, payload["defaults"])
            course_id = payload["courses"].get(bulk_rows.reference(row) or payload["course"])
            if course_id is None or (self.staffed is not None and course_id not in self.staffed):
                raise RowRefused.of("course_id", "unknown", "There is no such course of yours.")
            user_id = found.get(_named(wanted))
            if user_id is None:
                raise RowRefused.of(_named(wanted)[0], "unknown", "There is no such user.")
            return do({"source_id": 0, **wanted, "course_id": course_id, "user_id": user_id})
        except RowRefused as refused:
            return _failed(refused.details)

    def _enrol(self, wanted: Row) -> Row:
        course = settle.lock_course(wanted["course_id"])
        _check(course, wanted)
        assert course is not None
        which = {"course_id": course["id"], "user_id": wanted["user_id"]}
        try:
            after, before = steps.give_course(wanted["user_id"], course, wanted, actor_id=self.actor.id, is_bulk=True)
        except AlreadyEnrolled:
            return {"status": UNCHANGED, **which}
        except CourseFull as full:
            raise RowRefused.of("course_id", full.code, full.text) from None
        status = _outcome(wanted, bool(before and before["has_access"]), has_access=bool(after["has_access"]))
        return {"status": status, **which, "enrollment_id": after["id"]}


class _Rehearsal:
    """What would become of rows, if those before them were done; nothing is written, nothing is locked."""

    def __init__(self, results: Sequence[Row]) -> None:
        self.seats: Counter[int] = Counter()
        self.inside: set[tuple[int, int]] = set()
        self.given: set[tuple[Any, ...]] = set()
        for result in results:
            if result["status"] not in (FAILED, UNCHANGED):
                self._remember(result, result["source"])

    def row(self, wanted: Row) -> Row:
        """The outcome of one row."""
        course = db.row(COURSE, {"course_id": wanted["course_id"]})
        _check(course, wanted)
        assert course is not None
        which = {"course_id": course["id"], "user_id": wanted["user_id"]}
        source = {"source": wanted["source"], "source_id": wanted["source_id"]}
        held = db.row(PAIR, which)
        if (*which.values(), *source.values()) in self.given or (held is not None and steps.has_open(held, **source)):
            return {"status": UNCHANGED, **which}
        has_access = (*which.values(),) in self.inside or bool(held and held["has_access"])
        taken = {**course, "student_count": course["student_count"] + self.seats[course["id"]]}
        if not has_access and barriers.is_full(taken):
            raise RowRefused.of("course_id", CourseFull.code, CourseFull().text)
        ends_at = course["access_ends_at"]
        is_closed = ends_at is not None and ends_at <= clock.now()
        status = _outcome(wanted, has_access, has_access=not is_closed)
        result = {"status": status, **which, **source}
        self._remember(result, wanted["source"])
        return result

    def _remember(self, result: Row, source: str) -> None:
        pair = (result["course_id"], result["user_id"])
        self.given.add((*pair, source, result["source_id"]))
        if result["status"] == ENROLLED:
            self.seats[pair[0]] += 1
            self.inside.add(pair)


def _owner(user_id: int) -> Actor:
    """Who asked for the list, with the rights that are left now."""
    found = identities.find(user_id)
    if found is None or identities.is_barred(found):
        raise JobRefused("whoever sent this list has no account any more")
    return auth.as_filtered(identities.to_actor(found, credential="job"))


def _check(course: Row | None, wanted: Row) -> None:
    if course is None or course["status"] == "trash":
        raise RowRefused.of("course_id", "unknown", "There is no such course of yours.")
    try:
        grants.check_span(wanted, clock.now())
    except ValidationFailed as error:
        raise RowRefused(*error.details) from None


def _outcome(wanted: Row, had_access: bool, *, has_access: bool) -> str:
    if had_access:
        return ADDED
    if wanted.get("starts_at") is not None and wanted["starts_at"] > clock.now():
        return SCHEDULED
    return ENROLLED if has_access else CLOSED


def _named(wanted: Mapping[str, Any]) -> tuple[str, str]:
    name = next(name for name in bulk_rows.PEOPLE if name in wanted)
    return name, str(wanted[name]).strip().lower()


def _find_users(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """The users that rows name, each way of naming them by one query."""
    found: dict[tuple[str, str], int] = {}
    for name, statement in USERS.items():
        named = {str(row[name]).strip() for row in rows if row.get(name) not in (None, "")}
        values: list[Any] = sorted(named | {text.lower() for text in named})  # SQLite tells the cases apart
        if name == "user_id":
            values = [int(text) for text in values if text.isascii() and text.isdigit() and len(text) < 19]
        if values:
            people = db.rows(statement, {"named": values})
            found |= {(name, str(person["named"]).lower()): person["id"] for person in people}
    return found


def _failed(details: Sequence[Detail]) -> Row:
    errors = [{"field": detail.field, "code": detail.code, "message": detail.message} for detail in details]
    return {"status": FAILED, "errors": errors}


def _broken() -> Row:
    return _failed([Detail("", InternalError.code, "This row could not be done. The log of the site says why.")])


def _report(payload: Mapping[str, Any], results: list[Row]) -> Row:
    counts = Counter(result["status"] for result in results)
    return {
        "dry_run": payload["dry_run"],
        "counts": {name: counts[name] for name in (ENROLLED, ADDED, SCHEDULED, CLOSED, UNCHANGED, FAILED)},
        "ignored_columns": payload["ignored_columns"],
        "rows": results,
    }
