"""Quizzes on a real WordPress: taken by every door, heard of once, filtered and refused by plugins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wordpress.acceptance.academy import DOORS, HTTP_DOORS, Academy

# Typed as integrators declare theirs: a whole score is an int even where `int` is strict.
LISTENERS = """
add_action( 'learnomy_quiz_passed', function ( int $attempt_id, int $user_id, int $quiz_id, $score ) {
	note_down( array( 'hook' => current_action(), 'args' => func_get_args(), 'whole' => is_int( $score ) ) );
}, 10, 10 );
foreach ( array( 'learnomy_quiz_submitted', 'learnomy_quiz_graded' ) as $hook ) {
	add_action( $hook, function ( int $attempt_id, int $user_id, int $quiz_id ) {
		note_down( array( 'hook' => current_action(), 'args' => func_get_args() ) );
	}, 10, 10 );
}
"""
FILTERS = """
foreach ( array( 'quiz', 'quiz_attempt' ) as $resource ) {
	add_filter( "learnomy_rest_{$resource}_payload", function ( $payload ) {
		if ( isset( $payload['quiz'] ) ) {
			$payload['quiz']['title'] = 'Filtered';
		} else {
			$payload['title'] = 'Filtered';
		}
		return $payload;
	} );
}
"""
REFUSES = """
add_filter( 'learnomy_pre_start_quiz_attempt', function () {
	return new WP_Error( 'not_today', 'Not today.', array( 'status' => 403 ) );
} );
"""
ANSWERS = {"answers": [{"text_html": "Right", "fraction": 1}, {"text_html": "Wrong"}]}


def make_quiz(academy: Academy, questions: int = 2) -> int:
    """A published quiz that is passed with every answer right."""
    site, teacher = academy.site, academy.teacher
    body = {"title": "A quiz", "status": "published", "passing_percent": 100}
    quiz = site.post("/quizzes", json=body, auth=teacher)
    assert quiz.status == 201, quiz.text
    for number in range(questions):
        question = {"type": "single_choice", "prompt": f"<p>Number {number}?</p>", "content": ANSWERS}
        place = site.post(f"/quizzes/{quiz.data['id']}/questions", json={"question": question}, auth=teacher)
        assert place.status == 201, place.text
    return int(quiz.data["id"])


def take(academy: Academy, quiz_id: int, door: str, *, right: int) -> dict[str, Any]:
    """A whole attempt of the student's by one door, with so many right answers."""
    site, how = academy.site, academy.as_("student", door)
    attempt = site.post(f"/quizzes/{quiz_id}/attempts", json={}, **how)
    assert attempt.status == 201, attempt.text
    path = f"/quiz-attempts/{attempt.data['id']}"
    for number, asked in enumerate(attempt.data["questions"]):
        wanted = "Right" if number < right else "Wrong"
        chosen = next(one["id"] for one in asked["content"]["choices"] if one["text_html"] == wanted)
        item = {"position": asked["position"], "sequence": 1, "answer": chosen}
        saved = site.request("PUT", f"{path}/answers", json={"answers": [item]}, **how)
        assert saved.status == 200, saved.text
    done = site.post(f"{path}/submit", json={}, **how)
    assert done.status == 200, done.text
    return dict(done.data)


@pytest.mark.parametrize("door", DOORS)
def test_a_pass_is_heard_of_once_and_a_fail_not_at_all(academy: Academy, door: str) -> None:
    quiz_id, student = make_quiz(academy), academy.site.user_id("student")
    with academy.listening(LISTENERS):
        failed, passed = take(academy, quiz_id, door, right=1), take(academy, quiz_id, door, right=2)
        academy.until(lambda notes: len(notes) >= 5)
        noted = academy.until(lambda notes: len(notes) > 5, seconds=1)
    assert (failed["passed"], passed["passed"], passed["percent"]) == (False, True, 100)
    heard = [(note["hook"], note["args"]) for note in noted]
    first, second = ([attempt["id"], student, quiz_id] for attempt in (failed, passed))
    assert [note for note in heard if note[1][0] == failed["id"]] == [
        ("learnomy_quiz_submitted", first),
        ("learnomy_quiz_graded", first),
    ]
    assert [note for note in heard if note[1][0] == passed["id"]] == [
        ("learnomy_quiz_submitted", second),
        ("learnomy_quiz_graded", second),
        ("learnomy_quiz_passed", [*second, 100]),
    ]
    assert [note["whole"] for note in noted if "whole" in note] == [True]


def test_filters_change_what_is_shown_and_may_refuse(academy: Academy) -> None:
    quiz_id = make_quiz(academy)
    attempt = take(academy, quiz_id, "direct", right=0)
    with academy.listening(FILTERS):
        for door in HTTP_DOORS:
            how = academy.as_("student", door)
            assert academy.site.get(f"/quizzes/{quiz_id}", **how).data["title"] == "Filtered", door
            shown = academy.site.get(f"/quiz-attempts/{attempt['id']}", **how)
            assert shown.data["quiz"]["title"] == "Filtered", door
    with academy.listening(REFUSES):
        for door in HTTP_DOORS:
            refused = academy.site.post(f"/quizzes/{quiz_id}/attempts", json={}, **academy.as_("student", door))
            assert (refused.status, refused.error["code"]) == (403, "not_today"), door
    listed = academy.site.get(f"/quiz-attempts?quiz_id={quiz_id}", **academy.as_("student", "direct"))
    assert [row["id"] for row in listed.data] == [attempt["id"]]
