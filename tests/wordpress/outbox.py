"""Rows of the outbox as a test writes them, listeners that note what they hear, and the backend's signed calls."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import requests

from learnomy_wp.kernel import channel
from tests.site import Site

HEARD = """
function heard( $what ) { file_put_contents( WP_CONTENT_DIR . '/heard.log', $what . "\\n", FILE_APPEND | LOCK_EX ); }
add_action( 'wp_loaded', function () {
	if ( isset( $_GET['test_defer'] ) ) {
		Learnomy\\Actions::defer_token( $_GET['test_defer'] );
		exit( 'the answer' );
	}
	if ( isset( $_GET['test_fire'] ) ) {
		Learnomy\\Actions::fire_token( $_GET['test_fire'] );
		exit( 'the page' );
	}
	if ( isset( $_GET['test_pull'] ) ) { echo Learnomy\\Actions::pull( 50, 20.0 ); exit; }
}, 1 );
"""


class Outbox:
    """The outbox of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.log = site.content / "heard.log"

    def add(
        self,
        *args: Any,
        hook: str = "learnomy_student_enrolled",
        state: str = "claimed",
        token: str | None = None,
        aggregate: str = "course_user:4:3",
        lease: float = 60,
        actor: int = 0,
        kind: str = "action",
        payload: Any = None,
        event: str = "enrollment.created",
    ) -> int:
        """Write a row; gives its id."""
        self.site.rows(
            "INSERT INTO wp_lrn_outbox (aggregate, event, kind, hook, args, payload, actor_id, state, claim_token,"
            " claimed_until, attempts, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %s SECOND), 1, UTC_TIMESTAMP(6))",
            aggregate,
            event,
            kind,
            hook,
            json.dumps(list(args)),
            json.dumps(payload or {}),
            actor,
            state,
            token,
            lease,
        )
        return int(self.site.value("SELECT MAX(id) FROM wp_lrn_outbox"))

    def row(self, row_id: int) -> dict[str, Any]:
        """One row."""
        return self.site.rows("SELECT * FROM wp_lrn_outbox WHERE id = %s", row_id)[0]

    def states(self) -> list[str]:
        """The states of all rows, in order."""
        return [row["state"] for row in self.site.rows("SELECT state FROM wp_lrn_outbox ORDER BY id")]

    def heard(self) -> list[str]:
        """What the listeners noted."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def until(self, *states: str, seconds: float = 5) -> list[str]:
        """Wait for the rows to be in these states; gives what was heard."""
        end = time.monotonic() + seconds
        while self.states() != list(states) and time.monotonic() < end:
            time.sleep(0.05)
        assert self.states() == list(states), [
            self.site.rows("SELECT id, state, note FROM wp_lrn_outbox"),
            self.heard(),
        ]
        return self.heard()

    @contextmanager
    def listeners(self, code: str) -> Iterator[None]:
        """Listeners of that code, and nothing in the outbox; the worker rests."""
        self.site.rows("DELETE FROM wp_lrn_outbox")
        self.log.unlink(missing_ok=True)
        with self.site.must_use("test-listeners", HEARD + code):
            try:
                yield
            finally:
                self.site.rows("DELETE FROM wp_lrn_outbox")

    def call(self, verb: str, payload: dict[str, Any], *, timeout: float = 30) -> requests.Response:
        """A signed call as the backend makes it; the reply's signature is checked where there is one."""
        secret, salt = self.site.php(
            "return array( Learnomy\\Bridge_Options::secret(), Learnomy\\Channel_Keys::bridge_salt() );"
        )
        body = json.dumps(payload).encode()
        nonce, now = secrets.token_hex(16), str(int(time.time() * 1000))
        headers = {
            "Content-Type": "application/json",
            "X-Learnomy-Bridge": "1",
            "X-Learnomy-Blog": "1",
            "X-Learnomy-Time": now,
            "X-Learnomy-Nonce": nonce,
            "X-Learnomy-Signature": channel.sign(
                channel.key(secret, salt, "call"), *channel.call_parts(verb, body, 1, now, nonce)
            ),
        }
        with requests.Session() as session:
            session.trust_env = False
            reply = session.post(
                f"{self.site.php_url}/?learnomy-bridge={verb}",
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
        signature = reply.headers.get("X-Learnomy-Response-Signature", "")
        expected = channel.reply_parts(nonce, reply.status_code, reply.content)
        assert channel.is_signed_by(signature, channel.key(secret, salt, "reply"), *expected), reply.text
        return reply


class Rest:
    """Lets the workers of sites rest until a module of tests is through: stopping one takes its time."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._resting: set[str] = set()

    def worker_of(self, site: Site) -> None:
        """Let the worker of a site rest, if it does not yet."""
        if str(site.folder) not in self._resting:
            self._resting.add(str(site.folder))
            self._stack.enter_context(site.without("worker"))

    def end(self) -> None:
        """Start them again."""
        self._stack.close()


def token() -> str:
    """A claim token."""
    return secrets.token_hex(16)
