"""Text folded the same way for every engine: what titles sort by and searches compare."""

from __future__ import annotations

import re
import unicodedata

SORT_LENGTH = 191
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")
_APART = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "\u0131": "i"}
)


def fold(text: str) -> str:
    """Case, accents and runs of white space taken away."""
    lowered = unicodedata.normalize("NFKD", text).casefold().translate(_APART)
    bare = "".join(character for character in lowered if not unicodedata.combining(character))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", bare)).strip()


def sort_title(title: str) -> str:
    """The value of a `sort_title` column: folded, and cut to what its index holds."""
    return fold(title)[:SORT_LENGTH].rstrip()


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return _WORD.findall(fold(text))


def search_text(*texts: str) -> str:
    """The value of a `search_text` column: a space before each folded word, so that ` word` finds its beginnings."""
    return "".join(f" {word}" for text in texts for word in words(text))
