"""The private MariaDB and Redis that one or several sites share, ended when the last site leaves."""

# ruff: noqa: S603  # commands are made here from fixed parts

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from learnomy_site.layout import Site, can_connect, free_port, is_port_free, socket_path
from learnomy_site.parts import Part, PartFailed, locked

REDIS_DATABASES = 64


@dataclass
class Servers:
    """MariaDB on a unix socket, Redis on a socket and a loopback port, with their data in one folder."""

    folder: Path

    @property
    def socket(self) -> Path:
        """MariaDB's socket."""
        return socket_path(self.folder, "mariadb.sock")

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"

    @property
    def redis_port(self) -> int:
        """Redis's port, remembered between starts."""
        if self._ports_file.is_file():
            return int(json.loads(self._ports_file.read_text())["redis"])
        return 0

    def database_url(self, database: str, driver: str = "mysql") -> str:
        """The SQLAlchemy URL of one database; `mysql` alone takes the quickest driver that is installed."""
        return f"{driver}://root@localhost/{database}?unix_socket={self.socket}&charset=utf8mb4"

    @property
    def redis_socket(self) -> Path:
        """Redis's socket."""
        return socket_path(self.folder, "redis.sock")

    def redis_url(self, number: int, *, by_socket: bool = False) -> str:
        """The URL of one of Redis's numbered databases."""
        return (
            f"unix://{self.redis_socket}?db={number}" if by_socket else f"redis://127.0.0.1:{self.redis_port}/{number}"
        )

    def mariadb(self) -> Part:
        """The database server: durable commits, a modest buffer pool, no network."""
        data = self.folder / "mariadb"
        command = [
            "mariadbd", "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={data}",
            f"--socket={self.socket}", f"--pid-file={self.folder}/run/mariadb.pid", "--skip-networking",
            "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=1",
            f"--innodb-buffer-pool-size={os.environ.get('LEARNOMY_BUFFER_POOL', '384M')}",
            "--character-set-server=utf8mb4", "--max-connections=400", "--performance-schema=OFF",
        ]  # fmt: skip
        return Part("mariadb", command, self.folder, ready=self._is_mariadb_ready, patience_seconds=60)

    def redis(self) -> Part:
        """Redis without persistence: all that it holds can be made again."""
        command = [
            "redis-server", "--bind", "127.0.0.1", "--port", str(self.redis_port),
            "--unixsocket", str(self.redis_socket), "--unixsocketperm", "777",
            "--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES),
            "--maxmemory", "256mb", "--dir", str(self.folder / "run"),
        ]  # fmt: skip
        return Part("redis", command, self.folder, ready=self._is_redis_ready)

    def _is_mariadb_ready(self) -> bool:
        ping = ["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"]
        return can_connect(self.socket) and subprocess.run(ping, capture_output=True, check=False).returncode == 0

    def _is_redis_ready(self) -> bool:
        try:
            return self._ask_redis("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask_redis(self, *commands: str) -> bytes:
        """What Redis answers to the last of some commands, each of which has a one-line answer."""
        answer = b""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.redis_socket))
            for command in commands:
                connection.sendall(command.encode() + b"\r\n")
                answer = connection.recv(512)
        return answer

    def empty_redis(self, number: int) -> None:
        """Forget everything in one numbered database."""
        self._ask_redis(f"SELECT {number}", "FLUSHDB")

    def prepare(self) -> None:
        """Make the database's data folder and choose Redis's port; nothing when that was done."""
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        data = self.folder / "mariadb"
        if not (data / ".complete").is_file():
            shutil.rmtree(data, ignore_errors=True)
            command = [
                "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                f"--user={getpass.getuser()}", "--skip-test-db", "--skip-name-resolve",
            ]  # fmt: skip
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode != 0:
                raise PartFailed(f"mariadb-install-db failed:\n{made.stdout}{made.stderr}")
            (data / ".complete").touch()
        if not self.redis_port or not (self.redis().pid() or is_port_free(self.redis_port)):
            self._ports_file.write_text(json.dumps({"redis": free_port(set())}))

    def ensure(self, user: str) -> None:
        """Both servers up, and `user` (a site's or a test session's folder) noted as one that needs them."""
        with locked(self.folder):
            self.prepare()
            mariadb, redis = self.mariadb(), self.redis()
            mariadb.ensure()
            redis.ensure()
            self._join(user)

    def join(self, user: str) -> None:
        """Note that `user` needs the servers, without bringing them up."""
        with locked(self.folder):
            self._join(user)

    def _join(self, user: str) -> None:
        users = self._users()
        if user not in users:
            free = set(range(1, REDIS_DATABASES)) - set(users.values())
            self._write_users({**users, user: min(free)})

    def leave(self, user: str) -> None:
        """Forget that user, and end the servers when it was the last."""
        if not self.folder.is_dir():
            return
        with locked(self.folder):
            users = {other: number for other, number in self._users().items() if other != user}
            self._write_users(users)
            if not users:
                self._stop()

    def stop(self) -> None:
        """End both, whoever needs them."""
        with locked(self.folder):
            self._write_users({})
            self._stop()

    def _stop(self) -> None:
        self.redis().stop()
        self.mariadb().stop()

    def redis_database(self, user: str) -> int:
        """A numbered Redis database of that user's own."""
        return self._users()[user]

    def sql(self, statement: str) -> str:
        """Run SQL as root and give what it prints."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch", "-N", "-e", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _users(self) -> dict[str, int]:
        path = self.folder / "users.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}

    def _write_users(self, users: dict[str, int]) -> None:
        (self.folder / "users.json").write_text(json.dumps(users))


def of(site: Site) -> Servers:
    """The servers of a site."""
    return Servers(site.servers)
