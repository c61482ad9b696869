"""Quizzes, the question bank with its versions, attempts and their answers."""

from __future__ import annotations

from sqlalchemy import Column, String, text

from wp_schema.learnomy.base import (
    at,
    body,
    chars,
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
    maybe_points,
    points,
    ref,
    state,
    table,
    trash_check,
    unique,
    version,
    when,
)
from wp_schema.types import Flag, Id, SortTitle

quizzes = table(
    "quizzes",
    id_column(),
    ref("course_id", null=True),
    ref("section_id", null=True),
    ref("lesson_id", null=True),
    ref("author_id"),
    count("position"),
    Column("title", String(255), nullable=False),
    key("slug", 200),
    Column("sort_title", SortTitle, nullable=False),
    body("content_raw"),
    body("content_html"),
    json("content_slots"),
    state("mode", "graded"),  # graded | practice | survey
    state("status", "draft"),  # draft | published | trash
    key("previous_status", 16, null=True),
    flag("trashed_with_parent"),
    state("template", "focused", 32),
    at("opens_at"),
    at("closes_at"),
    maybe_count("cooldown_seconds"),
    maybe_count("attempt_limit"),
    Column("access_code", String(64), nullable=True),
    maybe_count("time_limit_seconds"),
    count("grace_seconds"),
    state("on_late", "submit"),  # submit | count | abandon
    points("passing_percent"),
    flag("shuffle_questions"),
    flag("shuffle_answers"),
    flag("one_per_page", True),
    flag("allow_back", True),
    state("score_policy", "highest"),  # highest | last | first | average
    json("review_rule"),
    flag("is_required", True),
    flag("is_final"),
    maybe_count("drip_days"),
    at("drip_at"),
    count("question_count"),
    points("max_score"),
    count("attempt_count"),
    count("passed_count"),
    json("overridden"),  # users with an override in their progress
    json("statistics"),  # per question, as the last job counted them
    json("extra"),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("published_at", null=False),
    at("deleted_at"),
    trash_check(),
    unique("slug", "slug"),
    index("course", "course_id", "status", "position", "id"),
    index("section", "section_id", "status", "position", "id"),
    index("lesson", "lesson_id", "status", "position", "id"),
    index("changed", "course_id", "updated_at", "id"),
    index("course_created", "course_id", "status", "created_at", "id"),
    index("title", "status", "sort_title", "id"),
    index("titles", "sort_title", "id"),
    index("created", "status", "created_at", "id"),
    index("newest", "created_at", "id"),
    index("newest_mode", "mode", "created_at", "id"),
    index("author", "author_id", "status", "created_at", "id"),
    index("deleted", "deleted_at"),
)

questions = table(
    "questions",
    id_column(),
    ref("author_id"),
    ref("course_id", null=True),  # a course's own bank; NULL = its author's
    ref("category_id", null=True),  # terms, taxonomy question_category
    state("type", "single_choice", 32),
    Column("title", String(255), nullable=False),
    Column("sort_title", SortTitle, nullable=False),
    ref("current_version_id", null=True),
    count("version_count"),
    state("status", "published"),  # draft | published | trash
    key("previous_status", 16, null=True),
    points("points", 1),
    state("difficulty", "medium"),
    json("tags"),
    chars("search_text", 1000),
    count("use_count"),  # quizzes that have it in a slot
    count("answer_count"),
    Column("idnumber", String(100), nullable=True),  # of the system it was imported from
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    at("deleted_at"),
    trash_check(),
    index("author", "author_id", "created_at", "id"),
    index("course", "course_id", "created_at", "id"),
    index("category", "category_id", "created_at", "id"),
    index("type", "type", "created_at", "id"),
    index("difficulty", "difficulty", "created_at", "id"),
    index("created", "status", "created_at", "id"),
    index("newest", "created_at", "id"),
    index("title", "status", "sort_title", "id"),
    index("titles", "sort_title", "id"),
    index("deleted", "deleted_at"),
    fulltext("search", "search_text"),
)

question_versions = table(
    "question_versions",
    id_column(),
    ref("question_id"),
    count("number", 1),
    state("type", "single_choice", 32),
    body("prompt_raw"),
    body("prompt_html"),
    json("content"),  # answers, blanks, pairs, variables, accepted forms, tolerance, images
    json("feedback"),  # per answer and general, hints
    json("rubric"),
    points("points", 1),
    key("content_hash", 64),
    flag("is_answered"),  # from then on a change makes a new version
    count("answer_count"),
    points("fraction_sum"),
    ref("created_by"),
    at("created_at", null=False),
    at("updated_at", null=False),
    unique("number", "question_id", "number"),
)

