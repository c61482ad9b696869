"""The question bank of the school: a question in each course, some of nobody's course, one in the trash.

`P.item` and so on; `own_item` and `F.own_item` are of the teachers' own banks, `P.trashed_item` is in the trash.
"""

from __future__ import annotations

from tests.courses.school import School, made

# Which of the school's marks stands in a course's question.
TITLES = {"P": "", "D": "draft", "N": "draft", "V": "private", "A": "private", "X": "trash", "F": "", "G": "foreign"}


def build_questions(school: School, ids: dict[str, int], marks: dict[str, str]) -> None:
    """All of them, while every course is still published."""
    for name, mark in TITLES.items():
        who = "teacher2" if name in "FG" else "teacher"
        ids[f"{name}.item"] = _question(school, who, marks.get(mark, "Public"), marks["raw"], course_id=ids[name])
    ids["own_item"] = _question(school, "teacher", marks["draft"], marks["raw"], category="Bank")
    ids["F.own_item"] = _question(school, "teacher2", marks["foreign"], marks["raw"])
    ids["P.trashed_item"] = _question(school, "teacher", marks["trash"], marks["raw"], course_id=ids["P"])
    assert school.as_("teacher").delete(f"/questions/{ids['P.trashed_item']}").status == 200
    listed = school.as_("teacher").get(f"/questions?ids={ids['own_item']}").data
    ids["bank_category"] = listed[0]["category"]["id"]


def _question(school: School, who: str, title: str, raw: str, **body: object) -> int:
    prompt = f'<!-- wp:paragraph {{"mark":"{raw}"}} --><p>{title}</p><!-- /wp:paragraph -->'
    answers = [{"text_html": f"{title} right", "fraction": 1}, {"text_html": "wrong", "feedback_html": title}]
    given = {"type": "single_choice", "title": title, "prompt": prompt, "content": {"answers": answers}, **body}
    return int(made(school.as_(who).post("/questions", json=given))["id"])
