"""What happens to a request before Flask sees it: its method, its path and its raw target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from werkzeug.routing import IntegerConverter
from werkzeug.wsgi import get_path_info

ROOT = "/wp-json/"
App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class IdConverter(IntegerConverter):
    """Ids in paths: the digits of a 64-bit number, where Werkzeug takes endless ones and those of any script."""

    regex = "[0-9]{1,19}"


class Middleware:
    """WordPress's method override, and sites that live in a folder (`/school/wp-json/...`)."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_X_LEARNOMY_BRIDGE" in environ:
            environ["LEARNOMY_TARGET"] = raw_target(environ)
        else:
            _override_method(environ)
            _enter_folder(environ)
        return self.app(environ, start_response)


def raw_target(environ: dict[str, Any]) -> str:
    """The request target as it was sent, which is what was signed."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        return str(raw)
    from urllib.parse import quote

    path = quote(get_path_info(environ), safe="/:@!$&'()*+,;=~-._%")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _override_method(environ: dict[str, Any]) -> None:
    """As WP_REST_Server::serve_request(): `_method` in the address, else the header, whatever the method was."""
    wanted = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "")
    if "_method=" in environ.get("QUERY_STRING", ""):
        wanted = parse_qs(environ["QUERY_STRING"]).get("_method", [wanted])[-1]
    if wanted.isascii() and wanted.isalpha():
        environ["REQUEST_METHOD"] = wanted.upper()


def _enter_folder(environ: dict[str, Any]) -> None:
    path = environ.get("PATH_INFO", "")
    at = path.find(ROOT)
    if at > 0:
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + path[:at]
        environ["PATH_INFO"] = path[at:]