quiz_slots = table(
    "quiz_slots",
    id_column(),
    ref("quiz_id"),
    count("position"),
    count("page", 1),
    Column("heading", String(255), nullable=True),
    ref("question_id", null=True),  # NULL = a random draw
    ref("version_id", null=True),  # NULL = the newest
    ref("draw_category_id", null=True),
    json("draw"),  # tags, difficulty, subcategories
    count("draw_count"),
    maybe_points("points"),  # NULL = the question's
    flag("is_required"),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("source", "question_id IS NOT NULL OR draw_count > 0"),
    unique("question", "quiz_id", "question_id"),
    index("position", "quiz_id", "position", "id"),
    index("used", "question_id", "quiz_id"),
    index("draw", "draw_category_id"),
)

quiz_attempts = table(
    "quiz_attempts",
    id_column(),
    ref("quiz_id"),
    ref("user_id"),
    ref("course_id", null=True),
    ref("enrollment_id", null=True),
    count("number", 1),
    count("completion_no"),  # of the enrolment, when it began
    state("mode", "graded"),
    state("status", "in_progress"),  # in_progress | submitted | needs_grading | graded | abandoned
    count("quiz_version", 1),
    Column("seed", Id, nullable=False, server_default=text("0")),
    json("layout"),  # the frozen order of questions and answers
    json("settings"),  # the quiz's rules as they were at the start
    at("started_at", null=False),
    at("due_at"),
    at("grace_until"),
    at("ends_at"),  # when the clock ends it, while it is open
    at("submitted_at"),
    at("graded_at"),
    at("abandoned_at"),
    count("current_position"),
    maybe_points("score"),
    points("max_score"),
    maybe_points("percent"),
    Column("passed", Flag, nullable=True),
    count("pending_count"),  # answers that a person must grade
    flag("is_late"),
    flag("is_offline"),
    flag("is_auto_submitted"),
    flag("is_voided"),  # reset by an override: counts for no limit and no score
    ref("graded_by", null=True),
    maybe_body("feedback_html"),
    json("regrades"),
    at("passed_announced_at"),
    Column("ip", String(45), nullable=True),
    version(),
    at("created_at", null=False),
    at("updated_at", null=False),
    when("open_quiz_id", Id, "status = 'in_progress'", "quiz_id"),
    unique("number", "quiz_id", "user_id", "number"),
    unique("open", "user_id", "open_quiz_id"),
    index("user", "user_id", "started_at", "id"),
    index("user_status", "user_id", "status", "started_at", "id"),
    index("quiz", "quiz_id", "started_at", "id"),
    index("quiz_status", "quiz_id", "status", "started_at", "id"),
    index("course", "course_id", "started_at", "id"),
    index("course_status", "course_id", "status", "started_at", "id"),
    index("status", "status", "started_at", "id"),
    index("started", "started_at", "id"),
    index("ends", "ends_at", "id"),
    index("changed", "user_id", "updated_at", "id"),
)

attempt_answers = table(
    "attempt_answers",
    id_column(),
    ref("attempt_id"),
    count("position"),
    ref("slot_id", null=True),
    ref("question_id"),
    ref("version_id"),
    ref("quiz_id"),
    json("layout"),  # the order its choices were given in, drawn variables
    count("sequence"),  # of the autosave that won
    json("answer"),
    maybe_body("answer_text"),
    flag("is_flagged"),
    flag("is_late"),
    flag("is_manual"),
    state("state", "empty"),  # empty | saved | needs_grading | graded
    maybe_points("fraction"),
    maybe_points("points"),
    points("max_points", 1),
    maybe_body("feedback_html"),
    json("rubric"),
    ref("graded_by", null=True),
    ref("regraded_from", null=True),  # version id before a regrade
    count("seconds_spent"),
    count("hints_used"),
    at("saved_at"),
    at("late_saved_at"),
    json("late_answer"),
    at("graded_at"),
    at("created_at", null=False),
    at("updated_at", null=False),
    check("fraction", "fraction IS NULL OR fraction BETWEEN -1 AND 1"),
    unique("position", "attempt_id", "position"),
    index("question", "question_id", "state", "id"),
    index("version", "version_id", "state", "id"),
    index("quiz", "quiz_id", "state", "id"),
)
