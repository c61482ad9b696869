"""What a course is made of: sections, lessons (a topic is a lesson with a parent), files."""

from __future__ import annotations

from sqlalchemy import Column, String

from wp_schema.learnomy.base import (
    at,
    body,
    check,
    count,
    flag,
    id_column,
    index,
    json,
    key,
    maybe_body,
    maybe_count,
    ref,
    state,
    table,
    trash_check,
    unique,
    version,
)
from wp_schema.types import Id, SortTitle

sections = table(
    "sections",
    id_column(),
    ref("course_id"),
    Column("title", String(255), nullable=False),
    Column("sort_title", SortTitle, nullable=False),
    body("description"),
    count("position"),
    state("status", "published"),  # published | trash
    flag("trashed_with_parent"),
    maybe_count("drip_days"),
    at("drip_at"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    trash_check(),
    index("course", "course_id", "status", "position", "id"),
    index("changed", "course_id", "updated_at", "id"),
    index("deleted", "deleted_at"),
)

lessons = table(
    "lessons",
    id_column(),
    ref("course_id"),
    ref("section_id", null=True),  # NULL = unattached; the course stays
    ref("parent_id", null=True),  # a topic's lesson
    ref("author_id"),
    count("position"),
    Column("title", String(255), nullable=False),
    key("slug", 200),
    Column("sort_title", SortTitle, nullable=False),
    state("content_type", "text", 32),  # text | video | audio | document | embed | live | mediashield | ...
    body("excerpt"),
    body("content_raw"),
    body("content_html"),
    json("content_slots"),
    Column("video_url", String(2048), nullable=True),
    json("media"),  # sources, captions, poster, document, embed, meeting
    maybe_body("embed_html"),
    at("live_starts_at"),
    at("live_ends_at"),
    count("duration_seconds"),
    flag("is_preview"),
    state("status", "draft"),  # draft | published | trash
    key("previous_status", 16, null=True),
    flag("trashed_with_parent"),
    maybe_count("drip_days"),
    at("drip_at"),
    json("completion_rules"),  # further rules; the columns below are the ones that SQL needs
    maybe_count("min_watch_seconds"),
    maybe_count("required_video_share"),
    flag("requires_scroll"),
    ref("required_quiz_id", null=True),
    count("discussion_count"),
    json("extra"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("published_at", null=False),
    at("deleted_at"),
    trash_check(),
    check("share", "required_video_share IS NULL OR required_video_share <= 100"),
    unique("slug", "course_id", "slug"),
    index("course", "course_id", "status", "position", "id"),
    index("section", "section_id", "status", "position", "id"),
    index("parent", "parent_id", "status", "position", "id"),
    index("changed", "course_id", "updated_at", "id"),
    index("title", "status", "sort_title", "id"),
    index("created", "status", "created_at", "id"),
    index("course_title", "course_id", "sort_title", "id"),
    index("course_created", "course_id", "created_at", "id"),
    index("type", "status", "content_type", "created_at", "id"),
    index("author", "author_id", "status", "created_at", "id"),
    index("newest", "created_at", "id"),
    index("newest_type", "content_type", "created_at", "id"),
    index("titles", "sort_title", "id"),
    index("deleted", "deleted_at"),
)

attachments = table(
    "attachments",
    id_column(),
    ref("course_id"),
    ref("lesson_id"),
    ref("media_id", null=True),  # of WordPress's media library, where it was copied from; NULL = uploaded here
    key("path", 64),  # below the private folder
    Column("filename", String(255), nullable=False),
    Column("title", String(255), nullable=False),
    Column("mime_type", String(127), nullable=False),
    Column("size_bytes", Id, nullable=False),
    key("sha256", 64),
    count("position"),
    ref("uploaded_by"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    index("lesson", "lesson_id", "position", "id"),
    index("course", "course_id", "updated_at", "id"),
    index("path", "path"),
    index("deleted", "deleted_at"),
)
