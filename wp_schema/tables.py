"""Every table by name, and how their prefix is put in: the entry point of this package.

`terms` are Learnomy's categories and tags; WordPress's own are `wp_terms`.
"""

from __future__ import annotations

from wp_schema.learnomy.base import metadata_learnomy
from wp_schema.learnomy.certificates import certificate_templates, certificates
from wp_schema.learnomy.commerce import coupon_redemptions, coupons, membership_plans, subscriptions, transactions
from wp_schema.learnomy.community import discussions, notes, reviews
from wp_schema.learnomy.courses import course_instructors, course_links, course_terms, courses, terms
from wp_schema.learnomy.curriculum import attachments, lessons, sections
from wp_schema.learnomy.enrollments import enrollment_grants, enrollments, progress
from wp_schema.learnomy.instructors import earnings, instructor_applications, withdrawals
from wp_schema.learnomy.messages import announcements, devices, notifications
from wp_schema.learnomy.quizzes import (
    attempt_answers,
    question_versions,
    questions,
    quiz_attempts,
    quiz_slots,
    quizzes,
)
from wp_schema.learnomy.system import (
    activity,
    auth_tokens,
    expiring_keys,
    jobs,
    outbox,
    webhook_deliveries,
    webhooks,
)
from wp_schema.prefix import BASE_PREFIX, BLOG_PREFIX, bind_connection, bind_prefix, site_collation
from wp_schema.wordpress import (
    blogs,
    commentmeta,
    comments,
    links,
    metadata_network,
    metadata_wordpress,
    network_users,
    options,
    postmeta,
    posts,
    site,
    sitemeta,
    term_relationships,
    term_taxonomy,
    termmeta,
    usermeta,
    users,
    wp_terms,
)

__all__ = [
    "BASE_PREFIX",
    "BLOG_PREFIX",
    "activity",
    "announcements",
    "attachments",
    "attempt_answers",
    "auth_tokens",
    "bind_connection",
    "bind_prefix",
    "blogs",
    "certificate_templates",
    "certificates",
    "commentmeta",
    "comments",
    "coupon_redemptions",
    "coupons",
    "course_instructors",
    "course_links",
    "course_terms",
    "courses",
    "devices",
    "discussions",
    "earnings",
    "enrollment_grants",
    "enrollments",
    "expiring_keys",
    "instructor_applications",
    "jobs",
    "lessons",
    "links",
    "membership_plans",
    "metadata_learnomy",
    "metadata_network",
    "metadata_wordpress",
    "network_users",
    "notes",
    "notifications",
    "options",
    "outbox",
    "postmeta",
    "posts",
    "progress",
    "question_versions",
    "questions",
    "quiz_attempts",
    "quiz_slots",
    "quizzes",
    "reviews",
    "sections",
    "site",
    "site_collation",
    "sitemeta",
    "subscriptions",
    "term_relationships",
    "term_taxonomy",
    "termmeta",
    "terms",
    "transactions",
    "usermeta",
    "users",
    "webhook_deliveries",
    "webhooks",
    "withdrawals",
    "wp_terms",
]
