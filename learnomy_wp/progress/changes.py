"""What happens to a whole enrolment: counted again, started again, completed by hand.

Each takes the enrolment's row as its lock gave it, and gives the new one.
"""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel import cache
from learnomy_wp.progress import counts, rows
from learnomy_wp.reports import tallies

Row = dict[str, Any]


def recount(enrollment: Row, *, actor_id: int) -> Row:
    """Count what is there, and complete the course where that is due."""
    return counts.write(enrollment, counts.tally(enrollment), actor_id=actor_id)


def restart(enrollment: Row, *, actor_id: int) -> Row:
    """Put an enrolment back to its beginning; its next completion counts as another one."""
    tallies.progress_forgotten(enrollment["course_id"], rows.list_begun(enrollment))
    rows.reset(enrollment)
    fresh = rows.begin_again(enrollment)
    tallies.enrollment_moved(enrollment, fresh)
    cache.bump_after_commit(("enrollments",))
    return counts.write(fresh, counts.tally(fresh), actor_id=actor_id)


def complete_course(enrollment: Row, *, actor_id: int) -> Row:
    """Complete a course by hand, whatever was done of it. Events: `CourseCompleted`."""
    return counts.write(enrollment, counts.tally(enrollment), actor_id=actor_id, complete=True)
