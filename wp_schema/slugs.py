"""Slugs as WordPress makes them: `remove_accents`, `sanitize_title` and `_truncate_post_slug`."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

MAX_LENGTH = 200

# remove_accents() where taking the marks away is not enough.
_LETTERS = {
    "ª": "a", "º": "o", "Æ": "AE", "Ð": "D", "Ø": "O", "Þ": "TH", "ß": "s", "æ": "ae", "ð": "d", "ø": "o", "þ": "th",
    "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "\u0131": "i", "Ĳ": "IJ", "ĳ": "ij", "ĸ": "k", "Ŀ": "L", "ŀ": "l",
    "Ł": "L", "ł": "l", "ŉ": "n", "Ŋ": "N", "ŋ": "n", "Œ": "OE", "œ": "oe", "Ŧ": "T", "ŧ": "t", "\u017f": "s", "Ə": "E",
    "ǝ": "e", "€": "E", "£": "", "\u0251": "a",
}  # fmt: skip
# The marked letters it knows: Latin, Vietnamese and Pinyin. Others keep their marks.
_MARKED = re.compile("[À-ÿĀ-žƠơƯưǍ-ǜȘ-țẠ-ỹ]")
_GERMAN = {"Ä": "Ae", "ä": "ae", "Ö": "Oe", "ö": "oe", "Ü": "Ue", "ü": "ue", "ẞ": "SS", "ß": "ss"}
_DANISH = {"Æ": "Ae", "æ": "ae", "Ø": "Oe", "ø": "oe", "Å": "Aa", "å": "aa"}
_SERBIAN = {"Đ": "DJ", "đ": "dj"}
_BY_LOCALE = {"da_DK": _DANISH, "sr_RS": _SERBIAN, "bs_BA": _SERBIAN}

_TAG = re.compile(r"<(?!\s)[^>]*>?")
_LONE_PERCENT = re.compile(r"%(?![a-fA-F0-9]{2})")
_ENTITY = re.compile(r"&.+?;")
_FOREIGN = re.compile(r"[^%a-z0-9 _-]")
_SPACES = re.compile(" +")
_DASHES = re.compile(r"-+")


def _octets(letters: str) -> str:
    return "".join(
        letter if letter.isascii() else "".join(f"%{octet:02x}" for octet in letter.encode()) for letter in letters
    )


def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile("|".join(_octets(letter) for letter in letters))


# Spaces and dashes that become hyphens, and marks that vanish, in the order of sanitize_title_with_dashes().
_DASH_ENTITY = re.compile(r"&(?:nbsp|ndash|mdash|#8209|#160|#8211|#8212);|/")
_DASH = _any_of(
    "\u00a0\u2011\u2013\u2014\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
)
_DROPPED = _any_of(
    "\u00ad¡¿«»\u2039\u203a\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f•©®°…™\u00b4\u02ca\u0301\u0341\u0300\u0304\u030c"
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff\ufffc"
)
_TIMES = _octets("\u00d7")


def remove_accents(text: str, locale: str = "") -> str:
    """Letters with their marks taken off, as the site's language writes them."""
    text = unicodedata.normalize("NFC", text)
    if locale == "ca":
        text = text.replace("l·l", "ll")
    letters = _LETTERS | (_GERMAN if locale.startswith("de") else _BY_LOCALE.get(locale, {}))
    return "".join(letters[letter] if letter in letters else _unmark(letter) for letter in text)


def sanitize_title(title: str, locale: str = "") -> str:
    """A slug of up to 200 characters; empty where nothing of the title can stand in one.

    Letters of other scripts become percent-encoded octets in lower case.
    """
    text = _encode(_LONE_PERCENT.sub("", _TAG.sub("", remove_accents(title, locale))).lower())
    text = _DROPPED.sub("", _DASH_ENTITY.sub("-", _DASH.sub("-", text))).replace(_TIMES, "x")
    text = _FOREIGN.sub("", _ENTITY.sub("", text).replace(".", "-"))
    return _DASHES.sub("-", _SPACES.sub("-", text)).strip("-")


def with_suffix(slug: str, suffix: str) -> str:
    """`slug-suffix` within 200 characters, no encoded letter cut in two."""
    room = MAX_LENGTH - len(suffix) - 1
    if len(slug) > room:
        slug = _encode(unquote(slug), room) if "%" in slug else slug[:room]
    return f"{slug.rstrip('-')}-{suffix}"


def _unmark(letter: str) -> str:
    if not _MARKED.match(letter):
        return letter
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))


def _encode(text: str, length: int = MAX_LENGTH) -> str:
    """Mirrors utf8_uri_encode(): octets of non-ASCII letters, whole letters only."""
    encoded, used = [], 0
    for letter in text:
        piece = _octets(letter)
        used += len(piece)
        if used > length:
            break
        encoded.append(piece)
    return "".join(encoded)


def asked_for(text: str) -> str:
    """The slug that an address names: in lower case, letters of other scripts encoded again."""
    return _encode(text.lower())
