"""What each door loads where nobody listens: the direct one no PHP at all, the early one no plugin and no theme."""

from __future__ import annotations

import pytest

from tests.wordpress.acceptance.academy import Academy

PROBE = """
$GLOBALS['acceptance_began'] = hrtime( true );
note_down( array( 'loaded' => 'must-use' ) );
register_shutdown_function( function () {
	global $wpdb;
	note_down( array(
		'loaded'  => 'end',
		'queries' => $wpdb->num_queries,
		'plugins' => did_action( 'plugins_loaded' ),
		'theme'   => did_action( 'setup_theme' ),
		'ms'      => ( hrtime( true ) - $GLOBALS['acceptance_began'] ) / 1e6,
	) );
} );
"""
PLUGIN = 'file_put_contents( WP_CONTENT_DIR . \'/noted.log\', \'{"loaded": "plugin"}\' . "\\n", FILE_APPEND );'


@pytest.mark.wordpress("6.1", "7.1")
def test_direct_and_early_load_no_plugins(academy: Academy) -> None:
    site = academy.site
    course = academy.course
    path = f"/courses/{course.slug}"
    with site.plugin("acceptance-probe", PLUGIN), academy.listening(PROBE):
        asked = [
            ("GET", path, {}),
            ("GET", "/courses", {}),
            ("GET", "/me/courses", {"headers": academy.bearer("student")}),
            ("GET", path, {"auth": academy.teacher}),
            ("PUT", f"/lessons/{course.lessons[0]}/position", {"headers": academy.bearer("student"), "json": {}}),
            ("GET", "/no-such-thing", {}),
            ("POST", "/sync", {"headers": academy.bearer("student"), "json": {}}),
        ]
        academy.log.unlink()
        for method, target, how in asked:
            answer = site.request(method, target, **how)
            assert academy.door_of(answer) == "direct", target
        assert academy.noted() == []

        for method, target, how in asked:
            academy.log.unlink(missing_ok=True)
            answer = site.request(method, target, door="early", **how)
            assert academy.door_of(answer) == "early", target
            noted = academy.until(lambda seen: any(note["loaded"] == "end" for note in seen))
            assert [note["loaded"] for note in noted] == ["must-use", "end"], target
            end = noted[-1]
            assert (end["plugins"], end["theme"]) == (0, 0), target
            assert end["queries"] <= 2, target

        academy.log.unlink(missing_ok=True)
        assert academy.door_of(site.get(path, door="full")) == "full"
        noted = academy.until(lambda seen: any(note["loaded"] == "end" for note in seen))
        assert [note["loaded"] for note in noted] == ["must-use", "plugin", "end"]
