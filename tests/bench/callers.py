"""Who calls: students with access tokens, issued in the database without a password being checked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sqlalchemy import select

from learnomy_wp.accounts import tokens
from learnomy_wp.kernel import db
from learnomy_wp.kernel.auth import jwt, users
from tests.bench.ground import Ground
from wp_schema.tables import auth_tokens

AGENT = "bench"
MANY, EACH = 200, 60  # students of a run at least, and how many lessons each of them has left at least
SESSIONS = select(auth_tokens.c.user_id, auth_tokens.c.family_id).where(
    auth_tokens.c.user_agent == AGENT, auth_tokens.c.revoked_at.is_(None), auth_tokens.c.rotated_at.is_(None)
)
# What is left to complete for a student with access: topics, and lessons that have none.
UNCOMPLETED = """
    SELECT e.user_id, l.id AS lesson_id
    FROM wp_lrn_enrollments e
    JOIN wp_lrn_lessons l ON l.course_id = e.course_id AND l.status = 'published'
    LEFT JOIN wp_lrn_progress p ON p.user_id = e.user_id AND p.object_type = 'lesson' AND p.object_id = l.id
    WHERE e.has_access = 1 AND e.user_id IN %s AND COALESCE(p.state, 'none') <> 'completed'
        AND NOT EXISTS (SELECT 1 FROM wp_lrn_lessons t WHERE t.parent_id = l.id)
"""


@dataclass
class Callers:
    """The students of a ground and their tokens, which are renewed before they expire."""

    ground: Ground
    _sessions: dict[int, str] = field(default_factory=dict)
    _rng: random.Random = field(default_factory=lambda: random.Random(1))

    def tokens(self, user_ids: list[int]) -> dict[int, str]:
        """A fresh access token for each user; sessions are begun once."""
        with self.ground.runtime.request_stack(), db.blog(1):
            if not self._sessions:
                self._sessions = {row["user_id"]: row["family_id"] for row in db.rows(SESSIONS)}
            missing = [user_id for user_id in user_ids if user_id not in self._sessions]
            db.transaction(lambda: self._begin(missing))
            return {user_id: jwt.issue(user_id, self._sessions[user_id]) for user_id in user_ids}

    def _begin(self, user_ids: list[int]) -> None:
        for user_id in user_ids:
            found = users.find(user_id)
            assert found is not None
            actor = users.to_actor(found, credential="jwt")
            self._sessions[user_id] = tokens.begin_session(actor, found["user_pass"], AGENT).session_id

    def first_completions(self, wanted: int) -> list[tuple[str, int]]:
        """(token, lesson) pairs of lessons that their students have not completed, in no order."""
        students = self.ground.students
        chosen = self._rng.sample(students, min(len(students), max(MANY, wanted // EACH)))
        pairs = self.ground.site.rows(UNCOMPLETED, tuple(chosen))
        self._rng.shuffle(pairs)
        issued = self.tokens(sorted({pair["user_id"] for pair in pairs}))
        return [(issued[pair["user_id"]], pair["lesson_id"]) for pair in pairs[:wanted]]

    def completed(self) -> int:
        """How many lessons students have completed in all."""
        statement = "SELECT COUNT(*) FROM wp_lrn_progress WHERE object_type = 'lesson' AND state = 'completed'"
        return int(self.ground.site.value(statement))
