"""What the endpoints of certificate templates take and give."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from learnomy_wp.certificates import layouts
from learnomy_wp.certificates.templates import LISTING, STATUSES
from learnomy_wp.kernel.page import PageQuery
from learnomy_wp.kernel.serialize import Id, In, Line, Matches, Out, Time

MAX_ITEMS = 60
MAX_SIGNATURES = 4
_COLOR = Matches(r"#[0-9a-fA-F]{6}", error="Give a colour as #rrggbb.")


def _length(most: float, least: float = 0.0, **options: Any) -> fields.Float:
    return fields.Float(validate=validate.Range(least, most), allow_nan=False, **options)


class TemplateQuery(PageQuery):
    """Which templates, in what order."""

    sort = LISTING.sort_field()
    status = fields.String(load_default="active", validate=validate.OneOf(STATUSES))


class ItemIn(In):
    """One item: what it shows, where in millimetres from the upper left corner, and how."""

    kind = fields.String(required=True, validate=validate.OneOf(layouts.KINDS))
    text = fields.String(
        validate=validate.Length(1, 500),
        metadata={"description": f"For kind text; {{names}} stand for {', '.join(layouts.TEXTS)}."},
    )
    x = _length(300, required=True)
    y = _length(300, required=True)
    width = _length(300, 1, required=True)
    height = _length(300, 0.1)
    size = _length(120, 4, metadata={"description": "In points; set smaller where the text is too wide."})
    font = fields.String(validate=validate.OneOf(sorted(layouts.FAMILIES)))
    bold = fields.Boolean()
    align = fields.String(validate=validate.OneOf(sorted(layouts.ALIGNS)))
    color = fields.String(validate=_COLOR)

    @validates_schema
    def check_text(self, data: dict[str, object], **_options: object) -> None:
        """A text says something; no other kind is told what to say."""
        if data.get("kind") == "text" and "text" not in data:
            raise ValidationError("Missing data for required field.", "text")
        if data.get("kind") != "text" and "text" in data:
            raise ValidationError("Only an item of kind text has a text of its own.", "text")


class LayoutIn(In):
    """What stands on the page."""

    frame = fields.String(load_default="none", validate=validate.OneOf(layouts.FRAMES))
    color = fields.String(load_default="#b08d57", validate=_COLOR, metadata={"description": "Of the frame."})
    date_format = fields.String(load_default=layouts.DATE_FORMATS[0], validate=validate.OneOf(layouts.DATE_FORMATS))
    items = fields.List(fields.Nested(ItemIn), required=True, validate=validate.Length(1, MAX_ITEMS))


class SignatureIn(In):
    """Somebody who signs, by name."""

    name = Line(120, required=True)
    role = Line(120, allow_none=True)


class TemplateIn(In):
    """A new template."""

    title = Line(255, required=True)
    is_default = fields.Boolean(metadata={"description": "For courses that name none. One template is."})
    page_size = fields.String(validate=validate.OneOf(sorted(layouts.SIZES)))
    orientation = fields.String(validate=validate.OneOf(layouts.ORIENTATIONS))
    layout = fields.Nested(LayoutIn, allow_none=True, metadata={"description": "null = the standard one."})
    background_id = Id(allow_none=True, metadata={"description": "An image of the media library."})
    logo_id = Id(allow_none=True, metadata={"description": "An image of the media library."})
    signatures = fields.List(fields.Nested(SignatureIn), allow_none=True, validate=validate.Length(1, MAX_SIGNATURES))
    valid_days = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 36_500),
        metadata={"description": "How long certificates are valid where the course does not say; null = for good."},
    )


class TemplatePatch(TemplateIn):
    """Changes to a template."""

    title = Line(255)
    status = fields.String(validate=validate.OneOf(STATUSES), metadata={"description": "archived takes it out of use."})


class ItemOut(Out):
    """One item of the page."""

    kind = fields.String(required=True)
    text = fields.String(dump_default=None, allow_none=True)
    x = fields.Float(required=True)
    y = fields.Float(required=True)
    width = fields.Float(required=True)
    height = fields.Float(dump_default=layouts.DEFAULTS["height"])
    size = fields.Float(dump_default=layouts.DEFAULTS["size"])
    font = fields.String(dump_default=layouts.DEFAULTS["font"])
    bold = fields.Boolean(dump_default=layouts.DEFAULTS["bold"])
    align = fields.String(dump_default=layouts.DEFAULTS["align"])
    color = fields.String(dump_default=layouts.DEFAULTS["color"])


class LayoutOut(Out):
    """What stands on the page."""

    frame = fields.String(required=True)
    color = fields.String(required=True)
    date_format = fields.String(required=True)
    items = fields.List(fields.Nested(ItemOut), required=True)


class SignatureOut(Out):
    """Somebody who signs, by name."""

    name = fields.String(required=True)
    role = fields.String(dump_default=None, allow_none=True)


class TemplateOut(Out):
    """What certificates are printed with."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    is_default = fields.Boolean(required=True)
    page_size = fields.String(required=True)
    orientation = fields.String(required=True)
    layout = fields.Nested(LayoutOut, required=True)
    background_id = fields.Integer(required=True, allow_none=True)
    background_url = fields.String(required=True, allow_none=True)
    logo_id = fields.Integer(required=True, allow_none=True)
    logo_url = fields.String(required=True, allow_none=True)
    signatures = fields.List(fields.Nested(SignatureOut), required=True, allow_none=True)
    valid_days = fields.Integer(required=True, allow_none=True)
    created_at = Time(required=True)
    updated_at = Time(required=True)
