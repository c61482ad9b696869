"""What a site is: its folder, its options and ports, remembered in `site.json` between starts."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import random
import re
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
VERSIONS = ("6.1", "6.8", "7.1")
PASSWORD = "learnomy-demo"  # noqa: S105  # of the site's own accounts; it listens on loopback only
USERS = {"teacher": "author", "student": "subscriber", "student2": "subscriber", "editor1": "editor"}
SALTS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT",
         "LOGGED_IN_SALT", "NONCE_SALT")  # fmt: skip

# A unix socket's path holds 107 characters; deep folders get theirs under the temporary folder.
LONGEST_SOCKET = 100


def socket_path(folder: Path, name: str) -> Path:
    """Where a unix socket of this folder lives, short enough for the kernel."""
    path = folder / "run" / name
    if len(str(path)) > LONGEST_SOCKET:
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        path = Path("/tmp") / f"learnomy-{digest}" / name  # noqa: S108  # a name of its own, made 0755 below
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def is_port_free(port: int) -> bool:
    """Whether loopback lets us listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: set[int]) -> int:
    """A port below the range from which the system picks ports for outgoing connections."""
    for _ in range(500):
        port = random.randrange(20_000, 32_000)  # noqa: S311
        if port not in taken and is_port_free(port):
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def can_connect(address: tuple[str, int] | Path) -> bool:
    """Whether something listens there."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(address) if isinstance(address, Path) else address)
        except OSError:
            return False
    return True


@dataclass
class Site:
    """One WordPress site and the choices it was started with."""

    folder: Path
    servers: Path
    wp: str = "7.1"
    port: int = 0
    php_port: int = 0
    api_port: int = 0
    door: str = "direct"
    database: str = ""
    redis_database: int = 0
    fpm_workers: int = 4
    api_workers: int = 2
    api_threads: int = 4
    debug: bool = True
    object_cache: bool = False
    multisite: bool = False
    link_plugin: bool = False
    sockets: bool = False
    worker: bool = True
    bind: str = "127.0.0.1"
    salts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, servers: Path | None = None) -> Site:
        """The site of that folder as it was remembered, or a new one."""
        folder = folder.resolve()
        known: dict[str, object] = {}
        if (folder / "site.json").is_file():
            known = json.loads((folder / "site.json").read_text())
        chosen = servers.resolve() if servers else Path(str(known.get("servers", folder / "servers")))
        fields = {name: value for name, value in known.items() if name in cls.__dataclass_fields__}
        site = cls(**{**fields, "folder": folder, "servers": chosen})  # type: ignore[arg-type]
        site.salts = site.salts or {name: secrets.token_hex(32) for name in SALTS}
        site.database = site.database or "wp_" + re.sub(r"\W+", "_", folder.name).lower()
        return site

    def save(self) -> None:
        """Remember the choices for the next start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        known = {**asdict(self), "folder": str(self.folder), "servers": str(self.servers)}
        path = self.folder / "site.json"
        path.with_suffix(".new").write_text(json.dumps(known, indent=1))
        path.with_suffix(".new").replace(path)

    @property
    def exists(self) -> bool:
        """Whether it was ever started."""
        return (self.folder / "site.json").is_file()

    @property
    def root(self) -> Path:
        """The document root."""
        return self.folder / "root"

    @property
    def state(self) -> Path:
        """The backend's own folder (pairing)."""
        return self.folder / "state"

    @property
    def host(self) -> str:
        """The site's own host and port, whichever port a visitor came by."""
        return f"127.0.0.1:{self.port}"

    @property
    def hosts(self) -> list[str]:
        """Every Host header under which the site knows itself."""
        return [f"{name}:{port}" for port in (self.port, self.php_port) for name in ("127.0.0.1", "localhost")]

    @property
    def backend_address(self) -> str:
        """Where the backend listens, as the plugin's setting spells it."""
        return f"unix:{self.api_socket}" if self.sockets else f"http://127.0.0.1:{self.api_port}"

    @property
    def api_socket(self) -> Path:
        """The backend's socket, where it has one."""
        return socket_path(self.folder, "api.sock")

    @property
    def web_user(self) -> str | None:
        """Who PHP runs as: www-data where root starts the site and www-data can reach it."""
        if os.geteuid() != 0:
            return None
        try:
            pwd.getpwnam("www-data")
        except KeyError:
            return "root"
        reachable = all(path.stat().st_mode & 0o001 for path in self.folder.parents)
        return "www-data" if reachable else "root"

    def choose_ports(self, is_running: bool) -> None:
        """Keep remembered ports while they are ours or free, else take free ones."""
        taken: set[int] = set()
        for name in ("port", "php_port", "api_port"):
            port = getattr(self, name)
            if not port or port in taken or not (is_running or is_port_free(port)):
                port = free_port(taken)
                setattr(self, name, port)
            taken.add(port)
