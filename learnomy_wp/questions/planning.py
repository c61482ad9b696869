"""What a body makes of a question: checked as a whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError as Invalid

from learnomy_wp.kernel import wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Detail, ValidationFailed
from learnomy_wp.questions import categories, policies, types
from learnomy_wp.questions.types.base import plain_text
from wp_schema.folding import search_text, sort_title

Row = dict[str, Any]

MAX_TITLE = 255
MAX_SEARCH = 1000
MAX_DETAILS = 100
REQUIRED = "Missing data for required field."
_OWN = ("points", "difficulty", "category_id", "course_id", "idnumber")
_VERSION = ("type", "prompt", "content", "feedback", "hints", "rubric", "points")


def new_question(actor: Actor, body: Mapping[str, Any]) -> tuple[Row, Row]:
    """The columns of a new question and of its first version.

    May end the round with a question to WordPress. Raises `ValidationFailed`.
    """
    missing = [name for name in ("type", "prompt", "content") if name not in body]
    if missing:
        raise ValidationFailed(details=[Detail(name, "required", REQUIRED) for name in missing])
    _check_places(actor, body)
    version = _version(body, None, actor.id)
    return {**_columns(body, version, {}), "author_id": actor.id, "type": version["type"]}, version


def changed_question(
    actor: Actor, body: Mapping[str, Any], question: Mapping[str, Any], held: Mapping[str, Any]
) -> tuple[Row, Row]:
    """The columns that a change gives a question and its version, `held` being the newest one."""
    _check_places(actor, body)
    if "type" in body and body["type"] != held["type"] and "content" not in body:
        raise ValidationFailed.of("content", "Another type needs its own content.", "required")
    version = _version(body, held, question["author_id"])
    return {**_columns(body, version, question), "type": version["type"]}, version


def check_content(type_name: str, content: Mapping[str, Any], prompt: str) -> Row:
    """Content as it is kept. Raises `ValidationFailed` with each field named below `content`."""
    try:
        return types.check(type_name, content, prompt)
    except types.UnknownType:
        raise ValidationFailed.of("type", "There is no such type of question.", "unknown") from None
    except Invalid as error:
        raise ValidationFailed(details=details_of(error.messages, "content")[:MAX_DETAILS]) from None


def details_of(messages: Any, prefix: str) -> list[Detail]:
    """marshmallow's messages as a flat list."""
    if isinstance(messages, dict):
        found: list[Detail] = []
        for name, below in messages.items():
            found += details_of(below, prefix if name == "_schema" else f"{prefix}.{name}")
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [Detail(prefix, "required" if text == REQUIRED else "invalid", str(text)) for text in texts]


def feedback_of(feedback: Mapping[str, Any] | None, hints: Any) -> Row | None:
    """What a version keeps of feedback and hints; None where there are none."""
    found: Row = {name: text for name, text in (feedback or {}).items() if text}
    if hints:
        found["hints"] = list(hints)
    return found or None


def words_of(title: str, prompt_html: str, tags: Any) -> str:
    """The search text of a question."""
    return search_text(title, " ".join(tags or ()), plain_text(prompt_html))[:MAX_SEARCH]


def title_of(prompt_html: str, type_name: str) -> str:
    """What a question without a title is called."""
    return plain_text(prompt_html)[:80].strip() or type_name.replace("_", " ").capitalize()


# --- the parts ---------------------------------------------------------------------------


def _check_places(actor: Actor, body: Mapping[str, Any]) -> None:
    if body.get("course_id") is not None:
        policies.check_course(actor, body["course_id"])
    if "category" in body and "category_id" in body:
        raise ValidationFailed.of("category", "Name the category by its id or by its path.", "not_possible")
    if body.get("category_id") is not None:
        categories.check_known(body["category_id"])
    if "category" in body:
        categories.names_of(body["category"])


def _version(body: Mapping[str, Any], held: Mapping[str, Any] | None, author_id: int) -> Row:
    before: Row = {} if held is None else dict(held)
    type_name = body.get("type", before.get("type"))
    prompt = body["prompt"] if "prompt" in body else before["prompt_raw"]
    found = {
        "type": type_name,
        "prompt_raw": prompt,
        "prompt_html": before.get("prompt_html", ""),
        "content": before.get("content"),
        "feedback": before.get("feedback"),
        "rubric": body["rubric"] if "rubric" in body else before.get("rubric"),
        "points": body.get("points", before.get("points", 1.0)),
    }
    if held is None or body.keys() & {"type", "prompt", "content"}:
        given = body["content"] if "content" in body else before["content"]
        found["content"] = check_content(str(type_name), given, prompt)
    if "prompt" in body and prompt != before.get("prompt_raw"):
        found["prompt_html"] = wordpress.render_content(prompt, author_id)["html"]
    if body.keys() & {"feedback", "hints"}:
        kept = dict(before.get("feedback") or {})
        hints = kept.pop("hints", None)
        found["feedback"] = feedback_of(body.get("feedback", kept), body.get("hints", hints))
    return found


def _columns(body: Mapping[str, Any], version: Mapping[str, Any], before: Mapping[str, Any]) -> Row:
    found = {name: body[name] for name in _OWN if name in body}
    title = body.get("title") or before.get("title") or title_of(version["prompt_html"], version["type"])
    tags = list(dict.fromkeys(body["tags"])) if "tags" in body else before.get("tags")
    found |= {"title": title, "sort_title": sort_title(title), "tags": tags or None}
    found["search_text"] = words_of(title, version["prompt_html"], tags)
    return found
