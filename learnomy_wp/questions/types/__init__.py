"""The registry of question types, and what the rest of the system asks of a version whatever its type.

A *version* is a mapping with at least `id`, `type`, `content`, and for what is shown `prompt_html` and `feedback`: a
row of question_versions. `layout` is what `draw()` gave for it; keep it as JSON and give it back unchanged.

Further types come from Python as entry points of the group `learnomy.question_types` (a class or an instance that
satisfies `QuestionType`), and from PHP by the filter `learnomy_question_types`: these are told, graded and shown as the
built-in type that they name as `base`, an essay if they name none, and keep it in their content.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from learnomy_wp.kernel import log
from learnomy_wp.kernel.hooks import Filter
from learnomy_wp.questions.types import arranging, blanks, choosing, expressions, numbers, texts
from learnomy_wp.questions.types.base import Draw, Grade, Layout, QuestionType, Response, Revealed, Shown

__all__ = [
    "BUILT_IN",
    "Draw",
    "Grade",
    "QuestionType",
    "Revealed",
    "Shown",
    "UnknownType",
    "check",
    "check_response",
    "choices",
    "draw",
    "forget_packages",
    "grade",
    "hints",
    "kind",
    "mark",
    "present",
    "registered",
    "reveal",
]

Version = Mapping[str, Any]
GROUP = "learnomy.question_types"
# What a type of PHP is where it names no base.
DEFAULT_BASE = "essay"

BUILT_IN: dict[str, QuestionType] = {
    made.name: made
    for made in (
        choosing.SingleChoice(),
        choosing.MultipleChoice(),
        choosing.TrueFalse(),
        texts.ShortAnswer(),
        blanks.FillBlank(),
        texts.Essay(),
        arranging.Matching(),
        arranging.Ordering(),
        numbers.Numeric(),
        expressions.MathExpression(),
        numbers.Calculated(),
    )
}

question_types = Filter(
    "learnomy_question_types",
    "Question types by slug, each with `label`, `category` (graded or survey) and `base`, the built-in type that it "
    "is stored and graded as (essay if absent). Asked when a question of a type that is none of ours is written.",
    result=dict,
)


class UnknownType(ValueError):
    """There is no such question type."""


def registered() -> dict[str, QuestionType]:
    """The types that are known without asking PHP, by name."""
    return {**_from_python(), **BUILT_IN}


def kind(name: str, base: str | None = None) -> QuestionType:
    """The type of that name; one of PHP's is the built-in type `base`. Raises `UnknownType`."""
    found = registered().get(name) or BUILT_IN.get(base or "")
    if found is None:
        raise UnknownType(name)
    return found


def find_base(name: str) -> str | None:
    """The built-in type that a type of PHP's stands for; None where PHP has no such type, or ours has the name."""
    if name in registered():
        return None
    told = question_types({}).get(name)
    if not isinstance(told, Mapping):
        return None
    base = told.get("base", DEFAULT_BASE)
    return base if base in BUILT_IN else DEFAULT_BASE


@lru_cache(maxsize=1)
def _from_python() -> dict[str, QuestionType]:
    found: dict[str, QuestionType] = {}
    for entry in entry_points(group=GROUP):
        try:
            loaded = entry.load()
            made: QuestionType = loaded() if isinstance(loaded, type) else loaded
            found[made.name] = made
        except Exception:
            log.get().exception("question_type_failed", entry=entry.name)
    return found


def forget_packages() -> None:
    """Look anew for the types of packages, after some were installed or removed."""
    _from_python.cache_clear()


# --- what is asked of a version ----------------------------------------------------------


def check(type_name: str, content: Mapping[str, Any], prompt: str = "") -> dict[str, Any]:
    """Content as it is kept, for a type and the prompt it stands under.

    Raises `UnknownType`, and marshmallow's `ValidationError` with its messages by field.
    """
    if type_name in registered():
        return kind(type_name).check(content, prompt)
    base = find_base(type_name)
    if base is None:
        raise UnknownType(type_name)
    own = {name: value for name, value in content.items() if name != "base"}
    return {**kind(base).check(own, prompt), "base": base}


def draw(version: Version, seed: int, *, shuffle: bool = True) -> Layout:
    """What an attempt freezes of a version, JSON or None. The same for the same seed; `seed` must stay secret.

    Without `shuffle` choices keep their order; what would be the answer itself, as in ordering, is shuffled always.
    """
    return _kind(version).draw(_content(version), Draw(seed, str(version["id"]), shuffle))


def present(version: Version, layout: Layout) -> Shown:
    """What a learner sees: prompt and content, nothing of the key."""
    return _kind(version).present(_content(version), layout, version["prompt_html"])


def check_response(version: Version, layout: Layout, response: Response) -> Response:
    """The response as it is kept. Raises `ValueError` with a message for who sent it."""
    return _kind(version).check_response(_content(version), layout, response)


def mark(version: Version, layout: Layout, response: Response) -> Grade:
    """What a kept response is worth, with what each of its parts is."""
    if response is None:
        return Grade(0.0)
    return _kind(version).grade(_content(version), layout, response)


def grade(version: Version, layout: Layout, response: Response) -> float | None:
    """What a kept response is worth, 0 to 1; None where a person has to say."""
    return mark(version, layout, response).fraction


def reveal(version: Version, layout: Layout, response: Response) -> Revealed:
    """What may be shown afterwards: `right_answer` in the form of a response, and `feedback`.

    Feedback is `{"general_html", "outcome_html", "answers": {token or blank: html}}`, of what was answered only;
    None where there is none.
    """
    found, content = _kind(version), _content(version)
    said = version.get("feedback") or {}
    answers = {} if response is None else found.answer_feedback(content, layout, response)
    share = grade(version, layout, response)
    outcome = None if share is None else "correct" if share >= 1 else "incorrect" if share <= 0 else "partial"
    feedback: dict[str, Any] = {
        "general_html": said.get("general_html") or None,
        "outcome_html": (said.get(f"{outcome}_html") if outcome else None) or None,
        "answers": {key: text for key, text in answers.items() if text} or None,
    }
    return Revealed(found.right_answer(content, layout), feedback if any(feedback.values()) else None)


def hints(version: Version) -> list[str]:
    """The hints of a question as HTML, the first one first."""
    return list((version.get("feedback") or {}).get("hints") or [])


def choices(version: Version, layout: Layout, response: Response) -> list[str]:
    """What was answered, as short plain text in terms of the question, the same in every attempt."""
    return [] if response is None else _kind(version).choices(_content(version), layout, response)


def _kind(version: Version) -> QuestionType:
    """The type of a version; what is known no more is graded by hand."""
    try:
        return kind(version["type"], _content(version).get("base"))
    except UnknownType:
        return BUILT_IN[DEFAULT_BASE]


def _content(version: Version) -> Mapping[str, Any]:
    return version["content"] or {}
