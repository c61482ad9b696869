"""PHP's serialize format: round trips, the older library as an oracle, and hostile text."""

import math

import phpserialize
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wp_schema import php

INTS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
FLOATS = st.floats(allow_nan=False)
SCALARS = st.none() | st.booleans() | INTS | FLOATS | TEXT
KEYS = INTS | TEXT.filter(lambda key: not key.lstrip("-").isdecimal())


def _settled(value: dict) -> object:
    """A dict that is a PHP list comes back as one."""
    return list(value.values()) if list(value) == list(range(len(value))) else value


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5).map(_settled),
    max_leaves=25,
)


@given(VALUES)
@example(-0.0)
@example({1: "a", 0: "b"})
@example({"05": 1, "-0": 2, "9223372036854775808": 3, "": 4})
@example('zwölf 🎓 \0 ";}')
def test_what_is_written_reads_back(value):
    assert repr(php.unserialize(php.serialize(value))) == repr(value)


def _as_phpserialize(value):
    """phpserialize reads every array as a dict."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        return {key: _as_phpserialize(item) for key, item in value.items()}
    return value


@given(VALUES)
def test_phpserialize_reads_what_is_written(value):
    read = phpserialize.loads(php.serialize(value), decode_strings=True)
    assert read == _as_phpserialize(value)


@given(
    st.recursive(
        st.none() | st.booleans() | INTS | TEXT,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5).map(_settled),
        max_leaves=25,
    )
)
def test_phpserialize_writes_the_same_bytes(value):
    assert php.serialize(value) == phpserialize.dumps(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "N;"),
        (True, "b:1;"),
        (False, "b:0;"),
        (-7, "i:-7;"),
        ("é", 's:2:"é";'),
        ("", 's:0:"";'),
        (b"ab", 's:2:"ab";'),
        ([], "a:0:{}"),
        ((), "a:0:{}"),
        ({}, "a:0:{}"),
        (["x", "y"], 'a:2:{i:0;s:1:"x";i:1;s:1:"y";}'),
        ({"5": 1, "05": 2, -1: 3}, 'a:3:{i:5;i:1;s:2:"05";i:2;i:-1;i:3;}'),
        (0.1, "d:0.1;"),
        (5.0, "d:5;"),
        (-0.0, "d:-0;"),
        (0.0001, "d:0.0001;"),
        (0.00001, "d:1.0E-5;"),
        (1.5e-7, "d:1.5E-7;"),
        (1e16, "d:10000000000000000;"),
        (1e17, "d:1.0E+17;"),
        (123456789012345678.0, "d:1.2345678901234568E+17;"),
        (5e-324, "d:5.0E-324;"),
        (math.inf, "d:INF;"),
        (-math.inf, "d:-INF;"),
        (math.nan, "d:NAN;"),
    ],
)
def test_written_forms(value, text):
    assert php.serialize(value).decode() == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("i:+5;", 5),
        ("i:-0;", 0),
        ("d:5;", 5.0),
        ("d:.5;", 0.5),
        ("d:1.;", 1.0),
        ("d:-.5E3;", -500.0),
        ("a:00:{}", []),
        ('a:1:{s:1:"5";i:1;}', {5: 1}),
        ("a:2:{i:0;i:1;i:0;i:2;}", [2]),
        ('a:2:{i:0;s:1:"x";i:1;R:2;}', ["x", "x"]),
        ("a:3:{i:0;a:1:{i:0;i:1;}i:1;R:2;i:2;R:3;}", [[1], [1], 1]),
        ("a:3:{i:0;i:7;i:1;R:2;i:2;R:2;}", [7, 7, 7]),
        ('a:4:{i:0;i:1;i:1;s:1:"v";i:2;R:3;s:1:"k";a:2:{i:0;i:2;i:1;R:3;}}', {0: 1, 1: "v", 2: "v", "k": [2, "v"]}),
        (b's:2:"\xff\xfe";', "\udcff\udcfe"),
    ],
)
def test_forms_that_php_reads(text, value):
    read = php.unserialize(text)
    assert read == value
    assert type(read) is type(value)


def test_stray_bytes_survive():
    raw = b'a:1:{s:1:"\xff";s:2:"\xc3\xa9";}'
    assert php.serialize(php.unserialize(raw)) == raw
    assert php.serialize(php.unserialize(raw.decode("utf-8", "surrogateescape"))) == raw


def test_a_reference_is_a_copy():
    first, second = php.unserialize("a:2:{i:0;a:1:{i:0;i:1;}i:1;R:2;}")
    first.append(2)
    assert second == [1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "N",
        "b:2;",
        "i:5",
        "i: 5;",
        "i:9223372036854775808;",
        "i:99999999999999999999999;",
        "d:inf;",
        "d:0x1A;",
        "d:.;",
        's:+3:"abc";',
        's:-1:"";',
        's:4:"abc";',
        's:2:"abc";',
        's:999999999999:"abc";',
        's:9999999999999999999999:"abc";',
        "a:-1:{}",
        "a:1:{}",
        "a:0:{i:0;i:1;}",
        "a:2:{i:0;i:1;}",
        "a:999999999999:{i:0;i:1;}",
        "a:1:{i:0;i:1;",
        "a:1:{d:1;i:1;}",
        "a:1:{b:1;i:1;}",
        "a:1:{N;i:1;}",
        "a:1:{R:1;i:1;}",
        "a:1:{i:0;R:1;}",
        "a:1:{i:0;a:1:{i:0;R:2;}}",
        "a:1:{i:0;R:2;}",
        "a:2:{i:0;i:7;i:1;R:0;}",
        "R:1;",
        "i:5;x",
        "N;N;",
        "a:0:{}}",
        " i:5;",
        'S:1:"\\41";',
        "x:1;",
    ],
)
def test_malformed_text_is_refused(text):
    with pytest.raises(php.PhpError):
        php.unserialize(text)


@pytest.mark.parametrize(
    "text",
    [
        'O:8:"stdClass":0:{}',
        'C:11:"ArrayObject":0:{}',
        'E:11:"Suit:Hearts";',
        'a:1:{i:0;O:8:"stdClass":1:{s:1:"a";i:1;}}',
        'a:2:{i:0;s:1:"x";i:1;r:2;}',
    ],
)
def test_objects_are_refused(text):
    with pytest.raises(php.PhpObjectError, match="objects are not read"):
        php.unserialize(text)


def test_an_object_in_a_field_reads_as_unreadable():
    assert php.maybe_unserialize('O:8:"stdClass":0:{}') is False


def test_bounds_hold():
    with pytest.raises(php.PhpError, match="bytes"):
        php.unserialize('s:3:"abc";', max_bytes=9)
    with pytest.raises(php.PhpError, match="more values"):
        php.unserialize("a:3:{i:0;N;i:1;N;i:2;N;}", max_items=3)
    with pytest.raises(php.PhpError, match="deeper"):
        php.unserialize("a:1:{i:0;" * 200_000)
    with pytest.raises(php.PhpError, match="deeper"):
        php.unserialize("a:1:{i:0;" * 3 + "N;" + "}" * 3, max_depth=2)


def test_references_multiply_within_the_bounds_only():
    doubled = "i:1;"
    for depth in reversed(range(24)):
        doubled = f"a:2:{{i:0;{doubled}i:1;R:{depth + 2};}}"
    bomb = "a:2:{i:0;a:9:{" + "".join(f"i:{n};i:{n};" for n in range(9)) + "}"
    bomb = bomb.replace("a:2:", "a:60000:") + "".join(f"i:{n};R:2;" for n in range(1, 60000)) + "}"
    with pytest.raises(php.PhpError, match="more values"):
        php.unserialize(doubled)
    with pytest.raises(php.PhpError, match="more values"):
        php.unserialize(bomb)


def test_references_cannot_add_up_to_a_deep_value():
    nested = "a:1:{i:0;" * 40 + "i:1;" + "}" * 40
    parts, slot = [f"i:0;{nested}"], 2
    for number in range(1, 30):
        parts.append(f"i:{number};" + "a:1:{i:0;" * 40 + f"R:{slot};" + "}" * 40)
        slot += 41 if number == 1 else 40
    with pytest.raises(php.PhpError, match="deeper"):
        php.unserialize(f"a:{len(parts)}:{{{''.join(parts)}}}")


@settings(max_examples=500)
@given(st.binary(max_size=60) | st.text('aNibdsROCE0123456789:;{}"+-.', max_size=40).map(str.encode))
def test_any_text_is_a_value_or_an_error(raw):
    try:
        value = php.unserialize(raw)
    except php.PhpError:
        return
    assert repr(php.unserialize(php.serialize(value))) == repr(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, object(), {1.5: 1}, {None: 1}, {1, 2}, [[lambda: 0]]])
def test_what_php_has_not_is_not_written(value):
    with pytest.raises(php.PhpError):
        php.serialize(value)


def test_a_value_in_itself_is_not_written():
    ring: list = []
    ring.append(ring)
    with pytest.raises(php.PhpError, match="in itself"):
        php.serialize(ring)


@pytest.mark.parametrize(
    ("text", "strict", "loose"),
    [
        ("N;", True, True),
        (" a:0:{} \n", True, True),
        ('s:3:"abc";', True, True),
        ('s:3:"abc"', False, False),
        ('s:3:"a;c"', False, True),
        ("i:5;", True, True),
        ("i:5;x", False, True),
        ("b:1;", True, True),
        ("d:0.5E+3;", True, True),
        ("d:INF;", False, False),
        ('O:8:"stdClass":0:{}', True, True),
        ('E:7:"A:BCDEF";', True, True),
        ('C:3:"ABC":0:{}', False, False),
        ("a:x:{}", False, False),
        ("a:1;", False, False),
        ("a:1:;", True, True),
        ("s:é;", False, False),
        ("plain", False, False),
        ("i:", False, False),
        ("", False, False),
        (5, False, False),
        (None, False, False),
    ],
)
def test_what_looks_serialized(text, strict, loose):
    assert php.is_serialized(text) is strict
    assert php.is_serialized(text, strict=False) is loose


def test_maybe_unserialize_leaves_plain_values():
    assert php.maybe_unserialize("plain") == "plain"
    assert php.maybe_unserialize(None) is None
    assert php.maybe_unserialize(" i:5; ") == 5
    assert php.maybe_unserialize("b:0;") is False
    assert php.maybe_unserialize('s:9:"short";') is False


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (["a"], 'a:1:{i:0;s:1:"a";}'),
        ("plain", "plain"),
        ("i:5;", 's:4:"i:5;";'),
        (True, "1"),
        (False, ""),
        (None, ""),
        (12, "12"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (1e14, "1.0E+14"),
        (1e15, "1.0E+15"),
        (1 / 3, "0.33333333333333"),
        (math.inf, "INF"),
    ],
)
def test_stored_text(value, stored):
    assert php.to_text(value) == stored


@pytest.mark.parametrize("value", [True, 1, "1", "0.0", " ", [0], {"a": None}, 0.1])
def test_truthy(value):
    assert php.is_truthy(value)


@pytest.mark.parametrize("value", [False, None, 0, 0.0, "", "0", [], {}])
def test_falsy(value):
    assert not php.is_truthy(value)
