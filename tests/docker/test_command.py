"""`docker/bin/site`: starting twice is starting once, and stopping ends what was started and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site import REPOSITORY

SITE = REPOSITORY / "docker" / "bin" / "site"


def site(*arguments: str | Path) -> str:
    ran = subprocess.run([SITE, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def status(folder: Path) -> Any:
    """What runs, and where."""
    ran = subprocess.run([SITE, "status", "--json", "--dir", folder], capture_output=True, text=True, check=False)
    return json.loads(ran.stdout)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def running(folder: Path) -> dict[str, int]:
    return {name: pid for name, pid in status(folder)["parts"].items() if pid}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    site("stop-all", "--dir", tmp_path)


def test_sites_come_and_go_without_touching_each_other(folder: Path) -> None:
    one, two = folder / "one", folder / "two"
    start = [SITE, "start", "--only", "wordpress", "--quiet", "--servers", folder / "servers", "--dir"]
    # both at once, and one of them twice at once
    started = [subprocess.Popen([*start, where]) for where in (one, one, two)]
    assert [process.wait() for process in started] == [0, 0, 0]

    first, second = running(one), running(two)
    assert set(first) == set(second) == {"mariadb", "redis", "php-fpm", "nginx"}
    assert first["mariadb"] == second["mariadb"]
    assert first["nginx"] != second["nginx"]

    site("start", "--only", "wordpress", "--quiet", "--dir", one)
    assert running(one) == first

    before = status(one)
    site("stop", "--dir", one)
    assert not is_alive(first["nginx"])
    assert not is_alive(first["php-fpm"])
    assert running(two) == second

    # its port was taken meanwhile: it takes another, for good
    port = int(before["site"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        site("start", "--only", "wordpress", "--quiet", "--dir", one)
    after = status(one)
    assert after["site"] != before["site"]
    assert after["php_only"] == before["php_only"]
    site("stop", "--dir", one)
    site("start", "--only", "wordpress", "--quiet", "--dir", one)
    assert status(one)["site"] == after["site"]

    # the last one to leave turns the lights out
    site("stop", "--dir", two)
    assert is_alive(second["mariadb"])
    site("stop", "--dir", one)
    assert not is_alive(second["mariadb"])
    assert not is_alive(second["redis"])


def test_a_folder_may_be_deep(folder: Path) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)
    site("start", "--only", "wordpress", "--quiet", "--dir", deep)
    assert set(running(deep)) == {"mariadb", "redis", "php-fpm", "nginx"}


def test_a_site_is_made_fresh_on_demand(folder: Path) -> None:
    def blog_name() -> str:
        code = "return get_option( 'blogname' );"
        ran = subprocess.run([SITE, "php", "--dir", folder], input=code, capture_output=True, text=True, check=True)
        return str(json.loads(ran.stdout))

    site("start", "--only", "wordpress", "--quiet", "--dir", folder)
    subprocess.run(
        [SITE, "php", "--dir", folder], input="return update_option( 'blogname', 'other' );", text=True, check=True
    )
    (folder / "root/wp-content/uploads/left.txt").write_text("left")
    site("start", "--only", "wordpress", "--quiet", "--dir", folder)
    assert blog_name() == "other"
    site("start", "--only", "wordpress", "--quiet", "--fresh", "--dir", folder)
    assert blog_name() == "Learnomy academy"
    assert not (folder / "root/wp-content/uploads/left.txt").exists()


def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path) -> None:
    ran = subprocess.run([SITE, "status", "--dir", tmp_path], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, f"site: no site was started in {tmp_path}\n")
