"""Backgrounds and logos: read from where WordPress keeps its uploads, made fit for a PDF once, and kept in memory."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image

from learnomy_wp.kernel import http, log, site

MAX_BYTES = 8 * 1024 * 1024
MAX_SIDE = 2600  # about 220 dots an inch on A4
MAX_PIXELS = 40_000_000
_QUALITY = 88
_UPLOADS = "/wp-content/uploads/"


def load(url: str | None) -> bytes | None:
    """A picture as JPEG, or PNG where parts are see-through; None where it cannot be had."""
    if not url:
        return None
    try:
        return _prepared(url)
    except (OSError, ValueError, Image.DecompressionBombError, http.OutboundRefused, http.OutboundFailed) as error:
        log.get().warning("certificate_picture_missing", url=url, error=str(error))
        return None


@lru_cache(maxsize=16)
def _prepared(url: str) -> bytes:
    path = _local(url)
    return _fitted(path.read_bytes() if path is not None else _fetched(url))


def _fetched(url: str) -> bytes:
    answer = http.fetch("GET", url, max_bytes=MAX_BYTES)
    if answer.status != 200:
        raise ValueError(f"the picture's address answers {answer.status}")
    return answer.body


def _local(url: str) -> Path | None:
    """The file of an upload, where this process sees WordPress's own folder."""
    root = str(site.current().pairing.get("abspath") or "")
    path = unquote(urlsplit(url).path)
    if not root or _UPLOADS not in path or not url.startswith((site.record().home, site.record().siteurl)):
        return None
    uploads = (Path(root) / _UPLOADS.strip("/")).resolve()
    found = (uploads / path.partition(_UPLOADS)[2]).resolve()
    return found if found.is_relative_to(uploads) and found.is_file() else None


def _fitted(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise ValueError("the picture has too many pixels")
        picture = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    kept = io.BytesIO()
    if picture.mode == "RGBA":
        picture.save(kept, "PNG")
    else:
        picture.save(kept, "JPEG", quality=_QUALITY)
    return kept.getvalue()
