"""The site that is measured: a real WordPress of its own with posts and the model academy.

WordPress runs as in production: WP_DEBUG off, opcache on, nginx in front of every door, and
`innodb_flush_log_at_trx_commit=1`.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from learnomy_wp.config import Config
from learnomy_wp.kernel.runtime import Runtime
from learnomy_wp.seed import academy, command
from learnomy_wp.serve import boot
from tests.site import EXTRA_CONFIG, REPOSITORY, Layout, Site

HERE = Path(__file__).parent
POSTS = 240
API_WORKERS, API_THREADS = 2, 2
PHP_WORKERS = 8
BUFFER_POOL = "1G"
SEEDED = ("courses", "lessons", "sections", "enrollments", "progress", "course_terms", "course_instructors")


@dataclass
class Ground:
    """One benchmark site at one scale."""

    scale: int
    folder: Path
    site: Site

    @classmethod
    def prepare(cls, scale: int, folder: Path) -> Ground:
        """Bring the site up and fill it; what is there already is kept."""
        os.environ.setdefault("LEARNOMY_BUFFER_POOL", BUFFER_POOL)
        os.environ["LEARNOMY_SERVER_TIMING"] = "on"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "extra-config.php").write_text(EXTRA_CONFIG)
        _run(
            REPOSITORY / "docker/bin/site", "start", "--quiet", "--dir", folder, "--no-debug", "--sockets",
            "--api-workers", API_WORKERS, "--api-threads", API_THREADS, "--fpm-workers", PHP_WORKERS,
        )  # fmt: skip
        ground = cls(scale, folder, Site(Layout.load(folder)))
        must_use = ground.site.content / "mu-plugins"
        must_use.mkdir(exist_ok=True)
        (must_use / "bench.php").write_text((HERE / "mu-plugin.php").read_text())
        posts = ground.site.php((HERE / "posts.php").read_text().replace("WANTED", str(POSTS)), user="admin")
        assert posts >= POSTS, f"{posts} posts"
        ground._seed()
        return ground

    def _seed(self) -> None:
        courses, wanted = self.courses, academy.COURSES * self.scale
        if courses > wanted:
            raise SystemExit(f"{self.folder} holds more than scale {self.scale}: remove it and start again")
        if courses == wanted and len(self.students) == command.STUDENTS * self.scale:
            return
        environment = {**os.environ, **self.site.environment}
        seed = [program("learnomy"), "seed-model-site", "--scale", str(self.scale)]
        subprocess.run(seed, env=environment, cwd=REPOSITORY, check=True)
        for table in SEEDED:
            self.site.rows(f"ANALYZE TABLE wp_lrn_{table}")
        self.__dict__.pop("students", None)  # may have been read before

    @property
    def courses(self) -> int:
        """How many courses of the model academy are there."""
        return int(self.site.value("SELECT COUNT(*) FROM wp_lrn_courses WHERE demo_key IS NOT NULL"))

    @cached_property
    def students(self) -> list[int]:
        """Ids of the model academy's students."""
        found = self.site.rows(
            "SELECT ID FROM wp_users WHERE user_login LIKE 'lrn\\_demo\\_student%%' ORDER BY ID LIMIT %s",
            command.STUDENTS * self.scale,
        )
        return [row["ID"] for row in found]

    # --- the backend ------------------------------------------------------------------

    def restart_backend(self, *, response_cache: bool) -> None:
        """The backend anew, with the cache of answers on or off."""
        os.environ["LEARNOMY_RESPONSE_CACHE"] = "on" if response_cache else "off"
        self.site.restart_backend()
        self.warm()

    def warm(self) -> None:
        """Wait until the direct door answers: one full WordPress request writes the record it needs."""
        deadline = time.monotonic() + 30
        while "Server-Timing" not in self.site.get("/courses?per_page=1").headers:
            if time.monotonic() > deadline:
                raise SystemExit("the direct door hands every request over to WordPress")
            time.sleep(0.5)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Without the worker, whose own statements would be counted."""
        with self.site.without("worker"):
            yield

    @cached_property
    def runtime(self) -> Runtime:
        """The backend's runtime in this process, to issue tokens."""
        own = {"LEARNOMY_LOG_LEVEL": "error", "LEARNOMY_METRICS": "off"}
        return boot(Config.load({**os.environ, **self.site.environment, **own}))

    @cached_property
    def application_password(self) -> tuple[str, str]:
        """The administrator's, for WordPress's own users/me."""
        return self.site.application_password("admin")

    def statements(self) -> int:
        """How many statements MariaDB was sent since its start."""
        return int(self.site.rows("SHOW GLOBAL STATUS LIKE 'Questions'")[0]["Value"])


def program(name: str) -> str:
    """One of the project's own commands."""
    return str(REPOSITORY / os.environ.get("LEARNOMY_VENV", ".venv") / "bin" / name)


def _run(*arguments: object) -> None:
    command = [str(argument) for argument in arguments]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"{' '.join(command)}:\n{ran.stdout}{ran.stderr}")
