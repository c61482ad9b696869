"""Reading QTI 2.1, 2.2 and 3.0: single items, and packages with a manifest."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from learnomy_wp.questions.formats import qti_items
from learnomy_wp.questions.formats.base import Item, NotUnderstood, Unreadable, check_number
from learnomy_wp.questions.formats.markup import Archive, local, parse
from learnomy_wp.questions.formats.qti_names import humped

MANIFEST = "imsmanifest.xml"
_OLD = ("questestinterop", "assessment_meta")


def read(data: bytes) -> list[Item]:
    """The questions of a package, or of one item. Raises `Unreadable`."""
    items: list[Item] = []
    for name, root in _documents(data):
        kind = humped(local(root))
        item = Item(len(items) + 1)
        if kind in _OLD:
            raise Unreadable("This is QTI of version 1, which is not read here.")
        if kind == "assessmentItem":
            _fill(item, root)
        elif kind in ("assessmentTest", "assessmentStimulus"):
            item.is_left_out = True
            item.note("not_an_item", f"{name} is no question, and is left out.")
        else:
            raise Unreadable(f"{name or 'This file'} is no item of QTI.")
        items.append(item)
        check_number(len(items))
    if not items:
        raise Unreadable("There is no item of QTI in this archive.")
    return items


def _fill(item: Item, root: Element) -> None:
    try:
        item.body = qti_items.read_item(item, _plainly_named(root))
    except NotUnderstood as error:
        item.body = {"title": " ".join(root.get("title", "").split())[:255]}
        item.fail("not_understood", str(error))


def _plainly_named(root: Element) -> Element:
    """The same tree with the names of version 2, without namespaces."""
    for element in root.iter():
        name = local(element)
        is_ours = "imsqti" in element.tag or name.startswith("qti-")
        element.tag = humped(name) if is_ours else name
        if is_ours:
            given = {humped(key.rpartition("}")[2]): value for key, value in element.attrib.items()}
            element.attrib.clear()
            element.attrib.update(given)
    return root


def _documents(data: bytes) -> Iterator[tuple[str, Element]]:
    """The items of a package by its manifest, in its order; without one all its XML files."""
    if not data.startswith(b"PK"):
        yield "", parse(data)
        return
    archive = Archive(data)
    names = [name for name in archive.names() if name.lower().endswith(".xml")]
    manifest = next((name for name in names if posixpath.basename(name).lower() == MANIFEST), None)
    wanted = names
    if manifest is not None:
        wanted = _listed(parse(archive.read(manifest) or b""), posixpath.dirname(manifest))
    for name in wanted:
        found = archive.read(name)
        if found is None:
            raise Unreadable(f"The manifest names {name[:80]}, which is not in the archive.")
        yield name, parse(found)


def _listed(manifest: Element, folder: str) -> list[str]:
    found = []
    for resource in manifest.iter():
        href, kind = resource.get("href"), resource.get("type", "")
        if local(resource) == "resource" and href and kind.startswith("imsqti_item"):
            found.append(posixpath.normpath(posixpath.join(folder, unquote(href))))
        elif local(resource) == "resource" and href and kind.startswith("imsqti_xmlv1"):
            raise Unreadable("This is QTI of version 1, which is not read here.")
    if any(name.startswith(("..", "/")) for name in found):
        raise Unreadable("A name in this archive leads out of it.")
    return list(dict.fromkeys(found))
