"""Slugs that are free: made from a title, numbered where another has it, safe under concurrency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from learnomy_wp.kernel import site
from wp_schema import slugs

T = TypeVar("T")
FindTaken = Callable[[list[str]], Iterable[str]]

# How many numbers are tried in one query.
_BATCHES = ((2, 10), (11, 100), (101, 1000), (1001, 10000))
_TRIES = 10


def of_title(title: str, fallback: str) -> str:
    """The slug of a title, in the site's language; the fallback where nothing of it can stand in a slug."""
    return slugs.sanitize_title(title, site.record().locale) or fallback


def free(wanted: str, find_taken: FindTaken, is_reserved: Callable[[str], bool] = lambda _slug: False) -> str:
    """`wanted`, else `wanted-2` and so on, as WordPress numbers them."""
    if not is_reserved(wanted) and not list(find_taken([wanted])):
        return wanted
    for first, last in _BATCHES:
        candidates = [slugs.with_suffix(wanted, str(number)) for number in range(first, last + 1)]
        taken = set(find_taken(candidates))
        for candidate in candidates:
            if candidate not in taken:
                return candidate
    raise ValueError(f"no number is free for the slug {wanted}")


def insert_free(
    insert: Callable[[str], T],
    wanted: str,
    find_taken: FindTaken,
    is_reserved: Callable[[str], bool] = lambda _slug: False,
) -> T:
    """Insert a row under the first free slug; another request may take it in between."""
    for attempt in range(_TRIES):
        slug = free(wanted, find_taken, is_reserved)
        try:
            return insert(slug)
        except IntegrityError:
            if attempt == _TRIES - 1 or not list(find_taken([slug])):
                raise
    raise AssertionError("unreachable")
