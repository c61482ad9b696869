"""${message}

Every step looks first whether it is needed: see `wp_schema.migrations`.
"""

from __future__ import annotations

from wp_schema.migrations import online

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "online.add_index(...)"}
