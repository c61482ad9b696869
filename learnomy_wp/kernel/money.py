"""Money in minor units: an integer and an ISO 4217 currency, never a float."""

from __future__ import annotations

import re
from decimal import Decimal

# Currencies whose minor unit is not a hundredth (ISO 4217, list one).
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_TEN_THOUSANDTHS = "CLF UYW"
_HUNDREDTHS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP "
    "CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
    "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
    "TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_EXPONENTS = {
    **dict.fromkeys(_WHOLE.split(), 0),
    **dict.fromkeys(_THOUSANDTHS.split(), 3),
    **dict.fromkeys(_TEN_THOUSANDTHS.split(), 4),
}
CURRENCIES = frozenset({*_EXPONENTS, *_HUNDREDTHS.split()})
_SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "PHP": "₱",
    "PLN": "zł",
    "TRY": "₺",
    "TWD": "NT$",
    "UAH": "₴",
    "USD": "$",
    "VND": "₫",
}
_AMOUNT = re.compile(r"-?\d{1,15}(?:\.\d{1,4})?", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimals the currency has. Raises ValueError for an unknown one."""
    if currency not in CURRENCIES:
        raise ValueError(f"{currency!r} is no ISO 4217 currency")
    return _EXPONENTS.get(currency, 2)


def decimal_text(amount_minor: int, currency: str) -> str:
    """`4900, "EUR"` as `49.00`: what gateways and JSON-LD want."""
    decimals = exponent(currency)
    return format(Decimal(amount_minor).scaleb(-decimals), f".{decimals}f")


def to_minor(text: str, currency: str) -> int:
    """`49.00` as 4900. Raises ValueError where the currency has fewer decimals than the text."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{text!r} is no amount of money")
    minor = Decimal(text).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency} has {exponent(currency)} decimals, not as many as {text}")
    return int(minor)


def format_money(amount_minor: int, currency: str) -> str:
    """`490000, "EUR"` as `€4,900.00`; a currency without a well-known symbol is named by its code."""
    decimals = exponent(currency)
    number = format(Decimal(abs(amount_minor)).scaleb(-decimals), f",.{decimals}f")
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{_SYMBOLS.get(currency, currency + chr(0xA0))}{number}"
