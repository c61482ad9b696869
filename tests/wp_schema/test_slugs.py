"""Slugs against what WordPress itself makes of the same titles."""

from __future__ import annotations

import json

import pytest

from tests.site import Site
from wp_schema import slugs

TITLES = [
    "Python for Beginners",
    "  Ünïcödé & Ærøskøbing: ein Straßenfest! ",
    "C++ / C# — what's “new”?",
    "100% sure & 50%25 off",
    "<b>Bold</b> claims <3 < 4",
    "Привет, мир",
    "日本語のコース",
    "Tiếng Việt cơ bản",
    "Node.js 20.1",
    "a\tb\nc  d",
    "&amp; &nbsp;entities&#8211;here",
    "2024",
    "!!!",
    "€100 or £80 \u00d7 2",
    "naïve\u0301 e\u0301te\u0301",
    "Ελληνικά με τόνους",
    "…and so on™",
    "under_score - dash -- more",
    "\u200bzero\u00adwidth\u00a0space\u2014dash",
    "Пр" * 60,
    "x" * 250,
    "İstanbul \u0131ss\u0131z",
    "emoji 🎓 course",
]


@pytest.mark.wordpress("6.8", "7.1")
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "da_DK"])
def test_slugs_are_those_of_wordpress(bare_site: Site, locale: str) -> None:
    titles = json.dumps(json.dumps(TITLES)).replace("$", "\\$")
    expected = bare_site.php(
        f"add_filter( 'locale', function () {{ return '{locale}'; }} );"
        f"return array_map( 'sanitize_title', json_decode( {titles}, true ) );"
    )
    assert [slugs.sanitize_title(title, locale) for title in TITLES] == expected


@pytest.mark.wordpress("7.1")
def test_a_suffix_cuts_no_letter_in_two(bare_site: Site) -> None:
    for slug in ["short", "y" * 200, slugs.sanitize_title("Пр" * 60), "a" + slugs.sanitize_title("日" * 60)]:
        cut = bare_site.php(f"return _truncate_post_slug( '{slug}', 198 ) . '-2';")
        assert slugs.with_suffix(slug, "2") == cut
        assert len(cut) <= slugs.MAX_LENGTH


def test_catalan_keeps_its_double_l_together() -> None:
    assert slugs.sanitize_title("Col·lecció", "ca") == "colleccio"
