"""`wp learnomy`: the demo academy on a real site, pairing, status and the record."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.site import Site

DEMO = "SELECT COUNT(*) FROM wp_users WHERE user_login LIKE 'lrn\\_demo\\_%%'"
COURSES = "SELECT COUNT(*) FROM wp_lrn_courses WHERE demo_key LIKE 'lrn\\_demo\\_%%'"
CLI = """
class WP_CLI {
    public static $said = array();
    public static function add_command( $name, $class ) { self::$said[] = "$name $class"; }
    public static function log( $text ) { self::$said[] = $text; }
    public static function success( $text ) { self::$said[] = "Success: $text"; }
    public static function error( $text ) { self::$said[] = "Error: $text"; throw new Exception( 'ended' ); }
    public static function halt( $code ) { self::$said[] = "halt $code"; throw new Exception( 'ended' ); }
}
$cli = new Learnomy\\CLI();
try { %s } catch ( Exception $e ) {}
return WP_CLI::$said;
"""


@pytest.fixture
def clean(site: Site) -> Iterator[Site]:
    """A site without demo academy, before and after."""
    site.php("return Learnomy\\Seed::remove();")
    yield site
    site.php("return Learnomy\\Seed::remove();")


def said(site: Site, call: str) -> list[str]:
    """What a command said."""
    lines: list[str] = site.php(CLI % call, user="admin")
    return lines


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_the_academy_is_made_once_and_removed_whole(clean: Site) -> None:
    site = clean
    before = site.value("SELECT COUNT(*) FROM wp_users"), site.value("SELECT COUNT(*) FROM wp_usermeta")
    site.clear_mails()
    made = site.php("return Learnomy\\Seed::run( 1, 'learnomy-demo' );")
    assert (made["courses"], made["students"], made["instructors"]) == (60, 100, 10)
    assert made["enrollments"] >= 1000
    assert site.value(DEMO) == 110
    assert site.value(COURSES) == 60
    assert site.mails() == []
    again = site.php("return Learnomy\\Seed::run( 1, 'another' );")
    assert again == made
    assert site.value(DEMO) == 110
    gone = site.php("return Learnomy\\Seed::remove();")
    assert gone == {"courses": 60, "people": 110}
    assert site.value(COURSES) == 0
    assert (site.value("SELECT COUNT(*) FROM wp_users"), site.value("SELECT COUNT(*) FROM wp_usermeta")) == before
    assert (
        site.value(
            "SELECT COUNT(*) FROM wp_lrn_enrollments e LEFT JOIN wp_users u ON u.ID = e.user_id WHERE u.ID IS NULL"
        )
        == 0
    )


@pytest.mark.wordpress("6.1", "6.8", "7.1")
def test_wordpress_knows_the_people_as_its_own(clean: Site) -> None:
    site = clean
    absent = "return array( get_user_by( 'login', 'lrn_demo_student_7' ), username_exists( 'lrn_demo_instructor_0' ) );"
    assert site.php(absent) == [False, False]
    site.php("return Learnomy\\Seed::run( 1, 'learnomy-demo' );")
    found = site.php(
        "$u = get_user_by( 'login', 'lrn_demo_student_7' ); $t = get_user_by( 'login', 'lrn_demo_instructor_0' );"
        " return array( $u->roles, $u->display_name, $u->user_email, $t->roles,"
        " user_can( $t, 'learnomy_edit_courses' ), user_can( $u, 'learnomy_edit_courses' ),"
        " wp_check_password( 'learnomy-demo', $u->user_pass, $u->ID ),"
        " count_users()['avail_roles']['lrn_student'], get_user_meta( $u->ID, 'first_name', true ) );"
    )
    assert found[0] == ["lrn_student"]
    assert found[2] == "lrn_demo_student_7@example.com"
    assert found[3:8] == [["lrn_instructor"], True, False, True, 100]
    assert found[1].startswith(found[8])
    answer = site.post("/auth/token", json={"username": "lrn_demo_student_7", "password": "learnomy-demo"})
    assert answer.status == 200, answer.text


def test_without_a_password_nobody_can_log_in_as_them(clean: Site) -> None:
    site = clean
    site.php("return Learnomy\\Seed::people( 1, '' );")
    for tried in ("", "learnomy-demo", "password"):
        assert site.php(
            "$u = get_user_by( 'login', 'lrn_demo_student_1' );"
            f" return wp_check_password( '{tried}', $u->user_pass, $u->ID );"
        ) in {False, None}


def test_people_who_wrote_posts_go_with_them(clean: Site) -> None:
    site = clean
    site.php("return Learnomy\\Seed::people( 1, '' );")
    post = site.php(
        "return wp_insert_post( array( 'post_title' => 'By a demo teacher', 'post_status' => 'publish',"
        " 'post_author' => get_user_by( 'login', 'lrn_demo_instructor_1' )->ID ) );"
    )
    site.php("return Learnomy\\Seed::remove();")
    assert site.value(DEMO) == 0
    assert site.php(f"return get_post( {post} )->post_status ?? 'gone';") in {"gone", "trash"}


def test_the_scale_multiplies(clean: Site) -> None:
    made = clean.php("return Learnomy\\Seed::run( 2 );")
    assert (made["courses"], made["students"], made["instructors"]) == (120, 200, 20)
    assert clean.php("return Learnomy\\Seed::run( 1 );")["courses"] == 120, "what is there stays"


def test_the_backends_own_command_makes_the_people_here(clean: Site) -> None:
    site = clean
    command = [".venv/bin/learnomy", "seed-model-site", "--password", "learnomy-demo"]
    environment = {"PATH": "/usr/bin:/bin", **site.environment}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "60 courses" in ran.stdout
    assert site.value(DEMO) == 110
    ran = subprocess.run(
        [*command, "--remove"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert site.value(DEMO) == 0


def test_the_commands_say_what_they_did(clean: Site) -> None:
    site = clean
    assert said(site, "$cli->seed_model_site( array(), array( 'scale' => '1' ) );")[0].startswith("Success: 60 courses")
    assert said(site, "$cli->seed_model_site( array(), array( 'remove' => true ) );") == [
        "Success: 60 courses, 110 people."
    ]
    assert said(site, "$cli->pair( array() );") == [f"Success: Paired with {site.backend_url}."]
    assert said(site, "$cli->pair( array( 'http://127.0.0.1:1' ) );")[0].startswith(("Success", "Error"))
    lines = said(site, "$cli->status();")
    assert any(line.startswith("GOOD backend:") for line in lines)
    assert "halt 1" not in lines
    assert said(site, "$cli->record( array() );")[0].startswith("Success: Recorded at 20")
    with site.without("api"):
        assert said(site, "$cli->status();")[-1] == "halt 1"
        assert said(site, "$cli->seed_model_site( array(), array() );")[-1].startswith("Error: ")
    site.php("delete_option( 'learnomy_breaker' ); return true;")


def test_the_command_is_registered_where_wp_cli_runs_only(site: Site) -> None:
    code = """
    define( 'WP_CLI', true );
    class WP_CLI {
        public static function add_command( $name, $class ) { update_option( 'cli_seen', "$name $class" ); }
    }
    """
    with site.must_use("cli", code):
        site.page("/")
    assert (
        site.php("$s = get_option( 'cli_seen' ); delete_option( 'cli_seen' ); return $s;") == "learnomy Learnomy\\CLI"
    )
    site.page("/")
    assert site.php("return get_option( 'cli_seen' );") is False
