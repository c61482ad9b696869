"""What alembic runs. The connection comes from `wp_schema.migrate`, already bound to a site's
prefixes and collation; alone (`alembic revision --autogenerate`) it is made from the config."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import Connection

from wp_schema.migrate import VERSION_TABLE, include_object
from wp_schema.tables import bind_connection, metadata_learnomy


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata_learnomy,
        version_table=VERSION_TABLE,
        include_object=include_object(connection.dialect.name),
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


def _option(name: str, default: str) -> str:
    return context.config.get_main_option(name) or default


def _run_alone() -> None:
    engine = create_engine(_option("sqlalchemy.url", ""), poolclass=pool.NullPool)
    with engine.connect() as connection:
        # with the tokens as prefixes the tables' names in the database are those of the models
        bound = bind_connection(connection, _option("base_prefix", "zbase_"), _option("blog_prefix", "zblog_"))
        _run(bound)
        bound.commit()


_given: Any = context.config.attributes.get("connection")
if _given is None:
    _run_alone()
else:
    _run(_given)
