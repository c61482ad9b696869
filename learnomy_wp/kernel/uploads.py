"""Files that come with a request, as `multipart/form-data`: kept on disk, and read once the caller is known.

By the direct door a form stays unread until its endpoint's rule has let the caller through. The plugin's own
requests are signed with their bodies, so those are read before, in pieces.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

import flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from learnomy_wp.kernel import site
from learnomy_wp.kernel.errors import BadRequest, PayloadTooLarge, ValidationFailed

if TYPE_CHECKING:
    from learnomy_wp.kernel.call import Call

FIELD = "file"
FORM = "multipart/form-data"
# Where the plugin does not say what WordPress takes, as on the embedded default.
DEFAULT_BYTES = 64 * 1024 * 1024
# Bytes of a form beside its file: other fields, boundaries, headers of parts.
MAX_BESIDE = 256 * 1024
MAX_PARTS = 50
PIECE = 64 * 1024
_IN_MEMORY = 512 * 1024


@dataclass
class Upload:
    """One file: `filename` is the sender's word for it, and so is `content_type`; both may be anything."""

    filename: str
    content_type: str
    stream: IO[bytes]
    size: int

    @cached_property
    def sha256(self) -> str:
        """The hash of its bytes, in hex."""
        return digest_of(self.pieces())

    def pieces(self) -> Iterable[bytes]:
        """Its bytes from the start."""
        self.stream.seek(0)
        while piece := self.stream.read(PIECE):
            yield piece


@dataclass(frozen=True)
class Form:
    """What a form holds: its fields as text, and its file if it has one."""

    fields: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    def digest(self) -> bytes:
        """What the form says, however its boundary was chosen."""
        parts = [*sorted(self.fields.items())]
        if self.upload is not None:
            parts.append((self.upload.filename, self.upload.sha256))
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def max_bytes() -> int:
    """How large a file may be: as large as WordPress takes one."""
    told = (site.current().pairing.get("uploads") or {}).get("max_bytes")
    return int(told) if told else DEFAULT_BYTES


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form with a file."""
    return content_type.partition(";")[0].strip().lower() == FORM


def digest_of(pieces: Iterable[bytes]) -> str:
    """The SHA-256 of some pieces, in hex."""
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    return hashed.hexdigest()


def spool(source: IO[bytes]) -> tuple[IO[bytes], str]:
    """Keep a whole body aside; gives where, and its hash."""
    kept, hashed = _temporary(), hashlib.sha256()
    while piece := source.read(PIECE):
        hashed.update(piece)
        kept.write(piece)
    kept.seek(0)
    return kept, hashed.hexdigest()


def form_of(call: Call, incoming: flask.Request) -> Form:
    """The form of a call, read at the first time it is asked for.

    Raises `BadRequest`, `PayloadTooLarge`, and `ValidationFailed` where it holds more than one file.
    """
    if call.form is None:
        source = call.spool or (BytesIO(call.body) if call.body else incoming.stream)
        call.form = _parse(call, source)
    return call.form


def _parse(call: Call, source: IO[bytes]) -> Form:
    parser = FormDataParser(
        stream_factory=lambda *_args, **_more: _opened(call),
        max_form_memory_size=MAX_BESIDE,
        max_content_length=max_bytes() + MAX_BESIDE,
        max_form_parts=MAX_PARTS,
        silent=False,
    )
    try:
        _, fields, files = parser.parse(source, FORM, None, parse_options_header(call.content_type)[1])
    except RequestEntityTooLarge:
        raise PayloadTooLarge from None
    except ValueError:
        raise BadRequest("This form cannot be read.") from None
    found = [(name, one) for name, one in files.items(multi=True)]
    if len(found) > 1 or any(name != FIELD for name, _ in found):
        raise ValidationFailed.of(FIELD, f"Send one file, in the field {FIELD}.")
    texts = dict(fields.items())
    if not found:
        return Form(texts)
    part = found[0][1]
    size = part.stream.seek(0, 2)
    if size > max_bytes():
        raise PayloadTooLarge(f"A file may have {max_bytes()} bytes here; this one has {size}.")
    return Form(texts, Upload(part.filename or "", part.content_type or "", part.stream, size))


def _opened(call: Call) -> IO[bytes]:
    kept = _temporary()
    call.opened.append(kept)
    return kept


def _temporary() -> IO[bytes]:
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))
