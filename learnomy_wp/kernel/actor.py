"""Who is calling: a user of the site, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MANAGE = "learnomy_manage"
EDIT_COURSES = "learnomy_edit_courses"
PUBLISH_COURSES = "learnomy_publish_courses"
EDIT_OTHERS_COURSES = "learnomy_edit_others_courses"
GRADE = "learnomy_grade"
VIEW_REPORTS = "learnomy_view_reports"
LEARNOMY_CAPABILITIES = (MANAGE, EDIT_COURSES, PUBLISH_COURSES, EDIT_OTHERS_COURSES, GRADE, VIEW_REPORTS)


@dataclass(frozen=True)
class Actor:
    """The caller. `id` is 0 for nobody; `credential` says how the caller was known."""

    id: int = 0
    login: str = ""
    email: str = ""
    display_name: str = ""
    roles: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    credential: str = ""
    session_id: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_logged_in(self) -> bool:
        return self.id > 0

    def can(self, capability: str) -> bool:
        """Whether the caller holds a capability, as WordPress's current_user_can without an object."""
        return capability in self.capabilities

    @property
    def is_manager(self) -> bool:
        return MANAGE in self.capabilities

    @property
    def is_instructor(self) -> bool:
        return EDIT_COURSES in self.capabilities


NOBODY = Actor()
# Acts where no person does: schedules, imports, the seed.
SYSTEM = Actor(capabilities=frozenset(LEARNOMY_CAPABILITIES), login="system", credential="system")
