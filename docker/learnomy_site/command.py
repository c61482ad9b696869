"""The command line of `docker/bin/site`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from learnomy_site import backend, servers, web, wordpress
from learnomy_site.layout import PASSWORD, REPOSITORY, VERSIONS, Site, is_port_free
from learnomy_site.parts import Part, PartFailed, locked

PARTS = ("mariadb", "redis", "php-fpm", "nginx", "api", "worker")
LEVELS = ("servers", "wordpress", "backend", "all")


def main() -> int:
    """Read the arguments and do what they say."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.umask(0o022)
    options = _parser().parse_args()
    try:
        return int(options.run(options) or 0)
    except (PartFailed, wordpress.PhpFailed) as failure:
        print(f"site: {failure}", file=sys.stderr)
        return 1


def start(options: argparse.Namespace) -> None:
    """Bring up what is asked for and is not up yet."""
    began = time.monotonic()
    folder = options.dir.resolve()
    with locked(folder):
        site = _chosen(Site.load(folder, options.servers), options)
        site.save()
        if options.fresh:
            make_fresh(site)
        bring_up(site, options.only, options.port)
        if options.seed:
            backend.seed(site, options.seed)
    if not options.quiet:
        print_site(site)
        print(f"  up in {time.monotonic() - began:.1f} s")


def bring_up(site: Site, level: str, wanted_port: int | None = None) -> None:
    """The parts up to that level, in the order in which they need each other."""
    theirs = servers.of(site)
    theirs.ensure(str(site.folder))
    site.redis_database = theirs.redis_database(str(site.folder))
    running = any(part.pid() for part in (web.nginx(site), backend.api(site)))
    if wanted_port and not running and not is_port_free(wanted_port):
        raise PartFailed(f"port {wanted_port} is taken: choose another with --port (make wordpress PORT=)")
    site.choose_ports(running)
    site.save()
    if level == "servers":
        return
    wordpress.ensure(site)
    web.fpm(site).ensure()
    web.nginx(site).ensure()
    if level == "wordpress":
        return
    site.state.mkdir(exist_ok=True)
    wordpress.activate_plugin(site)
    backend.api(site).ensure()
    backend.pair(site)
    if level == "all" and site.worker:
        backend.worker(site).ensure()
    else:
        backend.worker(site).stop()


def make_fresh(site: Site) -> None:
    """As if the site had never been started, but for its code, ports and servers."""
    for part in reversed(_own_parts(site)):
        part.stop()
    theirs = servers.of(site)
    theirs.ensure(str(site.folder))
    theirs.sql(f"DROP DATABASE IF EXISTS `{site.database}`")
    theirs.empty_redis(theirs.redis_database(str(site.folder)))
    wordpress.forget(site)


def stop(options: argparse.Namespace) -> None:
    """End what `start` started."""
    folder = options.dir.resolve()
    if not (folder / "site.json").is_file():
        return
    with locked(folder):
        site = Site.load(folder)
        for part in reversed(_own_parts(site)):
            part.stop()
        servers.of(site).leave(str(site.folder))


def stop_all(options: argparse.Namespace) -> None:
    """End every site and every pair of servers below a folder."""
    below = options.dir.resolve()
    for known in sorted(below.rglob("site.json")):
        with locked(known.parent):
            for part in reversed(_own_parts(Site.load(known.parent))):
                part.stop()
    for ports in sorted(below.rglob("ports.json")):
        servers.Servers(ports.parent).stop()


def restart(options: argparse.Namespace) -> None:
    """End one part; the next start brings it up."""
    with locked(options.dir.resolve()):
        site = _known(options.dir)
        part = {part.name: part for part in _own_parts(site)}[options.part]
        part.stop()
        if not options.stop_only:
            part.ensure()


def status(options: argparse.Namespace) -> int:
    """Say what runs; 0 when all parts of the site do."""
    site = _known(options.dir)
    theirs = servers.of(site)
    parts = [theirs.mariadb(), theirs.redis(), *_own_parts(site)]
    if options.json:
        known = {
            "site": f"http://{site.host}",
            "php_only": f"http://127.0.0.1:{site.php_port}",
            "backend": site.backend_address,
            "wordpress": wordpress.version(site) if (site.folder / "run" / "installed").is_file() else None,
            "root": str(site.root),
            "environment": backend.environment(site),
            "parts": {part.name: part.pid() for part in parts},
        }
        print(json.dumps(known, indent=1))
    else:
        print_site(site)
        for part in parts:
            print(f"  {part.name}: {'pid ' + str(part.pid()) if part.pid() else 'not running'}")
    return 0 if all(part.pid() for part in parts if site.worker or part.name != "worker") else 3


def print_environment(options: argparse.Namespace) -> None:
    """The backend's environment for a shell: eval "$(site env --dir D)"."""
    print(backend.as_shell(_known(options.dir)))


def php(options: argparse.Namespace) -> None:
    """Run PHP code from standard input in the loaded WordPress and print what it returns as JSON."""
    print(json.dumps(wordpress.run_code(_known(options.dir), sys.stdin.read(), user=options.user)))


