"""HTML as the elements of QTI, and back."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, SubElement

import nh3

from learnomy_wp.questions.formats.base import writable
from learnomy_wp.questions.formats.markup import local
from learnomy_wp.questions.types.base import Html

_NAMES = (
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img"
    " kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
)
_ALONE = "p div pre table ul ol dl blockquote hr h1 h2 h3 h4 h5 h6"
# What QTI's body takes of HTML; of that what stands on lines of its own; and what stands for the rest of what we keep.
KEPT = frozenset(_NAMES.split())
_BLOCKS = frozenset(_ALONE.split())
_VOID = frozenset(("br", "hr", "img", "col"))
_INSTEAD = dict.fromkeys(("section", "article", "figure", "figcaption", "header", "footer", "aside", "center"), "div")
_ATTRIBUTES = {
    "a": ("href",),
    "img": ("src", "alt", "width", "height"),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan"),
}


class _Builder(HTMLParser):
    """Puts the elements and texts of a piece of HTML below an element."""

    def __init__(self, root: Element) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = tag if tag in KEPT else _INSTEAD.get(tag, "span")
        given = {key: writable(value or "") for key, value in attrs if key in _ATTRIBUTES.get(tag, ())}
        if tag == "img":
            given.setdefault("alt", "")
        element = SubElement(self.open[-1], name, given)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and len(self.open) > 1:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        add_text(self.open[-1], writable(data))


def add_text(element: Element, text: str) -> None:
    """Append text to what is in an element."""
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def fill(element: Element, markup: str) -> Element:
    """Put HTML that was cleaned, and so is well nested, into an element."""
    builder = _Builder(element)
    builder.feed(str(Html().deserialize(markup)) if len(markup) <= 20_000 else markup)
    builder.close()
    return element


def has_blocks(element: Element) -> bool:
    """Whether anything in it stands on lines of its own."""
    return any(below.tag in _BLOCKS for below in element.iter() if below is not element)


def markup_of(
    element: Element,
    special: Callable[[Element], str | None] = lambda _element: None,
    *,
    without: Iterable[str] = (),
) -> str:
    """What is within an element as HTML that is safe to show.

    `special` gives the text that stands for an element that is none of HTML's, None where there is none.
    """
    return str(Html().deserialize(_inner(element, special, frozenset(without)))[:20_000])


def _inner(element: Element, special: Callable[[Element], str | None], without: frozenset[str]) -> str:
    parts = [html.escape(element.text or "", quote=False)]
    for below in element:
        name = local(below)
        if name not in without:
            told = special(below)
            parts.append(_whole(below, name, special, without) if told is None else told)
        parts.append(html.escape(below.tail or "", quote=False))
    return "".join(parts)


def _whole(element: Element, name: str, special: Callable[[Element], str | None], without: frozenset[str]) -> str:
    if name not in nh3.ALLOWED_TAGS:
        return _inner(element, special, without)
    given = "".join(f' {key}="{html.escape(value)}"' for key, value in element.attrib.items() if "}" not in key)
    if name in _VOID:
        return f"<{name}{given}>"
    return f"<{name}{given}>{_inner(element, special, without)}</{name}>"
