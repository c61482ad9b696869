"""Files from strangers: refused, in bounded memory and time, and with nothing written."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from learnomy_wp.questions.formats import FORMATS
from learnomy_wp.questions.formats.base import MAX_QUESTIONS, Unreadable
from learnomy_wp.questions.formats.markup import MAX_ALL_UNPACKED, MAX_UNPACKED
from tests.client import Api
from tests.processor import processor_seconds
from tests.questions.bank import Bank
from wp_schema.tables import questions

MEGABYTE = 1024 * 1024
ITEM = (
    b'<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="i" title="T" adaptive="false"'
    b' timeDependent="false"><responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">'
    b"<correctResponse><value>a</value></correctResponse></responseDeclaration><itemBody><p>Q</p>"
    b'<choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">'
    b'<simpleChoice identifier="a">A</simpleChoice><simpleChoice identifier="b">B</simpleChoice>'
    b"</choiceInteraction></itemBody></assessmentItem>"
)
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n > 1 else b"&a;" * 10) for n in range(1, 12))
    + b']><quiz><question type="essay"><name><text>&a11;</text></name></question></quiz>'
)
BLOWUP = b'<!DOCTYPE quiz [<!ENTITY a "' + b"x" * 100_000 + b'">]><quiz>' + b"&a;" * 10_000 + b"</quiz>"
OUTSIDE = b'<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz><question type="&x;"/></quiz>'
REMOTE = b'<!DOCTYPE quiz SYSTEM "http://127.0.0.1:1/evil.dtd"><quiz/>'
PARAMETER = b'<!DOCTYPE quiz [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x">%p;]><quiz/>'
INCLUDE = (
    b'<quiz xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/></quiz>'
)


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return kept.getvalue()


def bomb() -> bytes:
    """A gigabyte of spaces in a few hundred kilobytes."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("items/q.xml", "w") as entry:
        for _ in range(1024):
            entry.write(b" " * MEGABYTE)
    return kept.getvalue()


def many_small() -> bytes:
    size = MAX_UNPACKED - 1024
    count = MAX_ALL_UNPACKED // size + 2
    return packed({f"i{n}.xml": ITEM + b" " * (size - len(ITEM)) for n in range(count)})


def encrypted() -> bytes:
    data = bytearray(packed({"q.xml": ITEM}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def lying() -> bytes:
    """Its directory says that a file is small."""
    data = bytearray(bomb())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(data)


@contextmanager
def bounded(megabytes: int = 64, seconds: float = 5) -> Iterator[None]:
    tracemalloc.start()
    try:
        with processor_seconds() as taken:
            yield
            assert taken() < seconds
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [LAUGHS, BLOWUP, OUTSIDE, REMOTE, PARAMETER])
@pytest.mark.parametrize("name", ["moodle_xml", "qti21", "qti30"])
def test_document_types_and_entities_are_refused(name: str, data: bytes) -> None:
    with bounded(), pytest.raises(Unreadable, match="document type"):
        FORMATS[name].read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<quiz>" * 100_000,
        b"<quiz>" + b"<a/>" * 300_000 + b"</quiz>",
        b"<quiz>" + b"<a>" * 100 + b"</a>" * 100 + b"</quiz>",
        b"<quiz",
        b"",
        b"\x00" * 1000,
        b'<?xml version="1.0" encoding="nonsense"?><quiz/>',
        b"<html/>",
        b"PK\x03\x04 and nothing more",
        b"%PDF-1.4",
        b"<quiz " + b" ".join(b'a%d="x"' % n for n in range(100_000)) + b">",
    ],
)
@pytest.mark.parametrize("name", ["moodle_xml", "qti21"])
def test_what_is_no_xml_of_the_format_is_refused(name: str, data: bytes) -> None:
    with bounded(megabytes=160), pytest.raises(Unreadable):
        FORMATS[name].read(data)


def test_nothing_is_included_from_elsewhere() -> None:
    assert FORMATS["moodle_xml"].read(INCLUDE) == []


