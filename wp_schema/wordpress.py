"""WordPress's own tables, column by column as wp-admin/includes/schema.php makes them.

On a WordPress site they are only read. A network's users have two more columns, so there are
two objects over one table: `users` (columns that every site has) and `network_users`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text, text
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from wp_schema.prefix import BASE_PREFIX, BLOG_PREFIX, SITE_COLLATION
from wp_schema.types import MYSQL, ZERO_DATE, Id, LongText, WordPressDate

metadata_wordpress = MetaData()
metadata_network = MetaData()

_KEY_LENGTH = 191
_Tiny = Integer().with_variant(mysql.TINYINT(2), *MYSQL)
_Big = Integer().with_variant(mysql.BIGINT(20), *MYSQL)
_TinyText = Text().with_variant(mysql.TINYTEXT(), *MYSQL)
_MediumText = Text().with_variant(mysql.MEDIUMTEXT(), *MYSQL)


Keys = dict[str, list[str | tuple[str, int]]]


def _table(token: str, name: str, metadata: MetaData, columns: list[Column[Any]], keys: Keys) -> Table:
    """A table with WordPress's keys; a key whose name begins `unique_` is one."""
    stem = f"{token}{name}"
    made = Table(
        quoted_name(stem, True),
        metadata,
        *columns,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate=SITE_COLLATION,
        sqlite_autoincrement=True,
    )
    for key, parts in keys.items():
        is_unique, own_name = key.startswith("unique_"), key.removeprefix("unique_")
        names = [part if isinstance(part, str) else part[0] for part in parts]
        lengths = {part[0]: part[1] for part in parts if isinstance(part, tuple)}
        Index(
            quoted_name(f"{stem}_{own_name}", True),
            *(made.c[column] for column in names),
            unique=is_unique,
            mysql_length=lengths,
            info={"mysql_name": own_name},  # unique within the table only, as WordPress names it
        )
    return made


def _id(name: str) -> Column[Any]:
    return Column(name, Id, primary_key=True, autoincrement=True)


def _ref(name: str, default: int = 0) -> Column[Any]:
    return Column(name, Id, nullable=False, server_default=text(f"'{default}'"))


def _chars(name: str, length: int, default: str = "") -> Column[Any]:
    return Column(name, String(length), nullable=False, server_default=text(f"'{default}'"))


def _int(name: str, default: int = 0, type_: TypeEngine[Any] | None = None) -> Column[Any]:
    return Column(name, type_ or Integer(), nullable=False, server_default=text(f"'{default}'"))


def _long(name: str, type_: TypeEngine[Any] = LongText) -> Column[Any]:
    return Column(name, type_, nullable=False, default="")


def _date(name: str, *, gmt: bool = False) -> Column[Any]:
    return Column(name, WordPressDate(gmt=gmt), nullable=False, server_default=text(f"'{ZERO_DATE}'"))


def _user_columns() -> list[Column[Any]]:
    return [
        _id("ID"),
        _chars("user_login", 60),
        _chars("user_pass", 255),
        _chars("user_nicename", 50),
        _chars("user_email", 100),
        _chars("user_url", 100),
        _date("user_registered", gmt=True),
        _chars("user_activation_key", 255),
        _int("user_status"),
        _chars("display_name", 250),
    ]


def _meta_table(token: str, name: str, metadata: MetaData, key: str, owner: str) -> Table:
    columns = [
        _id(key),
        _ref(owner),
        Column("meta_key", String(255), nullable=True),
        Column("meta_value", LongText, nullable=True),
    ]
    return _table(token, name, metadata, columns, {owner: [owner], "meta_key": [("meta_key", _KEY_LENGTH)]})


_USER_KEYS: Keys = {
    "user_login_key": ["user_login"],
    "user_nicename": ["user_nicename"],
    "user_email": ["user_email"],
}

# --- shared by a network ---------------------------------------------------------------

users = _table(BASE_PREFIX, "users", metadata_wordpress, _user_columns(), _USER_KEYS)

usermeta = _meta_table(BASE_PREFIX, "usermeta", metadata_wordpress, "umeta_id", "user_id")

network_users = _table(
    BASE_PREFIX,
    "users",
    metadata_network,
    [*_user_columns(), _int("spam", type_=_Tiny), _int("deleted", type_=_Tiny)],
    _USER_KEYS,
)

blogs = _table(
    BASE_PREFIX,
    "blogs",
    metadata_network,
    [
        _id("blog_id"),
        _ref("site_id"),
        _chars("domain", 200),
        _chars("path", 100),
        _date("registered", gmt=True),
        _date("last_updated", gmt=True),
        _int("public", 1, _Tiny),
        _int("archived", type_=_Tiny),
        _int("mature", type_=_Tiny),
        _int("spam", type_=_Tiny),
        _int("deleted", type_=_Tiny),
        _int("lang_id"),
    ],
    {"domain": [("domain", 50), ("path", 5)], "lang_id": ["lang_id"]},
)

