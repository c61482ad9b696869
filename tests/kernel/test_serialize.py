"""The compiled dump gives what marshmallow's own dump gives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields

from learnomy_wp.kernel import envelope
from learnomy_wp.kernel.serialize import IdList, Matches, MoneyOut, Out, Time, compile_dump


class Inner(Out):
    name = fields.String(required=True)
    at = Time(allow_none=True)


class Outer(Out):
    id = fields.Integer()
    title = fields.String()
    is_free = fields.Boolean()
    rating = fields.Float(allow_none=True)
    price = fields.Nested(MoneyOut)
    created_at = Time()
    inner = fields.Nested(Inner, allow_none=True)
    inners = fields.List(fields.Nested(Inner))
    more = fields.Nested(Inner, many=True)
    words = fields.List(fields.String())
    renamed = fields.String(data_key="shown", attribute="hidden")
    fallback = fields.Integer(dump_default=7)


times = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
inner = st.fixed_dictionaries({"name": st.text(), "at": st.none() | times})
outer = st.fixed_dictionaries(
    {
        "id": st.integers(0, 2**63 - 1),
        "title": st.text(),
        "is_free": st.booleans(),
        "rating": st.none() | st.floats(0, 5),
        "price": st.fixed_dictionaries({"amount_minor": st.integers(0, 10**9), "currency": st.just("EUR")}),
        "created_at": times,
        "inner": st.none() | inner,
        "inners": st.lists(inner, max_size=3),
        "more": st.lists(inner, max_size=3),
        "words": st.lists(st.text(), max_size=3),
    },
    optional={"hidden": st.text(), "fallback": st.integers(0, 9), "unknown": st.text()},
)


@given(st.lists(outer, max_size=3))
def test_compiled_and_plain_dumps_are_equal(rows: list[dict[str, Any]]) -> None:
    plain = Outer(many=True).dump(rows)
    assert orjson.loads(envelope.dumps(compile_dump(Outer(many=True))(rows))) == orjson.loads(orjson.dumps(plain))


@given(outer)
def test_one_row(row: dict[str, Any]) -> None:
    compiled = orjson.loads(envelope.dumps(compile_dump(Outer())(row)))
    assert compiled == orjson.loads(orjson.dumps(Outer().dump(row)))


def test_times_end_with_z_and_have_no_fraction() -> None:
    at = datetime(2026, 6, 13, 10, 42, 0, 123456, tzinfo=UTC)
    assert envelope.dumps({"at": at}) == b'{"at":"2026-06-13T10:42:00Z"}'


def test_fields_select_inside_of_data() -> None:
    data = [{"id": 1, "title": "A", "price": {"amount_minor": 5, "currency": "EUR"}}]
    assert envelope.select_fields(data, "id,price.currency,nothing") == [{"id": 1, "price": {"currency": "EUR"}}]


@pytest.mark.parametrize(
    "given_time",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "0999-12-31T23:59:59Z", "5000-01-01T00:00:00Z"],
)
def test_a_time_that_some_engine_cannot_hold_is_refused(given_time: str) -> None:
    with pytest.raises(ValidationError, match="year"):
        Time().deserialize(given_time)


def test_a_time_is_utc_whatever_zone_it_is_written_in() -> None:
    assert Time().deserialize("2026-06-01T01:30:00+03:00") == datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    assert Time().deserialize("2026-06-01T01:30:00") == datetime(2026, 6, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("given_ids", ["0", "1,x", "-1", "9" * 19, "9" * 4999, "\u0663", ","])
def test_what_is_no_list_of_ids_is_refused(given_ids: str) -> None:
    with pytest.raises(ValidationError):
        IdList().deserialize(given_ids)


def test_a_pattern_is_about_the_whole_text() -> None:
    field = fields.String(validate=Matches("^[a-z]{2}$"))
    assert field.deserialize("de") == "de"
    for wrong in ("de\n", "d", "deu"):
        with pytest.raises(ValidationError):
            field.deserialize(wrong)
