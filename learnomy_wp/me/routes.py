"""`/me`, `/me/courses` and `/me/dashboard`."""

from __future__ import annotations

from typing import Any

from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.kernel.page import Page
from learnomy_wp.kernel.policy import USER
from learnomy_wp.kernel.wordpress import Effects
from learnomy_wp.me import queries, service
from learnomy_wp.me.schemas import DashboardOut, MeOut, MePatch, MyCourseOut, MyCoursesQuery

bp = Blueprint("me", group="me")


@bp.endpoint("get", "/me", can=USER, returns=MeOut, payload_filter="learnomy_rest_me_payload")
def get_me(actor: Actor) -> dict[str, Any]:
    """Read the caller's profile, preferences and counts."""
    return service.describe_me(actor)


@bp.endpoint(
    "patch",
    "/me",
    can=USER,
    body=MePatch,
    returns=MeOut,
    writes_wordpress=True,
    transactional=False,
    errors=(service.WrongPassword,),
)
def update_me(actor: Actor, body: dict[str, Any]) -> Effects:
    """Change name, biography, time zone, language or avatar; password and e-mail with current_password."""
    return service.change_me(actor, body)


@bp.endpoint("get", "/me/courses", can=USER, query=MyCoursesQuery, returns=MyCourseOut, many=True)
def list_my_courses(actor: Actor, query: dict[str, Any]) -> Page:
    """List the caller's courses with progress and the next lesson."""
    return queries.list_my_courses(actor, query)


@bp.endpoint("get", "/me/dashboard", can=USER, returns=DashboardOut, payload_filter="learnomy_rest_dashboard_payload")
def get_dashboard(actor: Actor) -> dict[str, Any]:
    """Read what the student's home shows, in one call."""
    return service.build_dashboard(actor)
