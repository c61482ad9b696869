"""Questions of every type, made by hypothesis."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

# Words as people write them, some with signs that formats give a meaning.
LETTERS = string.ascii_letters + string.digits + " .,;!?'\"()-+*/=~#{}:%&<>\\$^_|@[]" + "éßñ東京مرحبا\u0301🙂"
words = st.text(LETTERS, min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)
plain_words = st.text(string.ascii_letters + "éß東京 ", min_size=1, max_size=15).map(lambda t: " ".join(t.split()))
plain_words = plain_words.filter(bool)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


html = words.map(escaped)
marked = st.one_of(html, html.map(lambda text: f"<b>{text}</b>"), html.map(lambda text: f"$\\frac{{1}}{{2}}$ {text}"))
prompts = st.one_of(html.map(lambda text: f"<p>{text}</p>"), marked)
feedback = st.one_of(st.just(""), marked)
percents = st.integers(1, 99).map(lambda number: number / 100)


def unique(parts: st.SearchStrategy[str], least: int, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(parts, min_size=least, max_size=most, unique=True)


@st.composite
def single_choice(draw: st.DrawFn) -> dict[str, Any]:
    texts = draw(unique(marked, 2, 6))
    shares = [1.0, *(draw(st.one_of(st.just(0.0), percents, percents.map(lambda share: -share))) for _ in texts[1:])]
    parts = [
        {"text_html": t, "fraction": s, "feedback_html": draw(feedback)} for t, s in zip(texts, shares, strict=True)
    ]
    return {"answers": draw(st.permutations(parts)), "shuffle": draw(st.booleans())}


@st.composite
def multiple_choice(draw: st.DrawFn) -> dict[str, Any]:
    texts = draw(unique(marked, 2, 6))
    right = draw(st.integers(1, min(5, len(texts))))
    least = draw(st.lists(st.integers(1, 10), min_size=right, max_size=right))
    shares = [part / sum(least) for part in least]
    shares = [round(share, 4) for share in shares]
    shares[0] = round(1 - sum(shares[1:]), 4)
    shares += [-draw(percents) if draw(st.booleans()) else 0.0 for _ in texts[right:]]
    parts = [
        {"text_html": t, "fraction": s, "feedback_html": draw(feedback)} for t, s in zip(texts, shares, strict=True)
    ]
    return {"answers": draw(st.permutations(parts)), "shuffle": draw(st.booleans())}


true_false = st.fixed_dictionaries(
    {"answer": st.booleans(), "feedback_true_html": feedback, "feedback_false_html": feedback}
)


@st.composite
def accepted(draw: st.DrawFn, texts: st.SearchStrategy[str] = words) -> list[dict[str, Any]]:
    found = draw(unique(texts, 1, 4))
    shares = [1.0, *(draw(percents) for _ in found[1:])]
    return [{"text": t, "fraction": s, "feedback_html": draw(feedback)} for t, s in zip(found, shares, strict=True)]


@st.composite
def short_answer(draw: st.DrawFn) -> dict[str, Any]:
    answers = draw(accepted())
    has_star = any("*" in one["text"] for one in answers)
    wild = has_star and draw(st.booleans())
    return {"answers": answers, "case_sensitive": draw(st.booleans()), "wildcard": wild}


@st.composite
def numbers(draw: st.DrawFn) -> list[dict[str, Any]]:
    value = st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
    found = draw(st.lists(value, min_size=1, max_size=3, unique=True))
    shares = [1.0, *(draw(percents) for _ in found[1:])]
    return [
        {
            "value": v,
            "tolerance": draw(st.sampled_from((0.0, 0.5, 0.01))),
            "fraction": s,
            "feedback_html": draw(feedback),
        }
        for v, s in zip(found, shares, strict=True)
    ]


@st.composite
def fill_blank(draw: st.DrawFn) -> dict[str, Any]:
    blanks: list[dict[str, Any]] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        kind = draw(st.sampled_from(("text", "select", "number")))
        blank: dict[str, Any] = {"id": str(number), "kind": kind, "weight": float(draw(st.integers(1, 3)))}
        if kind == "number":
            blank["numbers"] = draw(numbers())
        elif kind == "select":
            texts = draw(unique(words, 2, 4))
            blank["answers"] = [
                {"text": text, "fraction": 1.0 if place == 0 else 0.0, "feedback_html": draw(feedback)}
                for place, text in enumerate(texts)
            ]
        else:
            blank |= draw(short_answer())
        blanks.append(blank)
    return {"blanks": blanks}


@st.composite
def matching(draw: st.DrawFn) -> dict[str, Any]:
    prompts_of = draw(unique(marked, 2, 5))
    texts = draw(unique(html, 2, 7))
    pairs = [{"prompt_html": one, "answer_html": draw(st.sampled_from(texts))} for one in prompts_of]
    pairs[0]["answer_html"], pairs[1]["answer_html"] = texts[:2]
    used = {pair["answer_html"] for pair in pairs}
    return {"pairs": pairs, "distractors": [{"answer_html": text} for text in texts if text not in used]}


@st.composite
def ordering(draw: st.DrawFn) -> dict[str, Any]:
    items = [{"text_html": text} for text in draw(unique(marked, 2, 6))]
    return {"items": items, "scoring": draw(st.sampled_from(("exact", "position", "neighbours")))}


@st.composite
def numeric(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"answers": draw(numbers())}
    for answer in found["answers"]:
        answer["tolerance_type"] = draw(st.sampled_from(("absolute", "relative")))
    if draw(st.booleans()):
        found |= {
            "units": [{"unit": "m", "factor": 1.0}, {"unit": "km", "factor": 1000.0}],
            "unit_mode": draw(st.sampled_from(("optional", "required"))),
            "unit_penalty": draw(st.sampled_from((0.5, 1.0))),
        }
    return found


@st.composite
def calculated(draw: st.DrawFn) -> dict[str, Any]:
    formula = draw(st.sampled_from(("a+b", "2*a-b/3", "{a}^2", "sqrt(a)*ln(b)", "max(a, b)")))
    sets = [{"a": float(a), "b": float(a + 1)} for a in range(1, draw(st.integers(1, 5)) + 1)]
    return {
        "variables": [{"name": "a", "min": 1.0, "max": 9.0, "decimals": 0}, {"name": "b", "min": 1.0, "max": 9.0}],
        "datasets": sets if draw(st.booleans()) else [],
        "answers": [{"formula": formula, "tolerance": 0.01, "tolerance_type": "relative"}],
    }


essay = st.fixed_dictionaries(
    {"min_words": st.one_of(st.none(), st.integers(1, 9)), "max_words": st.one_of(st.none(), st.integers(10, 99))}
)
math_expression = st.sampled_from(("x+1", "(x+1)^2", "sin(x)/x", "2pi r")).map(
    lambda text: {"answers": [{"expression": text}]}
)

CONTENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "single_choice": single_choice(),
    "multiple_choice": multiple_choice(),
    "true_false": true_false,
    "short_answer": short_answer(),
    "fill_blank": fill_blank(),
    "essay": essay,
    "matching": matching(),
    "ordering": ordering(),
    "numeric": numeric(),
    "math_expression": math_expression,
    "calculated": calculated(),
}


@st.composite
def questions(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(CONTENTS)) -> dict[str, Any]:
    """A body that makes a question."""
    kind = draw(st.sampled_from(kinds))
    content = draw(CONTENTS[kind])
    prompt = draw(prompts)
    if kind == "fill_blank":
        places = " and ".join(f"[[{blank['id']}]]" for blank in content["blanks"])
        prompt = f"<p>{draw(plain_words)} {places}, {draw(plain_words)}</p>"
    said = {
        f"{name}_html": draw(marked) for name in ("general", "correct", "partial", "incorrect") if draw(st.booleans())
    }
    return {
        "type": kind,
        "title": draw(words),
        "prompt": prompt,
        "content": content,
        "points": draw(st.sampled_from((1.0, 2.5, 10.0))),
        "feedback": said,
        "hints": draw(st.lists(marked, max_size=2)),
        "tags": draw(st.lists(plain_words, max_size=2, unique=True)),
        "idnumber": draw(st.one_of(st.none(), plain_words)),
    }
