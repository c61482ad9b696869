"""One call as the kernel sees it: its door, client, blog, identity and round of questions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learnomy_wp.kernel.site import Record
    from learnomy_wp.kernel.uploads import Form

# Doors that WordPress itself stands behind: it can be asked, and it named the user.
WORDPRESS_DOORS = frozenset({"full", "internal", "page", "system"})


@dataclass
class Call:
    """Facts of the request being served."""

    request_id: str
    door: str = "direct"
    client: str = ""
    host: str = ""
    scheme: str = "http"
    blog_id: int = 1
    asserted_user: int | None = None
    via: str = ""
    nonce: str = ""
    signed: bool = False
    body: bytes = b""
    content_type: str = ""
    authorization: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    round_number: int = 0
    round_state: dict[str, Any] = field(default_factory=dict)
    fire_token: str = ""
    control: str = "answer"
    fires: bool = False
    wanted_avatars: dict[str, str] = field(default_factory=dict)
    record: Record | None = None
    foreseen: tuple[str, list[bytes | None]] | None = None
    endpoint_name: str = ""
    # A body that is kept on disk, and its hash; what a form with a file holds; what is to be closed.
    spool: IO[bytes] | None = None
    spool_digest: str = ""
    form: Form | None = None
    opened: list[IO[bytes]] = field(default_factory=list)

    @property
    def body_digest(self) -> str:
        """The SHA-256 of the body, in hex."""
        return self.spool_digest or hashlib.sha256(self.body).hexdigest()

    def close(self) -> None:
        """Let go of the files that the call kept."""
        while self.opened:
            self.opened.pop().close()

    @property
    def has_wordpress(self) -> bool:
        """Whether WordPress is fully loaded behind this call and can answer questions."""
        return self.signed and self.door in WORDPRESS_DOORS


_call: ContextVar[Call | None] = ContextVar("learnomy_call", default=None)


def current() -> Call | None:
    """The call being served, None in jobs and commands."""
    return _call.get()


@contextmanager
def serving(call: Call) -> Iterator[Call]:
    """Make `call` the current one."""
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)
