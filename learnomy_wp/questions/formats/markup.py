"""XML and ZIP from strangers, read within bounds: no DTD, no entities, so many elements so deep, so many bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from learnomy_wp.questions.formats.base import MAX_BYTES, Unreadable

MAX_ELEMENTS = 200_000
MAX_DEPTH = 60
MAX_FILES = 5000
# Of one file of an archive, and of all that are read of it, unpacked.
MAX_UNPACKED = 4 * 1024 * 1024
MAX_ALL_UNPACKED = 64 * 1024 * 1024
_PIECE = 64 * 1024


class _Bounded(TreeBuilder):
    """Builds a tree, and stops where it grows too large."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self.count += 1
        self.depth += 1
        if self.count > MAX_ELEMENTS or self.depth > MAX_DEPTH:
            raise Unreadable("This XML has too many elements, or too many within each other.")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def parse(data: bytes) -> Element:
    """The root of a document. Raises `Unreadable`."""
    if len(data) > MAX_BYTES:
        raise Unreadable("This XML is too large.")
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
        root: Element = parser.close()
    except DefusedXmlException:
        raise Unreadable("This XML declares a document type or entities, which is not taken.") from None
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"This is no XML: {str(error)[:100]}") from None
    return root


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


class Archive:
    """A ZIP whose files are read one by one, in memory and up to a limit; nothing is unpacked to disk."""

    def __init__(self, data: bytes) -> None:
        """Raises `Unreadable` for what is no ZIP, is encrypted, has too many files or names that lead out of it."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise Unreadable("This is no ZIP archive.") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_FILES:
            raise Unreadable(f"An archive may have {MAX_FILES} files.")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if not _is_inside(entry.orig_filename) or not _is_inside(entry.filename):
                raise Unreadable("A name in this archive leads out of it.")
            if entry.flag_bits & 1:
                raise Unreadable("This archive is encrypted.")
            self._entries[entry.filename] = entry
        self._left = MAX_ALL_UNPACKED

    def names(self) -> Iterator[str]:
        """The files' names, in order."""
        return (name for name in self._entries if not name.endswith("/"))

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none. Raises `Unreadable`."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        try:
            with self._zip.open(entry) as source:
                data = source.read(MAX_UNPACKED + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
            raise Unreadable("A file of this archive cannot be unpacked.") from None
        self._left -= len(data)
        if len(data) > MAX_UNPACKED or self._left < 0:
            raise Unreadable("What this archive unpacks to is too large.")
        return data


def _is_inside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return not (name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in name)
