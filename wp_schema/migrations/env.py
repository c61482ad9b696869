"""What alembic runs: on the connection of `wp_schema.migrate`, bound to a site's prefixes."""

from __future__ import annotations

from alembic import context
from sqlalchemy.engine import Connection

from wp_schema.migrate import VERSION_TABLE
from wp_schema.tables import metadata_learnomy

connection: Connection = context.config.attributes["connection"]

context.configure(connection=connection, target_metadata=metadata_learnomy, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
