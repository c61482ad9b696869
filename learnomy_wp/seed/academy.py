"""Builds the model site's rows by bulk inserts into Learnomy's own tables.

Every course is marked by its `demo_key`, so that a second run adds only what is missing and
removal (removing.py) finds it all. People come from outside: WordPress makes them on a real site.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, func, select

from learnomy_wp.courses import directory
from learnomy_wp.kernel import cache, clock, db
from learnomy_wp.reports import rebuilding
from learnomy_wp.seed import content
from learnomy_wp.seed.bulk import DEMO, chunks, insert
from learnomy_wp.seed.counting import count_courses, count_terms
from learnomy_wp.seed.enrolling import enrol
from wp_schema.folding import fold, search_text, sort_title
from wp_schema.tables import (
    course_instructors,
    course_terms,
    courses,
    enrollments,
    lessons,
    sections,
    terms,
)

COURSES = 60
TAGS = ("courses", "course-list", "terms")  # what lists and totals are kept by


@dataclass(frozen=True)
class Built:
    """How much stands now."""

    courses: int
    lessons: int
    enrollments: int


def build(students: Sequence[int], instructors: Sequence[int], *, scale: int = 1) -> Built:
    """Make what is missing of the academy at this scale."""
    if not instructors:
        raise ValueError("the academy needs at least one instructor")
    now = clock.now()
    term_ids = _terms(now)
    known = set(db.values(select(courses.c.demo_key).where(courses.c.demo_key.is_not(None))))
    wanted = [n for n in range(COURSES * scale) if f"{DEMO}course_{n}" not in known]
    for numbers in chunks(wanted, 200):
        _build_courses(numbers, instructors, term_ids, now)
    if students:
        enrol(students, now)
    count_courses()
    count_terms()
    directory.recount_all()
    rebuilding.rebuild()
    cache.bump(TAGS)
    return _totals()


# --- courses ---------------------------------------------------------------------------


def _terms(now: datetime) -> dict[str, int]:
    wanted = [("category", slug, name) for slug, name in content.CATEGORIES.items()]
    wanted += [("tag", tag, tag.replace("-", " ").capitalize()) for tag in content.TAGS]
    known = {(r["taxonomy"], r["slug"]) for r in db.rows(select(terms.c.taxonomy, terms.c.slug))}
    rows = [
        {
            "taxonomy": taxonomy,
            "slug": slug,
            "name": name,
            "sort_title": sort_title(name),
            "demo_key": f"{DEMO}{taxonomy}_{slug}",
            "created_at": now,
            "updated_at": now,
        }
        for taxonomy, slug, name in wanted
        if (taxonomy, slug) not in known
    ]
    insert(terms, rows)
    return {
        f"{r['taxonomy']}:{r['slug']}": r["id"] for r in db.rows(select(terms.c.taxonomy, terms.c.slug, terms.c.id))
    }


def _build_courses(numbers: Sequence[int], instructors: Sequence[int], term_ids: dict[str, int], now: datetime) -> None:
    drafts = [_course(number, instructors, now) for number in numbers]
    insert(courses, drafts)
    keys = [draft["demo_key"] for draft in drafts]
    made = db.rows(select(courses).where(courses.c.demo_key.in_(keys)))
    teachers: list[dict[str, Any]] = []
    tagged: list[dict[str, Any]] = []
    for course in made:
        number = int(course["demo_key"].rpartition("_")[2])
        teachers += _teachers(course, number, instructors)
        tagged += _tagged(course, number, term_ids)
    insert(course_instructors, teachers)
    insert(course_terms, tagged)
    _build_sections(made, now)


def _course(number: int, instructors: Sequence[int], now: datetime) -> dict[str, Any]:
    rng, about = random.Random(number), content.subject(number)  # noqa: S311
    published = now - timedelta(days=1 + number % 400, minutes=number)
    slug = "-".join(fold(about.title).replace(",", "").replace(":", "").replace("-", " ").split())
    summary = content.excerpt(rng, about.topic)
    html = content.paragraphs(rng, about.topic, 3)
    price = 0 if number % 3 == 0 else 1900 + 1000 * (number % 8)
    return {
        "title": about.title,
        "slug": slug,
        "sort_title": sort_title(about.title),
        "excerpt": summary,
        "content_raw": html,
        "content_html": html,
        "search_text": search_text(about.title, summary, content.CATEGORIES[about.category]),
        "status": "published",
        "level": content.LEVELS[number % len(content.LEVELS)],
        "language": content.LANGUAGES[number % len(content.LANGUAGES)],
        "author_id": instructors[number % len(instructors)],
        "price_minor": price,
        "currency": "EUR",
        "is_featured": number % 10 == 0,
        "requirements": ["A notebook", "Half an hour a day"],
        "outcomes": [f"Explain the basics of {about.topic}", "Finish a small project of your own"],
        "demo_key": f"{DEMO}course_{number}",
        "created_at": published,
        "updated_at": published,
        "published_at": published,
        "first_published_at": published,
    }


def _teachers(course: dict[str, Any], number: int, instructors: Sequence[int]) -> Iterator[dict[str, Any]]:
    people = [instructors[number % len(instructors)]]
    if number % 4 == 0 and len(instructors) > 1:
        people.append(instructors[(number + 1) % len(instructors)])
    for position, user_id in enumerate(people):
        yield {
            "course_id": course["id"],
            "user_id": user_id,
            "role": "co" if position else "owner",
            "position": position,
            "course_status": course["status"],
            "published_at": course["published_at"],
            "sort_title": course["sort_title"],
            "created_at": course["created_at"],
        }


def _tagged(course: dict[str, Any], number: int, term_ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    about = content.subject(number)
    names = [f"category:{about.category}", f"tag:{content.TAGS[number % 10]}"]
    if number % 2:
        names.append(f"tag:{content.TAGS[(number + 3) % 10]}")
    for position, name in enumerate(names):
        yield {
            "term_id": term_ids[name],
            "course_id": course["id"],
            "position": position,
            "course_status": course["status"],
            "published_at": course["published_at"],
            "sort_title": course["sort_title"],
            "price_minor": course["price_minor"],
        }


def _build_sections(made: Sequence[dict[str, Any]], now: datetime) -> None:
    rows = []
    for course in made:
        number = int(course["demo_key"].rpartition("_")[2])
        for position in range(3 + number % 3):
            title = content.SECTIONS[position]
            rows.append(
                {
                    "course_id": course["id"],
                    "title": title,
                    "sort_title": sort_title(title),
                    "position": position,
                    "created_at": now,
                    "updated_at": now,
                }
            )
    insert(sections, rows)
    ids = [course["id"] for course in made]
    found = db.rows(
        select(sections.c.id, sections.c.course_id, sections.c.position).where(sections.c.course_id.in_(ids))
    )
    by_id = {course["id"]: course for course in made}
    insert(lessons, [row for section in found for row in _lessons(section, by_id[section["course_id"]], now)])
    parents = db.rows(
        select(lessons.c.id, lessons.c.course_id, lessons.c.section_id, lessons.c.author_id).where(
            lessons.c.course_id.in_(ids), lessons.c.parent_id.is_(None), lessons.c.position == 2
        )
    )
    insert(lessons, [row for parent in parents for row in _topics(parent, now)])


def _lessons(section: dict[str, Any], course: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    number = int(course["demo_key"].rpartition("_")[2])
    rng = random.Random(number * 31 + section["position"])  # noqa: S311
    topic = content.subject(number).topic
    for position in range(3 + (number + section["position"]) % 3):
        name = content.LESSONS[(section["position"] * 4 + position) % len(content.LESSONS)]
        title = f"{name}: {topic}"
        video = position % 3 == 1
        yield {
            **_lesson(title, f"lesson-{section['position'] + 1}-{position + 1}", rng, topic, now),
            "course_id": course["id"],
            "section_id": section["id"],
            "author_id": course["author_id"],
            "position": position,
            "content_type": "video" if video else "text",
            "video_url": "https://videos.example/aurora.mp4" if video else None,
            "duration_seconds": rng.randrange(240, 1500, 30),
            "is_preview": section["position"] == 0 and position == 0,
        }


def _topics(parent: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    rng = random.Random(parent["id"])  # noqa: S311
    for position, title in enumerate(content.TOPICS[:2]):
        yield {
            **_lesson(title, f"topic-{parent['id']}-{position + 1}", rng, "this lesson", now),
            "course_id": parent["course_id"],
            "section_id": parent["section_id"],
            "parent_id": parent["id"],
            "author_id": parent["author_id"],
            "position": position,
            "duration_seconds": 300,
        }


def _lesson(title: str, slug: str, rng: random.Random, topic: str, now: datetime) -> dict[str, Any]:
    html = content.paragraphs(rng, topic, 2)
    return {
        "title": title,
        "slug": slug,
        "sort_title": sort_title(title),
        "content_raw": html,
        "content_html": html,
        "content_type": "text",
        "video_url": None,
        "is_preview": False,
        "parent_id": None,
        "status": "published",
        "created_at": now,
        "updated_at": now,
        "published_at": now,
    }


def _totals() -> Built:
    def total(table: Table) -> int:
        statement = select(func.count()).select_from(
            table if table is courses else table.join(courses, courses.c.id == table.c.course_id)
        )
        return int(db.value(statement.where(courses.c.demo_key.is_not(None))) or 0)

    return Built(total(courses), total(lessons), total(enrollments))