site = _table(
    BASE_PREFIX,
    "site",
    metadata_network,
    [_id("id"), _chars("domain", 200), _chars("path", 100)],
    {"domain": [("domain", 140), ("path", 51)]},
)

sitemeta = _meta_table(BASE_PREFIX, "sitemeta", metadata_network, "meta_id", "site_id")

# --- one of each per blog --------------------------------------------------------------

options = _table(
    BLOG_PREFIX,
    "options",
    metadata_wordpress,
    [_id("option_id"), _chars("option_name", 191), _long("option_value"), _chars("autoload", 20, "yes")],
    {"unique_option_name": ["option_name"], "autoload": ["autoload"]},
)

posts = _table(
    BLOG_PREFIX,
    "posts",
    metadata_wordpress,
    [
        _id("ID"),
        _ref("post_author"),
        _date("post_date"),
        _date("post_date_gmt", gmt=True),
        _long("post_content"),
        _long("post_title", Text()),
        _long("post_excerpt", Text()),
        _chars("post_status", 20, "publish"),
        _chars("comment_status", 20, "open"),
        _chars("ping_status", 20, "open"),
        _chars("post_password", 255),
        _chars("post_name", 200),
        _long("to_ping", Text()),
        _long("pinged", Text()),
        _date("post_modified"),
        _date("post_modified_gmt", gmt=True),
        _long("post_content_filtered"),
        _ref("post_parent"),
        _chars("guid", 255),
        _int("menu_order"),
        _chars("post_type", 20, "post"),
        _chars("post_mime_type", 100),
        _int("comment_count", type_=_Big),
    ],
    {
        "post_name": [("post_name", _KEY_LENGTH)],
        "type_status_date": ["post_type", "post_status", "post_date", "ID"],
        "post_parent": ["post_parent"],
        "post_author": ["post_author"],
    },
)

postmeta = _meta_table(BLOG_PREFIX, "postmeta", metadata_wordpress, "meta_id", "post_id")

wp_terms = _table(
    BLOG_PREFIX,
    "terms",
    metadata_wordpress,
    [_id("term_id"), _chars("name", 200), _chars("slug", 200), _int("term_group", type_=_Big)],
    {"slug": [("slug", _KEY_LENGTH)], "name": [("name", _KEY_LENGTH)]},
)

term_taxonomy = _table(
    BLOG_PREFIX,
    "term_taxonomy",
    metadata_wordpress,
    [
        _id("term_taxonomy_id"),
        _ref("term_id"),
        _chars("taxonomy", 32),
        _long("description"),
        _ref("parent"),
        _int("count", type_=_Big),
    ],
    {"unique_term_id_taxonomy": ["term_id", "taxonomy"], "taxonomy": ["taxonomy"]},
)

term_relationships = _table(
    BLOG_PREFIX,
    "term_relationships",
    metadata_wordpress,
    [
        Column("object_id", Id, primary_key=True, autoincrement=False, server_default=text("'0'")),
        Column("term_taxonomy_id", Id, primary_key=True, autoincrement=False, server_default=text("'0'")),
        _int("term_order"),
    ],
    {"term_taxonomy_id": ["term_taxonomy_id"]},
)

termmeta = _meta_table(BLOG_PREFIX, "termmeta", metadata_wordpress, "meta_id", "term_id")

comments = _table(
    BLOG_PREFIX,
    "comments",
    metadata_wordpress,
    [
        _id("comment_ID"),
        _ref("comment_post_ID"),
        _long("comment_author", _TinyText),
        _chars("comment_author_email", 100),
        _chars("comment_author_url", 200),
        _chars("comment_author_IP", 100),
        _date("comment_date"),
        _date("comment_date_gmt", gmt=True),
        _long("comment_content", Text()),
        _int("comment_karma"),
        _chars("comment_approved", 20, "1"),
        _chars("comment_agent", 255),
        _chars("comment_type", 20, "comment"),
        _ref("comment_parent"),
        _ref("user_id"),
    ],
    {
        "comment_post_ID": ["comment_post_ID"],
        "comment_approved_date_gmt": ["comment_approved", "comment_date_gmt"],
        "comment_date_gmt": ["comment_date_gmt"],
        "comment_parent": ["comment_parent"],
        "comment_author_email": [("comment_author_email", 10)],
    },
)

commentmeta = _meta_table(BLOG_PREFIX, "commentmeta", metadata_wordpress, "meta_id", "comment_id")

links = _table(
    BLOG_PREFIX,
    "links",
    metadata_wordpress,
    [
        _id("link_id"),
        _chars("link_url", 255),
        _chars("link_name", 255),
        _chars("link_image", 255),
        _chars("link_target", 25),
        _chars("link_description", 255),
        _chars("link_visible", 20, "Y"),
        _ref("link_owner", 1),
        _int("link_rating"),
        _date("link_updated"),
        _chars("link_rel", 255),
        _long("link_notes", _MediumText),
        _chars("link_rss", 255),
    ],
    {"link_visible": ["link_visible"]},
)
