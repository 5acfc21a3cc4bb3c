"""Decimals that people and price lists write, and the whole picodollars that are booked.

Everything is exact: a float is refused, and a price that is no whole number of picodollars is rounded up,
so that rounding never books too little.
"""

from decimal import Context, Decimal, InvalidOperation

from router.types import DOLLAR, Picodollars

PICO = DOLLAR
"""Picodollars in a US dollar."""

MILLION = 10**6

_SEEN_AS_DOUBLE = Context(prec=15)
"""A double keeps 15 decimal digits; what a price list shows beyond them is noise from its own arithmetic."""


def picodollars_per_token(usd_per_million: str | Decimal | int) -> Picodollars:
    """Turn US dollars per million tokens, as a configuration writes them, into picodollars per token.

    Raises `ValueError` for what is no price: text that is no number, a negative or an infinite one.
    """
    return _whole(_decimal(usd_per_million), PICO // MILLION)


def from_usd_per_token(text: str | Decimal | int) -> Picodollars:
    """Turn US dollars per token, as price lists write them in JSON, into picodollars per token.

    Digits beyond the fifteenth are dropped first: `1.3200000000000002E-7` was meant as `1.32E-7`.
    Raises `ValueError` as `picodollars_per_token` does.
    """
    return _whole(_SEEN_AS_DOUBLE.plus(_decimal(text)), PICO)


def usd(picodollars: Picodollars) -> Decimal:
    """Return the amount in US dollars, exactly."""
    return Decimal(usd_text(picodollars))


def usd_text(picodollars: Picodollars) -> str:
    """Write the amount in US dollars exactly, without an exponent or idle zeros: `0.00000015`."""
    return _text(picodollars, 12)


def usd_per_million_text(picodollars: Picodollars) -> str:
    """Write a price of one token as US dollars per million tokens, exactly: `0.15`."""
    return _text(picodollars, 6)


def _text(amount: int, digits: int) -> str:
    whole, part = divmod(abs(amount), 10**digits)
    text = f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 else text


def _decimal(value: str | Decimal | int) -> Decimal:
    if isinstance(value, float):
        raise TypeError(f"A price must not be a float: {value!r} has lost its decimals already.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no price.") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{value!r} is no price.")
    if number and not -30 <= number.adjusted() <= 12:
        raise ValueError(f"{value!r} is no price anybody asks.")
    return number


def _whole(number: Decimal, factor: int) -> int:
    numerator, denominator = number.as_integer_ratio()
    return -(-numerator * factor // denominator)
