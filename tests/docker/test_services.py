"""The services of compose.yml, run here in their order and without containers: the same commands, a real site."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from learnomy_site.layout import free_port

from tests.site import REPOSITORY

SERVICES: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker/compose.yml").read_text())["services"]
ORDER = ("mariadb", "redis", "wordpress", "api", "pair", "web", "worker")


def is_healthy(words: list[str]) -> bool:
    return subprocess.run(words, cwd=REPOSITORY, capture_output=True, check=False).returncode == 0


@pytest.fixture
def site_url(tmp_path: Path) -> Iterator[str]:
    """The address of a site that was brought up service by service."""
    ports = {"8080": str(free_port(set())), "8081": str(free_port(set()))}
    here = {"/srv/learnomy": str(tmp_path / "site"), **ports}
    running: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "log").open("wb")

    def wait(process: subprocess.Popen[bytes], done: Any, name: str) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert process.poll() in {None, 0}, (name, (tmp_path / "log").read_text())
            assert time.monotonic() < deadline, (name, (tmp_path / "log").read_text())
            time.sleep(0.1)

    try:
        for name in ORDER:
            service = SERVICES[name]
            assert set(service.get("depends_on", {})) <= set(ORDER[: ORDER.index(name)])
            command = [here.get(word, word) for word in service["command"]]
            environment = {**os.environ, "LEARNOMY_BIND": "127.0.0.1"}
            if "LEARNOMY_LOOPBACK" in service.get("environment", {}):
                environment["LEARNOMY_LOOPBACK"] = f"http://127.0.0.1:{ports['8080']}"
            process = subprocess.Popen(
                [REPOSITORY / "docker/bin/site", *command],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
            running.append(process)
            if "healthcheck" in service:
                check = [here.get(word, word) for word in service["healthcheck"]["test"][1:]]
                wait(process, lambda check=check: is_healthy(check), name)
            elif name == "pair":
                wait(process, lambda process=process: process.poll() == 0, name)
        yield f"http://127.0.0.1:{ports['8080']}"
    finally:
        for process in reversed(running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.close()


@pytest.mark.door("direct", "early")
def test_the_services_together_are_a_site(site_url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(site_url + "/", timeout=30)
        assert page.status_code == 200
        assert "Learnomy academy" in page.text
        direct = session.get(site_url + "/wp-json/learnomy/v1/health", timeout=30)
        by_wordpress = session.get(site_url + "/?rest_route=/learnomy/v1/health", timeout=30)
        assert (direct.status_code, by_wordpress.status_code) == (200, 200)
        assert direct.json()["data"]["status"] == by_wordpress.json()["data"]["status"] == "ok"
