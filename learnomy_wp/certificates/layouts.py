"""What stands where on a certificate: the items of a template, the page it has without one, and the texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from learnomy_wp.kernel.hooks import Filter

Row = Mapping[str, Any]

# The fonts that an item may name; each takes letters that it lacks from others.
FAMILIES = ("sans", "serif")
# Millimetres, across and down.
SIZES = {"A4": (297.0, 210.0), "letter": (279.4, 215.9)}
ORIENTATIONS = ("landscape", "portrait")
FRAMES = ("none", "single", "double")
ALIGNS = {"left": "L", "center": "C", "right": "R"}
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
# Items that are a text of the certificate's own, and those that are drawn.
TEXTS = ("recipient", "course", "issued_on", "expires_on", "number", "site", "instructor", "verify_url")
DRAWN = ("qr", "logo", "line", "signatures")
KINDS = ("text", *TEXTS, *DRAWN)
DEFAULTS = {"size": 12.0, "font": "sans", "bold": False, "align": "center", "color": "#1f2937", "height": 10.0}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in dict(value).items()}


certificate_texts = Filter(
    "learnomy_certificate_texts",
    "The texts of a certificate's PDF by name, before it is drawn.",
    arguments=("certificate_id",),
    result=_texts,
)


def page_of(template: Row) -> tuple[float, float]:
    """Width and height of the page in millimetres."""
    across, down = SIZES[template["page_size"]]
    return (across, down) if template["orientation"] == "landscape" else (down, across)


def text_of(field: Row, texts: Mapping[str, str]) -> str:
    """What a field says; `{names}` in a text stand for the certificate's own."""
    if field["kind"] != "text":
        return texts.get(field["kind"], "")
    return _PLACEHOLDER.sub(lambda found: texts.get(found[1], found[0]), field.get("text") or "")


def standard(orientation: str = "landscape", page_size: str = "A4") -> dict[str, Any]:
    """The template of a certificate that has none."""
    width, height = page_of({"page_size": page_size, "orientation": orientation})
    left, wide = 25.0, width - 50.0
    unit = height / 210.0

    def row(kind: str, y: float, size: float, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "x": left, "y": y * unit, "width": wide, "height": size * 0.6, "size": size, **more}

    small = {"width": 80.0, "align": "left"}
    bottom = height - 48.0
    items = [
        row("site", 24, 16, color="#6b7280"),
        row("text", 38, 30, font="serif", bold=True, text="Certificate of Completion"),
        row("text", 66, 13, color="#6b7280", text="This certifies that"),
        row("recipient", 78, 32, font="serif", bold=True, color="#1e3a5f"),
        {"kind": "line", "x": width / 2 - 60, "y": 99 * unit, "width": 120.0, "height": 0.4, "color": "#b08d57"},
        row("text", 104, 13, color="#6b7280", text="has successfully completed"),
        row("course", 116, 22, bold=True),
        {**row("text", 0, 11, text="Issued on {issued_on}"), **small, "y": bottom + 6},
        {**row("expires_on", 0, 11), **small, "y": bottom + 13},
        {**row("number", 0, 8, color="#6b7280"), **small, "y": bottom + 20},
        {"kind": "signatures", "x": width / 2 - 40, "y": bottom + 8, "width": 80.0, "height": 18.0, "size": 11.0},
        {"kind": "logo", "x": left, "y": 22 * unit, "width": 40.0, "height": 24.0},
        {"kind": "qr", "x": width - left - 30, "y": bottom - 4, "width": 30.0, "height": 30.0},
    ]
    layout = {"frame": "double", "color": "#b08d57", "date_format": DATE_FORMATS[0], "items": items}
    return {
        "page_size": page_size,
        "orientation": orientation,
        "layout": layout,
        "signatures": None,
        "background_url": None,
        "logo_url": None,
    }
