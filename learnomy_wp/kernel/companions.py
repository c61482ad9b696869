"""What plugins that work beside Learnomy are told by hooks of their own."""

from __future__ import annotations

from learnomy_wp.kernel import outbox

# BuddyNext Pro drops what it keeps of a member's courses, certificates and teaching.
PANELS_CHANGED = "buddynext_suite_panels_changed"


def panels_changed(member_id: int, *, actor_id: int = 0) -> None:
    """Tell it, with the current unit of work, that a member's panels show something else now."""
    if outbox.is_heard(PANELS_CHANGED):
        outbox.add(
            aggregate=f"panels:{member_id}",
            event="",
            hook=PANELS_CHANGED,
            arguments=[member_id],
            payload={"member_id": member_id},
            actor_id=actor_id,
        )
