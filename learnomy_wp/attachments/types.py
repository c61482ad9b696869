"""What kind of file something is, by its name and by its content; both must say the same, and be allowed.

The allowed kinds are WordPress's own list, as the plugin hands it over with every plugin's say in it. What a web
server, a browser or a desktop would run is refused whoever allows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import IO

import puremagic

from learnomy_wp.kernel import site
from learnomy_wp.kernel.errors import ValidationFailed


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HEAD_BYTES = 8192
MAX_NAME = 200
NEVER = _words(
    "php php3 php4 php5 php6 php7 php8 pht phtml phps phar inc htaccess htpasswd cgi pl py rb sh bash asp aspx jsp jspx"
    " exe com bat cmd msi scr dll vbs ps1 hta jar class js mjs htm html xhtml xht shtml shtm mht mhtml swf xml xsl"
)
# WordPress's own list, where the plugin hands over none.
DEFAULT_TYPES = {
    "jpg|jpeg|jpe": "image/jpeg",
    "gif": "image/gif",
    "png": "image/png",
    "bmp": "image/bmp",
    "tiff|tif": "image/tiff",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "heif": "image/heif",
    "wmv": "video/x-ms-wmv",
    "avi": "video/avi",
    "flv": "video/x-flv",
    "mov|qt": "video/quicktime",
    "mpeg|mpg|mpe": "video/mpeg",
    "mp4|m4v": "video/mp4",
    "ogv": "video/ogg",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "3gp|3gpp": "video/3gpp",
    "txt|asc|c|cc|h|srt": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ics": "text/calendar",
    "css": "text/css",
    "vtt": "text/vtt",
    "mp3|m4a|m4b": "audio/mpeg",
    "aac": "audio/aac",
    "wav": "audio/wav",
    "ogg|oga": "audio/ogg",
    "flac": "audio/flac",
    "mid|midi": "audio/midi",
    "wma": "audio/x-ms-wma",
    "mka": "audio/x-matroska",
    "rtf": "application/rtf",
    "pdf": "application/pdf",
    "tar": "application/x-tar",
    "zip": "application/zip",
    "gz|gzip": "application/x-gzip",
    "rar": "application/rar",
    "7z": "application/x-7z-compressed",
    "psd": "application/octet-stream",
    "doc": "application/msword",
    "pot|pps|ppt": "application/vnd.ms-powerpoint",
    "xla|xls|xlt|xlw": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ppsx": "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
    "odt": "application/vnd.oasis.opendocument.text",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "key": "application/vnd.apple.keynote",
    "numbers": "application/vnd.apple.numbers",
    "pages": "application/vnd.apple.pages",
}
# Extensions of one format: a file named by one of them must be recognised as any of them.
FORMATS = tuple(
    _words(names)
    for names in (
        "jpg jpeg jpe jfif",
        "gif",
        "png",
        "bmp dib",
        "tiff tif",
        "webp",
        "avif",
        "heic heif heics heifs",
        "ico",
        "psd",
        "svg",
        "mp4 m4v mov qt qtvr 3gp 3gpp 3g2 3gp2 m4a m4b f4a f4v",
        "mkv mka webm",
        "asf asx wmv wma wmx wax wm",
        "avi divx",
        "flv",
        "mpeg mpg mpe vob",
        "ogg oga ogv opus",
        "mp3 mpga",
        "aac",
        "wav x-wav",
        "flac",
        "mid midi",
        "rtf",
        "pdf",
        "tar",
        "gz gzip",
        "rar",
        "7z",
        # What is a ZIP archive inside, and what is an OLE one.
        "zip docx docm dotx dotm xlsx xlsm xlsb xltx xltm xlam pptx pptm ppsx ppsm potx potm ppam sldx sldm oxps xps"
        " odt odp ods odg odc odb odf key numbers pages epub",
        "doc xls xla xlt xlw ppt pot pps mpp wri",
    )
)
# MP4's sound goes by the same names as MP3 in WordPress's list.
MATROSKA = "application/x-matroska"
TEXTS = _words("txt asc c cc h srt csv tsv ics rtx css vtt dfxp md json")
HOSTILE = _words("exe dll html htm svg sys drv scr com class jar swf")
MARKUP = re.compile(rb"\s*(<\?|<%|<!doctype|<html|<head|<body|<script|<svg|<!--|#!)", re.IGNORECASE)
_UNSAFE = re.compile(r"""[?\[\]/\\=<>:;,'"&$#*()|~`!{}%+^\u2019\u00ab\u00bb\u201d\u201c]+""")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def allowed() -> Mapping[str, str]:
    """The types by extension that may be uploaded here."""
    told = (site.current().pairing.get("uploads") or {}).get("types") or DEFAULT_TYPES
    return _by_extension(tuple(sorted(told.items())))


@lru_cache(maxsize=8)
def _by_extension(told: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    found = {name.lower(): kind for names, kind in told for name in names.split("|")}
    return {name: kind for name, kind in found.items() if name not in NEVER}


def check(filename: str, stream: IO[bytes], field: str) -> tuple[str, str]:
    """A safe name for a file and its type. Raises `ValidationFailed` naming `field`."""
    name = safe_name(filename)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    kind = allowed().get(extension)
    if kind is None:
        raise ValidationFailed.of(field, "Files of this type may not be uploaded here.", "type_not_allowed")
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head:
        raise ValidationFailed.of(field, "This file is empty.", "empty")
    if not is_of(extension, head):
        message = f"The content of this file is not that of a .{extension} file."
        raise ValidationFailed.of(field, message, "type_mismatch")
    return name, kind


def is_of(extension: str, head: bytes) -> bool:
    """Whether content that begins like this is what files of an extension hold."""
    if extension in TEXTS:
        return _is_text(head)
    recognised, kinds = _recognise(head)
    for names in FORMATS:
        if extension in names:
            return (
                bool(recognised & names) or ("mkv" in names and MATROSKA in kinds) or _is_sound(extension, recognised)
            )
    # Of a type that the site added: anything but what somebody's machine would run.
    return not (recognised & HOSTILE or MARKUP.match(head) or head.startswith(b"\x7fELF"))


def _is_sound(extension: str, recognised: set[str]) -> bool:
    return extension in ("mp3", "m4a", "m4b") and bool(recognised & {"mp3", "mpga", "m4a", "m4b", "f4a", "mp4"})


def _recognise(head: bytes) -> tuple[set[str], set[str]]:
    """The extensions and types of all formats that begin like this."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return set(), set()
    return {match.extension.lstrip(".").lower() for match in found}, {match.mime_type for match in found}


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return _CONTROL.search(head) is None


def safe_name(filename: str) -> str:
    """A file name that says what the sender's said, and that no file system or shell takes for anything else.

    As WordPress's `sanitize_file_name()`: no folders, no control characters, and no inner extension that a web
    server might go by.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", filename))[-1]
    name = re.sub(r"\s+", "-", name)
    name = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C")
    name = re.sub("-+", "-", _UNSAFE.sub("", name)).rstrip(".-_")
    *parts, extension = name.split(".")
    if not parts:
        return extension[:MAX_NAME]
    first, *inner = parts
    stem = ".".join([first.lstrip("-_"), *(_tamed(part) for part in inner)]).strip(".-") or "file"
    extension = extension[:20]
    return f"{stem[: MAX_NAME - len(extension) - 1]}.{extension}"


def _tamed(inner: str) -> str:
    """An inner extension as WordPress leaves it: none that some server knows and that may not be uploaded."""
    is_extension = re.fullmatch("[A-Za-z]{2,5}[0-9]?", inner) is not None
    return f"{inner}_" if is_extension and inner.lower() not in allowed() else inner
