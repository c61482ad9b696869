"""The test harness over a real site: requests by every door, PHP inside it, and ways to disturb it.

`Site` is one running WordPress with its backend (fixture `site`), `Embedded` the default without
WordPress (fixture `embedded`). Whatever a test asks for by a door is counted for the closing summary.
"""

from __future__ import annotations

import json as jsonlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pymysql
import requests

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "docker"))

from learnomy_site import backend, servers, web, wordpress  # noqa: E402
from learnomy_site.layout import PASSWORD, free_port  # noqa: E402
from learnomy_site.layout import Site as Layout  # noqa: E402
from learnomy_site.parts import Part, locked  # noqa: E402

SITES = Path(os.environ.get("LEARNOMY_TEST_SITES", REPOSITORY / "var" / "test-sites"))
NAMESPACE = "/wp-json/learnomy/v1"
DOORS = ("direct", "early", "full", "internal")

# Lets a test force the full door on the port without the direct one; on these sites only.
EXTRA_CONFIG = """<?php
if ( 'full' === ( $_SERVER['HTTP_X_LEARNOMY_TEST_DOOR'] ?? '' ) ) {
	define( 'LEARNOMY_FULL_DOOR', true );
}
"""

_noted: set[tuple[str, str]] = set()


def note(kind: str, value: str) -> None:
    """Remember what the current test ran against: kind is wordpress, database or door."""
    _noted.add((kind, value))


def take_notes() -> list[tuple[str, str]]:
    """What was noted since the last call."""
    taken = sorted(_noted)
    _noted.clear()
    return taken


