"""Calls into WordPress: questions while planning, effects, and the signed loopback.

Where a full WordPress stands behind the call (full and internal doors), a question ends the
round: `Ask` carries it to PHP, which sends the request again with the answer. On the direct
and the early door a question means that WordPress is needed, before any effect. Jobs ask by
a signed loopback. On the embedded default `local.py` answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from learnomy_wp.kernel import call as calls
from learnomy_wp.kernel import local, loopback, site
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import InternalError

T = TypeVar("T")

MAX_ROUNDS = 4


class WordPressNeeded(Exception):
    """This request must be served by a full WordPress; nothing has been done yet."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Question:
    """One filter to apply or one call to make in WordPress."""

    id: str
    kind: str
    name: str
    value: Any = None
    args: Any = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "name": self.name, "value": self.value, "args": self.args}


class Ask(Exception):
    """Ends a round with questions for WordPress."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__(", ".join(question.name for question in questions))
        self.questions = list(questions)


@dataclass(frozen=True)
class Effects:
    """What an endpoint wants WordPress to do, and the answer to give once it is done."""

    effects: list[dict[str, Any]]
    answer: Any


def together(*calls: Callable[[], T]) -> list[T]:
    """The results of calls that ask WordPress, all asked in one round where none depends on another."""
    found: list[T] = []
    questions: list[Question] = []
    for call in calls:
        try:
            found.append(call())
        except Ask as ask:
            questions += ask.questions
    if questions:
        raise Ask(questions)
    return found


def apply_filter(name: str, value: Any, arguments: Sequence[Any]) -> Any:
    """`apply_filters( name, value, ...arguments )` in PHP, asked only where PHP listens."""
    if site.current().is_embedded or not site.record().listens(name):
        return value
    return _ask("filter", name, value, list(arguments))


def render_content(content: str, author_id: int) -> dict[str, Any]:
    """Post content rendered as WordPress does when it is saved: `{"html", "slots"}`."""
    if site.current().is_embedded:
        return local.render_content(content)
    answer = _ask("call", "render_content", None, {"content": content, "author_id": author_id})
    return {"html": str(answer["html"]).strip(), "slots": list(answer.get("slots") or [])}


def fill_slots(html: str, slots: Sequence[Mapping[str, Any]] | None) -> str:
    """Stored HTML with its dynamic blocks and shortcodes rendered for the current user.

    The embedded default has none of them: their places stay empty.
    """
    if not slots:
        return html
    rendered = [""] * len(slots)
    if not site.current().is_embedded:
        wanted = [{"kind": slot["kind"], "dynamic": slot["dynamic"]} for slot in slots]
        rendered = _ask("call", "render_slots", None, {"slots": wanted})
    for slot, made in zip(slots, rendered, strict=True):
        html = html.replace(slot["marker"], made)
    return html


def image_url(image_id: int, user: Actor) -> str | None:
    """The address of an image of the media library; None where it is none that `user` may see."""
    if site.current().is_embedded:
        return local.image_url(image_id, user)
    answer = _ask("call", "image_url", None, {"id": image_id, "user_id": user.id})
    return str(answer["url"]) if answer else None


def media_file(media_id: int, user: Actor) -> dict[str, str] | None:
    """Where a file of the media library is: `path`, `base` (the folder of uploads), `name` and `title`.

    None where there is none that `user` may see.
    """
    if site.current().is_embedded:
        return local.media_file(media_id, user)
    answer = _ask("call", "media_file", None, {"id": media_id, "user_id": user.id})
    return {name: str(answer[name]) for name in ("path", "base", "name", "title")} if answer else None


def find_avatars(people: Mapping[str, str], size: int) -> None:
    """`get_avatar_url()` of people by their e-mail addresses; `call.answers` has it by their keys, as `avatars`."""
    _ask("call", "avatars", None, {"people": dict(people), "size": size})


def check_password(user_id: int, password: str) -> bool:
    """`wp_check_password()`, where a plugin has a say in it or stores passwords in its own way.

    `password` as WordPress's forms make it (`wp_schema.passwords.as_posted`).
    """
    return _ask("call", "check_password", None, {"user_id": user_id, "password": password}) is True


def granted_capabilities(user_id: int, names: Sequence[str]) -> frozenset[str]:
    """Those of the capabilities that `user_can()` grants, whatever plugins have a say in it."""
    answer = _ask("call", "capabilities", None, {"user_id": user_id, "names": list(names)})
    return frozenset(names) & frozenset(answer or ())


def _ask(kind: str, name: str, value: Any, args: Any) -> Any:
    packed = orjson.dumps([kind, name, value, args], option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    question = Question(hashlib.blake2b(packed, digest_size=12).hexdigest(), kind, name, value, args)
    call = calls.current()
    if call is None:
        return loopback.call("ask", {"asks": [question.to_json()]})["answers"].get(question.id)
    if question.id in call.answers:
        return call.answers[question.id]
    if not call.has_wordpress:
        raise WordPressNeeded(f"asks {name}")
    if call.round_number >= MAX_ROUNDS:
        raise InternalError(f"WordPress was asked more than {MAX_ROUNDS} times.")
    raise Ask([question])
