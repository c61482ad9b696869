"""Whether WordPress is needed for a request: the one decision behind the direct and the early door.

It is made before any effect. The direct door then passes the request to PHP, the early door
lets WordPress go on loading.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Request

from learnomy_wp.kernel import site
from learnomy_wp.kernel.call import Call

if TYPE_CHECKING:
    from learnomy_wp.kernel.endpoint import Endpoint

# Hooks of core through which a plugin can refuse, change or identify any REST request.
GATES = (
    "rest_authentication_errors",
    "rest_pre_dispatch",
    "rest_request_before_callbacks",
    "rest_dispatch_request",
    "rest_request_after_callbacks",
    "rest_post_dispatch",
    "rest_pre_serve_request",
    "rest_pre_echo_response",
    "rest_endpoints",
    "rest_url_prefix",
    "rest_jsonp_enabled",
    "determine_current_user",
    "wp_is_application_passwords_available",
    "wp_is_application_passwords_available_for_user",
    "application_password_is_api_request",
    "application_password_did_authenticate",
    "application_password_failed_authentication",
    "wp_authenticate_application_password_errors",
    "user_has_cap",
    "map_meta_cap",
    "allowed_http_origins",
)
PASSWORD_GATES = ("authenticate", "wp_authenticate_user", "check_password", "wp_login_failed", "wp_login")
WORDPRESS_PARAMETERS = ("_jsonp", "_envelope", "_embed")


def wordpress_needed(endpoint: Endpoint, call: Call, request: Request) -> str:
    """Why this request needs a loaded WordPress; empty where it does not."""
    current = site.current()
    if current.is_embedded or call.has_wordpress:
        return ""
    if not current.is_paired:
        return "not paired"
    record = site.record()
    return (
        record.problem
        or ("the record is old" if record.is_stale else "")
        or _credential(call, request)
        or _listened(endpoint, record)
        or (f"firewall {record.firewalls[0]}" if record.firewalls else "")
        or _maintenance(current.pairing.get("abspath"))
        or ("a parameter of WordPress's own" if any(name in request.args for name in WORDPRESS_PARAMETERS) else "")
        or ("writes WordPress's tables" if endpoint.writes_wordpress else "")
    )


def _credential(call: Call, request: Request) -> str:
    from learnomy_wp.kernel import auth

    kind = auth.kind_of(call.authorization)
    if kind == "foreign":
        return "a credential of another plugin"
    if kind and (kind != "basic" or auth.application_password.counts(call)):
        return ""
    if kind and not call.signed and site.record().application_passwords_used:
        # A proxy in front may have ended TLS, which wp-config.php often knows of and the web server does not.
        return "a password that counts over TLS only"
    # What the web server itself asks a password for leaves the cookie in charge.
    if auth.cookie.is_sent(request):
        return "a login cookie"
    return "" if kind or auth.cookie.is_guests_nonce(request) else "a nonce that is no visitor's"


def _listened(endpoint: Endpoint, record: site.Record) -> str:
    reason = record.memo.get(("listened", endpoint.name))
    if reason is None:
        reason = record.memo["listened", endpoint.name] = _find_listened(endpoint, record)
    return str(reason)


def _find_listened(endpoint: Endpoint, record: site.Record) -> str:
    names: Iterable[str] = (*GATES, *endpoint.filters)
    if endpoint.is_write:
        names = (*names, f"learnomy_pre_{endpoint.name}")
    if endpoint.checks_password:
        names = (*names, *PASSWORD_GATES)
    return next((f"a listener on {name}" for name in names if record.listens(name)), "")


def _maintenance(root: str | None) -> str:
    return "maintenance mode" if root and _maintenance_file(root).exists() else ""


@lru_cache(maxsize=8)
def _maintenance_file(root: str) -> Path:
    return Path(root, ".maintenance")
