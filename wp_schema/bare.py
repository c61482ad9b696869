"""What a new WordPress has in its tables, for the embedded default where there is no WordPress.

Mirrors populate_options() of wp-admin/includes/schema.php.
"""

from __future__ import annotations

from typing import Any

from wp_schema.php import serialize
from wp_schema.roles import roles_option, with_learnomy_roles, wordpress_roles


def default_options(*, home: str, title: str, admin_email: str, blog_prefix: str) -> dict[str, str]:
    """Every option of a new site, as its text in the table. No plugin and no theme is there."""
    values: dict[str, Any] = {
        "siteurl": home,
        "home": home,
        "blogname": title,
        "admin_email": admin_email,
        roles_option(blog_prefix): with_learnomy_roles(wordpress_roles()).to_option(),
        **_DEFAULTS,
    }
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    return serialize(value).decode() if isinstance(value, list | dict) else str(value)


NOT_AUTOLOADED = frozenset({"moderation_keys", "recently_edited", "disallowed_keys", "uninstall_plugins"})

_DEFAULTS: dict[str, Any] = {
    "blogdescription": "",
    "users_can_register": 0,
    "start_of_week": 1,
    "use_balanceTags": 0,
    "use_smilies": 1,
    "require_name_email": 1,
    "comments_notify": 1,
    "posts_per_rss": 10,
    "rss_use_excerpt": 0,
    "default_category": 1,
    "default_comment_status": "open",
    "default_ping_status": "open",
    "default_pingback_flag": 1,
    "posts_per_page": 10,
    "date_format": "F j, Y",
    "time_format": "g:i a",
    "links_updated_date_format": "F j, Y g:i a",
    "comment_moderation": 0,
    "moderation_notify": 1,
    "permalink_structure": "/%postname%/",
    "rewrite_rules": "",
    "hack_file": 0,
    "blog_charset": "UTF-8",
    "moderation_keys": "",
    "active_plugins": ["learnomy/learnomy.php"],
    "category_base": "",
    "comment_max_links": 2,
    "gmt_offset": 0,
    "default_email_category": 1,
    "recently_edited": "",
    "template": "",
    "stylesheet": "",
    "comment_registration": 0,
    "html_type": "text/html",
    "use_trackback": 0,
    "default_role": "subscriber",
    "uploads_use_yearmonth_folders": 1,
    "upload_path": "",
    "blog_public": "1",
    "default_link_category": 2,
    "show_on_front": "posts",
    "tag_base": "",
    "show_avatars": "1",
    "avatar_rating": "G",
    "upload_url_path": "",
    "thumbnail_size_w": 150,
    "thumbnail_size_h": 150,
    "thumbnail_crop": 1,
    "medium_size_w": 300,
    "medium_size_h": 300,
    "avatar_default": "mystery",
    "large_size_w": 1024,
    "large_size_h": 1024,
    "image_default_link_type": "none",
    "image_default_size": "",
    "image_default_align": "",
    "close_comments_for_old_posts": 0,
    "close_comments_days_old": 14,
    "thread_comments": 1,
    "thread_comments_depth": 5,
    "page_comments": 0,
    "comments_per_page": 50,
    "default_comments_page": "newest",
    "comment_order": "asc",
    "sticky_posts": [],
    "uninstall_plugins": [],
    "timezone_string": "",
    "page_for_posts": 0,
    "page_on_front": 0,
    "default_post_format": 0,
    "link_manager_enabled": 0,
    "finished_splitting_shared_terms": 1,
    "site_icon": 0,
    "medium_large_size_w": 768,
    "medium_large_size_h": 0,
    "wp_page_for_privacy_policy": 0,
    "show_comments_cookies_opt_in": 1,
    "disallowed_keys": "",
    "comment_previously_approved": 1,
    "wp_attachment_pages_enabled": 0,
    "WPLANG": "",
}
