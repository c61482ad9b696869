"""What themes and other plugins call: model classes, `route_url()`, and the names they look for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.site import Site


@pytest.fixture
def academy(site: Site) -> Site:
    """A site with the demo academy."""
    site.php("return Learnomy\\Seed::run( 1, 'learnomy-demo' );")
    return site


@pytest.mark.wordpress("6.1", "7.1")
def test_the_names_that_integrations_look_for(site: Site) -> None:
    assert site.php(
        "return array( LEARNOMY_VERSION, function_exists( 'learnomy' ), get_class( learnomy() ), learnomy()->version(),"
        " class_exists( 'Learnomy\\Learnomy' ), class_exists( 'Learnomy\\Plugin' ),"
        " class_exists( 'Learnomy\\Models\\Enrollment' ), class_exists( 'Learnomy\\Models\\Subscription' ),"
        " function_exists( 'Learnomy\\route_url' ) );"
    ) == ["1.9.5", True, "Learnomy\\Learnomy", "1.9.5", True, True, True, True, True]


def test_they_are_there_when_plugins_are_loaded(site: Site) -> None:
    code = """
    add_action( 'plugins_loaded', function () {
        update_option( 'seen_early', array(
            defined( 'LEARNOMY_VERSION' ),
            Learnomy\\route_url( 'course', array( 'slug' => 'a' ) ),
            Learnomy\\route_url( 'catalog' ),
            Learnomy\\Models\\Course::find( 0 ),
        ) );
    }, -100 );
    """
    with site.must_use("early", code):
        site.page("/")
    home = site.php("return home_url();")
    seen = site.php("return get_option( 'seen_early' );")
    assert seen[0] is True
    assert [address.split("/", 3)[3] for address in seen[1:3]] == ["courses/a/", "courses/"]
    assert seen[3] is None
    assert home.startswith("http")


ROUTES: list[tuple[str, dict[str, Any], str]] = [
    ("catalog", {}, "/courses/"),
    ("category", {"slug": "design"}, "/courses/category/design/"),
    ("course", {"slug": "web-design"}, "/courses/web-design/"),
    ("course", {"slug": "%e6%9d%b1"}, "/courses/%e6%9d%b1/"),
    ("course", {"slug": "two words"}, "/courses/two%20words/"),
    ("lesson", {"course": "a", "lesson": "b"}, "/courses/a/b/"),
    ("quiz", {"slug": "q"}, "/quiz/q/"),
    ("student-dashboard", {}, "/account/"),
    ("account-courses", {}, "/account/courses/"),
    ("account-quiz-results", {}, "/account/quiz-results/"),
    ("account-certificates", {}, "/account/certificates/"),
    ("account-billing", {}, "/account/billing/"),
    ("account-details", {}, "/account/details/"),
    ("account-membership", {}, "/account/membership/"),
    ("account-notifications", {}, "/account/notifications/"),
    ("account-instructor-profile", {}, "/account/instructor-profile/"),
    ("unsubscribe", {}, "/account/unsubscribe/"),
    ("become-instructor", {}, "/become-instructor/"),
    ("instructor-dashboard", {}, "/instructor/"),
    ("instructor", {"slug": "ada"}, "/instructors/ada/"),
    ("membership-pricing", {}, "/membership/"),
    ("checkout", {}, "/checkout/"),
    (
        "certificate-verify",
        {"uuid": "0A1B2C3D-0000-4000-8000-000000000000"},
        "/certificate/0a1b2c3d-0000-4000-8000-000000000000/",
    ),
    ("course-editor", {"id": 12}, "/instructor/courses/12/"),
    ("course-editor", {"id": "12"}, "/instructor/courses/12/"),
    ("login", {}, "/login/"),
    ("register", {}, "/register/"),
    ("course", {}, ""),
    ("course", {"slug": ""}, ""),
    ("course", {"slug": None}, ""),
    ("course", {"slug": []}, ""),
    ("lesson", {"course": "a"}, ""),
    ("lesson", {"id": 0}, ""),
    ("course-editor", {"id": "x"}, ""),
    ("certificate-verify", {"uuid": "../../x"}, ""),
    ("no-such-route", {"slug": "a"}, ""),
    ("", {}, ""),
]


@pytest.mark.wordpress("6.1", "7.1")
def test_every_route_has_its_address_or_none(site: Site) -> None:
    asked = json.dumps([[name, args] for name, args, _path in ROUTES]).replace("\\", "\\\\").replace("'", "\\'")
    found = site.php(
        f"$asked = json_decode( '{asked}', true );"
        " return array( home_url(), array_map( fn ( $r ) => Learnomy\\route_url( $r[0], $r[1] ), $asked ) );"
    )
    home, addresses = found
    assert addresses == [home + path if path else "" for _name, _args, path in ROUTES]


def test_plain_and_index_permalinks_and_the_owners_slugs(site: Site) -> None:
    ask = "return array( Learnomy\\route_url( 'course', array( 'slug' => 'a' ) ), Learnomy\\route_url( 'catalog' ) );"
    home = site.php("return home_url();")
    with site.option("permalink_structure", ""):
        assert site.php(ask) == [f"{home}/?learnomy_route=course&learnomy_slug=a", f"{home}/?learnomy_route=catalog"]
    with site.option("permalink_structure", "/index.php/%postname%"):
        assert site.php(ask) == [f"{home}/index.php/courses/a", f"{home}/index.php/courses"]
    with site.option("learnomy_settings", {"slugs": {"courses": "kurse", "quiz": ""}}):
        assert site.php(ask) == [f"{home}/kurse/a/", f"{home}/kurse/"]
        assert site.php("return Learnomy\\route_url( 'quiz', array( 'slug' => 'a' ) );") == f"{home}/quiz/a/"


def test_a_lesson_by_its_id_costs_one_query(academy: Site) -> None:
    found = academy.rows(
        "SELECT l.id, l.slug lesson, c.slug course FROM wp_lrn_lessons l"
        " JOIN wp_lrn_courses c ON c.id = l.course_id LIMIT 1"
    )[0]
    home, first, queries, second = academy.php(
        f"""
        global $wpdb;
        $first = Learnomy\\route_url( 'lesson', array( 'id' => {found["id"]} ) );
        $before = $wpdb->num_queries;
        $second = Learnomy\\route_url( 'lesson', array( 'id' => {found["id"]} ) );
        return array( home_url(), $first, $wpdb->num_queries - $before, $second );
        """
    )
    assert first == second == f"{home}/courses/{found['course']}/{found['lesson']}/"
    assert queries == 0


@pytest.mark.wordpress("6.1", "7.1")
def test_courses(academy: Site) -> None:
    course = academy.rows("SELECT id, title, slug, author_id FROM wp_lrn_courses WHERE status = 'published' LIMIT 1")[0]
    found = academy.php(f"return Learnomy\\Models\\Course::find( {course['id']} );")
    assert {name: found[name] for name in course} == course
    assert found["permalink"].endswith(f"/courses/{course['slug']}/")
    assert academy.php("return Learnomy\\Models\\Course::find( 99999999 );") is None
    listed, few, queries = academy.php(
        """
        global $wpdb;
        $all = Learnomy\\Models\\Course::list_published();
        $before = $wpdb->num_queries;
        Learnomy\\Models\\Course::list_published();
        $again = $wpdb->num_queries - $before;
        $few = Learnomy\\Models\\Course::list_published( array( 'limit' => 3 ) );
        return array( wp_list_pluck( $all, 'id' ), count( $few ), $again );
        """
    )
    assert listed == [
        row["id"]
        for row in academy.rows(
            "SELECT id FROM wp_lrn_courses WHERE status = 'published' ORDER BY published_at DESC, id DESC LIMIT 500"
        )
    ]
    assert few == 3
    assert queries == 0, "the same question is asked once"


def test_enrolments_go_by_grants_not_by_status(academy: Site) -> None:
    row = academy.rows(
        "SELECT e.id, e.user_id, e.course_id FROM wp_lrn_enrollments e"
        " JOIN wp_lrn_enrollment_grants g ON g.enrollment_id = e.id WHERE g.ended_at IS NULL LIMIT 1"
    )[0]
    ask = f"return Learnomy\\Models\\Enrollment::is_enrolled( {row['user_id']}, {row['course_id']} );"
    listed = (
        f"return wp_list_pluck( Learnomy\\Models\\Enrollment::get_distinct_for_user( {row['user_id']} ), 'course_id' );"
    )
    assert academy.php(ask) is True
    mine = academy.php(listed)
    assert row["course_id"] in mine
    assert len(mine) == len(set(mine))
    grant = "UPDATE wp_lrn_enrollment_grants SET ends_at = {} WHERE enrollment_id = %s"
    try:
        academy.rows(grant.format("DATE_SUB(UTC_TIMESTAMP(6), INTERVAL 1 SECOND)"), row["id"])
        assert academy.php(ask) is False
        assert row["course_id"] not in academy.php(listed)
    finally:
        academy.rows(grant.format("NULL"), row["id"])
    assert academy.php("return Learnomy\\Models\\Enrollment::is_enrolled( 0, 1 );") is False
    assert academy.php("return Learnomy\\Models\\Enrollment::get_distinct_for_user( 0 );") == []


def test_what_was_read_is_forgotten_after_a_write(academy: Site) -> None:
    student = academy.user_id("student2")
    course = academy.value("SELECT id FROM wp_lrn_courses WHERE status = 'published' AND is_free = 1 LIMIT 1")
    before, status, after = academy.php(
        f"""
        $before = Learnomy\\Models\\Enrollment::is_enrolled( {student}, {course} );
        $reply = rest_do_request( new WP_REST_Request( 'POST', '/learnomy/v1/courses/{course}/enroll' ) );
        return array( $before, $reply->get_status(), Learnomy\\Models\\Enrollment::is_enrolled( {student}, {course} ) );
        """,
        user="student2",
    )
    assert (before, status, after) == (False, 201, True)


def test_plans_and_subscriptions(site: Site) -> None:
    site.rows("DELETE FROM wp_lrn_membership_plans")
    site.rows("DELETE FROM wp_lrn_subscriptions")
    for number, status in enumerate(("active", "draft", "active"), start=1):
        site.rows(
            "INSERT INTO wp_lrn_membership_plans (id, title, slug, sort_title, description, description_html, status,"
            " position, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, '', '', %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
            number,
            f"Plan {number}",
            f"plan-{number}",
            f"plan {number}",
            status,
            9 - number,
        )
    for number, (user, plan, status) in enumerate(
        ((7, 1, "active"), (7, 3, "paused"), (7, 2, "expired"), (8, 1, "trialing"))
    ):
        site.rows(
            "INSERT INTO wp_lrn_subscriptions (user_id, plan_id, status, created_at, updated_at)"
            " VALUES (%s, %s, %s, DATE_ADD(UTC_TIMESTAMP(6), INTERVAL %s SECOND), UTC_TIMESTAMP(6))",
            user,
            plan,
            status,
            number,
        )
    plans = "Learnomy\\Models\\MembershipPlan"
    assert site.php(f"return wp_list_pluck( {plans}::get_active(), 'title' );") == ["Plan 3", "Plan 1"]
    assert site.php(f"return array( {plans}::find( 2 )->title, {plans}::find( 99 ) );") == ["Plan 2", None]
    ask = (
        "return array_map( fn ( $s ) => array( $s->plan_id, $s->status ),"
        " Learnomy\\Models\\Subscription::get_active_for_user( %d ) );"
    )
    assert site.php(ask % 7) == [[1, "active"]]
    assert site.php(ask % 8) == [[1, "trialing"]]
    assert site.php(ask % 0) == []
    site.rows("DELETE FROM wp_lrn_membership_plans")
    site.rows("DELETE FROM wp_lrn_subscriptions")


def test_without_tables_the_models_answer_nothing_and_say_nothing(site: Site) -> None:
    site.clear_debug_log()
    site.rows("RENAME TABLE wp_lrn_courses TO wp_lrn_courses_away")
    try:
        assert site.php(
            "return array( Learnomy\\Models\\Course::find( 1 ), Learnomy\\Models\\Course::list_published() );"
        ) == [
            None,
            [],
        ]
    finally:
        site.rows("RENAME TABLE wp_lrn_courses_away TO wp_lrn_courses")
    assert "wp_lrn_courses" not in site.debug_log()
