"""Options: several in one query, decoded as WordPress does; writing on the embedded default."""

import pytest
from sqlalchemy import create_engine, event, insert, select

from wp_schema import options, php
from wp_schema.tables import bind_prefix, sitemeta
from wp_schema.tables import options as table


@pytest.fixture
def connection(any_database_url):
    engine = bind_prefix(create_engine(any_database_url), lambda: ("wp_", "wp_3_"))
    with engine.begin() as opened:
        table.create(opened)
        yield opened
    engine.dispose()


def test_values_come_back_as_written(connection):
    written = {"a": "text", "b": ["x", {"k": None}], "c": {"é": 1.5}, "d": "a:0:{}", "e": "", "f": "b:0;"}
    for name, value in written.items():
        options.write(connection.execute, name, value)
    assert options.read(connection.execute, [*written, "absent"]) == written


def test_scalars_become_text(connection):
    for name, value in {"yes": True, "no": False, "none": None, "number": 5, "part": 0.5}.items():
        options.write(connection.execute, name, value)
    assert options.read(connection.execute, ["yes", "no", "none", "number", "part"]) == {
        "yes": "1",
        "no": "",
        "none": "",
        "number": "5",
        "part": "0.5",
    }


def test_a_second_write_changes_the_first(connection):
    options.write(connection.execute, "a", [1], autoload=False)
    options.write(connection.execute, "a", [2])
    options.write(connection.execute, "a", [2])
    rows = connection.execute(select(table.c.option_value, table.c.autoload)).all()
    assert rows == [("a:1:{i:0;i:2;}", "no")]
    options.write(connection.execute, "b", 1)
    assert connection.scalar(select(table.c.autoload).where(table.c.option_name == "b")) == "yes"


def test_an_option_that_appears_meanwhile_is_changed(connection):
    def execute(statement, values):
        found = connection.execute(statement, values)
        if statement is options._HAS:
            connection.execute(insert(table), {"option_name": "a", "option_value": "theirs", "autoload": "no"})
        return found

    options.write(execute, "a", "ours")
    rows = connection.execute(select(table.c.option_value, table.c.autoload)).all()
    assert rows == [("ours", "no")]


def test_removing(connection):
    options.write(connection.execute, "a", 1)
    options.write(connection.execute, "b", 2)
    options.remove(connection.execute, "a")
    options.remove(connection.execute, "absent")
    assert options.read(connection.execute, ["a", "b"]) == {"b": "2"}


def test_one_query_for_any_number(connection):
    sent = []
    event.listen(connection, "before_cursor_execute", lambda *args: sent.append(args[2]))
    options.read(connection.execute, [f"name{number}" for number in range(40)])
    assert len(sent) == 1
    assert options.read(connection.execute, []) == {}


def test_a_networks_options(connection):
    sitemeta.create(connection)
    for site_id, key, value in ((1, "site_admins", 'a:1:{i:0;s:4:"root";}'), (2, "site_admins", "a:0:{}")):
        connection.execute(insert(sitemeta), {"site_id": site_id, "meta_key": key, "meta_value": value})
    assert options.read_network(connection.execute, ["site_admins", "absent"]) == {"site_admins": ["root"]}
    assert options.read_network(connection.execute, ["site_admins"], 2) == {"site_admins": []}


def test_addresses_come_as_get_option_gives_them():
    rows = [
        {"option_name": "siteurl", "option_value": "http://example.test/wp/"},
        {"option_name": "home", "option_value": ""},
        {"option_name": "blogname", "option_value": "With a slash/"},
        {"option_name": "category_base", "option_value": "/topics/"},
    ]
    assert options.decode(rows) == {
        "siteurl": "http://example.test/wp",
        "home": "http://example.test/wp",
        "blogname": "With a slash/",
        "category_base": "/topics",
    }
    assert options.decode(rows[1:2]) == {"home": ""}


def test_one_unreadable_option_spoils_no_other():
    rows = [
        {"option_name": "bad", "option_value": "a:1:{}"},
        {"option_name": "object", "option_value": 'O:8:"stdClass":0:{}'},
        {"option_name": "good", "option_value": php.to_text(["x"])},
    ]
    assert options.decode(rows) == {"bad": False, "object": False, "good": ["x"]}
