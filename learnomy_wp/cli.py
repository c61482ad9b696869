"""The `learnomy` command: serve, work, migrate, seed, and generate what the code declares."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from learnomy_wp.config import Config, ConfigError

Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a configuration error is one line and exit code 2."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except ConfigError as error:
        print(f"learnomy: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="learnomy", description="Learnomy's backend for WordPress.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Command, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=run)
        return command

    add("serve", _serve, "serve the API; with no configuration: on SQLite, with the demo academy")
    add("worker", _worker, "drain the outbox, run jobs and schedules")
    add("migrate", _migrate, "create or update Learnomy's tables")
    seed = add("seed-model-site", _seed, "fill the site with the demo academy")
    seed.add_argument("--scale", type=int, default=1, help="multiply for load tests (default 1)")
    seed.add_argument("--password", default="", help="of the people made (default: random ones)")
    seed.add_argument("--remove", action="store_true", help="remove what was seeded")
    docs = add("docs", _docs, "write docs/*.md and the plugin's route table")
    docs.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    return parser


def _config() -> Config:
    return Config.load(os.environ)


def _serve(_parsed: argparse.Namespace) -> int:
    from learnomy_wp.serve import serve

    return serve(_config())


def _worker(_parsed: argparse.Namespace) -> int:
    from learnomy_wp.kernel.worker import run_forever
    from learnomy_wp.serve import boot

    return run_forever(boot(_config()))


def _migrate(_parsed: argparse.Namespace) -> int:
    from learnomy_wp.serve import migrate

    migrate(_config())
    return 0


def _seed(parsed: argparse.Namespace) -> int:
    from learnomy_wp.seed.command import run
    from learnomy_wp.serve import boot

    return run(boot(_config()), scale=parsed.scale, password=parsed.password, remove=parsed.remove)


def _docs(parsed: argparse.Namespace) -> int:
    from learnomy_wp import features
    from learnomy_wp.kernel import docs, route_table
    from learnomy_wp.rendering import wording

    features.blueprints()
    wanted = {Path("docs") / name: text for name, text in docs.pages().items()}
    wanted[Path("bridge/learnomy/includes/route-table.php")] = route_table.render()
    wanted[Path("bridge/learnomy/includes/rendering-strings.php")] = wording.render_php()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'stale' if parsed.check else 'wrote'} {path}")
        if not parsed.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
    return int(parsed.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
