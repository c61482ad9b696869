"""What is left of deleted posts after thirty days: nothing, or a place without words where there are answers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select, update

from learnomy_wp.kernel import clock, db, retention, trash
from wp_schema.tables import discussions

OLD = (
    select(discussions.c.id, discussions.c.reply_count)
    .where(
        discussions.c.deleted_at < bindparam("before"),
        or_(discussions.c.reply_count == 0, discussions.c.user_id > 0),
    )
    .order_by(discussions.c.deleted_at)
    .limit(retention.BATCH)
    .with_hint(discussions, "FORCE INDEX (zblog_lrn_discussions_deleted)", "mysql")
)
_still = (discussions.c.id.in_(bindparam("ids", expanding=True)), discussions.c.deleted_at < bindparam("before"))
REMOVE = delete(discussions).where(*_still, discussions.c.reply_count == 0)
# Answers that nobody saw go with their question.
REMOVE_BELOW = delete(discussions).where(
    discussions.c.parent_id.in_(bindparam("ids", expanding=True)), discussions.c.status != "visible"
)
EMPTY = (
    update(discussions)
    .where(*_still)
    .values(user_id=0, title=None, body_raw="", body_html="", mentions=None, updated_at=bindparam("at"))
)


@retention.removes("discussions")
def remove_old() -> int:
    """One batch of what was deleted thirty days ago."""
    now = clock.now()
    values = {"before": now - timedelta(days=trash.KEPT.days)}
    rows = db.rows(OLD, values)
    alone = [row["id"] for row in rows if not row["reply_count"]]
    answered = [row["id"] for row in rows if row["reply_count"]]

    def remove() -> None:
        if alone:
            db.execute(REMOVE_BELOW, {"ids": alone})
            db.execute(REMOVE, {"ids": alone, **values})
        if answered:
            db.execute(EMPTY, {"ids": answered, "at": now, **values})

    db.transaction(remove)
    return len(rows)
