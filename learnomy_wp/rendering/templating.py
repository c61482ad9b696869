"""Jinja templates of this package: autoescaped, and strict about what they are given."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from learnomy_wp.kernel import money
from learnomy_wp.rendering.wording import _, noted

LEVELS = {
    "beginner": noted("Beginner"),
    "intermediate": noted("Intermediate"),
    "advanced": noted("Advanced"),
    "all": noted("All levels"),
}


@cache
def environment() -> Environment:
    """The one environment of the process."""
    made = Environment(
        loader=PackageLoader("learnomy_wp.rendering"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = _
    made.filters["level"] = level
    made.filters["price"] = price
    made.filters["minutes"] = minutes
    made.filters["day"] = day
    return made


def render(name: str, **values: Any) -> str:
    """The HTML of a template."""
    return environment().get_template(name).render(**values)


def price(amount: dict[str, Any]) -> str:
    """An amount with its currency, or that it is free."""
    if not amount["amount_minor"]:
        return _("Free")
    return money.format_money(amount["amount_minor"], amount["currency"])


def decimal_price(amount: dict[str, Any]) -> str:
    """An amount as a plain decimal number, for machines."""
    return money.decimal_text(amount["amount_minor"], amount["currency"] or "EUR")


def minutes(total: int) -> str:
    """A duration as people say it."""
    hours, rest = divmod(int(total), 60)
    if not hours:
        return _("%s min", rest)
    return _("%1$s h %2$s min", hours, rest) if rest else _("%s h", hours)


def level(name: str) -> str:
    """How hard a course is, for people."""
    return _(LEVELS.get(name, name))


def day(at: datetime) -> str:
    """A date in ISO form, for `datetime` attributes."""
    return at.date().isoformat()
