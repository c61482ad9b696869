"""Slugs that are free: made from a title or chosen, numbered where another has it, safe under concurrency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import site
from learnomy_wp.kernel.errors import ValidationFailed
from wp_schema import slugs

T = TypeVar("T")

# How many numbers are tried in one query.
_BATCHES = ((2, 10), (11, 100), (101, 1000), (1001, 10000))
_TRIES = 10


def of_title(title: str, fallback: str) -> str:
    """The slug of a title, in the site's language; the fallback where nothing of it can stand in a slug."""
    return slugs.sanitize_title(title, site.record().locale) or fallback


@dataclass(frozen=True)
class Slugs:
    """The slugs of one kind of object: which are taken or reserved, and what a title without letters becomes."""

    find_taken: Callable[[list[str]], Iterable[str]]
    fallback: str
    is_reserved: Callable[[str], bool] = str.isdigit

    def free(self, wanted: str) -> str:
        """`wanted`, else `wanted-2` and so on, as WordPress numbers them."""
        if not self.is_reserved(wanted) and not list(self.find_taken([wanted])):
            return wanted
        for first, last in _BATCHES:
            candidates = [slugs.with_suffix(wanted, str(number)) for number in range(first, last + 1)]
            taken = set(self.find_taken(candidates))
            for candidate in candidates:
                if candidate not in taken:
                    return candidate
        raise ValueError(f"no number is free for the slug {wanted}")

    def insert(self, write: Callable[[str], T], title: str, chosen: str | None = None) -> T:
        """Write a new row under the slug that somebody chose, else under the first free one of its title.

        Raises `ValidationFailed` where the chosen one cannot be had.
        """
        if chosen is not None:
            slug = self.choose(chosen)
            return self.unless_taken(lambda: write(slug), slug)
        wanted = of_title(title, self.fallback)
        for attempt in range(_TRIES):
            slug = self.free(wanted)
            try:
                return write(slug)
            except IntegrityError:  # another request took it in between
                if attempt == _TRIES - 1 or not list(self.find_taken([slug])):
                    raise
        raise AssertionError("unreachable")

    def choose(self, given: str, current: str | None = None) -> str:
        """A slug that somebody chose, as it is kept. Raises `ValidationFailed` where it cannot be had."""
        slug = of_title(given, "")
        if slug == current:
            return slug
        if not slug or self.is_reserved(slug):
            raise ValidationFailed.of("slug", "A slug needs a letter, and some are reserved.", "reserved")
        if list(self.find_taken([slug])):
            raise _taken()
        return slug

    def unless_taken(self, write: Callable[[], T], slug: str) -> T:
        """Write under a chosen slug; another request may have taken it since. Raises `ValidationFailed`."""
        try:
            return write()
        except IntegrityError:
            if not list(self.find_taken([slug])):
                raise
            raise _taken() from None


def _taken() -> ValidationFailed:
    return ValidationFailed.of("slug", "Another one has this slug.", "taken")
