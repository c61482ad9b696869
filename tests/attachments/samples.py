"""The beginnings of files of many kinds, made here."""

from __future__ import annotations

import gzip
import io
import tarfile
import wave
import zipfile


def _zip(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return made.getvalue()


def _wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(100))
    return made.getvalue()


def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    return made.getvalue()


_PAD = bytes(64)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + _PAD + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + _PAD
ZIP = _zip("a.txt")
OFFICE = _zip("[Content_Types].xml", "word/document.xml")
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + _PAD
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PHP = b"<?php system($_GET['c']);"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
EXE = b"MZ\x90\x00" + bytes(100)
ELF = b"\x7fELF\x02\x01" + bytes(60)

# Name, content, and the type that WordPress gives it.
GOOD = [
    ("paper.pdf", PDF, "application/pdf"),
    ("photo.jpg", JPEG, "image/jpeg"),
    ("photo.JPEG", JPEG, "image/jpeg"),
    ("exif.jpg", b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00" + _PAD + b"\xff\xd9", "image/jpeg"),
    ("shot.png", PNG, "image/png"),
    ("move.gif", b"GIF89a" + _PAD, "image/gif"),
    ("small.webp", b"RIFF\x24\x00\x00\x00WEBPVP8 " + _PAD, "image/webp"),
    ("all.zip", ZIP, "application/zip"),
    ("essay.docx", OFFICE, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("table.xlsx", OFFICE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("free.odt", _zip("mimetype", "content.xml"), "application/vnd.oasis.opendocument.text"),
    ("old.doc", OLE, "application/msword"),
    ("talk.ppt", OLE, "application/vnd.ms-powerpoint"),
    ("song.mp3", b"ID3\x03\x00\x00\x00\x00\x00\x21" + _PAD, "audio/mpeg"),
    ("bare.mp3", b"\xff\xfb\x90\x44" + _PAD, "audio/mpeg"),
    ("song.m4a", b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00M4A mp42isom" + _PAD, "audio/mpeg"),
    ("film.mp4", MP4, "video/mp4"),
    ("film.mov", b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + _PAD, "video/quicktime"),
    (
        "film.webm",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + _PAD,
        "video/webm",
    ),
    ("speech.ogg", b"OggS\x00\x02" + _PAD, "audio/ogg"),
    ("speech.wav", _wav(), "audio/wav"),
    ("loss.flac", b"fLaC\x00\x00\x00\x22" + _PAD, "audio/flac"),
    ("letter.rtf", rb"{\rtf1\ansi hi}", "application/rtf"),
    ("pack.7z", b"7z\xbc\xaf'\x1c\x00\x04" + _PAD, "application/x-7z-compressed"),
    ("pack.gz", gzip.compress(b"hi", mtime=0), "application/x-gzip"),
    ("pack.tar", _tar(), "application/x-tar"),
    ("notes.txt", "Grüße, 世界\n".encode(), "text/plain"),
    ("wide.txt", "wide".encode("utf-16"), "text/plain"),
    ("sums.csv", b"a,b\n1,2\n", "text/csv"),
    ("captions.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n", "text/vtt"),
    # A page's code in a lesson about pages: text that is saved, never run.
    ("example.txt", PHP, "text/plain"),
]
# Name, content, and the code with which it is refused.
BAD = [
    ("shell.php", PHP, "type_not_allowed"),
    ("shell.phtml", PHP, "type_not_allowed"),
    ("shell.PhP5", PHP, "type_not_allowed"),
    ("shell.phar", PHP, "type_not_allowed"),
    ("shell.jpg.php", JPEG + PHP, "type_not_allowed"),
    ("shell.php.", PHP, "type_not_allowed"),
    ("shell.php ", PHP, "type_not_allowed"),
    ("shell.php\x00", PHP, "type_not_allowed"),
    ("shell.jpg\x00.php", PHP, "type_not_allowed"),
    ("shell.php/", PHP, "type_not_allowed"),
    (".htaccess", b"AddType application/x-httpd-php .jpg", "type_not_allowed"),
    ("picture.svg", SVG, "type_not_allowed"),
    ("page.html", HTML, "type_not_allowed"),
    ("page.xhtml", HTML, "type_not_allowed"),
    ("code.js", b"alert(1)", "type_not_allowed"),
    ("run.exe", EXE, "type_not_allowed"),
    ("run.sh", b"#!/bin/sh\nid\n", "type_not_allowed"),
    ("flash.swf", b"FWS\x06", "type_not_allowed"),
    ("noextension", PDF, "type_not_allowed"),
    ("", PDF, "type_not_allowed"),
    ("shell.jpg", PHP, "type_mismatch"),
    ("shell.png", PHP, "type_mismatch"),
    ("page.pdf", HTML, "type_mismatch"),
    ("page.gif", b"GIF" + HTML, "type_mismatch"),
    ("picture.png", SVG, "type_mismatch"),
    ("run.pdf", EXE, "type_mismatch"),
    ("run.zip", ELF, "type_mismatch"),
    ("photo.pdf", JPEG, "type_mismatch"),
    ("paper.jpg", PDF, "type_mismatch"),
    ("film.mp4", ZIP, "type_mismatch"),
    ("essay.docx", OLE, "type_mismatch"),
    ("binary.txt", bytes(range(256)), "type_mismatch"),
    ("binary.csv", ELF, "type_mismatch"),
    ("empty.pdf", b"", "empty"),
]
# What a file is called, and under which name it is given out.
NAMES = [
    ("../../../etc/passwd.pdf", "passwd.pdf"),
    ("..\\..\\windows\\win.pdf", "win.pdf"),
    ("/var/www/html/x.pdf", "x.pdf"),
    ("....//....//x.pdf", "x.pdf"),
    ("a b\tc\n.pdf", "a-b-c.pdf"),
    ('say "hi"; rm -rf $HOME.pdf', "say-hi-rm-rf-HOME.pdf"),
    ("shell.php.pdf", "shell.php_.pdf"),
    ("shell.phtml.tar.gz.pdf", "shell.phtml_.tar.gz.pdf"),
    ("version.1.2.pdf", "version.1.2.pdf"),
    ("photo\u202efdp.jpg.pdf", "photofdp.jpg.pdf"),
    ("Übung 3: Lösung.pdf", "Übung-3-Lösung.pdf"),
    ("課題.pdf", "課題.pdf"),
    ("-.pdf", "file.pdf"),
    ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
    ("%2e%2e%2fx.pdf", "2e2e2fx.pdf"),
    ("CON.pdf", "CON.pdf"),
    ("a\x00b.pdf", "ab.pdf"),
    ("=cmd|' /C calc'!A0.csv", "C-calcA0.csv"),
]
