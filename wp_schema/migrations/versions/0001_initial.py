"""All tables of Learnomy, as the models declare them."""

from __future__ import annotations

from alembic import op

from wp_schema.ddl import create_tables
from wp_schema.tables import metadata_learnomy

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is missing."""
    create_tables(op.get_bind(), metadata_learnomy)
