"""wp-config.php is read as PHP reads it, or not at all: PHP itself is the oracle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from learnomy_wp.kernel.wpconfig import (
    DatabaseHost,
    WpConfig,
    WpConfigError,
    parse_database_host,
    read_wp_config,
)

PLAIN = r"""<?php
/** The name of the database */
define( 'DB_NAME', 'shop' ); // define( 'DB_NAME', 'commented' );
# define( 'DB_NAME', 'also commented' );
/* define( 'DB_NAME', 'and here' ); */
define('DB_USER', "root");
define( 'DB_PASSWORD' , 'it\'s \\ a "pass" $word #1 // /* ?> <?php' );
define( 'DB_HOST', 'db.example:3307' );
define( 'DB_CHARSET', 'utf8' );
define( 'DB_COLLATE', '' );
define( 'NUMBERS', 0x1F );
define( 'OCTAL', 0755 );
define( 'FLOAT', 1.5 );
define( 'NEGATIVE', -3 );
define( 'WP_DEBUG', FALSE );
define( 'MULTISITE', true );
define( 'NOTHING', null );
const A_CONST = 'by const', ANOTHER = "second";
define( 'JOINED', 'a' . "b\tc\x41\101\u{e9}\q\$d" . DB_NAME . 1 );
define( 'BACK', "C:\\dir\\" );
define( 'NOT', ! WP_DEBUG );
define( 'TWICE', !! 'x' );
define( 'PARENT', dirname( __FILE__ ) . '/up' );
define( 'HERE', __DIR__ . '/' );
define( 'CHOICE', '' ?: 'fallback' );
define( 'BRACKETS', ( 'in' . 'side' ) );
@define( 'SILENT', 'yes' );
\define( 'ROOTED', 'yes' );
DEFINE( 'LOUD', 'yes' );
define( 'DB_NAME', 'a second time does not count' );
if ( ! defined( 'GUARDED' ) ) {
	define( 'GUARDED', 'once' );
}
if ( ! defined( 'GUARDED' ) ) define( 'GUARDED', 'never' );
defined( 'SHORT' ) || define( 'SHORT', 'one' );
defined( 'SHORT' ) or define( 'SHORT', 'two' );
if ( ! defined( 'COLON' ) ) :
	define( 'COLON', 'yes' );
endif;
$name = 'variable';
define( 'BY_VARIABLE', $name );
$table_prefix = 'shop_';
$text = <<<'EOT'
define( 'DB_HOST', 'in a heredoc' );
EOT;
$more = <<<EOT
  $table_prefix = 'x';
  EOT;
