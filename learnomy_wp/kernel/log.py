"""Structured logs: JSON lines, or a readable console on a terminal, with secrets taken out.

`begin` and `finish` bracket a request and write its one line. Everything logged in between
carries the request id and what was bound since.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

MASK = "[redacted]"
_DEPTH = 8
_SECRET_NAME = re.compile(
    r"authoriz|cookie|passw|passphrase|(?:^|[_-])pass(?:$|[_-])|secret|token|api[_-]?key|credential|signature|nonce"
    r"|private[_-]?key|(?:^|[_-])salt|session|otp|user_pass",
    re.IGNORECASE,
)
# Names that match above and hold no secret.
_PLAIN_NAME = re.compile(r"credential_kind|token_type|session_count", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"""\b(?i:bearer)\s+[\w.~+/=:-]{6,}                                         # an Authorization header
      | \b(?i:basic|digest)\s+(?=[A-Za-z0-9+/]*[A-Z0-9+/=])[\w+/=]{6,}
      | \beyJ[\w-]{6,}\.[\w-]+\.[\w-]*                                          # a JWT
      | \blrn_[\w-]{8,}                                                         # an API key
      | \bwhsec_[\w+/=-]{6,}                                                    # a webhook secret
      | \$(?:wp\$)?2[abxy]\$\d\d\$[./A-Za-z0-9]{20,} | \$(?:P|H)\$[./A-Za-z0-9]{20,} | \$generic\$[\w-]{10,}
      | \$argon2\w*\$[^\s"']+                                                   # password hashes
      | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                                         # user:password@ in an address
      | \bwordpress_(?:logged_in|sec)?_?[0-9a-f]{32}=[^\s;,"']+                 # a login cookie
      | (?<=[?&;\s"'])(?i:[\w-]*(?:token|secret|password|signature|nonce|api_key|key|pass))=[^\s&"';]+
    """,
    re.VERBOSE,
)


# What `begin` and `bind` add to every line of a request or job. structlog's own facts take a look at every variable.
_facts: ContextVar[Mapping[str, Any]] = ContextVar("learnomy_log_facts", default={})  # noqa: B039 - never changed in place
_renderer: Processor | None = None
_threshold = logging.INFO


def configure(level: str = "info", form: str = "auto") -> None:
    """Set up logging for this process: ours and that of the libraries, all to stderr."""
    global _renderer, _threshold
    is_console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        _merge_facts,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if is_console else _render
    number = logging.getLevelNamesMapping()[level.upper()]
    _renderer, _threshold = renderer, number
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_StderrLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


class _StderrLogger:
    """Writes whole lines at once, so that threads do not mix theirs."""

    def __init__(self, *_: Any) -> None:
        self._stream = sys.stderr

    def msg(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()

    debug = info = warning = error = critical = exception = log = msg


def _render(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(event, default=repr)


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger: `log.get().info("what_happened", course_id=3)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def bind(**facts: Any) -> None:
    """Add facts to every line of this request or job."""
    _facts.set({**_facts.get(), **facts})


def _merge_facts(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_facts.get(), **event}


def begin(**facts: Any) -> float:
    """Forget the facts of the request before and bind those of a new one; gives its start for `finish`."""
    _facts.set(facts)
    return time.perf_counter()


def finish(endpoint: str, status: int, started: float, **facts: Any) -> float:
    """Write the request's line; gives the seconds it took."""
    seconds = time.perf_counter() - started
    level = "error" if status >= 500 and status != 501 else "info"
    if _renderer is not None and _threshold <= (logging.ERROR if level == "error" else logging.INFO):
        event = {"endpoint": endpoint, "status": status, "ms": round(seconds * 1000, 1), **facts, "event": "request"}
        at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        # Without structlog's logger and processors, which cost this line more than its content.
        event = {**_facts.get(), **event, "level": level, "timestamp": at}
        _StderrLogger().msg(str(_renderer(None, level, redact(None, level, event))))
    _facts.set({})
    return seconds


# --- redaction -----------------------------------------------------------------------


def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor that masks credentials, whatever field or text they stand in."""
    return {key: _cleaned(key, value, _DEPTH) for key, value in event.items()}


def _cleaned(name: Any, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(name, str) and _is_secret(name):
        return MASK
    if isinstance(value, str):
        return _SECRET_TEXT.sub(MASK, value)
    if isinstance(value, bytes):
        return _SECRET_TEXT.sub(MASK, value.decode("utf-8", "backslashreplace"))
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {key: _cleaned(key, below, depth - 1) for key, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_item(below, depth - 1) for below in value]
    return _SECRET_TEXT.sub(MASK, str(value))


@lru_cache(maxsize=1000)
def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _PLAIN_NAME.fullmatch(name)


def _item(value: Any, depth: int) -> Any:
    """An item of a list; a pair whose first half is a header's name counts as one."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return [value[0], _cleaned(value[0], value[1], depth)]
    return _cleaned(None, value, depth)
