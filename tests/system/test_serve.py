"""`learnomy serve` at a unix socket: what a killed process left is no obstacle, a live one is."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from learnomy_site import backend

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    own = {"LEARNOMY_STATE_DIR": str(tmp_path / "var"), "LEARNOMY_SOCKET": str(tmp_path / "run" / "learnomy.sock")}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LEARNOMY_LOG_LEVEL": "error", **own}


def start(environ: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "learnomy_wp.cli", "serve"]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True)


@contextmanager
def serving(environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = start(environ)
    try:
        deadline = time.monotonic() + 60
        while not backend.answers(Path(environ["LEARNOMY_SOCKET"])):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def health(environ: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(environ["LEARNOMY_SOCKET"])
    try:
        connection.request("GET", "/wp-json/learnomy/v1/health")
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_socket_that_a_killed_process_left_is_taken_over(environ: dict[str, str]) -> None:
    with serving(environ):
        assert health(environ) == 200
    assert Path(environ["LEARNOMY_SOCKET"]).is_socket(), "it was killed, and left its socket"
    with serving(environ):
        assert health(environ) == 200
        assert Path(environ["LEARNOMY_SOCKET"]).stat().st_mode & 0o777 == 0o666


def test_a_socket_at_which_somebody_listens_is_not_taken(environ: dict[str, str]) -> None:
    with serving(environ):
        second = start(environ)
        _, said = second.communicate(timeout=30)
        assert second.returncode == 2
        assert "another process listens there" in said
        assert health(environ) == 200


def test_a_file_is_not_removed(environ: dict[str, str]) -> None:
    path = Path(environ["LEARNOMY_SOCKET"])
    path.parent.mkdir()
    path.write_text("mine")
    refused = start(environ)
    _, said = refused.communicate(timeout=30)
    assert (refused.returncode, path.read_text()) == (2, "mine")
    assert "no socket" in said
