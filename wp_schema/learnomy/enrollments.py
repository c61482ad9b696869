"""Who is in which course, by which grants, and how far.

Access is the union of live grants. `has_access` remembers what was last announced (the event
of its beginning or end), and `next_transition_at` is when a grant next begins or ends.
"""

from __future__ import annotations

from sqlalchemy import Column, text

from wp_schema.learnomy.base import (
    at,
    check,
    count,
    flag,
    id_column,
    index,
    json,
    key,
    maybe_count,
    maybe_points,
    ref,
    state,
    table,
    unique,
    version,
    when,
)
from wp_schema.types import Flag, Small

enrollments = table(
    "enrollments",
    id_column(),
    ref("user_id"),
    ref("course_id"),
    state("status", "pending"),  # pending | active | completed | cancelled | expired | refunded
    state("source", "manual", 32),  # manual | self | purchase | membership | import | cohort | space | api
    Column("progress_percent", Small, nullable=False, server_default=text("0")),
    count("lessons_completed"),
    count("lessons_total"),
    count("quizzes_passed"),
    count("quizzes_total"),
    ref("next_lesson_id", null=True),
    ref("last_lesson_id", null=True),
    count("completion_no"),  # how often the course was completed
    count("curriculum_version"),  # of the course, when the counts above were made
    flag("has_access"),
    at("next_transition_at"),
    ref("cohort_id", null=True),
    ref("approved_by", null=True),
    at("enrolled_at", null=False),
    at("started_at"),
    at("completed_at"),
    at("expires_at"),
    at("last_activity_at", null=False),  # enrolled_at until something happens
    at("reset_at"),
    json("extra"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("percent", "progress_percent BETWEEN 0 AND 100"),
    unique("pair", "user_id", "course_id"),
    index("enrolled", "enrolled_at", "id"),
    index("status", "status", "enrolled_at", "id"),
    index("course", "course_id", "enrolled_at", "id"),
    index("course_status", "course_id", "status", "enrolled_at", "id"),
    index("user", "user_id", "enrolled_at", "id"),
    index("user_status", "user_id", "status", "enrolled_at", "id"),
    index("user_activity", "user_id", "last_activity_at", "id"),
    index("course_activity", "course_id", "last_activity_at", "id"),
    index("activity", "last_activity_at", "id"),
    index("recount", "course_id", "curriculum_version", "id"),
    index("transition", "next_transition_at", "id"),
)

enrollment_grants = table(
    "enrollment_grants",
    id_column(),
    ref("enrollment_id"),
    ref("user_id"),
    ref("course_id"),
    state("source", "manual", 32),
    ref("source_id"),  # transaction, subscription, cohort, ...; 0 = none
    at("starts_at", null=False),
    at("ends_at"),
    at("revoked_at"),
    at("ended_at"),  # revoked, or found to have run out
    key("end_reason", 16, null=True),  # cancelled | expired | refunded
    ref("granted_by"),
    ref("revoked_by", null=True),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("is_open", Flag, "ended_at IS NULL", "1"),
    unique("open", "enrollment_id", "source", "source_id", "is_open"),
    index("enrollment", "enrollment_id", "ends_at"),
    index("source", "source", "source_id"),
    index("course", "course_id", "ended_at"),
    index("ends", "ends_at", "id"),
)

progress = table(
    "progress",
    id_column(),
    ref("user_id"),
    state("object_type", "lesson"),  # course | lesson | quiz
    ref("object_id"),
    ref("course_id"),
    state("state", "none"),  # none | in_progress | completed
    count("position_seconds"),
    count("watched_seconds"),
    Column("watched_share", Small, nullable=False, server_default=text("0")),
    flag("scrolled"),
    maybe_points("best_percent"),
    count("attempts_used"),
    maybe_count("time_spent_seconds"),
    maybe_count("announced_no"),  # which run through the course the lesson's completion was last announced in
    at("started_at"),
    at("completed_at"),
    at("sync_at"),  # of the operation that won
    key("sync_op_id", 64, null=True),
    at("position_sync_at"),
    key("position_sync_op_id", 64, null=True),
    at("wished_at"),
    ref("discussion_seen_id", null=True),
    json("overrides"),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("share", "watched_share BETWEEN 0 AND 100"),
    unique("object", "user_id", "object_type", "object_id"),
    index("of_object", "object_type", "object_id"),
    index("course_user", "course_id", "user_id", "object_type", "state", "object_id"),
    index("changed", "user_id", "updated_at", "id"),
)
