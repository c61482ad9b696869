"""The configuration: precedence, defaults, and errors that name the variable."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from learnomy_wp.config import Config, ConfigError, require_strong_secret
from learnomy_wp.serve import serve

STRONG = "9f2c4b1de87a4c03b6d5e1f0a2837465"
WP_CONFIG = """<?php
define( 'DB_NAME', 'site' ); define( 'DB_USER', 'u' ); define( 'DB_PASSWORD', 'p' ); define( 'DB_HOST', 'db:3307' );
$table_prefix = 'shop_';
"""


def load(tmp_path: Path, **environ: str) -> Config:
    return Config.load(environ, tmp_path)


def with_wp_config(tmp_path: Path, more: str = "", **environ: str) -> Config:
    (tmp_path / "wp-config.php").write_text(WP_CONFIG + more)
    return load(tmp_path, LEARNOMY_WP_CONFIG="wp-config.php", **environ)


def test_the_embedded_default(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.embedded
    assert config.database_url == f"sqlite:///{tmp_path}/var/learnomy.sqlite3"
    assert (config.base_prefix, config.redis_url, config.host, config.port) == ("wp_", None, "127.0.0.1", 8000)
    assert (config.lease_seconds, config.response_cache, config.metrics) == (60, True, True)
    secret = tmp_path / "var" / "secret"
    assert config.secret == secret.read_text()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert load(tmp_path).secret == config.secret


def test_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(20) as pool:
        found = {config.secret for config in pool.map(lambda _: load(tmp_path), range(40))}
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret"]


def test_a_weak_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret").write_text("short")
    with pytest.raises(ConfigError, match="var/secret"):
        load(tmp_path)


def test_the_environment_wins_over_wp_config(tmp_path: Path) -> None:
    config = with_wp_config(
        tmp_path, DATABASE_URL="mysql://a:b@other/live", LEARNOMY_TABLE_PREFIX="x_", LEARNOMY_SECRET=STRONG
    )
    assert config.database_url == "mysql+mysqldb://a:b@other/live"
    assert (config.base_prefix, config.secret, config.embedded) == ("x_", STRONG, False)


def test_pymysql_serves_where_mysqlclient_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnomy_wp.config.find_spec", lambda name: None)
    assert load(tmp_path, DATABASE_URL="mysql://a:b@h/live").database_url == "mysql+pymysql://a:b@h/live"
    assert load(tmp_path, DATABASE_URL="mysql+mysqldb://a:b@h/live").database_url == "mysql+mysqldb://a:b@h/live"
    config = with_wp_config(tmp_path, LEARNOMY_SECRET=STRONG)
    assert config.database_url.startswith("mysql+pymysql://")


def test_wp_config_is_the_fallback(tmp_path: Path) -> None:
    config = with_wp_config(
        tmp_path, f"define( 'LEARNOMY_SECRET', '{STRONG}' ); define( 'LEARNOMY_LEASE_SECONDS', 3 );"
    )
    url = make_url(config.database_url)
    assert (url.host, url.port, url.database, url.username, url.password) == ("db", 3307, "site", "u", "p")
    assert (config.base_prefix, config.secret, config.lease_seconds) == ("shop_", STRONG, 3)
    assert config.wordpress is not None
    assert not (tmp_path / "var").exists()


def test_without_a_secret_the_pairing_gives_it(tmp_path: Path) -> None:
    assert with_wp_config(tmp_path).secret is None


def test_the_folder_of_a_site_will_do(tmp_path: Path) -> None:
    (tmp_path / "wp-config.php").write_text(WP_CONFIG)
    assert load(tmp_path, LEARNOMY_WP_CONFIG=str(tmp_path)).base_prefix == "shop_"


def test_switches_and_lists(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        PORT="9000",
        LEARNOMY_STATE_DIR=str(tmp_path / "state"),
        LEARNOMY_RESPONSE_CACHE="off",
        LEARNOMY_METRICS="no",
        LEARNOMY_OUTBOUND_HOSTS="Hooks.internal, 10.0.0.7",
        LEARNOMY_LEASE_SECONDS="3",
        LEARNOMY_LOG_LEVEL="DEBUG",
        LEARNOMY_REDIS_URL="redis://127.0.0.1:6379/3",
        LEARNOMY_REDIS_NAMESPACE="mine",
    )
    assert (config.port, config.state_dir, config.log_level) == (9000, tmp_path / "state", "debug")
    assert not config.response_cache
    assert not config.metrics
    assert config.outbound_hosts == {"hooks.internal", "10.0.0.7"}
    assert (config.redis_url, config.redis_namespace) == ("redis://127.0.0.1:6379/3", "mine")


def test_sites_on_one_redis_are_kept_apart(tmp_path: Path) -> None:
    names = {
        load(tmp_path, DATABASE_URL=url, LEARNOMY_TABLE_PREFIX=prefix).redis_namespace
        for url in ("mysql://a:b@h/one", "mysql://a:b@h/two")
        for prefix in ("wp_", "x_")
    }
    assert len(names) == 4
    first = load(tmp_path, DATABASE_URL="mysql://a:b@h/one").redis_namespace
    assert first == load(tmp_path, DATABASE_URL="mysql://a:other@h/one").redis_namespace


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),
        (None, True),
        ("unix:", True),
        ("10.0.0.1", False),
        ("203.0.113.9", False),
        ("not an address", False),
    ],
)
def test_trusted_proxies_by_default(tmp_path: Path, peer: str | None, trusted: bool) -> None:
    assert load(tmp_path).trusts(peer) is trusted


def test_trusted_proxies_can_be_set(tmp_path: Path) -> None:
    config = load(tmp_path, LEARNOMY_TRUSTED_PROXIES="10.1.0.0/16 2001:db8::/32")
    assert [config.trusts(peer) for peer in ("10.1.2.3", "2001:db8::7", "127.0.0.1", "")] == [True, True, False, False]
    assert not load(tmp_path, LEARNOMY_TRUSTED_PROXIES="none").trusts("127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "٣"),
        ("LEARNOMY_LEASE_SECONDS", "-1"),
        ("LEARNOMY_WORKERS", "many"),
        ("LEARNOMY_METRICS", "perhaps"),
        ("LEARNOMY_RESPONSE_CACHE", "2"),
        ("LEARNOMY_LOG_LEVEL", "loud"),
        ("LEARNOMY_LOG_FORMAT", "xml"),
        ("LEARNOMY_REDIS_URL", "localhost:6379"),
        ("LEARNOMY_TRUSTED_PROXIES", "everyone"),
        ("LEARNOMY_TABLE_PREFIX", "wp-"),
        ("LEARNOMY_TABLE_PREFIX", "wp_`; DROP"),
        ("LEARNOMY_TABLE_PREFIX", "wp_\u00e9"),
        ("LEARNOMY_TABLE_PREFIX", "p" * 37),
        ("DATABASE_URL", "postgresql://a:b@h/d"),
        ("DATABASE_URL", "mysql://a:b@h"),
        ("DATABASE_URL", "no url"),
        ("LEARNOMY_WP_CONFIG", "missing.php"),
        ("LEARNOMY_SECRET", ""),
    ],
)
def test_errors_name_the_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(tmp_path, **{name: value})


def test_an_unreadable_wp_config_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "a.php").write_text("<?php define( 'DB_HOST', pick_host() ); $table_prefix = 'wp_';")
    with pytest.raises(ConfigError, match=r"DB_HOST.*pick_host.*DATABASE_URL"):
        load(tmp_path, LEARNOMY_WP_CONFIG="a.php")
    (tmp_path / "b.php").write_text("<?php $table_prefix = pick();")
    with pytest.raises(ConfigError, match="LEARNOMY_TABLE_PREFIX"):
        load(tmp_path, LEARNOMY_WP_CONFIG="b.php", DATABASE_URL="mysql://a:b@h/d")


def test_an_error_never_shows_the_password(tmp_path: Path) -> None:
    for url in ("postgresql://a:hunter2@h/d", "mysql://a:hunter2@h", "mysql://a:hunter2@h:port/d"):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, DATABASE_URL=url)
        assert "hunter2" not in str(caught.value)


# A service with a secret that anyone can know lets anyone sign as anyone: it must not start.
WEAK = [
    None,
    "",
    "   ",
    "short",
    STRONG[:31],
    "put your unique phrase here",
    "put your unique phrase here" * 2,
    "Put-Your-Unique-Phrase-Here!!!!!!!!!!!",
    "changeme" * 5,
    "CHANGEME-changeme-ChangeMe-changeme",
    "change-me-to-a-long-random-string",
    "a" * 64,
    "ab" * 32,
    "abcabcabcabcabcabcabcabcabcabcabcabc",
    "0123456789abcdef0123456789abcdef",
    "0123456789" * 4,
    "passwordpasswordpasswordpassword",
    "secretsecretsecretsecretsecretsecret",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "learnomy-demo-learnomy-demo-learnomy-demo",
    "your-256-bit-secret-your-256-bit-secret",
]


@pytest.mark.parametrize("secret", WEAK)
def test_weak_secrets_are_refused(secret: str | None) -> None:
    with pytest.raises(ConfigError, match=r"LEARNOMY_SECRET.*openssl rand -hex 32"):
        require_strong_secret(secret)


@pytest.mark.parametrize(
    "secret", [STRONG, STRONG * 2, "!@#$%^&*()_+{}|:<>?-=[];,./~!@#$%^&*", "correct horse battery staple 42 ok"]
)
def test_strong_secrets_pass(secret: str) -> None:
    assert require_strong_secret(secret) == secret


def test_a_weak_secret_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="well-known"):
        load(tmp_path, LEARNOMY_SECRET="changeme" * 5)
    with pytest.raises(ConfigError, match="constant LEARNOMY_SECRET"):
        with_wp_config(tmp_path, "define( 'LEARNOMY_SECRET', 'put your unique phrase here' );")
    with pytest.raises(ConfigError, match="LEARNOMY_SECRET"):
        with_wp_config(tmp_path, "define( 'LEARNOMY_SECRET', vault( 'x' ) );")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "learnomy.example"])
def test_the_embedded_default_is_served_to_this_machine_only(tmp_path: Path, host: str) -> None:
    """Everybody knows its logins."""
    with pytest.raises(ConfigError, match="loopback"):
        serve(load(tmp_path, LEARNOMY_HOST=host))