function later() { define( 'DB_USER', 'never called' ); $table_prefix = 'local_'; }
?>
define( 'DB_HOST', 'outside of PHP' );
<?php
define( 'LAST', 'tag' )
?>
"""

# As the official image ships it.
DOCKER = r"""<?php
if (!function_exists('getenv_docker')) {
	// https://github.com/docker-library/wordpress/issues/588
	function getenv_docker($env, $default) {
		if ($fileEnv = getenv($env . '_FILE')) {
			return rtrim(file_get_contents($fileEnv), "\r\n");
		}
		else if (($val = getenv($env)) !== false) {
			return $val;
		}
		else {
			return $default;
		}
	}
}
define( 'DB_NAME', getenv_docker('WORDPRESS_DB_NAME', 'wordpress') );
define( 'DB_USER', getenv_docker('WORDPRESS_DB_USER', 'example username') );
define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'example password') );
define( 'DB_HOST', getenv_docker('WORDPRESS_DB_HOST', 'mysql') );
define( 'DB_CHARSET', getenv_docker('WORDPRESS_DB_CHARSET', 'utf8mb4') );
define( 'DB_COLLATE', getenv_docker('WORDPRESS_DB_COLLATE', '') );
define( 'AUTH_KEY',         getenv_docker('WORDPRESS_AUTH_KEY',         'put your unique phrase here') );
define( 'AUTH_SALT',        getenv_docker('WORDPRESS_AUTH_SALT',        '8f1e2d') );
$table_prefix = getenv_docker('WORDPRESS_TABLE_PREFIX', 'wp_');
define( 'WP_DEBUG', !!getenv_docker('WORDPRESS_DEBUG', '') );
if (isset($_SERVER['HTTP_X_FORWARDED_PROTO']) && strpos($_SERVER['HTTP_X_FORWARDED_PROTO'], 'https') !== false) {
	$_SERVER['HTTPS'] = 'on';
}
if ($configExtra = getenv_docker('WORDPRESS_CONFIG_EXTRA', '')) {
	eval($configExtra);
}
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
"""


def read(tmp_path: Path, source: str, environ: dict[str, str] | None = None) -> WpConfig:
    path = tmp_path / "wp-config.php"
    path.write_bytes(source.encode())
    return read_wp_config(path, environ or {})


def php_says(path: Path, environ: dict[str, str]) -> dict[str, object]:
    """The constants and the prefix that PHP itself has after running the file."""
    script = (
        "ob_start(); include $argv[1]; ob_end_clean();"
        "echo json_encode(['constants' => get_defined_constants(true)['user'] ?? [],"
        " 'prefix' => $table_prefix ?? null]);"
    )
    php = shutil.which("php")
    assert php, "PHP is needed: it is the oracle of these tests"
    done = subprocess.run(
        [php, "-d", "display_errors=0", "-d", "log_errors=0", "-r", script, str(path)],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], **environ},
        timeout=30,
    )
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("source", "environ"),
    [
        (PLAIN, {}),
        (DOCKER, {}),
        (DOCKER, {"WORDPRESS_DB_NAME": "live", "WORDPRESS_DEBUG": "1", "WORDPRESS_TABLE_PREFIX": "dk_"}),
        (DOCKER, {"WORDPRESS_DB_PASSWORD": "", "WORDPRESS_AUTH_KEY": "k" * 64}),
    ],
)
def test_php_agrees_with_every_value_we_believe(tmp_path: Path, source: str, environ: dict[str, str]) -> None:
    config = read(tmp_path, source, environ)
    said = php_says(config.path, environ)
    assert dict(config.constants) == said["constants"]
    assert config.table_prefix() == said["prefix"]


def test_a_docker_secret_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    environ = {"WORDPRESS_DB_PASSWORD_FILE": str(tmp_path / "password"), "WORDPRESS_DB_PASSWORD": "not this"}
    config = read(tmp_path, DOCKER, environ)
    assert config.text("DB_PASSWORD") == "from a file"
    assert php_says(config.path, environ)["constants"]["DB_PASSWORD"] == "from a file"  # type: ignore[index]


UNSURE = [
    "if ( $_SERVER['HTTP_HOST'] === 'staging' ) { define( 'X', 'a' ); } else { define( 'X', 'b' ); }",
    "if ( getenv( 'STAGE' ) ) define( 'X', 'a' ); define( 'X', 'b' );",
    "if ( $a ): define( 'X', 'a' ); elseif ( $b ): define( 'X', 'b' ); else: define( 'X', 'c' ); endif;",
    "switch ( $_SERVER['HTTP_HOST'] ) { case 'a': define( 'X', 'a' ); break; default: define( 'X', 'b' ); }",
    "foreach ( array( 'a' ) as $i ) { define( 'X', $i ); }",
    "try { define( 'X', 'a' ); } catch ( Exception $e ) { }",
    "define( 'X', file_get_contents( '/etc/secret' ) );",
    "define( 'X', \"one $two\" );",
    "define( 'X', \"one {$two['three']}\" );",
    "define( 'X', $_SERVER['HTTP_HOST'] );",
    "define( 'X', getenv( 'NOT_SET_HERE' ) );",
    "define( 'X', $_ENV['NOT_SET_HERE'] );",
    "define( 'X', 1 + 1 );",
    "define( 'X', true ? 'a' : 'b' );",
    "define( 'X', UNKNOWN_CONSTANT );",
    "define( 'X', <<<EOT\nheredoc\nEOT\n);",
    "define( 'X', (string) 5 );",
    "$a = 'x'; $a .= 'y'; define( 'X', $a );",
    "if ( $_GET ) { $a = 'x'; } define( 'X', $a );",
    "file_exists( 'x' ) && define( 'X', 'a' );",
    "$done = define( 'X', 'a' );",
    "require 'local.php'; if ( ! defined( 'X' ) ) { define( 'X', 'a' ); }",
    "include __DIR__ . '/local.php'; defined( 'X' ) || define( 'X', 'a' );",
    "if ( ! defined( 'Y' ) ) { define( 'Y', 1 ); } if ( ! defined( 'Y' ) ) { define( 'X', 'a' ); }",
    "if ( $a ) { if ( ! defined( 'X' ) ) { define( 'X', 'a' ); } }",
    "if ( $a ): if ( $b ): endif; define( 'X', 'a' ); endif;",
    "if ( ! defined( 'X' ) && $a ) { define( 'X', 'a' ); }",
    "while ( false ) define( 'X', 'a' );",
]


@pytest.mark.parametrize("body", UNSURE)
def test_what_depends_on_code_is_reported_and_not_guessed(tmp_path: Path, body: str) -> None:
    config = read(tmp_path, f"<?php\n{body}\n")
    assert "X" not in config.constants
    with pytest.raises(WpConfigError, match=r"X in .* cannot be read without executing it"):
        config.text("X")


@pytest.mark.parametrize(
    "body",
    [
        "if ( $a ) { $table_prefix = 'a_'; } else { $table_prefix = 'b_'; }",
        "$table_prefix = 'a_'; if ( $a ) { $table_prefix = 'b_'; }",
        "$table_prefix = 'a_'; $table_prefix .= 'b_';",
        "$table_prefix = strtolower( 'A_' );",
    ],
)
def test_an_unsure_prefix_is_not_guessed(tmp_path: Path, body: str) -> None:
    with pytest.raises(WpConfigError, match=r"\$table_prefix"):
        read(tmp_path, f"<?php {body}").table_prefix()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("define( 'X', getenv( 'SET_HERE' ) );", "here"),
        ("define( 'X', getenv( 'SET_HERE', true ) ?: 'default' );", "here"),
        ("define( 'X', getenv( 'NOT_SET' ) ?: 'default' );", "default"),
        ("define( 'X', $_ENV['SET_HERE'] ?? 'default' );", "here"),
        ("define( 'X', $_ENV['NOT_SET'] ?? getenv( 'NOT_SET' ) ?: 'default' );", "default"),
        ("if ( $a ) { define( 'Y', 1 ); } define( 'X', 'after' );", "after"),
        ("if ( $a ): define( 'Y', 1 ); endif; define( 'X', 'after' );", "after"),
        ("if ( $a ): if ( $b ): endif; else: endif; define( 'X', 'after' );", "after"),
        ("$f = function () { return 1; }; define( 'X', 'after' );", "after"),
        ("class A { const X = 1; function b() { define( 'X', 2 ); } } define( 'X', 'after' );", "after"),
        ("do { $i = 1; } while ( false ); define( 'X', 'after' );", "after"),
        ("define( 'X', 'first' ); if ( $a ) { define( 'X', 'second' ); }", "first"),
        ("require_once ABSPATH . 'wp-settings.php'; if ( ! defined( 'X' ) ) { define( 'X', 'a' ); }", "a"),
    ],
)
def test_plain_forms_are_read(tmp_path: Path, body: str, value: str) -> None:
    assert read(tmp_path, f"<?php {body}", {"SET_HERE": "here"}).text("X") == value


def test_hostile_files_end(tmp_path: Path) -> None:
    for source in (
        "<?php " + "(" * 5000,
        "<?php '" + "\\" * 9999,
        "<?php /*",
        "<?php <<<A\n",
        "<?php }}}} define(",
        "",
    ):
        assert read(tmp_path, source).constants == {}
    path = tmp_path / "large.php"
    path.write_bytes(b"<?php " + b" " * 1_000_001)
    with pytest.raises(WpConfigError, match="too large"):
        read_wp_config(path, {})
    with pytest.raises(WpConfigError, match="cannot be read"):
        read_wp_config(tmp_path / "missing.php", {})


def test_a_long_file_takes_no_long_time(tmp_path: Path) -> None:
    config = read(tmp_path, "<?php\n" + "define( 'A', 1 );\n" * 50_000 + "define( 'X', 'end' );\ndefine( 'Y', f() );")
    assert config.text("X") == "end"
    assert config.unreadable["Y"].startswith("line 50003:")


def test_deep_expressions_are_refused_and_do_not_overflow(tmp_path: Path) -> None:
    source = "<?php define( 'X', " + "(" * 20_000 + "1" + ")" * 20_000 + " );"
    with pytest.raises(WpConfigError):
        read(tmp_path, source).text("X")


# --- the database ----------------------------------------------------------------------


@contextmanager
def listening_socket(path: Path) -> Iterator[str]:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(str(path))
        yield str(path)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("db", DatabaseHost("db")),
        ("db:3307", DatabaseHost("db", 3307)),
        ("127.0.0.1", DatabaseHost("127.0.0.1")),
        ("localhost", DatabaseHost("localhost")),
        ("localhost:3307", DatabaseHost("localhost", 3307)),
        ("localhost:/run/my.sock", DatabaseHost("localhost", socket="/run/my.sock")),
        (":/run/my.sock", DatabaseHost("", socket="/run/my.sock")),
        ("localhost:3306:/run/my.sock", DatabaseHost("localhost", socket="/run/my.sock")),
        ("[::1]:3306", DatabaseHost("::1", 3306)),
        ("[::1]", DatabaseHost("::1")),
        ("::1", DatabaseHost("::1")),
        ("2001:db8::5", DatabaseHost("2001:db8::5")),
        ("::1:/run/my.sock", DatabaseHost("::1", socket="/run/my.sock")),
        ("", DatabaseHost("127.0.0.1")),
    ],
)
def test_db_host_forms(written: str, expected: DatabaseHost) -> None:
    assert parse_database_host(written) == expected


def test_localhost_is_the_default_socket_where_there_is_one(tmp_path: Path) -> None:
    with listening_socket(tmp_path / "my.sock") as path:
        assert parse_database_host("localhost", ["/nowhere", path]).socket == path
        assert parse_database_host("127.0.0.1", [path]).socket is None


def test_the_database_url(tmp_path: Path) -> None:
    config = read(tmp_path, PLAIN)
    url = make_url(config.database_url())
    assert (url.drivername, url.username, url.host, url.port) == ("mysql", "root", "db.example", 3307)
    assert url.password == 'it\'s \\ a "pass" $word #1 // /* ?> <?php'
    assert url.database == "shop"
    assert url.query == {"charset": "utf8mb4"}
    by_socket = make_url(read(tmp_path, PLAIN.replace("db.example:3307", ":/run/my.sock")).database_url())
    assert by_socket.query["unix_socket"] == "/run/my.sock"
    assert by_socket.host is None


def test_a_missing_constant_is_named_with_the_included_files(tmp_path: Path) -> None:
    config = read(tmp_path, "<?php require_once __DIR__ . '/vendor/autoload.php';")
    with pytest.raises(WpConfigError, match=r"DB_HOST is not set .*vendor/autoload\.php"):
        config.database_url()


# --- salts -----------------------------------------------------------------------------


def test_salts_follow_wp_salt(tmp_path: Path) -> None:
    source = """<?php
    define( 'AUTH_KEY', 'one' ); define( 'AUTH_SALT', 'two' );
    define( 'SECURE_AUTH_KEY', 'same' ); define( 'SECURE_AUTH_SALT', 'same' );
    define( 'LOGGED_IN_KEY', 'put your unique phrase here' ); define( 'LOGGED_IN_SALT', 'three' );
    define( 'NONCE_KEY', '' );"""
    assert read(tmp_path, source).salt_parts() == {"auth_key": "one", "auth_salt": "two", "logged_in_salt": "three"}


def test_old_sites_have_one_secret_key(tmp_path: Path) -> None:
    source = "<?php define( 'SECRET_KEY', 'old' ); define( 'SECRET_SALT', 'older' ); define( 'NONCE_KEY', 'own' );"
    assert read(tmp_path, source).salt_parts() == {
        "auth_key": "old",
        "auth_salt": "older",
        "secure_auth_key": "old",
        "logged_in_key": "old",
        "nonce_key": "own",
    }


def test_final_salts_and_the_bridge_salt(tmp_path: Path) -> None:
    config = read(
        tmp_path, "<?php define( 'AUTH_KEY', 'one' ); define( 'AUTH_SALT', 'two' ); define( 'NONCE_KEY', 'x' );"
    )
    assert config.salts() == {"auth": "onetwo"}
    assert config.bridge_salt() == hashlib.sha256(b"onetwo").hexdigest()
    assert read(tmp_path, "<?php define( 'AUTH_KEY', 'one' );").bridge_salt() == ""
