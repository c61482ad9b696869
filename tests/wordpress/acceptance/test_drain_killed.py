"""The drain killed with SIGKILL at each of its steps: nothing is lost, nothing fires twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import requests

from tests.site import REPOSITORY, Site
from tests.wordpress.acceptance.academy import Academy
from tests.wordpress.outbox import Outbox

LISTENERS = """
add_action( 'learnomy_student_enrolled', function ( int $id ) { heard( "one $id" ); }, 1 );
add_action( 'learnomy_student_enrolled', function ( int $id ) { usleep( 20000 ); heard( "two $id" ); }, 2 );
"""
KILLED = "ended with 9"
NEVER = 10_000


@contextmanager
def drains(site: Site) -> Iterator[Callable[[int], str]]:
    """Run one drain that dies at a step; gives how it ended."""
    environment = {**os.environ, **site.environment, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.wordpress.acceptance.killed_drain"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def drain(step: int) -> str:
            process.stdin.write(f"{step}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            while True:
                line = process.stdout.readline()  # type: ignore[union-attr]
                assert line, "the drains ended"
                if not line.startswith("{"):
                    return line.strip()

        yield drain
        process.stdin.close()


def end_leases(outbox: Outbox) -> None:
    """As if a minute had gone by for whoever held a claim."""
    past = "DATE_SUB(UTC_TIMESTAMP(6), INTERVAL 1 SECOND)"
    outbox.site.rows(f"UPDATE wp_lrn_outbox SET claimed_until = {past} WHERE claimed_until IS NOT NULL")


def park(outbox: Outbox) -> None:
    """Keep what is pending out of the next steps."""
    outbox.site.rows(
        "UPDATE wp_lrn_outbox SET state = 'claimed', claim_token = REPEAT('0', 32),"
        " claimed_until = DATE_ADD(UTC_TIMESTAMP(6), INTERVAL 1 HOUR) WHERE state = 'pending'"
    )


def add(outbox: Outbox, number: int, *aggregates: str) -> None:
    """Rows of those aggregates, numbered on from `number`."""
    values = ", ".join(
        f"('{aggregate}', 'enrollment.created', 'learnomy_student_enrolled', '[{place}, 3, 4, \"\"]', UTC_TIMESTAMP(6))"
        for place, aggregate in enumerate(aggregates, start=number + 1)
    )
    outbox.site.rows(f"INSERT INTO wp_lrn_outbox (aggregate, event, hook, args, created_at) VALUES {values}")


def test_the_drain_killed_at_every_step_loses_and_repeats_nothing(academy: Academy) -> None:
    site = academy.site
    outbox = Outbox(site)
    with (
        site.without("worker"),
        outbox.listeners(LISTENERS),
        drains(site) as drain,
    ):
        academy.record()
        number = 0
        for step in range(60):
            add(outbox, number, f"a{step}", f"a{step}", f"b{step}")
            number += 3
            ended = drain(step)
            if ended == "survived":
                break
            assert ended == KILLED
        assert step > 8, "the drain has more steps than that"
        for _ in range(5):
            end_leases(outbox)
            drain(NEVER)
        assert set(outbox.states()) == {"done"}
        heard = Counter(outbox.heard())
        assert heard == Counter(f"{who} {n}" for who in ("one", "two") for n in range(1, number + 1))
        # In order within an aggregate, too: the lower number is always the earlier row.
        for who in ("one", "two"):
            for first in range(1, number, 3):
                order = [line for line in outbox.heard() if line in (f"{who} {first}", f"{who} {first + 1}")]
                assert order == [f"{who} {first}", f"{who} {first + 1}"]
        assert site.rows("SELECT note FROM wp_lrn_outbox WHERE note IS NOT NULL") == []


KILL_AT = """
add_filter( 'query', function ( $query ) {
	$file = WP_CONTENT_DIR . '/kill-at';
	if ( ! isset( $_GET['test_pull'] ) || false === strpos( $query, 'lrn_outbox' ) || ! is_file( $file ) ) {
		return $query;
	}
	$left = (int) file_get_contents( $file );
	if ( 0 === $left ) {
		unlink( $file );
		shell_exec( 'kill -9 ' . getmypid() );
	}
	file_put_contents( $file, $left - 1 );
	return $query;
} );
"""


def test_php_killed_at_every_statement_repeats_at_most_the_listener_in_flight(academy: Academy) -> None:
    site = academy.site
    outbox, fuse = Outbox(site), site.content / "kill-at"
    with (
        site.without("worker"),
        outbox.listeners(LISTENERS + KILL_AT),
    ):
        academy.record()
        number = 0
        for step in range(40):
            add(outbox, number, f"a{step}", f"a{step}")
            number += 2
            fuse.write_text(str(step))
            fuse.chmod(0o666)
            with suppress(requests.ConnectionError):
                site.page("/?test_pull=1")
            if fuse.exists():
                break
            park(outbox)
        fuse.unlink()
        assert step > 8, "firing two rows takes more statements than that"
        for _ in range(5):
            end_leases(outbox)
            site.page("/?test_pull=1")
        assert set(outbox.states()) == {"done"}
        heard = Counter(outbox.heard())
        rows = site.rows("SELECT args, note FROM wp_lrn_outbox")
        notes = {json.loads(row["args"])[0]: row["note"] or "" for row in rows}
        assert set(heard) == {f"{who} {n}" for who in ("one", "two") for n in range(1, number + 1)}
        for n in range(1, number + 1):
            twice = [who for who in ("one", "two") if heard[f"{who} {n}"] > 1]
            assert sum(heard[f"{who} {n}"] for who in ("one", "two")) <= 3
            if twice:
                assert notes[n].startswith(f"repeated {('one', 'two').index(twice[0])} ")
