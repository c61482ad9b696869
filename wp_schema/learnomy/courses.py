"""Courses, who teaches them, what they are tied to, and their categories and tags.

`course_terms` and `course_instructors` repeat the columns that lists sort by, so that a
filtered list is read in order from one index; whoever writes those columns of a course writes
them there as well.
"""

from __future__ import annotations

from sqlalchemy import Column, Computed, String, text

from wp_schema.learnomy.base import (
    at,
    body,
    check,
    count,
    flag,
    fulltext,
    id_column,
    index,
    json,
    key,
    maybe_body,
    maybe_count,
    money,
    ref,
    state,
    table,
    trash_check,
    unique,
    version,
    when,
)
from wp_schema.types import Flag, Id, LongText, Small, SortTitle


def _rated(stars: int) -> Column[bool]:
    """Whether the average reaches so many stars; drives `rating_min` from an index."""
    return Column(f"rated_{stars}", Flag, Computed(f"rating_avg >= {stars * 100}", persisted=True), nullable=True)


courses = table(
    "courses",
    id_column(),
    state("kind", "course"),  # course | bundle
    Column("title", String(255), nullable=False),
    key("slug", 200),
    Column("sort_title", SortTitle, nullable=False),
    body("excerpt"),
    body("content_raw"),
    body("content_html"),
    json("content_slots"),
    Column("search_text", LongText, nullable=False, default=""),  # folded words of title, excerpt and terms
    state("status", "draft"),  # draft | pending | published | private | archived | trash
    key("previous_status", 16, null=True),
    state("level", "all", 20),
    state("language", "", 16),
    ref("author_id"),
    ref("thumbnail_id"),
    Column("thumbnail_url", String(2048), nullable=True),
    Column("intro_video_url", String(2048), nullable=True),
    money("price_minor"),
    state("currency", "", 3),
    Column("is_free", Flag, Computed("price_minor = 0", persisted=True), nullable=True),
    flag("is_featured"),
    count("duration_minutes"),
    count("section_count"),
    count("lesson_count"),
    count("quiz_count"),
    count("student_count"),
    count("completion_count"),
    Column("rating_avg", Small, nullable=False, server_default=text("0")),  # hundredths of a star, 0 = unrated
    count("rating_count"),
    count("rating_sum"),
    count("stars_1"),  # approved reviews of so many stars
    count("stars_2"),
    count("stars_3"),
    count("stars_4"),
    count("stars_5"),
    _rated(1),
    _rated(2),
    _rated(3),
    _rated(4),
    maybe_count("capacity"),
    maybe_count("access_days"),
    at("opens_at"),
    at("closes_at"),
    at("access_starts_at"),
    at("access_ends_at"),
    state("drip_mode", "none"),  # none | after_enrolment | on_date | sequential
    json("drip"),
    state("completion_mode", "all_lessons", 24),  # all_lessons | share | manual | lessons_and_quiz
    maybe_count("completion_share"),
    ref("completion_quiz_id", null=True),
    key("completion_rules", 16, null=True),  # strict | advisory | off; NULL = the site's
    key("enrollment_mode", 16, null=True),  # open | approval; NULL = the site's
    flag("allow_retake"),
    flag("reset_on_retake"),
    flag("awards_certificate"),
    ref("certificate_template_id", null=True),
    maybe_count("certificate_days"),
    json("requirements"),
    json("outcomes"),
    json("audience"),
    maybe_body("faq_html"),
    json("extra"),
    key("demo_key", 64, null=True),
    version(),
    count("curriculum_version", 1),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("published_at", null=False),  # a draft's is its created_at
    at("first_published_at"),
    at("deleted_at"),
    trash_check(),
    check("price", "price_minor >= 0"),
    check("rating", "rating_avg BETWEEN 0 AND 500"),
    unique("slug", "slug"),
    unique("demo", "demo_key"),
    index("published", "status", "published_at", "id"),
    index("title", "status", "sort_title", "id"),
    index("price", "status", "price_minor", "id"),
    index("rating", "status", "rating_avg", "id"),
    index("students", "status", "student_count", "id"),
    index("level", "status", "level", "published_at", "id"),
    index("language", "status", "language", "published_at", "id"),
    index("free", "status", "is_free", "published_at", "id"),
    index("featured", "status", "is_featured", "published_at", "id"),
    index("rated1", "status", "rated_1", "published_at", "id"),
    index("rated2", "status", "rated_2", "published_at", "id"),
    index("rated3", "status", "rated_3", "published_at", "id"),
    index("rated4", "status", "rated_4", "published_at", "id"),
    index("author", "author_id", "status", "published_at", "id"),
    index("updated", "updated_at", "id"),
    index("deleted", "deleted_at"),
    index("closes", "closes_at"),
    fulltext("search", "search_text"),
)