@dataclass(frozen=True)
class Answer:
    """What came back, by whichever door."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read as JSON."""
        return jsonlib.loads(self.body)

    @property
    def data(self) -> Any:
        """What stands under `data` in the envelope."""
        return self.json()["data"]

    @property
    def error(self) -> Any:
        """What stands under `error` in the envelope."""
        return self.json()["error"]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class _Http:
    """Requests to one server, over kept connections, whatever proxy the environment names."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def send(self, method: str, url: str, **options: Any) -> Answer:
        options.setdefault("timeout", 30)
        options.setdefault("allow_redirects", False)
        sent = self._session.request(method, url, **options)
        self._session.cookies.clear()
        return Answer(sent.status_code, sent.headers, sent.content)


def _target(path: str) -> str:
    """`/courses` is a path of ours; one with a dot, `?` or `wp-` in front stands for itself."""
    return path if path.startswith(("/wp-", "/?", "/index.php")) or path == "/" else NAMESPACE + path


@dataclass
class Site:
    """One WordPress that runs, with its backend and worker."""

    layout: Layout
    _http: _Http = field(default_factory=_Http)

    # --- what it is ------------------------------------------------------------------

    @property
    def version(self) -> str:
        """The version as the fixture was asked for it: 6.1, 6.8 or 7.1."""
        return self.layout.wp

    @cached_property
    def exact_version(self) -> str:
        """The version as WordPress names itself."""
        return wordpress.version(self.layout)

    @property
    def folder(self) -> Path:
        """Where everything of the site is kept."""
        return self.layout.folder

    @property
    def root(self) -> Path:
        """The document root."""
        return self.layout.root

    @property
    def content(self) -> Path:
        """wp-content."""
        return self.layout.root / "wp-content"

    @property
    def url(self) -> str:
        """The site's own address; nginx has the direct door there."""
        return f"http://{self.layout.host}"

    @property
    def php_url(self) -> str:
        """The same site where nginx knows PHP only."""
        return f"http://127.0.0.1:{self.layout.php_port}"

    @property
    def backend_url(self) -> str:
        """The backend's own address, with no web server in front, as the plugin has it."""
        return self.layout.backend_address

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the site's database."""
        return servers.of(self.layout).database_url(self.layout.database)

    @property
    def redis_url(self) -> str:
        """The Redis database of the site's backend."""
        return self.environment["LEARNOMY_REDIS_URL"]

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the backend was started with."""
        return backend.environment(self.layout)

    # --- requests --------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        door: str = "direct",
        user: str | int = "",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Ask by a door: direct, early, full (all over HTTP) or internal (`user` is then the current user).

        A path such as `/courses` is one of learnomy/v1; `/wp-json/...`, `/?...` and `/` stand for themselves.
        The other options are those of `requests` (auth, cookies, data, files, params, timeout).
        """
        note("door", door)
        note("wordpress", self.exact_version)
        note("database", "mariadb")
        sent = dict(headers or {})
        if door == "internal":
            return self._internal(method, path, user, json, sent, options)
        if door == "full":
            sent["X-Learnomy-Test-Door"] = "full"
        base = self.url if door == "direct" else self.php_url
        return self._http.send(method, base + _target(path), json=json, headers=sent, **options)

    def get(self, path: str, **options: Any) -> Answer:
        """GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """POST; see `request`."""
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        """PATCH; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def page(self, path: str, **options: Any) -> Answer:
        """A page of the site as a browser asks for it; no door of ours."""
        note("wordpress", self.exact_version)
        return self._http.send("GET", self.php_url + path, **options)

    def _internal(
        self, method: str, path: str, user: str | int, json: Any, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> Answer:
        unknown = set(options) - {"params", "timeout"}
        if unknown:
            raise TypeError(f"the internal door knows no {', '.join(sorted(unknown))}: pass user= instead")
        route, _, query = _target(path).removeprefix("/wp-json").partition("?")
        asked = {
            "method": method,
            "route": route,
            "query": query,
            "params": {name: value for name, value in (options.get("params") or {}).items() if value is not None},
            "headers": dict(headers),
            "body": None if json is None else jsonlib.dumps(json),
        }
        code = f"""
        $asked = json_decode( {_php_string(jsonlib.dumps(asked))}, true );
        $request = new WP_REST_Request( $asked['method'], $asked['route'] );
        parse_str( $asked['query'], $query );
        $request->set_query_params( array_merge( $query, $asked['params'] ) );
        foreach ( $asked['headers'] as $name => $value ) {{
            $request->set_header( $name, $value );
        }}
        if ( null !== $asked['body'] ) {{
            $request->set_header( 'Content-Type', 'application/json' );
            $request->set_body( $asked['body'] );
        }}
        $response = rest_do_request( $request );
        return array(
            'status'  => $response->get_status(),
            'headers' => $response->get_headers(),
            'body'    => wp_json_encode( rest_get_server()->response_to_data( $response, false ) ),
        );
        """
        came = self.php(code, user=user, timeout=options.get("timeout", 120))
        headers_came = {str(name): str(value) for name, value in dict(came["headers"] or {}).items()}
        return Answer(came["status"], requests.structures.CaseInsensitiveDict(headers_came), came["body"].encode())

    # --- WordPress from the inside -----------------------------------------------------

    def php(self, code: str, *, user: str | int = "", path: str = "/", timeout: float = 120) -> Any:
        """Run PHP code in the loaded WordPress and give what it returns, by way of JSON."""
        note("wordpress", self.exact_version)
        return wordpress.run_code(self.layout, code, user=user, path=path, timeout=timeout)

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows straight from the site's database."""
        note("database", "mariadb")
        with (
            pymysql.connect(
                unix_socket=str(servers.of(self.layout).socket),
                user="root",
                database=self.layout.database,
                charset="utf8mb4",
                autocommit=True,
                cursorclass=pymysql.cursors.DictCursor,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first field of the first row, None when there is no row."""
        found = self.rows(sql, *parameters)
        return next(iter(found[0].values())) if found else None

    def user_id(self, login: str) -> int:
        """The id of an account."""
        return int(self.value("SELECT ID FROM wp_users WHERE user_login = %s", login))

    def application_password(self, login: str) -> tuple[str, str]:
        """A new Application Password, as `auth=` takes it."""
        code = (
            "$made = WP_Application_Passwords::create_new_application_password("
            f" get_user_by( 'login', {_php_string(login)} )->ID,"
            " array( 'name' => 'test ' . wp_generate_password( 8, false ) ) );"
            " return is_wp_error( $made ) ? $made->get_error_message() : array( $made[0] );"
        )
        made = self.php(code)
        if not isinstance(made, list):
            raise AssertionError(made)
        return login, str(made[0])

    def log_in(self, login: str, password: str = PASSWORD) -> tuple[dict[str, str], str]:
        """Log in as a browser does; gives the cookies and a REST nonce."""
        session = requests.Session()
        session.trust_env = False
        with session:
            session.get(self.php_url + "/wp-login.php", timeout=30)
            form = {"log": login, "pwd": password, "testcookie": "1"}
            session.post(self.php_url + "/wp-login.php", data=form, timeout=30, allow_redirects=False)
            nonce = session.get(self.php_url + "/wp-admin/admin-ajax.php?action=rest-nonce", timeout=30)
            cookies = {cookie.name: str(cookie.value) for cookie in session.cookies}
        if not any(name.startswith("wordpress_logged_in") for name in cookies):
            raise AssertionError(f"{login} could not log in")
        return cookies, nonce.text

    def mails(self) -> list[str]:
        """What WordPress has mailed since the mails were last cleared, oldest first."""
        return [path.read_text(errors="replace") for path in sorted((self.folder / "mail").glob("*.eml"))]

    def clear_mails(self) -> None:
        """Forget the mails so far."""
        for path in (self.folder / "mail").glob("*.eml"):
            path.unlink()

    def debug_log(self) -> str:
        """PHP's notices, warnings and errors since the log was last cleared."""
        return (self.folder / "logs" / "debug.log").read_text(errors="replace")

    def clear_debug_log(self) -> None:
        """Begin the log anew."""
        with (self.folder / "logs" / "debug.log").open("w"):
            pass

    # --- ways to change the site, each undone at the end ---------------------------------

    @contextmanager
    def must_use(self, name: str, code: str) -> Iterator[Path]:
        """A must-use plugin of that code (with or without `<?php`)."""
        path = self.content / "mu-plugins" / f"{name}.php"
        self._write(path, _with_tag(code))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def plugin(self, name: str, code: str) -> Iterator[Path]:
        """A plugin of that code, active."""
        path = self.content / "plugins" / name / f"{name}.php"
        header = f"/*\nPlugin Name: {name}\nVersion: 1.0\n*/\n"
        self._write(path, "<?php\n" + header + _with_tag(code).removeprefix("<?php"))
        self._switch_plugin("activate_plugin", name)
        try:
            yield path
        finally:
            self._switch_plugin("deactivate_plugins", name)
            shutil.rmtree(path.parent)

    def _switch_plugin(self, function: str, name: str) -> None:
        outcome = self.php(
            "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
            f"$made = {function}( '{name}/{name}.php' );"
            "return is_wp_error( $made ) ? $made->get_error_message() : true;"
        )
        if outcome is not True:
            raise AssertionError(f"{function}: {outcome}")

    @contextmanager
    def theme(self, stylesheet: str) -> Iterator[None]:
        """Another theme; twentytwentyone is the classic one that every version has."""
        before = self.php(f"$was = get_stylesheet(); switch_theme( {_php_string(stylesheet)} ); return $was;")
        try:
            yield
        finally:
            self.php(f"switch_theme( {_php_string(before)} ); return true;")

    @contextmanager
    def config(self, code: str) -> Iterator[None]:
        """More code at the top of wp-config.php (constants)."""
        path = self.folder / "extra-config.php"
        before = path.read_text()
        self._write(path, before + _with_tag(code).removeprefix("<?php"))
        try:
            yield
        finally:
            self._write(path, before)

    @contextmanager
    def option(self, name: str, value: Any) -> Iterator[None]:
        """Another value of an option (JSON is turned into PHP arrays)."""
        given = f"json_decode( {_php_string(jsonlib.dumps(value))}, true )"
        held = self.php(
            f"$was = get_option( '{name}', null ); update_option( '{name}', {given} );"
            "return null === $was ? null : array( base64_encode( serialize( $was ) ) );"
        )
        try:
            yield
        finally:
            if held is None:
                self.php(f"delete_option( '{name}' ); return true;")
            else:
                self.php(f"update_option( '{name}', unserialize( base64_decode( '{held[0]}' ) ) ); return true;")

    @contextmanager
    def maintenance(self) -> Iterator[None]:
        """WordPress in the middle of an update."""
        path = self.root / ".maintenance"
        self._write(path, "<?php $upgrading = time();")
        try:
            yield
        finally:
            path.unlink()

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        wordpress.give_to_web_user(self.layout, path.parent if path.parent != self.folder else path)

    # --- the backend and the worker ------------------------------------------------------

    def part(self, name: str) -> Part:
        """A process of the site: api, worker, php-fpm or nginx."""
        makers = {"api": backend.api, "worker": backend.worker, "php-fpm": web.fpm, "nginx": web.nginx}
        return makers[name](self.layout)

    def stop(self, name: str) -> None:
        """End a process of the site."""
        with locked(self.folder):
            self.part(name).stop()

    def start(self, name: str) -> None:
        """Bring a process of the site up, if it is not."""
        with locked(self.folder):
            self.part(name).ensure()

    def kill(self, name: str) -> None:
        """End a process and its children as `kill -9` does."""
        pid = self.part(name).pid()
        if pid is not None:
            os.killpg(pid, signal.SIGKILL)
            self.stop(name)

    def stop_backend(self) -> None:
        """End the backend; `restart_backend` brings it back."""
        self.stop("api")

    def restart_backend(self) -> None:
        """End the backend if it runs, and bring it up."""
        self.stop("api")
        self.start("api")

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Some processes ended, and those of them that ran up again afterwards."""
        running = [name for name in names if self.part(name).pid() is not None]
        for name in running:
            self.stop(name)
        try:
            yield
        finally:
            for name in running:
                self.start(name)

    @contextmanager
    def hanging_backend(self) -> Iterator[None]:
        """A backend that takes connections and answers nothing."""
        pid = self.part("api").pid()
        assert pid is not None
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @contextmanager
    def backend_replaced(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[None]:
        """Another program at the backend's address, which answers as the function does."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                answer(self)
                with suppress(OSError):
                    self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        with self.without("api"):
            server = _serving(self.layout, Handler)
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                server.end_connections()
                server.server_close()
                thread.join()

    def close(self) -> None:
        """Let go of connections; the site itself stays up."""
        self._http.close()

    def end(self) -> None:
        """End the site's processes; its servers stay."""
        for name in ("worker", "api", "nginx", "php-fpm"):
            self.stop(name)


@dataclass
class Embedded:
    """The default without WordPress: `learnomy serve` on SQLite with the demo academy."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    _http: _Http = field(default_factory=_Http)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, **options: Any) -> Answer:
        """Ask it; as `Site.request`, without doors."""
        note("door", "embedded")
        note("database", "sqlite")
        options.pop("door", None)
        return self._http.send(method, self.url + _target(path), **options)

    def get(self, path: str, **options: Any) -> Answer:
        """GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """POST; see `request`."""
        return self.request("POST", path, **options)

    def stop(self) -> None:
        """End it."""
        self._http.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class _Server(ThreadingHTTPServer):
    """HTTP at the backend's port; its kept connections end with it."""

    daemon_threads = True

    def __init__(self, layout: Layout, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: list[socket.socket] = []
        super().__init__(self._address(layout), handler)  # type: ignore[arg-type]

    def _address(self, layout: Layout) -> object:
        return ("127.0.0.1", layout.api_port)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remember the connection."""
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address or ("", 0)

    def end_connections(self) -> None:
        """End those that are still open; a web server would go on using them."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class _SocketServer(_Server):
    """The same at the backend's unix socket."""

    address_family = socket.AF_UNIX

    def _address(self, layout: Layout) -> object:
        return str(layout.api_socket)

    def server_bind(self) -> None:
        """Bind without asking for a host's name."""
        path = Path(str(self.server_address))
        path.unlink(missing_ok=True)
        self.socket.bind(self.server_address)
        path.chmod(0o666)


def _serving(layout: Layout, handler: type[BaseHTTPRequestHandler]) -> _Server:
    """Takes the backend's address once the backend has let go of it."""
    end = time.monotonic() + 10
    while True:
        try:
            return _SocketServer(layout, handler) if layout.sockets else _Server(layout, handler)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def start_embedded(folder: Path) -> Embedded:
    """Serve the embedded default from a folder and wait until it answers."""
    port = free_port(set())
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LEARNOMY_") and name not in {"DATABASE_URL", "PORT"}
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "learnomy_wp.cli", "serve"],
            cwd=folder,
            env={
                **environment,
                "PORT": str(port),
                "LEARNOMY_STATE_DIR": str(folder / "var"),
                "PYTHONPATH": str(REPOSITORY),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + 60
    while not backend.answers(("127.0.0.1", port)):
        if process.poll() is not None or time.monotonic() > deadline:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            raise AssertionError(f"learnomy serve is not ready:\n{(folder / 'log').read_text()}")
        time.sleep(0.1)
    return Embedded(folder, port, process)


def start_site(version: str, *, name: str, options: tuple[str, ...] = ()) -> Site:
    """A site of that version as good as new: its database and state are made afresh, its code is kept."""
    folder = SITES / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extra-config.php").write_text(EXTRA_CONFIG)
    command = [
        REPOSITORY / "docker/bin/site", "start", "--fresh", "--quiet", "--dir", folder, "--servers", SITES / "servers",
        "--wp", version, *options,
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if ran.returncode != 0:
        raise AssertionError(f"site start failed:\n{ran.stdout}{ran.stderr}")
    return Site(Layout.load(folder))


def _php_string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _with_tag(code: str) -> str:
    return code if code.lstrip().startswith("<?php") else "<?php\n" + code
