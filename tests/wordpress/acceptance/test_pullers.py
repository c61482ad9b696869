"""Who fires when something is missing: without the worker, and where the backend cannot call WordPress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.wordpress.acceptance.academy import Academy

ENROLLED = "add_action( 'learnomy_student_enrolled', function ( int $id ) { note_down( array( 'id' => $id ) ); } );"


@contextmanager
def no_loopback(academy: Academy) -> Iterator[None]:
    """The worker runs, and nobody answers where it calls WordPress."""
    pair = """
    \\Learnomy\\Bridge_Options::set( array( 'loopback' => '%s' ) );
    return \\Learnomy\\pair( array( 'address' => '%s' ) );
    """
    address = academy.site.backend_url
    assert academy.site.php(pair % ("http://127.0.0.1:9", address)) is True
    try:
        yield
    finally:
        assert academy.site.php(pair % ("", address)) is True


def fired_by_a_page(academy: Academy, enrolment: int) -> None:
    academy.until(lambda noted: bool(noted), seconds=0.6)
    assert academy.noted() == []
    # Any page, of whomever. Where the worker has just claimed the row in vain, the next page.
    for _ in range(20):
        academy.site.page("/")
        if academy.until(lambda noted: bool(noted), seconds=0.5):
            break
    assert [note["id"] for note in academy.noted()] == [enrolment]


def test_without_loopback_a_page_fires_what_the_direct_door_wrote(academy: Academy) -> None:
    course = academy.make_course(1)
    with academy.listening(ENROLLED), no_loopback(academy):
        answer = academy.site.post(f"/courses/{course.id}/enroll", **academy.as_("student", "direct"))
        assert academy.door_of(answer) == "direct"
        fired_by_a_page(academy, answer.data["id"])


def test_without_the_worker_pages_cron_and_inner_doors_fire(academy: Academy) -> None:
    courses = [academy.make_course(1) for _ in range(4)]
    enroll = [f"/courses/{course.id}/enroll" for course in courses]
    with academy.listening(ENROLLED), academy.site.without("worker"):
        first = academy.site.post(enroll[0], **academy.as_("student", "direct"))
        fired_by_a_page(academy, first.data["id"])

        second = academy.site.post(enroll[1], **academy.as_("student", "direct"))
        run = "do_action( 'learnomy_pull_outbox' ); return wp_next_scheduled( 'learnomy_pull_outbox' ) > 0;"
        assert academy.site.php(run) is True
        ids = [first.data["id"], second.data["id"]]
        assert [note["id"] for note in academy.noted()] == ids

        for path, door in zip(enroll[2:], ("full", "internal"), strict=True):
            ids.append(academy.site.post(path, **academy.as_("student", door)).data["id"])
            academy.until(lambda noted: len(noted) == len(ids), seconds=2)
            assert [note["id"] for note in academy.noted()] == ids
