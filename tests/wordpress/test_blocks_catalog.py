"""The block `learnomy/course-catalog` and the shortcode `[learnomy_courses]`: two faces of one thing."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from typing import Any

import pytest

from tests.site import REPOSITORY, Site
from tests.wordpress.academy import make_course, page
from tests.wordpress.test_pages_rendering import post

PLUGIN = REPOSITORY / "bridge" / "learnomy"
ATTRIBUTES = "id perPage columns layout category tag level sort search showFilters showPrice"


@pytest.fixture
def word(site: Site) -> str:
    """A word in the titles of three courses and nowhere else."""
    word = "w" + secrets.token_hex(5)
    for letter, level in zip("CAB", LEVELS, strict=True):
        make_course(site, title=f"{word} {letter}", level=level)
    return word


LEVELS = ("beginner", "advanced", "beginner")


def titles(text: str) -> list[str]:
    """Titles of the cards, in order."""
    return re.findall(r'class="learnomy-card__title"><a [^>]*>([^<]*)', text)


def test_the_metadata_says_what_the_contract_names() -> None:
    found = json.loads((PLUGIN / "blocks" / "course-catalog" / "block.json").read_text())
    assert found["apiVersion"] == 3
    assert set(ATTRIBUTES.split()) <= set(found["attributes"])
    assert {"align", "color", "spacing", "typography"} <= set(found["supports"])
    assert all("default" in attribute for attribute in found["attributes"].values())


def test_styles_are_small_and_know_no_left_or_right() -> None:
    path = PLUGIN / "assets" / "learnomy.css"
    text = re.sub(r"(?s)/\*.*?\*/", "", path.read_text())
    assert path.stat().st_size < 30_000
    assert not re.findall(r"(?<![\w-])(?:left|right|(?:margin|padding|border)-(?:left|right))\s*:", text)
    assert "float:" not in text
    assert "!important" not in re.sub(r"(?s)\.learnomy-visually-hidden \{.*?\}", "", text).replace(
        "max-inline-size: none !important", ""
    )


@pytest.mark.wordpress("6.1", "7.1")
def test_the_block_is_registered_with_its_script_and_style(site: Site) -> None:
    found = site.php(
        "$b = WP_Block_Type_Registry::get_instance()->get_registered( 'learnomy/course-catalog' );"
        " return array( array_keys( $b->attributes ), $b->category, $b->is_dynamic(), $b->style_handles,"
        " $b->editor_script_handles, wp_scripts()->registered[ $b->editor_script_handles[0] ]->deps,"
        " wp_style_is( 'learnomy', 'registered' ) );"
    )
    assert set(ATTRIBUTES.split()) <= set(found[0])
    assert found[1:4] == ["learnomy", True, ["learnomy"]]
    assert "wp-server-side-render" in found[5]
    assert found[6] is True


@pytest.mark.wordpress("6.1", "7.1")
def test_the_editor_previews_it_by_cores_own_endpoint(site: Site, word: str) -> None:
    answer = site.php(
        """
        $request = new WP_REST_Request( 'POST', '/wp/v2/block-renderer/learnomy/course-catalog' );
        $request->set_query_params( array( 'context' => 'edit' ) );
        $request->set_header( 'Content-Type', 'application/json' );
        $request->set_body( wp_json_encode( array(
            'attributes' => array( 'search' => 'WORD', 'sort' => 'title', 'showFilters' => false ),
        ) ) );
        $reply = rest_do_request( $request );
        return array( $reply->get_status(), $reply->get_data() );
        """.replace("WORD", word),
        user="admin",
    )
    assert answer[0] == 200
    assert titles(answer[1]["rendered"]) == [f"{word} A", f"{word} B", f"{word} C"]
    assert "<form" not in answer[1]["rendered"]


def test_block_and_shortcode_give_the_same(site: Site, word: str) -> None:
    block = (
        f'<!-- wp:learnomy/course-catalog {{"search":"{word}","sort":"title","perPage":2,"columns":2,'
        '"showFilters":false,"showPrice":false,"align":"wide","className":"mine",'
        '"style":{"spacing":{"padding":{"top":"3px"}}}} /-->'
    )
    short = (
        f'[learnomy_courses search="{word}" sort="title" per_page="2" columns="2" show_filters="false" show_price="no"]'
    )
    with post(site, block) as one, post(site, short, post_name="other") as other:
        shown, written = page(site, one), page(site, other)
    for each in (shown, written):
        assert titles(each.text) == [f"{word} A", f"{word} B"]
        assert "--learnomy-columns:2" in each.text
        assert 'class="learnomy-card__price"' not in each.text
        assert 'class="learnomy-catalog__filters"' not in each.text
        assert "learnomy.css" in each.text or "learnomy-inline-css" in each.text
    wrapper = re.search(r"<div ([^>]*wp-block-learnomy-course-catalog[^>]*)>", shown.text)
    assert wrapper
    assert {"alignwide", "mine"} <= set(re.findall(r"[\w-]+", wrapper[1]))
    assert "padding-top:3px" in wrapper[1]


def test_visitors_filter_sort_and_page_without_script(site: Site, word: str) -> None:
    block = f'<!-- wp:learnomy/course-catalog {{"search":"{word}","perPage":1,"sort":"title"}} /-->'
    with post(site, block) as path:
        first = page(site, path)
        onward = re.search(r'rel="next" href="([^"]+)"', first.text)
        assert onward
        second = page(site, onward[1].replace("&amp;", "&").split(site.php_url)[-1])
        narrowed = page(site, f"{path}?level=advanced")
        nonsense = page(site, f"{path}?level=%27%20OR%201=1&sort=nothing&learnomy_page=9999999999")
    assert titles(first.text) == [f"{word} A"]
    assert titles(second.text) == [f"{word} B"]
    own = set(site.php("$wp = new WP(); return array_merge( $wp->public_query_vars, $wp->private_query_vars );"))
    form = first.text.split('class="learnomy-catalog__filters"')[1].split("</form>")[0]
    names = set(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', form))
    assert names
    assert not own & names
    assert titles(narrowed.text) == [f"{word} A"]
    assert nonsense.status == 200
    assert first.text.count('method="get"') >= 1


@pytest.mark.wordpress("6.1", "7.1")
def test_choices_stay_on_the_page_that_shows_the_catalogue(site: Site, word: str) -> None:
    """Core takes `tag`, `search` and others for questions of its own, also on a page and on the front page."""
    tagged = site.post(
        "/courses", door="internal", user="admin", json={"title": f"{word} tagged", "tags": [f"{word}-ink"]}
    )
    site.post(f"/courses/{tagged.data['id']}/publish", door="internal", user="admin", json={})
    block = '<!-- wp:learnomy/course-catalog {"perPage":1,"sort":"title"} /-->'
    with post(site, block) as path:
        page_id = site.php(f"return url_to_postid( '{path}' );")
        by_tag = page(site, f"{path}?learnomy_tag={word.lower()}-ink")
        with site.option("show_on_front", "page"), site.option("page_on_front", page_id):
            front = page(site, f"/?learnomy_search={word}")
            onward = re.search(r'rel="next" href="([^"]+)"', front.text)
            assert onward
            second = page(site, onward[1].replace("&amp;", "&").split(site.php_url)[-1])
    assert titles(by_tag.text) == [f"{word} tagged"]
    assert f'name="learnomy_tag" value="{word.lower()}-ink"' in by_tag.text
    assert (titles(front.text), titles(second.text)) == ([f"{word} A"], [f"{word} B"])
    assert "Welcome to WordPress" not in front.text


@pytest.mark.parametrize(
    ("written", "became"),
    [
        ('per_page="0"', {"perPage": 1}),
        ('per_page="999"', {"perPage": 48}),
        ('per_page="many"', {"perPage": 12}),
        ('columns="-3"', {"columns": 1}),
        ('layout="spiral"', {"layout": "grid"}),
        ('layout="list" sort="price"', {"layout": "list", "sort": "price"}),
        ('show_price="0"', {"showPrice": False}),
        ('show_price="yes" show_filters', {"showPrice": True, "showFilters": True}),
        ('category=" design "', {"category": "design"}),
        ('perpage="5"', {"perPage": 5}),
        ('onload="x" id="3"', {"id": 3}),
        ("", {}),
    ],
)
def test_attributes_become_typed_and_stay_within_bounds(site: Site, written: str, became: dict[str, Any]) -> None:
    defaults = {
        name: attribute["default"]
        for name, attribute in json.loads((PLUGIN / "blocks" / "course-catalog" / "block.json").read_text())[
            "attributes"
        ].items()
    }
    found = site.php(
        f"return Learnomy\\Shortcodes::item_of( 'learnomy_courses', (array) shortcode_parse_atts( '{written}' ) );"
    )
    assert found["attributes"] == {**defaults, **became}
    assert (found["kind"], found["name"]) == ("shortcode", "learnomy_courses")


def test_a_shortcode_that_is_only_written_about_is_not_run(site: Site) -> None:
    with post(site, "Write [[learnomy_courses]] to list courses.") as path:
        shown = page(site, path)
    assert "[learnomy_courses]" in shown.text
    assert "learnomy-catalog" not in shown.text


def test_every_php_file_of_the_plugin_guards_itself_and_is_small() -> None:
    for path in sorted(PLUGIN.rglob("*.php")):
        text = path.read_text()
        if path.name == "route-table.php":
            continue
        assert text.count("\n") <= 400, path.name
        if path.name not in {"version.php", "editor.asset.php", "route-table.php", "uninstall.php"}:
            assert "defined( 'ABSPATH' ) || exit;" in text, path.name
        if path.name != "listener-guard.php" and "return array(" not in text[:400]:
            assert "declare(strict_types=1);" in text or path.name in {"version.php"}, path.name


def test_the_plugin_is_light_to_download() -> None:
    """The archive as it is installed stays far below 300 KB; unpacked, a third is comments and the route table."""
    packed, files = io.BytesIO(), [path for path in PLUGIN.rglob("*") if path.is_file()]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(PLUGIN.parent))
    assert len(packed.getvalue()) < 200_000
    sizes = {path.name: path.stat().st_size for path in files}
    assert sizes["route-table.php"] < 80_000
    assert sum(sizes.values()) < 500_000
