"""Starts, watches and ends the processes that a site is made of, and those only.

A part is remembered as its process id with that process's start time, so an id that the system
gave to something else later is never taken for ours. A part that runs is left alone while what it
was started with is unchanged, and started again otherwise.
"""

# ruff: noqa: S603  # commands are made here from fixed parts

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# Children of this very process: what it forgot could be neither reaped nor told from a stranger.
_children: dict[int, subprocess.Popen[bytes]] = {}


STARTED = b"--- started ---\n"


class PartFailed(Exception):
    """A part did not come up; the message says where its log is."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One start or stop at a time for a folder, across processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start_time(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


@dataclass
class Part:
    """One process: how it is started, and how one sees that it is ready."""

    name: str
    command: Sequence[str]
    folder: Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    fingerprint: str = ""
    leftover: Path | None = None  # a socket that outlives a killed process and keeps the next from listening
    patience_seconds: float = 30
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def log(self) -> Path:
        """Where the process's own output goes."""
        return self.folder / "logs" / f"{self.name}.log"

    def said(self) -> bytes:
        """What the process wrote to its log since it was started last."""
        return self.log.read_bytes().rpartition(STARTED)[2] if self.log.is_file() else b""

    @property
    def _record(self) -> Path:
        return self.folder / "run" / f"{self.name}.json"

    def _specification(self) -> str:
        wanted = [
            list(self.command),
            sorted(self.environment.items()),
            sorted((str(path), text) for path, text in self.files.items()),
            self.fingerprint,
        ]
        return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()

    def pid(self) -> int | None:
        """The id of the running process, None when it does not run."""
        try:
            record = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        pid = int(record["pid"])
        return pid if start_time(pid) == record["started"] else None

    def is_current(self) -> bool:
        """Whether it runs, and with what it would be started with now."""
        if self.pid() is None:
            return False
        return bool(json.loads(self._record.read_text())["specification"] == self._specification())

    def write_files(self) -> None:
        """Put the configuration files where the process reads them."""
        for path, text in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def ensure(self) -> bool:
        """Make it run as wanted; True when it had to be started."""
        if self.is_current():
            self._wait(None)
            return False
        self.stop()
        if self.leftover is not None:
            self.leftover.unlink(missing_ok=True)
        self.write_files()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            log.write(STARTED)
            log.flush()
            process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        _children[process.pid] = process
        record = {"pid": process.pid, "started": start_time(process.pid), "specification": self._specification()}
        self._record.write_text(json.dumps(record))
        self._wait(process)
        return True

    def _wait(self, process: subprocess.Popen[bytes] | None) -> None:
        deadline = time.monotonic() + self.patience_seconds
        while not self.ready():
            if process is not None and process.poll() is not None:
                self._record.unlink(missing_ok=True)
                raise PartFailed(f"{self.name} ended at once (status {process.returncode}); see {self.log}")
            if time.monotonic() > deadline:
                self.stop()
                raise PartFailed(f"{self.name} is not ready after {self.patience_seconds:.0f} s; see {self.log}")
            time.sleep(0.05)

    def stop(self) -> bool:
        """End it and what it started; True when it ran."""
        pid = self.pid()
        if pid is None:
            self._record.unlink(missing_ok=True)
            return False
        started = start_time(pid)
        os.kill(pid, self.stop_signal)
        deadline = time.monotonic() + 20
        while start_time(pid) == started and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # the session that this module made for it, so nothing foreign
        if pid in _children:
            _children.pop(pid).wait()
        self._record.unlink(missing_ok=True)
        return True

    def replace_this_process(self) -> None:
        """Become the part, in the foreground: what a container runs."""
        self.write_files()
        os.chdir(self.folder)
        sys.stdout.flush()
        os.execvpe(self.command[0], list(self.command), {**os.environ, **self.environment})  # noqa: S606


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
