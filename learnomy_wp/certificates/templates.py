"""Certificate templates: listing, adding, changing and archiving them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from learnomy_wp.certificates import layouts
from learnomy_wp.kernel import clock, db, pipeline, wordpress
from learnomy_wp.kernel.actor import Actor
from learnomy_wp.kernel.errors import Conflict, NotFound, ValidationFailed
from learnomy_wp.kernel.page import Filter, Listing, Page, Sort
from wp_schema.folding import sort_title
from wp_schema.tables import certificate_templates as templates

Row = dict[str, Any]
STATUSES = ("active", "archived")
IMAGES = ("background", "logo")

_INDEX = "zblog_lrn_certificate_templates_"
LISTING = Listing(
    select(templates),
    table=templates,
    key=templates.c.id,
    default="title",
    sorts={
        "title": Sort(templates.c.sort_title, index=f"{_INDEX}title"),
        "-created_at": Sort(templates.c.created_at, descending=True, index=f"{_INDEX}created"),
    },
    filters={"status": Filter(lambda value: templates.c.status == value)},
)
BY_ID = select(templates).where(templates.c.id == bindparam("id"))
LOCK = BY_ID.with_for_update()
ADD = insert(templates)
NO_DEFAULT = (
    update(templates)
    .where(templates.c.is_default.is_(True), templates.c.id != bindparam("but"))
    .values({templates.c.is_default: False})
)


def list_templates(query: Mapping[str, Any]) -> Page:
    """Templates in use, or with `status` the archived ones."""
    page = LISTING.page(query)
    return page.with_rows([complete(row) for row in page.rows])


def create_template(actor: Actor, body: Mapping[str, Any]) -> Row:
    """A new template. Raises `ValidationFailed`, and `Conflict` where two become the default at once."""
    columns = _columns_of(actor, body)
    now = clock.now()
    columns |= {"author_id": actor.id, "created_at": now, "updated_at": now}
    if columns.get("is_default"):
        db.execute(NO_DEFAULT, {"but": 0})
    template_id = db.insert_id(_written(ADD.values(**columns)))
    pipeline.locate(f"/certificate-templates/{template_id}")
    return find_template(template_id)


def update_template(actor: Actor, template_id: int, *, body: Mapping[str, Any]) -> Row:
    """Change a template, or archive it; an archived one is no default, and prints what was issued with it.

    Raises `PreconditionFailed`, `ValidationFailed`, `Conflict`.
    """
    columns = _columns_of(actor, body)
    before = db.row(LOCK, {"id": template_id})
    if before is None:
        raise NotFound("template")
    pipeline.check_version(before["version"])
    after = {**before, **columns}
    if after["status"] == "archived":
        if body.get("is_default"):
            raise ValidationFailed.of("is_default", "An archived template is no default.", "not_possible")
        columns["is_default"] = False
    changed = {name: value for name, value in columns.items() if before[name] != value}
    if changed:
        if changed.get("is_default"):
            db.execute(NO_DEFAULT, {"but": template_id})
        changed |= {"version": before["version"] + 1, "updated_at": clock.now()}
        _written(update(templates).where(templates.c.id == template_id).values(**changed))
    return find_template(template_id)


def find_template(template_id: int) -> Row:
    """One template as answers show it."""
    found = db.row(BY_ID, {"id": template_id})
    if found is None:
        raise NotFound("template")
    return complete(found)


def complete(row: Row) -> Row:
    """A row with the layout that it prints, its own or the standard one."""
    standard = layouts.standard(row["orientation"], row["page_size"])
    return {**row, "layout": row["layout"] or standard["layout"]}


def _columns_of(actor: Actor, body: Mapping[str, Any]) -> Row:
    """The columns that a body sets; WordPress may be asked about images, which ends a round."""
    columns = dict(body)
    if "title" in body:
        columns["sort_title"] = sort_title(body["title"])
    for image in IMAGES:
        if f"{image}_id" in body:
            columns[f"{image}_url"] = _image_url(actor, f"{image}_id", body[f"{image}_id"])
    return columns


def _image_url(actor: Actor, field: str, image_id: int | None) -> str | None:
    if image_id is None:
        return None
    url = wordpress.image_url(image_id, actor)
    if url is None:
        raise ValidationFailed.of(field, "There is no such image in the media library.", "unknown")
    return url


def _written(statement: Any) -> Any:
    try:
        return db.execute(statement)
    except IntegrityError:
        raise Conflict("Another template was made the default at the same moment. Try again.") from None
