"""The settings screen: what it shows, who may use it, and what its forms do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.settling import await_recovery
from tests.site import Site

SCREEN = "/wp-admin/admin.php?page=learnomy-settings"


class Browser:
    """Somebody who is logged in, with a browser."""

    def __init__(self, site: Site, login: str) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.update(site.log_in(login)[0])

    def screen(self) -> requests.Response:
        """The screen as it is now."""
        return self.session.get(self.site.php_url + SCREEN, timeout=60)

    def nonce(self, what: str) -> str:
        """The nonce of one of its forms."""
        form = re.search(
            rf'name="what" value="{what}" />.*?name="_wpnonce" value="(\w+)"', self.screen().text, re.DOTALL
        )
        assert form, what
        return form[1]

    def send(self, what: str, nonce: str | None = None, **fields: Any) -> requests.Response:
        """Send a form; gives the screen that follows."""
        sent = {
            "action": "learnomy_save_settings",
            "what": what,
            "_wpnonce": self.nonce(what) if nonce is None else nonce,
            **fields,
        }
        return self.session.post(self.site.php_url + "/wp-admin/admin-post.php", data=sent, timeout=60)


@pytest.fixture
def admin(site: Site) -> Iterator[Browser]:
    """The owner's browser; the options are as before afterwards."""
    kept = site.php("return array( get_option( 'learnomy_bridge' ), get_option( 'learnomy_settings' ) );")
    with (
        site.option("learnomy_bridge", kept[0]),
        site.option("learnomy_settings", kept[1]),
        browser(site, "admin") as found,
    ):
        yield found


@contextmanager
def browser(site: Site, login: str) -> Iterator[Browser]:
    """A browser that is closed in the end."""
    found = Browser(site, login)
    try:
        yield found
    finally:
        found.session.close()


@pytest.mark.wordpress("6.1", "7.1")
def test_the_screen_shows_the_connection(admin: Browser) -> None:
    shown = admin.screen()
    assert shown.status_code == 200
    assert "Connected. The backend is version" in shown.text
    assert admin.site.backend_url in shown.text
    assert "plugins/learnomy/" not in admin.site.debug_log()
    secret = admin.site.php("return Learnomy\\Bridge_Options::secret();")
    assert secret not in shown.text


def test_it_is_for_those_who_manage_only(site: Site, admin: Browser) -> None:
    with browser(site, "editor1") as editor:
        assert editor.screen().status_code == 403
        refused = editor.send("bridge", nonce=admin.nonce("bridge"), compat="1")
        assert refused.status_code == 403
    forged = admin.send("bridge", nonce="0123456789", compat="1")
    assert forged.status_code == 403
    assert site.php("return Learnomy\\Bridge_Options::get( 'compat' );") is False


def test_connecting(site: Site, admin: Browser) -> None:
    site.php("Learnomy\\Bridge_Options::set( array( 'paired_at' => 0, 'address' => '' ) ); return true;")
    assert "Not connected." in admin.screen().text
    nowhere = admin.send("connect", address="http://127.0.0.1:1", loopback="javascript:alert(1)")
    assert "must begin with http" in nowhere.text
    assert site.php("return Learnomy\\Bridge_Options::get( 'loopback' );") == ""
    connected = admin.send("connect", address=site.backend_url, loopback="")
    assert f"Connected with the backend at {site.backend_url}." in connected.text
    assert site.php("return Learnomy\\Bridge_Options::is_paired();") is True
    assert "Connected with" not in admin.screen().text, "a notice is shown once"


def test_the_academys_settings_are_judged_by_the_backend(site: Site, admin: Browser) -> None:
    saved = admin.send(
        "academy",
        enrollment_mode="approval",
        completion_rules="advisory",
        require_login_for_content="1",
        **{"slugs[courses]": "kurse", "slugs[quiz]": "quiz"},
    )
    assert "Saved." in saved.text
    settings = site.php("return get_option( 'learnomy_settings' );")
    assert settings["enrollment_mode"] == "approval"
    assert settings["completion_rules"] == "advisory"
    assert settings["require_login_for_content"] is True
    assert settings["slugs"]["courses"] == "kurse"
    assert '<option value="approval" selected' in admin.screen().text.replace("selected='selected'", "selected")
    refused = admin.send("academy", enrollment_mode="never", completion_rules="off", **{"slugs[courses]": "../x"})
    assert "notice-error" in refused.text
    assert "enrollment_mode" in refused.text
    assert site.php("return get_option( 'learnomy_settings' )['completion_rules'];") == "advisory"


def test_settings_without_a_backend(site: Site, admin: Browser) -> None:
    nonce = admin.nonce("academy")
    with site.without("api"):
        assert "cannot be read" in admin.screen().text
        assert "notice-error" in admin.send("academy", nonce=nonce, enrollment_mode="open").text
    await_recovery(site)


GUARD = "add_filter( 'rest_authentication_errors', function ( $errors ) { return $errors; } );"


def test_the_owners_ticks(site: Site, admin: Browser) -> None:
    with site.plugin("test-guard", GUARD):
        site.page("/")
        site.page("/")
        assert "test-guard/test-guard.php" in admin.screen().text
        admin.send(
            "bridge",
            compat="1",
            remove_tables="1",
            **{
                "harmless[test-guard/test-guard.php]": "1",
                "harmless[evil/evil.php]": "1",
                "firewall_ok[wordfence]": "1",
            },
        )
        kept = site.php("return get_option( 'learnomy_bridge' );")
        assert kept["harmless"] == ["test-guard/test-guard.php"]
        assert kept["firewall_ok"] == []
        assert (kept["compat"], kept["remove_tables"]) == (True, True)
        assert len(kept["secret"]) == 64, "what is not on the form stays"
        admin.send("bridge")
        kept = site.php("return get_option( 'learnomy_bridge' );")
        assert (kept["compat"], kept["remove_tables"], kept["harmless"]) == (False, False, [])


def test_community_plugins_are_told_our_addresses(site: Site) -> None:
    slugs, paths = site.php(
        "return array( apply_filters( 'buddynext_reserved_space_slugs', array( 'plans' ) ),"
        " apply_filters( 'buddynext_client_nav_deny', array( 'forum' => '/forums/' ) ) );"
    )
    assert {"plans", "courses", "account", "instructor", "certificate"} <= set(slugs)
    assert paths["forum"] == "/forums/"
    assert {"/courses/", "/account/", "/instructor/", "/certificate/"} <= set(paths["learnomy"])
