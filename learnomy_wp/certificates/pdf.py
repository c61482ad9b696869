"""The PDF of a certificate: text of any script that can be searched and copied, pictures and a QR code."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import Align

from learnomy_wp.certificates import fonts, layouts, pictures

Row = Mapping[str, Any]

MM_PER_POINT = 25.4 / 72
LEADING = 1.25
# A text too wide for its field is set smaller down to this share, then broken into lines.
SMALLEST = 0.5
QUIET_MODULES = 2


def draw(template: Row, texts: Mapping[str, str], *, issued_at: datetime, language: str) -> bytes:
    """A certificate as PDF. Raises `FontsMissing`."""
    page = _Page(template)
    page.pdf.set_title(f"{texts['course']}: {texts['recipient']}")
    page.pdf.set_author(texts["site"])
    page.pdf.set_creation_date(issued_at)
    page.pdf.set_lang(language.replace("_", "-"))
    fields = [{**layouts.DEFAULTS, **field} for field in template["layout"]["items"]]
    said = [{**field, "said": _said(field, layouts.text_of(field, texts))} for field in fields]
    signatures = [
        {name: _said(layouts.DEFAULTS, each.get(name) or "") for name in ("name", "role")}
        for each in template["signatures"] or [{"name": texts["instructor"]}]
    ]
    with tempfile.TemporaryDirectory(prefix="learnomy-fonts-") as folder:
        page.add_fonts(said, signatures, Path(folder))
        page.background()
        for field in said:
            page.field(field, texts, signatures)
        return bytes(page.pdf.output())


def _said(field: Row, text: str) -> str:
    return fonts.drawable(" ".join(text.split()), field["font"], field["bold"])


class _Page:
    """One page, and the fonts that it has by family and weight."""

    def __init__(self, template: Row) -> None:
        self.template, self.layout = template, template["layout"]
        self.width, self.height = layouts.page_of(template)
        self.pdf = FPDF(unit="mm", format=(self.width, self.height))
        self.pdf.set_auto_page_break(False)
        self.pdf.set_margin(0)
        self.pdf.c_margin = 0
        self.pdf.add_page()
        self.pdf.set_text_shaping(True)

    # -- fonts

    def add_fonts(self, fields: list[dict[str, Any]], signatures: list[dict[str, str]], folder: Path) -> None:
        """Give the page what its texts need, and no more."""
        texts: dict[tuple[str, bool], list[str]] = {("sans", False): [t for s in signatures for t in s.values()]}
        for field in fields:
            texts.setdefault((field["font"], field["bold"]), []).append(field["said"])
        further: dict[Path, set[int]] = {}
        for (family, bold), said in texts.items():
            codes = {ord(c) for text in said for c in text}
            self._add(f"{family}{int(bold)}", fonts.path_of(family, bold), codes, folder)
            for path, needed in fonts.fallbacks_for(said, family, bold).items():
                further.setdefault(path, set()).update(needed)
        names = [f"fallback{number}" for number in range(len(further))]
        for name, (path, codes) in zip(names, further.items(), strict=True):
            self._add(name, path, codes, folder)
        self.pdf.set_fallback_fonts(names, exact_match=False)

    def _add(self, name: str, path: Path, codes: set[int], folder: Path) -> None:
        file = folder / f"{name}.ttf"
        file.write_bytes(fonts.subset(path, codes))
        self.pdf.add_font(name, "", file)

    # -- what is drawn

    def background(self) -> None:
        """The picture behind everything, and the frame."""
        picture = pictures.load(self.template["background_url"])
        if picture is not None:
            self.pdf.image(io.BytesIO(picture), 0, 0, self.width, self.height)
        self.pdf.set_draw_color(self.layout["color"])
        for inset, line in {"none": [], "single": [(10, 1.0)], "double": [(9, 1.2), (12, 0.3)]}[self.layout["frame"]]:
            self.pdf.set_line_width(line)
            self.pdf.rect(inset, inset, self.width - 2 * inset, self.height - 2 * inset)

    def field(self, field: Row, texts: Mapping[str, str], signatures: list[dict[str, str]]) -> None:
        """One field, whatever its kind."""
        if field["kind"] == "qr":
            self.code(field, texts["verify_url"])
        elif field["kind"] == "logo":
            self.logo(field)
        elif field["kind"] == "line":
            self.pdf.set_fill_color(field["color"])
            self.pdf.rect(field["x"], field["y"], field["width"], field["height"], style="F")
        elif field["kind"] == "signatures":
            self.signatures(field, signatures)
        elif field["said"]:
            self.text(field)

    def text(self, field: Row) -> None:
        """A text within its width: smaller where it is too long, then on several lines."""
        name, size = f"{field['font']}{int(field['bold'])}", field["size"]
        self.pdf.set_text_color(field["color"])
        self.pdf.set_font(name, size=size)
        wide = self.pdf.get_string_width(field["said"])
        if wide > field["width"]:
            size = max(size * SMALLEST, size * field["width"] / wide * 0.99)
            self.pdf.set_font(name, size=size)
        self.pdf.set_xy(field["x"], field["y"])
        align = Align.coerce(layouts.ALIGNS[field["align"]])
        self.pdf.multi_cell(field["width"], size * MM_PER_POINT * LEADING, field["said"], align=align)

    def logo(self, field: Row) -> None:
        """The template's logo, as large as its field allows."""
        picture = pictures.load(self.template["logo_url"])
        if picture is not None:
            place = (field["x"], field["y"], field["width"], field["height"])
            self.pdf.image(io.BytesIO(picture), *place, keep_aspect_ratio=True)

    def code(self, field: Row, url: str) -> None:
        """The QR code of the address that verifies, on white."""
        rows = [bytes(row) for row in segno.make_qr(url, error="m").matrix]
        side = min(field["width"], field["height"])
        module = side / (len(rows) + 2 * QUIET_MODULES)
        self.pdf.set_fill_color("#ffffff")
        self.pdf.rect(field["x"], field["y"], side, side, style="F")
        self.pdf.set_fill_color("#000000")
        for down, row in enumerate(rows):
            y = field["y"] + (down + QUIET_MODULES) * module
            for start, length in _runs(row):
                x = field["x"] + (start + QUIET_MODULES) * module
                self.pdf.rect(x, y, length * module, module, style="F")

    def signatures(self, field: Row, signatures: list[dict[str, str]]) -> None:
        """Lines side by side with a name and a role below each."""
        known = [each for each in signatures if each["name"]]
        if not known:
            return
        step = field["width"] / len(known)
        self.pdf.set_draw_color(field["color"])
        self.pdf.set_line_width(0.3)
        for number, each in enumerate(known):
            x = field["x"] + number * step
            self.pdf.line(x + 2, field["y"], x + step - 2, field["y"])
            below = {**field, "x": x, "width": step, "font": "sans", "bold": False, "align": "center"}
            self.text({**below, "y": field["y"] + 1.5, "said": each["name"]})
            if each["role"]:
                self.text({**below, "y": field["y"] + 7.5, "said": each["role"], "size": field["size"] * 0.8})


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Where the dark modules of a row begin, and how many stand together."""
    found: list[tuple[int, int]] = []
    for place, dark in enumerate(row):
        if dark and found and sum(found[-1]) == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((place, 1))
    return found
