"""A file as an answer: whole or in part, conditional, and never shown by a browser but saved.

By the plugin's doors an answer is signed, so a long one goes in pieces: `X-Learnomy-More` names the bytes that are
still to be asked for, and `X-Learnomy-Length` how many there are in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from flask import Request, Response
from werkzeug.http import http_date, parse_date

from learnomy_wp.kernel import answers, envelope
from learnomy_wp.kernel.errors import RangeNotSatisfiable

PIECE_BYTES = 4 * 1024 * 1024
READ_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.IGNORECASE)


@dataclass(frozen=True)
class File:
    """What is told of a file: its name, type, size, the hash of its content, and since when it is there."""

    name: str
    mime_type: str
    size: int
    sha256: str
    since: datetime

    @property
    def etag(self) -> str:
        return f'"{self.sha256[:32]}"'


def respond(file: File, path: Path, asked: Request, *, in_pieces: bool) -> Response:
    """The answer to a download; the file at `path` is opened when its bytes are sent. Raises `RangeNotSatisfiable`."""
    headers = _headers(file)
    if answers.is_unchanged(asked, file.etag):
        return Response(status=304, headers=headers)
    first, last, is_part = _wanted(file, asked)
    if is_part:
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    length = last - first + 1
    if in_pieces:
        headers["X-Learnomy-Length"] = str(length)
        if length > PIECE_BYTES:
            headers["X-Learnomy-More"] = f"{first + PIECE_BYTES}-{last}"
            length = PIECE_BYTES
    headers["Content-Length"] = str(length)
    return Response(_read(path, first, length), 206 if is_part else 200, headers, content_type=file.mime_type)


def _headers(file: File) -> dict[str, str]:
    return {
        "Content-Disposition": disposition(file.name),
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
        "Last-Modified": http_date(file.since),
        "Cache-Control": envelope.PRIVATE,
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def disposition(name: str) -> str:
    """`Content-Disposition` for a file to be saved under this name, whatever script it is in."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _wanted(file: File, asked: Request) -> tuple[int, int, bool]:
    """The first and the last byte, and whether they were asked for.

    Of several ranges, and of what is none, the whole file comes of it, as the specification allows.
    """
    whole = (0, file.size - 1, False)
    found = _RANGE.fullmatch(asked.headers.get("Range", "").strip())
    if found is None or asked.method != "GET" or not any(found.groups()) or not _is_same(file, asked):
        return whole
    begins, ends = found.groups()
    if not begins:
        first, last = max(0, file.size - int(ends)), file.size - 1
    else:
        first, last = int(begins), min(int(ends), file.size - 1) if ends else file.size - 1
        if ends and int(ends) < first:
            return whole
    if first >= file.size:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{file.size}"})
    return first, last, True


def _is_same(file: File, asked: Request) -> bool:
    """Whether `If-Range` names this content; a weak tag never does."""
    condition = asked.headers.get("If-Range", "").strip()
    if not condition:
        return True
    return condition == file.etag or parse_date(condition) == file.since.replace(microsecond=0)


def _read(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        source.seek(first)
        while length > 0 and (piece := source.read(min(READ_BYTES, length))):
            length -= len(piece)
            yield piece