course_instructors = table(
    "course_instructors",
    id_column(),
    ref("course_id"),
    ref("user_id"),
    state("role", "co"),  # owner | co | assistant
    count("position"),
    maybe_count("revenue_share_bp"),  # hundredths of a percent; NULL = the default split
    flag("is_listed", True),
    state("course_status", "draft"),  # copies of the course's, for lists by instructor
    at("published_at", null=False),
    Column("sort_title", SortTitle, nullable=False, server_default=text("''")),
    # On one row of each instructor, what the directory shows of all of them.
    flag("is_lead"),
    Column("sort_name", SortTitle, nullable=False, server_default=text("''")),
    count("course_count"),
    count("student_count"),
    count("rating_count"),
    count("rating_sum"),
    at("created_at", null=False),
    when("lead_user_id", Id, "is_lead = 1", "user_id"),
    check("share", "revenue_share_bp IS NULL OR revenue_share_bp <= 10000"),
    unique("member", "course_id", "user_id"),
    unique("lead", "lead_user_id"),
    index("by_name", "is_lead", "sort_name", "user_id"),
    index("by_students", "is_lead", "student_count", "user_id"),
    index("by_courses", "is_lead", "course_count", "user_id"),
    index("user", "user_id", "course_status", "published_at", "course_id"),
    index("user_course", "user_id", "course_id", "role"),
)

course_links = table(
    "course_links",
    id_column(),
    state("kind", "prerequisite"),  # prerequisite (owner a course) | plan | bundle (owner a course of that kind)
    ref("owner_id"),
    ref("course_id"),
    count("position"),
    at("created_at", null=False),
    check("self", "kind <> 'prerequisite' OR owner_id <> course_id"),
    unique("pair", "kind", "owner_id", "course_id"),
    index("course", "kind", "course_id", "owner_id"),
)

terms = table(
    "terms",
    id_column(),
    state("taxonomy", "category", 32),  # category | tag | question_category
    ref("parent_id", null=True),
    Column("name", String(200), nullable=False),
    key("slug", 200),
    Column("sort_title", SortTitle, nullable=False),
    body("description"),
    ref("image_id", null=True),
    count("position"),
    count("course_count"),  # published courses, children's not included
    key("demo_key", 64, null=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    unique("slug", "taxonomy", "slug"),
    unique("demo", "demo_key"),
    index("title", "taxonomy", "sort_title", "id"),
    index("parent", "taxonomy", "parent_id", "position"),
)

course_terms = table(
    "course_terms",
    id_column(),
    ref("term_id"),
    ref("course_id"),
    count("position"),
    state("course_status", "draft"),  # copies of the course's, for lists by term
    at("published_at", null=False),
    Column("sort_title", SortTitle, nullable=False, server_default=text("''")),
    money("price_minor"),
    Column("rating_avg", Small, nullable=False, server_default=text("0")),
    count("student_count"),
    unique("pair", "term_id", "course_id"),
    index("course", "course_id", "position", "term_id"),
    index("published", "term_id", "course_status", "published_at", "course_id"),
    index("title", "term_id", "course_status", "sort_title", "course_id"),
    index("price", "term_id", "course_status", "price_minor", "course_id"),
    index("rating", "term_id", "course_status", "rating_avg", "course_id"),
    index("students", "term_id", "course_status", "student_count", "course_id"),
)
