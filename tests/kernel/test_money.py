"""Amounts are integers of minor units, whatever the currency's decimals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnomy_wp.kernel import money


@pytest.mark.parametrize(
    ("amount", "currency", "text", "shown"),
    [
        (4900, "EUR", "49.00", "€49.00"),
        (5, "USD", "0.05", "$0.05"),
        (0, "GBP", "0.00", "£0.00"),
        (490000000, "USD", "4900000.00", "$4,900,000.00"),
        (4900, "JPY", "4900", "¥4,900"),
        (49005, "KWD", "49.005", "KWD\u00a049.005"),
        (12345, "CLF", "1.2345", "CLF\u00a01.2345"),
        (-1999, "EUR", "-19.99", "-€19.99"),
        (100, "CHF", "1.00", "CHF\u00a01.00"),
    ],
)
def test_forms(amount: int, currency: str, text: str, shown: str) -> None:
    assert money.decimal_text(amount, currency) == text
    assert money.format_money(amount, currency) == shown
    assert money.to_minor(text, currency) == amount


@given(st.integers(1 - 10**15, 10**15 - 1), st.sampled_from(sorted(money.CURRENCIES)))
def test_nothing_is_lost_on_the_way(amount: int, currency: str) -> None:
    assert money.to_minor(money.decimal_text(amount, currency), currency) == amount


@pytest.mark.parametrize(
    "text", ["", "1,00", "1e3", "NaN", "Infinity", " 1", "1.", ".5", "0x10", "٣", "1.00000", "--1"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        money.to_minor(text, "EUR")


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(ValueError, match="JPY has 0 decimals"):
        money.to_minor("1.50", "JPY")
    assert money.to_minor("1.00", "JPY") == 1


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "EURO", "€"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="no ISO 4217 currency"):
        money.exponent(currency)
