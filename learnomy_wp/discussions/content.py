"""What people write, as HTML that is safe to show: for learners as WordPress treats comments, for staff as posts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import nh3
from sqlalchemy import bindparam, exists, or_, select

from learnomy_wp.kernel import db, wordpress
from wp_schema.tables import course_instructors, enrollments, users

# The tags of WordPress's `$allowedtags`, which comments may have, with the paragraphs that wpautop() makes.
_COMMENT_TAGS = {
    "a",
    "abbr",
    "acronym",
    "b",
    "blockquote",
    "cite",
    "code",
    "del",
    "em",
    "i",
    "q",
    "s",
    "strike",
    "strong",
}
TAGS = _COMMENT_TAGS | {"p", "br"}
ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "acronym": {"title"},
    "blockquote": {"cite"},
    "del": {"datetime"},
    "q": {"cite"},
}
SCHEMES = {"http", "https", "mailto"}
MAX_MENTIONS = 20
_ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)]")
_TAG = re.compile(r"(<a\b.*?</a>|<[^>]*>)", re.DOTALL | re.IGNORECASE)
_BLOCK = re.compile(r"</?blockquote[^>]*>", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@/.])@([\w][\w.-]{0,59})")
PEOPLE = select(users.c.ID.label("id")).where(
    users.c.user_nicename.in_(bindparam("names", expanding=True)),
    or_(
        exists().where(enrollments.c.user_id == users.c.ID, enrollments.c.course_id == bindparam("of_course")),
        exists().where(
            course_instructors.c.user_id == users.c.ID, course_instructors.c.course_id == bindparam("of_course")
        ),
    ),
)
NAMES = select(users.c.ID.label("id"), users.c.display_name, users.c.user_nicename.label("slug")).where(
    users.c.ID.in_(bindparam("ids", expanding=True))
)


def render(text: str, author_id: int, *, is_staff: bool) -> str:
    """The HTML of a text; for staff WordPress is asked, which may end the round. Dynamic parts are left out."""
    if not is_staff:
        return clean(text)
    made = wordpress.render_content(text, author_id)
    html: str = made["html"]
    for slot in made["slots"]:
        html = html.replace(slot["marker"], "")
    return html


def clean(text: str) -> str:
    """What a learner wrote: few tags, paragraphs, and links that search engines do not follow."""
    return _safe(_paragraphs(_linked(_safe(text.replace("\r\n", "\n").replace("\r", "\n")))))


def _safe(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="nofollow ugc noopener",
        strip_comments=True,
    )


def _linked(html: str) -> str:
    """Bare addresses as links, outside of tags and of links."""
    parts = _TAG.split(html)
    for place in range(0, len(parts), 2):
        parts[place] = _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', parts[place])
    return "".join(parts)


def _paragraphs(html: str) -> str:
    """Paragraphs at blank lines, as wpautop() makes them; quotes stand on their own."""
    html = _BLOCK.sub(lambda found: f"\n\n{found[0]}\n\n", html)
    made = []
    for part in re.split(r"\n\s*\n", html):
        block = part.strip()
        if block:
            made.append(block if _BLOCK.fullmatch(block) else f"<p>{block.replace(chr(10), '<br>')}</p>")
    return "".join(made)


def count_links(html: str) -> int:
    """How many links a text has."""
    return html.lower().count("<a ")


def find_mentioned(text: str, course_id: int, author_id: int) -> list[int]:
    """The ids of people of a course whom a text names as `@name`, the author aside."""
    names = list(dict.fromkeys(name.rstrip(".-").lower() for name in _MENTION.findall(text)))[:MAX_MENTIONS]
    if not names:
        return []
    found = db.values(PEOPLE, {"names": names, "of_course": course_id})
    return sorted(set(found) - {author_id})


def names_of(ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """The names of users by id."""
    return {row["id"]: row for row in db.rows(NAMES, {"ids": sorted(ids)})} if ids else {}
