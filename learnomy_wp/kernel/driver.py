"""PyMySQL with a quicker way to read results: one loop for each result instead of objects for each value.

Half the time of a list was spent there. What comes out is what PyMySQL gives; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pymysql import converters, err
from pymysql.connections import MAX_PACKET_LEN, TEXT_TYPES, Connection, MySQLResult
from pymysql.constants import CR, FIELD_TYPE
from pymysql.protocol import EOFPacketWrapper, FieldDescriptorPacket, MysqlPacket

Decode = Callable[[bytes], Any]
# Fields, converters and description as PyMySQL has them, and one decoder for each column.
Described = tuple[list[Any], list[Any], tuple[Any, ...], list[Decode | None]]

_NULL = 251
_WIDTHS = {252: 2, 253: 3, 254: 8}
_EOF, _ERROR = 0xFE, 0xFF
_INTEGERS = {FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.INT24}
_UTF8 = {"utf8", "utf-8"}
_MOST_KNOWN = 1000
# What the raw column descriptions of a result say: a statement's are the same each time.
_known: dict[tuple[bytes, str], Described] = {}


class QuickConnection(Connection):  # type: ignore[misc]
    """A connection whose buffered results are read quickly."""

    _next_seq_id: int

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        if unbuffered:
            return super()._read_query_result(unbuffered=True)
        self._result = None
        result = QuickResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def read_payload(self) -> bytes:
        """The next packet's payload, which is neither an error nor out of sequence."""
        read, parts = self._rfile.read, []
        while True:
            try:
                header = read(4)
                size = header[0] | header[1] << 8 | header[2] << 16
                data: bytes = read(size)
            except (OSError, IndexError) as error:
                raise self._lost(str(error)) from error
            except BaseException:  # cut short in the middle of a packet: nothing more can be read here
                self._force_close()
                raise
            if header[3] != self._next_seq_id or len(data) < size:
                raise self._lost("packets out of order")
            self._next_seq_id = (self._next_seq_id + 1) & 255
            if size < MAX_PACKET_LEN:
                break
            parts.append(data)
        if parts:
            data = b"".join([*parts, data])
        if data[0] == _ERROR:
            MysqlPacket(data, self.encoding).raise_for_error()
        return data

    def _lost(self, why: str) -> err.OperationalError:
        self._force_close()
        return err.OperationalError(CR.CR_SERVER_LOST, f"Lost connection to MySQL server during query ({why})")


class QuickResult(MySQLResult):  # type: ignore[misc]
    """Reads column descriptions once for each statement, and rows without an object for each value."""

    connection: QuickConnection | None
    fields: list[Any]
    converters: list[Any]
    description: tuple[Any, ...]
    decoders: list[Decode | None]

    def _get_descriptions(self) -> None:
        connection = self.connection
        assert connection is not None
        packets = [connection.read_payload() for _ in range(self.field_count)]
        key = (b"\n".join(packets), connection.encoding)
        known = _known.get(key)
        if known is None:
            known = self._describe(connection, packets)
            if len(_known) > _MOST_KNOWN:
                _known.clear()
            _known[key] = known
        self.fields, self.converters, self.description, self.decoders = known
        connection.read_payload()  # the end of the descriptions

    def _describe(self, connection: QuickConnection, packets: list[bytes]) -> Described:
        fields = [FieldDescriptorPacket(packet, connection.encoding) for packet in packets]
        pairs = [_converter(field, connection) for field in fields]
        decoders = [_decoder(field.type_code, *pair) for field, pair in zip(fields, pairs, strict=True)]
        return fields, pairs, tuple(field.description() for field in fields), decoders

    def _read_rowdata_packet(self) -> None:
        connection, decoders = self.connection, self.decoders
        assert connection is not None
        rows: list[tuple[Any, ...]] = []
        while True:
            data = connection.read_payload()
            if data[0] == _EOF and len(data) < 9:
                break
            row: list[Any] = []
            at = 0
            for decode in decoders:
                length = data[at]
                at += 1
                if length >= _NULL:
                    if length == _NULL:
                        row.append(None)
                        continue
                    width = _WIDTHS[length]
                    length = int.from_bytes(data[at : at + width], "little")
                    at += width
                value = data[at : at + length]
                at += length
                row.append(value if decode is None else decode(value))
            rows.append(tuple(row))
        end = EOFPacketWrapper(MysqlPacket(data, connection.encoding))
        self.warning_count, self.has_next = end.warning_count, end.has_next
        self.connection = None
        self.affected_rows = len(rows)
        self.rows = tuple(rows)


def _converter(field: FieldDescriptorPacket, connection: QuickConnection) -> tuple[str | None, Any]:
    """Encoding and converter of a column, as PyMySQL chooses them."""
    encoding: str | None = "ascii"
    if field.type_code == FIELD_TYPE.JSON:
        encoding = connection.encoding
    elif field.type_code in TEXT_TYPES:
        encoding = None if field.charsetnr == 63 else connection.encoding
    convert = connection.decoders.get(field.type_code)
    return encoding, None if convert is converters.through else convert


def _decoder(type_code: int, encoding: str | None, convert: Any) -> Decode | None:
    """The two steps in one, with short cuts for what is most frequent."""
    if convert is None:
        if encoding is None:
            return None
        return bytes.decode if encoding in _UTF8 else lambda value: value.decode(encoding)
    if convert is int and type_code in _INTEGERS:
        return int
    if convert is converters.convert_datetime:
        return _datetime
    if encoding is None:
        return convert  # type: ignore[no-any-return]
    return lambda value: convert(value.decode(encoding))


def _datetime(value: bytes) -> Any:
    text = value.decode()
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # zero dates
        return converters.convert_datetime(text)
