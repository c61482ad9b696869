"""Addresses: sites in a folder, other REST prefixes, plain permalinks, and how a path is written to the backend."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.site import Site
from tests.wordpress.channel_ends import door_of, settle


def of_uri(site: Site, home: str, prefix: str, uris: list[str]) -> Any:
    return site.php(
        f"""
        add_filter( 'option_home', fn() => '{home}' );
        add_filter( 'option_learnomy_bridge', fn( $o ) => array( 'rest_prefix' => '{prefix}' ) + $o );
        $uris = json_decode( {json.dumps(json.dumps(uris))}, true );
        return array_map( array( 'Learnomy\\Rest_Path', 'of_uri' ), $uris );
        """
    )


def test_a_route_is_found_in_the_address(site: Site) -> None:
    uris = {
        "/wp-json/learnomy/v1/courses/?a=/wp-json/x": "/learnomy/v1/courses",
        "/index.php/wp-json/learnomy/v1/me": "/learnomy/v1/me",
        "/wp-json": "",
        "/wp-json/": "/",
        "/wp-jsonx/learnomy/v1/me": "",
        "/school/wp-json/learnomy/v1/me": "",
        "/?x=/wp-json/learnomy/v1/me": "",
        "": "",
    }
    assert of_uri(site, "http://h.test", "wp-json", list(uris)) == list(uris.values())
    folder = {
        "/school/wp-json/learnomy/v1/me": "/learnomy/v1/me",
        "/school/index.php/wp-json/learnomy/v1/me": "/learnomy/v1/me",
        "/wp-json/learnomy/v1/me": "",
        "/schoolwp-json/learnomy/v1/me": "",
        "/school": "",
    }
    assert of_uri(site, "https://h.test/school", "wp-json", list(folder)) == list(folder.values())
    renamed = {"/api/rest/learnomy/v1/me": "/learnomy/v1/me", "/wp-json/learnomy/v1/me": ""}
    assert of_uri(site, "https://h.test", "api/rest", list(renamed)) == list(renamed.values())


def test_a_path_has_one_spelling_or_none(site: Site) -> None:
    paths = {
        "/wp-json/learnomy/v1/courses/caf%c3%a9": "/wp-json/learnomy/v1/courses/caf%C3%A9",
        "/wp-json/learnomy/v1/courses/café": "/wp-json/learnomy/v1/courses/caf%C3%A9",
        "/a/%41~b": "/a/A~b",
        "/a/b c": "/a/b%20c",
        "/a/%2F": None,
        "/a/%2e%2e/b": None,
        "/a/../b": None,
        "/a//b": None,
        "/a/": None,
        "/a/%00": None,
        "/a/x%0d%0aHost:%20y": None,
        "/a/%2541": None,
    }
    encoded = json.dumps(json.dumps(list(paths)))
    found = site.php(
        f"return array_map( array( 'Learnomy\\Rest_Path', 'canonical' ), json_decode( {encoded}, true ) );"
    )
    assert found == list(paths.values())


def test_a_query_loses_what_is_wordpresss_and_nothing_else(site: Site) -> None:
    queries = {
        "rest_route=/x&a=1&_fields=id,title": "a=1&_fields=id,title",
        "%72est_route=/x&_method=DELETE&_wpnonce=x": "",
        "a=1&&b&c=": "a=1&b&c=",
        "a=%20+%2B&b=\u00e9 <": "a=%20+%2B&b=%C3%A9%20%3C",
    }
    encoded = json.dumps(json.dumps(list(queries)))
    found = site.php(f"return array_map( array( 'Learnomy\\Rest_Path', 'query' ), json_decode( {encoded}, true ) );")
    assert found == list(queries.values())


def test_another_rest_prefix_is_learned_and_served(site: Site) -> None:
    settle(site)
    with site.must_use("prefix", "add_filter( 'rest_url_prefix', fn() => 'api' );"):
        site.php("flush_rewrite_rules( false ); return 1;")
        try:
            site.page("/")
            site.page("/api/wp/v2/types")
            assert site.php("return \\Learnomy\\Bridge_Options::get( 'rest_prefix' );") == "api"
            answer = site.get("/index.php/api/learnomy/v1/health", door="early")
            assert (answer.status, door_of(site, answer)) == (200, "full")
            assert site._http.send("GET", f"{site.php_url}/api/learnomy/v1/health").status == 200
        finally:
            site.content.joinpath("mu-plugins", "prefix.php").write_text("<?php")
            site.php("flush_rewrite_rules( false ); return 1;")
            site.page("/")
            site.page("/wp-json/wp/v2/types")


@pytest.mark.parametrize("door", ["early", "full"])
def test_plain_permalinks_serve_by_the_query(site: Site, door: str) -> None:
    settle(site)
    with site.option("permalink_structure", ""):
        for path in ("/?rest_route=/learnomy/v1/health", "/index.php?rest_route=%2Flearnomy%2Fv1%2Fhealth&x=1"):
            answer = site.get(path, door=door)
            assert answer.status == 200, path
            assert door_of(site, answer) == door
        missing = site.get("/?rest_route=/learnomy/v1/nothing", door=door)
        assert (missing.status, missing.error["code"]) == (404, "not_found")