def run_part(options: argparse.Namespace) -> None:
    """Become one part, in the foreground, or do one step of the set-up: what a container runs."""
    folder = options.dir.resolve()
    with locked(folder):
        site = _chosen(Site.load(folder, options.servers), options)
        site.choose_ports(is_running=True)
        site.save()
        part = _prepared(site, options.part)
    if part is not None:
        part.replace_this_process()


def _prepared(site: Site, name: str) -> Part | None:
    theirs = servers.of(site)
    if name in {"mariadb", "redis"}:
        theirs.prepare()
        return {"mariadb": theirs.mariadb, "redis": theirs.redis}[name]()
    theirs.join(str(site.folder))
    site.redis_database = theirs.redis_database(str(site.folder))
    site.save()
    site.state.mkdir(exist_ok=True)
    if name == "pair":
        backend.pair(site)
        return None
    if name == "php-fpm":
        wordpress.ensure(site)
        wordpress.activate_plugin(site)
    return {part.name: part for part in _own_parts(site)}[name]


def ready(options: argparse.Namespace) -> int:
    """0 when a part answers, from whichever container one asks."""
    site = _known(options.dir)
    theirs = servers.of(site)
    parts = {part.name: part for part in (theirs.mariadb(), theirs.redis(), *_own_parts(site))}
    return 0 if parts[options.part].ready() else 1


def print_site(site: Site) -> None:
    """The addresses, for a person."""
    print(f"WordPress {site.wp} in {site.folder}")
    doors = "direct door and PHP" if site.door == "direct" else "PHP only"
    print(f"  site      http://{site.host}/ ({doors})")
    print(f"  PHP only  http://127.0.0.1:{site.php_port}/")
    print(f"  REST      http://{site.host}/wp-json/learnomy/v1/courses (backend {site.backend_address})")
    print(f"  admin     http://{site.host}/wp-admin/ as admin, {PASSWORD}; also teacher, student, student2, editor1")
    print(f"  database  {servers.of(site).database_url(site.database)}")


def _own_parts(site: Site) -> list[Part]:
    return [web.fpm(site), web.nginx(site), backend.api(site), backend.worker(site)]


def _known(folder: Path) -> Site:
    site = Site.load(folder)
    if not site.exists:
        raise PartFailed(f"no site was started in {folder}")
    return site


def _chosen(site: Site, options: argparse.Namespace) -> Site:
    names = ("wp", "port", "php_port", "api_port", "door", "fpm_workers", "api_workers", "api_threads", "debug",
             "object_cache", "multisite", "link_plugin", "sockets", "worker")  # fmt: skip
    for name in names:
        value = getattr(options, name, None)
        if value is not None:
            setattr(site, name, value)
    site.bind = os.environ.get("LEARNOMY_BIND", "127.0.0.1")
    return site


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="site", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "site", help="the site's folder")
        made.set_defaults(run=run)
        return made

    made = command("start", start, "bring a site up; nothing happens to what is up already")
    _add_choices(made)
    made.add_argument("--only", choices=LEVELS, default="all", help="how far to go")
    made.add_argument("--fresh", action="store_true", help="begin with an empty database and no state")
    made.add_argument("--seed", type=int, nargs="?", const=1, metavar="SCALE", help="fill it with the model academy")
    made.add_argument("--quiet", action="store_true", help="print nothing")
    command("stop", stop, "end what start started; shared servers when no other site needs them")
    command("stop-all", stop_all, "end every site and server below a folder")
    made = command("restart", restart, "end one part and bring it up again")
    made.add_argument("part", choices=PARTS[2:])
    made.add_argument("--stop-only", action="store_true", help="leave it ended")
    made = command("status", status, "say what runs")
    made.add_argument("--json", action="store_true")
    command("env", print_environment, "print the backend's environment for a shell")
    made = command("php", php, "run PHP code from standard input in the loaded WordPress")
    made.add_argument("--user", default="", help="login or id of the current user")
    made = command("run", run_part, "become one part, in the foreground")
    made.add_argument("part", choices=(*PARTS, "pair"))
    _add_choices(made)
    made = command("ready", ready, "say by the exit code whether a part answers")
    made.add_argument("part", choices=PARTS)
    return parser


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--servers", type=Path, help="folder of a MariaDB and Redis shared with other sites")
    parser.add_argument("--wp", choices=VERSIONS, help="WordPress's version (7.1: the newest)")
    parser.add_argument("--port", type=int, help="the site's port; a free one is taken and remembered otherwise")
    parser.add_argument("--php-port", type=int, help="the port without the direct door")
    parser.add_argument("--api-port", type=int, help="the backend's own port")
    parser.add_argument("--door", choices=("direct", "php"), help="whether the site's port has the direct door")
    parser.add_argument("--fpm-workers", type=int)
    parser.add_argument("--api-workers", type=int)
    parser.add_argument("--api-threads", type=int)
    for name, about in (
        ("debug", "WP_DEBUG with a log"),
        ("object-cache", "a persistent object cache in Redis"),
        ("multisite", "a network of sites in subfolders"),
        ("link-plugin", "the plugin as a link to the repository, not a copy"),
        ("sockets", "backend and Redis reached by unix sockets, not by ports"),
        ("worker", "the worker process"),
    ):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=about)