@pytest.mark.parametrize("make", [bomb, lying, many_small, encrypted])
def test_archives_that_grow_or_hide_are_refused(make: object) -> None:
    assert callable(make)
    data = make()
    with bounded(megabytes=80), pytest.raises(Unreadable):
        FORMATS["qti21"].read(data)


@pytest.mark.parametrize(
    "name",
    ["../../etc/cron.d/x.xml", "/etc/passwd.xml", "a/../../x.xml", "..\\..\\x.xml", "C:\\x.xml", "\\\\host\\x.xml"],
)
def test_names_that_lead_out_of_an_archive_are_refused(name: str) -> None:
    with pytest.raises(Unreadable, match="leads out"):
        FORMATS["qti21"].read(packed({name: ITEM, "ok.xml": ITEM}))


@pytest.mark.parametrize("href", ["../secret.xml", "/etc/passwd", "items/../../x.xml", "%2e%2e/x.xml", "missing.xml"])
def test_a_manifest_names_what_is_in_the_archive_alone(href: str) -> None:
    manifest = f'<manifest><resources><resource type="imsqti_item_xmlv2p1" href="{href}"/></resources></manifest>'
    with pytest.raises(Unreadable):
        FORMATS["qti21"].read(packed({"imsmanifest.xml": manifest.encode(), "ok.xml": ITEM}))


def test_archives_within_bounds_are_read() -> None:
    items = FORMATS["qti21"].read(packed({"folder/a.xml": ITEM, "picture.png": b"x", "b.XML": ITEM}))
    assert [item.body["type"] for item in items] == ["single_choice", "single_choice"]
    assert FORMATS["qti30"].read(ITEM)[0].is_importable
    with pytest.raises(Unreadable):
        FORMATS["qti21"].read(packed({}))
    with pytest.raises(Unreadable):
        FORMATS["qti21"].read(packed({f"{n}": b"" for n in range(5001)}, zipfile.ZIP_STORED))
    with pytest.raises(Unreadable, match="version 1"):
        FORMATS["qti21"].read(b"<questestinterop/>")


@pytest.mark.parametrize("name", ["gift", "csv", "moodle_xml"])
def test_too_many_questions_are_refused(name: str) -> None:
    count = MAX_QUESTIONS + 1
    data = {
        "gift": "a {T}\n\n" * count,
        "csv": "type,prompt,content\n" + "essay,a,{}\n" * count,
        "moodle_xml": "<quiz>" + '<question type="essay"/>' * count + "</quiz>",
    }[name]
    with bounded(megabytes=100, seconds=20), pytest.raises(Unreadable, match="2000"):
        FORMATS[name].read(data.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        'type,prompt,content\n"essay',
        "type,prompt,content\nessay," + "x" * 2_000_000 + ",{}\n",
        "\x00" * 50,
    ],
)
def test_what_is_no_csv_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        FORMATS["csv"].read(text.encode())


@pytest.mark.parametrize(
    ("data", "name"),
    [(LAUGHS, "moodle_xml"), (OUTSIDE, "qti21"), (b"\xff\xfe\xff", "gift"), (b"a,b\n", "csv"), (b"\xc3\x28", "csv")],
)
def test_the_api_refuses_them_with_the_field_named(api: Api, data: bytes, name: str) -> None:
    bank = Bank(api)
    before = len(bank.rows(questions.select()))
    answer = bank.send("teacher", data, f"format={name}")
    assert answer.status == 422, answer.body
    assert answer.body["error"]["details"][0]["field"] == "file"
    assert len(bank.rows(questions.select())) == before


def test_the_api_refuses_bombs(api: Api) -> None:
    bank = Bank(api)
    for make in (bomb, many_small):
        assert bank.send("teacher", make(), "format=qti30").status in (413, 422)
    assert bank.send("teacher", packed({"../x.xml": ITEM}), "format=qti21").status == 422
    assert bank.send("teacher", b"x" * (17 * MEGABYTE), "format=gift").status == 413
