"""Fonts for any script: found among the system's, and cut down to the letters that a certificate needs.

A whole font takes fpdf2 a fifth of a second to read where it holds Chinese; HarfBuzz cuts out what
one certificate needs in a millisecond, with all that shaping asks for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import uharfbuzz as hb

from learnomy_wp.kernel.errors import refusal

FontsMissing = refusal(
    "fonts_missing",
    "The server lacks fonts for certificates. Install fonts-noto-core, fonts-droid-fallback, fonts-nanum.",
)
FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
FILES = {
    "sans": {False: "NotoSans-Regular.ttf", True: "NotoSans-Bold.ttf"},
    "serif": {False: "NotoSerif-Regular.ttf", True: "NotoSerif-Bold.ttf"},
}
# Asked in this order for what a family lacks, then every other font of the kind.
FALLBACKS = (
    "NotoNaskhArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "NanumGothic.ttf",
)
# A space, the circle under lone marks, joiners: shaping may ask for them in any script.
_ALWAYS = frozenset({0x20, 0x25CC, 0x200C, 0x200D, 0x200E, 0x200F})
_LEFT_OUT = ("Cc", "Cs", "Co", "Cn")
_KEPT = 64


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*.ttf")):
            found.setdefault(path.name, path)
    return found


@lru_cache(maxsize=_KEPT)
def _face(path: Path) -> hb.Face:
    return hb.Face(hb.Blob.from_file_path(str(path)))


@lru_cache(maxsize=512)
def _covers(path: Path) -> frozenset[int]:
    return frozenset(hb.Face(hb.Blob.from_file_path(str(path))).unicodes)


def path_of(family: str, bold: bool) -> Path:
    """The file of a family. Raises `FontsMissing`."""
    found = _files().get(FILES[family][bold])
    if found is None:
        raise FontsMissing
    return found


def clean(text: str) -> str:
    """A text without what no font draws: controls, and what is no character."""
    plain = unicodedata.normalize("NFC", text)
    return "".join(c for c in plain if unicodedata.category(c) not in _LEFT_OUT)


def drawable(text: str, family: str, bold: bool) -> str:
    """A text without the characters for which the server has no font."""
    own = _covers(path_of(family, bold)) | _ALWAYS
    return "".join(c for c in clean(text) if ord(c) in own or _fallback_of(ord(c), bold) is not None)


def fallbacks_for(texts: Iterable[str], family: str, bold: bool) -> dict[Path, set[int]]:
    """Which further fonts texts of a family need, and for which characters."""
    own = _covers(path_of(family, bold))
    needed: dict[Path, set[int]] = {}
    for code in {ord(c) for text in texts for c in text} - own - _ALWAYS:
        found = _fallback_of(code, bold)
        if found is not None:
            needed.setdefault(found, set()).add(code)
    return needed


def subset(path: Path, codes: Iterable[int]) -> bytes:
    """A font with these characters and what shaping makes of them."""
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(_ALWAYS)
    wanted.unicode_set.update(codes)
    return bytes(hb.subset(_face(path), wanted).blob.data)


@lru_cache(maxsize=4096)
def _fallback_of(code: int, bold: bool) -> Path | None:
    found = next((path for path in _candidates() if code in _covers(path)), None)
    if found is None or not bold:
        return found
    stem = found.stem.removesuffix("-Regular")
    heavy = _files().get(f"{stem}-Bold.ttf") or _files().get(f"{stem}Bold.ttf")
    return heavy if heavy is not None and code in _covers(heavy) else found


def _candidates() -> Iterator[Path]:
    files = _files()
    yield from (files[name] for name in FALLBACKS if name in files)
    for name, path in files.items():
        if name.startswith("NotoSans") and name.endswith("-Regular.ttf") and name not in FALLBACKS:
            yield path
