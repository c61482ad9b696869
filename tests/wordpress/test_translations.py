"""The HTML that the backend renders, in the language of the site: translations are WordPress's own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from learnomy_wp.rendering import wording
from tests.site import REPOSITORY, Site
from tests.wordpress.academy import make_course, page

GERMAN = {
    "Courses": "Kurse",
    "Courses found: %s": "Gefundene Kurse: %s",
    "Search courses": 'Kurse <suchen> & "finden"',
    "Lessons: %s": "Lektionen: %s",
    "%1$s h %2$s min": "%2$s Minuten nach %1$s Stunden",
    "Free": "Kostenlos",
    "Curriculum": "Inhalt",
    "All courses of %s.": "Alle Kurse von %s, %s und %9$s.",
    "Please log in to see the courses.": "Bitte melden Sie sich an.",
}


@contextmanager
def german(site: Site, texts: Mapping[str, str]) -> Iterator[None]:
    """The site in German, with the language pack of the plugin's that has these texts."""
    languages = site.content / "languages"
    for folder in (languages, languages / "plugins"):
        site._write(folder / "index.php", "<?php\n")  # WordPress may write there
    made = site.php(
        f"""
        require_once ABSPATH . WPINC . '/pomo/mo.php';
        $texts = json_decode( base64_decode( '{_base64(json.dumps(texts))}' ), true );
        $pack  = new MO();
        foreach ( $texts as $text => $said ) {{
            $pack->add_entry( array( 'singular' => $text, 'translations' => array( $said ) ) );
        }}
        $core = new MO();
        $core->add_entry( array( 'singular' => 'Comments', 'translations' => array( 'Kommentare' ) ) );
        return array(
            $pack->export_to_file( WP_LANG_DIR . '/plugins/learnomy-de_DE.mo' ),
            $core->export_to_file( WP_LANG_DIR . '/de_DE.mo' ),
        );
        """
    )
    assert made == [True, True]
    try:
        with site.option("WPLANG", "de_DE"):
            assert site.php("return get_locale();") == "de_DE"
            yield
    finally:
        for name in ("plugins/learnomy-de_DE.mo", "de_DE.mo"):
            (languages / name).unlink()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.wordpress("6.1", "7.1")
def test_rendered_html_is_in_the_sites_language(site: Site) -> None:
    course = make_course(site)
    path = f"/courses/{course['slug']}/"
    assert "Search courses" in page(site, "/courses/").text
    with german(site, GERMAN):
        catalog, shown = page(site, "/courses/"), page(site, path)
    assert re.search(r"Gefundene Kurse: \d+<", catalog.text)
    assert "Kurse &lt;suchen&gt; &amp; &#34;finden&#34;" in catalog.text, "a translation is text, no HTML"
    assert '<h1 class="learnomy-page__title">Kurse</h1>' in catalog.text
    assert catalog.title.startswith("Kurse")
    name = site.php("return get_bloginfo( 'name' );")
    assert catalog.meta("description") == f"Alle Kurse von {name},  und ."
    assert "Sort by" in catalog.text, "what has no translation stays as it is"
    for said in ("Lektionen: 0", "Kostenlos", "Inhalt"):
        assert said in shown.text
    assert "Search courses" in page(site, "/courses/").text


def test_filters_on_translations_count_too(site: Site) -> None:
    """As plugins that keep translations elsewhere do it."""
    code = """
    add_filter( 'gettext_learnomy', fn( $said, $text ) => 'Courses found: %s' === $text ? 'FOUND %s' : $said, 10, 2 );
    """
    with site.must_use("wording", code):
        assert re.search(r"FOUND \d+<", page(site, "/courses/").text)


def test_the_plugins_list_has_every_text() -> None:
    stored = REPOSITORY / "bridge" / "learnomy" / "includes" / "rendering-strings.php"
    assert stored.read_text() == wording.render_php(), "run `learnomy docs`"
    assert {"Newest first", "Free to join.", "Search courses", "There is nothing here."} <= set(wording.texts())


def test_templates_say_nothing_that_cannot_be_translated() -> None:
    for path in (wording.PACKAGE / "templates").iterdir():
        markup = re.sub(r"{%.*?%}|{{.*?}}", "", path.read_text(), flags=re.DOTALL)
        attributes = re.findall(r"\b(?:aria-label|title|alt|placeholder)=\"([^\"]*)\"", markup)
        said = [*re.sub(r"<[^>]*>", " ", markup).split(), *" ".join(attributes).split()]
        assert [word for word in said if re.search("[a-z]", word, re.IGNORECASE)] == [], path.name


@pytest.mark.parametrize("given", [None, [], "x", {"Courses": 1}, {"Courses": ""}, {str(n): "x" for n in range(1001)}])
def test_what_is_no_translation_leaves_texts_as_they_are(given: object) -> None:
    with wording.translated(given):
        assert wording._("Courses") == "Courses"
        assert wording._("All courses of %s.", "100%s") == "All courses of 100%s."
        assert wording._("You are enrolled: %s %% done.", 5) == "You are enrolled: 5 % done."
