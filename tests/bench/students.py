"""A load of students, each on a connection of its own: plain HTTP/1.1 over asyncio, no retry, every time noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

ANSWER_SECONDS = 30.0


@dataclass
class Timed:
    """One request as it went."""

    kind: str
    status: int
    seconds: float
    late: float = 0.0


@dataclass
class Student:
    """One person with a session and a connection of its own."""

    host: str
    port: int
    token: str
    log: list[Timed]
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    attempt: dict[str, Any] = field(default_factory=dict)
    sent: dict[int, Any] = field(default_factory=dict)

    async def connect(self) -> None:
        """Open the connection that every request of this student uses."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    def close(self) -> None:
        """Hang up."""
        if self.writer is not None:
            self.writer.close()

    async def ask(self, kind: str, method: str, path: str, body: Any = None, *, late: float = 0.0) -> Any:
        """One request; its JSON, None where it failed. What went wrong is in the log."""
        if self.writer is None or self.writer.is_closing():
            await self.connect()
        began = time.perf_counter()
        try:
            status, answer = await asyncio.wait_for(self._exchange(method, path, body), ANSWER_SECONDS)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            status, answer = 0, b""
            self.close()
        self.log.append(Timed(kind, status, time.perf_counter() - began, late))
        return orjson.loads(answer) if 200 <= status < 300 else None

    async def _exchange(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        assert self.reader is not None
        assert self.writer is not None
        content = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} /wp-json/learnomy/v1{path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self.writer.write(head.encode() + content)
        await self.writer.drain()
        status = int((await self.reader.readuntil(b"\r\n")).split()[1])
        length, chunked = 0, False
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "transfer-encoding":
                chunked = "chunked" in value.lower()
        return status, await (self._chunks() if chunked else self.reader.readexactly(length))

    async def _chunks(self) -> bytes:
        assert self.reader is not None
        found = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            found += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
