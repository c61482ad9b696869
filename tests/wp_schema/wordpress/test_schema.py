"""Our declaration of WordPress's tables and of a new site's options, beside the real ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect

from tests.site import Site
from wp_schema.bare import default_options
from wp_schema.tables import metadata_network, metadata_wordpress

pytestmark = pytest.mark.wordpress("6.1", "6.8", "7.1")

# of the site and not of a new WordPress, or not in every version
OWN = {
    "active_plugins", "permalink_structure", "rewrite_rules", "stylesheet", "template", "users_can_register",
    "wp_attachment_pages_enabled", "wp_page_for_privacy_policy", "wp_user_roles", "WPLANG",
}  # fmt: skip


def test_a_bare_wordpress_has_a_real_ones_options(bare_site: Site) -> None:
    real = {row["option_name"]: row["option_value"] for row in bare_site.rows("SELECT * FROM wp_options")}
    ours = default_options(
        home=real["home"], title=real["blogname"], admin_email=real["admin_email"], blog_prefix="wp_"
    )
    common = set(ours) - OWN
    assert {name: real.get(name) for name in common} == {name: ours[name] for name in common}


def test_our_view_of_wordpress_tables_is_theirs(bare_site: Site) -> None:
    _compare(bare_site, metadata_wordpress)


def test_our_view_of_a_networks_tables_is_theirs(network: Site) -> None:
    _compare(network, metadata_network)


def _compare(site: Site, metadata: MetaData) -> None:
    engine = create_engine(site.database_url)
    inspector = inspect(engine)
    for name, table in metadata.tables.items():
        real = "wp_" + str(name).removeprefix("zbase_").removeprefix("zblog_")
        columns = {column["name"]: column for column in inspector.get_columns(real)}
        assert list(columns) == table.c.keys(), real
        for column in table.columns:
            declared = _type_name(column.type.dialect_impl(engine.dialect), engine)
            assert _type_name(columns[column.name]["type"], engine) == declared, f"{real}.{column.name}"
            assert columns[column.name]["nullable"] == column.nullable, f"{real}.{column.name}"
        keys = {index["name"]: index["column_names"] for index in inspector.get_indexes(real)}
        for index in table.indexes:
            assert keys[index.info["mysql_name"]] == [column.name for column in index.columns], index.name
    engine.dispose()


def _type_name(type_: Any, engine: Engine) -> str:
    """The type as SQL, without an integer's display width and sign (older networks' ids) and a text's collation."""
    name = re.sub(r"( CHARACTER SET \w+)? COLLATE \w+", "", type_.compile(dialect=engine.dialect))
    return re.sub(r"INT(EGER)?(\(\d+\))?( UNSIGNED)?", "INT", name) if "INT" in name else name
