"""Questions from a file: read and judged as a whole at once, written by one job in one unit of work.

A question comes in whole or not at all; where one cannot, none does, unless the caller wants the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from marshmallow import ValidationError as Invalid
from sqlalchemy import bindparam, func, insert, select, update

from learnomy_wp.kernel import cache, clock, db, jobs, jobview, loopback, site, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, PayloadTooLarge, ValidationFailed
from learnomy_wp.kernel.jobrun import Job
from learnomy_wp.kernel.jobs import job
from learnomy_wp.kernel.uploads import FIELD, Upload
from learnomy_wp.questions import categories, planning, policies, versions
from learnomy_wp.questions.categories import Tree
from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.formats.base import MAX_BYTES, Item, Unreadable
from learnomy_wp.questions.listing import TAG
from wp_schema.folding import sort_title
from wp_schema.tables import question_versions, questions

Row = dict[str, Any]

KIND = "import_questions"
# What the job's row holds.
MAX_PAYLOAD = 8 * 1024 * 1024
AT_ONCE = 200
RENDERED_AT_ONCE = 25
RENDER_SECONDS = 20.0
MAX_DETAILS = 20
SHARED = ("course_id", "category_id", "category", "status")

INSERT = insert(questions)
INSERT_VERSIONS = insert(question_versions)
POINT = (
    update(questions)
    .where(questions.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        current_version_id=select(func.max(question_versions.c.id))
        .where(question_versions.c.question_id == questions.c.id)
        .scalar_subquery(),
        version_count=1,
    )
)


def start(actor: Actor, body: Mapping[str, Any], upload: Upload, query: Mapping[str, Any]) -> Row:
    """Begin the job that imports a file; gives the job, whose report says what is to come of each question.

    Raises `ValidationFailed` for a file that cannot be read, `PayloadTooLarge`.
    """
    if query.get("format") is None:
        raise ValidationFailed.of("format", "Say which format the file has.", "required")
    _check_shared(actor, body)
    items = _read(upload, query["format"])
    prepared = [prepare(item) for item in items]
    wanted = [row for row in prepared if row is not None]
    refused = sum(not item.is_importable and not item.is_left_out for item in items)
    report = {
        "format": query["format"],
        "dry_run": query["dry_run"],
        "found": len(items),
        "importable": len(wanted),
        "left_out": sum(item.is_left_out for item in items),
        "refused": refused,
        "imported": 0,
        "questions": [_told(item) for item in items],
    }
    if query["dry_run"] or (refused and not query["skip_invalid"]):
        wanted = []
    payload = {"report": report, "questions": wanted, "shared": _shared(body)}
    if len(orjson.dumps(payload)) > MAX_PAYLOAD:
        raise PayloadTooLarge("There is too much text in this file. Import it in parts.")
    return jobview.started(jobs.enqueue(KIND, payload, owner_id=actor.id, total=len(wanted)))


def _check_shared(actor: Actor, body: Mapping[str, Any]) -> None:
    unknown = sorted(body.keys() - {*SHARED})
    if unknown:
        raise ValidationFailed.of(unknown[0], "An import takes no such field.", "not_possible")
    if body.get("course_id") is not None:
        policies.check_course(actor, body["course_id"])
    if body.get("category_id") is not None:
        categories.check_known(body["category_id"])
    if "category" in body:
        categories.names_of(body["category"])


def _shared(body: Mapping[str, Any]) -> Row:
    return {name: body[name] for name in SHARED if body.get(name) is not None}


# --- reading -----------------------------------------------------------------------------


def _read(upload: Upload, name: str) -> list[Item]:
    if upload.size > MAX_BYTES:
        raise PayloadTooLarge(f"A file of questions may have {MAX_BYTES // 1024 // 1024} MiB.")
    try:
        items = FORMATS[name].read(b"".join(upload.pieces()))
    except Unreadable as error:
        raise ValidationFailed.of(FIELD, str(error), "unreadable") from None
    if not items:
        raise ValidationFailed.of(FIELD, "There is no question in this file.", "empty")
    return items


def prepare(item: Item) -> Row | None:
    """What a question becomes, None where it cannot; what is wrong with it is noted."""
    from learnomy_wp.questions.schemas import QuestionIn

    if not item.is_importable:
        return None
    given = {name: value for name, value in item.body.items() if value is not None}
    given = {name: value for name, value in given.items() if value != "" or name == "prompt"}
    for name in ("type", "prompt", "content"):
        if name not in given:
            item.fail("required", planning.REQUIRED, where=name)
            return None
    try:
        loaded: Row = QuestionIn().load(given, partial=True)
    except Invalid as error:
        _fail(item, planning.details_of(error.messages, ""))
        return None
    try:
        loaded["content"] = planning.check_content(loaded["type"], loaded["content"], loaded["prompt"])
        if "category" in loaded:
            categories.names_of(loaded["category"])
    except ValidationFailed as error:
        _fail(item, error.details)
        return None
    return loaded


def _fail(item: Item, details: Sequence[Detail]) -> None:
    for one in details[:MAX_DETAILS]:
        item.fail(one.code, one.message, where=one.field.strip("."))


def _told(item: Item) -> Row:
    return {
        "number": item.number,
        "type": item.body.get("type"),
        "title": item.body.get("title"),
        "importable": item.is_importable,
        "problems": [problem.to_json() for problem in item.problems],
    }


# --- writing -----------------------------------------------------------------------------


@job(KIND)
def import_questions(running: Job) -> Row:
    """Write the questions of a file, all of them or none."""
    report: Row = running.report or running.payload["report"]
    wanted: list[Row] = running.payload["questions"]
    if wanted and not running.done:
        rendered = list(_rendered([row["prompt"] for row in wanted], running.owner_id))
        running.report = report

        def write() -> None:
            ids = _write(wanted, rendered, running.payload["shared"], running.owner_id)
            running.report = {**report, "imported": len(ids), "question_ids": ids}
            running.progress(len(wanted), len(wanted))

        db.transaction(write)
        report = running.report
    return report


def _rendered(prompts: Sequence[str], author_id: int) -> Iterator[str]:
    """Prompts as WordPress shows them, many asked for at once."""
    if site.current().is_embedded:
        yield from (wordpress.render_content(prompt, author_id)["html"] for prompt in prompts)
        return
    for start_at in range(0, len(prompts), RENDERED_AT_ONCE):
        asked = [
            wordpress.Question(str(number), "call", "render_content", None, {"content": text, "author_id": author_id})
            for number, text in enumerate(prompts[start_at : start_at + RENDERED_AT_ONCE])
        ]
        payload = {"asks": [question.to_json() for question in asked]}
        answers = loopback.call("ask", payload, patience=RENDER_SECONDS)["answers"]
        yield from (str(answers[question.id]["html"]).strip() for question in asked)


def _write(wanted: Sequence[Row], rendered: Sequence[str], shared: Row, author_id: int) -> list[int]:
    now, tree = clock.now(), Tree()
    ids: list[int] = []
    made: list[Row] = []
    for body, prompt_html in zip(wanted, rendered, strict=True):
        version = _version(body, prompt_html)
        row = _question(body, version, shared, tree)
        row |= {"author_id": author_id, "created_at": now, "updated_at": now}
        question_id = db.insert_id(db.execute(INSERT, row))
        ids.append(question_id)
        made.append(
            {
                **version,
                "question_id": question_id,
                "number": 1,
                "content_hash": versions.hash_of(version),
                "created_by": author_id,
                "created_at": now,
                "updated_at": now,
            }
        )
    for start_at in range(0, len(ids), AT_ONCE):
        db.execute(INSERT_VERSIONS, made[start_at : start_at + AT_ONCE])
        db.execute(POINT, {"ids": ids[start_at : start_at + AT_ONCE]})
    cache.bump_after_commit([TAG])
    return ids


def _version(body: Row, prompt_html: str) -> Row:
    return {
        "type": body["type"],
        "prompt_raw": body["prompt"],
        "prompt_html": prompt_html,
        "content": body["content"],
        "feedback": planning.feedback_of(body.get("feedback"), body.get("hints")),
        "rubric": body.get("rubric"),
        "points": body.get("points", 1.0),
    }


def _question(body: Row, version: Row, shared: Row, tree: Tree) -> Row:
    title = body.get("title") or planning.title_of(version["prompt_html"], version["type"])
    tags = list(dict.fromkeys(body.get("tags") or ()))
    row: Row = {
        "course_id": shared.get("course_id"),
        "category_id": shared.get("category_id"),
        "type": body["type"],
        "title": title,
        "sort_title": sort_title(title),
        "status": shared.get("status", "published"),
        "points": version["points"],
        "difficulty": body.get("difficulty", "medium"),
        "tags": tags or None,
        "search_text": planning.words_of(title, version["prompt_html"], tags),
        "idnumber": body.get("idnumber"),
    }
    # What stands in the file goes below what the caller named.
    paths = [path for path in (shared.get("category"), body.get("category")) if path]
    if paths and row["category_id"] is None:
        row["category_id"] = tree.resolve("/".join(paths))
    return row
