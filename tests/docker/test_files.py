"""The image, the compose file and the snippets name only what is there, and share the scripts that the tests use."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.site import REPOSITORY

DOCKER = REPOSITORY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SCRIPTS = sorted((DOCKER / "bin").iterdir())
SNIPPET = (REPOSITORY / "bridge/nginx/learnomy.conf").read_text()


def run_site(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DOCKER / "bin" / "site", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_run_and_says_what_it_owns(script: Path) -> None:
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "Owns " in "\n".join(text.splitlines()[:3])
    if text.startswith("#!/usr/bin/env bash"):
        assert "\nset -euo pipefail\n" in text
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_no_php_version_is_named() -> None:
    for path in (*SCRIPTS, DOCKER / "Dockerfile", *(DOCKER / "learnomy_site").glob("*.py")):
        assert not re.search(r"php-?(fpm)?[78]\.\d", path.read_text()), path


def test_the_image_is_made_by_the_same_scripts() -> None:
    assert DOCKERFILE.startswith("#")
    assert re.search(r"^FROM debian:bookworm-slim$", DOCKERFILE, re.MULTILINE)
    named = set(re.findall(r"docker/bin/[a-z-]+", DOCKERFILE))
    assert named == {f"docker/bin/{name}" for name in ("install-packages", "make-venv", "get-wordpress", "site")}
    for path in named | set(re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE)):
        assert (REPOSITORY / path).exists(), path
    assert "apt-get" not in DOCKERFILE
    assert "pip " not in DOCKERFILE


def test_make_uses_the_same_scripts() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for path in set(re.findall(r"docker/bin/[a-z-]+", makefile)):
        assert (REPOSITORY / path).exists(), path
    for name in ("install-packages", "make-venv", "site"):
        assert f"docker/bin/{name}" in makefile
    assert "make test" in (REPOSITORY / ".ci/run").read_text()
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)


def test_compose_has_a_service_for_every_part() -> None:
    parts = {service["command"][1] for service in SERVICES.values()}
    assert parts == {"mariadb", "redis", "php-fpm", "nginx", "api", "worker", "pair"}
    assert set(SERVICES) == {"mariadb", "redis", "wordpress", "api", "worker", "pair", "web"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_well_formed(name: str) -> None:
    service = SERVICES[name]
    dockerfile = (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).resolve()
    assert dockerfile == DOCKER / "Dockerfile"
    assert service["volumes"] == ["site:/srv/learnomy"]
    assert "site" in COMPOSE["volumes"]
    for other, condition in service.get("depends_on", {}).items():
        wanted = condition["condition"]
        assert wanted in {"service_healthy", "service_completed_successfully"}
        assert wanted != "service_healthy" or "healthcheck" in SERVICES[other]
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), "published on loopback only"
    if "healthcheck" in service:
        assert service["healthcheck"]["test"][:3] == ["CMD", "docker/bin/site", "ready"]
        assert service["healthcheck"]["test"][3] == service["command"][1]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_the_commands_of_a_service_are_known_to_the_script(name: str) -> None:
    command = SERVICES[name]["command"]
    assert all(isinstance(word, str) for word in command), "YAML made a number of a word"
    known = run_site("run", "--help").stdout
    assert command[1] in known
    for option in (word for word in command if word.startswith("--")):
        assert option.replace("--no-", "--") in known


def test_the_test_sites_include_the_owners_snippet_itself() -> None:
    from learnomy_site import web
    from learnomy_site.layout import Site

    site = Site(folder=Path("/nowhere"), servers=Path("/nowhere/servers"), port=1, php_port=2, api_port=3)
    (text,) = (text for path, text in web.nginx(site).files.items() if path.name == "nginx.conf")
    assert text.count(f"include {REPOSITORY}/bridge/nginx/learnomy.conf;") == 1
    assert "@" not in re.sub(r"@[a-z_]+", "", text), "a placeholder was left"


def test_the_upstreams_of_owners_and_tests_have_one_name() -> None:
    owners = (REPOSITORY / "bridge/nginx/learnomy-upstream.conf").read_text()
    names = [
        re.findall(r"upstream (learnomy_backend) \{", text) for text in (owners, (DOCKER / "nginx.conf").read_text())
    ]
    assert names == [["learnomy_backend"], ["learnomy_backend"]]
    assert set(re.findall(r"proxy_pass http://(\w+)", SNIPPET)) == {"learnomy_backend"}


def test_the_snippet_overwrites_what_the_backend_believes() -> None:
    for location in re.findall(r"location = /\.learnomy-(?:read|write) \{.*?\n\}", SNIPPET, re.DOTALL):
        assert "internal;" in location
        for header, value in (
            ("X-Real-IP", "$remote_addr"),
            ("X-Forwarded-For", "$remote_addr"),
            ("X-Forwarded-Proto", "$scheme"),
            ("Host", "$http_host"),
        ):
            assert f"proxy_set_header {header} {value};" in location
        assert "proxy_next_upstream off;" in location, "a write is never sent twice"
    assert "$proxy_add_x_forwarded_for" not in SNIPPET
    assert "-f $document_root/.maintenance" in SNIPPET
    assert "location @wordpress {" in SNIPPET


def test_a_second_run_of_the_installers_is_silent() -> None:
    for command in ("install-packages", "make-venv"):
        ran = subprocess.run([DOCKER / "bin" / command], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", ""), command


def test_an_unknown_option_or_version_is_refused() -> None:
    for command in (
        ["install-packages", "--nonsense"],
        ["make-venv", "--nonsense"],
        ["get-wordpress", "5.0", "/tmp/x"],
    ):
        ran = subprocess.run([DOCKER / "bin" / command[0], *command[1:]], capture_output=True, check=False)
        assert ran.returncode == 2, command


def test_help_lists_every_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    ran = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert sorted(line.split()[1] for line in ran.stdout.splitlines()) == sorted(phony.split())
